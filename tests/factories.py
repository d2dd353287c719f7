"""Rows for tests. Each function takes what the test is about and fills in the rest; all are flushed, none committed."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy.orm import Session

from hotspot.models import (
    AccessPoint,
    Announcement,
    AnnouncementDay,
    AnnouncementText,
    Campaign,
    Device,
    Grant,
    IdentityProvider,
    LibrarySystem,
    Nas,
    NasAddress,
    Offer,
    Organisation,
    PassRequest,
    Patron,
    ReaderRule,
    Role,
    Site,
    StaffMember,
    Terms,
    Visitor,
    Voucher,
    VoucherBatch,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.passwords import hash_password
from hotspot.policy.voucher_codes import make_code
from hotspot.sealing import Vault
from hotspot.values import (
    CampaignKind,
    IdentityProfile,
    LibrarySystemKind,
    SiteKind,
    Way,
    normalise_called_station,
    parse_mac,
)

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SECRET_KEY = "k" * 40
VAULT = Vault(SECRET_KEY)
PIN = "1234"
PASSWORD = "correct horse battery"
RADIUS_SECRET = "a shared secret of the tests"
REDIRECT_SECRET = "a uamsecret of the tests"
DEVICE_MAC = "020000000001"
CLIENT_ID = "parvis"
CLIENT_SECRET = "a secret: with +, % and more"
"""Of us at identity providers, with what must be encoded on its way."""

Row = TypeVar("Row")

_number = count(1)
_hash = cache(hash_password)  # argon2id is slow on purpose


def _add(db: Session, row: Row) -> Row:
    db.add(row)
    db.flush()
    return row


def make_organisation(db: Session, **overrides: Any) -> Organisation:
    fields: dict[str, Any] = {"name": f"Commune {next(_number)}", "contact": "wifi@commune.test", "created_at": NOW}
    return _add(db, Organisation(**fields | overrides))


def make_site(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> Site:
    """Always open, unless `opening_intervals` are given."""
    fields: dict[str, Any] = {
        "organisation": organisation or make_organisation(db),
        "name": f"Library {next(_number)}",
        "kind": SiteKind.LIBRARY,
        "ssid": "Town Wi-Fi",
        "created_at": NOW,
    }
    return _add(db, Site(**fields | overrides))


def make_nas(
    db: Session,
    *,
    site: Site | None = None,
    secret: str = RADIUS_SECRET,
    redirect_secret: str | None = REDIRECT_SECRET,
    networks: tuple[str, ...] = (),
    **overrides: Any,
) -> Nas:
    """A CoovaChilli at 10.1.0.1:3990."""
    site = site or make_site(db)
    fields: dict[str, Any] = {
        "organisation": site.organisation,
        "site": site,
        "name": "Reading room",
        "vendor": "coovachilli",
        "nas_identifier": f"nas-{next(_number)}",
        "secret_sealed": VAULT.seal(secret),
        "redirect_secret_sealed": None if redirect_secret is None else VAULT.seal(redirect_secret),
        "login_hosts": "10.1.0.1:3990",
        "addresses": [NasAddress(network=network) for network in networks],
        "created_at": NOW,
    }
    return _add(db, Nas(**fields | overrides))


def make_access_point(db: Session, *, nas: Nas | None = None, **overrides: Any) -> AccessPoint:
    nas = nas or make_nas(db)
    number = next(_number)
    fields: dict[str, Any] = {
        "nas": nas,
        "site": nas.site,
        "called_station_id": normalise_called_station(f"02:AA:00:00:{number >> 8:02X}:{number & 255:02X}"),
        "name": f"Access point {number}",
    }
    return _add(db, AccessPoint(**fields | overrides))


def make_terms(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> Terms:
    fields: dict[str, Any] = {
        "organisation_id": (organisation or make_organisation(db)).id,
        "version": 1,
        "language": "fr",
        "text": "Soyez raisonnable.",
        "created_at": NOW,
    }
    return _add(db, Terms(**fields | overrides))


def make_offer(db: Session, *, site: Site | None = None, **overrides: Any) -> Offer:
    """One tap at one site, for two hours."""
    site = site or make_site(db)
    fields: dict[str, Any] = {
        "organisation": site.organisation,
        "sites": [site],
        "name": f"Offer {next(_number)}",
        "way": Way.ONE_TAP,
        "visit_time": timedelta(hours=2),
        "created_at": NOW,
    }
    return _add(db, Offer(**fields | overrides))


def make_identity_provider(
    db: Session, *, organisation: Organisation | None = None, client_secret: str = CLIENT_SECRET, **overrides: Any
) -> IdentityProvider:
    """FranceConnect, which knows us."""
    fields: dict[str, Any] = {
        "organisation": organisation or make_organisation(db),
        "name": "FranceConnect",
        "profile": IdentityProfile.FRANCECONNECT,
        "issuer": "https://franceconnect.test/api/v2",
        "client_id": CLIENT_ID,
        "client_secret_sealed": VAULT.seal(client_secret),
        "created_at": NOW,
    }
    return _add(db, IdentityProvider(**fields | overrides))


def make_patron(db: Session, *, organisation: Organisation | None = None, pin: str = PIN, **overrides: Any) -> Patron:
    fields: dict[str, Any] = {
        "organisation_id": (organisation or make_organisation(db)).id,
        "card_number": f"2590{next(_number):010}",
        "pin_hash": _hash(pin),
        "name": "Camille Martin",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return _add(db, Patron(**fields | overrides))


def make_library_system(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> LibrarySystem:
    fields: dict[str, Any] = {
        "organisation": organisation or make_organisation(db),
        "name": f"Library system {next(_number)}",
        "kind": LibrarySystemKind.SIP2,
        "settings_sealed": VAULT.seal("{}"),
        "created_at": NOW,
    }
    return _add(db, LibrarySystem(**fields | overrides))


def make_reader_rule(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> ReaderRule:
    """Fits everybody, and refuses."""
    number = next(_number)
    fields: dict[str, Any] = {
        "organisation_id": (organisation or make_organisation(db)).id,
        "position": number,
        "name": f"Rule {number}",
        "categories": [],
        "home_libraries": [],
        "blocks": [],
        "sentences": {},
    }
    return _add(db, ReaderRule(**fields | overrides))


def make_staff(
    db: Session,
    *,
    organisation: Organisation | None = None,
    sites: tuple[Site, ...] = (),
    password: str = PASSWORD,
    **overrides: Any,
) -> StaffMember:
    """An administrator; a librarian has `role=Role.LIBRARIAN` and `sites`."""
    number = next(_number)
    fields: dict[str, Any] = {
        "organisation": organisation or (sites[0].organisation if sites else make_organisation(db)),
        "sites": list(sites),
        "email": f"staff{number}@commune.test",
        "password_hash": _hash(password),
        "role": Role.ADMINISTRATOR,
        "session_key": f"{number:032x}",
        "created_at": NOW,
    }
    return _add(db, StaffMember(**fields | overrides))


def make_voucher_batch(db: Session, *, offer: Offer | None = None, **overrides: Any) -> VoucherBatch:
    """Empty: `make_voucher(db, batch=...)` adds one."""
    offer = offer or make_offer(db, way=Way.VOUCHER)
    fields: dict[str, Any] = {
        "site": offer.sites[0],
        "offer": offer,
        "size": 1,
        "created_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=30),
    }
    return _add(db, VoucherBatch(**fields | overrides))


def make_voucher(
    db: Session,
    *,
    batch: VoucherBatch | None = None,
    offer: Offer | None = None,
    code: str | None = None,
    **overrides: Any,
) -> Voucher:
    """Never used. Its code is `VAULT.open(voucher.code_sealed)`, unless given: twelve characters, no hyphens."""
    code = code or _next_code()
    fields: dict[str, Any] = {
        "batch": batch or make_voucher_batch(db, offer=offer),
        "code_digest": VAULT.digest(code),
        "code_sealed": VAULT.seal(code),
    }
    return _add(db, Voucher(**fields | overrides))


def make_device(db: Session, mac: str = DEVICE_MAC, **overrides: Any) -> Device:
    """The one there is with this address, or a new one."""
    known = db.get(Device, parse_mac(mac))
    fields: dict[str, Any] = {"mac": parse_mac(mac), "first_seen_at": NOW, "last_seen_at": NOW}
    return known or _add(db, Device(**fields | overrides))


def make_visitor(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> Visitor:
    """Known by a mail address."""
    contact = f"visitor{next(_number)}@example.org"
    fields: dict[str, Any] = {
        "organisation_id": (organisation or make_organisation(db)).id,
        "way": Way.EMAIL_CODE,
        "contact_digest": VAULT.digest(contact),
        "contact_sealed": VAULT.seal(contact),
        "created_at": NOW,
        "last_seen_at": NOW,
    }
    return _add(db, Visitor(**fields | overrides))


def make_pass_request(db: Session, *, offer: Offer | None = None, **overrides: Any) -> PassRequest:
    """One that waits for its code, for ten minutes."""
    offer = offer or make_offer(db, way=Way.EMAIL_CODE)
    created_at = overrides.get("created_at", NOW)
    fields: dict[str, Any] = {
        "offer": offer,
        "site": offer.sites[0],
        "nas_id": make_nas(db, site=offer.sites[0]).id,
        "device_mac": make_device(db).mac,
        "way": offer.way,
        "terms_version": 1,
        "language": "fr",
        "created_at": created_at,
        "expires_at": created_at + timedelta(minutes=10),
    }
    return _add(db, PassRequest(**fields | overrides))


def make_grant(
    db: Session,
    *,
    offer: Offer | None = None,
    site: Site | None = None,
    nas: Nas | None = None,
    device_mac: str = DEVICE_MAC,
    **overrides: Any,
) -> Grant:
    """Two hours from NOW, at one site. `patron` and `voucher` are given where the test is about them."""
    site = site or (offer.sites[0] if offer else nas.site if nas else make_site(db))
    offer = offer or make_offer(db, site=site)
    nas = nas or make_nas(db, site=site)
    fields: dict[str, Any] = {
        "id": uuid4(),
        "offer": offer,
        "site": site,
        "nas_id": nas.id,
        "device_mac": make_device(db, device_mac).mac,
        "way": offer.way,
        "terms_version": 1,
        "language": "fr",
        "created_at": NOW,
        "ends_at": NOW + timedelta(hours=2),
        "idle_timeout": timedelta(minutes=15),
    }
    return _add(db, Grant(**fields | overrides))


def make_wifi_session(
    db: Session,
    *,
    grant: Grant | None = None,
    nas: Nas | None = None,
    upload_octets: int = 0,
    download_octets: int = 0,
    session_seconds: int = 0,
    updated_at: datetime = NOW,
    **overrides: Any,
) -> WifiSession:
    """Live, with its counter: since NOW, or for as long as it says when it is heard of."""
    began = NOW if "ended_at" in overrides else min(NOW, updated_at - timedelta(seconds=session_seconds))
    nas = nas or (db.get_one(Nas, grant.nas_id) if grant else make_nas(db))
    mac = grant.device_mac if grant else DEVICE_MAC
    fields: dict[str, Any] = {
        "id": uuid4(),
        "nas": nas,
        "site": grant.site if grant else nas.site,
        "grant": grant,
        "acct_session_id": f"{next(_number):016x}",
        "user_name": f"{next(_number):020x}",
        "device_mac": mac,
        "calling_station_id": "-".join(mac[at : at + 2] for at in range(0, 12, 2)).upper(),
        "called_station_id": "02-AA-00-00-00-01",
        "started_at": began if session_seconds else NOW,
    }
    session = _add(db, WifiSession(**fields | overrides))
    counter = WifiSessionCounter(
        id=session.id,
        upload_octets=upload_octets,
        download_octets=download_octets,
        session_seconds=session_seconds,
        updated_at=updated_at,
    )
    _add(db, counter)
    return session


def make_campaign(db: Session, *, organisation: Organisation | None = None, **overrides: Any) -> Campaign:
    """The town's own, running since the beginning of the month, everywhere."""
    fields: dict[str, Any] = {
        "organisation": organisation or make_organisation(db),
        "name": f"Campaign {next(_number)}",
        "kind": CampaignKind.MUNICIPAL,
        "starts_on": date(2026, 3, 1),
        "created_at": NOW,
    }
    return _add(db, Campaign(**fields | overrides))


def make_announcement(
    db: Session, *, campaign: Campaign | None = None, titles: dict[str, str] | None = None, **overrides: Any
) -> Announcement:
    """Words alone, in French."""
    titles = titles or {"fr": "Le marché"}
    fields: dict[str, Any] = {
        "campaign": campaign or make_campaign(db),
        "created_at": NOW,
        "texts": [AnnouncementText(language=language, title=title) for language, title in titles.items()],
    }
    return _add(db, Announcement(**fields | overrides))


def make_announcement_day(
    db: Session,
    announcement: Announcement | None = None,
    site: Site | None = None,
    day: date | None = None,
    displays: int = 1,
    views: int = 0,
    clicks: int = 0,
) -> AnnouncementDay:
    announcement, site = announcement or make_announcement(db), site or make_site(db)
    counts = {"displays": displays, "views": views, "clicks": clicks}
    return _add(db, AnnouncementDay(announcement_id=announcement.id, site_id=site.id, day=day or NOW.date(), **counts))


def _next_code() -> str:
    """Not random: the same test sees the same codes."""
    digits = next(_number)
    picked = iter(divmod(digits, 25))
    return make_code(lambda alphabet: alphabet[next(picked, 0) % len(alphabet)])
