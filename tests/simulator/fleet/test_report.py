"""What the truth says of an installation."""

from collections import Counter

import pytest

from simulator.fleet.report import Report, Verdict, make_report, percentile
from simulator.fleet.truth import Occasion, SignIn, TrueSession, Truth

MAC = "02aabbccddee"


def a_truth() -> Truth:
    truth = Truth(0.0, 300, 20.0, ended_at=7200.0, seconds_of_ours=360.0)
    truth.counts["phones that came"] = 1
    return truth


def an_occasion(connected: float | None, *, shown: bool, unheard: bool = False) -> Occasion:
    return Occasion(MAC, 0.0, 1800, connected, connected, shown=shown, completed=shown, unheard=unheard)


def a_session(ended_at: float, cause: str = "Session-Timeout", limit_at: float = 1800.0) -> TrueSession:
    session = TrueSession("fleet-1", "square", MAC, "1", "somebody", "", 0.0, 1800)
    session.ended_at, session.cause, session.limit_at, session.limited_by = ended_at, cause, limit_at, "announcement"
    return session


def promise(report: Report, words: str) -> Verdict:
    [found] = [each for each in report.promises if words in each.name]
    return found


@pytest.mark.parametrize(
    ("occasion", "kept"),
    [
        (an_occasion(None, shown=True), True),
        (an_occasion(None, shown=False), False),
        (an_occasion(1800, shown=True), True),
        (an_occasion(1741, shown=True), True),
        (an_occasion(1741, shown=False), True),
        (an_occasion(900, shown=False), True),
        (an_occasion(900, shown=True), False),
        (an_occasion(1500, shown=True), True),
        (an_occasion(2200, shown=False), False),
        (an_occasion(2200, shown=True), True),
        (an_occasion(900, shown=True, unheard=True), True),
    ],
    ids=[
        "the first one",
        "no first one",
        "to the second",
        "so early that nothing shorter is given",
        "a little early, and not shown",
        "not due and not shown",
        "a quarter of an hour early",
        "an interim early",
        "due for long",
        "shown late, after a break",
        "early, since an end was not heard",
    ],
)
def test_an_announcement_is_shown_when_it_is_due_give_or_take_an_interim(occasion: Occasion, *, kept: bool) -> None:
    truth = a_truth()
    truth.occasions.append(occasion)

    assert promise(make_report(truth), "announcements").kept is kept


def test_due_and_shown_are_counted() -> None:
    truth = a_truth()
    truth.occasions += [an_occasion(None, shown=True), an_occasion(1800, shown=True), an_occasion(100, shown=False)]
    figures = make_report(truth).figures["announcements"]

    assert (figures["due"], figures["shown"], figures["due and not shown"]) == (2, 2, 0)


@pytest.mark.parametrize(("ended_at", "kept"), [(1800, True), (2100, True), (2101, False)])
def test_a_session_may_be_one_interim_beyond_its_limit(ended_at: float, *, kept: bool) -> None:
    truth = a_truth()
    truth.sessions.append(a_session(ended_at))

    assert promise(make_report(truth), "limit").kept is kept


def test_cuts_tell_how_far_they_were_off_both_ways() -> None:
    truth = a_truth()
    truth.sessions += [a_session(1795), a_session(1802), a_session(900, "User-Request")]

    assert make_report(truth).figures["cuts"]["cut by announcement"] == {
        "sessions": 2,
        "seconds too late, worst": 2.0,
        "seconds too early, worst": 5.0,
        "seconds off, p50": 5.0,
    }


def test_a_session_that_used_up_its_octets_was_not_cut_too_early() -> None:
    truth, session = a_truth(), a_session(600)
    session.octets_over = 12
    truth.sessions.append(session)
    cuts = make_report(truth).figures["cuts"]

    assert cuts["cut by volume"] == {"sessions": 1, "octets too many, worst": 12}
    assert "cut by announcement" not in cuts


def test_one_error_of_accounting_breaks_the_promise() -> None:
    good, bad = Counter({"sessions compared": 9}), Counter({"sessions compared": 9, "error: another end": 1})

    assert make_report(a_truth(), good).is_kept
    assert not make_report(a_truth(), bad).is_kept
    assert len(make_report(a_truth()).promises) == len(make_report(a_truth(), good).promises) - 1


def test_time_to_online_is_of_those_that_came_online() -> None:
    truth = a_truth()
    truth.sign_ins += [SignIn(MAC, 0.0, seconds / 100, "online") for seconds in range(1, 101)]
    truth.sign_ins.append(SignIn(MAC, 0.0, 30.0, "503 Out of order"))
    figures = make_report(truth).figures["time to online"]

    assert (figures["seconds of machines, p50"], figures["seconds of machines, p99"]) == (0.51, 1.0)
    assert figures["attempts that failed"] == 1
    assert figures["  503 Out of order"] == 1


def test_a_simulator_that_is_late_says_so() -> None:
    truth = a_truth()
    truth.worst_lateness = 45.0

    assert not promise(make_report(truth), "in time").kept


def test_it_reads_as_text_and_as_json() -> None:
    truth = a_truth()
    truth.sessions.append(a_session(5000))
    report = make_report(truth)

    assert "BROKEN  no session goes on beyond its limit" in report.as_text()
    assert {"name", "kept", "detail"} == report.as_json()["promises"][0].keys()


def test_the_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([3.0], 0.99) == 3
