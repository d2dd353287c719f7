"""Signing in and out of the staff application, and what protects it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis

import hotspot_admin
from hotspot.db import Database
from hotspot.models import AuditEntry
from hotspot.services.staff import reset_password, retire_staff
from hotspot.settings import Settings
from hotspot_admin.protection import BIGGEST_FORM
from hotspot_admin.views.sign_in import STAFF_ADDRESS
from tests.factories import PASSWORD
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town

WRONG = "not the password at all"


def test_the_right_password_leads_home(anonymous: Browser, town: Town) -> None:
    answer = anonymous.sign_in(ADMINISTRATOR)

    assert (answer.status, answer.location) == (303, "/")
    assert anonymous.get("/").h1 == "Parvis-sur-Loue"


def test_case_and_spaces_of_the_address_do_not_matter(anonymous: Browser, town: Town) -> None:
    assert anonymous.sign_in(f" {ADMINISTRATOR.upper()} ").status == 303


def test_a_page_that_needs_an_account_leads_to_sign_in_and_back(anonymous: Browser, town: Town) -> None:
    page = anonymous.follow(anonymous.get("/audit?action=x"))

    answer = anonymous.submit(page.form("/sign-in"), email=ADMINISTRATOR, password=PASSWORD)

    assert answer.location == "/audit?action=x"


@pytest.mark.parametrize(
    "address", ["//elsewhere.test/", "/\\elsewhere.test", "https://elsewhere.test/", "elsewhere", "/\t/x", "/sign-in"]
)
def test_signing_in_leads_nowhere_else(anonymous: Browser, town: Town, address: str) -> None:
    page = anonymous.get("/sign-in")

    answer = anonymous.submit(page.form("/sign-in"), email=ADMINISTRATOR, password=PASSWORD, next=address)

    assert answer.location == "/"


@pytest.mark.parametrize("email", [ADMINISTRATOR, "nobody@parvis.test"], ids=["wrong password", "unknown address"])
def test_wrong_and_unknown_get_the_same_answer(anonymous: Browser, town: Town, email: str) -> None:
    answer = anonymous.sign_in(email, WRONG)

    assert answer.status == 422
    assert "ne vont pas ensemble" in answer.text


def test_an_address_with_a_nul_is_a_mistake(
    settings: Settings, any_database: Database, redis: "Redis", clock: Clock
) -> None:
    """PostgreSQL keeps no NUL in a text, and says so with an error."""
    app = hotspot_admin.create_app(settings, database=any_database, redis=redis, clock=clock)
    assert Browser(app.test_client()).sign_in("a\0b@parvis.test").status == 422


def test_a_locked_account_answers_as_a_wrong_password_does(anonymous: Browser, town: Town, clock: Clock) -> None:
    for _ in range(5):
        anonymous.sign_in(ADMINISTRATOR, WRONG)

    assert "ne vont pas ensemble" in anonymous.sign_in(ADMINISTRATOR).text
    clock.now += timedelta(minutes=1)
    assert anonymous.sign_in(ADMINISTRATOR).status == 303


def test_an_address_that_tries_too_often_must_wait(anonymous: Browser, town: Town) -> None:
    for number in range(STAFF_ADDRESS.at_most):
        anonymous.sign_in(f"nobody{number}@parvis.test", "x")

    answer = anonymous.sign_in(ADMINISTRATOR)

    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 601


def test_changing_the_address_within_a_network_is_no_way_around(anonymous: Browser, town: Town) -> None:
    typed = anonymous.get("/sign-in").form("/sign-in").fields | {"email": "nobody@parvis.test", "password": WRONG}
    statuses = [
        anonymous.post("/sign-in", typed, environ_base={"REMOTE_ADDR": f"2001:db8::{at + 1:x}"}).status
        for at in range(STAFF_ADDRESS.at_most + 1)
    ]
    assert statuses == [422] * STAFF_ADDRESS.at_most + [429]


def test_staff_get_in_while_redis_is_away(settings: Settings, database: Database, clock: Clock, town: Town) -> None:
    nobody_there = settings.model_copy(update={"redis_url": "unix:///nonexistent/redis.sock"})
    browser = Browser(hotspot_admin.create_app(nobody_there, database=database, clock=clock).test_client())

    assert browser.sign_in(ADMINISTRATOR).status == 303
    assert "Hors service" in browser.get("/").text


def test_a_visit_ends_after_two_idle_hours(administrator: Browser, clock: Clock) -> None:
    clock.now += timedelta(hours=2)

    assert administrator.get("/").location == "/sign-in"


def test_a_page_that_refreshes_itself_keeps_no_visit_alive(administrator: Browser, clock: Clock) -> None:
    for _ in range(3):
        clock.now += timedelta(minutes=50)
        last = administrator.get("/online?auto=1")

    assert last.location.startswith("/sign-in")


def test_a_visit_ends_after_twelve_hours_however_busy(administrator: Browser, clock: Clock) -> None:
    for _ in range(11):
        clock.now += timedelta(hours=1)
        assert administrator.get("/").status == 200
    clock.now += timedelta(hours=1)

    assert administrator.get("/").location == "/sign-in"


@pytest.mark.parametrize("change", ["new password", "retired"])
def test_an_account_that_changes_is_signed_out_everywhere(
    administrator: Browser, database: Database, clock: Clock, change: str
) -> None:
    with database.transaction() as db:
        if change == "retired":
            retire_staff(db, ADMINISTRATOR, clock.now)
        else:
            reset_password(db, ADMINISTRATOR, "quite another password", clock.now)

    assert administrator.get("/").location == "/sign-in"


def test_signing_out_ends_the_visit(administrator: Browser) -> None:
    administrator.submit(administrator.get("/").form("/sign-out"))

    assert administrator.get("/").location == "/sign-in"


def test_signing_out_is_no_link(administrator: Browser) -> None:
    assert administrator.get("/sign-out").status == 405
    assert administrator.get("/").status == 200


@pytest.mark.parametrize("path", ["/sign-out", "/language", "/sites/new", "/gateways/new"])
def test_a_post_without_its_token_is_refused(administrator: Browser, path: str) -> None:
    assert administrator.post(path, {"name": "X"}).status == 400


def test_the_cookie_is_out_of_reach(anonymous: Browser, town: Town) -> None:
    cookie = anonymous.sign_in(ADMINISTRATOR).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_over_https_the_cookie_is_secure_and_so_is_the_site(
    settings: Settings, database: Database, clock: Clock, town: Town
) -> None:
    secure = Settings(**{**settings.model_dump(), "staff_url": "https://wifi.parvis.test"})
    app = hotspot_admin.create_app(secure, database=database, clock=clock)
    client = app.test_client()
    answer = client.get("/sign-in", base_url="https://wifi.parvis.test")

    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere"])
def test_every_answer_is_protected(administrator: Browser, path: str) -> None:
    headers = administrator.get(path).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_huge_form_is_refused(anonymous: Browser) -> None:
    assert anonymous.post("/sign-in", {"email": "x" * (BIGGEST_FORM + 1)}).status == 413


def test_a_language_is_chosen_for_good(administrator: Browser) -> None:
    form = administrator.get("/sites").form("/language")

    answer = administrator.submit(form)

    assert answer.location.startswith("/sites")
    assert administrator.get("/sites").language == "en"
    assert administrator.get("/sites").h1 == "Sites"


def test_before_sign_in_the_browsers_language_is_spoken(anonymous: Browser) -> None:
    assert anonymous.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.9"}).h1 == "Sign in"
    assert anonymous.get("/sign-in", headers={"Accept-Language": "xx"}).h1 == "Se connecter"


def test_a_lock_is_written_in_the_log_without_the_password(
    anonymous: Browser, administrator: Browser, database: Database
) -> None:
    for _ in range(5):
        anonymous.sign_in(ADMINISTRATOR, WRONG)

    with database.reading() as db:
        (entry,) = db.query(AuditEntry).all()
        assert (entry.actor, entry.action, entry.subject, entry.facts) == ("system", "staff.locked", ADMINISTRATOR, {})


def test_a_database_that_is_away_is_a_503(settings: Settings, tmp_path: object) -> None:
    away = Settings(**{**settings.model_dump(), "database_url": "sqlite:////nonexistent/parvis.sqlite3"})
    app = hotspot_admin.create_app(away)
    browser = Browser(app.test_client())
    form = browser.get("/sign-in").form("/sign-in")

    answer = browser.submit(form, email=ADMINISTRATOR, password=PASSWORD)

    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert browser.get("/healthz").status == 503


def test_a_bug_is_a_500_that_tells_nothing(staff_app: Flask, open_browser: Callable[[], Browser]) -> None:
    staff_app.testing = False
    staff_app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken() -> str:
        raise RuntimeError("a secret of ours")

    broken.is_public = True  # type: ignore[attr-defined]
    staff_app.view_functions["health.show"] = broken

    client = staff_app.test_client()
    answer = client.get("/healthz")

    assert answer.status_code == 500
    assert "a secret of ours" not in answer.text


def test_metrics_are_for_this_machine_only(anonymous: Browser) -> None:
    assert anonymous.get("/metrics").status == 200
    assert anonymous.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status == 404
    assert anonymous.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status == 404


def test_healthz_names_what_works(anonymous: Browser) -> None:
    assert anonymous.client.get("/healthz").json == {"database": "ok", "redis": "ok"}
