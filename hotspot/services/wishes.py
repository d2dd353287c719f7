"""Wishes about live Wi-Fi sessions, noted: that they end, or take new limits. Sending them is `radius/`'s, through
`wish_queue.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.models import SessionWish, WifiSession, WishKind, WishReason, WishState

if TYPE_CHECKING:
    from hotspot.services.staff import Scope

STOP_ON_ITS_WAY = timedelta(minutes=2)
"""After a yes nobody asks again for so long: the Stop may be repeated on its way."""
_AT_ONCE = 1000
"""Rows of one statement: a database counts its parameters."""


def ask(
    db: Session,
    whose: ColumnElement[bool],
    kind: WishKind,
    why: WishReason,
    by: Scope | Literal["system"],
    now: datetime,
    *,
    again: bool = False,
) -> int:
    """Of every live session that is meant; how many wishes that made.

    One of which the same is already being asked gets no second wish, and nobody gets one twice for the same reason,
    unless with `again`: staff may insist when nothing came of the first.
    """
    meant = db.scalars(
        select(WifiSession.id).where(WifiSession.ended_at.is_(None), whose, ~_is_being_asked(kind, now).exists())
    ).all()
    if not meant:
        return 0
    asked: dict[str, Any] = {
        "kind": kind,
        "why": why,
        "asked_by": by if isinstance(by, str) else by.email,
        "asked_at": now,
        "state": WishState.WAITING,
        "due_at": now,
        "tries": 0,
        "answered_at": None,
        "error_cause": None,
        "confirmed_at": None,
    }
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    unique = ("wifi_session_id", "kind", "why")
    made = 0
    for at in range(0, len(meant), _AT_ONCE):
        rows = [{"wifi_session_id": each, **asked} for each in meant[at : at + _AT_ONCE]]
        statement = insert(SessionWish).values(rows)
        if again:
            statement = statement.on_conflict_do_update(index_elements=unique, set_=asked)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=unique)
        made += len(db.scalars(statement.returning(SessionWish.id)).all())
    return made


def withdraw(db: Session, grant_ids: Collection[UUID], why: WishReason) -> None:
    """What has not left yet, and what would be sent again: whoever is still online with these grants stays."""
    sessions = select(WifiSession.id).where(WifiSession.grant_id.in_(grant_ids), WifiSession.ended_at.is_(None))
    db.execute(
        delete(SessionWish)
        .where(SessionWish.wifi_session_id.in_(sessions), SessionWish.why == why, SessionWish.due_at.is_not(None))
        .execution_options(synchronize_session=False)
    )


def _is_being_asked(kind: WishKind, now: datetime) -> Select[int]:
    """Is there a wish of this kind that is on its way, or was met a moment ago? New limits are read when a wish is
    sent, so of those only one that still waits stands for a later one too."""
    if kind is WishKind.CHANGE:
        under_way: ColumnElement[bool] = SessionWish.state == WishState.WAITING
    else:
        met = SessionWish.state.in_([WishState.ACCEPTED, WishState.GONE])
        under_way = or_(
            SessionWish.state.in_([WishState.WAITING, WishState.SENT]),
            and_(met, SessionWish.answered_at > now - STOP_ON_ITS_WAY),
        )
    return select(SessionWish.id).where(
        SessionWish.wifi_session_id == WifiSession.id, SessionWish.kind == kind, under_way
    )


def latest_wishes(db: Session, wifi_session_ids: Collection[UUID]) -> Mapping[UUID, SessionWish]:
    """What was last asked of each of these sessions, where anything was."""
    wishes = db.scalars(
        select(SessionWish)
        .where(SessionWish.wifi_session_id.in_(wifi_session_ids))
        .order_by(SessionWish.asked_at, SessionWish.id)
    )
    return {wish.wifi_session_id: wish for wish in wishes}
