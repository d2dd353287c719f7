"""The staff application over a small tree of organisations, and browsers that are signed in to it.

The fixture is not called `app`: pytest-flask would keep one request context for the whole test, and so the first user.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from redis import Redis

import hotspot_admin
from hotspot.db import Database
from hotspot.models import Role
from hotspot.settings import Settings
from tests import factories
from tests.page_client import Page, PageClient

LIBRARIAN = "librarian@parvis.test"
ADMINISTRATOR = "administrator@parvis.test"
STRANGER = "stranger@elsewhere.test"


@dataclass(frozen=True)
class Town:
    """Ids: a commune with two sites and a district below it; and another town that has nothing to do with it."""

    organisation: int
    district: int
    library: int
    square: int
    district_site: int
    elsewhere: int
    elsewhere_site: int


@pytest.fixture
def town(database: Database) -> Town:
    """The librarian has the library, and not the square."""
    with database.transaction() as db:
        commune = factories.make_organisation(db, name="Parvis-sur-Loue")
        district = factories.make_organisation(db, name="Quartier des Prés", parent=commune)
        elsewhere = factories.make_organisation(db, name="Autre-Ville")
        library = factories.make_site(db, organisation=commune, name="Médiathèque")
        square = factories.make_site(db, organisation=commune, name="Place du Marché")
        district_site = factories.make_site(db, organisation=district, name="Maison des Prés")
        elsewhere_site = factories.make_site(db, organisation=elsewhere, name="Bibliothèque d’ailleurs")
        factories.make_staff(db, sites=(library,), email=LIBRARIAN, role=Role.LIBRARIAN)
        factories.make_staff(db, organisation=commune, email=ADMINISTRATOR)
        factories.make_staff(db, organisation=elsewhere, email=STRANGER)
        sites = (library.id, square.id, district_site.id)
        return Town(commune.id, district.id, *sites, elsewhere.id, elsewhere_site.id)


class Clock:
    """It stands still until the test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def staff_app(settings: Settings, database: Database, redis: "Redis", clock: Clock) -> Flask:
    app = hotspot_admin.create_app(settings, database=database, redis=redis, clock=clock)
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


class Browser(PageClient):
    """A browser of a member of staff: keeps its cookie, checks each page that it reads."""

    def post_bare(
        self, path: str, data: dict[str, object] | None = None, *, form_at: str = "/", **options: Any
    ) -> Page:
        """A post that no form of a page sends, with the visit's token all the same (it stands on every page)."""
        token = self.get(form_at).root.all("input", name="csrf_token")[0]["value"]
        return self.post(path, {"csrf_token": token, **(data or {})}, **options)

    def sign_in(self, email: str, password: str = factories.PASSWORD) -> Page:
        page = self.get("/sign-in")
        return self.submit(page.form("/sign-in"), email=email, password=password)


@pytest.fixture
def open_browser(staff_app: Flask) -> Callable[[], Browser]:
    """A fresh one each time, signed in as nobody."""
    return lambda: Browser(staff_app.test_client())


@pytest.fixture
def anonymous(open_browser: Callable[[], Browser]) -> Browser:
    return open_browser()


def _signed_in(browser: Browser, email: str) -> Browser:
    answer = browser.sign_in(email)
    assert answer.status == 303, answer.text
    return browser


@pytest.fixture
def librarian(open_browser: Callable[[], Browser], town: Town) -> Browser:
    return _signed_in(open_browser(), LIBRARIAN)


@pytest.fixture
def administrator(open_browser: Callable[[], Browser], town: Town) -> Browser:
    return _signed_in(open_browser(), ADMINISTRATOR)


@pytest.fixture
def stranger(open_browser: Callable[[], Browser], town: Town) -> Browser:
    """An administrator of the other town."""
    return _signed_in(open_browser(), STRANGER)
