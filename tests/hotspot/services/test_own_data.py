"""What a visit is told of what is kept about it: its own, masked, with the day on which each part goes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import AnnouncementView, Grant
from hotspot.sealing import Vault
from hotspot.services.own_data import OwnData, show_own_data
from hotspot.settings import Settings
from hotspot.values import Way
from tests import factories

MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)


def shown(db: Session, grant: Grant, now: datetime, settings: Settings, vault: Vault) -> OwnData:
    found = show_own_data(db, grant.id, now, settings, vault)
    assert found is not None
    return found


def view(db: Session, grant: Grant, at: datetime, **overrides: Any) -> None:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "site_id": grant.site_id,
        "grant_id": grant.id,
        "device_mac": grant.device_mac,
        "day": at.date(),
        "shown_at": at,
        "ready_at": at,
    }
    db.add(AnnouncementView(**fields | overrides))
    db.flush()


def test_it_has_the_connections_of_this_visit_and_of_no_other(
    any_database: Database, now: datetime, settings: Settings, vault: Vault
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db)
        nas = factories.make_nas(db, site=grant.site)
        factories.make_access_point(db, nas=nas, called_station_id="02aa00000001", name="Reading room")
        factories.make_wifi_session(
            db,
            grant=grant,
            nas=nas,
            ended_at=now + 5 * MINUTE,
            session_seconds=300,
            upload_octets=7,
            download_octets=8,
            framed_ip="10.1.0.2",
            called_station_id="02-AA-00-00-00-01:Town Wi-Fi",
        )
        factories.make_wifi_session(db, grant=grant, nas=nas, started_at=now + 6 * MINUTE)
        factories.make_wifi_session(db, grant=factories.make_grant(db, site=grant.site))
        first, second = shown(db, grant, now + 9 * MINUTE, settings, vault).connections
        assert (first.time_online, first.upload_octets, first.download_octets) == (5 * MINUTE, 7, 8)
        assert (first.local_address, first.access_point) == ("10.1.0.2", "Reading room")
        assert first.erased_at == now + 5 * MINUTE + YEAR
        assert (second.ended_at, second.erased_at) == (None, None)


def test_the_visit_goes_when_its_last_connection_does(
    database: Database, now: datetime, settings: Settings, vault: Vault
) -> None:
    with database.transaction() as db:
        grant = factories.make_grant(db)
        assert shown(db, grant, now, settings, vault).erased_at == grant.ends_at + YEAR
        factories.make_wifi_session(db, grant=grant, ended_at=grant.ends_at + MINUTE)
        assert shown(db, grant, now, settings, vault).erased_at == grant.ends_at + MINUTE + YEAR


def test_how_long_is_a_setting(database: Database, now: datetime, settings: Settings, vault: Vault) -> None:
    shorter = settings.model_copy(update={"connection_data_life": timedelta(days=90)})
    with database.transaction() as db:
        grant = factories.make_grant(db)
        assert shown(db, grant, now, shorter, vault).erased_at == grant.ends_at + timedelta(days=90)


@pytest.mark.parametrize(
    ("way", "contact", "masked"),
    [
        (Way.EMAIL_CODE, "camille.martin@example.org", "c…@example.org"),
        (Way.SPONSOR, "Camille Martin (hote@ville.fr)", ""),
        (Way.OPENID_CONNECT, "franceconnect 123", ""),
    ],
)
def test_no_contact_is_shown_whole(
    database: Database, now: datetime, settings: Settings, vault: Vault, way: Way, contact: str, masked: str
) -> None:
    with database.transaction() as db:
        visitor = factories.make_visitor(db, way=way, contact_sealed=vault.seal(contact))
        grant = factories.make_grant(db, visitor=visitor, way=way)
        assert shown(db, grant, now, settings, vault).contact == masked


def test_a_number_is_masked_too(database: Database, now: datetime, settings: Settings, vault: Vault) -> None:
    with database.transaction() as db:
        visitor = factories.make_visitor(db, way=Way.SMS_CODE, contact_sealed=vault.seal("+33612345678"))
        contact = shown(db, factories.make_grant(db, visitor=visitor), now, settings, vault).contact
        assert contact
        assert "612345" not in contact.replace(" ", "").replace("\xa0", "")


def test_neither_card_number_nor_name_is_in_it(
    database: Database, now: datetime, settings: Settings, vault: Vault
) -> None:
    with database.transaction() as db:
        patron = factories.make_patron(db)
        said = repr(shown(db, factories.make_grant(db, patron=patron), now, settings, vault))
        assert patron.card_number not in said
        assert patron.name not in said


def test_it_has_the_announcements_of_two_days(
    any_database: Database, now: datetime, settings: Settings, vault: Vault
) -> None:
    with any_database.transaction() as db:
        grant = factories.make_grant(db)
        view(db, grant, now - timedelta(days=2))
        view(db, grant, now, completed_at=now)
        view(db, grant, now, grant_id=None)
        (seen,) = shown(db, grant, now + MINUTE, settings, vault).announcements
        assert (seen.to_the_end, seen.was_followed, seen.title) == (True, False, "")
        assert seen.erased_at == now + timedelta(days=2)


def test_a_request_for_a_pass_is_said_with_its_two_days(
    database: Database, now: datetime, settings: Settings, vault: Vault
) -> None:
    with database.transaction() as db:
        grant = factories.make_grant(db, way=Way.EMAIL_CODE)
        factories.make_pass_request(db, grant_id=grant.id, contact_sealed=vault.seal("camille@example.org"))
        kept = shown(db, grant, now, settings, vault)
        assert kept.request_erased_at == now + timedelta(days=2)
        assert kept.contact == "c…@example.org"


def test_of_no_visit_nothing_is_kept(database: Database, now: datetime, settings: Settings, vault: Vault) -> None:
    with database.reading() as db:
        assert show_own_data(db, uuid4(), now, settings, vault) is None
