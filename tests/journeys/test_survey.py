"""Two questions on the page of the visit, without JavaScript; and what the staff see of the answers: nothing yet."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.visitor import Desk, Visitor


def test_a_visitor_is_asked_once_and_the_staff_see_no_count_grow(
    new_visitor: Callable[..., Visitor], desk: Desk
) -> None:
    desk.open("/surveys/1")
    told = desk.page.locator("main").inner_text()
    visitor = new_visitor(java_script_enabled=False)
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.page.get_by_label("Travailler").check()
    visitor.page.get_by_role("button", name="Envoyer").click()
    expect(visitor.page.get_by_role("status")).to_contain_text("Merci")
    visitor.page.goto(visitor.page.url.partition("?")[0])
    expect(visitor.page.locator("#survey")).to_have_count(0)
    desk.open("/surveys/1")
    assert desk.page.locator("main").inner_text() == told
