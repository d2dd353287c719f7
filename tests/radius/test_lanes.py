"""Lanes: one batch at a time, the next one gathers; people's requests each alone and never longer than they may."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from radius.lanes import ENOUGH, LINGER, MOST_GATHERED, MOST_IN_A_BATCH, Answers, BatchLane, PeopleLane
from radius.messages import Accept, Acknowledge, DiscardReason, Reply
from radius.protocol import Exchange
from tests import factories
from tests.radius.conftest import eventually

NOW = factories.NOW
PATIENCE = timedelta(seconds=1.5)


def exchange(at: timedelta = timedelta(0)) -> Exchange:
    nothing: Any = None
    return Exchange(nothing, nothing, NOW + at, nothing, nothing)


class Gate:
    """A handler that waits until it is opened, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Exchange]] = []
        self.open = threading.Event()
        self.rung = 0

    def __call__(self, batch: Sequence[Exchange]) -> Answers:
        self.batches.append(batch)
        self.open.wait(5)
        return Answers(replies=[(each, Acknowledge()) for each in batch])

    def ring(self) -> None:
        self.rung += 1


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def lane(gate: Gate) -> Any:
    made = BatchLane("test", gate, gate.ring)
    made.start()
    yield made
    gate.open.set()
    made.stop()


def test_a_lone_request_is_answered_at_once(lane: BatchLane, gate: Gate) -> None:
    gate.open.set()
    asked = exchange()
    lane.gather(asked)
    lane.hand_over(NOW)

    (answers,) = eventually(lane.finished)

    assert answers.replies == [(asked, Acknowledge())]
    assert gate.rung == 1
    assert lane.is_idle


def test_while_one_batch_is_in_work_the_next_one_gathers(lane: BatchLane, gate: Gate) -> None:
    first, later = exchange(), [exchange() for _ in range(3)]
    lane.gather(first)
    lane.hand_over(NOW)
    for each in later:
        lane.gather(each)
        lane.hand_over(NOW)
    assert eventually(lambda: gate.batches) == [[first]]

    gate.open.set()
    eventually(lane.finished)
    eventually(lambda: lane.hand_over(NOW) or len(gate.batches) == 2)

    assert gate.batches[1] == later


def test_under_load_a_batch_lingers_a_moment_for_company_but_not_when_there_is_enough(
    lane: BatchLane, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open.set()
    lane.gather(exchange())
    lane.hand_over(NOW)
    eventually(lane.finished)
    monkeypatch.setattr("radius.lanes.perf_counter", lambda: lane._finished_at + LINGER / 2)

    for _ in range(ENOUGH - 1):
        lane.gather(exchange())
    lane.hand_over(NOW)
    assert lane.is_lingering

    lane.gather(exchange())
    lane.hand_over(NOW)
    assert eventually(lambda: len(gate.batches) == 2)


def test_a_batch_has_its_limit_and_a_full_lane_says_so(lane: BatchLane, gate: Gate) -> None:
    for _ in range(MOST_GATHERED):
        lane.gather(exchange())
    assert lane.is_full

    lane.hand_over(NOW)

    assert not lane.is_full
    assert eventually(lambda: [len(batch) for batch in gate.batches]) == [MOST_IN_A_BATCH]


def test_a_fault_leaves_its_batch_unanswered_and_the_lane_alive(gate: Gate) -> None:
    def broken(batch: Sequence[Exchange]) -> Answers:
        if not gate.batches:
            gate.batches.append(batch)
            raise ZeroDivisionError
        return Answers(replies=[(each, Acknowledge()) for each in batch])

    lane = BatchLane("test", broken, gate.ring)
    lane.start()
    asked = [exchange(), exchange()]
    for each in asked:
        lane.gather(each)
        lane.hand_over(NOW)
        (answers,) = eventually(lane.finished)
        gate.batches.append([each])
        assert bool(answers.silent) is (each is asked[0])
    lane.stop()


# ---- people ----


def people(handler: Callable[..., Reply | DiscardReason]) -> PeopleLane:
    lane = PeopleLane(handler, lambda: None, PATIENCE)
    lane.start()
    return lane


def test_each_person_is_answered_alone() -> None:
    opened = threading.Event()
    slow, quick = exchange(), exchange()
    lane = people(lambda each, _now: opened.wait(5) and Accept([]) if each is slow else Acknowledge())
    lane.gather(slow)
    lane.gather(quick)

    (answers,) = eventually(lane.finished)
    assert answers.replies == [(quick, Acknowledge())]

    opened.set()
    (answers,) = eventually(lane.finished)
    assert answers.replies == [(slow, Accept([]))]
    assert lane.is_idle
    lane.stop()


def test_who_waits_too_long_is_left_unanswered_and_a_late_answer_is_dropped() -> None:
    begun, opened = threading.Event(), threading.Event()

    def slow(*_: object) -> Reply:
        begun.set()
        opened.wait(5)
        return Accept([])

    lane = people(slow)
    asked = exchange()
    lane.gather(asked)
    begun.wait(5)
    lane.hand_over(NOW + PATIENCE - timedelta(milliseconds=1))
    assert lane.finished() == ()

    lane.hand_over(NOW + PATIENCE)
    (answers,) = lane.finished()
    assert answers.silent == [(asked, DiscardReason.BACK_END_TOO_SLOW)]

    opened.set()
    lane.stop()
    (answers,) = lane.finished()
    assert (answers.replies, answers.silent) == ([], [])


def test_a_crowd_is_turned_away_at_once() -> None:
    opened = threading.Event()
    lane = people(lambda *_: opened.wait(5) and Accept([]))
    for _ in range(PeopleLane.MOST_WAITING):
        lane.gather(exchange())
    last = exchange()
    lane.gather(last)

    (answers,) = lane.finished()

    assert answers.silent == [(last, DiscardReason.BACK_END_TOO_SLOW)]
    opened.set()
    lane.stop()


def test_a_fault_with_one_person_is_silence_for_that_one() -> None:
    def broken(*_: object) -> Reply:
        raise ZeroDivisionError

    lane = people(broken)
    asked = exchange()
    lane.gather(asked)

    (answers,) = eventually(lane.finished)

    assert answers.silent == [(asked, DiscardReason.CANNOT_BE_RECORDED)]
    lane.stop()


def test_stopping_does_not_wait_for_all_who_are_stuck_one_after_the_other() -> None:
    release = threading.Event()

    def stuck(_exchange: Exchange, _now: datetime) -> Reply:
        release.wait(30)
        return Accept([])

    lane = PeopleLane(stuck, lambda: None, PATIENCE)
    lane.start()
    for _ in range(PeopleLane.WORKERS + 10):
        lane.gather(exchange())

    began = time.monotonic()
    lane.stop()

    assert time.monotonic() - began < 3
    release.set()
