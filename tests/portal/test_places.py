"""The page of a place: its hours, its ways in, its contact."""

from datetime import date, time
from http import HTTPStatus

import pytest

from hotspot.db import Database
from hotspot.models import OpeningException, OpeningInterval, Site
from tests import factories
from tests.page_client import PageClient
from tests.portal.conftest import ENGLISH, Clock, Town
from tests.portal.visit import plain


def test_it_says_when_it_is_open_and_how_to_connect(pages: PageClient, town: Town) -> None:
    page = pages.get(f"/places/{town.site_id}")
    text = plain(page)
    assert (page.status, page.h1) == (HTTPStatus.OK, town.site_name)
    assert "Ouvert jusqu’à 19 h 00" in text
    assert "mardi · aujourd’hui 9 h 00 – 19 h 00" in text
    assert "dimanche fermé" in text
    assert "Avec votre carte de bibliothèque" in text
    assert "wifi@commune.test" in text


def test_coming_days_unlike_the_others_are_listed_those_of_the_past_are_not(
    pages: PageClient, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.site_id).opening_exceptions = [
            OpeningException(day=date(2026, 3, 9)),
            OpeningException(day=date(2026, 3, 20)),
            OpeningException(day=date(2026, 3, 21), opens_at=time(14), closes_at=time(16)),
            OpeningException(day=date(2026, 12, 25)),
        ]
    text = plain(pages.get(f"/places/{town.site_id}"))
    assert "vendredi 20 mars fermé" in text
    assert "samedi 21 mars 14 h 00 – 16 h 00" in text
    assert "lundi 9 mars" not in text
    assert "25 décembre" not in text


def test_a_place_without_hours_is_always_open(pages: PageClient, database: Database) -> None:
    with database.transaction() as db:
        number = factories.make_site(db).id
    page = pages.get(f"/places/{number}", headers=ENGLISH)
    assert "Open day and night" in page.root.one("main").text


def test_a_whole_day_is_said_as_one(pages: PageClient, database: Database) -> None:
    with database.transaction() as db:
        whole = [OpeningInterval(weekday=0, opens_at=time(), closes_at=time())]
        number = factories.make_site(db, opening_intervals=whole).id
    assert "lundi toute la journée" in plain(pages.get(f"/places/{number}"))


def test_its_own_page_is_linked_if_it_is_one(pages: PageClient, database: Database, town: Town, clock: Clock) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.site_id).web_page = "https://bibliotheque.example/parc"
        other = factories.make_site(db, web_page="javascript:alert(1)").id
    assert pages.get(f"/places/{town.site_id}").link("Le site web du lieu") == "https://bibliotheque.example/parc"
    assert "javascript" not in pages.get(f"/places/{other}").html


@pytest.mark.parametrize("number", ["0", "-1", "999999", "99999999999999999999", "x", "1%00", "٣"])
def test_there_is_no_page_of_a_place_that_is_not(pages: PageClient, town: Town, number: str) -> None:
    assert pages.get(f"/places/{number}").status == HTTPStatus.NOT_FOUND
