"""End grants before their time: a voucher was withdrawn, a card blocked. Who comes back is refused, and told why.

A device that is online keeps its connection until that ends: cutting it is a wish for `radius/` to send.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hotspot.models import Grant
from hotspot.values import RefusalReason

_SHORTEST = timedelta(seconds=1)
"""A grant ends after it begins, even one that is ended in the moment it was made."""


def end_grants_of_patrons(db: Session, patron_ids: Collection[int], now: datetime) -> int:
    return _end(db, Grant.patron_id.in_(patron_ids), RefusalReason.CARD_BLOCKED, now)


def end_grants_of_vouchers(db: Session, voucher_ids: Collection[int], now: datetime) -> int:
    return _end(db, Grant.voucher_id.in_(voucher_ids), RefusalReason.VOUCHER_VOID, now)


def _end(db: Session, whose: ColumnElement[bool], because: RefusalReason, now: datetime) -> int:
    """How many were live."""
    live = db.scalars(select(Grant).where(whose, Grant.ends_at > now)).all()
    for grant in live:
        grant.ends_at = max(now, grant.created_at + _SHORTEST)
        grant.ends_because = because
    return len(live)
