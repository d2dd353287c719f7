"""Every main page: no serious finding by axe, no sideways scroll on the narrowest phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.town import Town
from tests.journeys.visitor import Desk, Visitor, expect_accessible, expect_no_sideways_scroll

STAFF_PAGES = (
    "/",
    "/desk",
    "/online?still=1",
    "/sites",
    "/gateways",
    "/gateways/1",
    "/gateways/new",
    "/figures",
    "/surveys",
    "/surveys/1",
    "/surveys/1/questions",
    "/appearance",
    "/audit",
    "/vouchers",
    "/vouchers/new",
    "/patrons",
    "/patrons/import",
    "/library-systems",
    "/library-systems/new",
    "/library-systems/new/sip2",
    "/reader-rules",
    "/identity-providers",
    "/identity-providers/new",
)


def looks_right(visitor: Visitor | Desk) -> None:
    expect_accessible(visitor.page)
    expect_no_sideways_scroll(visitor.page)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_visitors_pages(new_visitor: Callable[..., Visitor], colours: str) -> None:
    visitor = new_visitor(color_scheme=colours)
    visitor.arrive()
    looks_right(visitor)
    visitor.sign_in_by_card("1", "2")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    looks_right(visitor)
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    looks_right(visitor)
    visitor.expect_pretend_internet()
    looks_right(visitor)
    visitor.page.goto(f"{visitor.access_point}/pocket")
    looks_right(visitor)


@pytest.mark.parametrize("path", ["/", "/privacy", "/accessibility", "/refused/wrong_password", "/nothing-here"])
def test_the_portals_other_pages(visitor: Visitor, town: Town, path: str) -> None:
    visitor.page.goto(town.portal + path)
    looks_right(visitor)


def test_the_staffs_pages(desk: Desk) -> None:
    for path in STAFF_PAGES:
        desk.page.set_viewport_size({"width": 1280, "height": 900})
        desk.open(path)
        expect(desk.page.get_by_role("heading", level=1)).to_be_visible()
        looks_right(desk)
