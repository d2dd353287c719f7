"""What a brand of access point answers. One brand is one file beside this one: pure functions, no Flask, no pyrad.

Everything in a redirect is hostile until the portal has checked it against a NAS that we know.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from hotspot.values import Admit, MacAddress

_NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")

Attributes = list[tuple[str, str | int | bytes]]
"""RADIUS attributes by their printed names, in order: `("Session-Timeout", 3600)`."""


class Outcome(StrEnum):
    """Why the access point sent the browser here."""

    NOT_YET = "not_yet"
    ADMITTED = "admitted"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
    """The access point got no answer over RADIUS."""
    LOGGED_OFF = "logged_off"


@dataclass(frozen=True, slots=True)
class Redirect:
    """What a redirect says, in our words. Nothing in it has been checked."""

    vendor: str
    outcome: Outcome
    nas_identifier: str
    called_station_id: str
    """As `normalise_called_station` makes it; empty if the brand sends none."""
    device_mac: MacAddress
    device_ip: str
    login_url: str
    """Absolute http(s) address that lets the device in, without a query."""
    challenge: str = ""
    """As the brand sends it (CoovaChilli: 32 hexadecimal digits; MikroTik: octal escapes); empty when there is none."""
    chap_id: str = ""
    acct_session_id: str = ""
    language: str = ""
    signature: str = ""
    signed_part: str = ""
    """What the signature covers, after the portal's own address: the path and raw query up to the signature."""


@dataclass(frozen=True, slots=True)
class LoginMaterial:
    """What `let_in` needs: where, with which challenge, and the one-time login to carry."""

    login_url: str
    challenge: str
    chap_id: str
    user_name: str
    password: str
    redirect_secret: str
    """CoovaChilli's uamsecret; empty where there is none."""
    success_url: str
    """Our own "you are online" page for this grant."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is to end or to change: its names byte for byte as the NAS gave them, and what it has used."""

    user_name: str
    acct_session_id: str
    calling_station_id: str
    framed_ip: str | None
    time_online: timedelta = timedelta(0)
    """Since its Start."""
    upload_octets: int = 0
    download_octets: int = 0
    """As last reported."""


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """What the set-up steps have to tell the administrator."""

    nas_identifier: str
    secret: str
    redirect_secret: str
    radius_host: str
    auth_port: int
    acct_port: int
    coa_port: int
    portal_url: str
    interim_seconds: int
    radsec_port: int | None = None
    """TCP; given when the server has RadSec and this NAS a certificate of the name that follows."""
    certificate_name: str = ""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One thing to do on the device. `title` is a message id of the catalogue; `text` is typed as it stands."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """A brand, as a record of pure functions."""

    key: str
    label: str
    recognise: Callable[[str, str, Mapping[str, str]], Redirect | None]
    """(path, raw query, its first values by name) -> the redirect; None if it is not this brand's, or malformed."""
    signature_is_right: Callable[[Redirect, str, str], bool]
    """(redirect, portal's public address without a path, redirect secret). Brands that sign nothing say yes."""
    let_in: Callable[[LoginMaterial], str]
    """The address that the browser must GET to be let in."""
    refresh_challenge: Callable[[str], str | None]
    """login_url -> an address that sends the browser back with a fresh challenge; None if none is needed."""
    log_off: Callable[[str], str]
    """login_url -> the address that the browser must GET to be logged off."""
    accept_attributes: Callable[[Admit, str], Attributes]
    """(what is granted, our online page) -> the limits as this brand honours them. Class is added by `radius/`."""
    reject_attributes: Callable[[str], Attributes]
    """(our page that says why) -> what this brand needs in an Access-Reject beside Reply-Message."""
    input_is_download: Callable[[Mapping[str, int]], bool]
    """(vendor attributes of an Accounting-Request that are integers, by name) -> Acct-Input-Octets is the download."""
    setup_steps: Callable[[SetupFacts], list[SetupStep]]
    disconnect_by: Callable[[LiveSession], Attributes] | None = None
    """The least that names one session in a Disconnect-Request; None for a brand that takes none."""
    change_by: Callable[[LiveSession, Admit], Attributes] | None = None
    """(session, what is left to it from now on) -> a whole CoA-Request: its names and its full set of limits. None for
    a brand that takes none."""
    bare_nak_means_gone: bool = False
    """It gives no Error-Cause, and refuses only what names no session that it has."""
    coa_steps: str = ""
    """What must be switched on there for both to be heard: a message id, `%(port)s` in it."""
    signs_redirects: bool = False
    """The administrator is given a redirect secret too."""
    enterprise_number: int = 0
    """In its Vendor-Specific attributes (RFC 2865 section 5.26): what an unknown device is recognised by."""
    usual_login_host: str = ""
    """Where its login page answers unless somebody changed that."""


def standard_limits(admit: Admit) -> Attributes:
    """Session-Timeout, Idle-Timeout, Acct-Interim-Interval (RFC 2865 5.27, 5.28; RFC 2869 5.16), all in seconds."""
    return [
        ("Session-Timeout", int(admit.session_timeout.total_seconds())),
        ("Idle-Timeout", int(admit.idle_timeout.total_seconds())),
        ("Acct-Interim-Interval", max(60, int(admit.interim_interval.total_seconds()))),
    ]


def from_the_start(session: LiveSession, admit: Admit) -> Admit:
    """What is left, counted from the session's start: so NASes read Session-Timeout and volumes, in a CoA too."""

    def with_used(left: int | None, used: int) -> int | None:
        return None if left is None else used + left

    return replace(
        admit,
        session_timeout=session.time_online + admit.session_timeout,
        octets_left=with_used(admit.octets_left, session.upload_octets + session.download_octets),
        upload_octets_left=with_used(admit.upload_octets_left, session.upload_octets),
        download_octets_left=with_used(admit.download_octets_left, session.download_octets),
    )


def in_gigawords(octets: int | None, name: str, gigawords_name: str) -> Attributes:
    """A volume in two attributes of 32 bits each; the second where it is needed. None is no limit: nothing is sent."""
    if octets is None:
        return []
    gigawords, rest = divmod(octets, 2**32)
    return [(name, rest), *([(gigawords_name, gigawords)] if gigawords else [])]


def wispr_speeds(admit: Admit) -> Attributes:
    """WISPr-Bandwidth-Max-Up and -Down, bit/s; 32 bits, so a faster limit is no limit."""
    named = (("WISPr-Bandwidth-Max-Up", admit.upload_kbps), ("WISPr-Bandwidth-Max-Down", admit.download_kbps))
    return [(name, kbps * 1000) for name, kbps in named if kbps is not None and kbps * 1000 < 2**32]


def is_web_address(address: str) -> bool:
    """An absolute http(s) address with a host, no user information and no control characters."""
    if _NOT_IN_AN_ADDRESS.search(address):
        return False
    try:
        parts = urlsplit(address)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False


def has_login_host(login_url: str, login_hosts: str) -> bool:
    """Is this login address one of the NAS's own (`host` or `host:port`, separated by spaces)?

    A host without a port stands for any port of it. Addresses are compared as text: nothing is resolved.
    """
    if not is_web_address(login_url):
        return False
    parts = urlsplit(login_url)
    host = (parts.hostname or "").rstrip(".")
    bracketed = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    allowed = login_hosts.lower().split()
    return bracketed in allowed or f"{bracketed}:{port}" in allowed
