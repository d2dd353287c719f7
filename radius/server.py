"""The RADIUS process: sockets, the loop that gathers and sends, signals. The only I/O of this door is here and in what
it starts."""

import gc
import selectors
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import perf_counter

import structlog

from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.redis import open_redis
from hotspot.db import Database, open_database
from hotspot.health import StatusServer, check_health
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader, RadiusClients
from hotspot.settings import Settings
from radius.attributes import ReplyWriter
from radius.handlers import AccountingHandler, LoginHandler, write_journalled_answers, write_journalled_records
from radius.journal import Journal
from radius.keeper import Keeper
from radius.lanes import Answers, BatchLane, Lane
from radius.messages import DiscardReason, Door
from radius.metrics import ANSWER_SECONDS, BATCH, Tallies
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from radius.scribe import Scribe
from radius.sockets import Address, drain, open_sockets

log = structlog.get_logger()

Clock = Callable[[], datetime]

PATIENCE = timedelta(seconds=3)
"""No statement of the hot path takes longer: then the journal does what the database would."""
LOOK_EVERY = 0.1
"""Seconds between two looks at what is late."""
GOODBYE = 4.0
"""Seconds for what has been gathered when the process is told to stop."""


class Server:
    """Answers until it is stopped: from another thread, or by a signal."""

    def __init__(
        self,
        protocol: RadiusProtocol,
        lanes: Mapping[Door, Lane],
        keeper: Keeper,
        doors: Mapping[Door, list[socket.socket]],
        clock: Clock,
        bell: "Bell",
    ) -> None:
        self._protocol = protocol
        self._lanes = lanes
        self._keeper = keeper
        self._clock = clock
        self._doors = {each: door for door, sockets in doors.items() for each in sockets}
        self._tallies = Tallies()
        self._stopped = threading.Event()
        self._bell = bell
        self._asked: dict[Exchange, tuple[socket.socket, Address]] = {}
        """What has been asked and not yet answered, and the way back."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(bell, selectors.EVENT_READ)
        for each in self._doors:
            self._selector.register(each, selectors.EVENT_READ)
        self._paused: set[Door] = set()

    def run(self) -> None:
        """A packet that comes before the NASes have been read waits in its socket."""
        while not self._stopped.is_set() and not self._keeper.is_loaded(0.1):
            pass
        for lane in self._lanes.values():
            lane.start()
        while not self._stopped.is_set():
            ready = [key.fileobj for key, _ in self._selector.select(self._longest_sleep())]
            if self._bell in ready:
                self._bell.listen()
            self._turn([each for each in ready if isinstance(each, socket.socket)])
        self._finish()
        self._selector.close()
        for each in self._doors:
            each.close()

    def _longest_sleep(self) -> float | None:
        if not self._asked:
            return None
        return 0.001 if any(lane.is_lingering for lane in self._lanes.values()) else LOOK_EVERY

    def stop(self) -> None:
        """What has been asked is answered first."""
        self._stopped.set()
        self._bell.ring()

    def _finish(self) -> None:
        """Nothing more is read."""
        until = perf_counter() + GOODBYE
        while perf_counter() < until and not all(lane.is_idle for lane in self._lanes.values()):
            self._turn([])
            self._bell.wait(LOOK_EVERY)
        for lane in self._lanes.values():
            lane.stop()
        self._answer(self._clock())

    def _turn(self, ready: list[socket.socket]) -> None:
        """Read what has come, send what has been answered, hand over what waits."""
        now = self._clock()
        for each, datagram, source in drain(ready):
            self._receive(each, datagram, source, now)
        self._answer(now)
        for lane in self._lanes.values():
            lane.hand_over(now)
        self._listen_again_or_not()
        self._keeper.discarded(self._tallies.publish())

    def _receive(self, each: socket.socket, datagram: bytes, source: Address, now: datetime) -> None:
        door = self._doors[each]
        try:
            step = self._protocol.receive(datagram, source, door, now)
        except Exception:  # a fault of ours with one datagram must not stop the others
            log.exception("datagram_not_understood")
            return
        match step:
            case Ask(exchange):
                self._tallies.packets[type(exchange.request).__name__] += 1
                self._asked[exchange] = (each, source)
                self._lanes[door].gather(exchange)
            case AnswerAgain(packet):
                self._tallies.replies["Again"] += 1
                _send(each, source, packet)
            case Discard(reason, nas_id):
                self._tallies.discards[reason, source[0] if nas_id is None else nas_id] += 1

    def _answer(self, now: datetime) -> None:
        for lane in self._lanes.values():
            for answers in lane.finished():
                self._send_all(answers, now)

    def _send_all(self, answers: Answers, now: datetime) -> None:
        heard = {exchange.client.nas_id for exchange, _ in answers.replies}
        for exchange, reply in answers.replies:
            each, source = self._asked.pop(exchange)
            try:
                packet = self._protocol.answer(exchange, reply)
            except ValueError:  # an attribute that is too long: an address in the settings
                log.exception("reply_not_encoded", nas_id=exchange.client.nas_id)
                self._leave(exchange, DiscardReason.CANNOT_BE_RECORDED)
                continue
            self._tallies.replies[type(reply).__name__] += 1
            _send(each, source, packet)
        for exchange, reason in answers.silent:
            del self._asked[exchange]
            self._leave(exchange, reason)
        if answers.replies:
            BATCH.observe(len(answers.replies))
            oldest = answers.replies[0][0].arrived_at
            ANSWER_SECONDS.observe(max(0.0, (self._clock() - oldest).total_seconds()))
            self._keeper.heard(heard, now)

    def _leave(self, exchange: Exchange, reason: DiscardReason) -> None:
        self._protocol.leave_unanswered(exchange)
        self._tallies.discards[reason, exchange.client.nas_id] += 1

    def _listen_again_or_not(self) -> None:
        """A lane that is full is not fed: what arrives waits in its sockets."""
        full = {door for door, lane in self._lanes.items() if lane.is_full}
        if full == self._paused:
            return
        for each, door in self._doors.items():
            if door in full and door not in self._paused:
                self._selector.unregister(each)
            elif door in self._paused and door not in full:
                self._selector.register(each, selectors.EVENT_READ)
        self._paused = full


class Bell:
    """Wakes the loop from another thread or a signal: rung often, it is heard once."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._is_rung = False

    def fileno(self) -> int:
        return self._near.fileno()

    def ring(self) -> None:
        if not self._is_rung:
            self._is_rung = True
            self._far.send(b"!")

    def listen(self) -> None:
        """Before looking at what was rung for. The order matters: who rings between the two lines is not heard here,
        and need not be, since what it rings for is looked at next."""
        with suppress(BlockingIOError):
            self._near.recv(64)
        self._is_rung = False

    def wait(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(seconds)
        self.listen()


def _send(each: socket.socket, destination: Address, packet: bytes) -> None:
    """A reply that cannot leave is lost like any other on the way: the NAS asks again."""
    try:
        each.sendto(packet, destination)
    except OSError as error:
        log.warning("reply_not_sent", error=error.strerror)


def main(settings: Settings, clock: Clock = lambda: datetime.now(UTC)) -> None:
    """Until SIGTERM or SIGINT."""
    vault = Vault(settings.secret_key.get_secret_value())
    database, redis = open_database(settings, patience=PATIENCE), open_redis(settings)
    protocol = RadiusProtocol(RadiusClients())
    keeper = Keeper(database, RadiusClientReader(vault), protocol, clock)
    answers, records = _scribes(settings, database)
    bell = Bell()
    login = LoginHandler(
        OneTimeLogins(redis, settings.one_time_login_life), LastRefusals(redis), ReplyWriter(settings, vault), answers
    )
    lanes: dict[Door, Lane] = {
        Door.AUTHENTICATION: BatchLane("logins", login, bell.ring),
        Door.ACCOUNTING: BatchLane("accounting", AccountingHandler(database, records), bell.ring),
    }
    doors = {
        Door.AUTHENTICATION: open_sockets(settings.radius_host, settings.radius_auth_port),
        Door.ACCOUNTING: open_sockets(settings.radius_host, settings.radius_acct_port),
    }
    server = Server(protocol, lanes, keeper, doors, clock, bell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    status = StatusServer(settings.listen_host, settings.radius_status_port, lambda: check_health(database, redis))
    helpers: Iterable[Keeper | Scribe] = (keeper, answers, records)
    status.start()
    for each in helpers:
        each.start()
    # what is here now stays; what a batch makes is gone after it: looking through all of it often would be waste
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    log.info(
        "radius_started", host=settings.radius_host, auth=settings.radius_auth_port, acct=settings.radius_acct_port
    )
    try:
        server.run()
    finally:
        for each in helpers:
            each.stop()
        status.stop()
        database.dispose()
        log.info("radius_stopped")


def _scribes(settings: Settings, database: Database) -> tuple[Scribe, Scribe]:
    """Of answers to Access-Requests, and of accounting."""
    folder = settings.var_dir / "journal"
    refused = Journal(folder / "refused")
    return (
        Scribe("answers", Journal(folder / "answers"), lambda batches: write_journalled_answers(database, batches)),
        Scribe(
            "accounting",
            Journal(folder / "accounting"),
            lambda batches: write_journalled_records(database, batches, refused),
        ),
    )
