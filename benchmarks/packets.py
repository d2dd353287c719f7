"""RADIUS requests, made before the clock starts. Written from the RFCs, with nothing of `radius/` in it."""

import hashlib
import hmac
import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

SECRET = b"the secret of the benchmarks"
NAS_IDENTIFIER = "bench-nas"
CALLED_STATION_ID = "02-00-00-00-00-FE"


class Code(IntEnum):
    """RFC 2865 section 3, RFC 2866 section 3."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5


class Status(IntEnum):
    """Acct-Status-Type (RFC 2866 section 5.1)."""

    START = 1
    STOP = 2
    INTERIM = 3


@dataclass(frozen=True, slots=True)
class Visitor:
    """One device with its login and its Wi-Fi session."""

    number: int
    user_name: str
    password: str
    mac: str
    """Twelve hexadecimal digits."""
    grant_class: bytes
    """What Class holds in our Access-Accept."""
    session_id: str


def access_request(visitor: Visitor, identifier: int) -> bytes:
    """PAP, with the attributes that CoovaChilli sends, Message-Authenticator (RFC 3579 section 3.2) last."""
    authenticator = secrets.token_bytes(16)
    attributes = b"".join(
        (
            _text(1, visitor.user_name),
            _attribute(2, _hidden(visitor.password.encode(), authenticator)),
            _number(6, 1),
            _text(44, visitor.session_id),
            *_where(visitor),
            b"\x50\x12" + bytes(16),
        )
    )
    packet = struct.pack("!BBH", Code.ACCESS_REQUEST, identifier, 20 + len(attributes)) + authenticator + attributes
    return packet[:-16] + hmac.digest(SECRET, packet, "md5")


def accounting_request(visitor: Visitor, identifier: int, status: Status, seconds: int) -> bytes:
    """Counters grow with `seconds`: 20 kB/s down, 2 kB/s up."""
    parts = [_text(1, visitor.user_name), _number(40, status), _text(44, visitor.session_id)]
    parts += [_attribute(25, visitor.grant_class), *_where(visitor)]
    if status is not Status.START:
        parts += [_number(42, seconds * 2_000), _number(43, seconds * 20_000), _number(52, 0), _number(53, 0)]
        parts += [_number(47, seconds * 4), _number(48, seconds * 20), _number(46, seconds // 300)]
    if status is Status.STOP:
        parts.append(_number(49, 1))
    attributes = b"".join(parts)
    header = struct.pack("!BBH", Code.ACCOUNTING_REQUEST, identifier, 20 + len(attributes))
    return header + _md5(header, bytes(16), attributes, SECRET) + attributes


def is_authentic(reply: bytes, request: bytes) -> bool:
    """The Response Authenticator (RFC 2865 section 3)."""
    length = int.from_bytes(reply[2:4])
    return _md5(reply[:4], request[4:20], reply[20:length], SECRET) == reply[4:20]


def _where(visitor: Visitor) -> Sequence[bytes]:
    mac, number = visitor.mac.upper(), visitor.number
    return (
        _attribute(8, bytes((10, number >> 16 & 255, number >> 8 & 255, number & 255))),
        _number(61, 19),
        _number(5, number),
        _text(87, f"{number:08d}"),
        _text(31, "-".join(mac[at : at + 2] for at in range(0, 12, 2))),
        _text(30, CALLED_STATION_ID),
        _attribute(4, socket.inet_aton("127.0.0.1")),
        _text(32, NAS_IDENTIFIER),
    )


def _hidden(password: bytes, authenticator: bytes) -> bytes:
    """RFC 2865 section 5.2."""
    padded = password + bytes(-len(password) % 16)
    hidden, before = b"", authenticator
    for at in range(0, len(padded), 16):
        pad = int.from_bytes(_md5(SECRET, before)) ^ int.from_bytes(padded[at : at + 16])
        before = pad.to_bytes(16)
        hidden += before
    return hidden


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b"".join(parts), usedforsecurity=False).digest()


def _attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def _text(number: int, value: str) -> bytes:
    return _attribute(number, value.encode())


def _number(number: int, value: int) -> bytes:
    return _attribute(number, struct.pack("!I", value))
