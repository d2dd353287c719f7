"""What the RADIUS process does beside answering: keep the list of NASes fresh, write down who was heard."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.services.radius_clients import RadiusClientReader, note_heard, note_message_authenticator
from radius.messages import DiscardReason
from radius.protocol import RadiusProtocol

log = structlog.get_logger()

REFRESH_SECONDS = 2.0
"""A NAS that staff add or change is known after so long."""
NOTE_EVERY = timedelta(seconds=30)
_MOST_LOGGED = 20
_MOST_TALLIED = 1000
"""Reasons and sources counted apart between two turns: a flood from invented addresses must not fill the memory."""
_OTHERS = "others"


class Keeper:
    """A thread of its own, so that a slow database delays no packet more than its own answer."""

    def __init__(
        self, database: Database, reader: RadiusClientReader, protocol: RadiusProtocol, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._reader = reader
        self._protocol = protocol
        self._clock = clock
        self._stopped = threading.Event()
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._heard: dict[int, datetime] = {}
        self._discarded: Counter[tuple[DiscardReason, int | str]] = Counter()
        self._counting = threading.Lock()
        self._noted_at: datetime | None = None

    def start(self) -> None:
        self._thread.start()

    def is_loaded(self, seconds: float) -> bool:
        """Have the NASes been read, at the latest after so long?"""
        return self._loaded.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def heard(self, nas_ids: set[int], now: datetime) -> None:
        self._heard |= dict.fromkeys(nas_ids, now)

    def discarded(self, tally: Mapping[tuple[DiscardReason, int | str], int]) -> None:
        if not tally:
            return
        with self._counting:
            for (reason, whose), number in tally.items():
                is_room = (reason, whose) in self._discarded or len(self._discarded) < _MOST_TALLIED
                self._discarded[reason, whose if is_room else _OTHERS] += number

    def _run(self) -> None:
        while True:
            last = self._stopped.is_set()
            try:
                self.turn(write_all=last)
            except Unavailable as error:
                log.warning("nases_not_refreshed", dependency=error.dependency)
            except Exception:  # the thread must outlive a fault: without it no NAS could be added
                log.exception("nases_not_refreshed")
            if last:
                return
            self._stopped.wait(REFRESH_SECONDS)

    def turn(self, *, write_all: bool = False) -> None:
        """Write down what was learned, then read the NASes again."""
        self._log_discards()
        now = self._clock()
        latched = set(self._protocol.latched)
        heard: dict[int, datetime] = {}
        if write_all or self._noted_at is None or now - self._noted_at >= NOTE_EVERY:
            heard, self._heard = self._heard, {}
            self._noted_at = now
        if latched or heard:
            with self._database.transaction() as db:
                if latched:
                    note_message_authenticator(db, latched)
                note_heard(db, dict(heard))
        with self._database.reading() as db:
            self._protocol.clients = self._reader.read(db)
        self._protocol.latched -= latched  # the table says so now
        self._loaded.set()

    def _log_discards(self) -> None:
        with self._counting:
            discarded, self._discarded = self._discarded, Counter()
        for (reason, whose), number in discarded.most_common(_MOST_LOGGED):
            named = {"nas_id": whose} if isinstance(whose, int) else {"source": whose}
            log.warning("packets_discarded", reason=reason.value, number=number, **named)
