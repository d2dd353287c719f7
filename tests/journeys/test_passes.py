"""Passes that visitors get by themselves: from the form to the mailbox and back, with the connection going on."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from hotspot.models import Grant, PassRequest, WifiSession
from hotspot.values import RefusalReason, Way
from hotspot.wording import explain
from parvis.demo_files import HOST_DOMAIN
from tests.journeys.conftest import OpenBrowser
from tests.journeys.town import Town
from tests.journeys.visitor import CONNECT, ONLINE, Visitor, expect_accessible, expect_no_sideways_scroll

SITE = "Médiathèque des Capucins"
MINUTES = "120"
"""From sign-in: a pass for the day would be short before midnight."""
PATIENCE = 20_000
"""Milliseconds. The waiting page looks every five seconds."""


@dataclass(frozen=True)
class Mailbox:
    page: Page
    address: str

    def newest(self, recipient: str) -> str:
        """Its text, once it is there: a code is on its way for a second or two."""
        article = self._article(recipient)
        return article.inner_text()

    def code(self, recipient: str) -> str:
        return re.findall(r"\b\d{6}\b", self.newest(recipient))[0]

    def follow_link(self, recipient: str) -> None:
        self._article(recipient).get_by_role("link").click()

    def _article(self, recipient: str) -> Locator:
        article = self.page.locator("article", has_text=recipient).first
        self.page.goto(f"{self.address}/")  # it refreshes itself until the message is there
        article.wait_for()
        self.page.goto(f"{self.address}/?still=1")
        return article


@pytest.fixture(scope="module")
def offers(town: Town) -> Iterator[None]:
    """At the library, where the pocket access point begins."""
    numbers = []
    for name, way in (("Pass e-mail", Way.EMAIL_CODE), ("Pass SMS", Way.SMS_CODE), ("Invité", Way.SPONSOR)):
        domain = ("--host-domain", HOST_DOMAIN) if way is Way.SPONSOR else ()
        said = town.parvis("offer", "add", name, "--way", way.value, "--site", SITE, "--minutes", MINUTES, *domain)
        numbers.append(re.findall(r"\d+", said)[0])
    yield
    for number in numbers:
        town.parvis("offer", "retire", number)


@pytest.fixture
def mailbox(town: Town, open_browser: OpenBrowser) -> Mailbox:
    return Mailbox(open_browser().new_page(), str(town.demo["mailbox_url"]))


@pytest.fixture
def guest(offers: None, visitor: Visitor) -> Visitor:
    visitor.arrive()
    return visitor


def ask_by_mail(visitor: Visitor, address: str) -> None:
    form = visitor.open_offer("Par e-mail")
    form.get_by_label("Votre adresse e-mail").fill(address)
    form.get_by_role("button", name=CONNECT).click()


def time_left(visitor: Visitor) -> str:
    """As the access point counts it, on the pretend Internet."""
    visitor.expect_pretend_internet()
    return visitor.page.locator("dt:text('Temps restant') + dd").inner_text()


def test_by_mail_the_same_connection_goes_on_beyond_the_opening(guest: Visitor, mailbox: Mailbox, town: Town) -> None:
    ask_by_mail(guest, "marie@example.org")
    guest.expect_online()
    expect(guest.page.locator("#awaited")).to_contain_text("m…@example.org")
    page_of_visit = guest.page.url
    assert re.match(r"(9|10) min", time_left(guest))

    code = mailbox.code("marie@example.org")
    guest.page.goto(page_of_visit)
    guest.page.get_by_label("Code").fill(code)
    guest.page.get_by_role("button", name="Valider").click()
    expect(guest.page.locator("#awaited")).to_have_count(0)
    guest.expect_online()

    for _ in range(80):  # the CoA-Request is on its way
        if re.match(r"1 h", left := time_left(guest)):
            break
        guest.page.wait_for_timeout(250)
    assert re.match(r"1 h", left)
    with town.looked_into() as db:
        grant = db.scalars(select(Grant).where(Grant.device_mac == guest.mac.replace(":", ""))).one()
        (session,) = db.scalars(select(WifiSession).where(WifiSession.grant_id == grant.id)).all()
        assert session.ended_at is None
        assert grant.visitor_id is not None


def test_by_mail_the_link_confirms_from_another_browser(guest: Visitor, mailbox: Mailbox) -> None:
    ask_by_mail(guest, "paul@example.org")
    guest.expect_online()
    mailbox.follow_link("paul@example.org")
    expect_accessible(mailbox.page)
    expect_no_sideways_scroll(mailbox.page)
    mailbox.page.get_by_role("button", name="C’est moi").click()
    expect(mailbox.page.get_by_role("heading", level=1)).to_have_text("Vous avez confirmé")
    guest.page.reload()
    expect(guest.page.locator("#awaited")).to_have_count(0)
    guest.expect_online()


def test_a_wrong_code_and_then_the_right_one(guest: Visitor, mailbox: Mailbox) -> None:
    ask_by_mail(guest, "nora@example.org")
    guest.expect_online()
    expect_accessible(guest.page)
    expect_no_sideways_scroll(guest.page)
    guest.page.get_by_label("Code").fill("12345")
    guest.page.get_by_role("button", name="Valider").click()
    guest.expect_refusal(RefusalReason.CODE_WRONG)
    guest.page.get_by_label("Code").fill(mailbox.code("nora@example.org"))
    guest.page.get_by_role("button", name="Valider").click()
    expect(guest.page.locator("#awaited")).to_have_count(0)


def test_by_sms(guest: Visitor, mailbox: Mailbox, town: Town) -> None:
    form = guest.open_offer("Par SMS")
    form.get_by_label("Votre numéro de portable").fill("0696 12 34 56")
    form.get_by_role("button", name="je reçois un code").click()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Votre code")
    expect_accessible(guest.page)
    expect_no_sideways_scroll(guest.page)
    guest.page.get_by_label("Code").fill(mailbox.code("+596696123456"))
    guest.page.get_by_role("button", name="Valider").click()
    guest.expect_online()
    guest.expect_pretend_internet()
    with town.looked_into() as db:
        asked = db.scalars(select(PassRequest).order_by(PassRequest.id.desc())).first()
        assert asked is not None
        assert asked.device_mac == guest.mac.replace(":", "")


def test_with_a_host(guest: Visitor, mailbox: Mailbox) -> None:
    host = f"maire@{HOST_DOMAIN}"
    form = guest.open_offer("Avec une personne qui vous attend")
    form.get_by_label("Vos prénom et nom").fill("Jeanne d’Arc")
    form.get_by_label("Adresse e-mail de la personne").fill(host)
    form.get_by_role("button", name="je demande").click()
    heading = guest.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Votre hôte a été prévenu")
    expect_accessible(guest.page)

    mailbox.follow_link(host)
    expect(mailbox.page.locator("main")).to_contain_text("Jeanne d’Arc")
    expect_accessible(mailbox.page)
    expect_no_sideways_scroll(mailbox.page)
    mailbox.page.get_by_role("button", name="Oui").click()
    expect(mailbox.page.get_by_role("heading", level=1)).to_have_text("Vous avez donné votre accord")

    expect(heading).to_have_text("Votre hôte est d’accord", timeout=PATIENCE)  # by itself, without a script
    guest.page.get_by_role("button", name="Me connecter").click()
    guest.expect_online()
    guest.expect_pretend_internet()


def test_a_host_who_says_no(new_visitor: Callable[..., Visitor], offers: None, mailbox: Mailbox) -> None:
    guest = new_visitor(java_script_enabled=False)
    guest.arrive()
    host = f"adjoint@{HOST_DOMAIN}"
    form = guest.open_offer("Avec une personne qui vous attend")
    form.get_by_label("Vos prénom et nom").fill("Jean Valjean")
    form.get_by_label("Adresse e-mail de la personne").fill(host)
    form.get_by_role("button", name="je demande").click()
    mailbox.follow_link(host)
    mailbox.page.get_by_role("button", name="Non").click()
    title = explain(RefusalReason.HOST_REFUSED, "fr").title
    expect(guest.page.get_by_role("heading", level=1)).to_have_text(title, timeout=PATIENCE)
    guest.expect_captured()


def test_the_code_on_the_page_of_the_visit_in_english(
    offers: None, open_browser: OpenBrowser, town: Town, mailbox: Mailbox
) -> None:
    visitor = Visitor(open_browser().new_page(), town.access_point)
    visitor.arrive()
    visitor.page.get_by_role("link", name="English").click()
    form = visitor.open_offer("By e-mail")
    form.get_by_label("Your e-mail address").fill("john@example.org")
    form.get_by_role("button", name="I accept the terms and connect").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are online")
    assert "is your Wi-Fi code" in mailbox.newest("john@example.org")
    assert ONLINE not in visitor.page.content()
