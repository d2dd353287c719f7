"""HTTP with servers that we do not run: within a time that covers everything, no more than so many octets, and nothing
followed, kept or guessed. Proxies that the environment names are left alone."""

import logging
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from hotspot.adapters import wire
from hotspot.adapters.wire import Deadline, NoAnswer, Why

_MOST_CONNECTIONS = 32
_IDLE_FOR = 4.0
"""Seconds that a connection is kept for the next call: many servers end it after five."""

# They log addresses, and an address may hold a card number
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_deadline: ContextVar[Deadline] = ContextVar("deadline")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    content_type: str
    body: bytes = field(repr=False)
    sends_to: str = ""
    """The host, where it is a redirect that names one."""


class HttpClient:
    """Used by several threads at once; `close` may come while somebody still asks."""

    def __init__(self, ca_pem: str = "", *, most_octets: int) -> None:
        """`ca_pem`: the only authorities to believe; empty: those of the machine and those that browsers know."""
        self.tls = wire.trust(ca_pem) if ca_pem else _usual_tls()
        self._most_octets = most_octets
        self._client = httpx.Client(
            transport=_Transport(self.tls),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one person's visit is not the next one's
            headers={"User-Agent": "Parvis", "Accept-Encoding": "identity"},
        )

    def send(
        self,
        method: str,
        url: str | httpx.URL,
        deadline: Deadline,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpAnswer:
        """NoAnswer; what the other side answers, whatever its status, is an answer."""
        with _time_counts(deadline):
            try:
                timeout = httpx.Timeout(deadline.left())
                with self._client.stream(method, url, headers=headers, content=content, timeout=timeout) as response:
                    return self._read(response)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _explain(error) from error
            except RuntimeError as error:
                if not self._client.is_closed:
                    raise
                raise NoAnswer(Why.NOT_REACHED, "its settings have just changed") from error

    def close(self) -> None:
        self._client.close()

    def _read(self, response: httpx.Response) -> HttpAnswer:
        said = f"HTTP {response.status_code}"
        if response.headers.get("Content-Encoding", "identity") != "identity":  # few octets could become very many
            raise NoAnswer(Why.BROKE_OFF, f"{said}: compressed, which was not asked for")
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self._most_octets:
                raise NoAnswer(Why.TOO_LARGE, f"{said}: more than {self._most_octets // 1024} KiB")
        sends_to = response.next_request.url.host if response.next_request else ""
        return HttpAnswer(response.status_code, response.headers.get("Content-Type", ""), bytes(body), sends_to)


@contextmanager
def _time_counts(deadline: Deadline) -> Iterator[None]:
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def _explain(error: Exception) -> NoAnswer:
    if isinstance(error, httpx.PoolTimeout):
        return NoAnswer(Why.OUT_OF_TIME, "no answer in time")
    if isinstance(error, httpx.RemoteProtocolError):
        return NoAnswer(Why.BROKE_OFF, "it broke off, or does not speak HTTP")
    return NoAnswer(Why.NOT_REACHED, type(error).__name__)


@cache
def _usual_tls() -> ssl.SSLContext:
    return wire.trust("")


class _Transport(httpx.HTTPTransport):
    """httpx limits each step: an answer that comes drop by drop would never be late. Here all steps share the deadline.
    The pool is httpx's own but for the backend, for which it has no argument."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_FOR,
            network_backend=_InTime(),
        )


class _InTime(httpcore.NetworkBackend):
    """What it raises is a NoAnswer: httpcore lets it pass."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts, here and below
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(wire.connect(host, port, _deadline.get()))


class _Stream(httpcore.NetworkStream):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        try:
            self._connection.settimeout(_deadline.get().left())
            return self._connection.recv(max_bytes)
        except OSError as error:
            raise wire.explain(error) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        try:
            self._connection.settimeout(_deadline.get().left())
            self._connection.sendall(buffer)
        except TimeoutError as error:
            raise wire.explain(error) from error
        except OSError as error:  # it may have answered before it had heard everything: httpcore looks
            raise httpcore.WriteError from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(wire.begin_tls(self._connection, ssl_context, server_hostname or "", _deadline.get()))

    def get_extra_info(self, info: str) -> Any:
        """Asked before a connection is used again: one that has something to say has been ended."""
        return wire.is_readable(self._connection) if info == "is_readable" else None

    def close(self) -> None:
        self._connection.close()
