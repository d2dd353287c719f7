"""With a host: the visitor waits, the host answers on a page of the portal, the visitor goes on with one tap."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from hotspot.db import Database
from hotspot.models import OutgoingMail, PassState
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way
from hotspot.wording import explain
from portal import create_app
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town
from tests.portal.pass_town import Passes, able_to_send, make_passes

MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Callable[[], Any]) -> Flask:
    return create_app(able_to_send(settings), database=database, redis=redis, clock=clock)


@pytest.fixture
def passes(pages: PageClient, database: Database, town: Town, redis: "Redis") -> Passes:
    return make_passes(pages, database, town, redis)


@pytest.fixture
def waiting(passes: Passes) -> Page:
    return passes.waiting(Way.SPONSOR)


def says(page: Page, reason: RefusalReason) -> bool:
    return explain(reason, "fr").title in page.text


def is_let_in(page: Page) -> bool:
    return page.status == HTTPStatus.SEE_OTHER and page.location.startswith("http://10.1.0.1:3990/logon?username=")


def answer(passes: Passes, button: str) -> Page:
    return passes.pages.submit(passes.pages.get(passes.link()).form(""), button=button)


YES, NO = "Oui, laisser entrer cette personne", "Non"


def test_the_waiting_page_refreshes_itself_and_can_be_stopped(passes: Passes, waiting: Page) -> None:
    assert waiting.h1 == "Votre hôte a été prévenu"
    assert waiting.headers["Refresh"].startswith("5; url=http://localhost:8080/pass?arrival=")
    still = passes.pages.get(waiting.link("Arrêter"))
    assert "Refresh" not in still.headers
    assert "maire@" not in still.text


def test_the_host_s_page_says_who_where_and_until_when(passes: Passes, waiting: Page) -> None:
    page = passes.pages.get(passes.link())
    text = page.text.replace("\xa0", " ")
    assert all(said in text for said in ("Jeanne Petit", "Médiathèque du Parc", "10 h 00", "à 19 h 00"))
    assert [each.text for each in page.form("").buttons] == [YES, NO]


def test_a_mail_scanner_that_opens_the_link_answers_nothing(passes: Passes, waiting: Page) -> None:
    for method in ("get", "head", "options"):
        getattr(passes.pages.client, method)(passes.link())
    assert passes.the_request().state is PassState.WAITING


@pytest.mark.parametrize("data", [{}, {"answer": ""}, {"answer": "maybe"}])
def test_a_scanner_that_posts_without_the_button_answers_nothing(
    passes: Passes, waiting: Page, data: dict[str, str]
) -> None:
    assert passes.pages.post(passes.link(), data).status == HTTPStatus.BAD_REQUEST
    assert passes.the_request().state is PassState.WAITING


def test_after_a_yes_the_waiting_page_goes_on_with_one_tap(passes: Passes, waiting: Page) -> None:
    assert answer(passes, YES).h1 == "Vous avez donné votre accord"
    page = passes.pages.get(waiting.path)
    assert page.h1 == "Votre hôte est d’accord"
    assert "Refresh" not in page.headers
    assert is_let_in(passes.pages.submit(page.form("/pass/enter")))


def test_before_the_answer_the_button_says_to_wait(passes: Passes, waiting: Page) -> None:
    page = passes.pages.submit(waiting.form("/pass/enter"))
    assert says(page, RefusalReason.NOT_CONFIRMED_YET)
    assert page.status == HTTPStatus.CONFLICT


def test_after_a_no_the_visitor_is_told_and_the_host_sees_it(passes: Passes, waiting: Page) -> None:
    assert answer(passes, NO).h1 == "Vous avez répondu non"
    page = passes.pages.get(waiting.path)
    assert page.h1 == explain(RefusalReason.HOST_REFUSED, "fr").title
    assert page.root.all("form") == []


def test_a_second_answer_changes_nothing_and_says_how_it_stands(passes: Passes, waiting: Page, clock: Clock) -> None:
    form = passes.pages.get(passes.link()).form("")
    passes.pages.submit(form, button=YES)
    clock.now += MINUTE
    page = passes.pages.submit(form, button=NO)
    assert page.h1 == "Vous avez donné votre accord"
    assert "10 h 00" in page.text.replace("\xa0", " ")


def test_a_late_answer_is_told_that_it_is_late(passes: Passes, waiting: Page, clock: Clock) -> None:
    form = passes.pages.get(passes.link()).form("")
    clock.now += 15 * MINUTE
    page = passes.pages.submit(form, button=YES)
    assert (page.status, page.h1) == (HTTPStatus.GONE, "Cette demande n’est plus valable")
    assert passes.the_request().state is PassState.WAITING
    assert passes.pages.get(waiting.path).h1 == explain(RefusalReason.HOST_SILENT, "fr").title


def test_a_host_of_another_domain_is_not_asked(passes: Passes) -> None:
    page = passes.ask(Way.SPONSOR, host="maire@ville.fr.example.org")
    assert says(page, RefusalReason.HOST_NOT_ALLOWED)
    assert passes.count(OutgoingMail) == 0


@pytest.mark.parametrize("name", ["", "x", "http://evil.example", "Jean <b>", "evil.com", "J\r\nBcc: x@y.fr"])
def test_a_name_that_could_trick_a_host_is_asked_for_again(passes: Passes, name: str) -> None:
    page = passes.ask(Way.SPONSOR, visitor_name=name)
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Saisissez votre prénom et votre nom" in page.text
    assert passes.count(OutgoingMail) == 0


def test_both_fields_are_named_when_both_are_wrong(passes: Passes) -> None:
    page = passes.ask(Way.SPONSOR, visitor_name="", host="")
    assert [each["href"] for each in page.root.one(id="notice").all("a")] == ["#visitor_name", "#host"]


def test_a_visitor_who_comes_back_waits_on(passes: Passes, waiting: Page) -> None:
    assert passes.welcome().h1 == "Votre hôte a été prévenu"
