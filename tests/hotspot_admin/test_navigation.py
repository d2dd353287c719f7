"""The links at the top: every day's in one row, and below it, only there, what is set up once."""

import pytest

from tests.hotspot_admin.conftest import Browser

EVERY_DAY = ["Accueil", "Guichet", "En ligne", "Tickets", "Usagers", "Statistiques", "Réglages"]
SET_UP_ONCE = [
    "Sites",
    "Offres",
    "Campagnes",
    "Passerelles",
    "Systèmes de bibliothèque",
    "Fournisseurs d’identité",
    "Collectivités",
    "Enquêtes",
    "Apparence",
    "Journal",
]


def rows(browser: Browser, path: str) -> list[list[str]]:
    return [[link.text for link in nav.all("a")] for nav in browser.get(path).root.all("nav")]


def current(browser: Browser, path: str) -> list[str]:
    navs = browser.get(path).root.all("nav")
    return [link.text for nav in navs for link in nav.all("a") if link.get("aria-current")]


def test_what_is_set_up_once_is_behind_one_link(administrator: Browser) -> None:
    assert rows(administrator, "/") == [EVERY_DAY]
    settings = administrator.get(administrator.get("/").link("Réglages"))
    assert settings.h1 == "Sites"
    assert rows(administrator, "/sites") == [EVERY_DAY, SET_UP_ONCE]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/sites/new", "Sites"),
        ("/reader-rules", "Systèmes de bibliothèque"),
        ("/campaigns", "Campagnes"),
        ("/audit", "Journal"),
    ],
)
def test_both_rows_say_where_one_is(administrator: Browser, path: str, name: str) -> None:
    assert current(administrator, path) == ["Réglages", name]


def test_a_librarians_one_page_of_the_settings_is_among_the_others(librarian: Browser) -> None:
    assert rows(librarian, "/sites") == [["Guichet", "En ligne", "Tickets", "Sites"]]
    assert current(librarian, "/sites") == ["Sites"]


def test_a_librarian_who_reads_a_survey_is_among_the_sites(librarian: Browser) -> None:
    assert current(librarian, "/surveys") == ["Sites"]
