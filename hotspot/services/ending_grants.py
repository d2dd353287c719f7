"""End grants before their time: a voucher was withdrawn, a card blocked, staff ended a visit. Who comes back is
refused, and told why; who is online is to be cut, by a wish that `radius/` sends once the transaction stands.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hotspot.models import Grant, WifiSession, WishKind, WishReason
from hotspot.services.wishes import ask
from hotspot.values import RefusalReason

if TYPE_CHECKING:
    from hotspot.services.staff import Scope

_SHORTEST = timedelta(seconds=1)
"""A grant ends after it begins, even one that is ended in the moment it was made."""


def end_grants_of_patrons(
    db: Session, patron_ids: Collection[int], by: Scope | Literal["system"], now: datetime
) -> int:
    return _end(db, Grant.patron_id.in_(patron_ids), RefusalReason.CARD_BLOCKED, by, now)


def end_grants_of_vouchers(
    db: Session, voucher_ids: Collection[int], by: Scope | Literal["system"], now: datetime
) -> int:
    return _end(db, Grant.voucher_id.in_(voucher_ids), RefusalReason.VOUCHER_VOID, by, now)


def end_grants(db: Session, grant_ids: Collection[UUID], by: Scope, now: datetime) -> int:
    """By staff, who have seen the visit go on."""
    return _end(db, Grant.id.in_(grant_ids), RefusalReason.ENDED_BY_STAFF, by, now)


def _end(
    db: Session, whose: ColumnElement[bool], because: RefusalReason, by: Scope | Literal["system"], now: datetime
) -> int:
    """How many were live."""
    live = db.scalars(select(Grant).where(whose, Grant.ends_at > now)).all()
    for grant in live:
        grant.ends_at = max(now, grant.created_at + _SHORTEST)
        grant.ends_because = because
    of_these = WifiSession.grant_id.in_(select(Grant.id).where(whose))
    ask(db, of_these, WishKind.DISCONNECT, WishReason(because.value), by, now, again=by != "system")
    return len(live)
