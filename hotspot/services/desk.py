"""The desk: passes printed, and made void, each in one step that can be undone for a while (`undoing.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from hotspot.models import DeskActionKind, Grant, Offer, Site, Voucher, VoucherBatch, WifiSession
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.desk_actions import GrantBefore, note_about_vouchers, packed
from hotspot.services.one_more_hour import can_be_lengthened
from hotspot.services.staff import Scope
from hotspot.services.vouchers import BatchCounts

LATELY = timedelta(hours=24)
MOST_PASSES = 10
"""Batches that the desk lists."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for at the desk. `valid_for` or `until`, or neither: as long as the offer says."""

    count: int
    label: str
    expires_at: datetime
    valid_for: timedelta | None = None
    until: datetime | None = None
    devices: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """A batch as the desk lists it."""

    counts: BatchCounts
    only: Voucher | None
    """The voucher of a batch of one."""
    live: int
    """Connections with any of it."""
    can_be_lengthened: bool
    can_be_voided: bool

    @property
    def batch(self) -> VoucherBatch:
        return self.counts.batch


def print_passes(
    db: Session, by: Scope, site: Site, offer: Offer, order: Order, now: datetime, vault: Vault
) -> VoucherBatch:
    batch = vouchers.make_batch(
        db,
        site=site,
        offer=offer,
        count=order.count,
        label=order.label,
        expires_at=order.expires_at,
        staff=by,
        now=now,
        vault=vault,
        valid_for=order.valid_for,
        until=order.until,
        devices=order.devices,
    )
    note_about_vouchers(db, by, DeskActionKind.PRINTED, batch, now)
    return batch


def void_pass(db: Session, by: Scope, batch_id: int, number: int, now: datetime) -> Voucher:
    """As `vouchers.void_voucher`, to be undone."""
    voucher = vouchers.voucher_of(vouchers.get_batch(db, by, batch_id), number)
    before = _live_grants(db, [voucher.id], now)
    vouchers.void_voucher(db, by, batch_id, number, now)
    _note_voided(db, by, voucher.batch, [voucher], before, now, number)
    return voucher


def void_passes(db: Session, by: Scope, batch_id: int, now: datetime) -> int:
    """As `vouchers.void_batch`, to be undone."""
    batch = vouchers.get_batch(db, by, batch_id)
    voided = [each for each in batch.vouchers if vouchers.can_be_voided(each, now)]
    before = _live_grants(db, [each.id for each in voided], now)
    count = vouchers.void_batch(db, by, batch_id, now)
    _note_voided(db, by, batch, voided, before, now, None)
    return count


def passes_of_late(db: Session, scope: Scope, now: datetime) -> Sequence[Pass]:
    """Of the staff member's sites, the newest first."""
    batches = db.scalars(
        select(VoucherBatch)
        .where(VoucherBatch.site_id.in_(scope.site_ids), VoucherBatch.created_at > now - LATELY)
        .options(joinedload(VoucherBatch.site), joinedload(VoucherBatch.offer))
        .order_by(VoucherBatch.id.desc())
        .limit(MOST_PASSES)
    ).all()
    singles = select(Voucher).where(Voucher.batch_id.in_([each.id for each in batches if each.size == 1]))
    only = {each.batch_id: each for each in db.scalars(singles)}
    live = _live_by_batch(db, [each.id for each in batches])
    return [
        Pass(
            counts,
            voucher := only.get(counts.batch.id),
            live.get(counts.batch.id, 0),
            can_be_lengthened=voucher is not None and can_be_lengthened(voucher, now),
            can_be_voided=(vouchers.can_be_voided(voucher, now) if voucher else counts.unused > 0),
        )
        for counts in vouchers.count_all(db, batches)
    ]


def _live_by_batch(db: Session, batch_ids: Sequence[int]) -> dict[int, int]:
    rows = db.execute(
        select(Voucher.batch_id, func.count())
        .join(Grant, Grant.voucher_id == Voucher.id)
        .join(WifiSession, WifiSession.grant_id == Grant.id)
        .where(Voucher.batch_id.in_(batch_ids), WifiSession.ended_at.is_(None))
        .group_by(Voucher.batch_id)
    )
    return dict(rows.all())


def _live_grants(db: Session, voucher_ids: Sequence[int], now: datetime) -> list[tuple[GrantBefore, Grant]]:
    live = db.scalars(select(Grant).where(Grant.voucher_id.in_(voucher_ids), Grant.ends_at > now))
    return [(GrantBefore.of(grant), grant) for grant in live]


def _note_voided(
    db: Session,
    by: Scope,
    batch: VoucherBatch,
    voided: Sequence[Voucher],
    before: list[tuple[GrantBefore, Grant]],
    now: datetime,
    number: int | None,
) -> None:
    facts = {"vouchers": [each.id for each in voided], "grants": packed(before)}
    note_about_vouchers(db, by, DeskActionKind.VOIDED, batch, now, number=number, **facts)
