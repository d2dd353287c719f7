"""Opening hours: tables in local time, the two odd nights of the year, and properties against a slow honest model."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.opening_hours import (
    LOOK_AHEAD,
    Hours,
    Interval,
    closing_time,
    end_of_day,
    local_day,
    local_week,
    next_opening,
)

PARIS = ZoneInfo("Europe/Paris")


def interval(text: str) -> Interval:
    opens, closes = text.split("-")
    return Interval(time.fromisoformat(opens), time.fromisoformat(closes))


def paris(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold).astimezone(UTC)


def hours(week: dict[int, str], exceptions: dict[str, str] | None = None, zone: ZoneInfo = PARIS) -> Hours:
    return Hours(
        zone,
        {day: [interval(each) for each in text.split()] for day, text in week.items()},
        {
            date.fromisoformat(day): [interval(each) for each in text.split()]
            for day, text in (exceptions or {}).items()
        },
    )


# Tuesday 10 March 2026 is day 1
LIBRARY = hours(
    {1: "10:00-12:00 14:00-18:00", 2: "10:00-18:00", 4: "14:00-18:00", 5: "10:00-17:00"},
    {"2026-03-11": "", "2026-03-12": "09:00-11:00"},
)
NIGHT = hours(dict.fromkeys(range(7), "20:00-02:00"))
ALWAYS = hours({})
WHOLE_DAYS = hours(dict.fromkeys(range(7), "00:00-00:00"))
TOUCHING = hours({1: "09:00-12:00 12:00-14:00 13:00-18:00", 2: "09:00-18:00"})
LATE = hours({1: "18:00-00:00", 2: "00:00-03:00"})
SHUT = hours({0: "09:00-10:00"}, {f"2026-03-{day}": "" for day in (16, 23, 30)})


@pytest.mark.parametrize(
    ("when", "now", "closes"),
    [
        pytest.param(LIBRARY, "2026-03-10 10:00", "2026-03-10 12:00", id="the first moment"),
        pytest.param(LIBRARY, "2026-03-10 11:59:59", "2026-03-10 12:00", id="the last second"),
        pytest.param(LIBRARY, "2026-03-10 12:00", None, id="at closing time it is closed"),
        pytest.param(LIBRARY, "2026-03-10 13:00", None, id="lunch"),
        pytest.param(LIBRARY, "2026-03-10 15:00", "2026-03-10 18:00", id="afternoon"),
        pytest.param(LIBRARY, "2026-03-11 11:00", None, id="closed by exception"),
        pytest.param(LIBRARY, "2026-03-12 10:00", "2026-03-12 11:00", id="open by exception"),
        pytest.param(NIGHT, "2026-03-10 23:00", "2026-03-11 02:00", id="before midnight"),
        pytest.param(NIGHT, "2026-03-11 00:00", "2026-03-11 02:00", id="at midnight"),
        pytest.param(NIGHT, "2026-03-11 01:00", "2026-03-11 02:00", id="after midnight"),
        pytest.param(NIGHT, "2026-03-11 02:00", None, id="the night is over"),
        pytest.param(TOUCHING, "2026-03-10 10:00", "2026-03-10 18:00", id="touching and overlapping are one"),
        pytest.param(LATE, "2026-03-10 19:00", "2026-03-11 03:00", id="over midnight in two pieces"),
    ],
)
def test_closing_time(when: Hours, now: str, closes: str | None) -> None:
    assert closing_time(when, paris(now)) == (closes and paris(closes))


@pytest.mark.parametrize("when", [ALWAYS, WHOLE_DAYS], ids=["no hours given", "00:00 to 00:00 each day"])
@pytest.mark.parametrize("now", ["2026-03-10 10:00", "2026-03-28 23:59", "2026-10-25 00:00"])
def test_a_site_that_never_closes_is_open_as_far_as_we_look(when: Hours, now: str) -> None:
    assert closing_time(when, paris(now)) == paris(now) + LOOK_AHEAD
    assert next_opening(when, paris(now)) is None


@pytest.mark.parametrize(
    ("when", "now", "opens"),
    [
        pytest.param(LIBRARY, "2026-03-10 08:00", "2026-03-10 10:00", id="later today"),
        pytest.param(LIBRARY, "2026-03-10 12:30", "2026-03-10 14:00", id="after lunch"),
        pytest.param(LIBRARY, "2026-03-10 18:00", "2026-03-12 09:00", id="past a closed day, on an extra one"),
        pytest.param(LIBRARY, "2026-03-14 17:00", "2026-03-17 10:00", id="after the week-end"),
        pytest.param(LIBRARY, "2026-03-10 15:00", None, id="it is open"),
        pytest.param(NIGHT, "2026-03-10 02:00", "2026-03-10 20:00", id="tonight"),
        pytest.param(SHUT, "2026-03-10 10:00", None, id="closed for weeks"),
    ],
)
def test_next_opening(when: Hours, now: str, opens: str | None) -> None:
    assert next_opening(when, paris(now)) == (opens and paris(opens))


@pytest.mark.parametrize(
    ("when", "now", "ends"),
    [
        pytest.param(LIBRARY, "2026-03-10 11:00", "2026-03-10 18:00", id="at the last closing, not at lunch"),
        pytest.param(LIBRARY, "2026-03-12 10:00", "2026-03-12 11:00", id="an extra day"),
        pytest.param(NIGHT, "2026-03-10 21:00", "2026-03-11 00:00", id="open over midnight: at midnight"),
        pytest.param(ALWAYS, "2026-03-10 21:00", "2026-03-11 00:00", id="always open: at midnight"),
        pytest.param(ALWAYS, "2026-03-29 01:00", "2026-03-30 00:00", id="a day of 23 hours"),
        pytest.param(ALWAYS, "2026-10-25 01:00", "2026-10-26 00:00", id="a day of 25 hours"),
        pytest.param(hours({1: "10:00-18:00"}), "2026-03-10 19:00", "2026-03-11 00:00", id="already closed"),
    ],
)
def test_end_of_day(when: Hours, now: str, ends: str) -> None:
    assert end_of_day(when, paris(now)) == paris(ends)


def test_the_night_of_spring_is_an_hour_shorter() -> None:
    evening = paris("2026-03-28 20:00")
    closes = closing_time(hours(dict.fromkeys(range(7), "20:00-06:00")), evening)
    assert closes is not None
    assert closes - evening == timedelta(hours=9)


def test_the_night_of_autumn_is_an_hour_longer() -> None:
    evening = paris("2026-10-24 20:00")
    closes = closing_time(hours(dict.fromkeys(range(7), "20:00-06:00")), evening)
    assert closes is not None
    assert closes - evening == timedelta(hours=11)


def test_a_closing_inside_the_hour_that_spring_skips_comes_before_half_past_three() -> None:
    closes = closing_time(hours({5: "20:00-02:30"}), paris("2026-03-28 23:00"))
    assert closes == paris("2026-03-29 03:30")


def test_a_closing_inside_the_hour_that_autumn_repeats_is_the_first_one() -> None:
    closes = closing_time(hours({5: "20:00-02:30"}), paris("2026-10-24 23:00"))
    assert closes == paris("2026-10-25 02:30", fold=0) == paris("2026-10-25 02:30", fold=1) - timedelta(hours=1)


def test_the_repeated_hour_is_open_throughout() -> None:
    when = hours({6: "01:00-05:00"})
    for fold in (0, 1):
        assert closing_time(when, paris("2026-10-25 02:30", fold)) == paris("2026-10-25 05:00")


def test_an_opening_that_spring_turns_inside_out_is_not_there() -> None:
    when = hours({6: "02:30-03:15 10:00-11:00"})
    assert next_opening(when, paris("2026-03-29 00:00")) == paris("2026-03-29 10:00")


quarters = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
days = st.lists(st.builds(Interval, quarters, quarters), max_size=3)
weeks = st.dictionaries(st.integers(0, 6), days, max_size=7)
odd_nights = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25), date(2026, 12, 31)]
some_hours = st.builds(
    Hours,
    zone=st.sampled_from([PARIS, ZoneInfo("America/Martinique"), ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")]),
    week=weeks,
    exceptions=st.dictionaries(st.sampled_from(odd_nights), days, max_size=2),
)


def between(first: str, last: str) -> st.SearchStrategy[datetime]:
    seconds = int((paris(last) - paris(first)).total_seconds())
    return st.integers(0, seconds).map(lambda after: paris(first) + timedelta(seconds=after))


moments = st.one_of(
    between("2026-03-27", "2026-03-31"), between("2026-10-23", "2026-10-27"), between("2026-01-01", "2027-01-01")
)


@given(some_hours, moments, st.integers(0, 999))
def test_a_site_stays_open_until_its_closing_time_and_is_closed_then(
    when: Hours, now: datetime, thousandths: int
) -> None:
    closes = closing_time(when, now)
    if closes is None:
        return
    assert now < closes <= now + LOOK_AHEAD
    assert closing_time(when, now + (closes - now) * thousandths // 1000) is not None
    if closes < now + LOOK_AHEAD:
        assert closing_time(when, closes) is None


@given(some_hours, moments, st.integers(0, 999))
def test_a_site_stays_closed_until_its_next_opening_and_is_open_then(
    when: Hours, now: datetime, thousandths: int
) -> None:
    opens = next_opening(when, now)
    if opens is None:
        return
    assert opens > now
    assert closing_time(when, opens) is not None
    assert closing_time(when, now + (opens - now) * thousandths // 1000) is None


@given(some_hours, moments)
def test_a_day_pass_ends_after_now_and_not_after_midnight(when: Hours, now: datetime) -> None:
    ends = end_of_day(when, now)
    assert now < ends
    assert (ends - timedelta(microseconds=1)).astimezone(when.zone).date() == now.astimezone(when.zone).date()


def is_open(when: Hours, now: datetime) -> bool:
    """The slow model, for a zone without odd nights: does any interval of today or yesterday hold this moment?"""
    for day in (now.date(), now.date() - timedelta(days=1)):
        of_day = when.exceptions.get(day, when.week.get(day.weekday(), ()) if any(when.week.values()) else None)
        for each in [Interval(time(), time())] if of_day is None else of_day:
            start = datetime.combine(day, each.opens_at, tzinfo=UTC)
            end = datetime.combine(day, each.closes_at, tzinfo=UTC)
            if start <= now < (end if end > start else end + timedelta(days=1)):
                return True
    return False


@given(st.builds(Hours, zone=st.just(ZoneInfo("UTC")), week=weeks), moments)
def test_open_is_what_the_slow_model_says(when: Hours, now: datetime) -> None:
    assert (closing_time(when, now) is not None) == is_open(when, now)


# ---- days and weeks ----


@pytest.mark.parametrize(
    ("zone", "now", "begins", "hours_long"),
    [
        pytest.param("Europe/Paris", "2026-03-10T10:00", "2026-03-10T00:00", 24, id="a day like others"),
        pytest.param("Europe/Paris", "2026-03-10T00:00", "2026-03-10T00:00", 24, id="midnight belongs to the new day"),
        pytest.param(
            "Europe/Paris", "2026-03-29T01:59", "2026-03-29T00:00", 23, id="before the hour that spring skips"
        ),
        pytest.param("Europe/Paris", "2026-03-29T23:59", "2026-03-29T00:00", 23, id="after it"),
        pytest.param("Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:00", 25, id="in the hour that comes twice"),
        pytest.param("Indian/Reunion", "2026-03-29T02:30", "2026-03-29T00:00", 24, id="La Réunion has no summer time"),
        pytest.param("America/Martinique", "2026-10-25T02:30", "2026-10-25T00:00", 24, id="nor has Martinique"),
    ],
)
def test_a_day_is_that_of_the_place(zone: str, now: str, begins: str, hours_long: int) -> None:
    there = ZoneInfo(zone)
    start, end = local_day(hours({}, zone=there), datetime.fromisoformat(now).replace(tzinfo=there))
    assert start == datetime.fromisoformat(begins).replace(tzinfo=there)
    assert end - start == timedelta(hours=hours_long)


def test_the_same_moment_is_another_day_elsewhere() -> None:
    """Half past nine in the evening in Paris: past midnight on La Réunion."""
    now = paris("2026-03-10 21:30")
    assert local_day(ALWAYS, now)[0] == datetime(2026, 3, 9, 23, tzinfo=UTC)
    assert local_day(hours({}, zone=ZoneInfo("Indian/Reunion")), now)[0] == datetime(2026, 3, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "begins", "hours_long"),
    [
        pytest.param("2026-03-10 10:00", "2026-03-09 00:00", 168, id="a week like others"),
        pytest.param("2026-03-09 00:00", "2026-03-09 00:00", 168, id="Monday's midnight"),
        pytest.param("2026-03-29 23:59:59", "2026-03-23 00:00", 167, id="the last second of the week of spring"),
        pytest.param("2026-10-25 03:00", "2026-10-19 00:00", 169, id="the week of autumn"),
    ],
)
def test_a_week_begins_on_monday(now: str, begins: str, hours_long: int) -> None:
    start, end = local_week(ALWAYS, paris(now))
    assert (start, end - start) == (paris(begins), timedelta(hours=hours_long))


ZONES = [PARIS, ZoneInfo("Indian/Reunion"), ZoneInfo("America/Martinique"), ZoneInfo("Pacific/Noumea")]


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_moment_is_in_one_day_and_one_week_and_they_follow_one_another(zone: ZoneInfo, now: datetime) -> None:
    there = hours({}, zone=zone)
    for period in (local_day, local_week):
        start, end = period(there, now)
        assert start <= now < end
        assert period(there, end)[0] == end
        assert period(there, end - timedelta(seconds=1)) == (start, end)
    (day_began, day_ends), (week_began, week_ends) = local_day(there, now), local_week(there, now)
    assert week_began <= day_began < day_ends <= week_ends
