"""One connection to a directory, for one card: TLS first, then one request at a time, all within a time."""

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Literal, Self, TypeVar

from hotspot.adapters import wire
from hotspot.adapters.library_systems import ldap_messages as ldap
from hotspot.adapters.library_systems.ldap_messages import Entry, Malformed, Message, Result, Tag
from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.library_systems.trouble import Trouble, as_trouble
from hotspot.adapters.wire import Deadline, shown

_Read = TypeVar("_Read")
Security = Literal["ldaps", "starttls", "none"]

_CONNECTING = 3.0
_ANSWERING = 5.0
"""Seconds, at most, of the time that there is."""


class LdapConnection:
    """`open_connection` makes one. Every method raises Trouble if there is no sound answer."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._buffer = b""
        self._requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """As a client should; for a server that does not listen any more it takes no time."""
        with suppress(OSError):
            self._connection.setblocking(False)
            self._connection.send(ldap.request(self._requests + 1, ldap.unbind()))
        self._connection.close()

    @property
    def peer(self) -> str:
        return wire.peer_of(self._connection)

    @property
    def encryption(self) -> str:
        """Empty: none."""
        return self._connection.version() or "" if isinstance(self._connection, ssl.SSLSocket) else ""

    def begin_tls(self, context: ssl.SSLContext, host: str) -> None:
        """What was said before is forgotten: it may have come from somebody in between."""
        with as_trouble():
            self._connection = wire.begin_tls(self._connection, context, host, self._deadline)
        self._buffer = b""

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """RFC 4511 section 4.14."""
        result = self._result(ldap.start_tls(), Tag.EXTENDED_RESPONSE)
        if result.code != ldap.Code.SUCCESS:
            raise Trouble(Step.TRUSTED, shown(f"StartTLS: {result.name} {result.text}"))
        self.begin_tls(context, host)

    def bind(self, dn: str, password: str) -> Result:
        """Without a password, or without a name, many directories say yes to anybody (RFC 4513 section 5.1)."""
        if not dn or not password:
            raise ValueError("a bind without name or password proves nothing")
        return self._result(ldap.bind(dn, password), Tag.BIND_RESPONSE)

    def bind_without_password(self, dn: str) -> Result:
        """Only to find out whether it says yes."""
        return self._result(ldap.bind(dn, ""), Tag.BIND_RESPONSE)

    def search(
        self, base: str, condition: bytes, attributes: Sequence[str], *, most: int
    ) -> tuple[Sequence[Entry], Result]:
        """At most that many entries. Where it refers to other servers is passed over."""
        asked = ldap.search(base, condition, attributes, most=most, seconds=int(_ANSWERING))
        entries: list[Entry] = []
        for message in self._answers(asked):
            match message.tag:
                case Tag.SEARCH_ENTRY if len(entries) < most:
                    entries.append(_sound(ldap.read_entry, message))
                case Tag.SEARCH_ENTRY:  # it does not heed the limit
                    return entries, Result(ldap.Code.SIZE_LIMIT_EXCEEDED, "")
                case Tag.SEARCH_REFERENCE:
                    pass
                case Tag.SEARCH_DONE:
                    return entries, _sound(ldap.read_result, message)
                case _:
                    break
        raise Trouble(Step.SPEAKS, "it answers something else than was asked")

    def _result(self, operation: bytes, expected: Tag) -> Result:
        message = next(self._answers(operation))
        if message.tag != expected:
            raise Trouble(Step.SPEAKS, "it answers something else than was asked")
        return _sound(ldap.read_result, message)

    def _answers(self, operation: bytes) -> Iterator[Message]:
        """One after the other, for as long as they are asked for."""
        self._requests += 1
        try:
            with as_trouble():
                deadline = self._deadline.sooner(_ANSWERING)
                self._connection.settimeout(deadline.left())
                self._connection.sendall(ldap.request(self._requests, operation))
                while True:
                    message = self._receive(deadline)
                    if message.message_id == 0:  # RFC 4511 section 4.4.1
                        notice = ldap.read_result(message.content)
                        raise Trouble(Step.SPEAKS, shown(f"it ends the connection: {notice.name} {notice.text}"))
                    if message.message_id != self._requests:
                        raise Malformed("an answer to something that was not asked")
                    yield message
        except Malformed as error:
            raise Trouble(Step.SPEAKS, f"it does not speak LDAP: {error}") from error

    def _receive(self, deadline: Deadline) -> Message:
        while (length := ldap.length_of_first(self._buffer)) is None or len(self._buffer) < length:
            self._connection.settimeout(deadline.left())
            more = self._connection.recv(65536)
            if not more:
                raise Malformed("it ended the connection")
            self._buffer += more
        whole, self._buffer = self._buffer[:length], self._buffer[length:]
        return ldap.read_message(whole)


def _sound(read: Callable[[bytes], _Read], message: Message) -> _Read:
    try:
        return read(message.content)
    except Malformed as error:
        raise Trouble(Step.SPEAKS, f"it does not speak LDAP: {error}") from error


def open_connection(
    host: str, port: int, security: Security, context: ssl.SSLContext, deadline: Deadline, at_most: float = _CONNECTING
) -> LdapConnection:
    """Encrypted, unless `security` is "none". Trouble if it cannot be."""
    with as_trouble():
        connection = LdapConnection(wire.connect(host, port, deadline.sooner(min(at_most, _CONNECTING))), deadline)
    try:
        if security == "ldaps":
            connection.begin_tls(context, host)
        elif security == "starttls":
            connection.start_tls(context, host)
    except Trouble:
        connection.close()
        raise
    return connection
