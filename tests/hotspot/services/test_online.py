"""What the page of a visit says: summed over the grant's sessions, on either database."""

from datetime import datetime, timedelta
from uuid import uuid4

from hotspot.db import Database
from hotspot.models import OfferAllowance
from hotspot.policy.allowances import Left, Octets
from hotspot.services.online import Presence, show_grant
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, SiteKind
from tests import factories

MINUTE = timedelta(minutes=1)


def test_it_adds_up_every_session(any_database: Database, settings: Settings, now: datetime) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db, octets_allowed=10_000)
        other_nas = factories.make_nas(db, login_hosts="10.2.0.1:3990")
        factories.make_wifi_session(
            db, grant=grant, upload_octets=1, download_octets=20, ended_at=now + MINUTE, session_seconds=60
        )
        factories.make_wifi_session(
            db, grant=grant, nas=other_nas, upload_octets=300, download_octets=4000, started_at=now + 2 * MINUTE
        )
        online = show_grant(db, grant.id, now + 3 * MINUTE, settings, signed_in_at=None)
        assert online is not None
        assert (online.upload_octets, online.download_octets, online.octets.both) == (301, 4020, 5679)
        assert online.presence is Presence.ONLINE
        assert online.time_left == timedelta(hours=2) - 3 * MINUTE
        assert online.login_hosts == "10.2.0.1:3990"


def test_a_silent_session_does_not_eat_the_allowance_for_ever(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db, time_allowed=timedelta(hours=1))
        factories.make_wifi_session(db, grant=grant, session_seconds=60, updated_at=now + MINUTE)
        online = show_grant(db, grant.id, now + 50 * MINUTE, settings, signed_in_at=None)
        assert online is not None
        assert online.time_left == timedelta(hours=1) - MINUTE - settings.stale_after
        assert online.ends_because is RefusalReason.TIME_USED_UP


def test_presence_follows_the_sessions(database: Database, settings: Settings, now: datetime) -> None:
    with database.transaction() as db:
        grant = factories.make_grant(db)

        def presence(at: datetime, signed_in_at: datetime | None = None) -> Presence:
            online = show_grant(db, grant.id, at, settings, signed_in_at=signed_in_at)
            assert online is not None
            return online.presence

        assert presence(now) is Presence.ONLINE
        factories.make_wifi_session(db, grant=grant, ended_at=now + MINUTE)
        assert presence(now + 2 * MINUTE) is Presence.AWAY
        assert presence(now + 2 * MINUTE, signed_in_at=now) is Presence.AWAY
        assert presence(now + 2 * MINUTE, signed_in_at=now + 2 * MINUTE) is Presence.ONLINE
        assert presence(now + timedelta(hours=2)) is Presence.OVER


def test_who_has_yet_to_see_an_announcement_is_not_online(
    database: Database, settings: Settings, now: datetime
) -> None:
    with database.transaction() as db:
        square = factories.make_site(db, kind=SiteKind.SQUARE)
        grant = factories.make_grant(db, site=square, announcement_every=30 * MINUTE)
        online = show_grant(db, grant.id, now, settings, signed_in_at=None)
        assert online is not None
        assert (online.presence, online.announcement_in) == (Presence.AWAY, timedelta(0))
        assert online.ends[0].reason is RefusalReason.ANNOUNCEMENT_DUE


def test_what_is_left_of_each_period_is_there_with_its_renewal(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db, octets_allowed=1000)
        grant.offer.allowances = [OfferAllowance(period=Period.DAY, time=60 * MINUTE)]
        factories.make_wifi_session(db, grant=grant, session_seconds=600, download_octets=1200)
        online = show_grant(db, grant.id, now, settings, signed_in_at=None)
        assert online is not None
        visit, day = online.allowances
        assert (visit.left, visit.allowance.renews_at) == (Left(None, Octets(0)), None)
        assert (day.left, day.allowance.renews_at) == (Left(50 * MINUTE, Octets()), now + timedelta(hours=14))


def test_there_is_no_page_for_a_grant_that_is_not(database: Database, settings: Settings, now: datetime) -> None:
    with database.reading() as db:
        assert show_grant(db, uuid4(), now, settings, signed_in_at=None) is None
