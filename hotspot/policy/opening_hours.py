"""When a site is open, when it closes, when it opens again: local wall time, the odd nights of the year included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOOK_AHEAD = timedelta(days=15)
"""A site that never closes is said to close this far away; one that stays shut longer has no next opening."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Open from `opens_at` until `closes_at`, local time. A close at or before the opening is on the next day:
    00:00 to 00:00 is the whole day, 20:00 to 02:00 a night."""

    opens_at: time
    closes_at: time


@dataclass(frozen=True)
class Hours:
    """A week, and days that are unlike it. No interval anywhere in the week means that the site is always open."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[Interval]] = field(default_factory=dict)
    """By weekday, Monday is 0."""
    exceptions: Mapping[date, Sequence[Interval]] = field(default_factory=dict)
    """By local date; an empty sequence is a closed day."""

    @property
    def never_closes(self) -> bool:
        return not self.exceptions and not any(self.week.values())


def closing_time(hours: Hours, now: datetime) -> datetime | None:
    """When the site closes next (UTC), or None if it is closed now. Intervals that touch are one."""
    limit = now + LOOK_AHEAD
    closes = None
    for start, end in _intervals(hours, now):
        if closes is None:
            if start <= now < end:
                closes = end
        elif start <= closes:
            closes = max(closes, end)
        else:
            break
    return None if closes is None else min(closes, limit)


def next_opening(hours: Hours, now: datetime) -> datetime | None:
    """When the site opens next (UTC); None if it is open now, or stays closed for longer than LOOK_AHEAD."""
    if closing_time(hours, now) is not None:
        return None
    return next((start for start, _ in _intervals(hours, now) if start > now), None)


def end_of_day(hours: Hours, now: datetime) -> datetime:
    """When a pass for the day ends (UTC): at the last closing of the local day, or at midnight if it is open then."""
    today = now.astimezone(hours.zone).date()
    midnight = _moment(hours.zone, today + timedelta(days=1), time())
    ends = [end for start, end in _intervals(hours, now) if start < midnight and end > now]
    return min(max(ends), midnight) if ends else midnight


def local_day(hours: Hours, now: datetime) -> tuple[datetime, datetime]:
    """From midnight to midnight (UTC): 23, 24 or 25 hours."""
    today = now.astimezone(hours.zone).date()
    return _moment(hours.zone, today, time()), _moment(hours.zone, today + timedelta(days=1), time())


def local_week(hours: Hours, now: datetime) -> tuple[datetime, datetime]:
    """From Monday's midnight to the next (UTC)."""
    today = now.astimezone(hours.zone).date()
    monday = today - timedelta(days=today.weekday())
    return _moment(hours.zone, monday, time()), _moment(hours.zone, monday + timedelta(days=7), time())


def open_time(several: Sequence[Hours], start: datetime, end: datetime) -> timedelta:
    """For how long of this time at least one of these sites was open. Of what is longer than LOOK_AHEAD only that much
    is looked at; a site that never closes makes it the whole time."""
    if any(each.never_closes for each in several):
        return max(end - start, timedelta())
    end = min(end, start + LOOK_AHEAD)
    total, counted_until = timedelta(), start
    for opens, closes in sorted(each for hours in several for each in _until(hours, start, end)):
        begins, ends = max(opens, counted_until), min(closes, end)
        if ends > begins:
            total += ends - begins
            counted_until = ends
    return total


def _until(hours: Hours, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    for opens, closes in _intervals(hours, start):
        if opens >= end:
            return
        yield opens, closes


def _intervals(hours: Hours, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(start, end) in UTC, in order, from the day before `now` until LOOK_AHEAD."""
    first = now.astimezone(hours.zone).date() - timedelta(days=1)
    for offset in range(LOOK_AHEAD.days + 3):
        day = first + timedelta(days=offset)
        for interval in sorted(_of_day(hours, day), key=lambda each: each.opens_at):
            last = day if interval.closes_at > interval.opens_at else day + timedelta(days=1)
            start = _moment(hours.zone, day, interval.opens_at)
            end = _moment(hours.zone, last, interval.closes_at)
            if start < end:  # one that the hour which spring skips has turned inside out is not there
                yield start, end


def _of_day(hours: Hours, day: date) -> Sequence[Interval]:
    if day in hours.exceptions:
        return hours.exceptions[day]
    if not any(hours.week.values()):
        return (Interval(time(), time()),)
    return hours.week.get(day.weekday(), ())


def _moment(zone: ZoneInfo, day: date, wall: time) -> datetime:
    """The first moment with this wall time. One that spring skips is read with the winter offset: an hour later."""
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)
