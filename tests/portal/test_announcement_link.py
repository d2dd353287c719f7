"""Where an announcement leads: said first, counted once, and only for who has seen it to its end."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import Announcement, Site
from hotspot.portal_links import announcement_token
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests import factories
from tests.announcements import LINK
from tests.page_client import Page, PageClient
from tests.portal.announcement_town import Square, make_square
from tests.portal.conftest import FRENCH, Clock, Town


@pytest.fixture
def square(
    pages: PageClient, database: Database, town: Town, redis: "Redis", clock: Clock, settings: Settings
) -> Square:
    return make_square(pages, database, town, redis, clock, settings)


def address_of_link(square: Square) -> str:
    return f"/announcement/{announcement_token(factories.VAULT, square.turns()[-1].id)}/link"


def lead_to(square: Square, link: str) -> None:
    with square.database.transaction() as db:
        db.scalars(select(Announcement)).one().link = link


@pytest.fixture
def page(square: Square) -> Page:
    """That says where the link leads."""
    square.come_in()
    visit = square.pages.get(square.visit(), headers=FRENCH)
    return square.pages.get(visit.link("Le pain du pont → boulangerie.example"), headers=FRENCH)


def test_the_page_of_the_visit_leads_to_the_page_that_says_where_it_goes(page: Page) -> None:
    assert page.h1 == "Vous allez quitter cette page pour un autre site"
    assert LINK in page.text
    assert "Boulangerie du Pont" in page.text


def test_looking_at_it_counts_nothing(square: Square, page: Page) -> None:
    square.pages.get(page.path)
    square.pages.client.head(page.path)
    assert square.counted() == (1, 1, 0)


def test_its_button_counts_once_and_leads_there_each_time(square: Square, page: Page) -> None:
    form = page.form(page.path.partition("?")[0])
    for _ in range(3):
        answer = square.pages.submit(form)
        assert (answer.status, answer.location) == (HTTPStatus.SEE_OTHER, LINK)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in answer.headers
    assert square.counted() == (1, 1, 1)


@pytest.mark.parametrize(
    ("link", "allowed"),
    [(LINK, "form-action 'self' https:"), ("http://boulangerie.example", "form-action 'self' http: https:")],
)
def test_the_policy_lets_the_form_end_there(square: Square, page: Page, link: str, allowed: str) -> None:
    lead_to(square, link)
    assert square.pages.get(page.path).policy.endswith(allowed)


def test_no_other_page_may_end_there(square: Square) -> None:
    assert "form-action 'self' http://10.1.0.1:3990" in square.sign_in().policy


def test_it_leads_back_to_the_visit(square: Square, page: Page) -> None:
    assert square.pages.get(page.link("Rester ici\u202f: retour à la page de votre visite")).status == HTTPStatus.OK


def test_before_it_was_seen_to_its_end_there_is_no_link(square: Square) -> None:
    square.sign_in()
    address = address_of_link(square)
    assert square.pages.get(address).status == HTTPStatus.NOT_FOUND
    assert square.pages.post(address).status == HTTPStatus.NOT_FOUND
    assert square.counted() == (1, 0, 0)


@pytest.mark.parametrize(
    "token", ["x", "A" * 60, announcement_token(factories.VAULT, uuid4())], ids=["rubbish", "long", "no such turn"]
)
def test_a_forged_or_unknown_token_leads_nowhere(square: Square, token: str) -> None:
    for ask in (square.pages.get, square.pages.post):
        assert ask(f"/announcement/{token}/link").status == HTTPStatus.NOT_FOUND
    assert square.counted() == (0, 0, 0)


def test_the_link_of_a_paused_campaign_leads_nowhere_any_more(square: Square, page: Page) -> None:
    square.pause()
    assert square.pages.get(page.path).status == HTTPStatus.NOT_FOUND
    assert square.pages.post(page.path).status == HTTPStatus.NOT_FOUND
    assert "boulangerie.example" not in square.pages.get(square.visit()).text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a@b.example/"])
def test_what_is_no_web_address_is_never_followed(square: Square, page: Page, link: str) -> None:
    lead_to(square, link)
    assert square.pages.get(page.path).status == HTTPStatus.NOT_FOUND
    assert square.pages.post(page.path).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("free", [{"kind": SiteKind.LIBRARY}, {"is_wifi4eu": True}], ids=["library", "WiFi4EU"])
def test_at_a_site_that_became_free_meanwhile_nothing_is_said_of_it(
    square: Square, page: Page, free: dict[str, Any]
) -> None:
    with square.database.transaction() as db:
        for name, value in free.items():
            setattr(db.get_one(Site, square.town.site_id), name, value)
    assert "Le pain du pont" not in square.pages.get(square.visit(), headers=FRENCH).text
    for method in ("GET", "POST"):
        assert square.pages.client.open(page.path, method=method).status_code == HTTPStatus.NOT_FOUND
    assert square.counted() == (1, 1, 0)


def test_an_announcement_without_a_link_has_none(square: Square) -> None:
    lead_to(square, "")
    square.come_in()
    assert "L’annonce que vous avez vue" not in square.pages.get(square.visit(), headers=FRENCH).text


def test_an_address_in_any_alphabet_is_led_to(square: Square, page: Page) -> None:
    lead_to(square, "https://boulangerie-française.example/pâques")
    answer = square.pages.post(page.path)
    assert answer.location.isascii()
    assert square.pages.get(page.path).status == HTTPStatus.OK


def test_a_link_that_is_followed_much_later_still_counts_for_its_day(square: Square, page: Page) -> None:
    square.clock.now += timedelta(hours=20)
    square.pages.post(page.path)
    assert square.counted() == (1, 1, 1)
