"""What the "you are online" page says about a grant: what is left, what was used, whether a session runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import Grant, Nas, WifiSession, WifiSessionCounter
from hotspot.policy.admission import Usage, decide_admission
from hotspot.services.signing_in import terms_of
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse


class Presence(StrEnum):
    ONLINE = "online"
    """A session runs, or its Start has not reached us yet."""
    AWAY = "away"
    """Every session has ended, and the grant still has something left."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Online:
    grant: Grant
    zone: ZoneInfo
    """Of the site."""
    presence: Presence
    ends_at: datetime
    """When the visit ends if it goes on without a pause."""
    ends_because: RefusalReason
    time_left: timedelta
    octets_left: int | None
    upload_octets: int
    download_octets: int
    vendor: str
    login_hosts: str
    """Of the NAS where the device was last seen, else where the grant was given."""


@dataclass(frozen=True, slots=True)
class _Sessions:
    """All sessions of a grant, summed up."""

    upload_octets: int
    download_octets: int
    time_online: timedelta
    """As reported, and for a running session the time since its last report."""
    live: bool
    last_ended_at: datetime | None
    nas_id: int | None


def show_grant(
    db: Session, grant_id: UUID, now: datetime, settings: Settings, *, signed_in_at: datetime | None
) -> Online | None:
    """None if there is no such grant. `signed_in_at`: when it last got a one-time login, as far as is known: between
    that and the Start of its session the device is on its way, not away."""
    grant = db.get(Grant, grant_id)
    if grant is None:
        return None
    sessions = _sessions(db, grant.id, now, settings)
    nas = db.get_one(Nas, sessions.nas_id if sessions.nas_id is not None else grant.nas_id)
    usage = Usage(sessions.time_online, sessions.upload_octets + sessions.download_octets)
    decision = decide_admission(terms_of(grant, settings), usage, now)
    refused = isinstance(decision, Refuse)
    time_left = _time_left(grant, usage, now)
    running = sessions.live and time_left > timedelta(0)
    early = grant.time_allowed is not None and now + time_left < grant.ends_at
    return Online(
        grant=grant,
        zone=ZoneInfo(grant.site.time_zone),
        presence=_presence(sessions, signed_in_at, refused=refused, running=running),
        ends_at=now + time_left if early else grant.ends_at,
        ends_because=_why_it_ends(decision, early=early, grant=grant),
        time_left=time_left,
        octets_left=None if grant.octets_allowed is None else max(0, grant.octets_allowed - usage.octets),
        upload_octets=sessions.upload_octets,
        download_octets=sessions.download_octets,
        vendor=nas.vendor,
        login_hosts=nas.login_hosts,
    )


def _presence(sessions: _Sessions, signed_in_at: datetime | None, *, refused: bool, running: bool) -> Presence:
    if refused:  # the last minute of a visit is still online, though nobody would be let in for it
        return Presence.ONLINE if running else Presence.OVER
    ended_at = sessions.last_ended_at
    on_its_way = ended_at is None or (signed_in_at is not None and signed_in_at > ended_at)
    return Presence.ONLINE if sessions.live or on_its_way else Presence.AWAY


def _why_it_ends(decision: object, *, early: bool, grant: Grant) -> RefusalReason:
    if isinstance(decision, Refuse):
        return decision.reason
    return RefusalReason.TIME_USED_UP if early else grant.ends_because


def _time_left(grant: Grant, usage: Usage, now: datetime) -> timedelta:
    left = grant.ends_at - now
    if grant.time_allowed is not None:
        left = min(left, grant.time_allowed - usage.time_online)
    return max(left, timedelta(0))


def _sessions(db: Session, grant_id: UUID, now: datetime, settings: Settings) -> _Sessions:
    counter = WifiSessionCounter
    rows = db.execute(
        select(
            WifiSession.nas_id,
            WifiSession.ended_at,
            counter.upload_octets,
            counter.download_octets,
            counter.session_seconds,
            counter.updated_at,
        )
        .outerjoin(counter, counter.id == WifiSession.id)
        .where(WifiSession.grant_id == grant_id)
        .order_by(WifiSession.started_at)
    ).all()
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    time_online = timedelta(seconds=sum(row.session_seconds or 0 for row in rows))
    for row in rows:
        if row.ended_at is None and row.updated_at is not None:
            time_online += min(max(now - row.updated_at, timedelta(0)), settings.stale_after)
    return _Sessions(
        upload_octets=sum(row.upload_octets or 0 for row in rows),
        download_octets=sum(row.download_octets or 0 for row in rows),
        time_online=time_online,
        live=any(row.ended_at is None for row in rows),
        last_ended_at=max(ends) if ends else None,
        nas_id=rows[-1].nas_id if rows else None,
    )
