"""What was done at the desk, noted so that it can be undone: with what the grants that it changed were before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hotspot.errors import NotFound
from hotspot.models import DeskAction, DeskActionKind, Grant, Voucher, VoucherBatch
from hotspot.services.staff import Scope
from hotspot.values import RefusalReason

UNDO_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class GrantBefore:
    grant_id: UUID
    ends_at: datetime
    ends_because: RefusalReason
    time_allowed: timedelta | None
    extra_time: timedelta

    @classmethod
    def of(cls, grant: Grant) -> "GrantBefore":
        return cls(grant.id, grant.ends_at, grant.ends_because, grant.time_allowed, grant.extra_time)


def note_about_vouchers(
    db: Session,
    by: Scope,
    kind: DeskActionKind,
    batch: VoucherBatch,
    now: datetime,
    *,
    number: int | None = None,
    **facts: Any,
) -> DeskAction:
    """`number`: the one that it is about; None: the whole batch."""
    action = DeskAction(
        staff_id=by.staff_id,
        site_id=batch.site_id,
        kind=kind,
        batch_id=batch.id,
        number=number,
        facts=facts,
        done_at=now,
    )
    db.add(action)
    db.flush()
    return action


def note_about_grant(
    db: Session, by: Scope, kind: DeskActionKind, grant: Grant, now: datetime, **facts: Any
) -> DeskAction:
    action = DeskAction(
        staff_id=by.staff_id, site_id=grant.site_id, kind=kind, grant_id=grant.id, facts=facts, done_at=now
    )
    db.add(action)
    db.flush()
    return action


def get_action(db: Session, by: Scope, action_id: int) -> DeskAction:
    """Locked, so that nothing is undone twice."""
    action = db.scalar(
        select(DeskAction)
        .where(DeskAction.id == action_id, DeskAction.site_id.in_(by.site_ids))
        .with_for_update(of=DeskAction)
    )
    if action is None:
        raise NotFound("desk action")
    return action


def own_actions(db: Session, by: Scope, now: datetime) -> Sequence[DeskAction]:
    """What this person did within UNDO_WITHIN and can still undo, as far as a glance tells; the latest first."""
    unused = select(Voucher.id).where(
        Voucher.batch_id == DeskAction.batch_id, Voucher.redeemed_at.is_(None), Voucher.voided_at.is_(None)
    )
    return db.scalars(
        select(DeskAction)
        .where(
            DeskAction.staff_id == by.staff_id,
            DeskAction.site_id.in_(by.site_ids),
            DeskAction.done_at > now - UNDO_WITHIN,
            DeskAction.undone_at.is_(None),
            (DeskAction.kind != DeskActionKind.PRINTED) | unused.exists(),
        )
        .options(joinedload(DeskAction.site), joinedload(DeskAction.batch))
        .order_by(DeskAction.id.desc())
    ).all()


def packed(grants: Iterable[tuple[GrantBefore, Grant]]) -> list[list[Any]]:
    """As JSON: what each was before, and the end that it has now."""
    return [
        [
            before.grant_id.hex,
            before.ends_at.isoformat(),
            before.ends_because.value,
            None if before.time_allowed is None else int(before.time_allowed.total_seconds()),
            grant.ends_at.isoformat(),
            int(before.extra_time.total_seconds()),
        ]
        for before, grant in grants
    ]


def unpacked(rows: Iterable[Sequence[Any]]) -> list[tuple[GrantBefore, datetime]]:
    """And the end that the action gave it: if it has another by now, somebody else has changed it."""
    return [
        (
            GrantBefore(
                UUID(grant_id),
                datetime.fromisoformat(ends_at),
                RefusalReason(because),
                None if seconds is None else timedelta(seconds=seconds),
                timedelta(seconds=extra[0] if extra else 0),  # none: noted by a version of us that gave none
            ),
            datetime.fromisoformat(became),
        )
        for grant_id, ends_at, because, seconds, became, *extra in rows
    ]
