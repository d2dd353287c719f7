"""Sends what the core wishes of live sessions to their NASes, and notes what they answer: a thread with sockets of its
own, beside the loop that answers. What it says and hears is `changes.py`'s; which wishes there are, `wish_queue.py`'s.
"""

import queue
import random
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from typing import Protocol

import structlog

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.sealing import Vault
from hotspot.services.wish_queue import Answer, Outcome, TakenWish, confirm, is_anything_to_do, note_outcomes, take
from hotspot.settings import Settings
from radius.changes import RADSEC_SECRET, ChangeClient, Place, Repeat, ReplyDiscarded
from radius.metrics import CHANGE_ANSWERS, CHANGE_PACKETS
from radius.sockets import drain, open_asking_sockets

log = structlog.get_logger()

LOOK_EVERY = 0.4
"""Seconds between two looks for wishes."""
_RADSEC = "radsec"


class Connections(Protocol):
    """TLS connections that NASes have opened to this process (RadSec): a change goes out over the same one."""

    def is_connected(self, nas_id: int) -> bool:
        """Has this NAS one? From any thread, like `send_to`."""

    def send_to(self, nas_id: int, packet: bytes) -> bool:
        """False if this NAS has none here."""


class NoConnections:
    def is_connected(self, _nas_id: int) -> bool:
        return False

    def send_to(self, _nas_id: int, _packet: bytes) -> bool:
        return False


class ChangeSender:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        vault: Vault,
        clock: Callable[[], datetime],
        connections: Connections | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self.connections = connections or NoConnections()
        self._client = ChangeClient(lambda: random.uniform(-0.1, 0.1))  # noqa: S311 - it only spreads repeats
        self._sockets = open_asking_sockets(settings.radius_host)
        self._over_tls: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._outcomes: list[Outcome] = []
        self._stopped = threading.Event()
        self._bell, self._clapper = socket.socketpair()
        self._clapper.setblocking(False)
        self._bell.setblocking(False)
        self._selector = selectors.DefaultSelector()
        for each in (self._bell, *self._sockets.values()):
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Answers that have come are written down; what is under way is another process's when its lease ends."""
        self._stopped.set()
        self._ring()
        self._thread.join(timeout=5)

    def answered(self, nas_id: int, packet: bytes) -> None:
        """An ACK or NAK has come over the TLS connection of this NAS. From any thread."""
        self._over_tls.put((nas_id, packet))
        self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it is ringing already
            self._clapper.send(b"!")

    def _run(self) -> None:
        looked_at = -LOOK_EVERY
        while not self._stopped.is_set():
            try:
                self._listen(min(self._until_repeat(), max(0.0, looked_at + LOOK_EVERY - monotonic())))
                self._repeat()
                if monotonic() - looked_at >= LOOK_EVERY:
                    looked_at = monotonic()
                    self._note()
                    self._look()
            except Unavailable as error:
                log.warning("changes_put_off", dependency=error.dependency)
            except Exception:  # the thread must outlive a fault: without it nobody could be disconnected
                log.exception("changes_put_off")
        with suppress(Unavailable):
            self._note()
        for each in (self._bell, self._clapper, *self._sockets.values()):
            each.close()
        self._selector.close()

    def _until_repeat(self) -> float:
        next_at = self._client.next_at()
        return LOOK_EVERY if next_at is None else max(0.0, (next_at - self._clock()) / timedelta(seconds=1))

    def _listen(self, seconds: float) -> None:
        ready = [key.fileobj for key, _ in self._selector.select(seconds)]
        if self._bell in ready:
            with suppress(BlockingIOError):
                self._bell.recv(4096)
        sockets = [each for each in self._sockets.values() if each in ready]
        for _, datagram, source in drain(sockets):
            self._hear(datagram, (_plain(source[0]), source[1]))
        with suppress(queue.Empty):
            while True:
                nas_id, packet = self._over_tls.get_nowait()
                self._hear(packet, (_RADSEC, nas_id))

    def _hear(self, datagram: bytes, place: Place) -> None:
        heard = self._client.receive(datagram, place)
        if isinstance(heard, ReplyDiscarded):
            log.info("change_reply_discarded", reason=heard.value, source=place[0])
            CHANGE_ANSWERS.labels(heard.value).inc()
        else:
            self._finish(heard)

    def _finish(self, outcome: Outcome) -> None:
        CHANGE_ANSWERS.labels(outcome.answer.value).inc()
        log.info(
            "change_answered",
            wish=outcome.wish.kind.value,
            nas_id=outcome.wish.nas_id,
            answer=outcome.answer.value,
            error_cause=outcome.error_cause,
        )
        self._outcomes.append(outcome)

    def _repeat(self) -> None:
        for step in self._client.turn(self._clock()):
            if isinstance(step, Repeat):
                self._send(step.place, step.packet)
            else:
                self._finish(step)

    def _note(self) -> None:
        """What cannot be written now is kept for the next look: the answers are in memory, the leases are not over."""
        if self._outcomes:
            with self._database.transaction() as db:
                note_outcomes(db, self._outcomes, self._clock())
            self._outcomes = []

    def _look(self) -> None:
        now = self._clock()
        with self._database.reading() as db:
            if not is_anything_to_do(db, now):
                return
        with self._database.transaction() as db:
            confirm(db, now)
            taken = take(db, now, self._settings, self._vault, self.connections.is_connected)
        for wish in taken:
            unsent = self._begin(wish, now)
            if unsent is None:
                CHANGE_PACKETS.labels(wish.kind.value).inc()
            else:
                self._outcomes.append(Outcome(wish, unsent))
        self._note()  # what did not leave is at once another process's to try

    def _begin(self, wish: TakenWish, now: datetime) -> Answer | None:
        """Over the NAS's own TLS connection if it has one here, else to its address. What kept it from leaving."""
        ways = [self._leaves_over_tls, self._leaves_by_udp]
        if wish.tries == 2:  # silence before: many devices with a TLS connection listen for this on UDP alone
            ways.reverse()
        try:
            return None if any(leaves(wish, now) for leaves in ways) else Answer.NO_WAY
        except BlockingIOError:
            return Answer.BUSY
        except ValueError:  # an attribute that fits in no packet: a name that a NAS made too long
            log.warning("change_not_encoded", nas_id=wish.nas_id)
            return Answer.NO_WAY

    def _leaves_over_tls(self, wish: TakenWish, now: datetime) -> bool:
        if not self.connections.is_connected(wish.nas_id):
            return False
        place: Place = (_RADSEC, wish.nas_id)
        packet = self._client.begin(wish, place, RADSEC_SECRET, now, repeats=False)
        return self.connections.send_to(wish.nas_id, packet) or self._client.forget(place, packet)

    def _leaves_by_udp(self, wish: TakenWish, now: datetime) -> bool:
        if wish.address is None:
            return False
        place: Place = (_plain(wish.address), wish.port)
        packet = self._client.begin(wish, place, wish.secret, now)
        return self._send(place, packet) or self._client.forget(place, packet)

    def _send(self, place: Place, packet: bytes) -> bool:
        each = self._sockets.get(socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
        if each is None:
            return False
        try:
            each.sendto(packet, place)
        except OSError as error:
            log.warning("change_not_sent", error=error.strerror)
            return False
        return True


def _plain(address: str) -> str:
    """`::ffff:192.0.2.7` is an IPv4 address; the scope of a link-local one stays."""
    plain, percent, scope = address.partition("%")
    parsed = ip_address(plain)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed) + percent + scope
