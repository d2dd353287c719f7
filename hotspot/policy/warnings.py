"""What can end a visit that goes on: by what, how soon, and what people and phones are told of beforehand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hotspot.policy.admission import GrantTerms, announcement_due_in
from hotspot.policy.allowances import Allowance, Usage, Used, what_is_left
from hotspot.values import Period, RefusalReason, Refuse

BEFORE_THE_END = timedelta(minutes=10)
BEFORE_AN_ANNOUNCEMENT = timedelta(minutes=2)
NEARLY_USED = 0.9
"""Of an allowance."""

_SHORT_FROM_THE_BEGINNING = (RefusalReason.PROOF_AWAITED, RefusalReason.IDENTITY_AWAITED)
"""The page of such a visit says nothing else."""
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class EndAhead:
    """ANNOUNCEMENT_DUE is one too, though the visit goes on after it."""

    reason: RefusalReason
    after: timedelta | None = None
    """Of connection; never negative. None: when that will be is not known, only how much is left."""
    octets: int | None = None
    """Left of a volume; never negative."""
    period: Period | None = None
    """Whose allowance."""
    is_near: bool = False
    """To be warned of."""


def ends_ahead(terms: GrantTerms, usage: Usage, now: datetime) -> list[EndAhead]:
    """The soonest first; those by volume last. Never empty, and the first has its moment."""
    until_end = max(terms.ends_at - now, _NOTHING)
    is_short = terms.ends_because in _SHORT_FROM_THE_BEGINNING
    ends = [EndAhead(terms.ends_because, until_end, is_near=until_end < BEFORE_THE_END and not is_short)]
    for allowance in terms.allowances:
        ends += _by_time(allowance, usage, now)
        ends += _by_volume(allowance, usage.of(allowance.period))
    until_announcement = announcement_due_in(terms, usage)
    if until_announcement is not None:
        after = max(until_announcement, _NOTHING)
        ends.append(EndAhead(RefusalReason.ANNOUNCEMENT_DUE, after, is_near=after < BEFORE_AN_ANNOUNCEMENT))
    return sorted(ends, key=lambda each: timedelta.max if each.after is None else each.after)


def warnings(ends: Sequence[EndAhead]) -> list[EndAhead]:
    """One for each reason, and nothing of what will not come to pass because something else ends the visit before.
    After an announcement it goes on, so that hides nothing."""
    found: dict[RefusalReason, EndAhead] = {}
    is_over_before = False
    for each in sorted(ends, key=lambda each: (each.after is None, each.after or _NOTHING, each.octets or 0)):
        if each.is_near and (each.after is None or not is_over_before):
            found.setdefault(each.reason, each)
        is_over_before |= each.after is not None and each.reason is not RefusalReason.ANNOUNCEMENT_DUE
    return list(found.values())


def _by_time(allowance: Allowance, usage: Usage, now: datetime) -> Iterator[EndAhead]:
    if allowance.time is None:
        return
    time_alone = replace(allowance, octets=None, upload_octets=None, download_octets=None)
    left = what_is_left([time_alone], usage, now, _NOTHING)
    after = _NOTHING if isinstance(left, Refuse) or left.time is None else left.time
    goes_on = after >= allowance.time  # with that of the next day or week
    is_low = after < BEFORE_THE_END or usage.of(allowance.period).time >= NEARLY_USED * allowance.time
    yield EndAhead(RefusalReason.TIME_USED_UP, after, period=allowance.period, is_near=is_low and not goes_on)


def _by_volume(allowance: Allowance, used: Used) -> Iterator[EndAhead]:
    for allowed, gone in (
        (allowance.octets, used.octets),
        (allowance.upload_octets, used.upload_octets),
        (allowance.download_octets, used.download_octets),
    ):
        if allowed is not None:
            is_near = gone >= NEARLY_USED * allowed
            left = max(allowed - gone, 0)
            yield EndAhead(RefusalReason.VOLUME_USED_UP, octets=left, period=allowance.period, is_near=is_near)
