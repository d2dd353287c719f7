"""What a person has used, over devices and sites, and what its offer and its site leave of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    AnnouncementView,
    Grant,
    Offer,
    OfferAllowance,
    OpeningException,
    OpeningInterval,
    Site,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.policy.admission import decide_admission
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.policy.opening_hours import closing_time, local_day, next_opening
from hotspot.services.accounting import AccountingKind, AccountingRecord, record
from hotspot.services.allowances import once_open, terms_of, usage_of
from hotspot.settings import Settings
from hotspot.values import Admit, MacAddress, Period, RefusalReason, Refuse, SiteKind, TerminateCause
from tests import factories

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = 24 * HOUR
PHONE, TABLET, LAPTOP = "020000000001", "020000000002", "020000000003"
MIDNIGHT = datetime(2026, 3, 9, 23, tzinfo=UTC)
"""In Paris, before the Tuesday of the tests; Monday's is a day earlier."""
MONDAY = MIDNIGHT - DAY


class Place:
    """A square, with an offer that has an allowance of a day and one of a week."""

    def __init__(self, db: Session, now: datetime, settings: Settings) -> None:
        self.db, self.now, self.settings = db, now, settings
        self.site = factories.make_site(db, kind=SiteKind.SQUARE)
        self.offer = factories.make_offer(
            db,
            site=self.site,
            allowances=[
                OfferAllowance(period=Period.DAY, time=2 * HOUR, octets=1000),
                OfferAllowance(period=Period.WEEK, time=8 * HOUR),
            ],
        )

    def grant(self, device_mac: str = PHONE, **fields: Any) -> Grant:
        return factories.make_grant(self.db, **{"offer": self.offer, "device_mac": device_mac} | fields)

    def online(self, grant: Grant, begins: datetime, length: timedelta, upload: int = 0, download: int = 0) -> None:
        """And gone again."""
        factories.make_wifi_session(
            self.db,
            grant=grant,
            started_at=begins,
            ended_at=begins + length,
            session_seconds=int(length.total_seconds()),
            upload_octets=upload,
            download_octets=download,
        )

    def usage(self, grant: Grant, at: datetime | None = None) -> Usage:
        return usage_of(self.db, grant, at or self.now, self.settings)

    def has_seen_one(self, at: datetime, device_mac: str = PHONE) -> None:
        turn = AnnouncementView(
            id=uuid4(), site_id=self.site.id, device_mac=device_mac, day=at.date(), shown_at=at, ready_at=at
        )
        turn.completed_at = at
        self.db.add(turn)
        self.db.flush()


@pytest.fixture
def place(any_database: Database, now: datetime, settings: Settings) -> Any:
    with any_database.transaction() as db:
        yield Place(db, now, settings)


# ---- who ----


@pytest.mark.parametrize("who", ["patron", "visitor", "voucher"])
def test_a_person_is_counted_over_devices_and_sites(place: Place, who: str) -> None:
    person = getattr(factories, f"make_{who}")(place.db)
    stranger = getattr(factories, f"make_{who}")(place.db)
    elsewhere = factories.make_site(place.db)
    here = place.grant(PHONE, **{who: person})
    place.online(here, place.now - HOUR, 10 * MINUTE, 1, 2)
    place.online(place.grant(TABLET, **{who: person}), place.now - HOUR, 20 * MINUTE, 10, 20)
    place.online(place.grant(PHONE, site=elsewhere, **{who: person}), place.now - 2 * HOUR, 5 * MINUTE, 100, 200)
    place.online(place.grant(PHONE, **{who: stranger}), place.now - HOUR, HOUR, 5000, 5000)
    place.online(place.grant(PHONE), place.now - HOUR, HOUR, 5000, 5000)
    assert place.usage(here) == Usage(
        visit=Used(10 * MINUTE, 1, 2), day=Used(35 * MINUTE, 111, 222), week=Used(35 * MINUTE, 111, 222)
    )


def test_of_a_guest_the_device_is_the_person(place: Place) -> None:
    here = place.grant(PHONE)
    place.online(place.grant(PHONE, created_at=place.now - 3 * HOUR), place.now - 3 * HOUR, 30 * MINUTE, 1, 2)
    place.online(place.grant(TABLET), place.now - HOUR, HOUR)
    place.online(place.grant(PHONE, patron=factories.make_patron(place.db)), place.now - HOUR, HOUR)
    assert place.usage(here).day == Used(30 * MINUTE, 1, 2)


