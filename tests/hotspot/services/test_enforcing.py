"""Live sessions that should be over get one wish for one cause, and the others are left alone."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    AnnouncementView,
    Grant,
    OfferAllowance,
    OpeningException,
    OpeningInterval,
    SessionWish,
    WifiSession,
    WishReason,
)
from hotspot.services.enforcing import enforce
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, SiteKind
from tests import factories

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Asked = Callable[[Session, datetime], list[WishReason]]


@pytest.fixture
def asked(settings: Settings) -> Asked:
    """The wishes that there are after a run."""

    def run(db: Session, now: datetime) -> list[WishReason]:
        enforce(db, now, settings)
        return list(db.scalars(select(SessionWish.why).order_by(SessionWish.id)))

    return run


def cuts(wishes: list[WishReason]) -> list[WishReason]:
    return [each for each in wishes if each is not WishReason.LENGTHENED]


def online(db: Session, grant: dict[str, Any], **session: Any) -> WifiSession:
    return factories.make_wifi_session(db, grant=factories.make_grant(db, **grant), **session)


@pytest.mark.parametrize(
    ("because", "why"),
    [
        (RefusalReason.GRANT_ENDED, WishReason.GRANT_ENDED),
        (RefusalReason.SITE_CLOSED, WishReason.SITE_CLOSED),
        (RefusalReason.VOUCHER_VOID, WishReason.VOUCHER_VOID),
        (RefusalReason.CARD_BLOCKED, WishReason.CARD_BLOCKED),
        (RefusalReason.ENDED_BY_STAFF, WishReason.ENDED_BY_STAFF),
    ],
)
def test_a_session_that_outlives_its_grant_by_a_minute_is_cut(
    database: Database, asked: Asked, now: datetime, because: RefusalReason, why: WishReason
) -> None:
    with database.transaction() as db:
        online(db, {"ends_at": now + HOUR, "ends_because": because})
        assert asked(db, now + HOUR + MINUTE - timedelta(seconds=1)) == []
        assert asked(db, now + HOUR + MINUTE) == [why]


def test_volume_is_counted_over_all_sessions_of_the_grant(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        live = online(db, {"octets_allowed": 1000}, download_octets=600, updated_at=now)
        assert asked(db, now + MINUTE) == []
        factories.make_wifi_session(db, grant=live.grant, upload_octets=400, ended_at=now)
        assert asked(db, now + MINUTE) == [WishReason.VOLUME_USED_UP]
        wish = db.scalars(select(SessionWish)).one()
        assert wish.wifi_session_id == live.id
        assert wish.asked_by == "system"


def test_time_is_counted_over_all_sessions_of_the_grant(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        live = online(db, {"time_allowed": HOUR}, started_at=now - HOUR / 2, session_seconds=1800)
        past = {"started_at": now - HOUR, "ended_at": now - HOUR / 2}
        factories.make_wifi_session(db, grant=live.grant, session_seconds=1800, **past)
        assert asked(db, now + MINUTE) == [WishReason.TIME_USED_UP]


@pytest.mark.parametrize(
    ("grant", "report", "why"),
    [
        ({"octets_allowed": 1000}, {"upload_octets": 100, "download_octets": 400}, WishReason.VOLUME_USED_UP),
        ({"time_allowed": HOUR}, {"session_seconds": 1800}, WishReason.TIME_USED_UP),
    ],
    ids=["volume", "time"],
)
def test_two_connections_that_share_an_allowance_are_both_cut(
    any_database: Database, asked: Asked, now: datetime, grant: dict[str, Any], report: dict[str, Any], why: WishReason
) -> None:
    """Each gateway was told the whole of it, and neither has seen it used up."""
    with any_database.transaction() as db:
        first = online(db, grant, started_at=now - HOUR, **report)
        assert asked(db, now + MINUTE) == []
        elsewhere, before = factories.make_nas(db), first.started_at - HOUR  # minutes of both would count once
        factories.make_wifi_session(db, grant=first.grant, nas=elsewhere, started_at=before, **report)
        assert asked(db, now + MINUTE) == [why, why]


@pytest.mark.parametrize("grant", [{"octets_allowed": 1000}, {"time_allowed": HOUR}], ids=["volume", "time"])
def test_a_gateway_that_counts_itself_has_a_moment_to_report_the_end(
    database: Database, asked: Asked, now: datetime, grant: dict[str, Any]
) -> None:
    with database.transaction() as db:
        online(db, grant, download_octets=1000, session_seconds=3600, updated_at=now)
        assert asked(db, now + timedelta(seconds=19)) == []
        assert len(asked(db, now + timedelta(seconds=20))) == 1


def test_who_reports_every_ten_seconds_is_overlooked_by_no_run(
    database: Database, settings: Settings, now: datetime
) -> None:
    often = settings.model_copy(update={"interim_interval": timedelta(seconds=10)})
    with database.transaction() as db:
        online(db, {"octets_allowed": 1000}, download_octets=2000, updated_at=now)
        assert enforce(db, now + timedelta(seconds=9), often) == 1


def test_each_cause_is_asked_once(any_database: Database, asked: Asked, settings: Settings, now: datetime) -> None:
    with any_database.transaction() as db:
        online(db, {"octets_allowed": 1000}, download_octets=2000, updated_at=now)
        assert enforce(db, now + MINUTE, settings) == 1
        db.scalars(select(SessionWish)).one().state = "refused"  # type: ignore[assignment]
        db.flush()
        assert enforce(db, now + 2 * MINUTE, settings) == 0
        assert enforce(db, now + 4 * HOUR, settings) == 1
        assert asked(db, now + 4 * HOUR) == [WishReason.VOLUME_USED_UP, WishReason.GRANT_ENDED]


def test_who_has_something_left_stays(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        online(db, {"octets_allowed": 1000, "time_allowed": HOUR}, download_octets=999, session_seconds=3599)
        online(db, {}, download_octets=2**40)
        factories.make_wifi_session(db)  # of no grant of ours
        online(db, {"octets_allowed": 1}, download_octets=2, ended_at=now)
        assert asked(db, now + MINUTE) == []


@pytest.mark.parametrize(
    ("grant", "report", "is_over"),
    [
        ({"upload_octets_allowed": 500}, {"upload_octets": 500}, True),
        ({"upload_octets_allowed": 500}, {"upload_octets": 499, "download_octets": 10**9}, False),
        ({"download_octets_allowed": 500}, {"download_octets": 500}, True),
        ({"download_octets_allowed": 500}, {"download_octets": 499, "upload_octets": 10**9}, False),
    ],
)
def test_each_direction_has_a_limit_of_its_own(
    any_database: Database, asked: Asked, now: datetime, grant: dict[str, Any], report: dict[str, Any], is_over: bool
) -> None:
    with any_database.transaction() as db:
        online(db, grant, **report)
        assert asked(db, now + MINUTE) == ([WishReason.VOLUME_USED_UP] if is_over else [])


# ---- allowances of a day and a week ----

MIDNIGHT = datetime(2026, 3, 9, 23, tzinfo=UTC)
"""In Paris, before the Tuesday of the tests."""


def limited(db: Session, period: Period = Period.DAY, site: Any = None, **limits: Any) -> Any:
    """An offer."""
    return factories.make_offer(
        db, site=site or factories.make_site(db), allowances=[OfferAllowance(period=period, **limits)]
    )


def of_person(db: Session, offer: Any, mac: str, **grant: Any) -> Grant:
    return factories.make_grant(db, offer=offer, device_mac=mac, created_at=MIDNIGHT, **grant)


@pytest.mark.parametrize("who", ["patron", "visitor", "voucher"])
@pytest.mark.parametrize(
    ("limits", "report", "why"),
    [
        ({"time": HOUR}, {"session_seconds": 1800}, WishReason.TIME_USED_UP),
        ({"octets": 1000}, {"upload_octets": 100, "download_octets": 400}, WishReason.VOLUME_USED_UP),
        ({"upload_octets": 1000}, {"upload_octets": 500}, WishReason.VOLUME_USED_UP),
        ({"download_octets": 1000}, {"download_octets": 500}, WishReason.VOLUME_USED_UP),
    ],
    ids=["time", "volume", "upload", "download"],
)
@pytest.mark.parametrize("period", [Period.DAY, Period.WEEK])
def test_a_person_who_has_used_up_the_day_is_cut_on_every_device_at_every_site(
    any_database: Database,
    asked: Asked,
    now: datetime,
    who: str,
    period: Period,
    limits: dict[str, Any],
    report: dict[str, Any],
    why: WishReason,
) -> None:
    with any_database.transaction() as db:
        offer, person = limited(db, period, **limits), getattr(factories, f"make_{who}")(db)
        began = {"started_at": now - HOUR / 2}
        first = factories.make_wifi_session(
            db, grant=of_person(db, offer, "020000000001", **{who: person}), **report, **began
        )
        other = of_person(db, offer, "020000000003")
        factories.make_wifi_session(db, grant=other, **report, **began)
        assert asked(db, now + 20 * timedelta(seconds=1)) == []
        second = of_person(db, offer, "020000000002", site=factories.make_site(db), **{who: person})
        session = factories.make_wifi_session(db, grant=second, **report, **began)
        assert asked(db, now + 20 * timedelta(seconds=1)) == [why, why]
        assert {each.wifi_session_id for each in db.scalars(select(SessionWish))} == {first.id, session.id}
        assert asked(db, now + MINUTE) == [why, why]


def test_past_visits_of_the_day_count(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        offer = limited(db, time=HOUR)
        past = of_person(db, offer, "020000000001", ends_at=now - HOUR)
        factories.make_wifi_session(
            db, grant=past, started_at=now - 3 * HOUR, ended_at=now - 2 * HOUR, session_seconds=3000
        )
        live = of_person(db, offer, "020000000001")
        factories.make_wifi_session(db, grant=live, started_at=now - 10 * MINUTE, session_seconds=600)
        assert asked(db, now + MINUTE) == [WishReason.TIME_USED_UP]


@pytest.mark.parametrize("limits", [{"time": 2 * HOUR}, {"octets": 1000}], ids=["time", "volume"])
def test_whoever_stays_past_midnight_goes_on_with_the_new_day(
    any_database: Database, asked: Asked, limits: dict[str, Any]
) -> None:
    """Nearly all of yesterday's was used by then, and so little of today's."""
    with any_database.transaction() as db:
        grant = factories.make_grant(
            db, offer=limited(db, **limits), created_at=MIDNIGHT - 3 * HOUR, ends_at=MIDNIGHT + 9 * HOUR
        )
        heard_at = MIDNIGHT + 5 * MINUTE
        session = factories.make_wifi_session(
            db,
            grant=grant,
            started_at=MIDNIGHT - 115 * MINUTE,
            session_seconds=2 * 3600,
            upload_octets=1200,
            updated_at=heard_at,
        )
        assert cuts(asked(db, heard_at + MINUTE)) == []
        session_length = 115 * MINUTE + 2 * HOUR
        counter = db.get_one(factories.WifiSessionCounter, session.id)
        counter.session_seconds, counter.updated_at = int(session_length.total_seconds()), MIDNIGHT + 2 * HOUR
        counter.upload_octets = 2400
        db.flush()
        assert len(cuts(asked(db, MIDNIGHT + 2 * HOUR + MINUTE))) == 1


@pytest.mark.parametrize(
    ("limits", "begins", "wishes"),
    [
        ({"octets": 1000}, -HOUR, ["change"]),
        ({"download_octets": 1000}, -HOUR, ["change"]),
        ({"octets": 1000}, MINUTE, []),
        ({"time": HOUR}, -HOUR, []),
    ],
    ids=["volume", "one direction", "begun after midnight", "time, which it was told the evening before"],
)
def test_a_gateway_that_counts_octets_is_told_the_new_days_once(
    any_database: Database, asked: Asked, limits: dict[str, Any], begins: timedelta, wishes: list[str]
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(
            db, offer=limited(db, **limits), created_at=MIDNIGHT - 3 * HOUR, ends_at=MIDNIGHT + 9 * HOUR
        )
        factories.make_wifi_session(db, grant=grant, started_at=MIDNIGHT + begins, updated_at=MIDNIGHT + 5 * MINUTE)
        for _ in range(2):
            asked(db, MIDNIGHT + 6 * MINUTE)
        assert [each.kind for each in db.scalars(select(SessionWish))] == wishes


def test_an_hour_given_at_the_desk_keeps_them_online(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        grant = of_person(db, limited(db, time=HOUR), "020000000001", extra_time=HOUR)
        factories.make_wifi_session(db, grant=grant, started_at=now - HOUR, session_seconds=3600)
        assert asked(db, now + MINUTE) == []


def test_whoever_was_not_heard_of_lately_is_seen_at_the_next_report(
    any_database: Database, asked: Asked, now: datetime
) -> None:
    with any_database.transaction() as db:
        session = online(db, {"offer": limited(db, octets=10)}, download_octets=10)
        assert asked(db, now + 80 * timedelta(seconds=1)) == []
        db.get_one(factories.WifiSessionCounter, session.id).updated_at = now + 5 * MINUTE
        db.flush()
        assert asked(db, now + 6 * MINUTE) == [WishReason.VOLUME_USED_UP]


# ---- closed sites ----


@pytest.mark.parametrize("how", ["exception", "changed hours"])
def test_a_site_that_closes_earlier_than_it_used_to_is_cleared(
    any_database: Database, asked: Asked, now: datetime, how: str
) -> None:
    """It is ten o'clock there. Grants were given until the evening."""
    with any_database.transaction() as db:
        site = factories.make_site(
            db,
            opening_intervals=[OpeningInterval(weekday=day, opens_at=time(8), closes_at=time(18)) for day in range(7)],
        )
        session = online(db, {"site": site, "ends_at": now + 9 * HOUR})
        online(db, {"site": factories.make_site(db), "ends_at": now + 9 * HOUR})
        assert asked(db, now) == []
        if how == "exception":
            site.opening_exceptions = [OpeningException(day=now.date())]
        else:
            for interval in site.opening_intervals:
                interval.closes_at = time(9)
        db.flush()
        assert asked(db, now) == [WishReason.SITE_CLOSED]
        assert db.scalars(select(SessionWish.wifi_session_id)).one() == session.id
        assert asked(db, now + MINUTE) == [WishReason.SITE_CLOSED]


