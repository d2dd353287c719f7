"""The desk, by keyboard alone: a pass printed, one more hour for whoever is online with it, made void, undone; and the
question about a pass, a card and a device."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hotspot.values import RefusalReason
from parvis.demo_files import BLOCKED_CARD, LIBRARIAN
from tests.journeys.conftest import OpenBrowser
from tests.journeys.test_vouchers import qr_codes
from tests.journeys.town import Town
from tests.journeys.visitor import Desk, Visitor, expect_accessible, expect_no_sideways_scroll

MOST_TABS = 60
TABLET = {"width": 768, "height": 1024}
HOURS_LEFT = r"Temps restant\s*{hours} h \d\d min"


class Keyboard:
    """No mouse: Tab, letters, Enter."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page

    def tab_to(self, name: str) -> None:
        """To the field or button whose name begins so: its label, or what is on it."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.focused().startswith(name):
                assert self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return
        raise AssertionError(f"{name!r} is not reached")

    def focused(self) -> str:
        """The name of what has the focus, as it is read aloud."""
        return str(
            self.page.evaluate(
                "(e => (e.ariaLabel || (e.labels && e.labels[0] ? e.labels[0].firstChild.data : e.innerText)).trim())"
                "(document.activeElement)"
            )
        ).replace("\xa0", " ")

    def press(self, name: str) -> None:
        self.tab_to(name)
        self.page.keyboard.press("Enter")

    def asks(self, text: str) -> None:
        """As a scanner does: the field has the focus already, and Enter follows."""
        self.desk.open("/")
        expect(self.page.get_by_label("Scannez ou saisissez")).to_be_focused()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        expect(self.page).not_to_have_url(re.compile(r"/$"))

    def prints(self, sheet: Path, **typed: str) -> str:
        """The code on the sheet that the browser shows."""
        self.desk.open("/")
        for label, text in typed.items():
            self.tab_to(LABELS[label])
            self.page.keyboard.type(text)
        self.press("Imprimer le ticket")
        self.page.wait_for_url(re.compile(r"/desk/\d+\.pdf"))
        answer = self.page.request.get(self.page.url)
        assert answer.headers["content-type"] == "application/pdf"
        sheet.write_bytes(answer.body())
        return next(text for text in qr_codes(sheet) if text.startswith("http"))


LABELS = {"whom": "Pour qui", "hours": "Durée, en heures"}


@pytest.fixture
def librarian(town: Town, open_browser: OpenBrowser) -> Keyboard:
    desk = Desk(open_browser().new_page(), town)
    desk.page.set_viewport_size(TABLET)
    desk.sign_in(LIBRARIAN, town.demo["staff"]["password"])
    return Keyboard(desk)


def test_a_pass_from_print_to_undo(librarian: Keyboard, new_visitor: Callable[..., Visitor], tmp_path: Path) -> None:
    page = librarian.page
    address = librarian.prints(tmp_path / "sheet.pdf", whom="Madame Martin", hours="2")
    visitor = new_visitor()
    visitor.arrive()
    visitor.sign_in_by_voucher(address.rpartition("/")[2])
    visitor.expect_online()
    visitor.expect_pretend_internet()
    live = visitor.page.locator("#live")
    expect(live).to_contain_text(re.compile(HOURS_LEFT.format(hours=1)))

    librarian.asks(address)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Madame Martin")
    expect_accessible(page)
    librarian.press("Une heure de plus")
    expect(page.get_by_role("status")).to_contain_text("Une heure de plus est donnée")
    expect(live).to_contain_text(re.compile(HOURS_LEFT.format(hours=2)))  # without a new sign-in

    librarian.press("Invalider")
    expect(page.get_by_role("status")).to_contain_text("est maintenant invalidé")
    expect(page.locator(".verdict")).to_contain_text("Il a été invalidé")
    expect_accessible(page)
    for _ in range(50):
        if not visitor.page.request.get(f"{visitor.access_point}/pocket/internet").ok:
            break
        visitor.page.wait_for_timeout(200)
    visitor.expect_captured()

    librarian.press("Annuler : Invalidé")
    expect(page.get_by_role("status")).to_contain_text("revient en un geste")
    visitor.arrive()
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.expect_online()


def test_what_a_visitor_reads_out_is_found(
    librarian: Keyboard, visitor: Visitor, card: dict[str, str], town: Town
) -> None:
    visitor.arrive()
    visitor.sign_in_by_card(card["card"], "not this one")
    visitor.expect_refusal(RefusalReason.UNKNOWN_CARD_OR_PIN)
    expect(visitor.page.get_by_role("alert")).to_contain_text(visitor.mac)
    librarian.asks(card["card"])
    page = librarian.page
    expect(page.locator(".verdict")).to_contain_text("La carte est en règle")
    expect(page.get_by_role("heading", name=re.compile("Dernier refus"))).to_be_visible()
    expect_accessible(page)

    visitor.sign_in_by_card(**card)
    visitor.expect_online()
    librarian.asks(visitor.mac.replace(":", "-").upper())
    expect(page.locator(".verdict")).to_contain_text("Rien ne lui fait obstacle")
    expect_accessible(page)
    expect_no_sideways_scroll(page)

    page.set_viewport_size(TABLET)
    librarian.asks(BLOCKED_CARD)
    expect(page.locator(".verdict")).to_contain_text("La carte est bloquée")
    librarian.asks("nothing of ours")
    expect(page.locator("#asked-error")).to_be_visible()
    expect_accessible(page)
    expect_no_sideways_scroll(page)


def test_a_card_that_was_locked_is_let_try_again(librarian: Keyboard, visitor: Visitor, card: dict[str, str]) -> None:
    for _ in range(6):
        visitor.arrive()
        visitor.sign_in_by_card(card["card"], "not this one")
        expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.expect_refusal(RefusalReason.TOO_MANY_ATTEMPTS)
    librarian.asks(card["card"])
    expect(librarian.page.locator(".verdict")).to_contain_text("trop d’essais manqués")
    librarian.press("Lever le blocage")
    expect(librarian.page.get_by_role("status")).to_contain_text("Le blocage est levé")
    visitor.arrive()
    visitor.sign_in_by_card(**card)
    visitor.expect_online()
