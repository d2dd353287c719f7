"""What a site offers, and what it says about itself: the facts of its portal page."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from hotspot.errors import NotFound
from hotspot.models import Offer, OfferSite, Organisation, Site, Terms
from hotspot.policy.allowances import Allowance
from hotspot.policy.opening_hours import Hours
from hotspot.settings import Settings
from hotspot.values import IdentityProfile, SiteKind, Way

NO_TERMS = 0
"""The version of the terms where an organisation has written none: the short ones that come with the portal."""


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
    library_system_id: int | None = None
    """That has to be asked about its cards; None: they are in the library's file."""
    asks_pin: bool = True
    sponsor_domains: tuple[str, ...] = ()
    identity_provider: str = ""
    """Its name, where one vouches for the visitor."""
    is_franceconnect: bool = False
    allowances: tuple[Allowance, ...] = ()
    """Of a day and of a week."""


@dataclass(frozen=True)
class SiteShown:
    """Detached from the database: may be kept for a moment and shown to many visitors."""

    id: int
    name: str
    kind: SiteKind
    organisation_id: int
    organisation: str
    contact: str
    colour: str
    """#rrggbb; empty for our own."""
    hours: Hours
    offers: tuple[OfferShown, ...]
    terms_version: int
    terms: dict[str, str]
    """Text by language, all of that version; empty for NO_TERMS."""
    cards_at: tuple[str, ...] = ()
    """Where library cards are good, at a site where they are not."""
    web_page: str = ""
    """Its own on the web."""


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
        colour=next((each.colour for each in site.organisation.line if each.colour), ""),
        hours=site.hours,
        offers=_offers(db, site.id),
        terms_version=version,
        terms=terms,
        cards_at=_cards_at(db, site),
        web_page=site.web_page,
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
    for each in organisation.line:
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
        .where(OfferSite.site_id == site_id, Offer.retired_at.is_(None), Offer.by_rule_only.is_(False))
        .options(selectinload(Offer.allowances))
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
            library_system_id=offer.library_system_id,
            asks_pin=offer.library_system is None or offer.library_system.asks_pin,
            sponsor_domains=tuple(offer.sponsor_domains.split()),
            identity_provider=offer.identity_provider.name if offer.identity_provider else "",
            is_franceconnect=_is_franceconnect(offer),
            allowances=tuple(Allowance(each.period, each.time, each.octets) for each in offer.allowances),
        )
        for offer in offers
    )


def _cards_at(db: Session, site: Site) -> tuple[str, ...]:
    """The other sites of its organisation that take cards, by name; none if this one does."""
    with_cards = (
        select(Site.id, Site.name)
        .join(OfferSite, OfferSite.site_id == Site.id)
        .join(Offer, Offer.id == OfferSite.offer_id)
        .where(
            Site.organisation_id == site.organisation_id,
            Offer.way == Way.LIBRARY_CARD,
            Offer.retired_at.is_(None),
            Offer.by_rule_only.is_(False),
        )
        .distinct()
        .order_by(Site.name)
    )
    found = db.execute(with_cards).all()
    return () if any(row.id == site.id for row in found) else tuple(row.name for row in found)


def _contact(organisation: Organisation) -> str:
    return next((each.contact for each in organisation.line if each.contact), "")


def _is_franceconnect(offer: Offer) -> bool:
    return offer.identity_provider is not None and offer.identity_provider.profile is IdentityProfile.FRANCECONNECT
