"""The pages around a visit while Redis or the database is away: a named answer, and nothing half written."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from redis import Redis

from hotspot.db import Database, open_database
from hotspot.portal_links import Preview, announcement_token, picture_token, preview_url
from hotspot.settings import Settings
from portal import create_app
from tests import factories
from tests.fixtures.redis import redis_that_is_away
from tests.page_client import PageClient
from tests.portal.announcement_town import Square, make_square
from tests.portal.conftest import Clock, Town


@pytest.fixture
def square(
    pages: PageClient, database: Database, town: Town, redis: "Redis", clock: Clock, settings: Settings
) -> Square:
    made = make_square(pages, database, town, redis, clock, settings)
    made.come_in()
    return made


def requests_to(square: Square) -> list[tuple[str, str]]:
    """Everything that a visitor can ask for besides signing in."""
    visit, vault = square.visit(), factories.VAULT
    link = f"/announcement/{announcement_token(vault, square.turns()[-1].id)}/link"
    preview = Preview(1, square.town.site_id, timedelta(seconds=10), True, square.clock.now)
    return [
        *(("GET", visit + part) for part in ("", "/data", "/data.json", "/announcement")),
        *(("POST", visit + part) for part in ("/announcement", "/survey", "/sign-out", "/sign-out-other")),
        *((method, link) for method in ("GET", "POST")),
        ("GET", f"/announcement/image/{picture_token(vault, 1)}"),
        ("GET", preview_url(square.settings, vault, preview, "fr").removeprefix(square.settings.public_portal)),
        ("GET", f"/places/{square.town.site_id}"),
        ("GET", f"/through/{square.town.nas_id}"),
        ("GET", visit.replace("/online/", "/api/captive/")),
        ("GET", f"/api/captive/{square.town.nas_identifier}/02-00-00-00-00-01"),
    ]


def statuses(square: Square, database: Database, redis: "Redis") -> set[int]:
    asked = requests_to(square)
    client = create_app(square.settings, database=database, redis=redis, clock=square.clock).test_client()
    return {client.open(address, method=method).status_code for method, address in asked}


def test_without_the_database_every_page_says_that_it_is_away(square: Square) -> None:
    away = square.settings.model_copy(update={"database_url": "sqlite:////nowhere/parvis.sqlite3"})
    nowhere = open_database(away)
    assert statuses(square, nowhere, square.redis) == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert square.counted() == (1, 1, 0)


def test_without_redis_every_page_answers(square: Square) -> None:
    away = redis_that_is_away()
    allowed = {HTTPStatus.OK, HTTPStatus.SEE_OTHER, HTTPStatus.SERVICE_UNAVAILABLE}
    assert statuses(square, square.database, away) <= allowed
