"""May it be used now? Of a voucher, a card and a visit: what is in the way, since when, until when.

`signing_in.py` decides at the door; here the same is asked for the desk, without a device, a PIN or a lock on anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from hotspot.models import Device, Grant, Offer, OfferSite, Patron, Site, Voucher, WifiSession
from hotspot.policy.admission import decide_admission, is_over
from hotspot.policy.opening_hours import closing_time, next_opening
from hotspot.policy.voucher_use import why_not_usable
from hotspot.services.allowances import once_open, terms_of, usage_of
from hotspot.services.one_more_hour import STILL_AT_THE_DESK, grant_can_be_lengthened
from hotspot.services.readers import given_offer, reader_of
from hotspot.services.staff import Scope
from hotspot.settings import Settings
from hotspot.values import USED_UP, RefusalReason, Refuse, Way


@dataclass(frozen=True, slots=True)
class Verdict:
    """May it be used now? No refusal: yes."""

    refusal: Refuse | None = None
    since: datetime | None = None

    @property
    def reason(self) -> RefusalReason | None:
        return None if self.refusal is None else self.refusal.reason


def no(reason: RefusalReason, *, since: datetime | None = None, again_at: datetime | None = None) -> Verdict:
    return Verdict(Refuse(reason, again_at=again_at), since)


@dataclass(frozen=True, slots=True)
class Visit:
    """A device's latest with what was asked about: of today."""

    grant: Grant
    family: str
    wifi_session_id: UUID | None
    """Of the connection that runs."""
    verdict: Verdict
    """May it go on?"""
    can_be_lengthened: bool


def verdict_on_voucher(db: Session, voucher: Voucher, now: datetime, shut_until: datetime | None) -> Verdict | None:
    batch = voucher.batch
    reason = why_not_usable(voucher.life, now)
    if reason is not None:
        since = {
            RefusalReason.VOUCHER_VOID: voucher.voided_at,
            RefusalReason.VOUCHER_USED: voucher.ends_at,
            RefusalReason.VOUCHER_EXPIRED: batch.expires_at,
        }
        return no(reason, since=since[reason])
    here = db.get(OfferSite, (batch.offer_id, batch.site_id))
    if here is None or batch.offer.retired_at is not None:
        return no(RefusalReason.OFFER_NOT_HERE)
    if shut_until is not None:
        return no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
    return _if_closed([batch.site], now)


def verdict_on_card(
    patron: Patron | None,
    offers: Sequence[tuple[Site, Offer]],
    given: Sequence[Offer | Refuse],
    now: datetime,
    shut_until: datetime | None,
) -> Verdict | None:
    """What `signing_in.py` asks of a card, before any device is counted."""
    if patron is not None and patron.blocked:
        return no(RefusalReason.CARD_BLOCKED)
    refusals = [each for each in given if isinstance(each, Refuse)]
    if refusals and len(refusals) == len(given):
        return Verdict(refusals[0])
    if not offers or (patron is not None and not given):
        return no(RefusalReason.OFFER_NOT_HERE)
    if shut_until is not None:
        return no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
    if patron is None:
        return no(RefusalReason.UNKNOWN_CARD_OR_PIN)
    return _if_closed([site for site, _ in offers], now)


def offers_given(
    db: Session, patron: Patron, offers: Sequence[tuple[Site, Offer]], now: datetime
) -> list[Offer | Refuse]:
    """What the rules make of this reader, offer by offer: as the file has them, or as their system said last."""
    return [
        given_offer(db, reader_of(patron), offer, site, now)
        for site, offer in offers
        if offer.library_system_id == patron.library_system_id and offer.organisation_id == patron.organisation_id
    ]


def _if_closed(sites: Sequence[Site], now: datetime) -> Verdict | None:
    """All of them are: until the first one opens."""
    if any(closing_time(site.hours, now) is not None for site in sites):
        return None
    openings = [opens_at for site in sites if (opens_at := next_opening(site.hours, now)) is not None]
    return no(RefusalReason.SITE_CLOSED, again_at=min(openings, default=None))


def verdict_on_visits(visits: Sequence[Visit], at_once: int) -> Verdict:
    """Nothing is in the way of the thing itself: but what its devices were given may be used up; or what the person has
    in a day or a week, on whichever device."""
    going_on = [visit for visit in visits if visit.verdict.reason is None]
    used_up = [visit.verdict for visit in visits if visit.verdict.reason in USED_UP]
    of_person = [each for each in used_up if each.refusal is not None and each.refusal.again_at is not None]
    if going_on or not used_up:
        return Verdict()
    return of_person[0] if of_person else used_up[0] if len(used_up) >= at_once else Verdict()


def devices_taken(visits: Sequence[Visit]) -> int:
    """Devices that a voucher stays with."""
    return sum(visit.verdict.since is None for visit in visits)


def visits_of(db: Session, whose: ColumnElement[bool], now: datetime, settings: Settings) -> Sequence[Visit]:
    """The latest of each device, the latest first."""
    grants = db.scalars(
        select(Grant)
        .where(whose, Grant.ends_at > now - STILL_AT_THE_DESK)
        .options(joinedload(Grant.offer), joinedload(Grant.site))
        .order_by(Grant.created_at.desc(), Grant.id)
        .limit(200)
    ).all()
    latest = {grant.device_mac: grant for grant in reversed(grants)}
    live = select(WifiSession.grant_id, WifiSession.id).where(
        WifiSession.grant_id.in_([grant.id for grant in latest.values()]), WifiSession.ended_at.is_(None)
    )
    running = dict(db.execute(live).all())
    families = select(Device.mac, Device.family).where(Device.mac.in_(latest))
    family = dict(db.execute(families).all())
    return [
        Visit(
            grant,
            family.get(grant.device_mac, ""),
            running.get(grant.id),
            _verdict_on_grant(db, grant, now, settings),
            grant.voucher_id is None and grant_can_be_lengthened(grant, now),
        )
        for grant in reversed(latest.values())
    ]


def _verdict_on_grant(db: Session, grant: Grant, now: datetime, settings: Settings) -> Verdict:
    if grant.ends_at > now:
        decision = decide_admission(terms_of(grant, settings, now), usage_of(db, grant, now, settings), now)
        decision = once_open(decision, grant.site.hours)
        return Verdict(decision if isinstance(decision, Refuse) and is_over(decision) else None)
    opened_again = grant.ends_because is RefusalReason.SITE_CLOSED and closing_time(grant.site.hours, now) is not None
    reason = RefusalReason.GRANT_ENDED if opened_again else grant.ends_because
    again_at = next_opening(grant.site.hours, now) if reason is RefusalReason.SITE_CLOSED else None
    return no(reason, since=grant.ends_at, again_at=again_at)


def offers_for_cards(db: Session, scope: Scope) -> list[tuple[Site, Offer]]:
    rows = db.execute(
        select(Site, Offer)
        .join(OfferSite, OfferSite.site_id == Site.id)
        .join(Offer, Offer.id == OfferSite.offer_id)
        .where(Site.id.in_(scope.site_ids), Offer.way == Way.LIBRARY_CARD, Offer.retired_at.is_(None))
        .where(~Offer.by_rule_only)
        .order_by(Site.id, Offer.position, Offer.id)
    )
    return [(site, offer) for site, offer in rows]
