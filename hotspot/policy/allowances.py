"""What an offer allows, what of it is used, and how much longer somebody may be online by it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hotspot.values import Period, RefusalReason, Refuse

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """For one period. What is None is not limited."""

    period: Period
    time: timedelta | None = None
    octets: int | None = None
    """Upload and download together."""
    upload_octets: int | None = None
    download_octets: int | None = None
    renews_at: datetime | None = None
    """When the next such period begins (UTC); never for a visit."""


@dataclass(frozen=True, slots=True)
class Used:
    time: timedelta = NOTHING
    upload_octets: int = 0
    download_octets: int = 0

    @property
    def octets(self) -> int:
        return self.upload_octets + self.download_octets

    def __add__(self, other: "Used") -> "Used":
        return Used(
            self.time + other.time,
            self.upload_octets + other.upload_octets,
            self.download_octets + other.download_octets,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a visit by its grant; of a day and a week by its person, over devices and sites."""

    visit: Used = Used()
    day: Used = Used()
    week: Used = Used()
    since_announcement: timedelta | None = None
    """Connection time of the device since it last saw one; None: it has seen none yet."""

    def of(self, period: Period) -> Used:
        match period:
            case Period.VISIT:
                return self.visit
            case Period.DAY:
                return self.day
            case Period.WEEK:
                return self.week

    def after(self, more: Used) -> "Usage":
        """The same device has been online since."""
        since = None if self.since_announcement is None else self.since_announcement + more.time
        return replace(
            self, visit=self.visit + more, day=self.day + more, week=self.week + more, since_announcement=since
        )


@dataclass(frozen=True, slots=True)
class Octets:
    """What is left; None is no limit."""

    both: int | None = None
    upload: int | None = None
    download: int | None = None


@dataclass(frozen=True, slots=True)
class Left:
    time: timedelta | None
    """None: no allowance limits it."""
    octets: Octets


def what_is_left(allowances: Sequence[Allowance], usage: Usage, now: datetime, least: timedelta) -> Left | Refuse:
    """Refused where less than `least` or no octet is left, with when it begins anew: of several, the last to do so."""
    times, octets, refusals = [], Octets(), []
    for allowance in allowances:
        used = usage.of(allowance.period)
        time, left = _time_left(allowance, used, now), _octets_left(allowance, used)
        if time is not None and time < least:
            refusals.append(Refuse(RefusalReason.TIME_USED_UP, again_at=allowance.renews_at))
        elif any(each <= 0 for each in _limits(left)):
            refusals.append(Refuse(RefusalReason.VOLUME_USED_UP, again_at=allowance.renews_at))
        times.append(time)
        octets = _less(octets, left)
    if refusals:
        return max(refusals, key=lambda each: (each.again_at is None, each.again_at or now))
    limited = [each for each in times if each is not None]
    return Left(min(limited) if limited else None, octets)


def left_of(allowance: Allowance, usage: Usage) -> Left:
    """Of this one alone, until it is renewed; nothing of it is ever negative."""
    used = usage.of(allowance.period)
    octets = _octets_left(allowance, used)
    return Left(
        None if allowance.time is None else max(allowance.time - used.time, NOTHING),
        Octets(*(None if each is None else max(each, 0) for each in (octets.both, octets.upload, octets.download))),
    )


def _time_left(allowance: Allowance, used: Used, now: datetime) -> timedelta | None:
    """What is not used up before the next period begins goes on with that of the next one."""
    if allowance.time is None:
        return None
    left = allowance.time - used.time
    if allowance.renews_at is not None and NOTHING < allowance.renews_at - now <= left:
        return allowance.renews_at - now + allowance.time
    return left


def _octets_left(allowance: Allowance, used: Used) -> Octets:
    return Octets(
        None if allowance.octets is None else allowance.octets - used.octets,
        None if allowance.upload_octets is None else allowance.upload_octets - used.upload_octets,
        None if allowance.download_octets is None else allowance.download_octets - used.download_octets,
    )


def _limits(octets: Octets) -> Iterator[int]:
    return (each for each in (octets.both, octets.upload, octets.download) if each is not None)


def _less(one: Octets, other: Octets) -> Octets:
    return Octets(_least(one.both, other.both), _least(one.upload, other.upload), _least(one.download, other.download))


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def time_once(spans: Iterable[tuple[datetime, timedelta]]) -> timedelta:
    """Of one device's sessions, by beginning and length: time that two of them share counts once."""
    total, counted_until = NOTHING, None
    for began_at, length in sorted(spans):
        ends_at = began_at + length
        begins = began_at if counted_until is None else max(began_at, counted_until)
        total += max(ends_at - begins, NOTHING)
        counted_until = ends_at if counted_until is None else max(counted_until, ends_at)
    return total
