"""The page of a visit, before, during and after it; signing out; and the same for devices (RFC 8908)."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from hotspot.db import Database
from hotspot.models import Nas, Offer
from hotspot.portal_links import online_url, refused_url
from hotspot.sealing import Vault
from hotspot.settings import Settings
from hotspot.values import RefusalReason
from hotspot.wording import explain
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town, redirect_of

HOUR = timedelta(hours=1)
UNKNOWN = UUID(int=7)


class Visit:
    """A grant of two hours at the town's library, and its page."""

    def __init__(self, pages: PageClient, database: Database, settings: Settings, town: Town) -> None:
        self.pages, self.database, self.settings, self.town = pages, database, settings, town

    def begin(self, **overrides: Any) -> str:
        with self.database.transaction() as db:
            nas, offer = db.get_one(Nas, self.town.nas_id), db.get_one(Offer, self.town.card_offer_id)
            self.grant = factories.make_grant(db, nas=nas, offer=offer, **overrides)
        return online_url(self.settings, factories.VAULT, self.grant.id).removeprefix(self.settings.public_portal)

    def session(self, **overrides: Any) -> None:
        with self.database.transaction() as db:
            factories.make_wifi_session(
                db, grant=db.merge(self.grant), nas=db.get_one(Nas, self.town.nas_id), **overrides
            )


@pytest.fixture
def visit(pages: PageClient, database: Database, settings: Settings, town: Town) -> Visit:
    return Visit(pages, database, settings, town)


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ")


def test_it_works_before_the_session_has_begun(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin()
    clock.now += timedelta(minutes=15)
    page = pages.get(address)
    assert (page.status, page.h1) == (HTTPStatus.OK, "Vous êtes en ligne")
    assert "Encore 1 heure 45 minutes" in plain(page)
    assert "à 12 h 00" in plain(page)
    assert page.headers["Refresh"] == "60"


def test_it_shows_what_was_used_and_what_is_left(pages: PageClient, visit: Visit) -> None:
    address = visit.begin(
        octets_allowed=500_000_000, download_kbps=8000, upload_kbps=1000, ends_because=RefusalReason.SITE_CLOSED
    )
    visit.session(download_octets=84_000_000, upload_octets=6_300_000, session_seconds=600)
    text = plain(pages.get(address))
    for said in ("Reçu 84 Mo", "Envoyé 6,3 Mo", "Volume restant 410 Mo", "8 Mbit/s", "à la fermeture du lieu"):
        assert said in text


def test_time_online_counts_on_between_two_reports(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(time_allowed=HOUR)
    visit.session(session_seconds=600)
    clock.now += timedelta(minutes=4)
    text = plain(pages.get(address))
    assert "Encore 46 minutes" in text
    assert "quand son temps sera épuisé" in text


def test_the_reader_can_stop_the_refresh(pages: PageClient, visit: Visit) -> None:
    page = pages.get(visit.begin())
    still = pages.get(visit_address(page, "Arrêter"))
    assert "Refresh" not in still.headers


def visit_address(page: Page, words: str) -> str:
    return page.path.partition("?")[0] + page.link(words)


def test_after_signing_out_it_offers_the_way_back(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin()
    visit.session(ended_at=factories.NOW + timedelta(minutes=5))
    clock.now += timedelta(minutes=6)
    page = pages.get(address)
    assert page.h1 == "Vous êtes déconnecté"
    assert page.link("Me reconnecter") == "http://10.1.0.1:3990/prelogin"
    assert "Refresh" not in page.headers


def test_on_the_way_back_in_it_is_online_before_the_start_arrives(
    pages: PageClient, visit: Visit, clock: Clock, town: Town
) -> None:
    address = visit.begin()
    visit.session(ended_at=factories.NOW + timedelta(minutes=5))
    clock.now += timedelta(minutes=6)
    pages.submit(pages.get(redirect_of(town)).form("/continue"))
    assert pages.get(address).h1 == "Vous êtes en ligne"


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"ends_at": factories.NOW + HOUR}, RefusalReason.GRANT_ENDED),
        ({"time_allowed": timedelta(minutes=5)}, RefusalReason.TIME_USED_UP),
        ({"octets_allowed": 1000}, RefusalReason.VOLUME_USED_UP),
    ],
    ids=["ended", "time", "volume"],
)
def test_after_the_end_it_says_why(
    pages: PageClient, visit: Visit, clock: Clock, overrides: dict[str, Any], reason: RefusalReason
) -> None:
    address = visit.begin(**overrides)
    visit.session(session_seconds=300, download_octets=1000, ended_at=factories.NOW + timedelta(minutes=5))
    clock.now += HOUR + timedelta(minutes=1)
    page = pages.get(address)
    assert page.h1 == explain(reason, "fr").title
    assert page.link("Me reconnecter")


