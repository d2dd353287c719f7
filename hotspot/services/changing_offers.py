"""Offers as staff see and change them: of their own organisation and of those below it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.errors import InvalidInput, NotFound
from hotspot.models import IdentityProvider, LibrarySystem, Offer, Organisation, ReaderRule, Site
from hotspot.services import audit
from hotspot.services.library_systems import get_system
from hotspot.services.making_offers import OfferDraft, create_offer, fill_offer, retire_offer
from hotspot.services.offer_facts import facts_of
from hotspot.services.staff import Scope, organisation_subtree
from hotspot.values import Way


@dataclass(frozen=True, slots=True)
class Choices:
    """What an offer of an organisation can be made of."""

    organisation: Organisation
    sites: Sequence[Site]
    """Its own and those below it."""
    library_systems: Sequence[LibrarySystem]
    """That look at PINs: letting another one check cards is for its own page, where that is explained."""
    identity_providers: Sequence[IdentityProvider]
    """That know us; those of the organisations above too."""


def list_offers(db: Session, scope: Scope, organisation_id: int | None = None) -> Sequence[Offer]:
    """By organisation, in the order of the portal page, the retired ones last. Of one organisation, or of all."""
    query = _with_rows(Offer.organisation_id.in_(scope.organisation_ids))
    if organisation_id is not None:
        query = query.where(Offer.organisation_id == organisation_id)
    return db.scalars(
        query.join(Organisation, Organisation.id == Offer.organisation_id).order_by(
            Organisation.name,
            Organisation.id,
            Offer.retired_at.is_not(None),
            Offer.retired_at.desc(),
            Offer.position,
            Offer.id,
        )
    ).all()


def get_offer(db: Session, scope: Scope, offer_id: int) -> Offer:
    """One that is offered. NotFound for somebody else's and for a retired one, as for one that does not exist."""
    found = db.scalar(
        _with_rows(Offer.organisation_id.in_(scope.organisation_ids)).where(
            Offer.id == offer_id, Offer.retired_at.is_(None)
        )
    )
    if found is None:
        raise NotFound("offer")
    return found


def choices_of(db: Session, scope: Scope, organisation_id: int) -> Choices:
    organisation = _organisation(db, scope, organisation_id)
    systems = select(LibrarySystem).where(
        LibrarySystem.organisation_id == organisation.id,
        LibrarySystem.retired_at.is_(None),
        LibrarySystem.ignores_pins.is_(False),
    )
    providers = select(IdentityProvider).where(
        IdentityProvider.organisation_id.in_([each.id for each in organisation.line]),
        IdentityProvider.retired_at.is_(None),
        IdentityProvider.client_id != "",
    )
    return Choices(
        organisation=organisation,
        sites=_sites(db, organisation.id),
        library_systems=db.scalars(systems.order_by(LibrarySystem.name, LibrarySystem.id)).all(),
        identity_providers=db.scalars(providers.order_by(IdentityProvider.name, IdentityProvider.id)).all(),
    )


def add_offer(
    db: Session,
    by: Scope,
    organisation_id: int,
    site_ids: Collection[int],
    draft: OfferDraft,
    now: datetime,
    *,
    library_system_id: int | None = None,
) -> Offer:
    """The last one on the portal page."""
    organisation = _organisation(db, by, organisation_id)
    system = None if library_system_id is None else get_system(db, by, library_system_id)
    sites = _chosen(db, organisation.id, site_ids)
    return create_offer(db, organisation, sites, replace(draft, library_system=system), now, by)


def change_offer(
    db: Session,
    by: Scope,
    offer_id: int,
    site_ids: Collection[int],
    draft: OfferDraft,
    now: datetime,
    *,
    library_system_id: int | None = None,
) -> Offer:
    """All but its way and its identity provider. Grants already given keep what they were given of it; what is allowed
    in a day and in a week holds for everybody at once."""
    offer = get_offer(db, by, offer_id)
    system = None if library_system_id is None else get_system(db, by, library_system_id)
    before = facts_of(offer)
    unchanging = replace(draft, way=offer.way, identity_provider_id=offer.identity_provider_id, library_system=system)
    fill_offer(db, offer, _chosen(db, offer.organisation_id, site_ids), unchanging)
    db.flush()
    changes = {name: [before[name], value] for name, value in facts_of(offer).items() if before[name] != value}
    if changes:
        audit.note(db, by, "offer.changed", offer.name, changes, now, organisation_id=offer.organisation_id)
    return offer


def move_offer(db: Session, by: Scope, offer_id: int, steps: int, now: datetime) -> Offer:
    """Earlier for less than nothing. All of its organisation are numbered anew: two may move offers at once."""
    offer = get_offer(db, by, offer_id)
    offers = list(
        db.scalars(
            select(Offer)
            .where(Offer.organisation_id == offer.organisation_id, Offer.retired_at.is_(None))
            .order_by(Offer.position, Offer.id)
            .with_for_update()
        )
    )
    at = offers.index(offer)
    to = min(max(at + steps, 0), len(offers) - 1)
    offers.insert(to, offers.pop(at))
    for position, each in enumerate(offers, start=1):
        each.position = position
    db.flush()
    if to != at:
        audit.note(db, by, "offer.moved", offer.name, {"position": to + 1}, now, organisation_id=offer.organisation_id)
    return offer


def withdraw_offer(db: Session, by: Scope, offer_id: int, now: datetime) -> Offer:
    """Nobody signs in with it any more; whoever is online stays so until the visit ends."""
    offer = get_offer(db, by, offer_id)
    retire_offer(db, offer, now, by)
    db.flush()
    return offer


def rules_that_give(db: Session, offer: Offer) -> Sequence[ReaderRule]:
    """Once it is retired, the readers whom they fit are refused."""
    return db.scalars(
        select(ReaderRule).where(ReaderRule.offer_id == offer.id).order_by(ReaderRule.position, ReaderRule.id)
    ).all()


def needs_more(way: Way, choices: Choices) -> bool:
    """Is something missing without which there is no offer of this way?"""
    return way is Way.OPENID_CONNECT and not choices.identity_providers


def _with_rows(whose: ColumnElement[bool]) -> Select[Offer]:
    return (
        select(Offer)
        .where(whose)
        .options(
            selectinload(Offer.sites),
            selectinload(Offer.allowances),
            joinedload(Offer.organisation),
            joinedload(Offer.library_system),
            joinedload(Offer.identity_provider),
        )
    )


def _organisation(db: Session, scope: Scope, organisation_id: int) -> Organisation:
    if organisation_id not in scope.organisation_ids:
        raise NotFound("organisation")
    return db.get_one(Organisation, organisation_id)


def _sites(db: Session, organisation_id: int) -> Sequence[Site]:
    below = organisation_subtree(db, organisation_id)
    return db.scalars(
        select(Site)
        .where(Site.organisation_id.in_(below))
        .options(joinedload(Site.organisation))
        .order_by(Site.organisation_id != organisation_id, Site.name, Site.id)
    ).all()


def _chosen(db: Session, organisation_id: int, site_ids: Collection[int]) -> Sequence[Site]:
    sites = {site.id: site for site in _sites(db, organisation_id)}
    if not set(site_ids) <= sites.keys():
        raise InvalidInput("One of these sites is not of this organisation.", field="site")
    return [site for site_id, site in sites.items() if site_id in site_ids]
