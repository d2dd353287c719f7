"""What is past its keeping time is erased, everything else stays, and the journal says how much it was."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Base, Database
from hotspot.models import (
    Admission,
    DeskAction,
    DeskActionKind,
    Device,
    Grant,
    Purge,
    RememberedDevice,
    UsageHour,
    Voucher,
    VoucherBatch,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.services.announcing import begin_turn, complete_turn, load_rotation
from hotspot.services.outbox import write_text
from hotspot.services.remembering import remember_device
from hotspot.services.retention import forget
from hotspot.values import RefusalReason, SiteKind, Way
from tests import announcements, factories

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
CONNECTION_DATA = (WifiSessionCounter, WifiSession, Admission, Grant, Voucher, VoucherBatch, Device)


def a_visit(db: Session, began: datetime) -> WifiSession:
    """A voucher, its grant, its session and what the NAS was told: an hour."""
    batch = factories.make_voucher_batch(
        db, offer=factories.make_offer(db, way=Way.VOUCHER), created_at=began - HOUR, expires_at=began + HOUR
    )
    voucher = factories.make_voucher(db, batch=batch, redeemed_at=began, ends_at=began + HOUR)
    factories.make_device(db, first_seen_at=began, last_seen_at=began)
    grant = factories.make_grant(db, voucher=voucher, created_at=began, ends_at=began + HOUR)
    session = factories.make_wifi_session(db, grant=grant, started_at=began, ended_at=began + HOUR)
    db.add(
        Admission(
            id=uuid4(), happened_at=began, nas_id=grant.nas_id, grant_id=grant.id, refusal=RefusalReason.GRANT_ENDED
        )
    )
    db.flush()
    return session


def counts(db: Session) -> dict[type[Base], int]:
    return {table: db.scalar(select(func.count()).select_from(table)) or 0 for table in CONNECTION_DATA}


def test_a_visit_is_forgotten_a_year_after_it(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        a_visit(db, now - YEAR - 2 * HOUR)
        erased = forget(db, now, YEAR)
        assert set(counts(db).values()) == {0}
        assert erased == {table.__tablename__: 1 for table in CONNECTION_DATA}


def test_a_visit_is_kept_for_a_year(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        a_visit(db, now - YEAR + HOUR)
        assert forget(db, now, YEAR) == {}
        assert set(counts(db).values()) == {1}
        assert db.scalar(select(func.count()).select_from(Purge)) == 0


def test_a_session_that_ended_within_the_year_keeps_its_grant_and_device(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = a_visit(db, now - YEAR - 2 * HOUR)
        session.ended_at = now - YEAR + HOUR
        forget(db, now, YEAR)
        left = counts(db)
        assert (left[WifiSession], left[WifiSessionCounter], left[Grant], left[Device]) == (1, 1, 1, 1)


def test_a_session_that_never_ended_counts_from_its_beginning(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        a_visit(db, now - YEAR - 2 * HOUR).ended_at = None
        forget(db, now, YEAR)
        assert counts(db)[WifiSession] == 0


def test_figures_outlive_the_sessions_they_were_counted_from(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = a_visit(db, now - YEAR - 2 * HOUR)
        hour = {"wifi_sessions": 1, "devices": 1, "seconds": 60, "upload_octets": 1, "download_octets": 1}
        db.add(UsageHour(site_id=session.site_id, hour_at=session.started_at, **hour))
        forget(db, now, YEAR)
        assert db.scalar(select(func.count()).select_from(UsageHour)) == 1


def test_the_journal_says_what_was_erased(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        a_visit(db, now - YEAR - 2 * HOUR)
        forget(db, now, YEAR)
        entry = db.scalars(select(Purge).where(Purge.table_name == "wifi_sessions")).one()
        assert (entry.happened_at, entry.older_than, entry.erased) == (now, now - YEAR, 1)


@pytest.mark.parametrize("life", [timedelta(days=30), timedelta(days=400)])
def test_the_keeping_time_is_a_setting(database: Database, now: datetime, life: timedelta) -> None:
    with database.transaction() as db:
        a_visit(db, now - timedelta(days=100))
        forget(db, now, life)
        assert counts(db)[WifiSession] == (1 if life > timedelta(days=100) else 0)


def test_a_device_is_forgotten_when_it_is_remembered_no_longer(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        offer = factories.make_offer(db, way=Way.LIBRARY_CARD, remember_for=YEAR)
        patron = factories.make_patron(db, organisation=offer.organisation)
        for mac, since in (("020000000001", 365), ("020000000002", 364)):
            began = now - timedelta(days=since)
            grant = factories.make_grant(
                db, offer=offer, patron=patron, device_mac=mac, created_at=began, ends_at=began + HOUR
            )
            assert remember_device(db, grant, began)

        erased = forget(db, now, YEAR)

        assert erased["remembered_devices"] == 1
        assert db.scalars(select(RememberedDevice.device_mac)).all() == ["020000000002"]
        purge = db.scalars(select(Purge).where(Purge.table_name == "remembered_devices")).one()
        assert (purge.older_than, purge.erased) == (now, 1)


def test_a_device_stays_while_it_is_remembered(any_database: Database, now: datetime) -> None:
    began = now - timedelta(days=40)
    with any_database.transaction() as db:
        offer = factories.make_offer(db, way=Way.LIBRARY_CARD, remember_for=YEAR)
        patron = factories.make_patron(db, organisation=offer.organisation)
        factories.make_device(db, last_seen_at=began)
        grant = factories.make_grant(db, offer=offer, patron=patron, created_at=began, ends_at=began + HOUR)
        assert remember_device(db, grant, began)

        erased = forget(db, now, timedelta(days=30))

        assert erased == {"grants": 1}


def test_a_request_for_a_pass_is_forgotten_after_two_days(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        offer = factories.make_offer(db, way=Way.EMAIL_CODE)
        for hours in (47, 49):
            factories.make_pass_request(db, offer=offer, created_at=now - hours * HOUR)
        assert forget(db, now, YEAR) == {"pass_requests": 1}


def test_who_saw_which_announcement_is_forgotten_after_two_days_and_the_counts_stay(
    any_database: Database, now: datetime
) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db, kind=SiteKind.SQUARE)
        announcements.make_announcement(
            db, announcements.make_campaign(db, site.organisation, starts_on=date(2026, 1, 1))
        )
        grant = factories.make_grant(db, site=site, announcement_every=HOUR, announcement_length=timedelta(seconds=5))
        for hours in (49, 47):
            shown_at = now - hours * HOUR
            turn = begin_turn(db, grant, load_rotation(db, site, shown_at), shown_at)
            assert turn is not None
            complete_turn(db, turn.id, grant.device_mac, shown_at + HOUR / 3)
        assert announcements.counted(db) == (2, 2, 0)
        assert forget(db, now, YEAR) == {"announcement_views": 1}
        assert announcements.counted(db) == (2, 2, 0)
        entry = db.scalars(select(Purge)).one()
        assert (entry.table_name, entry.older_than, entry.erased) == ("announcement_views", now - 48 * HOUR, 1)


def test_a_visitor_is_forgotten_with_the_last_pass(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        visitor = factories.make_visitor(db, last_seen_at=now - YEAR - HOUR)
        began = now - YEAR - HOUR
        kept = factories.make_grant(db, visitor=visitor, created_at=began, ends_at=now - YEAR + HOUR)
        assert forget(db, now, YEAR) == {}
        kept.ends_at = now - YEAR - timedelta(minutes=30)
        db.flush()
        assert forget(db, now, YEAR) == {"grants": 1, "visitors": 1}


def test_of_text_messages_a_month_is_kept(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        for days in (29, 31):
            write_text(db, "+33612345678", "x", now - timedelta(days=days), give_up_at=now)
        assert forget(db, now, YEAR) == {"outgoing_texts": 1}


def labels(db: Session) -> list[str]:
    return [each.label for each in db.scalars(select(VoucherBatch).order_by(VoucherBatch.id))]


@pytest.mark.parametrize("used", [True, False])
def test_whom_a_pass_was_for_is_forgotten_a_week_after_its_end(
    any_database: Database, now: datetime, used: bool
) -> None:
    week = timedelta(days=7)
    with any_database.transaction() as db:
        for over_at in (now - week - HOUR, now - week + HOUR):
            batch = factories.make_voucher_batch(
                db, label="Madame Martin", created_at=over_at - HOUR, expires_at=now + week if used else over_at
            )
            times = {"redeemed_at": over_at - HOUR, "ends_at": over_at} if used else {}
            factories.make_voucher(db, batch=batch, **times)
        assert forget(db, now, YEAR) == {"voucher_batches.label": 1}
        assert labels(db) == ["", "Madame Martin"]
        assert db.scalars(select(Purge.table_name)).one() == "voucher_batches.label"


def test_whom_a_pass_is_for_is_kept_while_one_of_the_batch_can_be_used(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        long_ago = now - timedelta(days=60)
        batch = factories.make_voucher_batch(db, label="Atelier", created_at=long_ago)
        over = factories.make_voucher(db, batch=batch, redeemed_at=long_ago, ends_at=long_ago + HOUR)
        factories.make_voucher(db, batch=batch)
        factories.make_voucher(db, batch=batch, redeemed_at=long_ago, ends_at=now + HOUR)
        assert forget(db, now, YEAR) == {}
        assert labels(db) == ["Atelier"]
        assert over.ends_at is not None


def test_what_can_no_longer_be_undone_is_forgotten_after_a_day(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        batch = factories.make_voucher(db).batch
        staff = factories.make_staff(db, sites=(batch.site,))
        for done_at in (now - timedelta(hours=23), now - timedelta(hours=25)):
            db.add(
                DeskAction(
                    staff_id=staff.id,
                    site_id=batch.site_id,
                    kind=DeskActionKind.PRINTED,
                    batch_id=batch.id,
                    done_at=done_at,
                )
            )
        db.flush()
        assert forget(db, now, YEAR) == {"desk_actions": 1}
