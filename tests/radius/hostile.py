"""A protocol object under fire: whatever octets come, from whomever, every outcome is one that has a name.

The attacker may know a secret: `signed_anew` makes hostile attributes authentic. Used by the hypothesis tests
(test_hostile.py) and by the coverage-guided ones (tests/fuzz.py).
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hotspot.models import MessageAuthenticatorMode
from hotspot.services.accounting import AccountingRecord
from hotspot.services.radius_clients import RadiusClients
from hotspot.values import Admit
from hotspot.vendors import VENDORS
from radius.codec import Packet, parse
from radius.duplicates import Duplicates
from radius.messages import (
    Accept,
    AccessRequest,
    AccountingRequest,
    Acknowledge,
    DiscardReason,
    Door,
    Reject,
    Reply,
    StatusServer,
)
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from radius.routing import Asking, asks_with
from tests.radius.clients import client, record_of
from tests.radius.packets import SECRET, VECTORS, integer, is_authentic_reply, packet, vendor

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
REQUIRED, AUTO, OPTIONAL = MessageAuthenticatorMode
NASES = [
    client(nas_id=1),
    client(nas_id=2, message_authenticator=AUTO),
    client(nas_id=3, message_authenticator=OPTIONAL, vendor=VENDORS["mikrotik"], swaps_octets=True),
    client(nas_id=4, message_authenticator=OPTIONAL, is_proxy=True, sites={"020000000001": 9}),
]
SOURCES = [(f"192.0.2.{number}", 3799) for number in range(len(NASES) + 1)]
"""The first is a stranger."""
MOST_REMEMBERED = 500

_ADMIT = Admit(UUID(int=1), timedelta(hours=1), timedelta(minutes=10), timedelta(minutes=5), 1000, 8000, 5 * 2**32)
_MOST_TEXT = 253
_LONGEST_AGO = timedelta(days=30, minutes=5)


class Target:
    """A protocol object and a core that answers everything."""

    def __init__(self) -> None:
        self.now = NOW
        self._duplicates = Duplicates(most=MOST_REMEMBERED)
        networks = [(f"192.0.2.{each.nas_id}/32", each) for each in NASES]
        self._protocol = RadiusProtocol(RadiusClients(networks), self._duplicates)

    def take(self, datagram: bytes, source: tuple[str, int], door: Door) -> Discard | AnswerAgain | Ask:
        """One datagram, and the same once more; AssertionError if an outcome is not what it must be."""
        step = self._take(datagram, source, door)
        again = self._take(datagram, source, door)
        match step:
            case Discard():
                assert again == step, (step, again)
            case Ask() | AnswerAgain():
                assert isinstance(again, AnswerAgain), again
        assert len(self._duplicates) <= MOST_REMEMBERED
        return step

    def _take(self, datagram: bytes, source: tuple[str, int], door: Door) -> Discard | AnswerAgain | Ask:
        self.now += timedelta(milliseconds=10)
        step = self._protocol.receive(datagram, source, door, self.now)
        match step:
            case Discard(reason, nas_id):
                assert isinstance(reason, DiscardReason)
                assert (reason is DiscardReason.UNKNOWN_NAS) == (nas_id is None)
            case AnswerAgain(answer):
                _look_at(answer, datagram)
            case Ask(exchange):
                _look_at(self._protocol.answer(exchange, _reply(exchange)), datagram)
            case _:
                raise AssertionError(step)
        return step


def _reply(exchange: Exchange) -> Reply:
    """Read as the core reads it, then answered by a yes or a no."""
    request = exchange.request
    match request:
        case AccountingRequest():
            _look_at_record(record_of(exchange), exchange)
            return Acknowledge()
        case AccessRequest(user_name=user_name, proof=proof):
            for text in (user_name, request.calling_station_id, request.called_station_id):
                assert _is_text(text)
            assert asks_with(request) in Asking
            assert proof.proves("é\0") in (True, False)
            vendor = exchange.client.vendor
            if exchange.packet.identifier % 2:
                return Reject(
                    [("Reply-Message", "n" * 253), *vendor.reject_attributes("https://wifi.test/" + "p" * 200)]
                )
            yes = vendor.accept_attributes(_ADMIT, "https://wifi.test/" + "p" * 200)
            return Accept([*yes, ("Class", _ADMIT.grant_id.bytes)])
        case StatusServer():
            return Accept([]) if exchange.is_for_authentication else Acknowledge()


def _look_at(reply: bytes, datagram: bytes) -> None:
    parsed = parse(reply)
    assert isinstance(parsed, Packet), parsed
    assert parsed.octets == reply
    assert is_authentic_reply(reply, datagram)


def _look_at_record(record: AccountingRecord | None, exchange: Exchange) -> None:
    if record is None:
        return
    for text in (record.acct_session_id, record.user_name, record.calling_station_id, record.called_station_id):
        assert _is_text(text)
    assert 0 <= record.upload_octets < 2**64
    assert 0 <= record.download_octets < 2**64
    assert 0 <= record.session_seconds < 2**32
    assert exchange.arrived_at - _LONGEST_AGO <= record.happened_at <= exchange.arrived_at
    assert record.site_id in (1, 9)


def _is_text(text: str) -> bool:
    """As both databases keep it."""
    return len(text) <= _MOST_TEXT and "\0" not in text and text.encode().decode() == text


def signed_anew(datagram: bytes, secret: bytes = SECRET) -> bytes:
    """With the Length that it has and the authenticators that one who knows the secret would give it."""
    if len(datagram) < 20:
        return datagram
    made = bytearray(datagram[:4096])
    made[2:4] = len(made).to_bytes(2)
    is_accounting = made[0] == 4
    if is_accounting:
        made[4:20] = bytes(16)
    value_at = _message_authenticator_at(made)
    if value_at is not None:
        made[value_at : value_at + 16] = bytes(16)
        made[value_at : value_at + 16] = hmac.digest(secret, bytes(made), "md5")
    if is_accounting:
        made[4:20] = hashlib.md5(bytes(made) + secret).digest()
    return bytes(made)


def _message_authenticator_at(packet: bytes | bytearray) -> int | None:
    at = 20
    while at + 1 < len(packet) and packet[at + 1] >= 2:
        if packet[at : at + 2] == b"\x50\x12" and at + 18 <= len(packet):
            return at + 2
        at += packet[at + 1]
    return None


def shot(data: bytes) -> tuple[bytes, tuple[str, int], Door]:
    """What a fuzzer's octets stand for: the first one says from whom, to which port, and whether it is signed."""
    choice, datagram = (data[0], data[1:]) if data else (0, b"")
    door = Door.ACCOUNTING if choice & 0x80 else Door.AUTHENTICATION
    return signed_anew(datagram) if choice & 0x40 else datagram, SOURCES[(choice & 0x3F) % len(SOURCES)], door


def seeds() -> list[bytes]:
    """The captured packets and some of the longest there can be, signed with the secret of these tests, from each NAS
    to both ports."""
    packets = [bytes.fromhex(each["hex"]) for each in VECTORS] + [_MS_CHAP] + _longest()
    return [
        bytes((door | 0x40 | source,)) + each
        for each in packets
        for door in (0, 0x80)
        for source in range(1, len(SOURCES))
    ]


_MS_CHAP = packet(
    1, [(1, b"a-login"), vendor(311, 11, bytes(16)), vendor(311, 25, bytes(50)), (6, integer(10)), (80, bytes(16))]
)


def _longest() -> list[bytes]:
    """As full as 4096 octets can be: of Proxy-State, of attributes with nothing in them, of a vendor's."""
    filled = (
        [(33, bytes(253))] * 15,
        [(33, b"")] * 2020,
        [(number % 256, b"") for number in range(2020)],
        [(26, bytes(253))] * 15,
    )
    return [
        packet(code, [(80, bytes(16)), (40, integer(3)), (44, b"1"), *each]) for code in (1, 4, 12) for each in filled
    ]
