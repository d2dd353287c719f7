"""Disconnect- and CoA-Requests: packets in and out, and when to repeat one (RFC 5176). No socket, clock or table here.

Within one attempt the octets stay the same, so that a NAS knows a repeat (RFC 5176 section 2.3); a later attempt has
its own Event-Timestamp, and so its own Identifier and authenticators.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from hotspot.models import WishKind
from hotspot.services.wish_queue import Answer, Outcome, TakenWish
from radius.authenticity import SharedSecret
from radius.codec import MalformedAttribute, Packet, encode, parse
from radius.messages import Code, DiscardReason

INITIAL = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(seconds=16)
LONGEST_ATTEMPT = timedelta(seconds=30)
MOST_PACKETS = 5
"""RFC 5080 section 2.2.1: IRT, MRT, MRD, MRC."""

RADSEC_SECRET = b"radsec"
"""RFC 6614 section 2.3: the TLS connection is what protects."""

Place = tuple[str, int]
"""Address and port of a NAS; a TLS connection is ("radsec", id of the NAS)."""

_CODES = {WishKind.DISCONNECT: Code.DISCONNECT_REQUEST, WishKind.CHANGE: Code.COA_REQUEST}
_ANSWERS: dict[int, tuple[Code, Answer]] = {
    Code.DISCONNECT_ACK: (Code.DISCONNECT_REQUEST, Answer.ACCEPTED),
    Code.DISCONNECT_NAK: (Code.DISCONNECT_REQUEST, Answer.REFUSED),
    Code.COA_ACK: (Code.COA_REQUEST, Answer.ACCEPTED),
    Code.COA_NAK: (Code.COA_REQUEST, Answer.REFUSED),
}
_ERROR_CAUSE = 101


class ReplyDiscarded(StrEnum):
    """Why something that came back counts for nothing."""

    MALFORMED = "malformed"
    NOT_ASKED = "not_asked"
    """Nothing is open at that place under that Identifier, or it is an answer to another question."""
    NOT_AUTHENTIC = "not_authentic"
    """The secret differs, or somebody else sent it."""


@dataclass(slots=True)
class _Attempt:
    wish: TakenWish
    place: Place
    packet: bytes
    secret: SharedSecret
    began_at: datetime
    pause: timedelta
    next_at: datetime
    packets: int = 1


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same packet once more."""

    place: Place
    packet: bytes


def build_request(code: Code, identifier: int, wish: TakenWish, secret: SharedSecret, now: datetime) -> bytes:
    """Message-Authenticator first, Event-Timestamp last; both authenticators as RFC 5176 section 2.3 has them."""
    attributes = encode([*wish.attributes, ("Event-Timestamp", int(now.timestamp()))])
    return secret.request(code, identifier, attributes)


class ChangeClient:
    """The attempts under way. `jitter`: a number between -0.1 and 0.1, another each time (RFC 5080 section 2.2.1)."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._open: dict[tuple[Place, int], _Attempt] = {}
        self._last_identifier: dict[Place, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, wish: TakenWish, place: Place, secret: bytes, now: datetime, *, repeats: bool = True) -> bytes:
        """The packet to send. BlockingIOError while all 256 Identifiers of that place are open; ValueError for an
        attribute that fits in no packet. Where nothing can be lost (TLS) it is not repeated, only waited for."""
        identifier = self._free_identifier(place)
        shared = SharedSecret(secret)
        packet = build_request(_CODES[wish.kind], identifier, wish, shared, now)
        pause = INITIAL * (1 + self._jitter()) if repeats else LONGEST_ATTEMPT
        self._open[place, identifier] = _Attempt(wish, place, packet, shared, now, pause, now + pause)
        return packet

    def forget(self, place: Place, packet: bytes) -> Literal[False]:
        """It could not be sent after all."""
        self._open.pop((place, packet[1]), None)
        return False

    def receive(self, datagram: bytes, place: Place) -> Outcome | ReplyDiscarded:
        packet = parse(datagram)
        if isinstance(packet, DiscardReason):
            return ReplyDiscarded.MALFORMED
        attempt = self._open.get((place, packet.identifier))
        answers = _ANSWERS.get(packet.code)
        if attempt is None or answers is None or answers[0] != attempt.packet[0]:
            return ReplyDiscarded.NOT_ASKED
        if not _is_authentic(packet, attempt):
            return ReplyDiscarded.NOT_AUTHENTIC
        del self._open[place, packet.identifier]
        return Outcome(attempt.wish, answers[1], _error_cause(packet))

    def turn(self, now: datetime) -> list[Repeat | Outcome]:
        """What time has brought: packets to send again, and wishes without an answer."""
        steps: list[Repeat | Outcome] = []
        for key, attempt in list(self._open.items()):
            if now < attempt.next_at:
                continue
            if attempt.packets >= MOST_PACKETS or now - attempt.began_at >= LONGEST_ATTEMPT:
                del self._open[key]
                steps.append(Outcome(attempt.wish, Answer.NONE))
                continue
            attempt.packets += 1
            attempt.pause = min(attempt.pause * (2 + self._jitter()), LONGEST_PAUSE * (1 + self._jitter()))
            attempt.next_at = min(now + attempt.pause, attempt.began_at + LONGEST_ATTEMPT)
            steps.append(Repeat(attempt.place, attempt.packet))
        return steps

    def next_at(self) -> datetime | None:
        """When `turn` has something to do; None: nothing is under way."""
        return min((attempt.next_at for attempt in self._open.values()), default=None)

    def _free_identifier(self, place: Place) -> int:
        """The next in turn: one that was just used may still have answers on the way."""
        last = self._last_identifier.get(place, -1)
        for step in range(1, 257):
            identifier = (last + step) % 256
            if (place, identifier) not in self._open:
                self._last_identifier[place] = identifier
                return identifier
        raise BlockingIOError(place)


def _is_authentic(packet: Packet, attempt: _Attempt) -> bool:
    """The Response Authenticator, and a Message-Authenticator where there is one: CoovaChilli sends none."""
    asked_with = attempt.packet[4:20]
    if not attempt.secret.has_response_authenticator(packet.octets, asked_with):
        return False
    values = packet.all(80)
    if not values:
        return True
    return (
        len(values) == 1
        and len(values[0]) == 16
        and attempt.secret.has_message_authenticator(packet.octets, packet.message_authenticator_at, asked_with)
    )


def _error_cause(packet: Packet) -> int | None:
    try:
        return packet.number(_ERROR_CAUSE)
    except MalformedAttribute:
        return None
