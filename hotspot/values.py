"""Small values that everybody speaks of: parse, compare, print. No table, no door, no I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from typing import NewType
from uuid import UUID

MacAddress = NewType("MacAddress", str)
"""Twelve lower-case hexadecimal digits. `parse_mac` makes one."""

_MAC_SEPARATORS = re.compile(r"[-:. ]")
_MAC = re.compile(r"[0-9a-f]{12}")


def parse_mac(text: str) -> MacAddress | None:
    """AA-BB-.., aa:bb:.., aabb.cc.. and aabbcc.. are the same device; anything else is None."""
    digits = _MAC_SEPARATORS.sub("", text.strip()).lower()
    return MacAddress(digits) if _MAC.fullmatch(digits) else None


def print_mac(mac: str, separator: str = ":") -> str:
    return separator.join(mac[at : at + 2] for at in range(0, 12, 2))


def normalise_called_station(text: str) -> str:
    """A Called-Station-Id as we compare it: `AP-MAC:SSID` loses its SSID, a MAC its punctuation, a name its case.

    Split on the last colon only if what precedes it is a MAC (Ruckus, Cisco WLC); MikroTik sends a plain name.
    """
    before, colon, _ssid = text.rpartition(":")
    mac = parse_mac(text) or (parse_mac(before) if colon else None)
    return mac or text.strip().lower()


def normalise_certificate_name(text: str) -> str:
    """A host name or common name of a certificate as we compare it: without its case and the root's dot."""
    return text.strip().rstrip(".").lower()


