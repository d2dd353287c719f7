"""Nobody is cut for minutes that two gateways have counted: the admission would let them in again at once."""

from datetime import datetime, timedelta
from uuid import uuid4

from hotspot.db import Database
from hotspot.models import AnnouncementView
from hotspot.services.enforcing import enforce
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests import factories

MINUTE = timedelta(minutes=1)


def test_a_phone_that_has_walked_is_not_cut_before_its_announcement_is_due(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with any_database.transaction() as db:
        square = factories.make_site(db, kind=SiteKind.SQUARE)
        limits = {"announcement_every": 30 * MINUTE, "time_allowed": 30 * MINUTE}
        grant = factories.make_grant(db, site=square, created_at=now, **limits)
        moments = {"shown_at": now, "ready_at": now, "completed_at": now, "day": now.date()}
        db.add(AnnouncementView(id=uuid4(), site_id=square.id, device_mac=grant.device_mac, **moments))
        factories.make_wifi_session(db, grant=grant, session_seconds=16 * 60, ended_at=now + 16 * MINUTE)
        heard_at = now + 16 * MINUTE
        factories.make_wifi_session(
            db,
            grant=grant,
            nas=factories.make_nas(db),
            started_at=now + MINUTE,
            session_seconds=900,
            updated_at=heard_at,
        )

        assert enforce(db, heard_at + MINUTE, settings) == 0
