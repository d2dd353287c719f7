"""An HTTP server that does what a test says, the bad habits included; and replies to give."""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from tests.fixtures.processes import PATIENCE


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = bytes | Callable[["socket.socket"], None]
"""What goes over the wire; or what does something to the connection, after which it is closed."""


def reply(status: int, body: bytes | str = b"", content_type: str = "text/plain", **headers: str) -> bytes:
    octets = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} So", f"Content-Type: {content_type}", f"Content-Length: {len(octets)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + octets


def json_reply(status: int, given: Any) -> bytes:
    return reply(status, json.dumps(given), "application/json")


class HttpPeer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Callable[[Request], Reply], context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answer = answer
        self.context = context
        self.heard: list[Request] = []
        self.connections = 0
        self.was_left = threading.Event()
        """A client went away before it had heard everything."""

    @property
    def url(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.server_address[1]}"

    def drips(self, octets: bytes) -> Reply:
        """One octet at a time, and then nothing; for as long as somebody listens."""

        def drip(connection: socket.socket) -> None:
            connection.settimeout(0.02)
            for number in range(int(PATIENCE / 0.02)):
                try:
                    connection.send(octets[number : number + 1] or b"")
                    if connection.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            else:
                return
            self.was_left.set()

        return drip

    @property
    def silence(self) -> Reply:
        return self.drips(b"")


@contextmanager
def an_http_peer(answer: Callable[[Request], Reply], context: ssl.SSLContext | None = None) -> Iterator[HttpPeer]:
    with HttpPeer(answer, context) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        peer = cast("HttpPeer", self.server)
        peer.connections += 1
        with suppress(OSError):
            if peer.context is not None:
                self.request = peer.context.wrap_socket(self.request, server_side=True)
            self.request.settimeout(PATIENCE)
            with self.request.makefile("rb") as stream:
                while request := _read(stream):
                    peer.heard.append(request)
                    given = peer.answer(request)
                    if callable(given):
                        given(self.request)
                        return
                    self.request.sendall(given)

    def finish(self) -> None:
        self.request.close()


def _read(stream: Any) -> Request | None:
    first = stream.readline().decode("ascii").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(first[0], first[1], headers, stream.read(int(headers.get("content-length", 0))))
