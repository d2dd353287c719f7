"""Real processes, a real browser. The town on SQLite serves all journeys; the one on PostgreSQL those that ask."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.fixtures.postgresql import PostgreSql
from tests.journeys.town import Town, a_town
from tests.journeys.visitor import Desk, Visitor

PIN = "271828"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with a_town(tmp_path_factory.mktemp("town")) as started:
        yield started


@pytest.fixture(scope="session")
def cards(town: Town) -> Iterator[dict[str, str]]:
    """Patrons whom nobody has used yet, imported from a file as a library would."""
    numbers = [f"4200{number:04}" for number in range(30)]
    lines = ["numero_carte;code;nom;expire_le", *(f"{number};{PIN};Lecteur {number};31/12/2099" for number in numbers)]
    town.parvis("patrons", "import", "-", "--organisation", "Loue-la-Ville", given="\n".join(lines))
    return ({"card": number, "pin": PIN} for number in numbers)


@pytest.fixture
def card(cards: Iterator[dict[str, str]]) -> dict[str, str]:
    """`card` and `pin` of a patron with no other device online."""
    return next(cards)


@pytest.fixture(scope="session")
def postgresql_town(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSql) -> Iterator[Town]:
    address = postgresql.create("journeys")
    with a_town(tmp_path_factory.mktemp("town-pg"), DATABASE_URL=address) as started:
        yield started


@pytest.fixture(scope="session")
def chromium(town: Town) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=list(_FLAGS))
        yield browser
        browser.close()


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise RuntimeError("Chromium is not installed: `make test` installs it, or `apt-get install chromium`")
    return found


OpenBrowser = Callable[..., BrowserContext]


@pytest.fixture
def open_browser(chromium: Browser) -> Iterator[OpenBrowser]:
    """A fresh one each time: no cookie of another."""
    opened: list[BrowserContext] = []

    def open_one(**options: object) -> BrowserContext:
        context = chromium.new_context(locale="fr-FR", viewport={"width": 390, "height": 780}, **options)
        context.set_default_timeout(10_000)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def new_visitor(town: Town, open_browser: OpenBrowser) -> Callable[..., Visitor]:
    def make(access_point: str = "", **options: object) -> Visitor:
        return Visitor(open_browser(**options).new_page(), access_point or town.access_point)

    return make


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture
def desk(town: Town, open_browser: OpenBrowser) -> Desk:
    """The administrator's."""
    desk = Desk(open_browser().new_page(), town)
    desk.page.set_viewport_size({"width": 1280, "height": 900})
    desk.sign_in(town.demo["staff"]["email"], town.demo["staff"]["password"])
    return desk
