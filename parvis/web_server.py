"""Serves one of the two web doors with waitress (why this one: docs/decisions/0001-http-server.md)."""

import logging
import signal
import socket
import time
from typing import Any

from flask import Flask
from waitress.server import create_server

DRAIN = 3.0
"""Seconds that requests under way are given after SIGTERM; the supervisor kills after four."""

_LIMITS = {
    "max_request_header_size": 32 * 1024,
    "max_request_body_size": 8 * 1024 * 1024,  # a big town's patrons as CSV; each form has its own, lower limit
    "connection_limit": 1000,
    "channel_timeout": 20,  # seconds without an octet
    "cleanup_interval": 5,
    "backlog": 1024,
}


def serve_web(app: Flask, host: str, port: int, threads: int) -> None:
    """Until SIGTERM or SIGINT; then no new connection, and the requests under way are answered."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is no news
    server = create_server(
        app,
        sockets=[_listen(host, port)],
        threads=threads,
        ident="",  # which server this is concerns nobody
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # the doors judge them by `trusted_proxies`
        **_LIMITS,
    )
    asked_to_stop = []

    def stop(*_: object) -> None:
        asked_to_stop.append(True)
        server.trigger.pull_trigger()  # wakes the loop

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not asked_to_stop:
        _turn(server, 1.0)
    server.accepting = False
    server.socket.close()
    server.del_channel()
    deadline = time.monotonic() + DRAIN
    while time.monotonic() < deadline and any(map(_is_busy, list(server.active_channels.values()))):
        _turn(server, 0.1)
    server.task_dispatcher.shutdown(timeout=0.2)


def _turn(server: Any, seconds: float) -> None:
    server.asyncore.loop(timeout=seconds, map=server._map, use_poll=True, count=1)


def _is_busy(channel: Any) -> bool:
    return bool(channel.requests) or channel.total_outbufs_len > 0


def _listen(host: str, port: int) -> socket.socket:
    """One socket: the first address of the host. `::` listens to IPv4 too."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
