"""Calls to an identity provider: only to addresses that may be called, and all of one exchange within one time."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from hotspot.adapters.bounded_http import HttpAnswer, HttpClient
from hotspot.adapters.wire import Deadline, NoAnswer, Why, is_loopback

_MOST_OCTETS = 256 * 1024
_LONGEST_ADDRESS = 2000


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
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


class Caller:
    """Raises NoAnswer."""

    def __init__(self, http: HttpClient, deadline: Deadline) -> None:
        self._http = http
        self._deadline = deadline

    def get(self, url: str, headers: Mapping[str, str]) -> HttpAnswer:
        return self._ask("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        return self._ask("POST", url, headers, body)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        if not may_be_called(url):
            raise NoAnswer(Why.NOT_REACHED, "address not allowed")
        return self._http.send(method, url, self._deadline, headers=headers, content=body)


@contextmanager
def an_exchange(within: timedelta) -> Iterator[Caller]:
    with closing(HttpClient(most_octets=_MOST_OCTETS)) as http:
        yield Caller(http, Deadline(within))
