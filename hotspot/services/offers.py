"""What a site offers, and what it says about itself: the facts of its portal page."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.errors import NotFound
from hotspot.models import Offer, OfferSite, Organisation, Site, Terms
from hotspot.policy.opening_hours import Hours
from hotspot.settings import Settings
from hotspot.values import IdentityProfile, SiteKind, Way

NO_TERMS = 0
"""The version of the terms where an organisation has written none: the short ones that come with the portal."""

_DEEPEST = 10
"""Organisations inside organisations: more than this is a circle."""


@dataclass(frozen=True, slots=True)
class OfferShown:
    id: int
    name: str
    way: Way
    visit_time: timedelta | None
    time_allowed: timedelta | None
    octets_allowed: int | None
    upload_kbps: int | None
    download_kbps: int | None
    remember_for: timedelta | None
    """How long a device may be remembered; None: it may not."""
    sponsor_domains: tuple[str, ...] = ()
    identity_provider: str = ""
    """Its name, where one vouches for the visitor."""
    is_franceconnect: bool = False


@dataclass(frozen=True)
class SiteShown:
    """Detached from the database: may be kept for a moment and shown to many visitors."""

    id: int
    name: str
    kind: SiteKind
    organisation_id: int
    organisation: str
    contact: str
    hours: Hours
    offers: tuple[OfferShown, ...]
    terms_version: int
    terms: dict[str, str]
    """Text by language, all of that version; empty for NO_TERMS."""


def show_site(db: Session, site_id: int) -> SiteShown:
    site = db.get(Site, site_id)
    if site is None:
        raise NotFound("site")
    version, terms = current_terms(db, site.organisation)
    return SiteShown(
        id=site.id,
        name=site.name,
        kind=site.kind,
        organisation_id=site.organisation_id,
        organisation=site.organisation.name,
        contact=_contact(site.organisation),
        hours=site.hours,
        offers=_offers(db, site.id),
        terms_version=version,
        terms=terms,
    )


def works(way: Way, settings: Settings) -> bool:
    """Is there what this way needs? Without it an offer is not shown, and staff are told why."""
    match way:
        case Way.EMAIL_CODE | Way.SPONSOR:
            return settings.has_mail
        case Way.SMS_CODE:
            return settings.has_sms
    return True


def current_terms(db: Session, organisation: Organisation) -> tuple[int, dict[str, str]]:
    """The latest version and its texts; an organisation without its own goes by those of the one above it."""
    for each in upward(organisation):
        rows = db.execute(
            select(Terms.version, Terms.language, Terms.text).where(Terms.organisation_id == each.id)
        ).all()
        if rows:
            latest = max(row.version for row in rows)
            return latest, {row.language: row.text for row in rows if row.version == latest}
    return NO_TERMS, {}


def _offers(db: Session, site_id: int) -> tuple[OfferShown, ...]:
    offers = db.scalars(
        select(Offer)
        .join(OfferSite, OfferSite.offer_id == Offer.id)
        .where(OfferSite.site_id == site_id, Offer.retired_at.is_(None))
        .order_by(Offer.position, Offer.id)
    )
    return tuple(
        OfferShown(
            id=offer.id,
            name=offer.name,
            way=offer.way,
            visit_time=offer.visit_time,
            time_allowed=offer.time_allowed,
            octets_allowed=offer.octets_allowed,
            upload_kbps=offer.upload_kbps,
            download_kbps=offer.download_kbps,
            remember_for=offer.remember_for,
            sponsor_domains=tuple(offer.sponsor_domains.split()),
            identity_provider=offer.identity_provider.name if offer.identity_provider else "",
            is_franceconnect=_is_franceconnect(offer),
        )
        for offer in offers
    )


def _is_franceconnect(offer: Offer) -> bool:
    return offer.identity_provider is not None and offer.identity_provider.profile is IdentityProfile.FRANCECONNECT


def _contact(organisation: Organisation) -> str:
    return next((each.contact for each in upward(organisation) if each.contact), "")


def upward(organisation: Organisation) -> list[Organisation]:
    """The organisation, then the one above it, and so on."""
    line = [organisation]
    while len(line) < _DEEPEST and (parent := line[-1].parent) is not None:
        line.append(parent)
    return line