def plain_address(source: str) -> str:
    """As people write it: `::ffff:192.0.2.7` is `192.0.2.7`, and `fe80::1%eth0` loses its interface."""
    address = ip_address(source.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def parse_row_id(text: str) -> int:
    """The number of a row, as an address names it. ValueError for one that no table holds: databases choke on it."""
    number = int(text)
    if not 0 < number < 2**31:
        raise ValueError(number)
    return number


class Way(StrEnum):
    """A way to sign in."""

    LIBRARY_CARD = "library_card"
    VOUCHER = "voucher"
    ONE_TAP = "one_tap"
    EMAIL_CODE = "email_code"
    SMS_CODE = "sms_code"
    SPONSOR = "sponsor"
    """A host whom the visitor names says yes."""
    OPENID_CONNECT = "openid_connect"


PASS_WAYS = frozenset((Way.EMAIL_CODE, Way.SMS_CODE, Way.SPONSOR, Way.OPENID_CONNECT))
"""Passes for the day that visitors get by themselves: something is proven about them, not at once but in a while."""


class IdentityProfile(StrEnum):
    """A kind of identity provider. What each demands is in `hotspot/policy/identity_profiles.py`."""

    FRANCECONNECT = "franceconnect"
    GENERIC = "generic"


class LibrarySystemKind(StrEnum):
    """What a library's own system speaks."""

    SIP2 = "sip2"
    KOHA_REST = "koha_rest"
    KOHA_ILSDI = "koha_ilsdi"
    LDAP = "ldap"
    HTTP = "http"


class SiteKind(StrEnum):
    LIBRARY = "library"
    SQUARE = "square"
    TOWN_HALL = "town_hall"
    OTHER = "other"


class Period(StrEnum):
    """What an allowance is for. Days and weeks are those of the site; a week begins on Monday."""

    VISIT = "visit"
    DAY = "day"
    WEEK = "week"


class CampaignKind(StrEnum):
    COMMERCIAL = "commercial"
    MUNICIPAL = "municipal"
    """The town's own news: it also fills the gaps that advertisers leave."""


class RefusalReason(StrEnum):
    """Every foreseeable no. Each has its sentence in `hotspot/wording.py`, in every language."""

    # what the person gave
    UNKNOWN_CARD_OR_PIN = "unknown_card_or_pin"
    CARD_EXPIRED = "card_expired"
    CARD_BLOCKED = "card_blocked"
    CARD_LOST = "card_lost"
    CARD_OWES = "card_owes"
    CARD_OVERDUE = "card_overdue"
    READER_NOT_ENTITLED = "reader_not_entitled"
    LIBRARY_AWAY = "library_away"
    VOUCHER_UNKNOWN = "voucher_unknown"
    VOUCHER_USED = "voucher_used"
    VOUCHER_VOID = "voucher_void"
    VOUCHER_EXPIRED = "voucher_expired"
    TERMS_NOT_ACCEPTED = "terms_not_accepted"
    NUMBER_NOT_SERVED = "number_not_served"
    HOST_NOT_ALLOWED = "host_not_allowed"
    HOST_REFUSED = "host_refused"
    HOST_SILENT = "host_silent"
    CODE_WRONG = "code_wrong"
    CODE_EXPIRED = "code_expired"
    CODE_TRIED_TOO_OFTEN = "code_tried_too_often"
    CODE_JUST_SENT = "code_just_sent"
    CODE_SENT_TOO_OFTEN = "code_sent_too_often"
    NOT_CONFIRMED_YET = "not_confirmed_yet"
    PASS_USED_TODAY = "pass_used_today"  # noqa: S105 - the name of a refusal
    IDENTITY_DECLINED = "identity_declined"
    IDENTITY_NOT_PROVEN = "identity_not_proven"
    IDENTITY_STALE = "identity_stale"
    IDENTITY_OTHER_BROWSER = "identity_other_browser"
    # where and when
    SITE_CLOSED = "site_closed"
    OFFER_NOT_HERE = "offer_not_here"
    TOO_MANY_DEVICES = "too_many_devices"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    TEXTS_USED_UP = "texts_used_up"
    # how the browser came
    NOT_FROM_ACCESS_POINT = "not_from_access_point"
    UNKNOWN_NAS = "unknown_nas"
    SIGNATURE_WRONG = "signature_wrong"
    FOREIGN_LOGIN_ADDRESS = "foreign_login_address"
    ARRIVAL_FORGED = "arrival_forged"
    ARRIVAL_EXPIRED = "arrival_expired"
    # what the access point asked
    UNKNOWN_LOGIN = "unknown_login"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - the name of a refusal
    OTHER_DEVICE = "other_device"
    OTHER_NAS = "other_nas"
    CARD_NEEDS_PAP = "card_needs_pap"
    DEVICE_NOT_REMEMBERED = "device_not_remembered"
    NAS_ITSELF = "nas_itself"
    EAP_NOT_OFFERED = "eap_not_offered"
    # while online
    GRANT_ENDED = "grant_ended"
    PROOF_AWAITED = "proof_awaited"
    """The opening is over: the minutes to read a mail, say."""
    IDENTITY_AWAITED = "identity_awaited"
    """Likewise, where an identity provider was to vouch."""
    ENDED_BY_STAFF = "ended_by_staff"
    TIME_USED_UP = "time_used_up"
    VOLUME_USED_UP = "volume_used_up"
    ANNOUNCEMENT_DUE = "announcement_due"
    """No end: whoever has seen it goes on."""


QUIET_REFUSALS = frozenset(
    (RefusalReason.DEVICE_NOT_REMEMBERED, RefusalReason.NAS_ITSELF, RefusalReason.EAP_NOT_OFFERED)
)
"""What machines are told before any person has asked for anything: every phone that walks by would be a row. They are
counted, not written down."""


USED_UP = frozenset((RefusalReason.TIME_USED_UP, RefusalReason.VOLUME_USED_UP))
"""Of a visit, a day or a week."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The core's no."""

    reason: RefusalReason
    again_at: datetime | None = None
    """When the same request could succeed, where that is known (UTC)."""
    day: date | None = None
    """That the sentence speaks of: when the card expired."""
    own_words: Mapping[str, str] | None = None
    """The sentence of whoever made the rule, by language, in place of ours."""


@dataclass(frozen=True, slots=True)
class Admit:
    """The core's yes: what a device gets, as `radius/` and the vendors spell it. Lengths are positive."""

    grant_id: UUID
    session_timeout: timedelta
    idle_timeout: timedelta
    interim_interval: timedelta
    upload_kbps: int | None = None
    download_kbps: int | None = None
    octets_left: int | None = None
    """Upload and download together."""
    upload_octets_left: int | None = None
    download_octets_left: int | None = None
    because: RefusalReason | None = None
    """Why the session ends then; None: it is the longest that we give."""


class TerminateCause(StrEnum):
    """Why a Wi-Fi session ended: RFC 2866 section 5.10 by name, and SILENCE for one we closed ourselves."""

    USER_REQUEST = "user_request"
    LOST_CARRIER = "lost_carrier"
    LOST_SERVICE = "lost_service"
    IDLE_TIMEOUT = "idle_timeout"
    SESSION_TIMEOUT = "session_timeout"
    ADMIN_RESET = "admin_reset"
    ADMIN_REBOOT = "admin_reboot"
    PORT_ERROR = "port_error"
    NAS_ERROR = "nas_error"
    NAS_REQUEST = "nas_request"
    NAS_REBOOT = "nas_reboot"
    OTHER = "other"
    SILENCE = "silence"
