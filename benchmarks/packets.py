"""RADIUS requests, made before the clock starts. Written from the RFCs, with nothing of `radius/` in it."""

import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """RFC 2865 section 3, RFC 2866 section 3."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5


class Step(IntEnum):
    """What a visitor's NAS says next. The last three by their Acct-Status-Type (RFC 2866 section 5.1)."""

    CHAP = -1
    PAP = 0
    START = 1
    STOP = 2
    INTERIM = 3

    @property
    def is_login(self) -> bool:
        return self in (Step.PAP, Step.CHAP)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A NAS that really sends, from an address of its own."""

    address: str
    secret: bytes
    nas_identifier: str
    called_station_ids: tuple[str, ...]
    """Its access points."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """One device with its login and its Wi-Fi session."""

    speaker: Speaker
    user_name: str
    password: str
    session_id: str
    grant_class: bytes
    """What Class holds in our Access-Accept."""
    attributes: bytes
    """Those that every packet of its session has: where it is, and who."""


def where(speaker: Speaker, called_station_id: str, number: int, mac: str) -> bytes:
    """`mac`: twelve hexadecimal digits."""
    dashed = "-".join(mac[at : at + 2] for at in range(0, 12, 2)).upper()
    return b"".join(
        (
            _attribute(8, struct.pack("!I", 0x0A00_0000 + number % 2**24)),
            _number(61, 19),
            _number(5, number),
            _text(87, f"{number:08d}"),
            _text(31, dashed),
            _text(30, called_station_id),
            _attribute(4, socket.inet_aton(speaker.address)),
            _text(32, speaker.nas_identifier),
        )
    )


def access_request(visitor: Visitor, identifier: int, step: Step) -> bytes:
    """PAP or CHAP, with the attributes that CoovaChilli sends, Message-Authenticator (RFC 3579 section 3.2) last."""
    secret, password = visitor.speaker.secret, visitor.password.encode()
    authenticator = secrets.token_bytes(16)
    if step is Step.PAP:
        proof = _attribute(2, _hidden(password, authenticator, secret))
    else:  # the challenge is the Request Authenticator (RFC 2865 section 5.3)
        proof = _attribute(3, b"\x01" + _md5(b"\x01" + password + authenticator))
    attributes = b"".join(
        (
            _text(1, visitor.user_name),
            proof,
            b"\x06\x06\0\0\0\x01",
            _text(44, visitor.session_id),
            visitor.attributes,
            b"\x50\x12" + bytes(16),
        )
    )
    packet = struct.pack("!BBH", Code.ACCESS_REQUEST, identifier, 20 + len(attributes)) + authenticator + attributes
    return packet[:-16] + hmac.digest(secret, packet, "md5")


def accounting_request(visitor: Visitor, identifier: int, step: Step, seconds: int) -> bytes:
    """Counters grow with `seconds`: 6 MB/s down, 600 kB/s up."""
    parts = [_text(1, visitor.user_name), _number(40, step), _text(44, visitor.session_id)]
    parts += [_attribute(25, visitor.grant_class), visitor.attributes]
    if step is not Step.START:
        counters = (42, 6, seconds * UPLOAD, 43, 6, seconds * DOWNLOAD, 52, 6, 0, 53, 6, 0)
        counters += (47, 6, seconds * 4, 48, 6, seconds * 20, 46, 6, seconds)
        parts.append(_COUNTERS.pack(*counters))
    if step is Step.STOP:
        parts.append(b"\x31\x06\0\0\0\x01")
    attributes = b"".join(parts)
    header = struct.pack("!BBH", Code.ACCOUNTING_REQUEST, identifier, 20 + len(attributes))
    return header + _md5(header + bytes(16) + attributes + visitor.speaker.secret) + attributes


UPLOAD, DOWNLOAD = 600_000, 6_000_000
"""Octets that each second of a session adds: so many that a second counts as a report does in five minutes. Sessions
that claim to have lasted longer than they have would be another thing to measure."""
_COUNTERS = struct.Struct("!" + "BBI" * 7)


def is_authentic(reply: bytes, request: bytes, secret: bytes) -> bool:
    """The Response Authenticator (RFC 2865 section 3)."""
    length = int.from_bytes(reply[2:4])
    return _md5(reply[:4] + request[4:20] + reply[20:length] + secret) == reply[4:20]


def _hidden(password: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """RFC 2865 section 5.2."""
    padded = password + bytes(-len(password) % 16)
    hidden, before = b"", authenticator
    for at in range(0, len(padded), 16):
        pad = int.from_bytes(_md5(secret + before)) ^ int.from_bytes(padded[at : at + 16])
        before = pad.to_bytes(16)
        hidden += before
    return hidden


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()


def _attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def _text(number: int, value: str) -> bytes:
    return _attribute(number, value.encode())


def _number(number: int, value: int) -> bytes:
    return struct.pack("!BBI", number, 6, value)