def test_at_the_closing_gateways_have_a_minute(database: Database, asked: Asked, now: datetime) -> None:
    with database.transaction() as db:
        hours = [OpeningInterval(weekday=1, opens_at=time(8), closes_at=time(10))]
        online(db, {"site": factories.make_site(db, opening_intervals=hours), "ends_at": now + HOUR})
        assert asked(db, now + 59 * timedelta(seconds=1)) == []
        assert asked(db, now + MINUTE) == [WishReason.SITE_CLOSED]


# ---- announcements ----


def seen(db: Session, site: Any, at: datetime, mac: str = factories.DEVICE_MAC) -> None:
    turn = AnnouncementView(id=uuid4(), site_id=site.id, device_mac=mac, day=at.date(), shown_at=at, ready_at=at)
    turn.completed_at = at
    db.add(turn)
    db.flush()


def with_announcements(db: Session, now: datetime, **site: Any) -> Grant:
    square = factories.make_site(db, **{"kind": SiteKind.SQUARE} | site)
    return factories.make_grant(db, site=square, created_at=now - 2 * HOUR, announcement_every=30 * MINUTE)


def test_a_gateway_that_goes_on_when_an_announcement_is_due_is_told_to_stop(
    any_database: Database, asked: Asked, now: datetime
) -> None:
    """Over several sessions: of the first the part that came after it."""
    with any_database.transaction() as db:
        grant = with_announcements(db, now)
        seen(db, grant.site, now - HOUR)
        factories.make_wifi_session(
            db,
            grant=grant,
            started_at=now - 80 * MINUTE,
            session_seconds=30 * 60,
            ended_at=now - 50 * MINUTE,
        )
        live = factories.make_wifi_session(
            db, grant=grant, started_at=now - 19 * MINUTE, session_seconds=19 * 60, updated_at=now
        )
        assert asked(db, now + MINUTE) == []
        counter = db.get_one(factories.WifiSessionCounter, live.id)
        counter.session_seconds, counter.updated_at = 20 * 60, now + MINUTE
        db.flush()
        assert asked(db, now + 2 * MINUTE) == [WishReason.ANNOUNCEMENT_DUE]