def test_another_offer_has_allowances_of_its_own(place: Place) -> None:
    other = factories.make_offer(place.db, site=place.site)
    place.online(place.grant(offer=other), place.now - HOUR, HOUR)
    assert place.usage(place.grant()) == Usage()


def test_a_grant_that_is_not_in_the_tables_yet_is_of_a_person_who_is(place: Place) -> None:
    patron = factories.make_patron(place.db)
    place.online(place.grant(PHONE, patron=patron), place.now - HOUR, HOUR)
    new = Grant(id=uuid4(), offer=place.offer, offer_id=place.offer.id, site=place.site, device_mac=TABLET)
    new.patron_id = patron.id
    usage = place.usage(new)
    assert (usage.visit, usage.day) == (Used(), Used(HOUR))


# ---- when ----


def test_a_session_over_midnight_is_divided_exactly_and_its_octets_evenly(place: Place) -> None:
    grant = place.grant(created_at=MIDNIGHT - HOUR)
    place.online(grant, MIDNIGHT - 30 * MINUTE, 40 * MINUTE, 400, 4000)
    whole = Used(40 * MINUTE, 400, 4000)
    assert place.usage(grant) == Usage(visit=whole, day=Used(10 * MINUTE, 100, 1000), week=whole)


@pytest.mark.parametrize(
    ("begins", "day", "week"),
    [
        (MIDNIGHT, HOUR, HOUR),
        (MIDNIGHT - HOUR, 0 * HOUR, HOUR),
        (MONDAY, 0 * HOUR, HOUR),
        (MONDAY - HOUR, 0 * HOUR, 0 * HOUR),
        (MONDAY - 30 * MINUTE, 0 * HOUR, 30 * MINUTE),
    ],
    ids=["today", "until midnight", "Monday", "until Sunday's end", "over Sunday's midnight"],
)
def test_yesterday_counts_for_the_week_and_last_week_for_nothing(
    place: Place, begins: datetime, day: timedelta, week: timedelta
) -> None:
    past = place.grant(created_at=begins, ends_at=begins + 2 * HOUR)
    place.online(past, begins, HOUR)
    usage = place.usage(place.grant())
    assert (usage.day.time, usage.week.time) == (day, week)


@pytest.mark.parametrize(
    ("now", "used"),
    [
        pytest.param(datetime(2026, 3, 29, 21, 59, tzinfo=UTC), 22 * HOUR + 59 * MINUTE, id="spring: 23 hours"),
        pytest.param(datetime(2026, 10, 25, 22, 59, tzinfo=UTC), 24 * HOUR + 59 * MINUTE, id="autumn: 25 hours"),
    ],
)
def test_on_the_odd_days_of_the_year_every_hour_counts_once(place: Place, now: datetime, used: timedelta) -> None:
    """Online since the day before, until a minute before midnight."""
    grant = place.grant(created_at=now - 2 * DAY, ends_at=now + DAY)
    place.online(grant, now - 30 * HOUR, 30 * HOUR)
    assert place.usage(grant, now).day.time == used


def test_the_day_is_that_of_the_site(place: Place) -> None:
    place.site.time_zone = "Indian/Reunion"
    evening = datetime(2026, 3, 10, 20, 30, tzinfo=UTC)
    """Half past midnight there."""
    grant = place.grant(ends_at=evening + HOUR)
    place.online(grant, evening - HOUR, HOUR)
    assert place.usage(grant, evening).day.time == 30 * MINUTE


# ---- what is still under way ----


def live(place: Place, grant: Grant, seconds: int, heard_at: datetime) -> None:
    factories.make_wifi_session(
        place.db, grant=grant, started_at=heard_at - seconds * timedelta(seconds=1), session_seconds=seconds,
        updated_at=heard_at, download_octets=7,
    )  # fmt: skip


def test_a_live_session_is_taken_to_go_on_since_its_last_report(place: Place) -> None:
    grant = place.grant()
    live(place, grant, 600, place.now - 4 * MINUTE)
    assert place.usage(grant).visit == Used(14 * MINUTE, 0, 7)


def test_one_that_has_been_silent_for_too_long_is_not(place: Place) -> None:
    grant = place.grant()
    live(place, grant, 600, place.now - 5 * HOUR)
    assert place.usage(grant).visit.time == 10 * MINUTE + place.settings.stale_after


