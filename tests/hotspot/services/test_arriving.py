"""Which NAS, at which site, and what is known of the device there."""

from datetime import UTC, datetime, timedelta

import pytest

from hotspot.db import Database
from hotspot.errors import NotFound
from hotspot.models import OfferAllowance
from hotspot.services.arriving import (
    find_live_grant,
    find_nas_address,
    find_place,
    find_used_up,
    get_redirect_secret,
    lives_of_devices,
)
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, Refuse
from tests import factories

MAC = factories.DEVICE_MAC


def test_a_nas_is_found_by_vendor_and_identifier(any_database: Database) -> None:
    with any_database.transaction() as db:
        nas = factories.make_nas(db, nas_identifier="nas-a")
        factories.make_nas(db, nas_identifier="nas-a", vendor="mikrotik")
        place = find_place(db, "coovachilli", "nas-a", "")
        assert place is not None
        assert (place.nas_id, place.site_id, place.login_hosts) == (nas.id, nas.site_id, "10.1.0.1:3990")
        assert find_place(db, "coovachilli", "NAS-A", "") is None
        assert find_place(db, "openwrt", "nas-a", "") is None


def test_the_site_is_the_access_points_where_that_is_known(any_database: Database) -> None:
    with any_database.transaction() as db:
        nas, square = factories.make_nas(db), factories.make_site(db)
        known = factories.make_access_point(db, nas=nas, site=square)
        factories.make_access_point(db, called_station_id="elsewhere")
        sites = [
            place.site_id
            for called in (known.called_station_id, "elsewhere", "")
            if (place := find_place(db, nas.vendor, nas.nas_identifier, called))
        ]
        assert sites == [square.id, nas.site_id, nas.site_id]


def test_a_redirect_secret_is_there_or_not_or_of_nobody(database: Database) -> None:
    with database.transaction() as db:
        with_secret, without = factories.make_nas(db), factories.make_nas(db, redirect_secret=None)
        assert get_redirect_secret(db, with_secret.id) == with_secret.redirect_secret_sealed
        assert get_redirect_secret(db, without.id) is None
        assert find_nas_address(db, without.id) == ("coovachilli", "10.1.0.1:3990")
        assert find_nas_address(db, 999) is None
        with pytest.raises(NotFound):
            get_redirect_secret(db, 999)


def test_only_a_grant_with_something_left_is_live(any_database: Database, settings: Settings, now: datetime) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        lived = factories.make_grant(db, site=site, created_at=now - timedelta(hours=3), ends_at=now)
        used_up = factories.make_grant(db, site=site, created_at=now, time_allowed=timedelta(minutes=5))
        factories.make_wifi_session(db, grant=used_up, session_seconds=300)
        assert find_live_grant(db, MAC, site.id, now, settings) is None

        live = factories.make_grant(db, site=site, created_at=now - timedelta(minutes=1))
        assert find_live_grant(db, MAC, site.id, now, settings) is live
        assert find_live_grant(db, "020000000009", site.id, now, settings) is None
        assert find_live_grant(db, MAC, factories.make_site(db).id, now, settings) is None
        assert lived.id != live.id


def test_what_is_used_up_is_told_where_nothing_else_has_ended_it(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        assert find_used_up(db, MAC, site.id, now, settings) is None
        factories.make_grant(db, site=site, created_at=now - timedelta(hours=3), ends_at=now)
        assert find_used_up(db, MAC, site.id, now, settings) is None
        offer = factories.make_offer(
            db, site=site, allowances=[OfferAllowance(period=Period.WEEK, download_octets=1000)]
        )
        grant = factories.make_grant(db, offer=offer)
        factories.make_wifi_session(db, grant=grant, download_octets=1000)
        monday = datetime(2026, 3, 15, 23, tzinfo=UTC)
        assert find_used_up(db, MAC, site.id, now, settings) == Refuse(RefusalReason.VOLUME_USED_UP, again_at=monday)


def test_each_device_with_a_grant_that_lasts_is_listed_once(any_database: Database) -> None:
    with any_database.transaction() as db:
        for hours in (1, 3, 2):
            factories.make_grant(db, ends_at=factories.NOW + timedelta(hours=hours))
        factories.make_grant(
            db,
            device_mac="020000000002",
            created_at=factories.NOW - timedelta(hours=2),
            ends_at=factories.NOW,
        )
        assert lives_of_devices(db, factories.NOW) == {MAC: timedelta(hours=3)}
