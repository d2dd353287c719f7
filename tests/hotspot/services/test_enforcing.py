"""Live sessions that should be over get one wish for one cause, and the others are left alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import SessionWish, WifiSession, WishReason
from hotspot.services.enforcing import enforce
from hotspot.values import RefusalReason
from tests import factories

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def asked(db: Session, now: datetime) -> list[WishReason]:
    enforce(db, now)
    return list(db.scalars(select(SessionWish.why).order_by(SessionWish.id)))


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
    database: Database, now: datetime, because: RefusalReason, why: WishReason
) -> None:
    with database.transaction() as db:
        online(db, {"ends_at": now + HOUR, "ends_because": because})
        assert asked(db, now + HOUR + MINUTE - timedelta(seconds=1)) == []
        assert asked(db, now + HOUR + MINUTE) == [why]


def test_volume_is_counted_over_all_sessions_of_the_grant(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        live = online(db, {"octets_allowed": 1000}, download_octets=600, updated_at=now)
        assert asked(db, now + MINUTE) == []
        factories.make_wifi_session(db, grant=live.grant, upload_octets=400, ended_at=now)
        assert asked(db, now + MINUTE) == [WishReason.VOLUME_USED_UP]
        wish = db.scalars(select(SessionWish)).one()
        assert wish.wifi_session_id == live.id
        assert wish.asked_by == "system"


def test_time_is_counted_over_all_sessions_of_the_grant(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        live = online(db, {"time_allowed": HOUR}, session_seconds=1800)
        factories.make_wifi_session(db, grant=live.grant, session_seconds=1800, ended_at=now + HOUR)
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
    any_database: Database, now: datetime, grant: dict[str, Any], report: dict[str, Any], why: WishReason
) -> None:
    """Each gateway was told the whole of it, and neither has seen it used up."""
    with any_database.transaction() as db:
        first = online(db, grant, **report)
        assert asked(db, now + MINUTE) == []
        factories.make_wifi_session(db, grant=first.grant, nas=factories.make_nas(db), **report)
        assert asked(db, now + MINUTE) == [why, why]


@pytest.mark.parametrize("grant", [{"octets_allowed": 1000}, {"time_allowed": HOUR}], ids=["volume", "time"])
def test_a_gateway_that_counts_itself_has_a_moment_to_report_the_end(
    database: Database, now: datetime, grant: dict[str, Any]
) -> None:
    with database.transaction() as db:
        online(db, grant, download_octets=1000, session_seconds=3600, updated_at=now)
        assert asked(db, now + timedelta(seconds=19)) == []
        assert len(asked(db, now + timedelta(seconds=20))) == 1


def test_each_cause_is_asked_once(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        online(db, {"octets_allowed": 1000}, download_octets=2000, updated_at=now)
        assert enforce(db, now + MINUTE) == 1
        db.scalars(select(SessionWish)).one().state = "refused"  # type: ignore[assignment]
        db.flush()
        assert enforce(db, now + 2 * MINUTE) == 0
        assert enforce(db, now + 4 * HOUR) == 1
        assert asked(db, now + 4 * HOUR) == [WishReason.VOLUME_USED_UP, WishReason.GRANT_ENDED]


def test_who_has_something_left_stays(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        online(db, {"octets_allowed": 1000, "time_allowed": HOUR}, download_octets=999, session_seconds=3599)
        online(db, {}, download_octets=2**40)
        factories.make_wifi_session(db)  # of no grant of ours
        online(db, {"octets_allowed": 1}, download_octets=2, ended_at=now)
        assert asked(db, now + MINUTE) == []