def test_a_report_from_the_future_is_worth_what_it_says(place: Place) -> None:
    grant = place.grant()
    live(place, grant, 600, place.now + MINUTE)
    assert place.usage(grant).visit.time == 10 * MINUTE


def test_a_live_session_that_has_passed_midnight_counts_from_there(place: Place) -> None:
    grant = place.grant(created_at=MIDNIGHT - HOUR)
    live(place, grant, 3600, MIDNIGHT - MINUTE)
    usage = place.usage(grant, MIDNIGHT + 3 * MINUTE)
    assert (usage.day.time, usage.week.time) == (3 * MINUTE, 64 * MINUTE)


# ---- what was given at the desk ----


def test_an_hour_given_at_the_desk_is_not_taken_by_the_day(place: Place) -> None:
    grant = place.grant(extra_time=HOUR)
    place.online(grant, place.now - 2 * HOUR, 2 * HOUR)
    assert place.usage(grant).day.time == HOUR
    assert place.usage(grant).visit.time == 2 * HOUR


def test_an_hour_given_yesterday_counts_for_the_week_alone(place: Place) -> None:
    place.grant(extra_time=HOUR, created_at=MIDNIGHT - HOUR, ends_at=MIDNIGHT)
    usage = place.usage(place.grant())
    assert (usage.day.time, usage.week.time) == (0 * HOUR, -HOUR)


# ---- announcements ----


def announced(place: Place, **fields: Any) -> Grant:
    return place.grant(announcement_every=30 * MINUTE, **fields)


def test_a_device_that_has_seen_none_has_no_time_since(place: Place) -> None:
    grant = announced(place)
    place.online(grant, place.now - HOUR, HOUR)
    assert place.usage(grant).since_announcement is None


def test_connection_time_since_the_last_one_is_counted_over_sessions(place: Place) -> None:
    """Not what came before it, not the pauses; and of a session in which it came the part after it."""
    seen_at = place.now - 2 * HOUR
    place.has_seen_one(seen_at)
    first, second = announced(place), announced(place, site=factories.make_site(place.db, kind=SiteKind.SQUARE))
    place.online(first, seen_at - HOUR, 30 * MINUTE)
    place.online(first, seen_at - 5 * MINUTE, 10 * MINUTE)
    place.online(second, seen_at + HOUR, 7 * MINUTE)
    place.online(announced(place, device_mac=TABLET), seen_at + HOUR, HOUR)
    live(place, first, 120, place.now - MINUTE)
    assert place.usage(first).since_announcement == 15 * MINUTE


def test_time_without_announcements_is_not_counted_towards_one(place: Place) -> None:
    place.has_seen_one(place.now - 2 * HOUR)
    place.online(place.grant(), place.now - HOUR, HOUR)
    assert place.usage(announced(place)).since_announcement == timedelta(0)


def test_the_last_one_counts(place: Place) -> None:
    place.has_seen_one(place.now - 2 * HOUR)
    place.has_seen_one(place.now - HOUR)
    place.has_seen_one(place.now, device_mac=TABLET)
    grant = announced(place)
    place.online(grant, place.now - 2 * HOUR, 2 * HOUR)
    assert place.usage(grant).since_announcement == HOUR


def test_where_there_are_none_nothing_is_counted(place: Place) -> None:
    place.has_seen_one(place.now - HOUR)
    place.site.is_wifi4eu = True
    assert place.usage(announced(place)).since_announcement is None


# ---- the order of accounting packets ----


@st.composite
def days_of_packets(draw: st.DrawFn) -> tuple[list[tuple[int, int, str]], list[int], list[int]]:
    """(session, minutes, kind) in the order of happening, the order of their coming, and where batches end."""
    packets: list[tuple[int, int, str]] = []
    for session in range(draw(st.integers(1, 3))):
        reports = draw(st.integers(1, 4))
        packets += [(session, 5 * number, "start" if number == 0 else "interim") for number in range(reports)]
        if draw(st.booleans()):
            packets.append((session, 5 * reports, "stop"))
    numbers = list(range(len(packets)))
    order = draw(st.permutations(numbers + draw(st.lists(st.sampled_from(numbers), max_size=4))))
    return packets, order, sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))


