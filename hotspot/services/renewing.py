"""The next announcement, seen ahead of its time: from the page of the visit, so that the running connection goes on.

The connection is lengthened where its gateway takes a CoA-Request; elsewhere it pauses when it would have, and the
device comes back without an announcement. The page says which.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import (
    AnnouncementView,
    Grant,
    SessionWish,
    WifiSession,
    WishKind,
    WishReason,
    WishState,
)
from hotspot.policy.announcements import SOONEST_AGAIN
from hotspot.policy.changes import HOPELESS
from hotspot.services.allowances import VIEWS_KEPT, announcement_every, connected_since
from hotspot.services.announcing import Completion, complete_turn, is_anything_to_show
from hotspot.services.disconnecting import lengthen_sessions_of_grant
from hotspot.services.online import Online, Presence
from hotspot.services.wish_queue import records_of, says_gone
from hotspot.settings import Settings
from hotspot.vendors import VENDORS

_ANSWERED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the page of a visit says of the next announcement."""

    due_in: timedelta
    """Of connection; zero: at once."""
    may_be_seen_now: bool
    lengthens: bool
    """As far as we know, the gateway takes a new length while a connection runs."""
    pauses_at: datetime | None
    """One was seen ahead, and the gateway did not take the new length: when the running connection ends."""


def look_ahead(db: Session, online: Online, now: datetime, settings: Settings) -> Ahead | None:
    """None: there is none in what is left of the visit."""
    grant, due_in = online.grant, online.announcement_in
    every = announcement_every(grant)
    if due_in is None or every is None or online.presence is Presence.OVER or due_in >= online.time_left:
        return None
    running = _running(db, grant)
    is_time = running is not None and every - due_in >= SOONEST_AGAIN
    return Ahead(
        due_in=max(due_in, timedelta(0)),
        may_be_seen_now=is_time and is_anything_to_show(db, grant, now),
        lengthens=running is not None and _takes_changes(db, running),
        pauses_at=_pauses_at(db, grant, running, every, now, settings) if running is not None else None,
    )


def complete_ahead(db: Session, turn_id: UUID, grant: Grant, now: datetime) -> Completion:
    """Seen to the end: the gateways of the grant's live connections are asked to let them go on."""
    completion = complete_turn(db, turn_id, grant.device_mac, now)
    if completion is Completion.DONE:
        lengthen_sessions_of_grant(db, grant.id, "system", now)
    return completion


def _running(db: Session, grant: Grant) -> WifiSession | None:
    return db.scalar(
        select(WifiSession)
        .where(WifiSession.grant_id == grant.id, WifiSession.ended_at.is_(None))
        .order_by(WifiSession.started_at.desc())
        .limit(1)
    )


def _takes_changes(db: Session, running: WifiSession) -> bool:
    """Its brand does, and nothing shows that this device does not. One that was never asked is believed."""
    vendor = VENDORS.get(running.nas.vendor)
    if vendor is None or vendor.change_by is None:
        return False
    record = records_of(db, running.nas_id).get(WishKind.CHANGE)
    if record is None:
        return True
    refused_last = record.refused_at is not None and (
        record.accepted_at is None or record.refused_at > record.accepted_at
    )
    said_no = refused_last and not says_gone(vendor.key, record.refused_because)
    return not said_no and record.unanswered_in_a_row < HOPELESS


def _is_being_asked(wish: SessionWish, now: datetime) -> bool:
    """One that waits for longer is for a gateway that is left alone since it was silent: nobody knows when it is."""
    return wish.state in (WishState.WAITING, WishState.SENT) and wish.asked_at > now - _ANSWERED_WITHIN


def _pauses_at(
    db: Session, grant: Grant, running: WifiSession, every: timedelta, now: datetime, settings: Settings
) -> datetime | None:
    """The connection began by the announcement before the last one, and ends when the next was due by that."""
    seen = db.scalars(
        select(AnnouncementView.completed_at)
        .where(
            AnnouncementView.device_mac == grant.device_mac,
            AnnouncementView.completed_at.is_not(None),
            AnnouncementView.shown_at > now - VIEWS_KEPT,
        )
        .order_by(AnnouncementView.completed_at.desc())
        .limit(2)
    ).all()
    if len(seen) < 2 or seen[0] is None or seen[1] is None or running.started_at >= seen[0]:
        return None
    wish = db.scalar(
        select(SessionWish).where(
            SessionWish.wifi_session_id == running.id,
            SessionWish.kind == WishKind.CHANGE,
            SessionWish.why == WishReason.LENGTHENED,
            SessionWish.asked_at >= seen[0],
        )
    )
    if wish is not None and (wish.state is WishState.ACCEPTED or _is_being_asked(wish, now)):
        return None
    return now + max(every - connected_since(db, grant, seen[1], now, settings), timedelta(0))
