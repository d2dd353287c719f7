"""Lanes: threads that answer what the loop has gathered, so that no request waits for another kind's back end.

While one batch is being answered the next one gathers: the slower the back end, the larger the batch. A lane that is
idle answers a lone request at once.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue
from time import perf_counter
from typing import Protocol

import structlog

from radius.messages import DiscardReason, Reply
from radius.protocol import Exchange

log = structlog.get_logger()

MOST_GATHERED = 4000
"""Beyond this many the lane's port is not read: what arrives waits in the socket, and the NAS tries again."""
MOST_IN_A_BATCH = 400
ENOUGH = 100
"""Requests: a batch of so many is not worth waiting for more."""
LINGER = 0.002
"""Seconds after a batch in which the next one may grow: under load few large batches cost less than many small ones.
A lone request does not wait."""
GOODBYE = 1.0
"""Seconds, at the most, that all of the people's threads together may take to stop."""


@dataclass(slots=True)
class Answers:
    """What came of a batch."""

    replies: list[tuple[Exchange, Reply]] = field(default_factory=list)
    silent: list[tuple[Exchange, DiscardReason]] = field(default_factory=list)


Handler = Callable[[Sequence[Exchange]], Answers]


class Lane(Protocol):
    """What the loop knows of one. All of it is called by the loop alone."""

    def gather(self, exchange: Exchange) -> None: ...

    def hand_over(self, now: datetime) -> None:
        """Begin with what has been gathered, if there is somebody idle."""
        ...

    def finished(self) -> Sequence[Answers]:
        """What has been answered since the last look."""
        ...

    @property
    def is_full(self) -> bool: ...

    @property
    def is_lingering(self) -> bool:
        """Something is gathered that will be handed over in a moment, though nobody rings."""
        ...

    @property
    def is_idle(self) -> bool:
        """Nothing is gathered and nothing is in work."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class BatchLane:
    """One batch at a time."""

    def __init__(self, name: str, handler: Handler, ring: Callable[[], None]) -> None:
        """`ring` wakes the loop."""
        self._handler = handler
        self._ring = ring
        self._gathered: list[Exchange] = []
        self._batches: SimpleQueue[Sequence[Exchange]] = SimpleQueue()
        self._answered: deque[Answers] = deque()
        self._in_work = False
        self._finished_at = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_full(self) -> bool:
        return len(self._gathered) >= MOST_GATHERED

    @property
    def is_idle(self) -> bool:
        return not self._in_work and not self._gathered

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._batches.put(())
        self._thread.join(timeout=5)

    def gather(self, exchange: Exchange) -> None:
        self._gathered.append(exchange)

    @property
    def is_lingering(self) -> bool:
        return not self._in_work and bool(self._gathered)

    def hand_over(self, now: datetime) -> None:  # noqa: ARG002 - of no matter here
        if self._in_work or not self._gathered:
            return
        if 1 < len(self._gathered) < ENOUGH and perf_counter() - self._finished_at < LINGER:
            return
        batch, self._gathered = self._gathered[:MOST_IN_A_BATCH], self._gathered[MOST_IN_A_BATCH:]
        self._in_work = True
        self._batches.put(batch)

    def finished(self) -> Sequence[Answers]:
        if not self._answered:
            return ()
        self._in_work = False
        self._finished_at = perf_counter()
        return (self._answered.popleft(),)

    def _run(self) -> None:
        while batch := self._batches.get():
            try:
                answers = self._handler(batch)
            except Exception:  # a fault of ours: silence, and the NAS asks again
                log.exception("batch_not_answered")
                answers = Answers(silent=[(each, DiscardReason.CANNOT_BE_RECORDED) for each in batch])
            self._answered.append(answers)
            self._ring()


class PeopleLane:
    """Several requests at a time, each alone: behind them are passwords, tables and other people's servers. What is not
    answered within `patience` is left unanswered, and the NAS asks its other server (RFC 2865 section 2.4)."""

    WORKERS = 6
    MOST_WAITING = 200

    def __init__(
        self,
        handler: Callable[[Exchange, datetime], Reply | DiscardReason],
        ring: Callable[[], None],
        patience: timedelta,
    ) -> None:
        self._handler = handler
        self._ring = ring
        self._patience = patience
        self._asked: SimpleQueue[Exchange | None] = SimpleQueue()
        self._answered: deque[tuple[Exchange, Reply | DiscardReason]] = deque()
        self._waiting: dict[Exchange, None] = {}
        """In the order of arrival."""
        self._late: list[tuple[Exchange, DiscardReason]] = []
        self._threads = [
            threading.Thread(target=self._run, name=f"people-{number}", daemon=True) for number in range(self.WORKERS)
        ]

    @property
    def is_full(self) -> bool:
        """Never: the port is shared with those who need no back end. What is too much is left unanswered at once."""
        return False

    @property
    def is_lingering(self) -> bool:
        return False

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._late

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Who is stuck in a back end is not waited for: nobody hears that answer any more."""
        self._waiting.clear()
        for _ in self._threads:
            self._asked.put(None)
        until = perf_counter() + GOODBYE
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - perf_counter()))

    def gather(self, exchange: Exchange) -> None:
        if len(self._waiting) >= self.MOST_WAITING:
            self._late.append((exchange, DiscardReason.BACK_END_TOO_SLOW))
            return
        self._waiting[exchange] = None
        self._asked.put(exchange)

    def hand_over(self, now: datetime) -> None:
        """Whose time is over is let go."""
        for exchange in list(self._waiting):
            if now - exchange.arrived_at < self._patience:
                return
            del self._waiting[exchange]
            self._late.append((exchange, DiscardReason.BACK_END_TOO_SLOW))

    def finished(self) -> Sequence[Answers]:
        if not self._answered and not self._late:
            return ()
        answers = Answers()
        answers.silent, self._late = self._late, []
        while self._answered:
            exchange, outcome = self._answered.popleft()
            if exchange not in self._waiting:
                continue  # too late: it has been left unanswered
            del self._waiting[exchange]
            if isinstance(outcome, DiscardReason):
                answers.silent.append((exchange, outcome))
            else:
                answers.replies.append((exchange, outcome))
        return (answers,)

    def _run(self) -> None:
        while (exchange := self._asked.get()) is not None:
            if exchange not in self._waiting:
                continue
            try:
                outcome = self._handler(exchange, exchange.arrived_at)
            except Exception:  # a fault of ours: silence, and the NAS asks again
                log.exception("request_not_answered")
                outcome = DiscardReason.CANNOT_BE_RECORDED
            self._answered.append((exchange, outcome))
            self._ring()
