"""The RADIUS process: sockets, the loop that answers in batches, signals. The only I/O of this door is here and in
what it starts."""

import gc
import selectors
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

import structlog

from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.redis import open_redis
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.db import Database, open_database
from hotspot.errors import Unavailable
from hotspot.health import StatusServer, check_health
from hotspot.models import Admission
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader, RadiusClients
from hotspot.settings import Settings
from hotspot.values import Admit, Refuse
from radius.attributes import ReplyWriter
from radius.handlers import Handlers
from radius.keeper import Keeper
from radius.messages import DiscardReason, Door
from radius.metrics import ANSWER_SECONDS, BATCH, Tallies
from radius.people import Note, People
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from radius.sockets import Address, drain, open_sockets

log = structlog.get_logger()

Clock = Callable[[], datetime]


class Server:
    """Answers until it is stopped: from another thread, or by a signal."""

    def __init__(
        self,
        protocol: RadiusProtocol,
        handlers: Handlers,
        keeper: Keeper,
        doors: dict[Door, list[socket.socket]],
        clock: Clock,
    ) -> None:
        self._protocol = protocol
        self._handlers = handlers
        self._keeper = keeper
        self._clock = clock
        self._doors = {each: door for door, sockets in doors.items() for each in sockets}
        self._tallies = Tallies()
        self._stopped = threading.Event()
        self._bell, self._clapper = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (self._bell, *self._doors):
            self._selector.register(each, selectors.EVENT_READ)

    def run(self) -> None:
        """A packet that comes before the NASes have been read waits in its socket."""
        while not self._stopped.is_set() and not self._keeper.is_loaded(0.1):
            pass
        while not self._stopped.is_set():
            ready = [key.fileobj for key, _ in self._selector.select()]
            self._turn([each for each in ready if isinstance(each, socket.socket) and each in self._doors])
        self._selector.close()
        for each in (self._bell, self._clapper, *self._doors):
            each.close()

    def stop(self) -> None:
        """The batch in work is answered first."""
        self._stopped.set()
        self._clapper.send(b"!")

    def _turn(self, ready: list[socket.socket]) -> None:
        """One batch: read, ask, answer."""
        began, now = perf_counter(), self._clock()
        asked: dict[Exchange, tuple[socket.socket, Address]] = {}
        for each, datagram, source in drain(ready):
            exchange = self._receive(each, datagram, source, now)
            if exchange is not None:
                asked[exchange] = (each, source)
        if asked:
            answers = self._handlers.answer(list(asked), now)
            for exchange, reply in answers.replies:
                try:
                    packet = self._protocol.answer(exchange, reply)
                except ValueError:  # an attribute that is too long: an address in the settings
                    log.exception("reply_not_encoded", nas_id=exchange.client.nas_id)
                    answers.silent.append((exchange, DiscardReason.CANNOT_BE_RECORDED))
                    continue
                self._tallies.replies[type(reply).__name__] += 1
                _send(*asked[exchange], packet)
            for exchange, reason in answers.silent:
                self._protocol.leave_unanswered(exchange)
                self._tallies.discards[reason, exchange.client.nas_id] += 1
            BATCH.observe(len(asked))
            ANSWER_SECONDS.observe(perf_counter() - began)
            self._keeper.heard({exchange.client.nas_id for exchange in asked}, now)
        self._keeper.discarded(self._tallies.publish())

    def _receive(self, each: socket.socket, datagram: bytes, source: Address, now: datetime) -> Exchange | None:
        try:
            step = self._protocol.receive(datagram, source, self._doors[each], now)
        except Exception:  # a fault of ours with one datagram must not stop the others
            log.exception("datagram_not_understood")
            return None
        match step:
            case Ask(exchange):
                self._tallies.packets[type(exchange.request).__name__] += 1
                return exchange
            case AnswerAgain(packet):
                self._tallies.replies["Again"] += 1
                _send(each, source, packet)
            case Discard(reason, nas_id):
                self._tallies.discards[reason, source[0] if nas_id is None else nas_id] += 1
        return None


def _send(each: socket.socket, destination: Address, packet: bytes) -> None:
    """A reply that cannot leave is lost like any other on the way: the NAS asks again."""
    try:
        each.sendto(packet, destination)
    except OSError as error:
        log.warning("reply_not_sent", error=error.strerror)


def _noted_in(database: Database) -> Note:
    def note(
        _key: bytes,
        nas_id: int,
        device_mac: str | None,
        grant_id: UUID | None,
        answer: Admit | Refuse,
        now: datetime,
    ) -> None:
        refusal = answer.reason if isinstance(answer, Refuse) else None
        with suppress(Unavailable), database.transaction() as db:
            db.add(Admission(happened_at=now, nas_id=nas_id, grant_id=grant_id, device_mac=device_mac, refusal=refusal))

    return note


def main(settings: Settings, clock: Clock = lambda: datetime.now(UTC)) -> None:
    """Until SIGTERM or SIGINT."""
    vault = Vault(settings.secret_key.get_secret_value())
    database, redis = open_database(settings), open_redis(settings)
    protocol = RadiusProtocol(RadiusClients())
    keeper = Keeper(database, RadiusClientReader(vault), protocol, clock)
    writer = ReplyWriter(settings, vault)
    people = People(
        database,
        KnownDevices(redis),
        ReturningDevices(redis),
        RateLimits(redis, vault.digest),
        writer,
        vault,
        settings,
        _noted_in(database),
    )
    handlers = Handlers(database, OneTimeLogins(redis, settings.one_time_login_life), writer, people)
    doors = {
        Door.AUTHENTICATION: open_sockets(settings.radius_host, settings.radius_auth_port),
        Door.ACCOUNTING: open_sockets(settings.radius_host, settings.radius_acct_port),
    }
    server = Server(protocol, handlers, keeper, doors, clock)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    status = StatusServer(settings.listen_host, settings.radius_status_port, lambda: check_health(database, redis))
    status.start()
    keeper.start()
    # what is here now stays; what a batch makes is gone after it: looking through all of it often would be waste
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    log.info(
        "radius_started", host=settings.radius_host, auth=settings.radius_auth_port, acct=settings.radius_acct_port
    )
    try:
        server.run()
    finally:
        keeper.stop()
        status.stop()
        database.dispose()
        log.info("radius_stopped")
