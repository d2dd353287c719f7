"""The desk's question about a voucher, a card or a device: may it be used now; if not, why, since when, until when.

What is told is of today and of the staff member's own sites: no history. Nothing here asks Redis; who asks passes in
until when too many wrong guesses keep it shut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from hotspot.models import (
    Device,
    Grant,
    Offer,
    OfferSite,
    Patron,
    RememberedDevice,
    Site,
    Voucher,
    VoucherBatch,
    WifiSession,
)
from hotspot.policy.admission import decide_admission
from hotspot.policy.opening_hours import closing_time, next_opening
from hotspot.policy.voucher_codes import VoucherCode, parse_code
from hotspot.policy.voucher_use import why_not_usable
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.one_more_hour import STILL_AT_THE_DESK, can_be_lengthened, grant_can_be_lengthened
from hotspot.services.readers import given_offer, reader_of
from hotspot.services.remembering import count_remembered
from hotspot.services.signing_in import terms_of
from hotspot.services.staff import Scope
from hotspot.services.usage import usage_of_grant
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way

LONGEST_QUESTION = 500
"""An address in a QR code, at most."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May it be used now? No refusal: yes."""

    refusal: Refuse | None = None
    since: datetime | None = None

    @property
    def reason(self) -> RefusalReason | None:
        return None if self.refusal is None else self.refusal.reason


def _no(reason: RefusalReason, *, since: datetime | None = None, again_at: datetime | None = None) -> Verdict:
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


@dataclass(frozen=True, slots=True)
class AboutVoucher:
    voucher: Voucher
    number: int
    verdict: Verdict
    visits: Sequence[Visit]
    remembered: int
    can_be_lengthened: bool
    can_be_voided: bool

    @property
    def batch(self) -> VoucherBatch:
        return self.voucher.batch

    @property
    def is_full(self) -> bool:
        """Another device would be refused."""
        return _taken(self.visits) >= self.batch.devices_at_once


@dataclass(frozen=True, slots=True)
class AboutCard:
    card_number: str
    patron: Patron | None
    """None: neither in the file nor confirmed before by a library's system."""
    is_asked_elsewhere: bool
    """Cards are checked by a library's own system at one of the sites: it may know what we do not."""
    is_own: bool
    """Of an organisation that is the staff member's."""
    verdict: Verdict
    visits: Sequence[Visit]
    remembered: int
    devices_at_once: int

    @property
    def is_full(self) -> bool:
        """Another device would be refused."""
        online = sum(visit.wifi_session_id is not None for visit in self.visits)
        return bool(self.visits) and online >= self.devices_at_once


@dataclass(frozen=True, slots=True)
class AboutDevice:
    mac: str
    family: str
    verdict: Verdict
    visits: Sequence[Visit]
    """None or one."""
    remembered: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A voucher of a site that is not the staff member's, of an organisation that is."""

    site_name: str


def code_in(text: str) -> VoucherCode | None:
    """The code that was typed, or that the address in a voucher's QR code carries."""
    code = parse_code(text)
    if code is not None or "/" not in text:
        return code
    try:
        address = urlsplit(text.strip())
    except ValueError:
        return None
    given = [address.path.rpartition("/")[2], *(each for values in parse_qs(address.query).values() for each in values)]
    return next((code for code in map(parse_code, given) if code is not None), None)


def find_voucher(db: Session, scope: Scope, code: VoucherCode, vault: Vault) -> tuple[int, int] | Elsewhere | None:
    """(batch, number)."""
    voucher = db.scalar(select(Voucher).where(Voucher.code_digest == vault.digest(code)))
    if voucher is None or voucher.batch.site.organisation_id not in scope.organisation_ids:
        return None
    if voucher.batch.site_id not in scope.site_ids:
        return Elsewhere(voucher.batch.site.name)
    return voucher.batch_id, [each.id for each in voucher.batch.vouchers].index(voucher.id) + 1


