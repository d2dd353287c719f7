"""What people do in a browser, in their words: the visitor at an access point, the staff at their desk."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect

from hotspot.values import RefusalReason, Refuse
from hotspot.wording import explain_refusal
from portal.arrival import arrival_of_token
from tests.journeys.town import Town

CONNECT = "J’accepte les conditions et je me connecte"
ONLINE = "Vous êtes en ligne"
REPORTS_SECONDS = 15
"""The demonstration's access point reports every ten."""
NARROW = {"width": 320, "height": 640}


@dataclass
class Visitor:
    """A fresh browser is a new phone."""

    page: Page
    access_point: str

    @property
    def mac(self) -> str:
        """As the staff see it."""
        cookies = self.page.context.cookies(self.access_point)
        phone = next(each["value"] for each in cookies if each["name"] == "phone")
        return ":".join(phone[at : at + 2] for at in range(0, 12, 2))

    def arrive(self, path: str = "/") -> None:
        """Visit any page; the access point leads to the portal."""
        self.page.goto(self.access_point + path, wait_until="commit")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def walk_to(self, place: str) -> None:
        self.page.goto(f"{self.access_point}/pocket")
        self.page.get_by_role("button", name=f"Aller à : {place}").click()

    def sign_in_by_card(self, card: str, pin: str) -> None:
        form = self.open_offer("Avec votre carte de bibliothèque")
        form.get_by_label("Numéro de carte").fill(card)
        form.get_by_label("Code ou mot de passe").fill(pin)
        form.get_by_role("button", name=CONNECT).click()

    def sign_in_remembered(self, card: str, pin: str) -> None:
        self.open_offer("Avec votre carte de bibliothèque").get_by_label("Se souvenir de cet appareil").check()
        self.sign_in_by_card(card, pin)
        self.expect_online()

    @property
    def devices(self) -> Locator:
        """Those that are remembered, on the page of the visit."""
        return self.page.locator("#devices li")

    def sign_in_by_voucher(self, code: str) -> None:
        form = self.open_offer("Avec un code")
        form.get_by_label("Code", exact=True).fill(code)
        form.get_by_role("button", name=CONNECT).click()

    def sign_in_by_one_tap(self) -> None:
        self.open_offer("Accès libre").get_by_role("button", name=CONNECT).click()

    def see_the_announcement(self) -> None:
        """Its page loads itself again when its time is over; then it has the button."""
        expect(self.page.locator(".hero")).to_contain_text(re.compile("Publicité|Les nouvelles de votre ville"))
        self.page.get_by_role("button", name="Continuer vers Internet").click()

    def open_offer(self, title: str) -> Locator:
        card = self.page.locator(".card", has=self.page.get_by_role("heading", name=title))
        summary = card.locator(":scope > summary")
        if summary.count() and card.get_attribute("open") is None:
            summary.click()
        return card

    def leave_the_page_open(self, town: Town) -> None:
        """For ten minutes: the page is as old as that, and the access point has another challenge."""
        for field in self.page.locator("input[name=arrival]").all():
            arrival = arrival_of_token(town.vault(), field.get_attribute("value") or "")
            assert arrival is not None
            older = replace(arrival, issued_at=arrival.issued_at - timedelta(minutes=10))
            field.evaluate("(input, token) => input.value = token", older.to_token(town.vault()))
        self.page.request.get(f"{self.access_point}/logoff", max_redirects=0)

    def expect_online(self) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(ONLINE)
        expect(self.page).to_have_url(re.compile(r"/online/"))

    def expect_pretend_internet(self) -> None:
        self.page.goto(self.access_point + "/news")
        expect(self.page.get_by_text("L’internet pour de faux")).to_be_visible()

    def expect_refusal(self, reason: RefusalReason, day: date | None = None) -> None:
        title = explain_refusal(Refuse(reason, day=day), "fr").title
        expect(self.page.get_by_role("alert").get_by_role("heading")).to_have_text(title)

    def expect_captured(self) -> None:
        """The next page leads to the portal: at once, or when what cuts the visit has reached the access point."""
        for _ in range(50):
            with suppress(PlaywrightError):  # interrupted by a page that was loading itself again
                self.page.goto(self.access_point + "/news", wait_until="commit")
            if "/hotspot?" in self.page.url:
                break
            self.page.wait_for_timeout(200)
        expect(self.page).to_have_url(re.compile(r"/hotspot\?"))


@dataclass
class Desk:
    """The staff application, signed in."""

    page: Page
    town: Town

    def sign_in(self, email: str, password: str) -> None:
        self.page.goto(self.town.staff)
        self.page.locator("[name=email]").fill(email)
        self.page.locator("[name=password]").fill(password)
        self.page.get_by_role("button", name="Se connecter").click()
        expect(self.page.locator("[name=password]")).to_have_count(0)

    def expect_download_to_grow(self, mac: str) -> None:
        """On "online now": from one report of the access point to the next, twice."""
        self.open("/online?still=1")
        download = self.page.get_by_role("row").filter(has_text=mac).get_by_role("cell").nth(-3)
        for _ in range(2):
            before = download.inner_text()
            give_up = time.monotonic() + REPORTS_SECONDS
            while download.inner_text() == before and time.monotonic() < give_up:
                self.page.wait_for_timeout(500)
                self.page.reload()
            expect(download).not_to_have_text(before)

    def open(self, path: str) -> None:
        self.page.goto(self.town.staff + path)


def expect_accessible(page: Page) -> None:
    """No violation that axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    serious = [
        f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")
    ]
    assert serious == [], page.url


def expect_no_sideways_scroll(page: Page) -> None:
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW["width"], f"{page.url} is {width} px wide"
