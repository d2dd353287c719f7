"""Facts of a NAS and what is found: each rule by its edges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hotspot.policy.nas_health import (
    Finding,
    FindingKind,
    NasFacts,
    Proof,
    Severity,
    State,
    diagnose,
    is_secret_wrong,
    is_silent,
    state_of,
)

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WRONG = {"message_authenticator_wrong": 2, "request_authenticator_wrong": 3}


def facts(**known: Any) -> NasFacts:
    return NasFacts(**{"now": NOW, "last_packet_at": NOW - MINUTE, **known})


def found(**known: Any) -> dict[FindingKind, Finding]:
    return {each.kind: each for each in diagnose(facts(**known))}


@pytest.mark.parametrize(
    ("known", "kinds"),
    [
        pytest.param({}, set(), id="well"),
        pytest.param({"last_packet_at": None}, {"never_heard"}, id="never heard"),
        pytest.param({"silence": HOUR}, set(), id="as long as may be"),
        pytest.param({"silence": HOUR + MINUTE}, {"silent"}, id="longer"),
        pytest.param({"silence": 2 * HOUR, "longest_silence": 3 * HOUR}, set(), id="usually quieter"),
        pytest.param(
            {"silence": 16 * MINUTE, "visitors": 2, "last_interim_at": NOW}, {"silent_with_visitors"}, id="visitors"
        ),
        pytest.param({"silence": 15 * MINUTE, "visitors": 2, "last_interim_at": NOW}, set(), id="visitors, in time"),
        pytest.param({"silence": 16 * MINUTE, "visitors": 2}, set(), id="visitors of one that never reports"),
        pytest.param({"silence": 2 * HOUR, "is_listened_to": False}, {"nobody_listens"}, id="our own silence"),
        pytest.param(
            {"last_packet_at": None, "wrong_secret_at": NOW, "discards": WRONG},
            {"secret_wrong"},
            id="wrong from the start",
        ),
        pytest.param(
            {"last_packet_at": NOW - HOUR, "wrong_secret_at": NOW, "discards": WRONG},
            {"secret_wrong"},
            id="wrong since",
        ),
        pytest.param(
            {"last_packet_at": NOW - HOUR, "wrong_secret_at": NOW, "discards": {"message_authenticator_wrong": 2}},
            set(),
            id="perhaps forged",
        ),
        pytest.param({"wrong_secret_at": NOW}, {"secret_wrong_at_times"}, id="now right, now wrong"),
        pytest.param({"wrong_secret_at": NOW - 2 * HOUR}, set(), id="put right"),
        pytest.param({"last_packet_at": NOW - 3 * DAY, "wrong_secret_at": NOW - 2 * DAY}, set(), id="long ago"),
        pytest.param({"discards": {"message_authenticator_missing": 1}}, {"proof_missing"}, id="proof missing"),
        pytest.param({"proof": Proof.NOT_REQUIRED}, {"proof_not_required"}, id="proof not required"),
        pytest.param({"proof": Proof.NOT_SEEN_YET}, {"proof_not_seen_yet"}, id="proof not seen"),
        pytest.param(
            {"proof": Proof.NOT_SEEN_YET, "last_packet_at": None}, {"never_heard"}, id="proof of one never heard"
        ),
        pytest.param({"discards": {"proxy_state_unprotected": 1}}, {"proxy_state_unprotected"}, id="proxy"),
        pytest.param({"discards": {"code_not_for_this_port": 1}}, {"wrong_port"}, id="ports exchanged"),
        pytest.param({"clock_offset": 5 * MINUTE}, set(), id="clock right enough"),
        pytest.param({"clock_offset": -6 * MINUTE}, {"clock_off"}, id="clock slow"),
        pytest.param({"clock_offset": 6 * MINUTE}, {"clock_off"}, id="clock fast"),
        pytest.param({"sessions_without_news": 1}, {"interim_never"}, id="no interim ever"),
        pytest.param({"sessions_without_news": 1, "last_interim_at": NOW}, {"interim_missing"}, id="interims missing"),
        pytest.param({"requests": 100, "repeats": 19}, set(), id="few repeats"),
        pytest.param({"requests": 1000, "repeats": 50}, set(), id="a small share of repeats"),
        pytest.param({"requests": 1000, "repeats": 51}, {"many_repeats"}, id="many repeats"),
        pytest.param({"discards": {"length_wrong": 1, "two_passwords": 1}}, {"malformed"}, id="malformed"),
        pytest.param({"discards": {"database_away": 3}}, {"ours_away"}, id="ours"),
        pytest.param({"discards": {"already_in_work": 3}}, set(), id="a repeat is no more than that"),
        pytest.param({"change_refused_at": NOW}, {"coa_refused"}, id="CoA refused"),
        pytest.param({"changes_unanswered": 2}, set(), id="CoA unanswered twice"),
        pytest.param({"changes_unanswered": 3}, {"coa_unanswered"}, id="CoA unanswered"),
    ],
)
def test_what_is_found(known: dict[str, Any], kinds: set[str]) -> None:
    assert set(found(**known)) == kinds


def test_findings_say_how_many_and_how_long() -> None:
    assert found(discards={"length_wrong": 1, "two_passwords": 2})[FindingKind.MALFORMED].number == 3
    assert found(last_packet_at=None, wrong_secret_at=NOW, discards=WRONG)[FindingKind.SECRET_WRONG].number == 5
    assert found(silence=2 * HOUR, last_packet_at=NOW - DAY)[FindingKind.SILENT].length == DAY
    assert found(requests=100, repeats=25)[FindingKind.MANY_REPEATS].number == 25
    refused = found(change_refused_at=NOW - HOUR, change_refused_because=501)[FindingKind.COA_REFUSED]
    assert (refused.number, refused.length) == (501, HOUR)
    slow = found(clock_offset=-6 * MINUTE)[FindingKind.CLOCK_OFF]
    assert (slow.number, slow.length) == (-1, 6 * MINUTE)


def test_the_gravest_comes_first() -> None:
    kinds = [each.severity for each in diagnose(facts(silence=DAY, proof=Proof.NOT_REQUIRED, clock_offset=HOUR))]

    assert kinds == [Severity.ALARM, Severity.CARE, Severity.NOTE]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, State.WELL),
        ({"proof": Proof.NOT_REQUIRED}, State.WELL),
        ({"discards": {"database_away": 1}}, State.WELL),
        ({"clock_offset": HOUR}, State.LOOK),
        ({"last_packet_at": None, "wrong_secret_at": NOW, "discards": WRONG}, State.LOOK),
        ({"silence": DAY, "clock_offset": HOUR}, State.SILENT),
        ({"last_packet_at": None}, State.SILENT),
    ],
)
def test_the_state_at_a_glance(known: dict[str, Any], state: State) -> None:
    assert state_of(diagnose(facts(**known))) is state


def test_what_wakes_somebody() -> None:
    assert is_silent(facts(silence=DAY))
    assert not is_silent(facts(last_packet_at=None))
    assert not is_silent(facts(silence=DAY, is_listened_to=False))
    assert is_secret_wrong(facts(last_packet_at=NOW - HOUR, wrong_secret_at=NOW, discards=WRONG))
    assert not is_secret_wrong(facts(wrong_secret_at=NOW))