def find_patron(db: Session, scope: Scope, card_number: str) -> Patron | None:
    """Of the staff member's organisations, and of those whose cards are taken at their sites."""
    taken = select(Offer.organisation_id).join(OfferSite, OfferSite.offer_id == Offer.id)
    taken = taken.where(OfferSite.site_id.in_(scope.site_ids), Offer.way == Way.LIBRARY_CARD)
    organisations = scope.organisation_ids.union(db.scalars(taken))
    typed = card_number.strip()
    return db.scalar(
        select(Patron)
        .where(
            (Patron.card_number == typed) | (Patron.also_typed == typed) & (Patron.also_typed != ""),
            Patron.organisation_id.in_(organisations),
        )
        .order_by(Patron.card_number != typed, Patron.updated_at.desc(), Patron.id)
        .limit(1)
    )


def is_known_device(db: Session, scope: Scope, mac: str, now: datetime) -> bool:
    """Has it been at one of the staff member's sites today?"""
    here = select(Grant.id).where(Grant.device_mac == mac, Grant.site_id.in_(scope.site_ids))
    return db.scalar(here.where(Grant.ends_at > now - STILL_AT_THE_DESK).limit(1)) is not None


def organisations_of_sites(db: Session, scope: Scope) -> list[int]:
    """Under which attempts with a card are counted."""
    return list(db.scalars(select(Site.organisation_id).where(Site.id.in_(scope.site_ids)).distinct()))


def show_voucher(
    db: Session,
    scope: Scope,
    batch_id: int,
    number: int,
    now: datetime,
    settings: Settings,
    *,
    shut_until: datetime | None = None,
) -> AboutVoucher:
    batch = vouchers.get_batch(db, scope, batch_id)
    voucher = vouchers.voucher_of(batch, number)
    visits = _visits(db, Grant.voucher_id == voucher.id, now, settings)
    return AboutVoucher(
        voucher,
        number,
        _verdict_on_voucher(db, voucher, now, shut_until) or _of_visits(visits, batch.devices_at_once),
        visits,
        count_remembered(db, RememberedDevice.voucher_id == voucher.id, now),
        can_be_lengthened(voucher, now),
        vouchers.can_be_voided(voucher, now),
    )


def show_card(
    db: Session,
    scope: Scope,
    card_number: str,
    now: datetime,
    settings: Settings,
    *,
    shut_until: datetime | None = None,
) -> AboutCard:
    patron = find_patron(db, scope, card_number)
    offers = _offers_for_cards(db, scope)
    given = [] if patron is None else _given(db, patron, offers, now)
    visits: Sequence[Visit] = ()
    remembered = 0
    if patron is not None:
        whose = (Grant.patron_id == patron.id) & Grant.site_id.in_(scope.site_ids)
        visits = _visits(db, whose, now, settings)
        remembered = count_remembered(db, RememberedDevice.patron_id == patron.id, now)
    at_once = max((offer.devices_at_once for offer in given if isinstance(offer, Offer)), default=1)
    verdict = _verdict_on_card(patron, offers, given, now, shut_until) or _of_visits(visits, at_once)
    return AboutCard(
        card_number.strip(),
        patron,
        any(offer.library_system_id is not None for _, offer in offers),
        patron is not None and patron.organisation_id in scope.organisation_ids,
        verdict,
        visits,
        remembered,
        at_once,
    )


def show_device(
    db: Session, scope: Scope, mac: str, now: datetime, settings: Settings, *, shut_until: datetime | None = None
) -> AboutDevice:
    visits = _visits(db, (Grant.device_mac == mac) & Grant.site_id.in_(scope.site_ids), now, settings)
    device = db.get(Device, mac)
    verdict = visits[0].verdict if visits else Verdict()
    if shut_until is not None and not (visits and verdict.reason is None):
        verdict = _no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
    return AboutDevice(
        mac,
        device.family if device is not None and visits else "",
        verdict,
        visits,
        count_remembered(db, remembered_at(scope, mac), now),
    )