def test_after_closing_time_there_is_no_way_back_to_offer(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(ends_at=factories.NOW + 9 * HOUR, ends_because=RefusalReason.SITE_CLOSED)
    clock.now += 10 * HOUR
    page = pages.get(address)
    assert page.h1 == explain(RefusalReason.SITE_CLOSED, "fr").title
    assert not page.root.all("a", class_="button")


def test_the_next_morning_it_does_not_say_that_the_place_is_closed(
    pages: PageClient, visit: Visit, clock: Clock
) -> None:
    address = visit.begin(ends_at=factories.NOW + 9 * HOUR, ends_because=RefusalReason.SITE_CLOSED)
    clock.now += 24 * HOUR
    assert pages.get(address).h1 == explain(RefusalReason.GRANT_ENDED, "fr").title


def test_the_last_seconds_of_a_visit_are_still_online(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin()
    visit.session()
    clock.now += 2 * HOUR - timedelta(seconds=30)
    page = pages.get(address)
    assert page.h1 == "Vous êtes en ligne"
    assert "Encore moins d’une minute" in plain(page)


def test_it_speaks_the_language_of_the_sign_in(pages: PageClient, visit: Visit) -> None:
    page = pages.get(visit.begin(language="en"))
    assert (page.language, page.h1) == ("en", "You are online")
    assert pages.get(visit_address(page, "Français")).language == "fr"


def test_signing_out_goes_through_the_access_point_and_keeps_the_grant(
    pages: PageClient, visit: Visit, database: Database
) -> None:
    address = visit.begin()
    page = pages.get(address)
    assert "form-action 'self' http://10.1.0.1:3990" in page.policy
    answer = pages.submit(page.form(f"{address}/sign-out"))
    assert (answer.status, answer.location) == (HTTPStatus.SEE_OTHER, "http://10.1.0.1:3990/logoff")
    assert pages.get(address).h1 == "Vous êtes en ligne"


@pytest.mark.parametrize(
    "token",
    ["x", factories.VAULT.sign("online", UNKNOWN.hex), factories.VAULT.stamp("online", UNKNOWN.bytes)],
    ids=["rubbish", "signed for another use", "no such grant"],
)
def test_nobody_sees_a_visit_that_is_not_theirs(pages: PageClient, town: Town, token: str) -> None:
    assert pages.get(f"/online/{token}").status == HTTPStatus.NOT_FOUND
    assert pages.post(f"/online/{token}/sign-out").status == HTTPStatus.NOT_FOUND


CAPTIVE = {"Accept": "application/captive+json"}


def captive(pages: PageClient, address: str) -> dict[str, Any]:
    page = pages.get(address.replace("/online/", "/api/captive/"), headers=CAPTIVE)
    assert page.status == HTTPStatus.OK
    assert page.headers["Content-Type"] == "application/captive+json"
    assert page.headers["Cache-Control"] == "private, no-cache"
    answer: dict[str, Any] = page.response.get_json(force=True)
    return answer


def test_a_device_online_learns_what_it_has_left(pages: PageClient, visit: Visit, settings: Settings) -> None:
    address = visit.begin(octets_allowed=1000)
    assert captive(pages, address) == {
        "captive": False,
        "user-portal-url": settings.public_portal + address,
        "seconds-remaining": 7200,
        "bytes-remaining": 1000,
    }


def test_a_device_whose_visit_is_over_is_captive(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin()
    clock.now += 2 * HOUR
    assert captive(pages, address)["captive"] is True


@pytest.mark.parametrize("path", ["/api/captive", "/api/captive/forged"])
def test_an_unknown_device_is_captive(pages: PageClient, settings: Settings, path: str) -> None:
    assert captive(pages, path) == {"captive": True, "user-portal-url": settings.public_portal + "/"}


def test_a_browser_at_the_api_is_led_to_the_page(pages: PageClient, settings: Settings) -> None:
    page = pages.get("/api/captive", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status, page.location) == (HTTPStatus.SEE_OTHER, settings.public_portal + "/")


@pytest.mark.parametrize("reason", RefusalReason)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_has_its_page(
    pages: PageClient, town: Town, settings: Settings, vault: Vault, reason: RefusalReason, language: str
) -> None:
    path = refused_url(settings, reason, nas_id=town.nas_id).removeprefix(settings.public_portal)
    page = pages.get(path, headers={"Accept-Language": language})
    assert page.h1 == explain(reason, language).title
    assert page.root.one("a", class_="button")["href"] == "http://10.1.0.1:3990/prelogin"


def test_a_refusal_we_do_not_know_is_not_found(pages: PageClient, town: Town) -> None:
    assert pages.get("/refused/because").status == HTTPStatus.NOT_FOUND
