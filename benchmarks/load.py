"""The load generator: many source ports, a fixed number of requests in flight, every answer looked at.

Requests are made beforehand, so that one turn is a receive, a look-up and a send. It repeats what stays unanswered for
a second, as a NAS would, and counts that.
"""

import gc
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.packets import Code, is_authentic

LANES = 32
PER_LANE = 8
"""Lanes times this is what is in flight: 256."""
_REPEAT_AFTER = 1.0
_WANTED = {Code.ACCESS_REQUEST: Code.ACCESS_ACCEPT, Code.ACCOUNTING_REQUEST: Code.ACCOUNTING_RESPONSE}
_SAMPLE = 61
"""One reply in so many has its authenticator checked: all would be the generator's own cost."""

Requests = Sequence[bytes]
"""What one source port sends, in order: identifiers count up from 0 for each destination."""


@dataclass
class Outcome:
    """What one run came to."""

    answered: int = 0
    """Within the time."""
    replies: int = 0
    """Those that came a little later included."""
    seconds: float = 0.0
    refused: int = 0
    """Answered with another code than was hoped for."""
    repeated: int = 0
    lost: int = 0
    """Without an answer at the end."""
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def latency_ms(self) -> tuple[float, float]:
        """p50 and p99."""
        return median(self.latencies) * 1000, quantiles(self.latencies, n=100)[98] * 1000


class _Lane:
    """One source port for each destination, and what it has in flight."""

    def __init__(self, requests: Requests, ports: dict[int, int]) -> None:
        self.requests = iter(requests)
        self.sockets: dict[int, socket.socket] = {}
        self.flying: dict[tuple[int, int], tuple[bytes, float]] = {}
        """(code of the request, identifier) -> the request and when it was first sent."""
        for code, port in ports.items():
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.connect(("127.0.0.1", port))
            self.sockets[code] = opened

    def send_next(self) -> bool:
        request = next(self.requests, None)
        if request is None:
            return False
        self.flying[request[0], request[1]] = (request, time.perf_counter())
        self.sockets[request[0]].send(request)
        return True

    def repeat(self, before: float) -> int:
        late = [request for request, sent_at in self.flying.values() if sent_at < before]
        for request in late:
            self.sockets[request[0]].send(request)
        return len(late)

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()


def fire(
    lanes: Sequence[Requests],
    *,
    auth_port: int,
    acct_port: int,
    seconds: float,
    per_lane: int = PER_LANE,
    echo: bool = False,
) -> Outcome:
    """Until the requests are used up or the time is. `echo`: the other side only sends back what it gets."""
    ports = {int(Code.ACCESS_REQUEST): auth_port, int(Code.ACCOUNTING_REQUEST): acct_port}
    opened = [_Lane(requests, ports) for requests in lanes]
    gc.disable()
    try:
        return _run(opened, seconds, per_lane, echo)
    finally:
        gc.enable()
        for lane in opened:
            lane.close()


def _run(lanes: list[_Lane], seconds: float, per_lane: int, echo: bool) -> Outcome:
    outcome, clock = Outcome(), time.perf_counter
    wanted = {code: code for code in _WANTED} if echo else _WANTED
    with select.epoll() as poll:
        by_descriptor = _register(poll, lanes)
        began = clock()
        deadline, look_again = began + seconds, began + _REPEAT_AFTER
        for lane in lanes * per_lane:
            lane.send_next()
        while any(lane.flying for lane in lanes) and (now := clock()) < deadline + 3 * _REPEAT_AFTER:
            for descriptor, _events in poll.poll(0.1):
                lane, code, each = by_descriptor[descriptor]
                reply = each.recv(4096)
                request, sent_at = lane.flying.pop((code, reply[1]), (b"", 0.0))
                if not request:
                    continue  # the second answer to a repeated request
                if now < deadline:
                    outcome.answered += 1
                    outcome.seconds = clock() - began
                    outcome.latencies.append(clock() - sent_at)
                    lane.send_next()
                outcome.replies += 1
                outcome.refused += reply[0] != wanted[Code(code)]
                if outcome.replies % _SAMPLE == 0 and not echo and not is_authentic(reply, request):
                    raise RuntimeError("a reply that its server did not sign")
            if now > look_again:
                outcome.repeated += sum(lane.repeat(now - _REPEAT_AFTER) for lane in lanes)
                look_again = now + _REPEAT_AFTER
    outcome.lost = sum(len(lane.flying) for lane in lanes)
    return outcome


def _register(poll: "select.epoll", lanes: list[_Lane]) -> dict[int, tuple[_Lane, int, socket.socket]]:
    by_descriptor = {}
    for lane in lanes:
        for code, each in lane.sockets.items():
            by_descriptor[each.fileno()] = (lane, code, each)
            poll.register(each.fileno(), select.EPOLLIN)
    return by_descriptor
