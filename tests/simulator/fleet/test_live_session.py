"""Traffic that flows evenly, and when something is next to be done."""

import asyncio
from dataclasses import replace

import pytest

from simulator.fleet.live_session import LiveSession
from simulator.fleet.truth import TrueSession
from simulator.phones import Connection, Limits

BEGAN = 1_000.0
LIMITS = Limits(session_timeout=1800, idle_timeout=900)


def a_session(limits: Limits = LIMITS, rates: tuple[float, float] = (900.0, 100.0)) -> LiveSession:
    connection = Connection("somebody", "1", limits, BEGAN, BEGAN, BEGAN + 300)
    return LiveSession(connection, TrueSession("fleet-1", "square", "02", "1", "somebody", "", BEGAN, 1800), rates)


def test_octets_follow_the_seconds_awake() -> None:
    session = a_session()
    session.settle(BEGAN + 10)
    session.set_awake(BEGAN + 20, awake=False)
    session.settle(BEGAN + 500)

    assert (session.connection.download_octets, session.connection.upload_octets) == (18_000, 2_000)
    assert session.connection.last_traffic_at == BEGAN + 20


def test_a_phone_is_no_faster_than_it_may_be() -> None:
    session = a_session(replace(LIMITS, download_bps=800, upload_bps=80))
    session.settle(BEGAN + 10)

    assert (session.connection.download_octets, session.connection.upload_octets) == (1_000, 100)


def test_what_is_past_is_not_counted_again() -> None:
    session = a_session()
    session.settle(BEGAN + 10)
    session.settle(BEGAN + 5)

    assert session.connection.download_octets == 9_000


@pytest.mark.parametrize(
    ("limits", "next_interim", "moment"),
    [
        (LIMITS, 300, 300),
        (LIMITS, 9_999, 1800),
        (Limits(), 9_000, 9_000),
        (replace(LIMITS, terminate_at=BEGAN + 100), 300, 100),
        (replace(LIMITS, total_octets=50_000), 300, 50),
    ],
    ids=["interim", "session-timeout", "no limit", "a moment of the day", "volume"],
)
def test_the_earliest_of_all_is_next(limits: Limits, next_interim: float, moment: float) -> None:
    session = a_session(limits)
    session.connection.next_interim_at = BEGAN + next_interim

    assert session.next_at() == pytest.approx(BEGAN + moment, abs=0.1)


def test_only_a_phone_that_sleeps_is_idle() -> None:
    session = a_session()
    session.connection.next_interim_at = BEGAN + 9_999
    assert session.next_at() == BEGAN + 1800

    session.set_awake(BEGAN + 100, awake=False)
    assert session.next_at() == BEGAN + 1000


def test_the_volume_has_surely_been_reached_at_its_moment() -> None:
    session = a_session(replace(LIMITS, total_octets=33_333), rates=(123.4, 5.6))
    moment = session.next_at()
    session.settle(moment)

    assert session.connection.why_over(moment, moment) == "Session-Timeout"


def test_its_end_is_the_truth() -> None:
    async def end() -> LiveSession:
        session = a_session()
        session.wake_by(asyncio.get_running_loop().call_later(60, pytest.fail))
        session.settle(BEGAN + 10)
        session.finish(BEGAN + 10, "User-Request")
        return session

    truth = asyncio.run(end()).truth
    assert (truth.ended_at, truth.cause, truth.download_octets) == (BEGAN + 10, "User-Request", 9_000)
