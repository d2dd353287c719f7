"""Who is online now."""

from datetime import timedelta

import pytest

from hotspot.db import Database
from hotspot.models import Site, WifiSession, WifiSessionCounter
from hotspot.values import Way
from tests import factories
from tests.hotspot_admin.conftest import Browser, Clock, Town

MAC = "02:00:00:00:00:aa"


@pytest.fixture
def reader(database: Database, town: Town) -> WifiSession:
    """At the library for a quarter of an hour, with a card."""
    with database.transaction() as db:
        library = db.get_one(Site, town.library)
        offer = factories.make_offer(db, site=library, name="Carte de lecteur", way=Way.LIBRARY_CARD)
        patron = factories.make_patron(db, organisation=library.organisation, card_number="25900077")
        factories.make_device(db, MAC, family="android")
        grant = factories.make_grant(db, offer=offer, device_mac="0200000000aa", patron=patron)
        return factories.make_wifi_session(
            db,
            grant=grant,
            started_at=factories.NOW - timedelta(minutes=15),
            upload_octets=1_500_000,
            download_octets=2_340_000_000,
        )


def test_a_session_is_shown_with_site_offer_time_and_volumes(librarian: Browser, reader: WifiSession) -> None:
    row = librarian.get("/online").root.one("tbody").one("tr").text.replace("\xa0", " ")

    for shown in ("Médiathèque", "Carte de lecteur", "Android", "09:45", "15 min", "2,3 Go", "1,5 Mo"):
        assert shown in row


def test_volumes_grow_with_the_next_interim(librarian: Browser, database: Database, reader: WifiSession) -> None:
    with database.transaction() as db:
        db.get_one(WifiSessionCounter, reader.id).download_octets = 4_000_000_000

    assert "4 Go" in librarian.get("/online").text.replace("\xa0", " ")


def test_a_librarian_sees_neither_card_nor_device_address(librarian: Browser, reader: WifiSession) -> None:
    html = librarian.get("/online").html

    assert "25900077" not in html
    assert MAC not in html
    assert reader.user_name not in html


def test_an_administrator_sees_the_device_and_no_card(administrator: Browser, reader: WifiSession) -> None:
    html = administrator.get("/online").html

    assert MAC in html
    assert "25900077" not in html


def test_a_librarian_does_not_see_another_site(librarian: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        square = db.get_one(Site, town.square)
        factories.make_wifi_session(db, grant=factories.make_grant(db, site=square))

    assert "Personne n’est en ligne" in librarian.get("/online").text
    assert "Personne n’est en ligne" in librarian.get(f"/online?site={town.square}").text


def test_an_administrator_looks_at_one_site(administrator: Browser, reader: WifiSession, town: Town) -> None:
    assert "Carte de lecteur" in administrator.get(f"/online?site={town.library}").text
    assert "Personne n’est en ligne" in administrator.get(f"/online?site={town.square}").text


def test_another_organisation_sees_nobody(stranger: Browser, reader: WifiSession, town: Town) -> None:
    assert "Personne n’est en ligne" in stranger.get(f"/online?site={town.library}").text


def test_an_ended_session_is_gone(librarian: Browser, database: Database, reader: WifiSession, clock: Clock) -> None:
    with database.transaction() as db:
        db.get_one(WifiSession, reader.id).ended_at = clock.now

    assert "Personne n’est en ligne" in librarian.get("/online").text


def test_a_session_without_our_class_is_shown_all_the_same(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        nas = factories.make_nas(db, site=db.get_one(Site, town.square), name="Kiosque")
        factories.make_wifi_session(db, nas=nas)

    row = administrator.get("/online").root.one("tbody").one("tr").text

    assert "Kiosque" in row
    assert "Inconnu" in row


def test_the_page_refreshes_itself_unless_asked_not_to(librarian: Browser) -> None:
    refresh = librarian.get("/online").root.all("meta", http_equiv="refresh")

    assert refresh[0]["content"].startswith("15;")
    assert not librarian.get("/online?still=1").root.all("meta", http_equiv="refresh")


@pytest.mark.parametrize("site", ["x", "99999999999999999999", "-1", "%00"])
def test_an_impossible_site_shows_all_or_nobody(librarian: Browser, site: str) -> None:
    assert librarian.get(f"/online?site={site}").status == 200
