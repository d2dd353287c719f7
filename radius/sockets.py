"""Sockets: opened, drained, answered through. Nothing here reads a packet."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from time import perf_counter
from typing import Any

Address = Any
"""As the socket gives it: two parts for IPv4, four for IPv6."""

RECEIVE_BUFFER = 8 * 2**20
"""While a batch is in work, what arrives waits here rather than be lost."""
MOST_DATAGRAMS = 400
LONGEST_DRAIN = 0.001
"""Seconds."""
_LONGEST_PACKET = 4096
_BACKLOG = 512
_FORCED = getattr(socket, "SO_RCVBUFFORCE", 33)


def open_sockets(host: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> list[socket.socket]:
    """One for each address of `host`. `::` takes IPv4 too. Several processes may share a port: the kernel keeps each
    source at the same one. Those of streams listen."""
    found = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, _, protocol, _name, address in found:
            each = socket.socket(family, kind, protocol)
            opened.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
            each.setblocking(False)
            if kind is socket.SOCK_STREAM:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.bind(address)
                each.listen(_BACKLOG)
            else:
                _enlarge(each)
                each.bind(address)
    except OSError:
        for each in opened:
            each.close()
        raise
    return opened


def open_asking_sockets(host: str) -> dict[int, socket.socket]:
    """For requests of our own, by address family: from where we listen, since a NAS may obey that address alone, and
    from a free port that nobody shares: answers come back to it."""
    found: dict[int, socket.socket] = {}
    for each in ("0.0.0.0", "::") if host in ("", "::") else (host,):  # noqa: S104 - as the doors themselves listen
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            each, 0, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        ):
            if family in found:
                continue
            opened = found[family] = socket.socket(family, kind, protocol)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
            opened.setblocking(False)
            opened.bind(address)
    return found


def _enlarge(each: socket.socket) -> None:
    """As much as the kernel allows; beyond its limit only with CAP_NET_ADMIN."""
    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    with suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, _FORCED, RECEIVE_BUFFER)


def drain(ready: Iterable[socket.socket]) -> list[tuple[socket.socket, bytes, Address]]:
    """What has arrived: at most 400 datagrams, shared out among the sockets, or as many as a millisecond brings."""
    sockets = list(ready)
    arrived: list[tuple[socket.socket, bytes, Address]] = []
    until = perf_counter() + LONGEST_DRAIN
    share = MOST_DATAGRAMS // max(1, len(sockets))
    for each in sockets:
        with suppress(BlockingIOError):
            for _ in range(share):
                datagram, source = each.recvfrom(_LONGEST_PACKET)
                arrived.append((each, datagram, source))
                if perf_counter() > until:
                    break
    return arrived
