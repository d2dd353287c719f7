"""While the opening lasts: the page of the visit takes the code; the link in the mail says the same anywhere."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import Grant, Nas, OutgoingMail, SessionWish, WishKind
from hotspot.portal_links import online_url
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way
from hotspot.wording import explain
from portal import create_app
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town
from tests.portal.pass_town import Passes, able_to_send, make_passes

MINUTE = timedelta(minutes=1)
CLOSING = datetime(2026, 3, 10, 18, tzinfo=UTC)
"""Of the town's library."""


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Callable[[], Any]) -> Flask:
    return create_app(able_to_send(settings), database=database, redis=redis, clock=clock)


@pytest.fixture
def passes(pages: PageClient, database: Database, town: Town, redis: "Redis") -> Passes:
    return make_passes(pages, database, town, redis)


class Visit:
    """An opening that a session runs under, and its page."""

    def __init__(self, passes: Passes, settings: Settings) -> None:
        self.passes = passes
        passes.ask(Way.EMAIL_CODE)
        with passes.database.transaction() as db:
            self.grant_id = db.scalars(select(Grant.id)).one()
            nas = db.get_one(Nas, passes.town.nas_id)
            factories.make_wifi_session(db, grant=db.get_one(Grant, self.grant_id), nas=nas)
        address = online_url(settings, factories.VAULT, self.grant_id)
        self.path = address.removeprefix(settings.public_portal)

    def page(self) -> Page:
        return self.passes.pages.get(self.path)

    def form(self, action: str, page: Page | None = None) -> Any:
        return (page or self.page()).form(f"{self.path}/{action}")

    def ends_at(self) -> datetime:
        with self.passes.database.reading() as db:
            return db.get_one(Grant, self.grant_id).ends_at

    def wishes(self) -> list[WishKind]:
        with self.passes.database.reading() as db:
            return list(db.scalars(select(SessionWish.kind)))


@pytest.fixture
def visit(passes: Passes, settings: Settings) -> Visit:
    return Visit(passes, settings)


def says(page: Page, reason: RefusalReason) -> bool:
    return explain(reason, "fr").title in page.text


def test_the_page_asks_for_the_code_and_does_not_reload_under_the_fingers(visit: Visit) -> None:
    page = visit.page()
    assert "m…@example.org" in page.text
    assert "sauf si vous saisissez le code d’ici là" in page.text
    assert "Refresh" not in page.headers


def test_the_right_code_lengthens_the_visit_and_the_running_session(visit: Visit, passes: Passes, redis: Redis) -> None:
    answer = passes.pages.submit(visit.form("code"), code=passes.code())
    assert answer.status == HTTPStatus.SEE_OTHER
    page = passes.pages.follow(answer)
    assert page.root.all("input", id="code") == []
    assert page.headers["Refresh"] == "60"
    assert (visit.ends_at(), visit.wishes()) == (CLOSING, [WishKind.CHANGE])
    for key in (f"returning:{factories.DEVICE_MAC}", f"known:{passes.town.site_id}:{factories.DEVICE_MAC}"):
        assert redis.pttl(key) > 3_600_000


def test_a_wrong_code_leaves_the_opening_as_it_is(visit: Visit, passes: Passes, clock: Clock) -> None:
    page = passes.pages.submit(visit.form("code"), code=passes.wrong())
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert says(page, RefusalReason.CODE_WRONG)
    assert visit.ends_at() == clock.now + 10 * MINUTE
    assert passes.pages.submit(visit.form("code", page), code=passes.code()).status == HTTPStatus.SEE_OTHER


def test_after_five_wrong_codes_another_one_can_be_had_here(visit: Visit, passes: Passes, clock: Clock) -> None:
    page = visit.page()
    for _ in range(5):
        page = passes.pages.submit(visit.form("code", page), code=passes.wrong())
    assert says(page, RefusalReason.CODE_TRIED_TOO_OFTEN)
    clock.now += MINUTE
    page = passes.pages.submit(visit.form("again", page))
    assert "Un nouveau code est en route" in page.text
    assert passes.pages.submit(visit.form("code", page), code=passes.code()).status == HTTPStatus.SEE_OTHER


def test_a_mistyped_address_can_be_put_right(visit: Visit, passes: Passes) -> None:
    page = passes.pages.submit(visit.form("address"), email="paul@example.org")
    assert "p…@example.org" in page.text
    assert passes.pages.submit(visit.form("code", page), code=passes.code()).status == HTTPStatus.SEE_OTHER
    assert (visit.ends_at(), passes.count(Grant)) == (CLOSING, 1)


def test_an_address_that_cannot_be_right_is_asked_for_again(visit: Visit, passes: Passes) -> None:
    page = passes.pages.submit(visit.form("address"), email="paul")
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Saisissez une adresse e-mail" in page.text
    assert passes.count(OutgoingMail) == 1