def remembered_at(scope: Scope, mac: str) -> ColumnElement[bool]:
    """That a device comes back without typing, at one of the staff member's sites."""
    here = select(OfferSite.offer_id).where(OfferSite.site_id.in_(scope.site_ids))
    return (RememberedDevice.device_mac == mac) & RememberedDevice.offer_id.in_(here)


def _verdict_on_voucher(db: Session, voucher: Voucher, now: datetime, shut_until: datetime | None) -> Verdict | None:
    batch = voucher.batch
    reason = why_not_usable(voucher.life, now)
    if reason is not None:
        since = {
            RefusalReason.VOUCHER_VOID: voucher.voided_at,
            RefusalReason.VOUCHER_USED: voucher.ends_at,
            RefusalReason.VOUCHER_EXPIRED: batch.expires_at,
        }
        return _no(reason, since=since[reason])
    here = db.get(OfferSite, (batch.offer_id, batch.site_id))
    if here is None or batch.offer.retired_at is not None:
        return _no(RefusalReason.OFFER_NOT_HERE)
    if shut_until is not None:
        return _no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
    return _if_closed([batch.site], now)


def _verdict_on_card(
    patron: Patron | None,
    offers: Sequence[tuple[Site, Offer]],
    given: Sequence[Offer | Refuse],
    now: datetime,
    shut_until: datetime | None,
) -> Verdict | None:
    """What `signing_in.py` asks of a card, before any device is counted."""
    if patron is not None and patron.blocked:
        return _no(RefusalReason.CARD_BLOCKED)
    refusals = [each for each in given if isinstance(each, Refuse)]
    if refusals and len(refusals) == len(given):
        return Verdict(refusals[0])
    if not offers or (patron is not None and not given):
        return _no(RefusalReason.OFFER_NOT_HERE)
    if shut_until is not None:
        return _no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
    if patron is None:
        return _no(RefusalReason.UNKNOWN_CARD_OR_PIN)
    return _if_closed([site for site, _ in offers], now)


def _given(db: Session, patron: Patron, offers: Sequence[tuple[Site, Offer]], now: datetime) -> list[Offer | Refuse]:
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
    return _no(RefusalReason.SITE_CLOSED, again_at=min(openings, default=None))


def _of_visits(visits: Sequence[Visit], at_once: int) -> Verdict:
    """Nothing is in the way of the thing itself: but what its devices were given may be used up."""
    going_on = [visit for visit in visits if visit.verdict.reason is None]
    used_up = [visit for visit in visits if visit.verdict.reason in _USED_UP]
    return used_up[0].verdict if used_up and not going_on and len(used_up) >= at_once else Verdict()


_USED_UP = (RefusalReason.TIME_USED_UP, RefusalReason.VOLUME_USED_UP)


def _taken(visits: Sequence[Visit]) -> int:
    """Devices that a voucher stays with."""
    return sum(visit.verdict.since is None for visit in visits)


def _visits(db: Session, whose: ColumnElement[bool], now: datetime, settings: Settings) -> Sequence[Visit]:
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
        decision = decide_admission(terms_of(grant, settings), usage_of_grant(db, grant.id), now)
        return Verdict(decision if isinstance(decision, Refuse) else None)
    opened_again = grant.ends_because is RefusalReason.SITE_CLOSED and closing_time(grant.site.hours, now) is not None
    reason = RefusalReason.GRANT_ENDED if opened_again else grant.ends_because
    again_at = next_opening(grant.site.hours, now) if reason is RefusalReason.SITE_CLOSED else None
    return _no(reason, since=grant.ends_at, again_at=again_at)


def _offers_for_cards(db: Session, scope: Scope) -> list[tuple[Site, Offer]]:
    rows = db.execute(
        select(Site, Offer)
        .join(OfferSite, OfferSite.site_id == Site.id)
        .join(Offer, Offer.id == OfferSite.offer_id)
        .where(Site.id.in_(scope.site_ids), Offer.way == Way.LIBRARY_CARD, Offer.retired_at.is_(None))
        .where(~Offer.by_rule_only)
        .order_by(Site.id, Offer.position, Offer.id)
    )
    return [(site, offer) for site, offer in rows]
