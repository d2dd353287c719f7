"""Make, fill and retire an offer. Grants already given keep what they were given of it, but for days and weeks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import IdentityProvider, LibrarySystem, Offer, OfferAllowance, Organisation, Site
from hotspot.policy.announcements import LONGEST_CYCLE, LONGEST_VIEW, SHORTEST_CYCLE, SHORTEST_VIEW
from hotspot.policy.contacts import parse_domain
from hotspot.services import audit
from hotspot.services.offer_facts import facts_of
from hotspot.services.staff import Scope, organisation_subtree
from hotspot.values import Period, Way

SHORTEST = timedelta(minutes=1)
"""Less than this is no visit: admission would refuse it."""
LONGEST = timedelta(days=366)
FASTEST_KBPS = 100_000_000
MOST_OCTETS = 2**53
_MOST_DOMAINS = 1000
"""Characters of all of them together."""
KNOWS_A_PERSON = (Way.LIBRARY_CARD, Way.VOUCHER)
_LENGTHS = {Period.DAY: timedelta(days=1), Period.WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class AllowanceDraft:
    """Of a day or a week; the draft of the offer itself has those of a visit. What is None is not limited."""

    period: Period
    time: timedelta | None = None
    octets: int | None = None
    """Upload and download together."""
    upload_octets: int | None = None
    download_octets: int | None = None


@dataclass(frozen=True, slots=True)
class OfferDraft:
    name: str
    way: Way
    visit_time: timedelta | None = None
    """None: until the site closes that day."""
    time_allowed: timedelta | None = None
    octets_allowed: int | None = None
    upload_kbps: int | None = None
    download_kbps: int | None = None
    devices_at_once: int = 1
    remember_for: timedelta | None = None
    sponsor_domains: Sequence[str] = ()
    """Of hosts; needed for a sponsor, and for nothing else."""
    identity_provider_id: int | None = None
    """Likewise, for OpenID Connect."""
    library_system: LibrarySystem | None = None
    """That checks its cards; none: the library's file."""
    by_rule_only: bool = False
    allowances: Sequence[AllowanceDraft] = ()
    """At most one of a day, and one of a week."""
    upload_octets_allowed: int | None = None
    download_octets_allowed: int | None = None
    announcement_every: timedelta | None = None
    """Of connection time; none: no announcement."""
    announcement_length: timedelta = timedelta(seconds=10)
    idle_timeout: timedelta | None = None
    """None: the installation's."""


def create_offer(
    db: Session,
    organisation: Organisation,
    sites: Sequence[Site],
    draft: OfferDraft,
    now: datetime,
    by: Scope | Literal["system"] = "system",
) -> Offer:
    """Shown last on the pages of its sites."""
    offer = Offer(organisation=organisation, way=draft.way, created_at=now, allowances=[])
    fill_offer(db, offer, sites, draft)
    live = select(func.max(Offer.position)).where(Offer.organisation_id == organisation.id, Offer.retired_at.is_(None))
    offer.position = (db.scalar(live) or 0) + 1
    db.add(offer)
    db.flush()
    facts = {"way": offer.way.value} | {name: value for name, value in facts_of(offer).items() if value}
    audit.note(db, by, "offer.created", offer.name, facts, now, organisation_id=organisation.id)
    return offer


def fill_offer(db: Session, offer: Offer, sites: Sequence[Site], draft: OfferDraft) -> None:
    """What the draft says, once all of it has been checked. A system that checks its cards already may go on."""
    organisation = offer.organisation
    keeps_system = draft.library_system is not None and draft.library_system is offer.library_system
    _check(replace(draft, library_system=None) if keeps_system else draft)
    below = organisation_subtree(db, organisation.id)
    if not sites:
        raise InvalidInput("An offer holds at one site at least.", field="site")
    if any(site.organisation_id not in below for site in sites):
        raise NotFound("site of this organisation")
    if draft.library_system is not None and draft.library_system.organisation_id != organisation.id:
        raise NotFound("library system of this organisation")
    twin = select(Offer.id).where(
        Offer.organisation_id == organisation.id, Offer.retired_at.is_(None), Offer.name == draft.name
    )
    if any(each != offer.id for each in db.scalars(twin)):
        raise Conflict("There is already an offer with this name.", field="name")
    domains, provider = _domains(draft), _identity_provider(db, organisation, draft)
    offer.name, offer.sites = draft.name, list(sites)
    offer.visit_time, offer.idle_timeout = draft.visit_time, draft.idle_timeout
    offer.time_allowed, offer.octets_allowed = draft.time_allowed, draft.octets_allowed
    offer.upload_octets_allowed = draft.upload_octets_allowed
    offer.download_octets_allowed = draft.download_octets_allowed
    offer.upload_kbps, offer.download_kbps = draft.upload_kbps, draft.download_kbps
    offer.devices_at_once, offer.remember_for = draft.devices_at_once, draft.remember_for
    offer.sponsor_domains, offer.identity_provider = " ".join(domains), provider
    offer.library_system, offer.by_rule_only = draft.library_system, draft.by_rule_only
    offer.announcement_every, offer.announcement_length = draft.announcement_every, draft.announcement_length
    _fill_allowances(offer, draft.allowances)


def _fill_allowances(offer: Offer, drafts: Sequence[AllowanceDraft]) -> None:
    """Row by row: a row that is there is changed, for its key is its period."""
    kept = {each.period: each for each in offer.allowances}
    rows = []
    for draft in drafts:
        row = kept.get(draft.period) or OfferAllowance(period=draft.period)
        row.time, row.octets = draft.time, draft.octets
        row.upload_octets, row.download_octets = draft.upload_octets, draft.download_octets
        rows.append(row)
    offer.allowances = rows


