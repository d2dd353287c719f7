"""Who is spared announcements, and which one is next: fair by weight, within hours and caps, never in a free zone."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.announcements import Candidate, ShownToday, Zone, choose, is_spared
from hotspot.values import CampaignKind, SiteKind, Way

TODAY = date(2026, 3, 10)
NOON = datetime.combine(TODAY, time(12))
SQUARE = Zone(SiteKind.SQUARE)
LIBRARY = Zone(SiteKind.LIBRARY)
WIFI4EU = Zone(SiteKind.SQUARE, is_wifi4eu=True)
NOTHING_YET = ShownToday({}, {}, {})


def candidate(announcement_id: int, campaign_id: int | None = None, **fields: Any) -> Candidate:
    """Commercial, always running, of a campaign of its own."""
    return Candidate(
        announcement_id,
        announcement_id if campaign_id is None else campaign_id,
        **{"kind": CampaignKind.COMMERCIAL, "starts_on": TODAY - timedelta(days=9)} | fields,
    )


def chosen(candidates: list[Candidate], shown: ShownToday = NOTHING_YET, at: datetime = NOON) -> int | None:
    found = choose(candidates, shown, SQUARE, at)
    return None if found is None else found.announcement_id


def turns(candidates: list[Candidate], count: int) -> Counter[int]:
    """How often each announcement is displayed when so many devices come one after the other."""
    displays: Counter[int] = Counter()
    for _ in range(count):
        found = chosen(candidates, ShownToday(displays, displays, {}))
        assert found is not None
        displays[found] += 1
    return displays


times = st.none() | st.times()
some_day = st.dates(TODAY - timedelta(days=2), TODAY + timedelta(days=2))
candidates_of_all_sorts = st.lists(
    st.builds(
        Candidate,
        st.integers(1, 30),
        st.integers(1, 8),
        st.sampled_from(CampaignKind),
        some_day,
        st.none() | some_day,
        times,
        times,
        st.integers(1, 100),
        st.none() | st.integers(1, 9),
        st.none() | st.integers(1, 9),
    ),
    max_size=12,
)
counts = st.dictionaries(st.integers(1, 30), st.integers(0, 20))
shown_of_all_sorts = st.builds(ShownToday, counts, counts, counts, st.none() | st.integers(1, 30))


# ---- who is spared ----


@pytest.mark.parametrize(
    ("zone", "way", "age", "spared"),
    [
        pytest.param(SQUARE, Way.ONE_TAP, None, False, id="a guest on the square"),
        pytest.param(SQUARE, Way.LIBRARY_CARD, 18, False, id="a reader who is of age"),
        pytest.param(SQUARE, Way.LIBRARY_CARD, 17, True, id="a reader who is not"),
        pytest.param(SQUARE, Way.LIBRARY_CARD, None, True, id="a reader whose age the library does not tell"),
        pytest.param(SQUARE, Way.OPENID_CONNECT, 17, True, id="a minor, whichever way"),
        pytest.param(SQUARE, Way.OPENID_CONNECT, 0, True, id="a newborn"),
        pytest.param(SQUARE, Way.VOUCHER, None, False, id="a voucher has no age"),
        pytest.param(LIBRARY, Way.ONE_TAP, 40, True, id="everybody in a library"),
        pytest.param(WIFI4EU, Way.ONE_TAP, 40, True, id="everybody on WiFi4EU"),
    ],
)
def test_who_sees_no_announcement(zone: Zone, way: Way, age: int | None, spared: bool) -> None:
    assert is_spared(zone, way, age) is spared


@given(st.sampled_from(Way), st.none() | st.integers(0, 120), st.sampled_from([LIBRARY, WIFI4EU]))
def test_nobody_sees_one_in_a_free_zone(way: Way, age: int | None, zone: Zone) -> None:
    assert is_spared(zone, way, age)


@given(
    candidates_of_all_sorts,
    shown_of_all_sorts,
    st.sampled_from([LIBRARY, WIFI4EU, Zone(SiteKind.LIBRARY, is_wifi4eu=True)]),
    st.times(),
)
def test_nothing_is_shown_in_a_free_zone_whatever_there_is(
    candidates: list[Candidate], shown: ShownToday, zone: Zone, at: time
) -> None:
    assert choose(candidates, shown, zone, datetime.combine(TODAY, at)) is None


# ---- which one ----


def test_over_ten_thousand_turns_each_campaign_has_its_share() -> None:
    weights = {1: 50, 2: 30, 3: 15, 4: 5}
    displays = turns([candidate(number, weight=weight) for number, weight in weights.items()], 10_000)
    for number, weight in weights.items():
        assert displays[number] == pytest.approx(100 * weight, rel=0.02)


def test_the_announcements_of_one_campaign_share_its_weight() -> None:
    two = [candidate(1, campaign_id=7, weight=10), candidate(2, campaign_id=7, weight=10)]
    displays = turns([*two, candidate(3, campaign_id=8, weight=10)], 10_000)
    assert displays[3] == pytest.approx(5000, rel=0.02)
    assert displays[1] == pytest.approx(displays[2], rel=0.02)


def test_a_device_that_comes_again_and_again_keeps_the_shares() -> None:
    """Never twice in a row is worth a little fairness to a heavy one, not to the others."""
    candidates = [candidate(1, weight=40), candidate(2, weight=30), candidate(3, weight=30)]
    displays: Counter[int] = Counter()
    last = None
    for _ in range(10_000):
        found = chosen(candidates, ShownToday(displays, {}, {}, last))
        assert found is not None
        assert found != last
        displays[found] += 1
        last = found
    assert [displays[number] for number in (1, 2, 3)] == pytest.approx([4000, 3000, 3000], rel=0.05)


def test_the_only_one_is_shown_again() -> None:
    assert chosen([candidate(1)], ShownToday({}, {}, {}, last_of_device=1)) == 1


@pytest.mark.parametrize(
    ("begins", "ends", "at", "is_on"),
    [
        ("09:00", "18:00", "08:59:59", False),
        ("09:00", "18:00", "09:00", True),
        ("09:00", "18:00", "18:00", False),
        ("22:00", "02:00", "21:59", False),
        ("22:00", "02:00", "23:30", True),
        ("22:00", "02:00", "00:00", True),
        ("22:00", "02:00", "01:59", True),
        ("22:00", "02:00", "02:00", False),
        ("12:00", "12:00", "11:00", True),
    ],
)
def test_it_has_hours(begins: str, ends: str, at: str, is_on: bool) -> None:
    """That end on the next day where they end before they begin."""
    hours = {"from_time": time.fromisoformat(begins), "until_time": time.fromisoformat(ends)}
    moment = datetime.combine(TODAY, time.fromisoformat(at))
    assert (chosen([candidate(1, **hours)], at=moment) is not None) is is_on


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "is_on"),
    [
        (TODAY, TODAY, True),
        (TODAY - timedelta(days=1), None, True),
        (TODAY + timedelta(days=1), None, False),
        (TODAY - timedelta(days=2), TODAY - timedelta(days=1), False),
    ],
    ids=["today alone", "without an end", "from tomorrow", "until yesterday"],
)
def test_it_has_days(starts_on: date, ends_on: date | None, is_on: bool) -> None:
    assert (chosen([candidate(1, starts_on=starts_on, ends_on=ends_on)]) is not None) is is_on


def test_a_campaign_is_capped_for_each_device() -> None:
    family = [candidate(1, 7, most_per_device=3, weight=99), candidate(2, 7, most_per_device=3, weight=99)]
    other = candidate(3, weight=1)
    assert chosen([*family, other], ShownToday({3: 50}, {}, {1: 1, 2: 1})) in (1, 2)
    assert chosen([*family, other], ShownToday({3: 50}, {}, {1: 1, 2: 2})) == 3


def test_a_campaign_is_capped_for_the_day() -> None:
    family = [candidate(1, 7, most_per_day=100, weight=99), candidate(2, 7, most_per_day=100, weight=99)]
    assert chosen([*family, candidate(3, weight=1)], ShownToday({}, {1: 60, 2: 40}, {})) == 3


@pytest.mark.parametrize(
    "shut",
    [
        {"from_time": time(20), "until_time": time(21)},
        {"most_per_day": 1},
        {"most_per_device": 1},
    ],
    ids=["out of hours", "capped for the day", "capped for the device"],
)
def test_the_towns_own_news_fill_the_gaps_that_advertisers_leave(shut: dict[str, Any]) -> None:
    """Whatever their own hours and caps: nobody waits before an empty page."""
    shown = ShownToday({}, {1: 1, 2: 1}, {1: 1, 2: 1})
    advertiser, town = candidate(1, **shut), candidate(2, kind=CampaignKind.MUNICIPAL, **shut)
    assert chosen([advertiser, town], shown) == 2
    assert chosen([advertiser], shown) is None


def test_news_of_another_day_fill_no_gap() -> None:
    assert chosen([candidate(1, kind=CampaignKind.MUNICIPAL, ends_on=TODAY - timedelta(days=1))]) is None


@given(candidates_of_all_sorts, shown_of_all_sorts, st.times())
def test_an_advertiser_is_never_shown_beyond_days_hours_and_caps(
    candidates: list[Candidate], shown: ShownToday, at: time
) -> None:
    alike = {each.campaign_id: each for each in candidates}  # what is said of a campaign is said of all its own
    candidates = [
        Candidate(
            each.announcement_id,
            *(getattr(alike[each.campaign_id], name) for name in Candidate.__slots__[1:]),
        )
        for each in candidates
    ]
    found = choose(candidates, shown, SQUARE, datetime.combine(TODAY, at))
    if found is None or found.kind is CampaignKind.MUNICIPAL:
        return
    family = {each.announcement_id for each in candidates if each.campaign_id == found.campaign_id}
    assert found.starts_on <= TODAY <= (found.ends_on or TODAY)
    assert found.most_per_device is None or sum(shown.by_device.get(each, 0) for each in family) < found.most_per_device
    assert found.most_per_day is None or sum(shown.views.get(each, 0) for each in family) < found.most_per_day
    if found.from_time is not None and found.until_time is not None:
        until_midnight = found.until_time <= found.from_time
        after, before = at >= found.from_time, at < found.until_time
        assert (after or before) if until_midnight else (after and before)
