"""HTTP as library systems are asked by it: within a time that covers everything, no more than so many octets, and
nothing followed, kept or guessed. One client for each system, used by several threads at once."""

import json
import logging
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from hotspot.adapters.library_systems import wire
from hotspot.adapters.library_systems.library_system import Finding, Step
from hotspot.adapters.library_systems.trouble import Trouble, shown
from hotspot.adapters.library_systems.wire import Deadline

MOST_OCTETS = 256 * 1024
"""Of an answer. A patron is some kilobytes."""
_MOST_CONNECTIONS = 32
_IDLE_FOR = 4.0
"""Seconds that a connection is kept for the next reader: many servers end it after five."""
_CHARSETS = frozenset({"iso-8859-1", "iso-8859-15", "windows-1252", "latin1"})

# They log addresses, and an address may hold a card number
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_deadline: ContextVar[Deadline] = ContextVar("deadline")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    content_type: str = ""

    def json(self) -> Any:
        """Numbers with a point are Decimals. Trouble if it is no JSON."""
        try:
            return json.loads(self.text(), parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise Trouble(Step.SPEAKS, f"{self.described()}: not JSON") from error

    def text(self) -> str:
        """UTF-8, or the charset that it names among those of old systems."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            charset = self.content_type.lower().rpartition("charset=")[2].strip(' "')
            if charset in _CHARSETS:
                return self.body.decode(charset, errors="replace")
            raise Trouble(Step.SPEAKS, f"{self.described()}: not in UTF-8") from error

    def described(self) -> str:
        return shown(f"HTTP {self.status} {self.content_type.partition(';')[0]}")


class HttpClient:
    """`send` and `reach` raise Trouble; what the other side answers, whatever its status, is an Answer.

    `close` may come while somebody still asks.
    """

    def __init__(self, ca_pem: str) -> None:
        self._tls = wire.trust(ca_pem)
        self._client = httpx.Client(
            transport=_Transport(self._tls),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one reader's visit is not the next one's
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
    ) -> Answer:
        with _time_counts(deadline):
            try:
                timeout = httpx.Timeout(deadline.left())
                with self._client.stream(method, url, headers=headers, content=content, timeout=timeout) as response:
                    return _read(response)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                raise _explain(error) from error
            except RuntimeError as error:
                if not self._client.is_closed:
                    raise
                raise Trouble(Step.REACHED, "its settings have just changed") from error

    def reach(self, url: str, deadline: Deadline) -> Iterator[Finding]:
        parsed = httpx.URL(url)
        is_encrypted = parsed.scheme == "https"
        port = parsed.port or (443 if is_encrypted else 80)
        return wire.reach(parsed.raw_host.decode("ascii"), port, self._tls if is_encrypted else None, deadline)

    def close(self) -> None:
        self._client.close()


def described(answer: Answer, hidden: Iterable[str]) -> str:
    """The status, with the reason that it gives in the ways that are usual."""
    try:
        given = answer.json()
    except Trouble:
        return answer.described()
    reason = ""
    if isinstance(given, dict):
        said = next((given[key] for key in ("error", "message", "description", "name") if given.get(key)), "")
        reason = said if isinstance(said, str) else ""
        errors = given.get("errors")
        if not reason and isinstance(errors, list) and errors and isinstance(errors[0], dict):
            reason = str(errors[0].get("message", ""))
    return shown(f"HTTP {answer.status}: {reason}" if reason else answer.described(), hidden)


@contextmanager
def _time_counts(deadline: Deadline) -> Iterator[None]:
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def _read(response: httpx.Response) -> Answer:
    content_type = response.headers.get("Content-Type", "")
    if response.is_redirect:
        host = response.next_request.url.host if response.next_request else ""
        raise Trouble(Step.SPEAKS, shown(f"HTTP {response.status_code}: it sends on to {host or 'another address'}"))
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Trouble(Step.SPEAKS, f"HTTP {response.status_code}: compressed, which was not asked for")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > MOST_OCTETS:
            raise Trouble(Step.SPEAKS, f"HTTP {response.status_code}: more than {MOST_OCTETS // 1024} KiB")
    return Answer(response.status_code, bytes(body), content_type)


def _explain(error: Exception) -> Trouble:
    if isinstance(error, httpx.PoolTimeout | TimeoutError):
        return Trouble(Step.REACHED, "no answer in time")
    if isinstance(error, httpx.RemoteProtocolError):
        return Trouble(Step.SPEAKS, "it broke off, or does not speak HTTP")
    return Trouble(Step.REACHED, type(error).__name__)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


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
    """What it raises is a Trouble: httpcore lets it pass."""

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
