"""Live sessions that should be over: their grant has ended, or its time or volume is used up over all its sessions.

Gateways are told these limits at sign-in and mostly end sessions themselves; what is still live a moment later was not
told (two sessions share what is left), does not count, or has lost its Stop on the way.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from hotspot.models import Grant, WifiSession, WifiSessionCounter, WishKind, WishReason
from hotspot.services.wishes import ask
from hotspot.values import RefusalReason

AFTER_THE_END = timedelta(seconds=60)
"""A Session-Timeout given at the last minute, and its Stop repeated on the way, are over by then."""
AFTER_THE_REPORT = timedelta(seconds=20)
"""A gateway that counts for itself has ended the session by then, and its Stop has come."""

_REASONS = {
    RefusalReason.SITE_CLOSED: WishReason.SITE_CLOSED,
    RefusalReason.CARD_BLOCKED: WishReason.CARD_BLOCKED,
    RefusalReason.VOUCHER_VOID: WishReason.VOUCHER_VOID,
    RefusalReason.ENDED_BY_STAFF: WishReason.ENDED_BY_STAFF,
}
"""Of a grant's end; any other is GRANT_ENDED. A Start that came after its grant was withdrawn is found so too."""


def enforce(db: Session, now: datetime) -> int:
    """Note a wish for each, once for one cause; how many new ones."""
    found: dict[WishReason, list[UUID]] = {}
    for session_id, why in [*_of_ended_grants(db, now), *_of_used_up_grants(db, now)]:
        found.setdefault(why, []).append(session_id)
    return sum(ask(db, WifiSession.id.in_(ids), WishKind.DISCONNECT, why, "system", now) for why, ids in found.items())


def _of_ended_grants(db: Session, now: datetime) -> Iterable[tuple[UUID, WishReason]]:
    rows = db.execute(
        select(WifiSession.id, Grant.ends_because)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(WifiSession.ended_at.is_(None), Grant.ends_at <= now - AFTER_THE_END)
    )
    return [(session_id, _REASONS.get(because, WishReason.GRANT_ENDED)) for session_id, because in rows]


def _of_used_up_grants(db: Session, now: datetime) -> Iterable[tuple[UUID, WishReason]]:
    """By what has been reported, live sessions and past ones together."""
    live = WifiSession.ended_at.is_(None)
    limited = or_(Grant.time_allowed.is_not(None), Grant.octets_allowed.is_not(None))
    live_grants = (
        select(WifiSession.grant_id)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(live, limited, Grant.ends_at > now - AFTER_THE_END)
    )
    counter = WifiSessionCounter
    used = (
        select(
            WifiSession.grant_id,
            func.sum(counter.session_seconds).label("seconds"),
            func.sum(counter.upload_octets + counter.download_octets).label("octets"),
            func.max(counter.updated_at).label("heard_at"),
        )
        .join(counter, counter.id == WifiSession.id)
        .where(WifiSession.grant_id.in_(live_grants))
        .group_by(WifiSession.grant_id)
        .subquery()
    )
    no_time = used.c.seconds >= type_coerce(Grant.time_allowed, Integer)
    no_octets = used.c.octets >= Grant.octets_allowed
    rows = db.execute(
        select(WifiSession.id, no_octets)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .join(used, used.c.grant_id == Grant.id)
        .where(live, used.c.heard_at <= now - AFTER_THE_REPORT, or_(no_time, no_octets))
    )
    return [
        (session_id, WishReason.VOLUME_USED_UP if by_volume else WishReason.TIME_USED_UP)
        for session_id, by_volume in rows
    ]