def retire_offer(db: Session, offer: Offer, now: datetime, by: Scope | Literal["system"] = "system") -> None:
    """It is no longer offered; it stays in the table, because grants cite it."""
    if offer.retired_at is not None:
        raise Conflict("This offer was retired before.")
    offer.retired_at = now
    audit.note(db, by, "offer.retired", offer.name, {}, now, organisation_id=offer.organisation_id)


def _check(draft: OfferDraft) -> None:
    if not draft.name.strip() or len(draft.name) > 200 or not draft.name.isprintable():
        raise InvalidInput("A name has between 1 and 200 characters, on one line.", field="name")
    for field, length in (
        ("visit-time", draft.visit_time),
        ("time-allowed", draft.time_allowed),
        ("idle-timeout", draft.idle_timeout),
    ):
        if length is not None and not SHORTEST <= length <= LONGEST:
            raise InvalidInput("Between one minute and a year.", field=field)
    for field, kbps in (("upload", draft.upload_kbps), ("download", draft.download_kbps)):
        if kbps is not None and not 1 <= kbps <= FASTEST_KBPS:
            raise InvalidInput("Between 1 kbit/s and 100 Gbit/s.", field=field)
    _check_volumes("", draft.octets_allowed, draft.upload_octets_allowed, draft.download_octets_allowed)
    if not 1 <= draft.devices_at_once <= 1000:
        raise InvalidInput("Between 1 and 1,000 devices.", field="devices")
    _check_remembering(draft.way, draft.remember_for)
    _check_cards(draft)
    _check_allowances(draft.allowances)
    _check_announcements(draft.announcement_every, draft.announcement_length)


def _check_volumes(prefix: str, both: int | None, upload: int | None, download: int | None) -> None:
    for field, octets in (("volume", both), ("upload-volume", upload), ("download-volume", download)):
        if octets is not None and not 1 <= octets <= MOST_OCTETS:
            raise InvalidInput("At least one octet, at most 2^53.", field=prefix + field)


def _check_allowances(allowances: Sequence[AllowanceDraft]) -> None:
    periods = [each.period for each in allowances]
    if len(set(periods)) < len(periods) or not _LENGTHS.keys() >= set(periods):
        raise InvalidInput("An offer has one allowance of a day and one of a week at most.", field="allowances")
    for each in allowances:
        prefix = f"{each.period.value}-"
        if each == AllowanceDraft(each.period):
            raise InvalidInput("An allowance limits a time or a volume.", field=prefix + "time")
        if each.time is not None and not SHORTEST <= each.time <= _LENGTHS[each.period]:
            raise InvalidInput("At least one minute, at most the whole day or week.", field=prefix + "time")
        _check_volumes(prefix, each.octets, each.upload_octets, each.download_octets)


def _check_announcements(every: timedelta | None, length: timedelta) -> None:
    if every is not None and not SHORTEST_CYCLE <= every <= LONGEST_CYCLE:
        raise InvalidInput("Between five minutes and a day.", field="announcement-every")
    if not SHORTEST_VIEW <= length <= LONGEST_VIEW:
        raise InvalidInput("Between three seconds and a minute.", field="announcement-length")


def _domains(draft: OfferDraft) -> Sequence[str]:
    if draft.way is not Way.SPONSOR:
        if draft.sponsor_domains:
            raise InvalidInput("Only a sponsor has a domain.", field="host-domain")
        return ()
    read = [(text, parse_domain(text)) for text in draft.sponsor_domains]
    for text, domain in read:
        if domain is None:
            raise InvalidInput("%(domain)s is not a domain.", field="host-domain", domain=text[:100])
    found = sorted({domain for _, domain in read if domain is not None})
    if not found:
        raise InvalidInput("Name the domain whose mail addresses are those of hosts.", field="host-domain")
    if len(" ".join(found)) > _MOST_DOMAINS:
        raise InvalidInput("These are too many domains.", field="host-domain")
    return found


def _identity_provider(db: Session, organisation: Organisation, draft: OfferDraft) -> IdentityProvider | None:
    """Of the organisation, or of one above it: a metropolis may speak for its communes."""
    if draft.way is not Way.OPENID_CONNECT:
        if draft.identity_provider_id is not None:
            raise InvalidInput("Only OpenID Connect has an identity provider.", field="identity-provider")
        return None
    provider = db.get(IdentityProvider, draft.identity_provider_id) if draft.identity_provider_id else None
    above = {each.id for each in organisation.line}
    if provider is None or provider.organisation_id not in above or provider.retired_at is not None:
        raise InvalidInput("Name the identity provider that visitors are sent to.", field="identity-provider")
    if not provider.client_id:
        raise Conflict("This identity provider does not know us yet: set its client first.")
    return provider


def _check_remembering(way: Way, length: timedelta | None) -> None:
    if length is not None and way not in KNOWS_A_PERSON:
        raise InvalidInput("Devices are remembered for a library card or a voucher only.", field="remember-days")
    if length is not None and not timedelta(days=1) <= length <= LONGEST:
        raise InvalidInput("Between one day and a year.", field="remember-days")


def _check_cards(draft: OfferDraft) -> None:
    if draft.way is not Way.LIBRARY_CARD and (draft.library_system is not None or draft.by_rule_only):
        raise InvalidInput("Only an offer for library cards has a library system or a rule.", field="way")
    if draft.library_system is not None and draft.library_system.ignores_pins:
        raise InvalidInput(
            "This system ignores PINs: let it check cards on its staff page, where that is explained.",
            field="library-system",
        )
