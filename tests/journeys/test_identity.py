"""A visitor whom an identity provider vouches for: from the access point to the provider, the pass, and out again.

The provider is the certified one, in a process of its own and at another site than the portal; the browser a real one.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hotspot.models import Grant, SessionWish, WishKind, WishState
from hotspot.models import Visitor as VisitorRow
from hotspot.values import RefusalReason, Way
from hotspot.wording import explain
from tests.factories import CLIENT_ID, CLIENT_SECRET
from tests.fixtures.openid import a_client, an_openid_provider
from tests.journeys.town import Town
from tests.journeys.visitor import Visitor, expect_accessible, expect_no_sideways_scroll

SIGN_IN = "S’identifier avec FranceConnect"
SQUARE = "Place de la République"
COMMUNE = ("--organisation", "Loue-la-Ville")


@pytest.fixture(scope="module")
def issuer(town: Town) -> Iterator[str]:
    """A provider that knows the town, and is offered at its square for two hours."""
    redirect, signed_out = f"{town.portal}/identity/1/callback", f"{town.portal}/identity/signed-out"
    with an_openid_provider(a_client(redirect, signed_out)) as started:
        profile = ("--profile", "franceconnect", "--issuer", started)
        town.parvis("identity", "add", "FranceConnect", *profile, *COMMUNE)
        town.parvis("identity", "client", "1", "--id", CLIENT_ID, given=CLIENT_SECRET)
        town.parvis("identity", "test", "1")
        led = ("--way", "openid_connect", "--identity-provider", "1", "--site", SQUARE, "--minutes", "120")
        number = re.findall(r"\d+", town.parvis("offer", "add", "FranceConnect", *led, *COMMUNE))[0]
        yield started
        town.parvis("offer", "retire", number)


def let_in(visitor: Visitor) -> None:
    """The offer is tapped; the access point has let the device in for ten minutes."""
    visitor.walk_to(SQUARE)
    visitor.arrive()
    visitor.open_offer("Avec FranceConnect").get_by_role("button", name=SIGN_IN).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Encore une étape")


def set_out(visitor: Visitor, issuer: str) -> None:
    visitor.page.get_by_role("link", name=SIGN_IN).click()
    expect(visitor.page).to_have_url(re.compile(re.escape(issuer)))


def answer_there(page: Page, name: str, answer: str = "Sign in") -> None:
    """On the provider's own page."""
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name=answer).click()


def expect_lengthened(visitor: Visitor, town: Town) -> None:
    """The access point has been told, and has agreed, that the connection may last longer than ten minutes."""
    wishes = select(SessionWish.state).join(SessionWish.wifi_session).where(SessionWish.kind == WishKind.CHANGE)
    for _ in range(100):
        with town.looked_into() as db:
            states = db.scalars(wishes).all()
        if WishState.ACCEPTED in states:
            break
        visitor.page.wait_for_timeout(100)
    visitor.page.goto(f"{visitor.access_point}/pocket")
    change = visitor.page.locator("#packets li", has_text="CoA-Request").first
    seconds = change.get_by_role("row", name="Session-Timeout", include_hidden=True).locator("td")
    assert int(seconds.text_content() or 0) > 6000


def test_identified_online_beyond_ten_minutes_and_signed_out_there_too(
    visitor: Visitor, town: Town, issuer: str
) -> None:
    let_in(visitor)
    expect_accessible(visitor.page)
    expect_no_sideways_scroll(visitor.page)
    set_out(visitor, issuer)

    answer_there(visitor.page, "marie")

    visitor.expect_online()
    online = visitor.page.url
    with town.looked_into() as db:
        grant = db.scalars(select(Grant).where(Grant.device_mac == visitor.mac.replace(":", ""))).one()
        assert grant.way is Way.OPENID_CONNECT
        assert grant.ends_at - grant.created_at >= timedelta(hours=2)
        known = db.get_one(VisitorRow, grant.visitor_id)
        assert town.vault().open(known.contact_sealed) == f"marie ({issuer})"
    expect_lengthened(visitor, town)
    visitor.expect_pretend_internet()

    visitor.page.goto(online)
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    visitor.page.get_by_role("button", name="Sign out here too").click()  # the provider's own question

    expect(visitor.page.get_by_role("heading", name="Vous êtes déconnecté")).to_be_visible()
    visitor.expect_captured()
    visitor.page.goto(town_asks_again(visitor, online, issuer))
    expect(visitor.page.get_by_label("Name")).to_be_visible()


def town_asks_again(visitor: Visitor, online: str, issuer: str) -> str:
    """The address of a new question to the provider, which it would answer at once if it still knew the browser."""
    client = f"client_id={CLIENT_ID}&response_type=code&scope=openid&code_challenge_method=S256"
    challenge = "code_challenge=" + "x" * 43
    redirect = f"redirect_uri={online.split('/online/', maxsplit=1)[0]}/identity/1/callback"
    return f"{issuer}/auth?{client}&{challenge}&{redirect}&state={'x' * 32}&nonce={'x' * 32}&acr_values=eidas1"


def test_who_says_no_there_may_try_again(visitor: Visitor, issuer: str) -> None:
    let_in(visitor)
    set_out(visitor, issuer)
    answer_there(visitor.page, "", "Refuse")
    refusal = explain(RefusalReason.IDENTITY_DECLINED, "fr")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(refusal.title)
    expect_accessible(visitor.page)

    visitor.page.get_by_role("link", name="Revenir à la page de votre visite").click()
    set_out(visitor, issuer)
    answer_there(visitor.page, "ali")

    visitor.expect_online()


def test_an_answer_that_comes_back_in_another_browser_is_refused(
    visitor: Visitor, new_visitor: Callable[..., Visitor], issuer: str
) -> None:
    """A telephone has opened its usual browser on the way back; or somebody was sent a stranger's answer."""
    let_in(visitor)
    other = new_visitor()
    set_out(visitor, issuer)
    ask = visitor.page.request
    signed_in = ask.post(visitor.page.url, form={"name": "zoe", "answer": "yes"}, max_redirects=0)
    back = ask.get(signed_in.headers["location"], max_redirects=0).headers["location"]
    assert "/identity/1/callback?code=" in back

    other.page.goto(back)

    refusal = explain(RefusalReason.IDENTITY_OTHER_BROWSER, "fr")
    expect(other.page.get_by_role("heading", level=1)).to_have_text(refusal.title)

    visitor.page.goto(back)
    visitor.expect_online()
