"""Passes that visitors get by themselves, where announcements are shown: none while something is still to be proven."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from hotspot.db import Database
from hotspot.services.sponsoring import answer_as_host
from hotspot.settings import Settings
from hotspot.values import Way
from portal import create_app
from portal.pass_page import codes
from tests.announcements import EVERY
from tests.page_client import Page, PageClient
from tests.portal.announcement_town import MINUTE, Square, is_announcement, is_let_in, make_square
from tests.portal.conftest import FRENCH, Clock, Town
from tests.portal.pass_town import Passes, able_to_send, make_passes


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Callable[[], Any]) -> Flask:
    return create_app(able_to_send(settings), database=database, redis=redis, clock=clock)


@pytest.fixture
def passes(pages: PageClient, database: Database, town: Town, redis: "Redis") -> Passes:
    return make_passes(pages, database, town, redis)


@pytest.fixture
def square(passes: Passes, clock: Clock, settings: Settings) -> Square:
    """Its passes have announcements too."""
    return make_square(passes.pages, passes.database, passes.town, passes.redis, clock, settings)


def type_code(passes: Passes, page: Page) -> Page:
    return passes.pages.submit(page.form("/pass/code"), headers=FRENCH, code=passes.code())


def test_while_a_mail_is_read_there_is_none(square: Square, passes: Passes) -> None:
    assert is_let_in(passes.ask(Way.EMAIL_CODE))
    square.be_online(5 * MINUTE, ends=False)
    visit = passes.pages.get(square.visit(), headers=FRENCH)
    assert "Annonces" not in visit.text
    assert square.turns() == []


def test_once_proven_the_connection_goes_on_for_a_whole_interval(square: Square, passes: Passes) -> None:
    passes.ask(Way.EMAIL_CODE)
    square.be_online(2 * MINUTE, ends=False)
    visit = passes.pages.get(square.visit(), headers=FRENCH)
    path = visit.path + "/code"
    passes.pages.submit(visit.form(path), headers=FRENCH, code=passes.code())
    text = passes.pages.get(square.visit(), headers=FRENCH).text.replace("\xa0", " ")
    assert "La prochaine viendra après 30 minutes de connexion." in text
    assert square.counted() == (0, 0, 0)


def test_a_code_by_sms_leads_to_one(square: Square, passes: Passes) -> None:
    answer = type_code(passes, passes.waiting(Way.SMS_CODE))
    assert is_announcement(answer)
    assert is_let_in(square.watch(passes.pages.follow(answer)))
    assert square.counted() == (1, 1, 0)


def test_a_hosts_yes_leads_to_one(square: Square, passes: Passes, app: Flask) -> None:
    page = passes.waiting(Way.SPONSOR)
    with app.app_context(), passes.database.transaction() as db:
        answer_as_host(db, passes.the_request().id, square.clock.now, codes(), approves=True)
    answer = passes.pages.submit(passes.pages.get(page.path, headers=FRENCH).form("/pass/enter"))
    assert is_announcement(answer)
    assert is_let_in(square.watch(passes.pages.follow(answer)))


def test_after_half_an_hour_of_a_pass_one_is_shown_at_once(square: Square, passes: Passes) -> None:
    square.watch(passes.pages.follow(type_code(passes, passes.waiting(Way.SMS_CODE))))
    square.clock.now += timedelta(seconds=5)
    square.be_online(EVERY)
    assert is_announcement(square.arrive())
