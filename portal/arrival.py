"""What the access point told us when it redirected a browser: read as hostile, checked against the NAS, then signed.

The address that the visitor wanted to see is dropped before anything is decoded: it is never stored, logged or shown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from hotspot.sealing import Vault
from hotspot.values import MacAddress, RefusalReason, Refuse
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import Redirect, has_login_host
from portal.resources import KnownPlace

LONGEST_QUERY = 8 * 1024
CHALLENGE_LIFE = timedelta(seconds=540)
"""CoovaChilli makes a new challenge after 600 s: one as old as this is renewed rather than trusted."""

_PURPOSE = "arrival"
_VISITED = frozenset((b"userurl", b"redirurl", b"link-orig", b"link-orig-esc", b"dst"))
"""Parameters that carry the visited address, whatever the brand."""
_NOT_OURS = Refuse(RefusalReason.NOT_FROM_ACCESS_POINT)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A device at a NAS and its site, all of it checked. It travels in the form as a signed token: no cookie."""

    nas_id: int
    vendor: str
    site_id: int
    device_mac: MacAddress
    login_url: str
    challenge: str
    chap_id: str
    issued_at: datetime
    """When the access point sent the browser."""
    language: str = ""
    """The one that the visitor chose on the page; empty for none yet."""

    def is_older_than(self, age: timedelta, now: datetime) -> bool:
        """A moment in the future is no age at all: our own clock was set back."""
        return now - self.issued_at > age

    def to_token(self, vault: Vault) -> str:
        facts = [
            self.nas_id,
            self.vendor,
            self.site_id,
            self.device_mac,
            self.login_url,
            self.challenge,
            self.chap_id,
            int(self.issued_at.timestamp()),
            self.language,
        ]
        return vault.stamp(_PURPOSE, json.dumps(facts, separators=(",", ":")).encode())


def arrival_of_token(vault: Vault, token: str) -> Arrival | None:
    """None for anything that we did not sign. Its age is the caller's to judge."""
    facts = vault.check_stamp(_PURPOSE, token)
    match facts and json.loads(facts):
        case [nas_id, vendor, site_id, device_mac, login_url, challenge, chap_id, issued_at, language]:
            moment = datetime.fromtimestamp(issued_at, UTC)
            return Arrival(nas_id, vendor, site_id, device_mac, login_url, challenge, chap_id, moment, language)
    return None


def read_redirect(path: str, raw_query: bytes) -> Redirect | Refuse:
    """The redirect of the first brand that recognises it; nothing in it has been checked against a NAS yet."""
    query = _read_query(raw_query)
    if query is None:
        return _NOT_OURS
    for vendor in VENDORS.values():
        redirect = vendor.recognise(path, raw_query.decode("ascii"), query)
        if redirect is not None:
            return redirect
    return _NOT_OURS


def check_redirect(redirect: Redirect, known: KnownPlace | None, now: datetime, *, portal_url: str) -> Arrival | Refuse:
    """Known NAS, right signature, its own login address. `portal_url` is the address that the NAS was given for us:
    what the request says about its host is not believed."""
    if known is None:
        return Refuse(RefusalReason.UNKNOWN_NAS)
    place = known.place
    if not VENDORS[redirect.vendor].signature_is_right(redirect, portal_url, known.redirect_secret):
        return Refuse(RefusalReason.SIGNATURE_WRONG)
    if not has_login_host(redirect.login_url, place.login_hosts):
        return Refuse(RefusalReason.FOREIGN_LOGIN_ADDRESS)
    return Arrival(
        nas_id=place.nas_id,
        vendor=place.vendor,
        site_id=place.site_id,
        device_mac=redirect.device_mac,
        login_url=redirect.login_url,
        challenge=redirect.challenge,
        chap_id=redirect.chap_id,
        issued_at=now,
    )


def _read_query(raw: bytes) -> Mapping[str, str] | None:
    """Names and values, or None if it is too long, says something twice, or is not plain UTF-8 text."""
    if len(raw) > LONGEST_QUERY or not raw.isascii():
        return None
    query: dict[str, str] = {}
    for part in raw.split(b"&"):
        name, _, value = part.partition(b"=")
        if not part or name in _VISITED:
            continue
        try:
            key, text = _decode(name), _decode(value)
        except UnicodeDecodeError:
            return None
        if key in query or not (key + text).isprintable():
            return None
        query[key] = text
    return query


def _decode(encoded: bytes) -> str:
    if b"%" in encoded or b"+" in encoded:
        encoded = unquote_to_bytes(encoded.replace(b"+", b" "))
    return encoded.decode()
