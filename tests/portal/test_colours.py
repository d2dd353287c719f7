"""An organisation's own colour at the head of its pages."""

import re

import pytest

from hotspot.db import Database
from hotspot.models import Organisation, Site
from hotspot.policy.colours import READABLE, contrast
from portal.protection import style_source
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Town, redirect_of


def dress(database: Database, town: Town, colour: str, *, above: bool = False) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Site, town.site_id).organisation
        if above:
            organisation.parent = factories.make_organisation(db, name="Métropole")
            organisation = organisation.parent
        db.get_one(Organisation, organisation.id).colour = colour


def own_style(page: Page) -> dict[str, str]:
    """The last style of the page, which the policy must know."""
    css = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)[-1]
    assert style_source(css) in page.policy
    return dict(re.findall(r"(--[\w-]+):(#\w+)", css))


@pytest.mark.parametrize(("colour", "ink"), [("#c8102e", "#ffffff"), ("#ffe066", "#000000")])
@pytest.mark.parametrize("times", [1, 2], ids=["drawn", "kept"])
def test_the_head_has_the_colour_and_letters_that_can_be_read(
    pages: PageClient, database: Database, town: Town, colour: str, ink: str, times: int
) -> None:
    dress(database, town, colour)

    page = [pages.get(redirect_of(town)) for _ in range(times)][-1]

    style = own_style(page)
    assert (style["--hero"], style["--on-hero"]) == (colour, ink)
    assert contrast(style["--hero-deep"], ink) >= READABLE


def test_the_colour_of_the_organisation_above_is_taken_over(pages: PageClient, database: Database, town: Town) -> None:
    dress(database, town, "#c8102e", above=True)

    assert own_style(pages.get(f"/terms?site={town.site_id}"))["--hero"] == "#c8102e"


def test_without_a_colour_the_page_is_as_it_was(welcome: Page) -> None:
    assert welcome.html.count("<style>") == 1
