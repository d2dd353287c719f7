"""What the packets teach about a NAS."""

from datetime import UTC, datetime, timedelta

from radius.learned import Learned
from radius.messages import DiscardReason, Door
from radius.protocol import Ask, Exchange
from tests.radius.packets import accounting, integer, signed, status
from tests.radius.test_protocol import PAP, SOURCE, protocol

NOW = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def exchange(request: bytes, door: Door = Door.ACCOUNTING) -> Exchange:
    step = protocol().receive(request, SOURCE, door, NOW)
    assert isinstance(step, Ask), step
    return step.exchange


def learned(*requests: bytes, door: Door = Door.ACCOUNTING) -> Learned:
    made = Learned()
    made.exchanges([exchange(request, door) for request in requests], NOW)
    return made


def test_the_two_ports_are_told_apart() -> None:
    asked = learned(signed(1, PAP), door=Door.AUTHENTICATION).heard[1]
    reported = learned(accounting(status(1))).heard[1]

    assert (asked.auth_at, asked.accounting_at, asked.address) == (NOW, None, "192.0.2.1")
    assert (reported.auth_at, reported.accounting_at, reported.interim_at) == (None, NOW, None)
    assert learned(accounting(status(3))).heard[1].interim_at == NOW


def test_a_clock_is_compared_with_the_moment_that_the_packet_is_about() -> None:
    fast = status(3, more=[(55, integer(SECONDS + 100)), (41, integer(20))])

    assert learned(accounting(fast)).heard[1].clock_offset_seconds == 120


def test_a_clock_that_stands_at_the_end_of_time_is_kept_as_far_off() -> None:
    assert learned(accounting(status(3, more=[(55, b"\xff" * 4)]))).heard[1].clock_offset_seconds == 2**31 - 1


def test_discards_are_counted_by_the_hour_and_a_wrong_secret_is_remembered() -> None:
    made = Learned()
    made.discarded(
        {(DiscardReason.REQUEST_AUTHENTICATOR_WRONG, 1): 3, (DiscardReason.UNKNOWN_NAS, "192.0.2.9"): 5}, NOW
    )

    assert made.discards == {(1, NOW.replace(minute=0), "request_authenticator_wrong"): 3}
    assert (made.heard[1].wrong_secret_at, made.heard[1].last_at) == (NOW, None)


def test_what_is_answered_again_or_still_in_work_is_a_repeat() -> None:
    made = learned(accounting(status(1)))
    made.repeats({1: 2}, NOW)
    made.discarded({(DiscardReason.ALREADY_IN_WORK, 1): 1}, NOW)

    assert (made.heard[1].requests, made.heard[1].repeats) == (4, 3)


def test_what_was_put_back_is_older() -> None:
    older, newer = learned(accounting(status(3))), Learned()
    later = NOW + timedelta(minutes=1)
    newer.exchanges([exchange(accounting(status(1)))], later)

    newer.put_back(older)

    heard = newer.heard[1]
    assert (heard.first_at, heard.last_at, heard.interim_at, heard.requests) == (NOW, later, NOW, 2)
