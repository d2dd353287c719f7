"""Sites as staff see and change them: what they are, when they are open, what they offer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.errors import InvalidInput, NotFound
from hotspot.models import Offer, OfferSite, OpeningException, OpeningInterval, Organisation, Site
from hotspot.policy.opening_hours import Interval
from hotspot.services import audit
from hotspot.services.staff import Scope
from hotspot.values import SiteKind

DEFAULT_ZONE = "Europe/Paris"
LONGEST_ADDRESS = 500
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class UnlikeDay:
    """A date with hours of its own; no interval is a closed day."""

    day: date
    intervals: tuple[Interval, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class SiteDraft:
    """What staff say of a site. No interval in the week means that it never closes."""

    organisation_id: int
    name: str
    kind: SiteKind
    time_zone: str = DEFAULT_ZONE
    ssid: str = ""
    latitude: float | None = None
    longitude: float | None = None
    week: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    exceptions: Sequence[UnlikeDay] = ()
    is_wifi4eu: bool = False
    web_page: str = ""


_PLAIN = (
    "organisation_id",
    "name",
    "kind",
    "time_zone",
    "ssid",
    "latitude",
    "longitude",
    "is_wifi4eu",
    "web_page",
)


def list_sites(db: Session, scope: Scope) -> Sequence[Site]:
    return db.scalars(
        select(Site)
        .where(Site.id.in_(scope.site_ids))
        .options(
            selectinload(Site.opening_intervals), selectinload(Site.opening_exceptions), joinedload(Site.organisation)
        )
        .order_by(func.lower(Site.name), Site.id)
    ).all()


def get_site(db: Session, scope: Scope, site_id: int) -> Site:
    """NotFound for a site of somebody else, as for one that does not exist."""
    site = db.get(Site, site_id) if site_id in scope.site_ids else None
    if site is None:
        raise NotFound("site")
    return site


def create_site(db: Session, by: Scope, draft: SiteDraft, now: datetime) -> Site:
    _check(draft, by)
    site = Site(created_at=now, **_plain(draft))
    _set_hours(site, draft)
    db.add(site)
    db.flush()
    audit.note(db, by, "site.created", site.name, {}, now, organisation_id=site.organisation_id)
    return site


def change_site(db: Session, by: Scope, site_id: int, draft: SiteDraft, now: datetime) -> Site:
    """New hours hold at once: `terms_of` reads those of now, so nobody is promised time after the new closing. Later
    ones lengthen no grant that has been given."""
    site = get_site(db, by, site_id)
    _check(draft, by)
    before, hours_before = _facts(site), site.hours
    for name, value in _plain(draft).items():
        setattr(site, name, value)
    _set_hours(site, draft)
    db.flush()
    db.refresh(site, ["organisation"])
    changes: dict[str, Any] = {
        name: [before[name], value] for name, value in _facts(site).items() if before[name] != value
    }
    if hours_before != site.hours:
        changes["opening_hours"] = "changed"
    audit.note(db, by, "site.changed", site.name, changes, now, organisation_id=site.organisation_id)
    return site


def offers_by_site(db: Session, scope: Scope) -> Mapping[int, Sequence[Offer]]:
    """What each site offers now, in the order of its portal page."""
    found: dict[int, list[Offer]] = {}
    rows = db.execute(
        select(OfferSite.site_id, Offer)
        .join(Offer, Offer.id == OfferSite.offer_id)
        .where(OfferSite.site_id.in_(scope.site_ids), Offer.retired_at.is_(None))
        .options(selectinload(Offer.allowances))
        .order_by(Offer.position, Offer.id)
    )
    for site_id, offer in rows:
        found.setdefault(site_id, []).append(offer)
    return found


def organisations_of(db: Session, scope: Scope) -> Sequence[Organisation]:
    """Those that a new site may belong to."""
    return db.scalars(
        select(Organisation).where(Organisation.id.in_(scope.organisation_ids)).order_by(Organisation.name)
    ).all()


def local_zone(db: Session, scope: Scope) -> ZoneInfo:
    """Where most of the sites are: the days of the figures are its days."""
    name = db.scalar(
        select(Site.time_zone)
        .where(Site.id.in_(scope.site_ids))
        .group_by(Site.time_zone)
        .order_by(func.count().desc(), Site.time_zone)
        .limit(1)
    )
    return ZoneInfo(name or DEFAULT_ZONE)


def is_time_zone(name: str) -> bool:
    """A name of the IANA database, not a path that happens to open."""
    if not name or len(name) > 64 or not name.isascii() or not name.isprintable():
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path; a folder of the database
        return False
    return True


def is_web_page(text: str) -> bool:
    """An address of the web that a telephone may be sent to, without a name or password in it."""
    if len(text) > LONGEST_ADDRESS or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # brackets without an address; a port that is no number
        return False
    host = parts.hostname or ""
    is_host = _HOST.fullmatch(host) is not None or _is_address(host)
    return parts.scheme in ("http", "https") and is_host and "@" not in parts.netloc and port != 0


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _check(draft: SiteDraft, by: Scope) -> None:
    if draft.organisation_id not in by.organisation_ids:
        raise NotFound("organisation")
    if not is_time_zone(draft.time_zone):
        raise InvalidInput("There is no such time zone.", field="time_zone")
    if draft.web_page and not is_web_page(draft.web_page):
        raise InvalidInput("This is not the address of a web page.", field="web_page")


def _plain(draft: SiteDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in _PLAIN}


def _facts(site: Site) -> dict[str, Any]:
    """For the audit log: what a change is told by."""
    names = ("name", "time_zone", "ssid", "latitude", "longitude", "web_page")
    facts = {name: getattr(site, name) for name in names}
    facts["is_wifi4eu"] = "yes" if site.is_wifi4eu else "no"
    return facts | {"kind": site.kind.value, "organisation": site.organisation.name}


def _set_hours(site: Site, draft: SiteDraft) -> None:
    site.opening_intervals = [
        OpeningInterval(weekday=weekday, opens_at=each.opens_at, closes_at=each.closes_at)
        for weekday, intervals in sorted(draft.week.items())
        for each in intervals
    ]
    site.opening_exceptions = [
        OpeningException(
            day=unlike.day,
            opens_at=each.opens_at if each else None,
            closes_at=each.closes_at if each else None,
            note=unlike.note,
        )
        for unlike in sorted(draft.exceptions, key=lambda one: one.day)
        for each in (unlike.intervals or (None,))
    ]
