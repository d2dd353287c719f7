"""The loop of the RADIUS process: reads what has come, hands it to the lanes, sends what they have answered."""

import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from time import perf_counter
from typing import NamedTuple

import structlog

from radius.keeper import Keeper
from radius.lanes import Answers, Lane
from radius.messages import AccountingRequest, DiscardReason, Door
from radius.metrics import ANSWER_SECONDS, BATCH, Tallies
from radius.protocol import AnswerAgain, Ask, Exchange, RadiusProtocol
from radius.radsec import Connection, RadSecDoor
from radius.routing import is_for_people
from radius.sockets import Address, drain

log = structlog.get_logger()

Clock = Callable[[], datetime]
WayBack = tuple[socket.socket, Address] | Connection
"""Where an answer goes."""

LOOK_EVERY = 0.1
"""Seconds between two looks at what is late."""
GOODBYE = 4.0
"""Seconds for what has been gathered when the process is told to stop."""


class Lanes(NamedTuple):
    logins: Lane
    accounting: Lane
    people: Lane

    def of(self, exchange: Exchange) -> Lane:
        """Status-Server asks whether its own port is served."""
        if isinstance(exchange.request, AccountingRequest) or not exchange.is_for_authentication:
            return self.accounting
        return self.people if is_for_people(exchange.request) else self.logins

    @property
    def full(self) -> set[Door]:
        """The ports behind which there is no more room."""
        doors = {Door.AUTHENTICATION: self.logins, Door.ACCOUNTING: self.accounting}
        return {door for door, lane in doors.items() if lane.is_full}