class Reports:
    """Of one person's phone, tablet and laptop, from half an hour before midnight."""

    def __init__(self, database: Database, now: datetime, settings: Settings) -> None:
        self.database, self.settings = database, settings
        with database.transaction() as db:
            place = Place(db, now, settings)
            patron = factories.make_patron(db)
            grants = [
                place.grant(mac, patron=patron, announcement_every=HOUR / 2, created_at=MIDNIGHT - HOUR)
                for mac in (PHONE, TABLET, LAPTOP)
            ]
            self.grant_ids = [each.id for each in grants]
            self.nas_ids = [each.nas_id for each in grants]
            self.site_id = place.site.id
            place.has_seen_one(MIDNIGHT - 25 * MINUTE)

    def of(self, session: int, minutes: int, kind: str) -> AccountingRecord:
        mac = (PHONE, TABLET, LAPTOP)[session]
        return AccountingRecord(
            kind=AccountingKind(kind),
            nas_id=self.nas_ids[session],
            site_id=self.site_id,
            happened_at=MIDNIGHT - 10 * MINUTE + minutes * MINUTE,
            acct_session_id=f"{session}",
            user_name=f"login-{session}",
            calling_station_id=mac,
            called_station_id="02-AA-00-00-00-01",
            device_mac=MacAddress(mac),
            grant_id=self.grant_ids[session],
            upload_octets=1000 * minutes,
            download_octets=2**33 * minutes,
            session_seconds=60 * minutes,
            terminate_cause=TerminateCause.USER_REQUEST if kind == "stop" else None,
        )

    def come(self, batches: Sequence[Sequence[AccountingRecord]]) -> list[Usage]:
        """Forgotten before. They come between ten and twenty minutes after midnight."""
        with self.database.transaction() as db:
            db.execute(delete(WifiSession))
            db.execute(delete(WifiSessionCounter))
        for at, batch in enumerate(batches, start=1):
            with self.database.at_once() as db:
                record(db, batch, MIDNIGHT + 10 * MINUTE * (1 + at / len(batches)))
        with self.database.reading() as db:
            grants = [db.get_one(Grant, each) for each in self.grant_ids]
            return [usage_of(db, each, MIDNIGHT + 25 * MINUTE, self.settings) for each in grants]


@pytest.fixture
def reports(database: Database, now: datetime, settings: Settings) -> Reports:
    return Reports(database, now, settings)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days_of_packets())
