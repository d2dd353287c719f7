"""A well-formed, authentic packet -> the request that it makes, or why it makes none."""

from hotspot.services.accounting import AccountingKind
from hotspot.values import TerminateCause
from radius.authenticity import Chap, NoProof, Pap, Proof, SharedSecret
from radius.codec import PROXY_STATE, MalformedAttribute, Packet
from radius.messages import AccessRequest, AccountingRequest, Code, DiscardReason, Request, StatusServer
from radius.mschap import CHALLENGE_LENGTH, RESPONSE_LENGTH, MsChapV2

_KINDS = {
    1: AccountingKind.START,
    2: AccountingKind.STOP,
    3: AccountingKind.INTERIM,
    7: AccountingKind.ON,
    8: AccountingKind.OFF,
}
_CAUSES = {
    1: TerminateCause.USER_REQUEST,
    2: TerminateCause.LOST_CARRIER,
    3: TerminateCause.LOST_SERVICE,
    4: TerminateCause.IDLE_TIMEOUT,
    5: TerminateCause.SESSION_TIMEOUT,
    6: TerminateCause.ADMIN_RESET,
    7: TerminateCause.ADMIN_REBOOT,
    8: TerminateCause.PORT_ERROR,
    9: TerminateCause.NAS_ERROR,
    10: TerminateCause.NAS_REQUEST,
    11: TerminateCause.NAS_REBOOT,
}
_OF_ONE_SESSION = (AccountingKind.START, AccountingKind.INTERIM, AccountingKind.STOP)
_ADMINISTRATIVE_USER = 6
_EAP_MESSAGE = 79
_MICROSOFT, _MS_CHAP_CHALLENGE, _MS_CHAP2_RESPONSE = 311, 11, 25
_LONGEST_PASSWORD = 128
_MOST_PROXY_STATE = 1024
"""Octets, of the 4096 of a reply. A proxy adds one of some twenty; RFC 2865 section 5.33 knows no bound."""


def read_request(packet: Packet, secret: SharedSecret) -> Request | DiscardReason:
    """`packet.code` is one that a port accepts."""
    if PROXY_STATE in packet.first and sum(len(each) + 2 for each in packet.all(PROXY_STATE)) > _MOST_PROXY_STATE:
        return DiscardReason.PROXY_STATE_TOO_LONG
    try:
        match packet.code:
            case Code.ACCESS_REQUEST:
                return _read_access_request(packet, secret)
            case Code.ACCOUNTING_REQUEST:
                return _read_accounting_request(packet)
            case _:
                return StatusServer()
    except MalformedAttribute:
        return DiscardReason.ATTRIBUTE_MALFORMED


def _read_access_request(packet: Packet, secret: SharedSecret) -> AccessRequest | DiscardReason:
    proof = _read_proof(packet, secret)
    if isinstance(proof, DiscardReason):
        return proof
    return AccessRequest(
        user_name=packet.text(1),
        calling_station_id=packet.text(31),
        called_station_id=packet.text(30),
        service_type=packet.number(6),
        proof=proof,
        is_eap=_EAP_MESSAGE in packet.first,
    )


def _read_proof(packet: Packet, secret: SharedSecret) -> Proof | DiscardReason:
    """RFC 2865 sections 5.2, 5.3 and 5.40, RFC 2548 section 2.3. One kind, never two (RFC 2865 section 4.1)."""
    hidden, chap = packet.octets_of(2), packet.octets_of(3)
    ms_chap = packet.vendor_octets(_MICROSOFT, _MS_CHAP2_RESPONSE)
    if sum((hidden is not None, chap is not None, ms_chap is not None, _EAP_MESSAGE in packet.first)) > 1:
        return DiscardReason.TWO_PASSWORDS
    if hidden is not None:
        if not hidden or len(hidden) % 16 or len(hidden) > _LONGEST_PASSWORD:
            return DiscardReason.PASSWORD_MALFORMED
        return Pap(secret.reveal_password(hidden, packet.authenticator))
    if chap is not None:
        return _read_chap(packet, chap)
    return NoProof() if ms_chap is None else _read_ms_chap(packet, ms_chap)


def _read_chap(packet: Packet, chap: bytes) -> Proof | DiscardReason:
    if len(chap) != 17:
        return DiscardReason.PASSWORD_MALFORMED
    challenge = packet.octets_of(60)
    return Chap(chap[:1], chap[1:], packet.authenticator if challenge is None else challenge)


def _read_ms_chap(packet: Packet, response: bytes) -> Proof | DiscardReason:
    challenge = packet.vendor_octets(_MICROSOFT, _MS_CHAP_CHALLENGE)
    if challenge is None or len(challenge) != CHALLENGE_LENGTH or len(response) != RESPONSE_LENGTH:
        return DiscardReason.PASSWORD_MALFORMED
    return MsChapV2(
        identifier=response[0],
        user_name=packet.octets_of(1) or b"",
        challenge=challenge,
        peer_challenge=response[2:18],
        response=response[26:],
    )


def _read_accounting_request(packet: Packet) -> AccountingRequest | DiscardReason:
    number, text = packet.number, packet.text
    status = number(40)
    if status is None:
        return DiscardReason.STATUS_TYPE_MISSING
    kind = _KINDS.get(status)
    acct_session_id = text(44)
    if not acct_session_id and kind in _OF_ONE_SESSION:
        return DiscardReason.SESSION_ID_MISSING
    cause = number(49)
    return AccountingRequest(
        kind=kind,
        acct_session_id=acct_session_id,
        user_name=text(1),
        calling_station_id=text(31),
        called_station_id=text(30),
        framed_ip=packet.address(8, 168),
        classes=tuple(packet.all(25)),
        input_octets=total_octets(number(42), number(52)),
        output_octets=total_octets(number(43), number(53)),
        session_seconds=number(46) or 0,
        terminate_cause=None if cause is None else _CAUSES.get(cause, TerminateCause.OTHER),
        delay_seconds=number(41) or 0,
        event_timestamp=number(55),
        is_administrative=number(6) == _ADMINISTRATIVE_USER,
        vendor_integers=packet.vendor_integers(),
    )


def total_octets(octets: int | None, gigawords: int | None) -> int:
    """Octets since the session began. Gigawords count wraps of 2**32 (RFC 2869 section 5.1)."""
    return ((gigawords or 0) << 32) + (octets or 0)
