"""One UDP port of a gateway: many requests at once, each repeated until it is answered; a line that loses packets."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pyrad.packet import AccessAccept, AccessReject, AccountingResponse, Packet

from simulator.radius import COPIES, authentic

_ANSWERS = (AccessAccept, AccessReject, AccountingResponse)
_IDENTIFIERS = 256


@dataclass
class Line:
    """Between one gateway and the server."""

    counts: Counter[str]
    loses: float = 0.0
    """Share of datagrams, each way."""
    repeats: float = 0.0
    """Share of datagrams that arrive twice."""
    is_down: bool = False
    rng: random.Random = field(default_factory=random.Random)

    def carries(self) -> int:
        """How many copies of a datagram arrive."""
        if self.is_down:
            return 0
        draw = self.rng.random()
        if draw < self.loses:
            self.counts["packets lost"] += 1
            return 0
        if draw > 1 - self.repeats:
            self.counts["packets repeated"] += 1
            return 2
        return 1


class RadiusPort(asyncio.DatagramProtocol):
    def __init__(
        self,
        line: Line,
        server: tuple[str, int],
        timeout: float,
        on_change: Callable[[bytes, tuple[str, int]], bytes | None] = lambda _datagram, _source: None,
    ) -> None:
        """`timeout`: seconds of ours between copies."""
        self._line, self._server, self._timeout, self._on_change = line, server, timeout, on_change
        self.waits: list[float] = []
        """Seconds until each answer."""
        self._waiting: dict[int, tuple[Packet, asyncio.Future[Packet]]] = {}
        self._free = asyncio.Semaphore(_IDENTIFIERS)
        self._next_id = 0
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, address: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def ask(self, make: Callable[[int], Packet], copies: int = COPIES) -> Packet | None:
        """The authentic answer to what `make` makes with an identifier, or None."""
        async with self._free:
            identifier = self._claim()
            request, answer = make(identifier), asyncio.get_running_loop().create_future()
            datagram = request.RequestPacket()
            self._waiting[identifier] = (request, answer)
            began = time.perf_counter()
            try:
                for copy in range(copies):
                    self._line.counts["packets repeated by us"] += copy > 0
                    self._send(datagram, self._server)
                    done, _ = await asyncio.wait({answer}, timeout=self._timeout)
                    if done:
                        self.waits.append(time.perf_counter() - began)
                        return answer.result()
                self._line.counts["requests without an answer"] += 1
                return None
            finally:
                del self._waiting[identifier]

    def _claim(self) -> int:
        while self._next_id in self._waiting:
            self._next_id = (self._next_id + 1) % _IDENTIFIERS
        identifier, self._next_id = self._next_id, (self._next_id + 1) % _IDENTIFIERS
        return identifier

    def _send(self, datagram: bytes, where: tuple[str, int]) -> None:
        for _ in range(self._line.carries()):
            if self._transport is not None:
                self._transport.sendto(datagram, where)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 20 or not self._line.carries():
            return
        if data[0] not in _ANSWERS:
            reply = self._on_change(data, addr)
            if reply is not None:
                self._send(reply, addr)
            return
        request, answer = self._waiting.get(data[1], (None, None))
        if request is None or answer is None or answer.done() or addr != self._server:
            return
        packet = authentic(request, data)
        if packet is not None:
            answer.set_result(packet)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens: the copies that follow find out whether that lasts."""
