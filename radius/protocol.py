"""RadiusProtocol: a datagram and the time in, the next step out. No socket, no clock, no database (sans-IO)."""

from dataclasses import dataclass
from datetime import datetime

from hotspot.models import MessageAuthenticatorMode
from hotspot.services.radius_clients import RadiusClient, RadiusClients
from radius.authenticity import NO_AUTHENTICATOR, SharedSecret
from radius.codec import (
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    Packet,
    encode,
    encode_proxy_states,
    parse,
)
from radius.duplicates import DuplicateKey, Duplicates
from radius.messages import (
    Accept,
    Acknowledge,
    Code,
    DiscardReason,
    Door,
    Reject,
    Reply,
    Request,
)
from radius.reading import read_request

Source = tuple[str, int]
"""Address and port that a datagram came from; on RadSec the key of the connection, and 0."""

_CODES = {
    Door.AUTHENTICATION: (Code.ACCESS_REQUEST, Code.STATUS_SERVER),
    Door.ACCOUNTING: (Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER),
    Door.RADSEC: (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER),
}
_EAP_MESSAGE = 79


@dataclass(frozen=True, slots=True)
class Discard:
    """Left without an answer."""

    reason: DiscardReason
    nas_id: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerAgain:
    """A retransmission: send the answer already given."""

    packet: bytes
    nas_id: int


@dataclass(slots=True, eq=False)
class Exchange:
    """One authentic request that waits for its answer."""

    request: Request
    client: RadiusClient
    arrived_at: datetime
    packet: Packet
    key: DuplicateKey

    @property
    def source(self) -> Source:
        return self.key[0], self.key[1]

    @property
    def is_for_authentication(self) -> bool:
        """Status-Server is answered with Access-Accept. So it is on RadSec."""
        return self.key[4] != Door.ACCOUNTING

    @property
    def request_key(self) -> bytes:
        """The same for a request and its retransmissions, on whichever worker or node they arrive."""
        address, port, identifier, authenticator, door = self.key
        if door == Door.RADSEC:  # what a broken connection left unanswered comes again on another, perhaps renumbered
            return f"radsec {self.client.nas_id} ".encode() + authenticator
        return f"{address} {port} {identifier} ".encode() + authenticator


@dataclass(frozen=True, slots=True)
class Ask:
    """New and authentic: ask the core."""

    exchange: Exchange


