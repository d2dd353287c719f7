"""What the RADIUS process does beside answering: keep the list of NASes fresh, write down what the packets taught."""

import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import SourceKind
from hotspot.services.nas_learning import note_discards, note_heard, note_listener, note_message_authenticator
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.services.unknown_sources import note_unknown
from hotspot.values import plain_address
from radius.learned import Learned
from radius.messages import DiscardReason, Door
from radius.metrics import Counted
from radius.protocol import Exchange, RadiusProtocol
from radius.strangers import Strangers

log = structlog.get_logger()

REFRESH_SECONDS = 2.0
"""A NAS that staff add or change is known after so long."""
NOTE_EVERY = timedelta(seconds=10)
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
        self._learned = Learned()
        self._strangers = Strangers()
        self._unknown_certificates = Strangers()
        self._discarded: Counter[tuple[DiscardReason, int | str]] = Counter()
        self._learning = threading.Lock()
        self._name = f"{socket.gethostname()[:80]} {os.getpid()}"
        self._started_at = clock()
        self._noted_at: datetime | None = None

    def start(self) -> None:
        self._thread.start()

    def is_loaded(self, seconds: float) -> bool:
        """Have the NASes been read, at the latest after so long?"""
        return self._loaded.wait(seconds)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def heard(self, exchanges: Iterable[Exchange], now: datetime) -> None:
        """New and authentic requests. Once for a batch, whatever becomes of their answers."""
        with self._learning:
            self._learned.exchanges(exchanges, now)

    def knocked(self, address: str, door: Door, datagram: bytes, now: datetime) -> None:
        """A packet from a source that is no NAS of ours."""
        self._strangers.note(address, door, datagram, now)

    def presented(self, name: str, address: str) -> None:
        """A certificate of our authority that is no NAS's. One without a name can be nobody's: it is only counted."""
        now = self._clock()
        if name:
            self._unknown_certificates.note(address, Door.RADSEC, b"", now, name)
        self.counted(Counted({(DiscardReason.UNKNOWN_CERTIFICATE, name or address): 1}, {}), now)

    def counted(self, counted: Counted, now: datetime) -> None:
        """What `Tallies.publish` gave."""
        if not counted.discards and not counted.repeats:
            return
        with self._learning:
            self._learned.repeats(counted.repeats, now)
            self._learned.discarded(counted.discards, now)
            self._count_for_log(counted.discards)

    def _count_for_log(self, tally: Mapping[tuple[DiscardReason, int | str], int]) -> None:
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
        """Read the NASes again, and write down what was learned."""
        self._log_discards()
        now = self._clock()
        latched = set(self._protocol.latched)
        if latched:
            with self._database.transaction() as db:
                note_message_authenticator(db, latched)
        with self._database.reading() as db:
            self._protocol.clients = self._reader.read(db)
        self._protocol.latched -= latched  # the table says so now
        self._loaded.set()
        if write_all or self._noted_at is None or now - self._noted_at >= NOTE_EVERY:
            self._write(now)
            self._noted_at = now

    def _write(self, now: datetime) -> None:
        """After the NASes were read: whoever was taken in meanwhile is no stranger any more."""
        with self._learning:
            taken, self._learned = self._learned, Learned()
        for heard in taken.heard.values():
            heard.address = heard.address and plain_address(heard.address)
        clients = self._protocol.clients
        strangers = {plain_address(at): each for at, each in self._strangers.take().items() if not clients.find(at)}
        certificates = self._unknown_certificates.take()
        unknown = {name: each for name, each in certificates.items() if not clients.find_by_certificate(name)}
        try:
            with self._database.transaction() as db:
                note_listener(db, self._name, self._started_at, now)
                note_heard(db, taken.heard, now)
                note_discards(db, taken.discards)
                note_unknown(db, SourceKind.ADDRESS, strangers)
                note_unknown(db, SourceKind.CERTIFICATE, unknown)
        except Unavailable:
            with self._learning:
                self._learned.put_back(taken)
            raise

    def _log_discards(self) -> None:
        with self._learning:
            discarded, self._discarded = self._discarded, Counter()
        for (reason, whose), number in discarded.most_common(_MOST_LOGGED):
            named = {"nas_id": whose} if isinstance(whose, int) else {"source": whose}
            log.warning("packets_discarded", reason=reason.value, number=number, **named)
