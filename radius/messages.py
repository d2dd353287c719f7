"""What is said between an access point and us, in words: no bytes, no socket, no table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from hotspot.services.accounting import AccountingKind
from hotspot.values import TerminateCause
from hotspot.vendors.vendor import Attributes
from radius.authenticity import Proof


class Code(IntEnum):
    """RFC 2865 section 3, RFC 2866 section 3, RFC 5176 section 2.3, RFC 5997 section 2."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    STATUS_SERVER = 12
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class Door(StrEnum):
    """The two ports, and RadSec, where one connection carries everything."""

    AUTHENTICATION = "authentication"
    ACCOUNTING = "accounting"
    RADSEC = "radsec"


class DiscardReason(StrEnum):
    """Every way in which a packet is left without an answer. Staff meet these names beside what to do about them."""

    # whose it is
    UNKNOWN_NAS = "unknown_nas"
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    """RadSec: signed by our authority, but no NAS has any of its names. The connection is closed."""
    # its form
    PACKET_TOO_SHORT = "packet_too_short"
    LENGTH_WRONG = "length_wrong"
    """The Length field says less than 20, more than 4096, or more than arrived."""
    ATTRIBUTE_MALFORMED = "attribute_malformed"
    """An attribute is shorter than its own header or runs past the end, or a number is not four octets long."""
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    CODE_NOT_FOR_THIS_PORT = "code_not_for_this_port"
    # is it authentic
    MESSAGE_AUTHENTICATOR_MISSING = "message_authenticator_missing"
    MESSAGE_AUTHENTICATOR_MALFORMED = "message_authenticator_malformed"
    """More than one, or one that is not 16 octets."""
    MESSAGE_AUTHENTICATOR_WRONG = "message_authenticator_wrong"
    REQUEST_AUTHENTICATOR_WRONG = "request_authenticator_wrong"
    PROXY_STATE_UNPROTECTED = "proxy_state_unprotected"
    # what it asks
    PROXY_STATE_TOO_LONG = "proxy_state_too_long"
    """So much of it that the reply, which must repeat it, would be longer than a packet can be."""
    TWO_PASSWORDS = "two_passwords"
    PASSWORD_MALFORMED = "password_malformed"  # noqa: S105
    STATUS_TYPE_MISSING = "status_type_missing"
    SESSION_ID_MISSING = "session_id_missing"
    # what became of it
    ALREADY_IN_WORK = "already_in_work"
    REDIS_AWAY = "redis_away"
    DATABASE_AWAY = "database_away"
    """For a card, a code or a device; accounting goes to the journal."""
    JOURNAL_FULL = "journal_full"
    """It can be kept nowhere: the database is away, or was, and this machine's disk takes nothing."""
    BACK_END_TOO_SLOW = "back_end_too_slow"
    """What had to be asked about a card, a code or a device did not answer in time; or too much waits already."""
    CANNOT_BE_RECORDED = "cannot_be_recorded"
    """A single packet that the database refuses: a fault of ours, or a NAS that was just deleted."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    user_name: str
    calling_station_id: str
    called_station_id: str
    service_type: int | None
    proof: Proof
    is_eap: bool = False


class AccountingRequest(NamedTuple):
    """Octets include the Gigawords (RFC 2869 section 5.1). Input and output as the NAS means them.

    A named tuple, as AccountingRecord is: one is made for every packet, and a frozen dataclass of this size takes
    three times as long.
    """

    kind: AccountingKind | None
    """None for an Acct-Status-Type that says nothing about a session of ours (tunnels, Failed)."""
    acct_session_id: str
    user_name: str
    calling_station_id: str
    called_station_id: str
    framed_ip: str | None
    classes: tuple[bytes, ...]
    input_octets: int
    output_octets: int
    session_seconds: int
    terminate_cause: TerminateCause | None
    delay_seconds: int
    event_timestamp: int | None
    is_administrative: bool
    """Service-Type Administrative-User: the NAS's own session, not a person's."""
    vendor_integers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StatusServer:
    """Are you there? (RFC 5997)"""


@dataclass(frozen=True, slots=True)
class Accept:
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Reject:
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Accounting-Response: what was reported is kept."""


Request = AccessRequest | AccountingRequest | StatusServer
Reply = Accept | Reject | Acknowledge
