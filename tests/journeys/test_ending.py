"""Staff put somebody offline: from their page through the RADIUS process to the access point, and its Stop back."""

from playwright.sync_api import Locator, expect
from sqlalchemy import func, select

from hotspot.models import Voucher
from tests.journeys.visitor import Desk, Visitor, expect_accessible, expect_no_sideways_scroll


def row_of(desk: Desk, visitor: Visitor) -> Locator:
    """On "online now", once the Start has come."""
    row = desk.page.get_by_role("row").filter(has_text=visitor.mac)
    for _ in range(50):
        desk.open("/online?still=1")
        if row.count():
            break
        desk.page.wait_for_timeout(200)
    return row


def expect_ended(desk: Desk, why: str) -> None:
    ended = desk.page.get_by_role("table", name="Coupées dans le dernier quart d’heure")
    row = ended.get_by_role("row").filter(has_text=why).filter(has_text="Coupée").first
    for _ in range(50):
        desk.open("/online?still=1")
        if row.count():
            return
        desk.page.wait_for_timeout(200)
    expect(row).to_be_visible()


def test_a_visit_that_staff_end_is_over_within_seconds(visitor: Visitor, desk: Desk) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    row_of(desk, visitor).get_by_role("link", name="Couper").click()
    expect_accessible(desk.page)
    desk.page.get_by_role("button", name="Mettre fin à la visite").click()
    expect(desk.page.get_by_text("On demande à la passerelle de couper cette connexion.")).to_be_visible()

    expect_ended(desk, "Visite terminée par le personnel")

    visitor.expect_captured()
    expect_accessible(desk.page)
    expect_no_sideways_scroll(desk.page)


def test_a_voucher_made_void_cuts_who_is_online_with_it(visitor: Visitor, desk: Desk) -> None:
    with desk.town.looked_into() as db:
        unused = select(Voucher).where(Voucher.redeemed_at.is_(None), Voucher.voided_at.is_(None))
        voucher = db.scalars(unused.order_by(Voucher.id.desc())).first()  # the first one is for others
        assert voucher is not None
        code, batch_id = desk.town.vault().open(voucher.code_sealed), voucher.batch_id
        before = select(func.count()).where(Voucher.batch_id == batch_id, Voucher.id <= voucher.id)
        number = db.scalar(before)
    visitor.arrive()
    visitor.sign_in_by_voucher(code)
    visitor.expect_online()
    row_of(desk, visitor)
    desk.open(f"/vouchers/{batch_id}")
    desk.page.locator(f"a[href$='/{number}/void']").click()
    desk.page.get_by_role("main").locator("button.danger").click()

    expect_ended(desk, "Ticket invalidé")

    visitor.expect_captured()


def test_the_gateways_page_says_that_it_obeys(desk: Desk, visitor: Visitor) -> None:
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    visitor.expect_online()
    row_of(desk, visitor).get_by_role("link", name="Couper").click()
    desk.page.get_by_role("button", name="Mettre fin à la connexion").click()
    expect_ended(desk, "Coupée par le personnel")

    desk.open("/gateways/1")

    expect(desk.page.locator("#changes").get_by_text("Obéi il y a").first).to_be_visible()
