"""Vouchers, from the desk: make a batch, print it, count it, withdraw one or all. Redeeming one is in `signing_in.py`.

A code is stored twice, and never readable: its digest finds it at sign-in, its seal lets a sheet be printed again.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import case, func, insert, select
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Offer, OfferSite, Site, Voucher, VoucherBatch
from hotspot.policy.voucher_codes import make_code
from hotspot.policy.voucher_use import why_not_usable
from hotspot.sealing import Vault
from hotspot.services import audit
from hotspot.services.ending_grants import end_grants_of_vouchers
from hotspot.services.staff import Scope
from hotspot.values import Way

LARGEST_BATCH = 200
LONGEST_LABEL = 200
LONGEST_USE = timedelta(days=30)
"""From a first use, where it is counted in hours."""
MOST_DEVICES = 20
"""At once, of one voucher."""
PAGE = 50


class VoucherState(StrEnum):
    UNUSED = "unused"
    USED = "used"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class BatchCounts:
    batch: VoucherBatch
    unused: int
    used: int
    void: int


@dataclass(frozen=True, slots=True)
class BatchPage:
    batches: Sequence[BatchCounts]
    older_than: int | None
    """The id to go on from; None on the last page."""


@dataclass(frozen=True, slots=True)
class OpenedVoucher:
    """One to print. It lives as long as the sheet is being drawn."""

    number: int
    """Its place in the batch, from 1: how staff tell papers apart without reading codes."""
    code: str


def make_batch(
    db: Session,
    *,
    site: Site,
    offer: Offer,
    count: int,
    label: str,
    expires_at: datetime,
    staff: Scope | Literal["system"],
    now: datetime,
    vault: Vault,
    valid_for: timedelta | None = None,
    until: datetime | None = None,
    devices: int | None = None,
) -> VoucherBatch:
    """`count` new codes for one offer at one site, good for a first use before `expires_at`; then as long as the offer
    says, or for so long, or until that moment.

    Two equal codes among billions are refused by the database: the whole batch is then made again by asking again.
    """
    if not 1 <= count <= LARGEST_BATCH:
        raise InvalidInput("A batch has between 1 and 200 vouchers.", field="count")
    if expires_at <= now:
        raise InvalidInput("The last day is already over.", field="expires_on")
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise InvalidInput("This label is too long, or has characters that cannot be printed.", field="label")
    if (site.id, offer.id) not in [(here.id, this.id) for here, this in _offered(db, [site.id])]:
        raise InvalidInput("This offer cannot be had with a voucher at this site.", field="offer")
    _check_length(valid_for, until, devices, now)
    batch = VoucherBatch(
        site=site,
        offer=offer,
        created_by_id=None if isinstance(staff, str) else staff.staff_id,
        label=label.strip(),
        size=count,
        created_at=now,
        expires_at=expires_at if until is None else min(expires_at, until),
        valid_for=valid_for,
        until=until,
        devices=devices,
    )
    db.add(batch)
    db.flush()
    codes = [make_code(secrets.choice) for _ in range(count)]
    db.execute(
        insert(Voucher),
        [{"batch_id": batch.id, "code_digest": vault.digest(code), "code_sealed": vault.seal(code)} for code in codes],
    )
    _note(db, staff, "voucher_batch.created", batch, {"offer": offer.name, "count": count}, now)
    return batch


def _check_length(valid_for: timedelta | None, until: datetime | None, devices: int | None, now: datetime) -> None:
    if valid_for is not None and until is not None:
        raise InvalidInput("A pass is good for some hours or until a day, not both.", field="length")
    if valid_for is not None and not timedelta(0) < valid_for <= LONGEST_USE:
        raise InvalidInput("A pass is good for between 1 hour and 30 days.", field="hours")
    if until is not None and until <= now:
        raise InvalidInput("The last day is already over.", field="until")
    if devices is not None and not 1 <= devices <= MOST_DEVICES:
        raise InvalidInput("A pass is for between 1 and 20 devices at once.", field="devices")


def offers_to_print(db: Session, scope: Scope) -> Sequence[tuple[Site, Offer]]:
    """Every pair of site and offer for which this staff member may make vouchers, by name."""
    return _offered(db, sorted(scope.site_ids))


def list_batches(db: Session, scope: Scope, *, before: int | None = None) -> BatchPage:
    """The newest first, PAGE at a time, each with what became of its vouchers."""
    query = (
        select(VoucherBatch)
        .where(VoucherBatch.site_id.in_(scope.site_ids))
        .options(joinedload(VoucherBatch.site), joinedload(VoucherBatch.offer))
    )
    if before is not None:
        query = query.where(VoucherBatch.id < before)
    batches = db.scalars(query.order_by(VoucherBatch.id.desc()).limit(PAGE + 1)).all()
    shown = count_all(db, batches[:PAGE])
    return BatchPage(shown, shown[-1].batch.id if len(batches) > PAGE else None)


def count_all(db: Session, batches: Sequence[VoucherBatch]) -> list[BatchCounts]:
    counts = _counts(db, [batch.id for batch in batches])
    return [BatchCounts(batch, *(counts.get((batch.id, state), 0) for state in VoucherState)) for batch in batches]


def get_batch(db: Session, scope: Scope, batch_id: int) -> VoucherBatch:
    """With its vouchers, in the order in which they are numbered."""
    batch = db.scalar(
        select(VoucherBatch)
        .where(VoucherBatch.id == batch_id, VoucherBatch.site_id.in_(scope.site_ids))
        .options(joinedload(VoucherBatch.site), joinedload(VoucherBatch.offer), selectinload(VoucherBatch.vouchers))
    )
    if batch is None:
        raise NotFound("voucher batch")
    return batch


def voucher_of(batch: VoucherBatch, number: int) -> Voucher:
    """The one that has this number on its paper."""
    if not 1 <= number <= len(batch.vouchers):
        raise NotFound("voucher")
    return batch.vouchers[number - 1]


def state_of(voucher: Voucher) -> VoucherState:
    if voucher.voided_at is not None:
        return VoucherState.VOID
    return VoucherState.UNUSED if voucher.redeemed_at is None else VoucherState.USED


def open_batch(db: Session, scope: Scope, batch_id: int, now: datetime, vault: Vault) -> list[OpenedVoucher]:
    """The codes of those that can still be used, for paper. The audit log says that they were opened."""
    batch = get_batch(db, scope, batch_id)
    if batch.expires_at <= now:
        raise Conflict("These vouchers have expired.")
    opened = [
        OpenedVoucher(number, vault.open(voucher.code_sealed))
        for number, voucher in enumerate(batch.vouchers, 1)
        if state_of(voucher) is VoucherState.UNUSED
    ]
    if not opened:
        raise Conflict("No voucher of this batch is left to print.")
    _note(db, scope, "voucher_batch.printed", batch, {"count": len(opened)}, now)
    return opened


def open_voucher(
    db: Session, scope: Scope, batch_id: int, number: int, now: datetime, vault: Vault
) -> list[OpenedVoucher]:
    """The code of one that is still good, used or not: for somebody who has lost the paper."""
    batch = get_batch(db, scope, batch_id)
    voucher = voucher_of(batch, number)
    if why_not_usable(voucher.life, now) is not None:
        raise Conflict("This voucher can no longer be used.")
    _note(db, scope, "voucher_batch.printed", batch, {"number": number}, now)
    return [OpenedVoucher(number, vault.open(voucher.code_sealed))]


def void_voucher(db: Session, scope: Scope, batch_id: int, number: int, now: datetime) -> Voucher:
    """Withdrawn for good; whoever is online with it is cut, and does not get in again."""
    voucher = voucher_of(get_batch(db, scope, batch_id), number)
    if not can_be_voided(voucher, now):
        raise Conflict("This voucher is already void, or used up.")
    voucher.voided_at = now
    ended = end_grants_of_vouchers(db, [voucher.id], scope, now)
    _note(db, scope, "voucher.voided", voucher.batch, {"number": number, "grants_ended": ended}, now)
    return voucher


def void_batch(db: Session, scope: Scope, batch_id: int, now: datetime) -> int:
    """Every voucher that is not yet void or used up. How many they were."""
    batch = get_batch(db, scope, batch_id)
    voided = [voucher for voucher in batch.vouchers if can_be_voided(voucher, now)]
    if not voided:
        raise Conflict("No voucher of this batch is left to void.")
    for voucher in voided:
        voucher.voided_at = now
    ended = end_grants_of_vouchers(db, [voucher.id for voucher in voided], scope, now)
    _note(db, scope, "voucher_batch.voided", batch, {"count": len(voided), "grants_ended": ended}, now)
    return len(voided)


def can_be_voided(voucher: Voucher, now: datetime) -> bool:
    """Neither void nor used up."""
    return voucher.voided_at is None and (voucher.ends_at is None or voucher.ends_at > now)


def _offered(db: Session, site_ids: Sequence[int]) -> list[tuple[Site, Offer]]:
    rows = db.execute(
        select(Site, Offer)
        .join(OfferSite, OfferSite.site_id == Site.id)
        .join(Offer, Offer.id == OfferSite.offer_id)
        .where(Site.id.in_(site_ids), Offer.way == Way.VOUCHER, Offer.retired_at.is_(None))
        .order_by(Site.name, Offer.position, Offer.name)
    )
    return [(site, offer) for site, offer in rows]


def _counts(db: Session, batch_ids: Sequence[int]) -> dict[tuple[int, VoucherState], int]:
    state = case(
        (Voucher.voided_at.is_not(None), VoucherState.VOID.value),
        (Voucher.redeemed_at.is_not(None), VoucherState.USED.value),
        else_=VoucherState.UNUSED.value,
    ).label("state")
    rows = db.execute(
        select(Voucher.batch_id, state, func.count())
        .where(Voucher.batch_id.in_(batch_ids))
        .group_by("batch_id", "state")
    )
    return {(batch_id, VoucherState(state)): count for batch_id, state, count in rows}


def _note(
    db: Session,
    by: Scope | Literal["system"],
    action: str,
    batch: VoucherBatch,
    facts: dict[str, object],
    now: datetime,
) -> None:
    """Without its label, which may name a citizen: this log is never erased."""
    subject = f"{batch.site.name} #{batch.id}"
    audit.note(db, by, action, subject, facts, now, organisation_id=batch.site.organisation_id)
