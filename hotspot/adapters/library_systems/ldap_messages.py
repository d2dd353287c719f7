"""The messages of LDAPv3 that checking a card needs (RFC 4511), in BER as section 5.1 restricts it: definite lengths,
no tags of several octets. Pure: octets in, values out; `Malformed` for everything else.

Why not a library: docs/decisions/0011-ldap.md.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

MOST_OCTETS = 1024 * 1024
"""Of one message. An entry with a photograph has some 100 kB."""
START_TLS = "1.3.6.1.4.1.1466.20037"

_SEQUENCE, _SET, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x31, 0x02, 0x04, 0x0A
_AD_DATA = re.compile(r"\bdata ([0-9a-f]{1,8})\b")


class Malformed(ValueError):
    """Not a message of LDAP, or one that is far too large."""


class Tag(IntEnum):
    """Application tags of the operations."""

    BIND_REQUEST = 0x60
    BIND_RESPONSE = 0x61
    UNBIND = 0x42
    SEARCH_REQUEST = 0x63
    SEARCH_ENTRY = 0x64
    SEARCH_DONE = 0x65
    SEARCH_REFERENCE = 0x73
    EXTENDED_REQUEST = 0x77
    EXTENDED_RESPONSE = 0x78


class Code(IntEnum):
    """Results that are told apart, or whose name helps whoever sets a directory up."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    STRONGER_AUTH_REQUIRED = 8
    REFERRAL = 10
    ADMIN_LIMIT_EXCEEDED = 11
    CONFIDENTIALITY_REQUIRED = 13
    CONSTRAINT_VIOLATION = 19
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53
    OTHER = 80


_NAMES = {code.value: code.name[0].lower() + code.name.title().replace("_", "")[1:] for code in Code}


@dataclass(frozen=True, slots=True)
class Message:
    message_id: int
    tag: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    text: str

    @property
    def name(self) -> str:
        """As the RFC spells it: `invalidCredentials`."""
        return _NAMES.get(self.code, f"result {self.code}")

    @property
    def ad_data(self) -> str:
        """What Active Directory adds to INVALID_CREDENTIALS: `52e` of “…, data 52e, v4563”."""
        found = _AD_DATA.search(self.text)
        return found[1].lstrip("0") if found else ""


@dataclass(frozen=True, slots=True)
class Entry:
    dn: str
    attributes: Mapping[str, Sequence[bytes]]
    """By name in small letters."""


def tlv(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def octets(value: str | bytes, tag: int = _OCTETS) -> bytes:
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def integer(value: int, tag: int = _INTEGER) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def request(message_id: int, operation: bytes) -> bytes:
    return tlv(_SEQUENCE, integer(message_id), operation)


def bind(dn: str, password: str) -> bytes:
    """Simple (RFC 4511 section 4.2). What an empty password means is for the caller to know."""
    return tlv(Tag.BIND_REQUEST, integer(3), octets(dn), octets(password, 0x80))


def unbind() -> bytes:
    return tlv(Tag.UNBIND)


def start_tls() -> bytes:
    return tlv(Tag.EXTENDED_REQUEST, octets(START_TLS, 0x80))


def search(base: str, condition: bytes, attributes: Sequence[str], *, most: int, seconds: int) -> bytes:
    """Of the whole subtree, aliases left alone. No attribute is asked for as `1.1` (section 4.5.1.8)."""
    whole_subtree, never_alias = integer(2, _ENUMERATED), integer(0, _ENUMERATED)
    names = tlv(_SEQUENCE, *map(octets, attributes or ("1.1",)))
    values_too = tlv(0x01, b"\x00")
    limits = integer(most) + integer(seconds)
    return tlv(Tag.SEARCH_REQUEST, octets(base), whole_subtree, never_alias, limits, values_too, condition, names)


def length_of_first(buffer: bytes) -> int | None:
    """Octets of the message that `buffer` begins with; None while that cannot be told."""
    if buffer and buffer[0] != _SEQUENCE:
        raise Malformed("no message")
    header = _header(buffer, 0)
    if header is None:
        return None
    start, length = header
    if start + length > MOST_OCTETS:
        raise Malformed("too large")
    return start + length


def read_message(whole: bytes) -> Message:
    """Controls that may follow are passed over."""
    outer = list(_elements(whole))
    parts = list(_elements(outer[0][1])) if len(outer) == 1 else []
    if len(parts) < 2 or parts[0][0] != _INTEGER:
        raise Malformed("no message id")
    return Message(int.from_bytes(parts[0][1], "big", signed=True), *parts[1])


def read_result(content: bytes) -> Result:
    parts = list(_elements(content))
    if [tag for tag, _ in parts[:3]] != [_ENUMERATED, _OCTETS, _OCTETS]:
        raise Malformed("no result")
    return Result(int.from_bytes(parts[0][1], "big", signed=True), parts[2][1].decode(errors="replace"))


def read_entry(content: bytes) -> Entry:
    parts = list(_elements(content))
    if [tag for tag, _ in parts] != [_OCTETS, _SEQUENCE]:
        raise Malformed("no entry")
    attributes: dict[str, tuple[bytes, ...]] = {}
    for tag, attribute in _elements(parts[1][1]):
        pair = list(_elements(attribute))
        if tag != _SEQUENCE or [each for each, _ in pair] != [_OCTETS, _SET]:
            raise Malformed("no attribute")
        attributes[_text(pair[0][1]).lower()] = tuple(value for _, value in _elements(pair[1][1]))
    return Entry(_text(parts[0][1]), attributes)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each of them, to the last octet."""
    at = 0
    while at < len(content):
        header = _header(content, at)
        if header is None or header[0] + header[1] > len(content):
            raise Malformed("cut off")
        start, length = header
        yield content[at], content[start : start + length]
        at = start + length


def _header(content: bytes, at: int) -> tuple[int, int] | None:
    """Where the content begins, and its length; None if the header itself is not all there."""
    if len(content) < at + 2:
        return None
    if content[at] & 0x1F == 0x1F:
        raise Malformed("a tag of several octets")
    first = content[at + 1]
    if first < 0x80:
        return at + 2, first
    number = first & 0x7F
    if not 1 <= number <= 4:
        raise Malformed("no definite length")
    if len(content) < at + 2 + number:
        return None
    return at + 2 + number, int.from_bytes(content[at + 2 : at + 2 + number], "big")
