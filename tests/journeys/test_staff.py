"""What the staff see of a visit."""

from playwright.sync_api import expect

from tests.journeys.visitor import Desk, Visitor


def test_a_visit_is_seen_to_grow(visitor: Visitor, desk: Desk) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.expect_pretend_internet()
    visitor.page.get_by_role("button", name="Télécharger 10 Mo").click()
    desk.expect_download_to_grow(visitor.mac)


def test_nobody_enters_with_a_wrong_password(desk: Desk) -> None:
    page = desk.page
    page.context.clear_cookies()
    page.goto(desk.town.staff)
    page.locator("[name=email]").fill(desk.town.demo["staff"]["email"])
    page.locator("[name=password]").fill("not this one")
    page.get_by_role("button", name="Se connecter").click()
    expect(page.locator("[name=password]")).to_be_visible()
    page.goto(f"{desk.town.staff}/access-points")
    expect(page.locator("[name=password]")).to_be_visible()
