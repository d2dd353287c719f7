"""What the "you are online" page says about a grant: what is left, what was used, whether a session runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import Grant, Nas, WifiSession
from hotspot.policy.admission import GrantTerms, announcement_due_in, decide_admission, is_over
from hotspot.policy.allowances import Allowance, Left, Octets, left_of, what_is_left
from hotspot.policy.warnings import EndAhead, ends_ahead
from hotspot.services.allowances import terms_of, usage_of
from hotspot.settings import Settings
from hotspot.values import Admit, RefusalReason, Refuse


class Presence(StrEnum):
    ONLINE = "online"
    """A session runs, or its Start has not reached us yet."""
    AWAY = "away"
    """Every session has ended, and the grant still has something left."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class AllowanceLeft:
    """What is left of one period."""

    allowance: Allowance
    left: Left


@dataclass(frozen=True, slots=True)
class Online:
    grant: Grant
    zone: ZoneInfo
    """Of the site."""
    presence: Presence
    has_session: bool
    """That runs, as far as we have heard."""
    signed_in_at: datetime
    """When it last got a one-time login, as far as is known."""
    ends_at: datetime
    """When the visit ends if it goes on without a pause."""
    ends_because: RefusalReason
    again_at: datetime | None
    """When it begins anew, where it is over and that is known."""
    time_left: timedelta
    octets: Octets
    """What is left of them."""
    announcement_in: timedelta | None
    """Connection time until the next one; nothing or less: it is due. None: there is none."""
    ends: Sequence[EndAhead]
    """By what it can end, the soonest first."""
    allowances: Sequence[AllowanceLeft]
    upload_octets: int
    download_octets: int
    vendor: str
    login_hosts: str
    """Of the NAS where the device was last seen, else where the grant was given."""


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Of a grant."""

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
    sessions = _sessions(db, grant.id)
    nas = db.get_one(Nas, sessions.nas_id if sessions.nas_id is not None else grant.nas_id)
    terms, usage = terms_of(grant, settings, now), usage_of(db, grant, now, settings)
    decision = decide_admission(terms, usage, now)
    left = what_is_left(terms.allowances, usage, now, timedelta(0))
    by_allowance = timedelta(0) if isinstance(left, Refuse) else left.time
    until_end = max(terms.ends_at - now, timedelta(0))
    early = by_allowance is not None and by_allowance < until_end
    time_left = by_allowance if by_allowance is not None and early else until_end
    running = sessions.live and time_left > timedelta(0)
    return Online(
        grant=grant,
        zone=ZoneInfo(grant.site.time_zone),
        presence=_presence(sessions, signed_in_at, decision, running=running),
        has_session=sessions.live,
        signed_in_at=signed_in_at or grant.created_at,
        ends_at=now + time_left if early else terms.ends_at,
        ends_because=_why_it_ends(decision, early=early, terms=terms),
        again_at=decision.again_at if isinstance(decision, Refuse) else None,
        time_left=time_left,
        octets=Octets(0, 0, 0) if isinstance(left, Refuse) else left.octets,
        announcement_in=announcement_due_in(terms, usage),
        ends=ends_ahead(terms, usage, now),
        allowances=[AllowanceLeft(each, left_of(each, usage)) for each in terms.allowances],
        upload_octets=usage.visit.upload_octets,
        download_octets=usage.visit.download_octets,
        vendor=nas.vendor,
        login_hosts=nas.login_hosts,
    )


def _presence(
    sessions: _Sessions, signed_in_at: datetime | None, decision: Admit | Refuse, *, running: bool
) -> Presence:
    if is_over(decision):  # the last minute of a visit is still online, though nobody would be let in for it
        return Presence.ONLINE if running else Presence.OVER
    ended_at = sessions.last_ended_at
    let_in = ended_at is None or (signed_in_at is not None and signed_in_at > ended_at)
    on_its_way = let_in and isinstance(decision, Admit)  # not past an announcement that nobody has seen yet
    return Presence.ONLINE if sessions.live or on_its_way else Presence.AWAY


def _why_it_ends(decision: Admit | Refuse, *, early: bool, terms: GrantTerms) -> RefusalReason:
    if isinstance(decision, Refuse) and is_over(decision):
        return decision.reason
    return RefusalReason.TIME_USED_UP if early else terms.ends_because


def _sessions(db: Session, grant_id: UUID) -> _Sessions:
    rows = db.execute(
        select(WifiSession.nas_id, WifiSession.ended_at)
        .where(WifiSession.grant_id == grant_id)
        .order_by(WifiSession.started_at)
    ).all()
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    return _Sessions(
        live=any(row.ended_at is None for row in rows),
        last_ended_at=max(ends) if ends else None,
        nas_id=rows[-1].nas_id if rows else None,
    )
