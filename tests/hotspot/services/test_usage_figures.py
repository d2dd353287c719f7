"""Hourly roll-ups and what is read from them, on both databases."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import StaffMember, UsageHour
from hotspot.services.staff import Scope, find_scope
from hotspot.services.usage import Figures, figures_by_day, figures_by_site, roll_up
from tests.factories import (
    make_grant,
    make_nas,
    make_organisation,
    make_site,
    make_staff,
    make_wifi_session,
)

PARIS = ZoneInfo("Europe/Paris")


def scope_of(db: Session, member: StaffMember) -> Scope:
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


def rolled_up(db: Session) -> list[tuple[int, datetime, int, int, int, int, int]]:
    rows = db.scalars(select(UsageHour).order_by(UsageHour.hour_at, UsageHour.site_id))
    return [
        (row.site_id, row.hour_at, row.wifi_sessions, row.devices, row.seconds, row.upload_octets, row.download_octets)
        for row in rows
    ]


def test_a_session_counts_in_the_hour_in_which_it_began(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        nas = make_nas(db)
        for minutes, mac in ((1, "020000000001"), (59, "020000000001"), (61, "020000000002")):
            make_wifi_session(
                db,
                nas=nas,
                device_mac=mac,
                started_at=now + timedelta(minutes=minutes),
                upload_octets=1,
                download_octets=10,
                session_seconds=60,
            )

    with any_database.transaction() as db:
        roll_up(db, now - timedelta(hours=48), now + timedelta(hours=3))

    with any_database.reading() as db:
        assert rolled_up(db) == [
            (nas.site_id, now, 2, 1, 120, 2, 20),
            (nas.site_id, now + timedelta(hours=1), 1, 1, 60, 1, 10),
        ]


def test_rolling_up_again_changes_nothing_but_what_has_grown(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = make_wifi_session(db, started_at=now, download_octets=10)
        roll_up(db, now, now)
        roll_up(db, now, now)
        session.ended_at = now + timedelta(minutes=5)
        db.get_one(type(session.counter), session.id).download_octets = 5_000_000_000
        db.flush()
        roll_up(db, now + timedelta(minutes=40), now + timedelta(minutes=40))

        assert [(row[2], row[6]) for row in rolled_up(db)] == [(1, 5_000_000_000)]


def test_an_hour_that_lost_its_sessions_is_forgotten_and_older_ones_are_kept(
    any_database: Database, now: datetime
) -> None:
    with any_database.transaction() as db:
        old, moved = now - timedelta(hours=5), now - timedelta(hours=1)
        session = make_wifi_session(db, started_at=moved)
        make_wifi_session(db, nas=session.nas, started_at=old)
        roll_up(db, old, now)
        session.started_at = now
        db.flush()
        roll_up(db, moved, now)

        assert [row[1] for row in rolled_up(db)] == [old, now]


def test_days_are_local_and_empty_ones_are_zero(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        site = make_site(db)
        scope = scope_of(db, make_staff(db, organisation=site.organisation))
        half_past_midnight = datetime(2026, 3, 9, 23, 30, tzinfo=now.tzinfo)
        make_wifi_session(db, nas=make_nas(db, site=site), started_at=half_past_midnight, session_seconds=7)
        roll_up(db, now - timedelta(days=2), now)

        days = figures_by_day(db, scope, PARIS, now)

    assert [day for day, _ in days] == [date(2026, 3, 10) - timedelta(days=29 - at) for at in range(30)]
    assert days[-1] == (date(2026, 3, 10), Figures(wifi_sessions=1, seconds=7))
    assert {figures for _, figures in days[:-1]} == {Figures()}


def test_figures_of_another_organisation_are_left_out(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        commune = make_organisation(db)
        district = make_site(db, organisation=make_organisation(db, parent=commune), name="District")
        make_site(db, organisation=commune, name="Empty")
        scope = scope_of(db, make_staff(db, organisation=commune))
        make_wifi_session(db, grant=make_grant(db, site=district), started_at=now)
        make_wifi_session(db, started_at=now)
        roll_up(db, now, now)

        by_site = figures_by_site(db, scope, PARIS, now)
        by_day = figures_by_day(db, scope, PARIS, now)

    assert [(name, figures.wifi_sessions) for name, figures in by_site] == [("District", 1), ("Empty", 0)]
    assert sum(figures.wifi_sessions for _, figures in by_day) == 1
