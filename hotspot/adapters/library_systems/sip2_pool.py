"""The few connections that a SIP2 server allows us: shared, checked before they are used again, closed when idle."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hotspot.adapters.library_systems.sip2_connection import Connection
from hotspot.adapters.wire import Deadline, NoAnswer, Why

_TRUSTED_FOR = 5.0
"""Seconds: after so long without use a connection is asked how it is (99) before a card goes over it."""
_CHECK_TAKES = 1.0
"""Seconds at most for that."""


class Pool:
    """Those in use and those kept are never more than `size` together."""

    def __init__(self, size: int, idle_seconds: float, open_one: Callable[[Deadline], Connection]) -> None:
        self._open_one = open_one
        self._idle_seconds = idle_seconds
        self._places = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._kept: list[Connection] = []
        """The last used comes last, and is used first."""
        self._timer: threading.Timer | None = None
        self._is_closed = False

    @contextmanager
    def room(self, deadline: Deadline) -> Iterator[None]:
        """For one connection that is not from here."""
        with self._place(deadline):
            if (kept := self._last_kept()) is not None:
                kept.close()
            yield

    @contextmanager
    def connection(self, deadline: Deadline, *, fresh: bool = False) -> Iterator[Connection]:
        """Kept afterwards if nothing went wrong and its answers name their requests; else closed."""
        with self._place(deadline):
            found = self._last_kept()
            if found is not None and (fresh or not self._is_well(found, deadline)):
                found.close()
                found = None
            connection = found or self._open_one(deadline)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._keep(connection)

    def close(self) -> None:
        """Those in use are closed when they are given back."""
        with self._lock:
            self._is_closed = True
            kept, self._kept = self._kept, []
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for each in kept:
            each.close()

    @contextmanager
    def _place(self, deadline: Deadline) -> Iterator[None]:
        """NoAnswer if all are in use for too long."""
        if not self._places.acquire(timeout=deadline.left()):
            raise NoAnswer(Why.OUT_OF_TIME, "all connections are in use")
        try:
            yield
        finally:
            self._places.release()

    def _last_kept(self) -> Connection | None:
        """Whoever has a place takes one of those kept, to use or to close it: so there are never too many."""
        with self._lock:
            return self._kept.pop() if self._kept else None

    def _is_well(self, connection: Connection, deadline: Deadline) -> bool:
        if not connection.is_quiet():
            return False
        idle = time.monotonic() - connection.used_at
        if idle < _TRUSTED_FOR:
            return True
        if idle >= self._idle_seconds:
            return False
        try:
            connection.ask_status(deadline.sooner(min(_CHECK_TAKES, deadline.left() / 3)))
        except NoAnswer:
            return False
        return True

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if connection.echoes and not self._is_closed:
                self._kept.append(connection)
                self._watch()
                return
        connection.close()

    def _watch(self) -> None:
        """One timer, for the oldest of those kept. The lock is held."""
        if self._timer is None and self._kept and not self._is_closed:
            oldest = min(each.used_at for each in self._kept)
            self._timer = threading.Timer(max(0.05, oldest + self._idle_seconds - time.monotonic()), self._drop_idle)
            self._timer.daemon = True
            self._timer.start()

    def _drop_idle(self) -> None:
        before = time.monotonic() - self._idle_seconds
        with self._lock:
            idle = [each for each in self._kept if each.used_at <= before]
            self._kept = [each for each in self._kept if each.used_at > before]
            self._timer = None
            self._watch()
        for each in idle:
            each.close()