class RadiusProtocol:
    def __init__(self, clients: RadiusClients, duplicates: Duplicates | None = None) -> None:
        self.clients = clients
        """Replaced as a whole when a NAS is added or changed."""
        self.latched: set[int] = set()
        """NASes in AUTO mode that have sent a right Message-Authenticator: required of them from then on. The rim
        writes them down."""
        self._duplicates = duplicates if duplicates is not None else Duplicates()
        self._secrets: dict[bytes, SharedSecret] = {}

    def receive(self, datagram: bytes, source: Source, door: Door, now: datetime) -> Discard | AnswerAgain | Ask:
        client = self.clients.find(source[0])
        if client is None:
            return Discard(DiscardReason.UNKNOWN_NAS)
        return self.receive_of(client, datagram, source, door, now)

    def receive_of(
        self, client: RadiusClient, datagram: bytes, source: Source, door: Door, now: datetime
    ) -> Discard | AnswerAgain | Ask:
        """The same, from a client that is known already: on RadSec by its certificate."""
        packet = parse(datagram)
        problem = packet if isinstance(packet, DiscardReason) else self._doubt(packet, client, door)
        if isinstance(packet, DiscardReason) or problem is not None:
            return Discard(problem or DiscardReason.ATTRIBUTE_MALFORMED, client.nas_id)
        key = (source[0], source[1], packet.identifier, packet.authenticator, door)
        if self._duplicates.is_known(key, now):
            answer = self._duplicates.answer(key)
            if answer is None:
                return Discard(DiscardReason.ALREADY_IN_WORK, client.nas_id)
            return AnswerAgain(answer, client.nas_id)
        request = read_request(packet, self._secret(client))
        if isinstance(request, DiscardReason):
            return Discard(request, client.nas_id)
        self._duplicates.begin(key, now)
        return Ask(Exchange(request, client, now, packet, key))

    def answer(self, exchange: Exchange, reply: Reply) -> bytes:
        """The packet to send. From now on a retransmission gets the same."""
        packet = exchange.packet
        match reply:
            case Accept(attributes):
                code, block = Code.ACCESS_ACCEPT, encode(attributes)
            case Reject(attributes):
                code, block = Code.ACCESS_REJECT, encode(attributes)
            case Acknowledge():
                code, block = Code.ACCOUNTING_RESPONSE, b""
        if PROXY_STATE in packet.first:
            block += encode_proxy_states(packet)
        # an old NAS may not know it in an Accounting-Response: there it is for those that sent one themselves
        sign = code is not Code.ACCOUNTING_RESPONSE or packet.message_authenticator_at > 0
        answer = self._secret(exchange.client).reply(code, packet.identifier, packet.authenticator, block, sign=sign)
        self._duplicates.remember(exchange.key, answer)
        return answer

    def leave_unanswered(self, exchange: Exchange) -> None:
        """It could not be kept: when the NAS asks again, that is a new request."""
        self._duplicates.forget(exchange.key)

    def _secret(self, client: RadiusClient) -> SharedSecret:
        try:
            return self._secrets[client.secret]
        except KeyError:
            prepared = self._secrets[client.secret] = SharedSecret(client.secret)
            return prepared

    def _doubt(self, packet: Packet, client: RadiusClient, door: Door) -> DiscardReason | None:
        """Why this packet is not to be believed, or None.

        RFC 2866 section 3, RFC 3579 section 3.2, RFC 5997 section 3.
        """
        if packet.code not in _CODES[door]:
            return DiscardReason.CODE_NOT_FOR_THIS_PORT
        secret = self._secret(client)
        if packet.code == Code.ACCOUNTING_REQUEST:
            if not secret.has_request_authenticator(packet.octets):
                return DiscardReason.REQUEST_AUTHENTICATOR_WRONG
        elif not packet.message_authenticator_at:
            return self._missing_message_authenticator_doubt(packet, client)
        return self._message_authenticator_doubt(packet, client, secret) if packet.message_authenticator_at else None

    def _missing_message_authenticator_doubt(self, packet: Packet, client: RadiusClient) -> DiscardReason | None:
        """It may be missing where nothing asks for it. Proxy-State without one is where a forged answer would hide
        (CVE-2024-3596)."""
        if PROXY_STATE in packet.first and not client.is_proxy:
            return DiscardReason.PROXY_STATE_UNPROTECTED
        if packet.code == Code.STATUS_SERVER or _EAP_MESSAGE in packet.first or self._is_required_of(client):
            return DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
        return None

    def _message_authenticator_doubt(
        self, packet: Packet, client: RadiusClient, secret: SharedSecret
    ) -> DiscardReason | None:
        again = any(number == MESSAGE_AUTHENTICATOR for number, _ in packet.more)
        if again or len(packet.first[MESSAGE_AUTHENTICATOR]) != 16:
            return DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED
        authenticator = NO_AUTHENTICATOR if packet.code == Code.ACCOUNTING_REQUEST else packet.authenticator
        if not secret.has_message_authenticator(packet.octets, packet.message_authenticator_at, authenticator):
            return DiscardReason.MESSAGE_AUTHENTICATOR_WRONG
        if (
            client.message_authenticator is MessageAuthenticatorMode.AUTO
            and packet.code == Code.ACCESS_REQUEST
            and not client.message_authenticator_seen
        ):
            self.latched.add(client.nas_id)
        return None

    def _is_required_of(self, client: RadiusClient) -> bool:
        match client.message_authenticator:
            case MessageAuthenticatorMode.REQUIRED:
                return True
            case MessageAuthenticatorMode.AUTO:
                return client.message_authenticator_seen or client.nas_id in self.latched
            case MessageAuthenticatorMode.OPTIONAL:
                return False
