"""What is kept about a visit, on a page and as a file; the person's other devices on the page of the visit."""

from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import Patron, SessionWish
from hotspot.settings import Settings
from hotspot.values import Way
from tests import factories
from tests.page_client import PageClient
from tests.portal.conftest import Town
from tests.portal.visit import Visit, plain

MINUTE = timedelta(minutes=1)
TABLET = "020000000002"


@pytest.fixture
def visit(pages: PageClient, database: Database, settings: Settings, town: Town) -> Visit:
    return Visit(pages, database, settings, town)


def test_the_page_of_a_visit_leads_to_what_is_kept(pages: PageClient, visit: Visit) -> None:
    address = visit.begin()
    visit.session(download_octets=84_000_000, ended_at=factories.NOW + MINUTE, framed_ip="10.1.0.2")
    kept = pages.get(pages.get(address).link("Ce qui est conservé sur cette visite"))
    text = plain(kept)
    assert kept.h1 == "Ce qui est conservé sur cette visite"
    for said in ("02:00:00:00:00:01", "84 Mo", "10.1.0.2", "10 mars 2027", "wifi@commune.test"):
        assert said in text
    assert pages.get(kept.link("Revenir à votre visite")).h1


def test_it_speaks_the_language_of_the_sign_in(pages: PageClient, visit: Visit) -> None:
    page = pages.get(visit.begin(language="en") + "/data")
    assert (page.language, page.h1) == ("en", "What is kept about this visit")


@pytest.mark.parametrize("way", Way)
def test_each_way_in_has_its_words(pages: PageClient, visit: Visit, way: Way) -> None:
    assert pages.get(visit.begin(way=way) + "/data").status == HTTPStatus.OK


def test_the_file_says_the_same(pages: PageClient, visit: Visit) -> None:
    address = visit.begin()
    visit.session(
        download_octets=8, upload_octets=7, session_seconds=60, ended_at=factories.NOW + MINUTE, framed_ip="10.1.0.2"
    )
    page = pages.get(f"{address}/data.json")
    assert page.headers["Content-Disposition"] == 'attachment; filename="wifi-visit.json"'
    assert page.headers["Cache-Control"] == "no-store"
    file = page.response.get_json()
    assert file["device"]["address"] == "02:00:00:00:00:01"
    assert file["visit"]["began_at"] == "2026-03-10T09:00:00Z"
    assert file["connections"] == [
        {
            "started_at": "2026-03-10T09:00:00Z",
            "ended_at": "2026-03-10T09:01:00Z",
            "seconds": 60,
            "upload_octets": 7,
            "download_octets": 8,
            "local_address": "10.1.0.2",
            "place": visit.town.site_name,
            "access_point": None,
            "erased_at": "2027-03-10T09:01:00Z",
        }
    ]


def test_no_card_number_is_in_either(pages: PageClient, visit: Visit, database: Database, town: Town) -> None:
    with database.transaction() as db:
        patron = db.scalars(select(Patron)).one()
    address = visit.begin(patron=patron, way=Way.LIBRARY_CARD)
    for each in ("/data", "/data.json"):
        answer = pages.get(address + each)
        assert answer.status == HTTPStatus.OK
        assert town.card_number not in answer.html
        assert patron.name not in answer.html


@pytest.mark.parametrize("part", ["/data", "/data.json"])
@pytest.mark.parametrize(
    "token", ["x", "%00", factories.VAULT.stamp("online", uuid4().bytes)], ids=["rubbish", "nul", "no such visit"]
)
def test_nobody_sees_what_is_kept_of_another(pages: PageClient, town: Town, token: str, part: str) -> None:
    assert pages.get(f"/online/{token}{part}").status == HTTPStatus.NOT_FOUND


def test_another_device_of_the_person_is_signed_out_from_here(
    pages: PageClient, visit: Visit, database: Database
) -> None:
    with database.transaction() as db:
        patron = db.scalars(select(Patron)).one()
        tablet = factories.make_grant(db, device_mac=TABLET, patron=patron)
        factories.make_wifi_session(db, grant=tablet)
        place = tablet.site.name
    address = visit.begin(patron=patron)
    page = pages.get(address)
    assert f"{place}, depuis 10 h 00" in plain(page)
    answer = pages.submit(page.form(f"{address}/sign-out-other"))
    assert (answer.status, answer.location.partition("#")[2]) == (HTTPStatus.SEE_OTHER, "others")
    assert "Déconnexion en cours" in plain(pages.get(address))


@pytest.mark.parametrize(
    "connection", ["", "x", "%00", str(uuid4()), None], ids=["nothing", "rubbish", "nul", "none of them", "not said"]
)
def test_nothing_is_signed_out_by_what_is_no_connection_of_the_person(
    pages: PageClient, visit: Visit, database: Database, connection: str | None
) -> None:
    with database.transaction() as db:
        stranger = factories.make_wifi_session(db, grant=factories.make_grant(db, device_mac=TABLET)).id
        patron = db.scalars(select(Patron)).one()
    address = visit.begin(patron=patron)
    named = str(stranger) if connection is None else connection
    assert pages.post(f"{address}/sign-out-other", {"connection": named}).status == HTTPStatus.SEE_OTHER
    with database.reading() as db:
        assert not db.scalars(select(SessionWish)).all()


def test_a_guest_sees_no_other_device(pages: PageClient, visit: Visit, database: Database) -> None:
    with database.transaction() as db:
        factories.make_wifi_session(db, grant=factories.make_grant(db, device_mac=TABLET))
    assert "Vos autres appareils" not in plain(pages.get(visit.begin()))
