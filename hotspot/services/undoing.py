"""What was done at the desk a moment ago is undone: by whoever did it, once, while nothing else has come of it.

A connection that was cut meanwhile stays cut; its visitor comes back with one tap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict
from hotspot.models import (
    DeskAction,
    DeskActionKind,
    Grant,
    Voucher,
    VoucherBatch,
    WifiSession,
    WishKind,
    WishReason,
)
from hotspot.services import audit, vouchers
from hotspot.services.desk_actions import UNDO_WITHIN, get_action, unpacked
from hotspot.services.disconnecting import lengthen_sessions_of_grant
from hotspot.services.staff import Scope
from hotspot.services.vouchers import VoucherState
from hotspot.services.wishes import ask, withdraw

_SHORTEST = timedelta(seconds=1)
"""A grant ends after it begins."""


@dataclass(frozen=True, slots=True)
class Undone:
    action: DeskAction
    grants: Sequence[Grant]
    """That are good again."""
    count: int
    """Vouchers that it was about."""


def undo(db: Session, by: Scope, action_id: int, now: datetime) -> Undone:
    """Conflict says why not."""
    action = get_action(db, by, action_id)
    _check(db, by, action, now)
    match action.kind:
        case DeskActionKind.PRINTED:
            undone = _undo_printing(db, by, action, now)
        case DeskActionKind.VOIDED:
            undone = _undo_voiding(db, by, action, now)
        case DeskActionKind.HOUR_GIVEN:
            undone = _undo_hour(db, by, action, now)
    action.undone_at = now
    return undone


def _check(db: Session, by: Scope, action: DeskAction, now: datetime) -> None:
    if action.staff_id != by.staff_id:
        raise Conflict("Only the person who did it can undo it.")
    if action.undone_at is not None:
        raise Conflict("It has been undone already.")
    if now >= action.done_at + UNDO_WITHIN:
        raise Conflict("It was done more than ten minutes ago, and can no longer be undone.")
    if action.kind is not DeskActionKind.PRINTED and db.scalar(select(_came_of_it(action).exists())):
        raise Conflict("Something else has been done with it since: undo that first.")


def _came_of_it(action: DeskAction) -> Select[int]:
    """Later actions about the same voucher or visit that stand; or the batch as a whole has been taken back."""
    later = and_(DeskAction.id > action.id, DeskAction.undone_at.is_(None))
    if action.grant_id is not None:
        return select(DeskAction.id).where(DeskAction.grant_id == action.grant_id, later)
    taken_back = and_(DeskAction.kind == DeskActionKind.PRINTED, DeskAction.undone_at.is_not(None))
    same = DeskAction.batch_id == action.batch_id
    if action.number is not None:
        same = and_(same, or_(DeskAction.number.is_(None), DeskAction.number == action.number))
    return select(DeskAction.id).where(same, or_(later, taken_back))


def _undo_printing(db: Session, by: Scope, action: DeskAction, now: datetime) -> Undone:
    batch = _batch(db, by, action)
    unused = [each for each in batch.vouchers if vouchers.state_of(each) is VoucherState.UNUSED]
    if not unused:
        raise Conflict("Nothing of it is left unused: make void what should not be used any more.")
    for voucher in unused:
        voucher.voided_at = now
    _note(db, by, "voucher_batch.print_undone", batch, {"count": len(unused)}, now)
    return Undone(action, (), len(unused))


def _undo_voiding(db: Session, by: Scope, action: DeskAction, now: datetime) -> Undone:
    batch = _batch(db, by, action)
    ids = set(action.facts["vouchers"])
    for voucher in batch.vouchers:
        if voucher.id in ids:
            voucher.voided_at = None
    grants = _restore(db, action)
    withdraw(db, [grant.id for grant in grants], WishReason.VOUCHER_VOID)
    facts = {"count": len(ids)} if action.number is None else {"number": action.number}
    _note(db, by, "voucher.void_undone", batch, facts, now)
    return Undone(action, [grant for grant in grants if grant.ends_at > now], len(ids))


def _undo_hour(db: Session, by: Scope, action: DeskAction, now: datetime) -> Undone:
    if action.grant_id is not None:
        grants = _restore(db, action)
        site = action.site
        audit.note(db, by, "grant.hour_undone", site.name, {}, now, organisation_id=site.organisation_id)
    else:
        batch = _batch(db, by, action)
        voucher_id, before, became = action.facts["voucher"]
        voucher = db.get_one(Voucher, voucher_id, with_for_update={"of": Voucher})
        if voucher.voided_at is not None or voucher.ends_at != datetime.fromisoformat(became):
            raise Conflict("Something else has been done with it since: undo that first.")
        voucher.ends_at = datetime.fromisoformat(before)
        grants = [*_restore(db, action), *_begun_since(db, voucher, now)]
        _note(db, by, "voucher.hour_undone", batch, {"number": action.number}, now)
    db.flush()
    for grant in grants:
        _shorten_sessions(db, by, grant, now)
    return Undone(action, (), 1)


def _begun_since(db: Session, voucher: Voucher, now: datetime) -> Sequence[Grant]:
    """Visits that go by the hour that is taken back."""
    begun = db.scalars(select(Grant).where(Grant.voucher_id == voucher.id, Grant.ends_at > now)).all()
    assert voucher.ends_at is not None  # noqa: S101 - restored just now
    too_long = [grant for grant in begun if grant.ends_at > voucher.ends_at]
    for grant in too_long:
        grant.ends_at = max(voucher.ends_at, grant.created_at + _SHORTEST)
    return too_long


def _shorten_sessions(db: Session, by: Scope, grant: Grant, now: datetime) -> None:
    if grant.ends_at > now:
        lengthen_sessions_of_grant(db, grant.id, by, now)  # to what is left: the wish reads it when it is sent
    else:
        ask(db, WifiSession.grant_id == grant.id, WishKind.DISCONNECT, WishReason.GRANT_ENDED, by, now, again=True)


def _restore(db: Session, action: DeskAction) -> list[Grant]:
    """What it changed, as it was; but for those that somebody has changed since."""
    restored = []
    for before, became in unpacked(action.facts["grants"]):
        grant = db.get(Grant, before.grant_id, with_for_update={"of": Grant})
        if grant is not None and grant.ends_at == became:
            grant.ends_at, grant.ends_because = before.ends_at, before.ends_because
            grant.time_allowed, grant.extra_time = before.time_allowed, before.extra_time
            restored.append(grant)
    db.flush()
    return restored


def _batch(db: Session, by: Scope, action: DeskAction) -> VoucherBatch:
    assert action.batch_id is not None  # noqa: S101 - else it is about a grant
    return vouchers.get_batch(db, by, action.batch_id)


def _note(db: Session, by: Scope, what: str, batch: VoucherBatch, facts: Mapping[str, object], now: datetime) -> None:
    subject = f"{batch.site.name} #{batch.id}"
    audit.note(db, by, what, subject, facts, now, organisation_id=batch.site.organisation_id)
