"""Packets as an access point makes them, by a second, plain implementation: nothing here comes from `radius/`."""

import hashlib
import hmac
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VECTORS = [json.loads(path.read_text()) for path in sorted((Path(__file__).parents[1] / "vectors").glob("*.json"))]

SECRET = b"a shared secret of the tests"
AUTHENTICATOR = bytes(range(16))

Attributes = Sequence[tuple[int, bytes]]


def vector(name: str) -> dict[str, Any]:
    return next(each for each in VECTORS if each["name"] == name)


def attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def integer(value: int) -> bytes:
    return struct.pack("!I", value)


def vendor(vendor_id: int, number: int, value: bytes) -> tuple[int, bytes]:
    return 26, integer(vendor_id) + attribute(number, value)


def packet(code: int, attributes: Attributes, *, identifier: int = 7, authenticator: bytes = AUTHENTICATOR) -> bytes:
    body = b"".join(attribute(number, value) for number, value in attributes)
    return struct.pack("!BBH", code, identifier, 20 + len(body)) + authenticator + body


def signed(
    code: int,
    attributes: Attributes,
    *,
    identifier: int = 7,
    authenticator: bytes = AUTHENTICATOR,
    secret: bytes = SECRET,
) -> bytes:
    """With its Message-Authenticator last, as CoovaChilli has it (RFC 3579 section 3.2)."""
    blank = packet(code, [*attributes, (80, bytes(16))], identifier=identifier, authenticator=authenticator)
    return blank[:-16] + hmac.digest(secret, blank, "md5")


def accounting(
    attributes: Attributes, *, identifier: int = 7, secret: bytes = SECRET, message_authenticator: bool = False
) -> bytes:
    """With the Request Authenticator of RFC 2866 section 3."""
    if message_authenticator:
        blank = signed(4, attributes, identifier=identifier, authenticator=bytes(16), secret=secret)
    else:
        blank = packet(4, attributes, identifier=identifier, authenticator=bytes(16))
    return blank[:4] + hashlib.md5(blank + secret).digest() + blank[20:]


def status(kind: int, *, session: bytes = b"0000002a", more: Attributes = ()) -> list[tuple[int, bytes]]:
    """An Accounting-Request's attributes, by Acct-Status-Type."""
    return [(40, integer(kind)), (44, session), (1, b"a-login"), (31, b"02-00-00-00-00-01"), *more]


def hidden_password(password: bytes, *, authenticator: bytes = AUTHENTICATOR, secret: bytes = SECRET) -> bytes:
    padded = password.ljust(-(-max(1, len(password)) // 16) * 16, b"\0")
    hidden, before = b"", authenticator
    for at in range(0, len(padded), 16):
        pad = hashlib.md5(secret + before).digest()
        before = bytes(left ^ right for left, right in zip(padded[at : at + 16], pad, strict=True))
        hidden += before
    return hidden


def attributes_of(answer: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 20
    while at < len(answer):
        found.append((answer[at], answer[at + 2 : at + answer[at + 1]]))
        at += answer[at + 1]
    return found


def is_authentic_change(request: bytes, secret: bytes = SECRET) -> bool:
    """The authenticators of a CoA- or Disconnect-Request (RFC 5176 section 2.3): its Message-Authenticator is first."""
    blank = request[:4] + bytes(16) + request[20:22] + bytes(16) + request[38:]
    message_authenticator = hmac.digest(secret, blank, "md5")
    expected = hashlib.md5(request[:4] + bytes(16) + request[20:] + secret).digest()
    return request[20:38] == b"\x50\x12" + message_authenticator and request[4:20] == expected


def reply(code: int, request: bytes, attributes: Attributes = (), *, secret: bytes = SECRET) -> bytes:
    """With the Response Authenticator of RFC 2865 section 3."""
    blank = packet(code, attributes, identifier=request[1], authenticator=request[4:20])
    return blank[:4] + hashlib.md5(blank + secret).digest() + blank[20:]


def is_authentic_reply(answer: bytes, request: bytes, secret: bytes = SECRET) -> bool:
    """The Response Authenticator, and the Message-Authenticator if there is one (which must be first)."""
    expected = hashlib.md5(answer[:4] + request[4:20] + answer[20:] + secret).digest()
    if answer[4:20] != expected:
        return False
    if not any(number == 80 for number, _ in attributes_of(answer)):
        return True
    blank = answer[:4] + request[4:20] + answer[20:22] + bytes(16) + answer[38:]
    return answer[20:22] == b"\x50\x12" and hmac.compare_digest(hmac.digest(secret, blank, "md5"), answer[22:38])
