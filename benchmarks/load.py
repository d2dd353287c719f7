"""The load generator: a source address for each NAS that speaks, a fixed number of requests in flight, every answer
looked at.

Requests are made beforehand, so that one turn is a receive, a look-up and a send. It repeats what stays unanswered for
a second, as a NAS would, and counts that.
"""

import gc
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.packets import Code, Speaker, is_authentic

LANES = 64
PER_LANE = 4
"""Lanes times this is what is in flight: 256."""
_REPEAT_AFTER = 1.0
_WANTED = {Code.ACCESS_REQUEST: Code.ACCESS_ACCEPT, Code.ACCOUNTING_REQUEST: Code.ACCOUNTING_RESPONSE}
_SAMPLE = 61
"""One reply in so many has its authenticator checked: all would be the generator's own cost."""
_PAUSE = 0.005
"""Before a lone request: the server has nothing to do."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one NAS sends, in order: identifiers count up from 0 for each destination."""

    speaker: Speaker
    requests: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Ports:
    auth: int
    acct: int

    def by_code(self) -> dict[int, int]:
        return {int(Code.ACCESS_REQUEST): self.auth, int(Code.ACCOUNTING_REQUEST): self.acct}


@dataclass
class Outcome:
    """What one run came to."""

    answered: int = 0
    """Within the time."""
    replies: int = 0
    """Those that came a little later included."""
    seconds: float = 0.0
    own_us: float = 0.0
    """Processor time that the generator itself took for each request."""
    refused: int = 0
    """Answered with another code than was hoped for."""
    repeated: int = 0
    sent: list[int] = field(default_factory=list)
    """How many of its requests each lane sent."""
    lost: set[tuple[int, int]] = field(default_factory=set)
    """Without an answer at the end: (lane, place in it)."""

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


class _Sender:
    """One source port for each destination, and what it has in flight."""

    __slots__ = ("flying", "lane", "place", "sockets")

    def __init__(self, lane: Lane, ports: Ports) -> None:
        self.lane = lane
        self.place = 0
        self.flying: dict[tuple[int, int], tuple[int, float]] = {}
        """(code of the request, identifier) -> its place in the lane, and when it was first sent."""
        self.sockets = {code: _connected(lane.speaker, port) for code, port in ports.by_code().items()}

    def send_next(self, now: float) -> None:
        if self.place < len(self.lane.requests):
            request = self.lane.requests[self.place]
            self.flying[request[0], request[1]] = (self.place, now)
            self.sockets[request[0]].send(request)
            self.place += 1

    def repeat(self, before: float) -> int:
        late = [self.lane.requests[place] for place, sent_at in self.flying.values() if sent_at < before]
        for request in late:
            self.sockets[request[0]].send(request)
        return len(late)

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()


def _connected(speaker: Speaker, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((speaker.address, 0))
    opened.connect(("127.0.0.1", port))
    return opened


def fire(
    lanes: Sequence[Lane], ports: Ports, *, seconds: float, per_lane: int = PER_LANE, echo: bool = False
) -> Outcome:
    """Until the requests are used up or the time is. `echo`: the other side only sends back what it gets."""
    senders = [_Sender(lane, ports) for lane in lanes]
    gc.disable()
    try:
        began = time.process_time()
        outcome = _run(senders, seconds, per_lane, echo)
        outcome.own_us = (time.process_time() - began) / max(1, outcome.replies) * 1e6
        return outcome
    finally:
        gc.enable()
        for sender in senders:
            sender.close()


def _run(senders: list[_Sender], seconds: float, per_lane: int, echo: bool) -> Outcome:
    outcome, clock = Outcome(), time.perf_counter
    wanted = {code: code for code in _WANTED} if echo else _WANTED
    with select.epoll() as poll:
        by_descriptor = _register(poll, senders)
        began = now = clock()
        deadline, look_again = began + seconds, began + _REPEAT_AFTER
        for sender in senders * per_lane:
            sender.send_next(now)
        while now < deadline + 3 * _REPEAT_AFTER:
            for descriptor, _events in poll.poll(0.1):
                sender, code, receive = by_descriptor[descriptor]
                reply = receive(4096)
                known = sender.flying.pop((code, reply[1]), None)
                if known is None:
                    continue  # the second answer to a repeated request
                if now < deadline:
                    outcome.answered += 1
                    sender.send_next(now)
                outcome.replies += 1
                outcome.refused += reply[0] != wanted[code]
                if outcome.replies % _SAMPLE == 0 and not echo:
                    _check(sender.lane, known[0], reply)
            if now < deadline:
                outcome.seconds = clock() - began
            now = clock()
            if now > look_again:
                outcome.repeated += sum(sender.repeat(now - _REPEAT_AFTER) for sender in senders)
                look_again = now + _REPEAT_AFTER
            if not any(sender.flying for sender in senders):
                break
    outcome.sent = [sender.place for sender in senders]
    outcome.lost = {(at, place) for at, sender in enumerate(senders) for place, _ in sender.flying.values()}
    return outcome


def _check(lane: Lane, place: int, reply: bytes) -> None:
    if not is_authentic(reply, lane.requests[place], lane.speaker.secret):
        raise RuntimeError("a reply that its server did not sign")


def _register(poll: "select.epoll", senders: list[_Sender]) -> dict[int, tuple[_Sender, int, Callable[[int], bytes]]]:
    by_descriptor = {}
    for sender in senders:
        for code, each in sender.sockets.items():
            by_descriptor[each.fileno()] = (sender, code, each.recv)
            poll.register(each.fileno(), select.EPOLLIN)
    return by_descriptor


def wait_alone(lane: Lane, ports: Ports) -> list[float]:
    """How long each request waits for its answer, in milliseconds, when it is the only one."""
    waited = []
    sockets = {code: _connected(lane.speaker, port) for code, port in ports.by_code().items()}
    try:
        for request in lane.requests:
            time.sleep(_PAUSE)
            each = sockets[request[0]]
            each.settimeout(_REPEAT_AFTER * 3)
            began = time.perf_counter()
            each.send(request)
            reply = each.recv(4096)
            waited.append((time.perf_counter() - began) * 1000)
            if reply[0] != _WANTED[Code(request[0])]:
                raise RuntimeError(f"a lone request was answered with code {reply[0]}")
    finally:
        for each in sockets.values():
            each.close()
    return waited


def p50_p99(waited: Sequence[float]) -> tuple[float, float]:
    return median(waited), quantiles(waited, n=100)[98]
