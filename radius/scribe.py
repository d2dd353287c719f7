"""Scribe: a thread that brings what waits in a journal into the database, in order, as soon as that is there."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from hotspot.errors import Unavailable
from radius.journal import Journal
from radius.metrics import JOURNAL

log = structlog.get_logger()

TRY_EVERY = 1.0
"""Seconds between two tries while the database is away."""
ADOPT_EVERY = 60
"""Tries between two looks for what a process that is no more has left."""


class Scribe:
    """One for each kind of batch."""

    def __init__(self, name: str, journal: Journal, write: Callable[[list[Any]], None]) -> None:
        """`write` raises Unavailable while the database is away, and bears being given the same batches twice."""
        self.journal = journal
        self._name = name
        self._write = write
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def keep(self, batch: Any, *, durable: bool) -> None:
        """In the journal; in the database soon. Unavailable("journal") if the disk takes nothing."""
        self.journal.append(batch, durable=durable)
        if not self._work.is_set():
            self._work.set()

    def stop(self) -> None:
        """What is there is written first, if it can be."""
        self._stopped.set()
        self._work.set()
        self._thread.join(timeout=5)
        self.journal.close()

    def _run(self) -> None:
        tries = 0
        while True:
            last = self._stopped.is_set()
            self._work.clear()
            self._turn()
            if last:
                return
            tries += 1
            if tries % ADOPT_EVERY == 0 and self.journal.adopt():
                log.info("journal_adopted", journal=self._name)
            (self._stopped if self._is_away else self._work).wait(TRY_EVERY)

    def _turn(self) -> None:
        try:
            number = 0 if self.journal.is_empty else self.journal.replay(self._write)
        except Unavailable as error:
            if not self._is_away:
                log.warning("journal_waits", journal=self._name, dependency=error.dependency)
            self._is_away = True
        except Exception:  # the thread must outlive a fault: what waits stays where it is
            log.exception("journal_waits", journal=self._name)
            self._is_away = True
        else:
            if self._is_away:
                log.info("journal_written", journal=self._name, batches=number)
            self._is_away = False
        JOURNAL.labels(self._name).set(self.journal.octets)


def write_what_can_be(
    write: Callable[[Sequence[Any]], None], items: Sequence[Any], refused: Callable[[Any], None]
) -> None:
    """All of them, or, where the database refuses one, all others: it must not keep its neighbours out.

    Unavailable is no refusal, and is passed on.
    """
    try:
        write(items)
    except Unavailable:
        raise
    except Exception as error:
        if len(items) == 1:
            log.error("cannot_be_recorded", error=type(error).__name__)
            refused(items[0])
            return
        middle = len(items) // 2
        write_what_can_be(write, items[:middle], refused)
        write_what_can_be(write, items[middle:], refused)