def test_after_the_opening_the_page_says_why_it_is_over(visit: Visit, passes: Passes, clock: Clock) -> None:
    clock.now += 10 * MINUTE
    page = visit.page()
    assert page.h1 == explain(RefusalReason.PROOF_AWAITED, "fr").title
    assert page.root.all("input", id="code") == []


def test_during_the_opening_a_device_that_comes_back_goes_on_with_one_tap(visit: Visit, passes: Passes) -> None:
    page = passes.welcome()
    assert passes.pages.submit(page.form("/continue")).status == HTTPStatus.SEE_OTHER


def test_after_the_code_a_device_that_was_cut_off_goes_on_with_one_tap(
    visit: Visit, passes: Passes, clock: Clock
) -> None:
    """Where the access point took no new limits: its session ends with the opening."""
    passes.pages.submit(visit.form("code"), code=passes.code())
    clock.now += 11 * MINUTE
    assert passes.pages.submit(passes.welcome().form("/continue")).status == HTTPStatus.SEE_OTHER


def test_another_visit_s_page_takes_no_code(visit: Visit, passes: Passes, settings: Settings) -> None:
    with passes.database.transaction() as db:
        other = factories.make_grant(db, nas=db.get_one(Nas, passes.town.nas_id), device_mac="020000000009")
    path = online_url(settings, factories.VAULT, other.id).removeprefix(settings.public_portal)
    for action in ("code", "again", "address"):
        assert passes.pages.post(f"{path}/{action}", {"code": passes.code()}).status == HTTPStatus.NOT_FOUND
        assert passes.pages.post(f"/online/forged/{action}").status == HTTPStatus.NOT_FOUND


# ---- the link ----


def test_a_mail_scanner_that_opens_the_link_confirms_nothing(visit: Visit, passes: Passes, clock: Clock) -> None:
    for method in ("get", "head", "options"):
        getattr(passes.pages.client, method)(passes.link())
    page = passes.pages.get(passes.link())
    assert page.h1 == "Confirmez votre connexion"
    assert visit.ends_at() == clock.now + 10 * MINUTE


def test_its_page_says_where_and_when_so_that_nobody_confirms_for_a_stranger(visit: Visit, passes: Passes) -> None:
    page = passes.pages.get(passes.link())
    text = page.text.replace("\xa0", " ")
    assert all(said in text for said in ("Médiathèque du Parc", "10 h 00", "Est-ce vous"))


def test_its_button_confirms_from_any_browser(visit: Visit, passes: Passes, app: Flask) -> None:
    elsewhere = PageClient(app.test_client())
    page = elsewhere.submit(elsewhere.get(passes.link()).form(""))
    assert page.h1 == "Vous avez confirmé"
    assert "à 19 h 00" in page.text.replace("\xa0", " ")
    assert (visit.ends_at(), visit.wishes()) == (CLOSING, [WishKind.CHANGE])


def test_pressed_twice_it_says_the_same_twice(visit: Visit, passes: Passes) -> None:
    form = passes.pages.get(passes.link()).form("")
    assert [passes.pages.submit(form).h1 for _ in range(2)] == ["Vous avez confirmé"] * 2
    assert len(visit.wishes()) == 1


def test_a_link_that_is_too_old_says_so(visit: Visit, passes: Passes, clock: Clock) -> None:
    form = passes.pages.get(passes.link()).form("")
    clock.now += 10 * MINUTE
    for page in (passes.pages.get(passes.link()), passes.pages.submit(form)):
        assert says(page, RefusalReason.CODE_EXPIRED)
        assert page.root.all("form") == []


def test_the_link_works_while_redis_is_away(
    visit: Visit, passes: Passes, settings: Settings, database: Database, clock: Clock
) -> None:
    """The visit that goes on is lengthened: hints in Redis are all that is missing."""
    gone = Redis.from_url("unix:///nowhere/redis.sock")
    app = create_app(able_to_send(settings), database=database, redis=gone, clock=clock)
    pages = PageClient(app.test_client())
    assert pages.submit(pages.get(passes.link()).form("")).h1 == "Vous avez confirmé"
    assert visit.ends_at() == CLOSING
    gone.close()


@pytest.mark.parametrize("token", ["x", "AAAA", "%00", "A" * 3000])
def test_a_forged_link_is_not_found(passes: Passes, token: str) -> None:
    assert passes.pages.get(f"/confirm/{token}").status == HTTPStatus.NOT_FOUND
    assert passes.pages.post(f"/confirm/{token}").status == HTTPStatus.NOT_FOUND
    assert passes.pages.get(f"/host/{token}").status == HTTPStatus.NOT_FOUND
