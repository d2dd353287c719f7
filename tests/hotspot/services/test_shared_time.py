"""A phone that walks from one gateway to another is online once, whatever both of them count."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import AnnouncementView, Grant, WifiSession
from hotspot.services.allowances import usage_of
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests import factories

MINUTE = timedelta(minutes=1)


def _session(db: Session, grant: Grant, now: datetime, began: int, ended: int, octets: int = 0) -> WifiSession:
    """Of a gateway of its own; minutes since `now`."""
    return factories.make_wifi_session(
        db,
        grant=grant,
        nas=factories.make_nas(db),
        started_at=now + began * MINUTE,
        ended_at=now + ended * MINUTE,
        session_seconds=(ended - began) * 60,
        download_octets=octets,
    )


@pytest.mark.parametrize(
    ("second", "minutes"),
    [((20, 30), 30), ((10, 15), 20), ((10, 30), 30), ((0, 20), 20), ((25, 30), 25)],
    ids=["one after the other", "the second ends first", "they overlap", "the same minutes", "with a break"],
)
def test_minutes_that_two_gateways_count_are_counted_once(
    any_database: Database, settings: Settings, now: datetime, second: tuple[int, int], minutes: int
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db)
        _session(db, grant, now, 0, 20)
        _session(db, grant, now, *second)

        assert usage_of(db, grant, now + 60 * MINUTE, settings).visit.time == minutes * MINUTE


def test_octets_are_counted_at_each_gateway(any_database: Database, settings: Settings, now: datetime) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db)
        _session(db, grant, now, 0, 20, octets=1000)
        _session(db, grant, now, 10, 30, octets=500)

        assert usage_of(db, grant, now + 60 * MINUTE, settings).visit.octets == 1500


def test_the_next_announcement_waits_for_minutes_online_not_for_those_counted_twice(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with any_database.transaction() as db:
        square = factories.make_site(db, kind=SiteKind.SQUARE)
        grant = factories.make_grant(db, site=square, announcement_every=30 * MINUTE)
        seen_at = now + 5 * MINUTE
        moments = {"shown_at": seen_at, "ready_at": seen_at, "completed_at": seen_at, "day": now.date()}
        db.add(AnnouncementView(id=uuid4(), site_id=grant.site_id, device_mac=grant.device_mac, **moments))
        _session(db, grant, now, 0, 20)
        _session(db, grant, now, 15, 25)

        assert usage_of(db, grant, now + 60 * MINUTE, settings).since_announcement == 20 * MINUTE
