"""HTTP to servers that we do not run: little time, small answers, no detour, TLS or the machine's own loopback.

A `Caller` serves one exchange. Its time is counted over all calls of the exchange and holds whatever the other side
does, answering drop by drop included; only the resolver's time is not ours to bound. Proxies that the environment names
are left alone. Certificates are checked against the system's authorities and certifi's.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from hotspot.errors import Unavailable

_LONGEST_ADDRESS = 2000


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    content_type: str
    """Lower case, without its parameters."""
    body: bytes


def may_be_called(url: str) -> bool:
    """https, or http on this machine's loopback; no user name, no fragment, nothing that cannot be printed."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _LONGEST_ADDRESS:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "\\" in url or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Caller:
    """Raises Unavailable(`dependency`) for whatever is not a whole answer in time. `trouble` then says what it was."""

    def __init__(self, dependency: str, within: timedelta, *, most_octets: int) -> None:
        self.trouble = ""
        """The name of the last failure, for logs and for those who set the connection up: nothing of what was sent."""
        self._dependency = dependency
        self._most_octets = most_octets
        self._ends_at = time.monotonic() + within.total_seconds()
        self._client = httpx.Client(
            transport=_HurriedTransport(self._ends_at),
            timeout=within.total_seconds(),
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "Parvis"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        return self._ask("GET", url, headers or {}, None)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        return self._ask("POST", url, headers, body)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        if not may_be_called(url):
            raise self._unavailable("address not allowed")
        try:
            with self._client.stream(method, url, headers=dict(headers), content=body) as response:
                return self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError) as error:
            raise self._unavailable(_name_of(error)) from error

    def _read(self, response: httpx.Response) -> HttpAnswer:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._unavailable("compressed although not asked for")  # a small answer could become a huge one
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self._most_octets:
                raise self._unavailable("answer too large")
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return HttpAnswer(response.status_code, content_type, bytes(body))

    def _unavailable(self, trouble: str) -> Unavailable:
        self.trouble = trouble
        return Unavailable(self._dependency)


def _name_of(error: BaseException) -> str:
    """What the machine says of a failure, in its own words where TLS or the network spoke."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate: {cause.verify_message}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class _HurriedTransport(httpx.HTTPTransport):
    """httpx's own, over sockets that know when all has to be over: its timeouts begin afresh with every octet."""

    def __init__(self, ends_at: float) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(ssl_context=_tls(), network_backend=_HurriedBackend(ends_at))


class _HurriedBackend(httpcore.SyncBackend):
    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours is shorter
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """One address after the other; one that swallows everything gets half of what time is left."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError("no such host") from error
        addresses = list(dict.fromkeys(each[4][0] for each in found))
        for at, address in enumerate(addresses):
            patience = _left(self._ends_at) / (1 if at + 1 == len(addresses) else 2)
            try:
                stream = super().connect_tcp(str(address), port, patience, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if at + 1 == len(addresses):
                    raise
            else:
                return _HurriedStream(stream, self._ends_at)
        raise httpcore.ConnectError("no such host")


class _HurriedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, _left(self._ends_at))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left(self._ends_at))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._ends_at))
        return _HurriedStream(stream, self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(ends_at: float) -> float:
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("out of time")
    return seconds
