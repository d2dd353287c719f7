"""May this device be online under this grant now, and with what limits?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hotspot.values import Admit, RefusalReason, Refuse

MIN_STAY = timedelta(seconds=60)
"""Less than this is a refusal with its reason, never a session that flaps."""


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What a grant allows. It travels with the one-time login, so that admission needs no table."""

    grant_id: UUID
    ends_at: datetime
    """The earliest of the grant's own end and the closing of its site (UTC)."""
    ends_because: RefusalReason = RefusalReason.GRANT_ENDED
    """GRANT_ENDED, or SITE_CLOSED when the closing comes first."""
    time_allowed: timedelta | None = None
    """Time online, over all sessions of the grant; None is no limit."""
    octets_allowed: int | None = None
    upload_kbps: int | None = None
    download_kbps: int | None = None
    idle_timeout: timedelta = timedelta(minutes=15)
    interim_interval: timedelta = timedelta(seconds=300)
    longest_session: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the grant has already used, over all its sessions."""

    time_online: timedelta = timedelta(0)
    octets: int = 0


def decide_admission(terms: GrantTerms, usage: Usage, now: datetime) -> Admit | Refuse:
    """Session-Timeout is the least of what is left: grant or closing, time allowed, the longest session we give."""
    until_end = terms.ends_at - now
    if until_end < MIN_STAY:
        return Refuse(terms.ends_because)
    time_left = min(until_end, terms.longest_session)
    if terms.time_allowed is not None:
        time_left = min(time_left, terms.time_allowed - usage.time_online)
        if time_left < MIN_STAY:
            return Refuse(RefusalReason.TIME_USED_UP)
    octets_left = None
    if terms.octets_allowed is not None:
        octets_left = terms.octets_allowed - usage.octets
        if octets_left <= 0:
            return Refuse(RefusalReason.VOLUME_USED_UP)
    return Admit(
        grant_id=terms.grant_id,
        session_timeout=timedelta(seconds=int(time_left.total_seconds())),
        idle_timeout=terms.idle_timeout,
        interim_interval=terms.interim_interval,
        upload_kbps=terms.upload_kbps,
        download_kbps=terms.download_kbps,
        octets_left=octets_left,
    )