def test_whatever_the_order_of_the_packets_the_answer_is_the_same(
    reports: Reports, story: tuple[list[tuple[int, int, str]], list[int], list[int]]
) -> None:
    packets, order, cuts = story
    records = [reports.of(*each) for each in packets]
    batches = [order[begins:ends] for begins, ends in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    expected = reports.come([[each] for each in records])
    assert reports.come([[records[each] for each in batch] for batch in batches if batch]) == expected


# ---- what its offer and its site leave of it ----

# a Tuesday that is open from ten to six, and a Wednesday that is closed
_OPEN = (time(10), time(18))


def a_grant(site: Site, now: datetime, offer: Offer | None = None, **fields: Any) -> Grant:
    """Of nothing in the tables."""
    return Grant(
        **{
            "id": UUID(int=7),
            "site": site,
            "offer": offer or Offer(allowances=[]),
            "created_at": now - HOUR,
            "ends_at": now + DAY,
            "ends_because": RefusalReason.GRANT_ENDED,
            "idle_timeout": HOUR,
        }
        | fields
    )


def a_site(*intervals: tuple[int, time, time], exceptions: Sequence[OpeningException] = (), **fields: Any) -> Site:
    return Site(
        **{"time_zone": "Europe/Paris", "kind": SiteKind.SQUARE, "is_wifi4eu": False} | fields,
        opening_intervals=[OpeningInterval(weekday=day, opens_at=a, closes_at=b) for day, a, b in intervals],
        opening_exceptions=list(exceptions),
    )


def decided(grant: Grant, now: datetime, settings: Settings, usage: Usage = Usage()) -> Admit | Refuse:  # noqa: B008
    return decide_admission(terms_of(grant, settings, now), usage, now)


def test_a_grant_that_is_longer_than_the_day_ends_at_closing(now: datetime, settings: Settings) -> None:
    answer = decided(a_grant(a_site((1, *_OPEN)), now), now, settings)
    assert isinstance(answer, Admit)
    assert (answer.session_timeout, answer.because) == (8 * HOUR, RefusalReason.SITE_CLOSED)


def test_an_exception_entered_later_closes_to_grants_given_before(now: datetime, settings: Settings) -> None:
    shut = OpeningException(day=now.date(), opens_at=None, closes_at=None)
    site = a_site((1, *_OPEN), (2, *_OPEN), exceptions=[shut])
    tomorrow = datetime(2026, 3, 11, 9, tzinfo=UTC)
    assert decided(a_grant(site, now), now, settings) == Refuse(RefusalReason.SITE_CLOSED, again_at=tomorrow)


def test_allowances_of_the_offer_are_those_of_today(now: datetime, settings: Settings) -> None:
    allowances = [
        OfferAllowance(period=Period.DAY, time=HOUR, octets=5, upload_octets=3, download_octets=4),
        OfferAllowance(period=Period.WEEK, time=2 * HOUR),
    ]
    grant = a_grant(a_site(), now, Offer(allowances=allowances), time_allowed=4 * HOUR, upload_octets_allowed=9)
    assert terms_of(grant, settings, now).allowances == (
        Allowance(Period.VISIT, 4 * HOUR, upload_octets=9),
        Allowance(Period.DAY, HOUR, 5, 3, 4, MIDNIGHT + DAY),
        Allowance(Period.WEEK, 2 * HOUR, renews_at=MONDAY + 7 * DAY),
    )


def test_a_new_day_is_told_from_the_hour_that_the_place_opens(now: datetime, settings: Settings) -> None:
    site = a_site((1, *_OPEN), (2, *_OPEN))
    daily = Offer(allowances=[OfferAllowance(period=Period.DAY, time=HOUR)])
    answer = decided(a_grant(site, now, daily), now, settings, Usage(day=Used(HOUR)))
    assert answer == Refuse(RefusalReason.TIME_USED_UP, again_at=MIDNIGHT + DAY)
    assert once_open(answer, site.hours) == Refuse(RefusalReason.TIME_USED_UP, again_at=MIDNIGHT + DAY + 10 * HOUR)
    assert once_open(answer, a_site().hours) == answer


some_times = st.sampled_from([time(hour, minute) for hour in range(24) for minute in (0, 30)])
some_intervals = st.lists(st.tuples(st.integers(0, 6), some_times, some_times), max_size=6)
zones = st.sampled_from(["Europe/Paris", "Indian/Reunion", "America/Martinique"])
around_the_odd_nights = st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 3, 10)])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some_intervals,
    zones,
    around_the_odd_nights,
    st.integers(0, 3 * 24 * 60),
    st.lists(st.tuples(st.integers(0, 3), st.none() | st.tuples(some_times, some_times)), max_size=2),
    st.floats(0, 1, exclude_max=True),
)
def test_nobody_is_ever_online_where_it_is_closed(
    settings: Settings,
    intervals: list[tuple[int, time, time]],
    zone: str,
    first_day: date,
    minutes: int,
    unlike: list[tuple[int, tuple[time, time] | None]],
    share: float,
) -> None:
    exceptions = [
        OpeningException(day=first_day + timedelta(days=offset), opens_at=each and each[0], closes_at=each and each[1])
        for offset, each in unlike
    ]
    site = a_site(*intervals, exceptions=exceptions, time_zone=zone)
    now = datetime.combine(first_day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC) + minutes * MINUTE
    answer = decided(a_grant(site, now), now, settings)
    if isinstance(answer, Refuse):
        assert answer.reason is RefusalReason.SITE_CLOSED
        opens_again = next_opening(site.hours, now) or closing_time(site.hours, now)
        assert opens_again is None or answer.again_at is None or answer.again_at >= opens_again
        return
    at = now + min(share * answer.session_timeout, answer.session_timeout - timedelta(seconds=1))
    assert closing_time(site.hours, at) is not None
    assert answer.session_timeout >= MINUTE


def test_a_day_that_is_not_used_up_goes_on_after_midnight(settings: Settings) -> None:
    """Half an hour of Saturday is left, and there are two of Sunday, which spring makes an hour shorter."""
    now = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    daily = Offer(allowances=[OfferAllowance(period=Period.DAY, time=2 * HOUR)])
    grant = a_grant(a_site(), now, daily)
    before = decided(grant, now, settings, Usage(day=Used(90 * MINUTE)))
    assert isinstance(before, Admit)
    assert before.session_timeout == 30 * MINUTE + 2 * HOUR
    assert local_day(grant.site.hours, now)[1] == now + 30 * MINUTE
    after = decided(grant, now + HOUR, settings, Usage(day=Used(30 * MINUTE)))
    assert isinstance(after, Admit)
    assert after.session_timeout == 90 * MINUTE
