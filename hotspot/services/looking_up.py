"""The desk's question about a voucher, a card or a device: may it be used now; if not, why, since when, until when.

What is told is of today and of the staff member's own sites: no history. Nothing here asks Redis; who asks passes in
until when too many wrong guesses keep it shut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hotspot.models import Device, Grant, Offer, OfferSite, Patron, RememberedDevice, Site, Voucher, VoucherBatch
from hotspot.policy.voucher_codes import VoucherCode, parse_code
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.one_more_hour import STILL_AT_THE_DESK, can_be_lengthened
from hotspot.services.remembering import count_remembered
from hotspot.services.staff import Scope
from hotspot.services.verdicts import (
    Verdict,
    Visit,
    devices_taken,
    no,
    offers_for_cards,
    offers_given,
    verdict_on_card,
    verdict_on_visits,
    verdict_on_voucher,
    visits_of,
)
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way

LONGEST_QUESTION = 500
"""An address in a QR code, at most."""


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
        return devices_taken(self.visits) >= self.batch.devices_at_once


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
    visits = visits_of(db, Grant.voucher_id == voucher.id, now, settings)
    return AboutVoucher(
        voucher,
        number,
        verdict_on_voucher(db, voucher, now, shut_until) or verdict_on_visits(visits, batch.devices_at_once),
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
    offers = offers_for_cards(db, scope)
    given = [] if patron is None else offers_given(db, patron, offers, now)
    visits: Sequence[Visit] = ()
    remembered = 0
    if patron is not None:
        whose = (Grant.patron_id == patron.id) & Grant.site_id.in_(scope.site_ids)
        visits = visits_of(db, whose, now, settings)
        remembered = count_remembered(db, RememberedDevice.patron_id == patron.id, now)
    at_once = max((offer.devices_at_once for offer in given if isinstance(offer, Offer)), default=1)
    verdict = verdict_on_card(patron, offers, given, now, shut_until) or verdict_on_visits(visits, at_once)
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
    visits = visits_of(db, (Grant.device_mac == mac) & Grant.site_id.in_(scope.site_ids), now, settings)
    device = db.get(Device, mac)
    verdict = visits[0].verdict if visits else Verdict()
    if shut_until is not None and not (visits and verdict.reason is None):
        verdict = no(RefusalReason.TOO_MANY_ATTEMPTS, again_at=shut_until)
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