def test_whoever_has_watched_ahead_stays(any_database: Database, asked: Asked, now: datetime) -> None:
    with any_database.transaction() as db:
        grant = with_announcements(db, now)
        seen(db, grant.site, now - HOUR)
        seen(db, grant.site, now - 5 * MINUTE)
        factories.make_wifi_session(db, grant=grant, started_at=now - HOUR, session_seconds=3600)
        assert asked(db, now + MINUTE) == []


@pytest.mark.parametrize("free", [{"kind": SiteKind.LIBRARY}, {"is_wifi4eu": True}], ids=["library", "WiFi4EU"])
def test_where_announcements_have_no_place_nobody_is_cut_for_one(
    database: Database, asked: Asked, now: datetime, free: dict[str, Any]
) -> None:
    with database.transaction() as db:
        grant = with_announcements(db, now, **free)
        seen(db, grant.site, now - HOUR)
        factories.make_wifi_session(db, grant=grant, started_at=now - HOUR, session_seconds=3600)
        assert asked(db, now + MINUTE) == []


@pytest.mark.parametrize("grant", [{"time_allowed": HOUR}, {"announcement_every": HOUR}], ids=["visit", "announcement"])
def test_minutes_that_two_gateways_count_cut_nobody_who_has_time_left(
    any_database: Database, asked: Asked, now: datetime, grant: dict[str, Any]
) -> None:
    """The phone walks on, and its first gateway counts until it has noticed."""
    with any_database.transaction() as db:
        site = factories.make_site(db, kind=SiteKind.SQUARE)
        live = online(db, grant | {"site": site}, session_seconds=2400, updated_at=now + 40 * MINUTE)
        seen(db, site, now)
        first = {"started_at": now, "ended_at": now + 30 * MINUTE, "session_seconds": 1800}
        factories.make_wifi_session(db, grant=live.grant, nas=factories.make_nas(db), **first)

        assert asked(db, now + 41 * MINUTE) == []
