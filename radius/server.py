"""The RADIUS process: sockets, the loop that answers in batches, signals. The only I/O of this door is here and in
what it starts."""

import gc
import selectors
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

import structlog

from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.redis import open_redis
from hotspot.db import open_database
from hotspot.health import StatusServer, check_health
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader, RadiusClients
from hotspot.settings import Settings
from radius.attributes import ReplyWriter
from radius.certificates import Certificates
from radius.handlers import Handlers
from radius.keeper import Keeper
from radius.messages import DiscardReason, Door
from radius.metrics import ANSWER_SECONDS, BATCH, DISCARDS, Tallies
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from radius.radsec import Connection, RadSecDoor
from radius.sockets import Address, drain, open_sockets

log = structlog.get_logger()

Clock = Callable[[], datetime]
Events = Sequence[tuple[selectors.SelectorKey, int]]


class Server:
    """Answers until it is stopped: from another thread, or by a signal."""

    def __init__(
        self,
        protocol: RadiusProtocol,
        handlers: Handlers,
        keeper: Keeper,
        doors: dict[Door, list[socket.socket]],
        clock: Clock,
        radsec: RadSecDoor | None = None,
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
        self._radsec = radsec
        if radsec is not None:
            radsec.register(self._selector)

    def run(self) -> None:
        """A packet that comes before the NASes have been read waits in its socket."""
        while not self._stopped.is_set() and not self._keeper.is_loaded(0.1):
            pass
        while not self._stopped.is_set():
            events = self._selector.select(None if self._radsec is None else self._radsec.patience)
            self._turn([key.fileobj for key, _ in events if key.fileobj in self._doors], events)
        if self._radsec is not None:
            self._radsec.close()
        self._selector.close()
        for each in (self._bell, self._clapper, *self._doors):
            each.close()

    def stop(self) -> None:
        """The batch in work is answered first."""
        self._stopped.set()
        self._clapper.send(b"!")

    def _turn(self, ready: list[socket.socket], events: Events) -> None:
        """One batch: read, ask, answer."""
        began, now = perf_counter(), self._clock()
        asked: dict[Exchange, tuple[socket.socket, Address] | Connection] = {}
        for each, datagram, source in drain(ready):
            exchange = self._receive(each, datagram, source, now)
            if exchange is not None:
                asked[exchange] = (each, source)
        if self._radsec is not None:
            for connection, packet in self._over_radsec(self._radsec, events, now):
                exchange = self._receive_over(self._radsec, connection, packet, now)
                if exchange is not None:
                    asked[exchange] = connection
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
                self._reply(asked[exchange], packet)
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
        return self._take(step, (each, source), source[0])

    def _over_radsec(self, radsec: RadSecDoor, events: Events, now: datetime) -> list[tuple[Connection, bytes]]:
        arrived = [one for key, mask in events if key.data is not None for one in radsec.ready(key, mask, now)]
        radsec.tick(now)
        return arrived

    def _receive_over(
        self, radsec: RadSecDoor, connection: Connection, packet: bytes, now: datetime
    ) -> Exchange | None:
        if connection.client is None or connection.is_closed:
            return None
        try:
            step = self._protocol.receive_of(connection.client, packet, (connection.key, 0), Door.RADSEC, now)
        except Exception:
            log.exception("datagram_not_understood")
            return None
        if isinstance(step, Discard):
            radsec.discarded(connection, step.reason)
        return self._take(step, connection, connection.address)

    def _reply(self, to: tuple[socket.socket, Address] | Connection, packet: bytes) -> None:
        if isinstance(to, tuple):
            _send(*to, packet)
        elif self._radsec is not None:
            self._radsec.send(to, packet)

    def _take(
        self, step: Ask | AnswerAgain | Discard, to: tuple[socket.socket, Address] | Connection, address: str
    ) -> Exchange | None:
        match step:
            case Ask(exchange):
                self._tallies.packets[type(exchange.request).__name__] += 1
                return exchange
            case AnswerAgain(packet):
                self._tallies.replies["Again"] += 1
                self._reply(to, packet)
            case Discard(reason, nas_id):
                self._tallies.discards[reason, address if nas_id is None else nas_id] += 1
        return None


def _send(each: socket.socket, destination: Address, packet: bytes) -> None:
    """A reply that cannot leave is lost like any other on the way: the NAS asks again."""
    try:
        each.sendto(packet, destination)
    except OSError as error:
        log.warning("reply_not_sent", error=error.strerror)


def open_radsec(
    settings: Settings, protocol: RadiusProtocol, keeper: Keeper, on_answer: Callable[[int, bytes], None]
) -> RadSecDoor | None:
    """None where the town has no certificates for it."""
    if not settings.has_radsec:
        return None
    certificates = Certificates(settings)
    listeners = open_sockets(settings.radius_host, settings.radsec_port, socket.SOCK_STREAM)
    log.info("radsec_started", port=settings.radsec_port, certificate_ends_at=certificates.ends_at.isoformat())

    def note_unknown(name: str) -> None:
        DISCARDS.labels(DiscardReason.UNKNOWN_CERTIFICATE).inc()
        keeper.discarded({(DiscardReason.UNKNOWN_CERTIFICATE, name): 1})

    return RadSecDoor(listeners, certificates, lambda: protocol.clients, note_unknown, on_answer)


def main(settings: Settings, clock: Clock = lambda: datetime.now(UTC)) -> None:
    """Until SIGTERM or SIGINT."""
    vault = Vault(settings.secret_key.get_secret_value())
    database, redis = open_database(settings), open_redis(settings)
    protocol = RadiusProtocol(RadiusClients())
    keeper = Keeper(database, RadiusClientReader(vault), protocol, clock)
    handlers = Handlers(database, OneTimeLogins(redis, settings.one_time_login_life), ReplyWriter(settings, vault))
    doors = {
        Door.AUTHENTICATION: open_sockets(settings.radius_host, settings.radius_auth_port),
        Door.ACCOUNTING: open_sockets(settings.radius_host, settings.radius_acct_port),
    }
    radsec = open_radsec(settings, protocol, keeper, lambda _nas_id, _packet: None)
    server = Server(protocol, handlers, keeper, doors, clock, radsec)
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
