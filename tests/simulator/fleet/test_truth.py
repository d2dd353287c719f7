"""The simulator's own books, and what a phone knows of its rights by them."""

from pathlib import Path

from simulator.fleet.config import FleetSite, Promise
from simulator.fleet.truth import Occasion, SignIn, Told, TrueSession, Truth, read_truth
from simulator.fleet.visits import Rights

SQUARE = FleetSite("square", (Promise("one_tap", visit_seconds=7200, announcement_every=1800),))


def a_session(started_at: float, ended_at: float | None = None, **others: object) -> TrueSession:
    session = TrueSession("fleet-1", "square", "02aabbccddee", "1", "somebody", "", started_at, 1800)
    session.ended_at, session.announcement_every = ended_at, 1800
    for name, value in others.items():
        setattr(session, name, value)
    return session


def test_it_can_be_kept_and_read_again(tmp_path: Path) -> None:
    truth = Truth(1000.0, 300, 20.0, sessions=[a_session(1000, 2000, told=[Told(1, 0, 0, 0, answered=True)])])
    truth.occasions.append(Occasion("02aabbccddee", 1000.0, 1800, None, None, shown=True))
    truth.sign_ins.append(SignIn("02aabbccddee", 1000.0, 0.2, "online"))
    truth.counts["packets lost"] += 2
    truth.facts.append(("seconds", 1.5))
    truth.waits["Access-Request"] = [0.01]
    truth.write(tmp_path / "truth.json")

    assert read_truth(tmp_path / "truth.json") == truth


def test_the_server_may_hold_the_last_answered_record_or_one_whose_answer_was_lost() -> None:
    start, interim, stop = Told(1, 0, 0, 0, answered=True), Told(3, 300, 9, 1, answered=True), Told(2, 400, 12, 2)
    session = a_session(0, 400, told=[start, interim, stop])

    assert session.acceptable == [interim, stop]


def test_where_nothing_was_answered_anything_told_will_do() -> None:
    told = [Told(1, 0, 0, 0), Told(2, 40, 5, 5)]

    assert a_session(0, 40, told=told).acceptable == told


def test_no_announcement_seen_is_unlike_none_for_a_while() -> None:
    rights = Rights(sessions=[a_session(0, 600)])

    assert rights.connected(900) is None
    rights.seen_at = 0
    assert rights.connected(900) == 600


def test_connection_counts_from_the_announcement_on_and_until_now() -> None:
    rights = Rights(sessions=[a_session(0, 600), a_session(1000)], seen_at=100)

    assert rights.connected(1500) == 500 + 500


def test_minutes_at_two_gateways_are_connection_once() -> None:
    rights = Rights(sessions=[a_session(0, 900, left_at=300), a_session(300, 1000)], seen_at=0)

    assert rights.connected(2000) == 1000
    assert rights.connected(2000, present=True) == 1000


def test_what_a_gateway_counts_after_the_phone_has_gone_is_told_apart() -> None:
    rights = Rights(sessions=[a_session(0, 900, left_at=300)], seen_at=0)

    assert rights.connected(2000) == 900
    assert rights.connected(2000, present=True) == 300


def test_sessions_without_announcements_do_not_count_towards_one() -> None:
    rights = Rights(sessions=[a_session(0, 600, announcement_every=0)], seen_at=0)

    assert rights.connected(900) == 0


def test_the_earliest_promise_is_the_limit() -> None:
    rights, session = Rights(seen_at=90), a_session(100)
    visit = rights.visit(SQUARE, SQUARE.promises[0], 50)

    rights.set_limit(session, SQUARE, visit)
    assert (session.limited_by, session.limit_at) == ("announcement", 1900)

    closing = FleetSite("square", SQUARE.promises, closes_at=1000)
    rights.set_limit(session, closing, visit)
    assert (session.limited_by, session.limit_at) == ("closing", 1000)


def test_a_visit_goes_on_until_its_end_and_then_another_begins() -> None:
    rights = Rights()
    first = rights.visit(SQUARE, SQUARE.promises[0], 0)

    assert rights.visit(SQUARE, SQUARE.promises[0], 7199) is first
    assert rights.visit(SQUARE, SQUARE.promises[0], 7200).began_at == 7200


def test_an_end_that_no_answer_came_to_is_unheard() -> None:
    answered, lost = Told(2, 60, 0, 0, answered=True), Told(2, 60, 0, 0)

    assert not Rights(sessions=[a_session(0, 60, told=[answered])]).is_unheard(100)
    assert Rights(sessions=[a_session(0, 60, told=[lost])]).is_unheard(100)
    assert Rights(sessions=[a_session(0, 60, told=[answered], crashed=True)]).is_unheard(100)
