"""Is a packet authentic, and what makes ours so: authenticators, Message-Authenticator, User-Password, CHAP.

RFC 2865 sections 3, 5.2 and 5.3; RFC 2866 section 3; RFC 3579 section 3.2. MD5 is what these protocols are made of.
MS-CHAPv2 is in `radius/mschap.py`.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass

from radius.mschap import MsChapV2

NO_AUTHENTICATOR = bytes(16)
MESSAGE_AUTHENTICATOR_LENGTH = 18
"""Type, length and 16 octets."""

_md5 = hashlib.md5
_BLOCK = 64
_INNER = bytes(octet ^ 0x36 for octet in range(256))
_OUTER = bytes(octet ^ 0x5C for octet in range(256))


class SharedSecret:
    """A NAS's secret with the MD5 states that each packet begins from: copied, never computed again."""

    __slots__ = ("_inner", "_outer", "_secret", "_start")

    def __init__(self, secret: bytes) -> None:
        key = secret if len(secret) <= _BLOCK else _md5(secret, usedforsecurity=False).digest()
        key = key.ljust(_BLOCK, b"\0")
        self._secret = secret
        self._start = _md5(secret, usedforsecurity=False)
        self._inner = _md5(key.translate(_INNER), usedforsecurity=False)
        self._outer = _md5(key.translate(_OUTER), usedforsecurity=False)

    def message_authenticator(self, packet: bytes) -> bytes:
        """HMAC-MD5 (RFC 2104) of a packet whose own 16 octets for it are zero."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(packet)
        outer.update(inner.digest())
        return outer.digest()

    def has_message_authenticator(self, packet: bytes, value_at: int, authenticator: bytes) -> bool:
        """Is the Message-Authenticator whose value is at `value_at` right? `authenticator`: what the header's field
        holds in the computation (RFC 3579 section 3.2, RFC 5176 section 2.3)."""
        end = value_at + 16
        blank = b"".join((packet[:4], authenticator, packet[20:value_at], NO_AUTHENTICATOR, packet[end:]))
        return hmac.compare_digest(self.message_authenticator(blank), packet[value_at:end])

    def request_authenticator(self, packet: bytes) -> bytes:
        """Of an Accounting-Request, and of CoA and Disconnect (RFC 2866 section 3, RFC 5176 section 2.3)."""
        return self._digest(packet[:4], NO_AUTHENTICATOR, packet[20:])

    def has_request_authenticator(self, packet: bytes) -> bool:
        return hmac.compare_digest(self.request_authenticator(packet), packet[4:20])

    def request(self, code: int, identifier: int, attributes: bytes) -> bytes:
        """A whole CoA- or Disconnect-Request. Its Message-Authenticator, the first attribute, is made while the
        header's field is zero, and the Request Authenticator covers it (RFC 5176 section 2.3)."""
        header = struct.pack("!BBH", code, identifier, 20 + MESSAGE_AUTHENTICATOR_LENGTH + len(attributes))
        blank = b"".join((header, NO_AUTHENTICATOR, b"\x50\x12", NO_AUTHENTICATOR, attributes))
        signed = b"".join((b"\x50\x12", self.message_authenticator(blank), attributes))
        return b"".join((header, self._digest(header, NO_AUTHENTICATOR, signed), signed))

    def has_response_authenticator(self, packet: bytes, request_authenticator: bytes) -> bool:
        """Is it a reply to the request with that authenticator (RFC 2865 section 3)?"""
        expected = self._digest(packet[:4], request_authenticator, packet[20:])
        return hmac.compare_digest(expected, packet[4:20])

    def reply(
        self, code: int, identifier: int, request_authenticator: bytes, attributes: bytes, *, sign: bool
    ) -> bytes:
        """A whole reply. With `sign` a Message-Authenticator is its first attribute, made before the Response
        Authenticator, which covers it."""
        length = 20 + len(attributes) + (MESSAGE_AUTHENTICATOR_LENGTH if sign else 0)
        header = struct.pack("!BBH", code, identifier, length)
        if sign:
            blank = b"".join((header, request_authenticator, b"\x50\x12", NO_AUTHENTICATOR, attributes))
            attributes = b"".join((b"\x50\x12", self.message_authenticator(blank), attributes))
        return b"".join((header, self._digest(header, request_authenticator, attributes), attributes))

    def reveal_password(self, hidden: bytes, authenticator: bytes) -> bytes:
        """User-Password in clear, without its padding (RFC 2865 section 5.2)."""
        clear = bytearray()
        before = authenticator
        for at in range(0, len(hidden), 16):
            pad = self._start.copy()
            pad.update(before)
            before = hidden[at : at + 16]
            clear += (int.from_bytes(before) ^ int.from_bytes(pad.digest())).to_bytes(16)
        return bytes(clear).rstrip(b"\0")

    def _digest(self, header: bytes, authenticator: bytes, attributes: bytes) -> bytes:
        return _md5(b"".join((header, authenticator, attributes, self._secret)), usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Pap:
    """The password itself, as it was revealed."""

    password: bytes

    def proves(self, password: str) -> bool:
        return hmac.compare_digest(self.password, password.encode())


@dataclass(frozen=True, slots=True)
class Chap:
    """CHAP (RFC 2865 section 5.3): the response to a challenge by one who knows the password."""

    identifier: bytes
    response: bytes
    challenge: bytes

    def proves(self, password: str) -> bool:
        expected = _md5(self.identifier + password.encode() + self.challenge, usedforsecurity=False).digest()
        return hmac.compare_digest(self.response, expected)


@dataclass(frozen=True, slots=True)
class NoProof:
    """A method that we do not offer (MS-CHAP version 1, EAP), or none."""

    def proves(self, _password: str) -> bool:
        return False


Proof = Pap | Chap | MsChapV2 | NoProof