class Server:
    """Answers until it is stopped: from another thread, or by a signal."""

    def __init__(
        self,
        protocol: RadiusProtocol,
        lanes: Lanes,
        keeper: Keeper,
        doors: Mapping[Door, list[socket.socket]],
        clock: Clock,
        bell: "Bell",
        radsec: RadSecDoor | None = None,
    ) -> None:
        self._protocol = protocol
        self._lanes = lanes
        self._keeper = keeper
        self._clock = clock
        self._doors = {each: door for door, sockets in doors.items() for each in sockets}
        self._radsec = radsec
        self._tallies = Tallies()
        self._stopped = threading.Event()
        self._bell = bell
        self._asked: dict[Exchange, WayBack] = {}
        """What has been asked and not yet answered."""
        self._selector = selectors.DefaultSelector()
        self._paused: set[Door] = set()

    def run(self) -> None:
        """A packet that comes before the NASes have been read waits in its socket."""
        while not self._stopped.is_set() and not self._keeper.is_loaded(0.1):
            pass
        self._open()
        while not self._stopped.is_set():
            events = self._selector.select(self._longest_sleep())
            self._turn(events)
        self._finish()
        self._close()

    def stop(self) -> None:
        """What has been asked is answered first."""
        self._stopped.set()
        self._bell.ring()

    def _open(self) -> None:
        for lane in self._lanes:
            lane.start()
        self._selector.register(self._bell, selectors.EVENT_READ)
        for each in self._doors:
            self._selector.register(each, selectors.EVENT_READ)
        if self._radsec is not None:
            self._radsec.register(self._selector)

    def _longest_sleep(self) -> float | None:
        longest = None if self._radsec is None else self._radsec.patience
        if not self._asked:
            return longest
        soon = 0.001 if any(lane.is_lingering for lane in self._lanes) else LOOK_EVERY
        return soon if longest is None else min(soon, longest)

    def _finish(self) -> None:
        """Nothing more is read."""
        until = perf_counter() + GOODBYE
        while perf_counter() < until and not all(lane.is_idle for lane in self._lanes):
            self._turn(())
            self._bell.wait(LOOK_EVERY)
        for lane in self._lanes:
            lane.stop()
        self._answer()

    def _close(self) -> None:
        if self._radsec is not None:
            self._radsec.close()
        self._selector.close()
        for each in self._doors:
            each.close()

    def _turn(self, events: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        """Read what has come, send what has been answered, hand over what waits."""
        now = self._clock()
        ready = [key.fileobj for key, _ in events]
        if self._bell in ready:
            self._bell.listen()
        new = self._read([each for each in ready if isinstance(each, socket.socket) and each in self._doors], now)
        if self._radsec is not None:
            new += self._read_radsec(self._radsec, events, now)
        if new:
            self._keeper.heard(new, now)
        self._answer()
        for lane in self._lanes:
            lane.hand_over(now)
        self._listen_again_or_not()
        self._keeper.counted(self._tallies.publish(), now)

    # ---- in ----

    def _read(self, ready: Iterable[socket.socket], now: datetime) -> list[Exchange]:
        """What is new: neither discarded nor asked before."""
        new = []
        for each, datagram, source in drain(ready):
            door = self._doors[each]
            try:
                step = self._protocol.receive(datagram, source, door, now)
            except Exception:  # a fault of ours with one datagram must not stop the others
                log.exception("datagram_not_understood")
                continue
            if isinstance(step, Ask):
                self._ask(step.exchange, (each, source))
                new.append(step.exchange)
            elif isinstance(step, AnswerAgain):
                self._answer_again(step, (each, source))
            elif step.nas_id is None:
                self._tallies.discards[step.reason, source[0]] += 1
                self._keeper.knocked(source[0], door, datagram, now)
            else:
                self._tallies.discards[step.reason, step.nas_id] += 1
        return new

    def _read_radsec(
        self, radsec: RadSecDoor, events: Sequence[tuple[selectors.SelectorKey, int]], now: datetime
    ) -> list[Exchange]:
        new = []
        arrived = [one for key, mask in events if key.data is not None for one in radsec.ready(key, mask, now)]
        radsec.tick(now)
        for connection, packet in arrived:
            if connection.client is None or connection.is_closed:
                continue
            try:
                step = self._protocol.receive_of(connection.client, packet, (connection.key, 0), Door.RADSEC, now)
            except Exception:
                log.exception("datagram_not_understood")
                continue
            if isinstance(step, Ask):
                self._ask(step.exchange, connection)
                new.append(step.exchange)
            elif isinstance(step, AnswerAgain):
                self._answer_again(step, connection)
            else:
                self._tallies.discards[step.reason, connection.client.nas_id] += 1
                radsec.discarded(connection, step.reason)
        return new

    def _ask(self, exchange: Exchange, way_back: WayBack) -> None:
        self._tallies.packets[type(exchange.request).__name__] += 1
        lane = self._lanes.of(exchange)
        if isinstance(way_back, Connection) and lane.is_full:  # its socket is read for other things too
            self._leave(exchange, DiscardReason.BACK_END_TOO_SLOW)
            return
        self._asked[exchange] = way_back
        lane.gather(exchange)

    def _listen_again_or_not(self) -> None:
        """A lane that is full is not fed: what arrives waits in its sockets."""
        full = self._lanes.full
        if full == self._paused:
            return
        for each, door in self._doors.items():
            if door in full and door not in self._paused:
                self._selector.unregister(each)
            elif door in self._paused and door not in full:
                self._selector.register(each, selectors.EVENT_READ)
        self._paused = full

    # ---- out ----

    def _answer(self) -> None:
        for lane in self._lanes:
            for answers in lane.finished():
                self._send_all(answers)

    def _send_all(self, answers: Answers) -> None:
        for exchange, reply in answers.replies:
            way_back = self._asked.pop(exchange)
            try:
                packet = self._protocol.answer(exchange, reply)
            except ValueError:  # an attribute that is too long: an address in the settings
                log.exception("reply_not_encoded", nas_id=exchange.client.nas_id)
                self._leave(exchange, DiscardReason.CANNOT_BE_RECORDED)
                continue
            self._tallies.replies[type(reply).__name__] += 1
            self._send(packet, way_back)
        for exchange, reason in answers.silent:
            del self._asked[exchange]
            self._leave(exchange, reason)
        if answers.replies:
            BATCH.observe(len(answers.replies))
            oldest = answers.replies[0][0].arrived_at
            ANSWER_SECONDS.observe(max(0.0, (self._clock() - oldest).total_seconds()))

    def _answer_again(self, step: AnswerAgain, way_back: WayBack) -> None:
        self._tallies.repeats[step.nas_id] += 1
        self._send(step.packet, way_back)

    def _send(self, packet: bytes, way_back: WayBack) -> None:
        """A reply that cannot leave is lost like any other on the way: the NAS asks again."""
        if isinstance(way_back, Connection):
            if self._radsec is not None:
                self._radsec.send(way_back, packet)
            return
        each, destination = way_back
        try:
            each.sendto(packet, destination)
        except OSError as error:
            log.warning("reply_not_sent", error=error.strerror)

    def _leave(self, exchange: Exchange, reason: DiscardReason) -> None:
        self._protocol.leave_unanswered(exchange)
        self._tallies.discards[reason, exchange.client.nas_id] += 1


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
