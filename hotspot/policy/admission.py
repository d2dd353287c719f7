"""May this person be online here now, for how long, with what limits, and if not, why and when next?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hotspot.policy.allowances import Allowance, Usage, what_is_left
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
    again_at: datetime | None = None
    """When the site opens again, if it is closed now."""
    allowances: tuple[Allowance, ...] = ()
    announcement_every: timedelta | None = None
    """Of connection time; None: no announcement, ever."""
    upload_kbps: int | None = None
    download_kbps: int | None = None
    idle_timeout: timedelta = timedelta(minutes=15)
    interim_interval: timedelta = timedelta(seconds=300)
    longest_session: timedelta = timedelta(hours=12)


def decide_admission(terms: GrantTerms, usage: Usage, now: datetime) -> Admit | Refuse:
    """Session-Timeout is the least of what is left: grant or closing, allowances, the next announcement, the longest
    session we give. Of what would end the visit an announcement is asked last: nobody sees one for nothing."""
    until_end = terms.ends_at - now
    if until_end < MIN_STAY:
        return Refuse(terms.ends_because, again_at=terms.again_at)
    left = what_is_left(terms.allowances, usage, now, MIN_STAY)
    if isinstance(left, Refuse):
        return left
    until_announcement = announcement_due_in(terms, usage)
    if until_announcement is not None and until_announcement < MIN_STAY:
        return Refuse(RefusalReason.ANNOUNCEMENT_DUE)
    lengths = [(terms.longest_session, None), (until_end, terms.ends_because)]
    if left.time is not None:
        lengths.append((left.time, RefusalReason.TIME_USED_UP))
    if until_announcement is not None:
        lengths.append((until_announcement, RefusalReason.ANNOUNCEMENT_DUE))
    length, because = min(lengths, key=lambda each: each[0])
    return Admit(
        grant_id=terms.grant_id,
        session_timeout=timedelta(seconds=int(length.total_seconds())),
        idle_timeout=terms.idle_timeout,
        interim_interval=terms.interim_interval,
        upload_kbps=terms.upload_kbps,
        download_kbps=terms.download_kbps,
        octets_left=left.octets.both,
        upload_octets_left=left.octets.upload,
        download_octets_left=left.octets.download,
        because=because,
    )


def is_over(decision: Admit | Refuse) -> bool:
    """There is nothing left. Where only an announcement is due, there is."""
    return isinstance(decision, Refuse) and decision.reason is not RefusalReason.ANNOUNCEMENT_DUE


def announcement_due_in(terms: GrantTerms, usage: Usage) -> timedelta | None:
    """Connection time until the next one: nothing or less, it is due. None: there is none under these terms."""
    if terms.announcement_every is None:
        return None
    if usage.since_announcement is None:
        return timedelta(0)
    return terms.announcement_every - usage.since_announcement
