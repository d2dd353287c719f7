"""From any page to the pretend Internet, by each way in; and the ways that stay shut."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hotspot.models import Grant
from hotspot.values import RefusalReason
from parvis.demo_files import BLOCKED_CARD, EXPIRED_CARD
from tests.journeys.conftest import OpenBrowser
from tests.journeys.town import Town
from tests.journeys.visitor import Desk, Visitor, expect_accessible

NewVisitor = Callable[..., Visitor]


def test_by_library_card(visitor: Visitor, card: dict[str, str]) -> None:
    visitor.arrive("/a/page?with=query")
    visitor.sign_in_by_card(**card)
    visitor.expect_online()
    visitor.expect_pretend_internet()


def test_by_voucher_and_not_by_a_second_device(new_visitor: NewVisitor, town: Town) -> None:
    first, second = new_visitor(), new_visitor()
    first.arrive()
    first.sign_in_by_voucher(town.demo["voucher"].lower().replace("-", " "))
    first.expect_online()
    second.arrive()
    second.sign_in_by_voucher(town.demo["voucher"])
    second.expect_refusal(RefusalReason.VOUCHER_USED)
    second.expect_captured()


def test_by_one_tap(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.expect_pretend_internet()


def test_signing_out(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    expect(visitor.page.get_by_text("Vous êtes déconnecté").first).to_be_visible()
    visitor.expect_captured()


def test_coming_back_needs_nothing_to_be_typed(visitor: Visitor, card: dict[str, str]) -> None:
    visitor.arrive()
    visitor.sign_in_by_card(**card)
    visitor.expect_online()
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    visitor.arrive()
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.expect_online()


def test_a_remembered_device_comes_back_without_the_portal(visitor: Visitor, card: dict[str, str], town: Town) -> None:
    """A day later."""
    visitor.arrive()
    visitor.sign_in_remembered(**card)
    expect(visitor.devices).to_contain_text("cet appareil")
    visitor.walk_to("Place de la République")
    visitor.expect_captured()
    grants = select(Grant).where(Grant.device_mac == visitor.mac.replace(":", "")).order_by(Grant.created_at)
    with town.looked_into() as db:
        first = db.scalars(grants).one()
        first.created_at, first.ends_at = (moment - timedelta(days=1) for moment in (first.created_at, first.ends_at))
    visitor.walk_to("Médiathèque des Capucins")
    visitor.expect_pretend_internet()
    with town.looked_into() as db:
        assert [each.by_mac for each in db.scalars(grants)] == [False, True]


def test_a_visit_goes_on_where_the_device_comes_back(visitor: Visitor) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    visitor.walk_to("Place de la République")
    visitor.expect_captured()
    visitor.walk_to("Médiathèque des Capucins")
    visitor.expect_pretend_internet()


def test_a_person_looks_at_their_devices_and_forgets_one_and_then_all(
    new_visitor: NewVisitor, card: dict[str, str]
) -> None:
    phone, tablet = new_visitor(), new_visitor()
    for device in (phone, tablet):
        device.arrive()
        device.sign_in_remembered(**card)
    expect(tablet.devices).to_have_count(2)
    tablet.devices.filter(has_not_text="cet appareil").get_by_role("button", name="Oublier").click()
    expect(tablet.devices).to_have_count(1)
    expect(tablet.devices).to_contain_text("cet appareil")
    phone.page.reload()
    expect(phone.devices).not_to_contain_text("cet appareil")
    phone.page.get_by_role("button", name="Se souvenir de cet appareil").click()
    expect(phone.devices).to_have_count(2)
    phone.page.get_by_role("button", name="Les oublier tous").click()
    expect(phone.devices).to_have_count(0)
    expect_accessible(phone.page)


def test_staff_forget_the_devices_of_a_card(visitor: Visitor, card: dict[str, str], desk: Desk) -> None:
    visitor.arrive()
    visitor.sign_in_remembered(**card)
    desk.open("/patrons")
    desk.page.locator("[name=card]").fill(card["card"])
    desk.page.locator("form:has([name=card]) button").click()
    desk.page.get_by_role("link", name=card["card"]).click()
    desk.page.get_by_role("button", name="Les oublier tous").click()
    expect(desk.page.get_by_text("Aucun appareil de cette carte")).to_be_visible()
    visitor.page.reload()
    expect(visitor.devices).to_have_count(0)


def test_a_wrong_pin_and_then_the_right_one(visitor: Visitor, card: dict[str, str]) -> None:
    visitor.arrive()
    visitor.sign_in_by_card(card["card"], "000000")
    visitor.expect_refusal(RefusalReason.UNKNOWN_CARD_OR_PIN)
    visitor.sign_in_by_card(**card)
    visitor.expect_online()


@pytest.mark.parametrize(
    ("number", "reason", "day"),
    [
        (EXPIRED_CARD, RefusalReason.CARD_EXPIRED, date(2023, 12, 31)),
        (BLOCKED_CARD, RefusalReason.CARD_BLOCKED, None),
    ],
    ids=["expired", "blocked"],
)
def test_a_card_that_opens_nothing(
    visitor: Visitor, town: Town, number: str, reason: RefusalReason, day: date | None
) -> None:
    visitor.arrive()
    visitor.sign_in_by_card(number, town.demo["patron"]["pin"])
    visitor.expect_refusal(reason, day)
    visitor.expect_captured()


def test_another_place_has_other_offers(visitor: Visitor) -> None:
    visitor.walk_to("Place de la République")
    visitor.arrive()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Place de la République")
    expect(visitor.page.get_by_label("Numéro de carte")).to_have_count(0)
    visitor.sign_in_by_one_tap()
    visitor.see_the_announcement()
    visitor.expect_online()


def test_a_closed_town_hall_says_when_it_opens(visitor: Visitor, desk: Desk) -> None:
    desk.open("/sites")
    desk.page.get_by_role("link", name="Hôtel de ville").first.click()
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        desk.page.locator(f"[name={day}]").fill("")
    desk.page.locator("[name=monday]").fill("03:00-03:01")
    desk.page.locator("form:has([name=monday]) button.primary").click()
    expect(desk.page.get_by_text(re.compile("a été enregistré")).first).to_be_visible()
    visitor.walk_to("Hôtel de ville")
    visitor.arrive()
    expect(visitor.page.get_by_text(re.compile("[Ff]ermé")).first).to_be_visible()
    expect(visitor.page.get_by_role("button", name="J’accepte les conditions et je me connecte")).to_have_count(0)


def test_a_page_left_open_outlives_the_challenge(visitor: Visitor, town: Town) -> None:
    visitor.arrive()
    visitor.leave_the_page_open(town)
    visitor.sign_in_by_one_tap()
    visitor.expect_online()


def test_a_third_device_of_one_card_is_too_many(new_visitor: NewVisitor, card: dict[str, str]) -> None:
    for _ in range(2):
        visitor = new_visitor()
        visitor.arrive()
        visitor.sign_in_by_card(**card)
        visitor.expect_online()
    third = new_visitor()
    third.arrive()
    third.sign_in_by_card(**card)
    third.expect_refusal(RefusalReason.TOO_MANY_DEVICES)


def test_without_javascript(new_visitor: NewVisitor, card: dict[str, str]) -> None:
    visitor = new_visitor(java_script_enabled=False)
    visitor.arrive()
    visitor.sign_in_by_card(**card)
    visitor.expect_online()
    visitor.expect_pretend_internet()


def test_in_english(open_browser: OpenBrowser, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.arrive()
    visitor.page.get_by_role("link", name="English").click()
    visitor.page.get_by_role("button", name="I accept the terms and connect").last.click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are online")


def test_on_postgresql(postgresql_town: Town, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(postgresql_town.access_point)
    visitor.arrive()
    visitor.sign_in_by_card(**postgresql_town.demo["patron"])
    visitor.expect_online()
    visitor.expect_pretend_internet()
