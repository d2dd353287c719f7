"""When has a NAS been silent for too long? Closed hours do not count, one breakdown is forgiven."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hotspot.policy.nas_silence import longest_silence, longest_silence_with_visitors, usual_silence
from hotspot.policy.opening_hours import Hours, Interval, open_time

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
LIBRARY = Hours(
    PARIS,
    week={day: [Interval(time(9), time(12)), Interval(time(14), time(18))] for day in range(6)},
    exceptions={date(2026, 3, 12): []},
)
EVENINGS = Hours(PARIS, week={day: [Interval(time(17), time(2))] for day in range(7)})
ALWAYS = Hours(PARIS)


def paris(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("several", "start", "end", "hours"),
    [
        pytest.param([ALWAYS], paris(10, 1), paris(20, 1), 240, id="never closed"),
        pytest.param([LIBRARY], paris(10, 10), paris(10, 11), 1, id="while it is open"),
        pytest.param([LIBRARY], paris(10, 11), paris(10, 15), 2, id="over lunch"),
        pytest.param([LIBRARY], paris(10, 18), paris(11, 9), 0, id="a night"),
        pytest.param([LIBRARY], paris(7, 17), paris(9, 10), 2, id="a Sunday"),
        pytest.param([LIBRARY], paris(11, 17), paris(13, 10), 2, id="a holiday"),
        pytest.param([EVENINGS], paris(10, 23), paris(11, 3), 3, id="past midnight"),
        pytest.param([LIBRARY, EVENINGS], paris(10, 16), paris(10, 19), 3, id="either of two sites, and once"),
        pytest.param([LIBRARY, ALWAYS], paris(10, 18), paris(10, 23), 5, id="one of them never closes"),
        pytest.param([LIBRARY], paris(10, 11), paris(10, 10), 0, id="turned round"),
        pytest.param([ALWAYS], paris(10, 11), paris(10, 10), 0, id="turned round, never closed"),
    ],
)
def test_open_time(several: list[Hours], start: datetime, end: datetime, hours: int) -> None:
    assert open_time(several, start, end) == hours * HOUR


def test_a_year_of_silence_is_looked_at_in_no_time() -> None:
    assert open_time([LIBRARY], paris(1, 1), paris(1, 1) + timedelta(days=365)) < timedelta(days=15)


@pytest.mark.parametrize(
    ("silences", "usual"),
    [([], 0), ([5], 0), ([5, 3], 3), ([3, 48, 5, 4], 5)],
    ids=["none", "one may be a breakdown", "the second longest", "whatever their order"],
)
def test_the_second_longest_silence_is_the_usual_one(silences: list[int], usual: int) -> None:
    assert usual_silence([each * HOUR for each in silences]) == usual * HOUR


@pytest.mark.parametrize(
    ("silences", "days", "has_hours", "longest"),
    [
        pytest.param([48, 3], 30, True, 6, id="twice the usual one"),
        pytest.param([], 30, True, 1, id="never less than an hour"),
        pytest.param([2, 1], 3, True, 8, id="new, hours known: a working day"),
        pytest.param([2, 1], 3, False, 48, id="new, hours unknown: two days"),
        pytest.param([39, 39], 3, False, 78, id="new, and already known to be quieter"),
    ],
)
def test_the_longest_silence(silences: list[int], days: int, has_hours: bool, longest: int) -> None:
    found = longest_silence([each * HOUR for each in silences], timedelta(days=days), has_hours=has_hours)

    assert found == longest * HOUR


def test_with_visitors_three_intervals_are_too_long() -> None:
    assert longest_silence_with_visitors(timedelta(minutes=5)) == timedelta(minutes=15)
