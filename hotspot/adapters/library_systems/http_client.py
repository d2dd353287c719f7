"""HTTP as library systems are asked by it: one client for each system, used by several threads at once."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from hotspot.adapters import bounded_http, wire
from hotspot.adapters.library_systems.asking import NOT_ENCRYPTED
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.trouble import Trouble, as_trouble
from hotspot.adapters.wire import Deadline, shown

MOST_OCTETS = 256 * 1024
"""Of an answer. A patron is some kilobytes."""
_CHARSETS = frozenset({"iso-8859-1", "iso-8859-15", "windows-1252", "latin1"})


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
        self._http = bounded_http.HttpClient(ca_pem, most_octets=MOST_OCTETS)

    def send(
        self,
        method: str,
        url: str | httpx.URL,
        deadline: Deadline,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        with as_trouble():
            answer = self._http.send(method, url, deadline, headers=headers, content=content)
        if 300 <= answer.status < 400:
            where = answer.sends_to or "another address"
            raise Trouble(Step.SPEAKS, shown(f"HTTP {answer.status}: it sends on to {where}"))
        return Answer(answer.status, answer.body, answer.content_type)

    def reach(self, url: str, deadline: Deadline) -> Iterator[Finding]:
        """The first steps of an examination."""
        parsed = httpx.URL(url)
        is_encrypted = parsed.scheme == "https"
        host, port = parsed.raw_host.decode("ascii"), parsed.port or (443 if is_encrypted else 80)
        with as_trouble():
            connection = wire.connect(host, port, deadline)
            yield Finding(Step.REACHED, Outcome.WELL, wire.peer_of(connection))
            if is_encrypted:
                with wire.begin_tls(connection, self._http.tls, host, deadline) as encrypted:
                    yield Finding(Step.TRUSTED, Outcome.WELL, encrypted.version() or "")
            else:
                connection.close()
                yield Finding(Step.TRUSTED, Outcome.DOUBTFUL, NOT_ENCRYPTED)

    def close(self) -> None:
        self._http.close()


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


def unsound(answer: Answer, hidden: Iterable[str]) -> Trouble:
    """For a status that says neither yes nor no."""
    return Trouble(Step.LET_IN if answer.status in (401, 403) else Step.SPEAKS, described(answer, hidden))


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
