"""What holds for every answer: headers, weight, no cookie; errors in plain words; who may see the figures."""

import gzip
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import IPv4Network

import pytest
from flask import Flask
from redis import Redis

from hotspot.db import Database
from hotspot.settings import Settings
from portal import create_app
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town, redirect_of

PAGES = ["/", "/terms", "/privacy", "/accessibility", "/refused/site_closed", "/nowhere", "/api/captive", "/healthz"]


def assert_protected(page: Page) -> None:
    policy = page.policy
    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_is_protected(pages: PageClient, town: Town, path: str) -> None:
    page = pages.get(path)
    assert_protected(page)
    if path != "/api/captive":
        assert page.headers["Cache-Control"] == "no-store"


def test_the_form_may_only_lead_to_its_access_point(welcome: Page) -> None:
    assert_protected(welcome)
    assert welcome.policy.endswith("form-action 'self' http://10.1.0.1:3990")


def test_the_first_page_weighs_at_most_14_kb_with_everything_in_it(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town), headers={"Accept-Encoding": "gzip"})
    body = page.response.get_data()
    headers = sum(len(name) + len(value) + 4 for name, value in page.headers.items())
    assert page.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).decode() == page.html
    assert len(body) + headers <= 14_000
    assert not page.root.all("script", "img", "iframe")
    assert [each["href"] for each in page.root.all("link")] == ["data:,"]


def test_who_cannot_unpack_gets_it_plain(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town), headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in page.headers
    assert page.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*", "identity", "gzip;q=0", None])
def test_the_first_page_is_the_same_however_it_travels(pages: PageClient, town: Town, accepted: str | None) -> None:
    headers = {"Accept-Encoding": accepted} if accepted is not None else {}
    page = pages.get(redirect_of(town), headers=headers)
    packed = accepted is not None and accepted not in ("identity", "gzip;q=0")
    assert page.headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert page.headers["Vary"] == "Accept-Encoding"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert int(page.headers["Content-Length"]) == len(page.response.get_data())
    assert page.html == pages.get(redirect_of(town)).html
    head = pages.client.head(redirect_of(town), headers=headers)
    assert head.get_data() == b""
    assert head.headers == page.headers


def test_an_encrypted_portal_stays_encrypted(settings: Settings, database: Database, clock: Clock) -> None:
    secure = Settings(**settings.model_dump() | {"portal_url": "https://wifi.town.test"})
    page = PageClient(create_app(secure, database=database, clock=clock).test_client()).get("/")
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/hotspot", 405),
        ("GET", "/sign-in", 405),
        ("DELETE", "/sign-in", 405),
        ("BREW", "/", 405),
        ("PUT", "/online/x", 405),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_wrong_address_or_method_is_explained(app: Flask, method: str, path: str, status: int, language: str) -> None:
    response = app.test_client().open(path, method=method, headers={"Accept-Language": language})
    assert response.status_code == status
    assert f'lang="{language}"' in response.text
    assert ("GET" in response.headers["Allow"] or "POST" in response.headers["Allow"]) if status == 405 else True


def test_head_and_options_are_answered(app: Flask, town: Town) -> None:
    client = app.test_client()
    assert client.head(redirect_of(town)).status_code == HTTPStatus.OK
    assert set(client.options("/sign-in").headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_body_that_is_too_large_is_refused(pages: PageClient, town: Town) -> None:
    page = pages.post("/sign-in", {"arrival": "a" * 17_000})
    assert page.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert page.h1 == "C’est plus que ce formulaire ne peut recevoir."


def test_a_bug_shows_a_page_and_no_detail(app: Flask, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("portal.views.welcome.find_place", broken)
    page = PageClient(app.test_client()).get(redirect_of(town))
    assert page.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert page.h1 == "Quelque chose n’a pas marché de notre côté."
    assert "secret detail" not in page.html


def test_health_is_public_and_true(pages: PageClient, settings: Settings, database: Database) -> None:
    assert pages.get("/healthz").response.get_json() == {"database": "ok", "redis": "ok"}
    away = settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"})
    ill = PageClient(create_app(away, database=database).test_client()).get("/healthz")
    assert (ill.status, ill.response.get_json()["redis"]) == (503, "down")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.1", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
    ],
)
def test_metrics_are_for_this_machine_only(app: Flask, address: str, headers: dict[str, str], status: int) -> None:
    response = app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == status
    assert ("parvis_portal_sign_ins_total" in response.text) == (status == 200)


@pytest.mark.parametrize(("peer", "believed"), [("10.0.0.1", "203.0.113.9"), ("10.0.1.1", "10.0.1.1")])
def test_only_known_proxies_are_believed(
    settings: Settings, database: Database, redis: "Redis", clock: Callable[[], object], peer: str, believed: str
) -> None:
    from flask import request

    behind = settings.model_copy(update={"trusted_proxies": (IPv4Network("10.0.0.0/24"),)})
    app = create_app(behind, database=database, redis=redis)
    app.add_url_rule("/who", view_func=lambda: request.remote_addr or "")
    answer = app.test_client().get(
        "/who", headers={"X-Forwarded-For": "203.0.113.9"}, environ_base={"REMOTE_ADDR": peer}
    )
    assert answer.text == believed


@pytest.mark.parametrize("number", ["-1", "0", "2147483648", "99999999999999999999", "x"])
def test_a_number_that_no_row_has_is_no_bug(pages: PageClient, number: str) -> None:
    assert pages.get(f"/terms?site={number}").status == HTTPStatus.OK
    assert pages.get(f"/refused/grant_ended?nas={number}").status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("page", ["terms", "privacy", "accessibility"])
def test_the_pages_name_the_organisation(pages: PageClient, town: Town, page: str, welcome: Page) -> None:
    path = next(each["href"] for each in welcome.root.one("footer").all("a") if f"/{page}?" in each["href"])
    assert pages.get(path).status == HTTPStatus.OK
    assert pages.get(f"/{page}?site=999").status == HTTPStatus.NOT_FOUND
    assert pages.get(f"/{page}?site=x").status == HTTPStatus.OK


def test_every_page_states_its_accessibility(pages: PageClient, welcome: Page) -> None:
    assert welcome.link("Accessibilité\xa0: non conforme").startswith("/accessibility")
    assert "non conformes" in pages.get("/accessibility").text
