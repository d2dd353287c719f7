"""An access point is taken off its gateway's page and put back: portal and RADIUS go by it while they run."""

from collections.abc import Callable

from playwright.sync_api import expect

from parvis.demo_town import CALLED_STATIONS, LIBRARY, SQUARE
from tests.journeys.visitor import Desk, Visitor

SETTLED_MILLISECONDS = 3_000
"""Portal and RADIUS read every two seconds who stands where."""


def test_where_an_access_point_stands_is_changed_while_all_runs(
    new_visitor: Callable[..., Visitor], desk: Desk, card: dict[str, str]
) -> None:
    remove(desk, SQUARE)
    try:
        unlisted = new_visitor()
        unlisted.walk_to(SQUARE)
        unlisted.arrive()
        expect(unlisted.page.get_by_role("heading", level=1)).to_have_text(LIBRARY)
        unlisted.sign_in_by_card(card["card"], card["pin"])
        unlisted.expect_online()
        expect_online_at(desk, unlisted, LIBRARY)
    finally:
        add(desk, SQUARE)
    listed = new_visitor()
    listed.walk_to(SQUARE)
    listed.arrive()
    expect(listed.page.get_by_role("heading", level=1)).to_have_text(SQUARE)
    listed.sign_in_by_one_tap()
    listed.see_the_announcement()
    listed.expect_online()
    expect_online_at(desk, listed, SQUARE)
    expect_online_at(desk, unlisted, LIBRARY)


def remove(desk: Desk, name: str) -> None:
    open_gateway(desk)
    desk.page.get_by_role("button", name=f"Retirer {name}").click()
    expect(desk.page.get_by_role("status")).to_contain_text(f"{name} a été retirée")
    desk.page.wait_for_timeout(SETTLED_MILLISECONDS)


def add(desk: Desk, name: str) -> None:
    """As its label spells it: lower case, colons, and a network name behind."""
    open_gateway(desk)
    desk.page.locator("[name=access_point_name]").fill(name)
    desk.page.locator("[name=access_point_site_id]").select_option(label=name)
    desk.page.locator("[name=called_station_id]").fill(CALLED_STATIONS[name].lower().replace("-", ":") + ":Wi-Fi")
    desk.page.get_by_role("button", name="Ajouter la borne").click()
    expect(desk.page.get_by_role("row").filter(has_text=CALLED_STATIONS[name])).to_contain_text(name)
    desk.page.wait_for_timeout(SETTLED_MILLISECONDS)


def open_gateway(desk: Desk) -> None:
    desk.open("/gateways")
    desk.page.get_by_role("link", name="Pocket access point").click()


def expect_online_at(desk: Desk, visitor: Visitor, site: str) -> None:
    desk.open("/online?still=1")
    expect(desk.page.get_by_role("row").filter(has_text=visitor.mac).get_by_role("rowheader")).to_contain_text(site)
