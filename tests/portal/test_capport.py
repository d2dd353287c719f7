"""The captive portal API (RFC 8908): by the token of a visit, and by a device's address behind its gateway."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from hotspot.adapters.rate_limit import CAPTIVE_ADDRESS
from hotspot.db import Database
from hotspot.models import Nas, Site
from hotspot.settings import Settings
from hotspot.values import SiteKind
from portal import create_app
from portal.views import capport
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town
from tests.portal.visit import Visit

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
CAPTIVE = {"Accept": "application/captive+json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MAC = "02-00-00-00-00-01"
PLACE = "http://localhost:8080/places/1"


@pytest.fixture
def visit(pages: PageClient, database: Database, settings: Settings, town: Town) -> Visit:
    return Visit(pages, database, settings, town)


@pytest.fixture
def square(database: Database, town: Town) -> None:
    """Libraries show no announcement."""
    with database.transaction() as db:
        db.get_one(Site, town.site_id).kind = SiteKind.SQUARE


def state(page: Page) -> dict[str, Any]:
    assert page.status == HTTPStatus.OK
    assert page.headers["Content-Type"] == "application/captive+json"
    assert page.headers["Cache-Control"] == "private, no-cache"
    answer: dict[str, Any] = page.response.get_json(force=True)
    return answer


def ask(pages: PageClient, address: str) -> dict[str, Any]:
    return state(pages.get(address.replace("/online/", "/api/captive/"), headers=CAPTIVE))


def ask_by_address(pages: PageClient, nas: str, mac: str = MAC) -> dict[str, Any]:
    return state(pages.get(f"/api/captive/{nas}/{mac}", headers=CAPTIVE))


# ---- by the token of a visit ----


def test_a_device_online_learns_all_that_is_left(pages: PageClient, visit: Visit, settings: Settings) -> None:
    address = visit.begin(octets_allowed=1000)
    visit.session(download_octets=100)
    assert ask(pages, address) == {
        "captive": False,
        "user-portal-url": settings.public_portal + address,
        "venue-info-url": PLACE,
        "seconds-remaining": 7200,
        "bytes-remaining": 900,
        "can-extend-session": False,
    }


def test_its_numbers_are_whole_and_its_answers_are_true_or_false(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(octets_allowed=1000)
    clock.now += timedelta(seconds=1, microseconds=7)
    answer = ask(pages, address)
    assert answer["seconds-remaining"] == 7198
    assert [type(answer[key]) for key in ("seconds-remaining", "bytes-remaining")] == [int, int]
    assert (answer["captive"], answer["can-extend-session"]) == (False, False)


def test_of_a_limit_on_one_direction_the_device_is_never_told_too_much(pages: PageClient, visit: Visit) -> None:
    address = visit.begin(octets_allowed=1000, upload_octets_allowed=300)
    visit.session(download_octets=100, upload_octets=50)
    assert ask(pages, address)["bytes-remaining"] == 250


def test_without_a_limit_no_bytes_are_counted(pages: PageClient, visit: Visit) -> None:
    assert "bytes-remaining" not in ask(pages, visit.begin())


def test_an_announcement_that_comes_first_can_be_seen_ahead(pages: PageClient, visit: Visit, square: None) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    visit.see_announcement(at=factories.NOW - 10 * MINUTE)
    visit.session(session_seconds=600)
    answer = ask(pages, address)
    assert (answer["seconds-remaining"], answer["can-extend-session"]) == (1200, True)


@pytest.mark.parametrize(
    "overrides",
    [{"time_allowed": 20 * MINUTE}, {"ends_at": factories.NOW + 20 * MINUTE}],
    ids=["time", "end"],
)
def test_what_no_announcement_lengthens_is_not_called_extensible(
    pages: PageClient, visit: Visit, square: None, overrides: dict[str, Any]
) -> None:
    address = visit.begin(announcement_every=HOUR / 2, **overrides)
    visit.see_announcement()
    answer = ask(pages, address)
    assert (answer["seconds-remaining"], answer["can-extend-session"]) == (1200, False)


def test_what_is_about_to_end_is_said_beside_the_registered_keys(
    pages: PageClient, visit: Visit, square: None, clock: Clock
) -> None:
    address = visit.begin(announcement_every=HOUR / 2, octets_allowed=1000)
    visit.see_announcement(at=factories.NOW - 29 * MINUTE)
    visit.session(session_seconds=29 * 60, download_octets=950)
    assert ask(pages, address)["warnings"] == [
        {"reason": "announcement_due", "seconds": 60},
        {"reason": "volume_used_up", "bytes": 50},
    ]
    clock.now += timedelta(minutes=115)
    assert {"reason": "grant_ended", "seconds": 300} in ask(pages, address)["warnings"]


def test_a_device_that_never_came_to_its_access_point_is_captive(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin()
    assert ask(pages, address)["captive"] is False
    clock.now += 5 * MINUTE
    assert ask(pages, address)["captive"] is True
    visit.session()
    assert ask(pages, address)["captive"] is False


def test_a_device_that_is_yet_to_see_its_announcement_is_captive(pages: PageClient, visit: Visit, square: None) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    assert ask(pages, address)["captive"] is True
    visit.see_announcement()
    assert ask(pages, address)["captive"] is False


def test_a_session_that_an_announcement_has_ended_is_captive(pages: PageClient, visit: Visit, square: None) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    visit.see_announcement()
    visit.session(session_seconds=1800, ended_at=factories.NOW + HOUR / 2)
    assert ask(pages, address)["captive"] is True


def test_of_a_visit_that_is_over_only_the_way_back_is_said(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(octets_allowed=1000)
    clock.now += 2 * HOUR
    assert ask(pages, address).keys() == {"captive", "user-portal-url", "venue-info-url"}
    assert ask(pages, address)["captive"] is True


def test_the_place_may_have_a_page_of_its_own(pages: PageClient, visit: Visit, database: Database, town: Town) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.site_id).web_page = "https://bibliotheque.example/parc"
    assert ask(pages, visit.begin())["venue-info-url"] == "https://bibliotheque.example/parc"


def test_nothing_but_a_web_address_is_a_page_of_the_place(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.site_id).web_page = "javascript:alert(1)"
    assert ask(pages, visit.begin())["venue-info-url"] == PLACE


@pytest.mark.parametrize(
    "token",
    [
        "",
        "/forged",
        "/" + "x" * 4000,
        "/%00",
        "/%ff%fe",
        "/" + factories.VAULT.stamp("online", UUID(int=7).bytes),
        "/" + factories.VAULT.stamp("announcement", UUID(int=7).bytes),
        "/" + factories.VAULT.stamp("online", b"short"),
    ],
    ids=["none", "rubbish", "huge", "nul", "no text", "no such grant", "signed for another use", "too short"],
)
def test_of_whoever_we_do_not_know_nothing_is_said(
    pages: PageClient, settings: Settings, town: Town, token: str
) -> None:
    assert ask(pages, f"/api/captive{token}") == {"captive": True, "user-portal-url": settings.public_portal + "/"}


def test_a_browser_is_led_to_the_page(pages: PageClient, visit: Visit, settings: Settings) -> None:
    address = visit.begin()
    page = pages.get(address.replace("/online/", "/api/captive/"), headers=BROWSER)
    assert (page.status, page.location) == (HTTPStatus.SEE_OTHER, settings.public_portal + address)
    page = pages.get("/api/captive", headers=BROWSER)
    assert (page.status, page.location) == (HTTPStatus.SEE_OTHER, settings.public_portal + "/")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png", "", "rubbish;;q=x"])
def test_whatever_else_is_accepted_the_answer_is_the_state(pages: PageClient, visit: Visit, accept: str) -> None:
    page = pages.get(visit.begin().replace("/online/", "/api/captive/"), headers={"Accept": accept})
    assert state(page)["captive"] is False


def test_a_head_is_answered_without_a_body(pages: PageClient, visit: Visit) -> None:
    answer = pages.client.head(visit.begin().replace("/online/", "/api/captive/"), headers=CAPTIVE)
    assert (answer.status_code, answer.get_data()) == (HTTPStatus.OK, b"")
    assert answer.mimetype == "application/captive+json"


def test_nothing_is_sent_to_the_api(pages: PageClient, visit: Visit) -> None:
    assert pages.post("/api/captive").status == HTTPStatus.METHOD_NOT_ALLOWED


def test_addresses_are_those_of_the_settings_whatever_the_request_says(
    pages: PageClient, visit: Visit, settings: Settings
) -> None:
    headers = CAPTIVE | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = state(pages.get(visit.begin().replace("/online/", "/api/captive/"), headers=headers))
    assert answer["user-portal-url"].startswith(settings.public_portal)
    assert answer["venue-info-url"].startswith(settings.public_portal)


# ---- by a device's address ----


def test_a_device_that_is_announced_its_own_address_learns_how_long(
    pages: PageClient, visit: Visit, town: Town, settings: Settings
) -> None:
    visit.begin(octets_allowed=1000)
    visit.session(download_octets=950)
    assert ask_by_address(pages, town.nas_identifier) == {
        "captive": False,
        "user-portal-url": f"{settings.public_portal}/through/{town.nas_id}",
        "venue-info-url": PLACE,
        "seconds-remaining": 7200,
        "can-extend-session": False,
    }


@pytest.mark.parametrize("mac", ["02:00:00:00:00:01", "020000000001", "0200.0000.0001"])
def test_the_address_may_be_written_in_any_way(pages: PageClient, visit: Visit, town: Town, mac: str) -> None:
    visit.begin()
    assert ask_by_address(pages, town.nas_identifier, mac)["captive"] is False


def test_the_page_of_a_visit_is_not_given_to_whoever_knows_an_address(
    pages: PageClient, visit: Visit, town: Town
) -> None:
    token = visit.begin().removeprefix("/online/")
    page = pages.get(f"/api/captive/{town.nas_identifier}/{MAC}", headers=CAPTIVE)
    assert token not in page.response.get_data(as_text=True)
    assert token not in pages.get(f"/api/captive/{town.nas_identifier}/{MAC}", headers=BROWSER).location


def test_a_device_that_is_not_online_and_one_that_is_none_are_alike(
    pages: PageClient, visit: Visit, town: Town, clock: Clock
) -> None:
    visit.begin()
    clock.now += 3 * HOUR
    over = ask_by_address(pages, town.nas_identifier)
    assert over == ask_by_address(pages, town.nas_identifier, "02-00-00-00-00-99")
    assert over == ask_by_address(pages, town.nas_identifier, "no address")
    assert over["captive"] is True


def test_a_visit_at_another_gateway_is_not_told_here(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        other = factories.make_nas(db, site=db.get_one(Site, town.site_id)).nas_identifier
    visit.begin()
    assert ask_by_address(pages, other)["captive"] is True


def test_a_device_that_has_moved_to_another_gateway_is_online_there(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    visit.begin()
    with database.transaction() as db:
        other = factories.make_nas(db, site=db.get_one(Site, town.site_id))
        factories.make_wifi_session(db, grant=db.merge(visit.grant), nas=other)
    assert ask_by_address(pages, other.nas_identifier)["captive"] is False


@pytest.mark.parametrize(
    "path",
    [
        "nobody/" + MAC,
        "%00/" + MAC,
        "x" * 3000 + "/" + MAC,
        "a/b/c/" + MAC,
        "%ff/" + MAC,
        "'; DROP TABLE nases; --/" + MAC,
        "..%2f..%2fetc/passwd",
        "%25%7Bn%7D/%25%7Bm%7D",
        "nobody/" + "0" * 4000,
        "nobody/%E0%A4%A",
    ],
    ids=["unknown", "nul", "huge", "deep", "no text", "sql", "path", "not expanded", "huge address", "cut off"],
)
def test_what_no_gateway_would_announce_is_captive(
    pages: PageClient, town: Town, settings: Settings, path: str
) -> None:
    answer = state(pages.get(f"/api/captive/{path}", headers=CAPTIVE))
    assert answer == {"captive": True, "user-portal-url": settings.public_portal + "/"}


def test_a_gateway_whose_name_has_a_slash_is_found(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    visit.begin()
    with database.transaction() as db:
        db.get_one(Nas, town.nas_id).nas_identifier = "mairie/étage 1"
    assert ask_by_address(pages, "mairie%2F%C3%A9tage%201")["captive"] is False


def test_whoever_tries_many_addresses_is_held_up(
    pages: PageClient, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capport, "CAPTIVE_ADDRESS", replace(CAPTIVE_ADDRESS, at_most=3))
    address = f"/api/captive/{town.nas_identifier}/02-00-00-00-00-99"
    answers = [pages.get(address, headers=CAPTIVE) for _ in range(4)]
    assert [each.status for each in answers] == [HTTPStatus.OK] * 3 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert 0 < int(answers[3].headers["Retry-After"]) <= 601
    assert answers[3].response.get_data() == b""


def test_who_is_online_may_ask_as_often_as_it_likes(
    pages: PageClient, visit: Visit, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capport, "CAPTIVE_ADDRESS", replace(CAPTIVE_ADDRESS, at_most=2))
    visit.begin()
    assert [ask_by_address(pages, town.nas_identifier)["captive"] for _ in range(5)] == [False] * 5


def test_without_redis_nobody_tries_addresses(pages: PageClient, town: Town, settings: Settings) -> None:
    away = create_app(settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"}))
    page = PageClient(away.test_client()).get(f"/api/captive/{town.nas_identifier}/{MAC}", headers=CAPTIVE)
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_the_way_to_its_page_leads_a_device_through_its_gateway(pages: PageClient, town: Town) -> None:
    page = pages.get(f"/through/{town.nas_id}")
    assert (page.status, page.location) == (HTTPStatus.SEE_OTHER, "http://10.1.0.1:3990/prelogin")


@pytest.mark.parametrize("number", ["0", "-1", "999999", "99999999999999999999", "x", "1%00"])
def test_a_way_through_no_gateway_leads_to_the_first_page(
    pages: PageClient, town: Town, settings: Settings, number: str
) -> None:
    page = pages.get(f"/through/{number}")
    assert (page.status, page.location) == (HTTPStatus.SEE_OTHER, settings.public_portal + "/")
