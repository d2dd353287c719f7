"""The page of a visit, before, during and after it; signing out; and the same for devices (RFC 8908)."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from hotspot.db import Database
from hotspot.models import Offer, OfferAllowance, Site
from hotspot.portal_links import refused_url
from hotspot.sealing import Vault
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, SiteKind
from hotspot.wording import explain
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town, redirect_of
from tests.portal.visit import Visit, plain

HOUR = timedelta(hours=1)
UNKNOWN = UUID(int=7)


@pytest.fixture
def visit(pages: PageClient, database: Database, settings: Settings, town: Town) -> Visit:
    return Visit(pages, database, settings, town)


@pytest.fixture
def square(database: Database, town: Town) -> None:
    """Libraries show no announcement."""
    with database.transaction() as db:
        db.get_one(Site, town.site_id).kind = SiteKind.SQUARE


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
    for said in ("Reçu 84 Mo", "Envoyé 6,3 Mo", "Reste pour cette visite 410 Mo", "8 Mbit/s", "à la fermeture du lieu"):
        assert said in text


def test_time_online_counts_on_between_two_reports(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(time_allowed=HOUR)
    visit.session(session_seconds=600)
    clock.now += timedelta(minutes=4)
    text = plain(pages.get(address))
    assert "Encore 46 minutes" in text
    assert "quand son temps sera épuisé" in text


def test_of_a_day_and_a_week_it_says_what_is_left_and_when_it_is_renewed(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        offer = db.get_one(Offer, town.card_offer_id)
        offer.allowances = [
            OfferAllowance(period=Period.DAY, time=HOUR, upload_octets=100_000_000, download_octets=900_000_000),
            OfferAllowance(period=Period.WEEK, time=5 * HOUR),
        ]
    address = visit.begin()
    visit.session(session_seconds=600, upload_octets=40_000_000, download_octets=200_000_000)
    text = plain(pages.get(address))
    assert "Encore 50 minutes" in text
    assert "Reste aujourd’hui 50 minutes 700 Mo à recevoir 60 Mo à envoyerà nouveau complet à minuit" in text
    assert "Reste cette semaine 4 heures 50 minutesà nouveau complet lundi 16 mars à 0 h 00" in text


def test_it_says_when_the_next_announcement_comes(pages: PageClient, visit: Visit, square: None) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    visit.see_announcement(at=factories.NOW - timedelta(minutes=18))
    visit.session(session_seconds=18 * 60)
    assert "La prochaine viendra après 12 minutes de connexion." in plain(pages.get(address))


def test_it_says_nothing_of_an_announcement_that_comes_after_the_end(
    pages: PageClient, visit: Visit, square: None
) -> None:
    address = visit.begin(announcement_every=3 * HOUR)
    visit.see_announcement()
    assert "La prochaine" not in plain(pages.get(address))


def test_before_the_end_it_says_so_above_all_else(pages: PageClient, visit: Visit, clock: Clock) -> None:
    address = visit.begin(ends_at=factories.NOW + 9 * HOUR)
    clock.now += 9 * HOUR - timedelta(minutes=8)
    notice = pages.get(address).root.one(role="status").text
    assert notice.replace("\xa0", " ").startswith("Votre visite se termine dans 8 minutes.")
    assert "enregistrez" in notice


def test_a_volume_that_is_nearly_used_up_is_said(pages: PageClient, visit: Visit) -> None:
    address = visit.begin(octets_allowed=100_000_000)
    visit.session(download_octets=95_000_000)
    notice = pages.get(address).root.one(role="status").text.replace("\xa0", " ")
    assert notice == "Le volume de votre visite est presque épuisé\u202f: encore 5 Mo."


def test_nothing_is_said_before_its_time(pages: PageClient, visit: Visit) -> None:
    assert not pages.get(visit.begin()).root.all(role="status")


@pytest.mark.parametrize(("left", "refresh"), [(300, "60"), (40, "41"), (2, "10")], ids=["far", "soon", "at once"])
def test_it_loads_itself_again_when_something_ends(
    pages: PageClient, visit: Visit, clock: Clock, left: int, refresh: str
) -> None:
    address = visit.begin()
    visit.session()
    clock.now += 2 * HOUR - timedelta(seconds=left)
    assert pages.get(address).headers["Refresh"] == refresh


def test_when_the_time_of_the_day_is_over_it_says_when_there_is_more(
    pages: PageClient, visit: Visit, database: Database, town: Town, clock: Clock
) -> None:
    with database.transaction() as db:
        db.get_one(Offer, town.card_offer_id).allowances = [OfferAllowance(period=Period.DAY, time=HOUR)]
    address = visit.begin(ends_at=factories.NOW + timedelta(days=3))
    visit.session(session_seconds=3600, ended_at=factories.NOW + HOUR)
    clock.now += HOUR
    page = pages.get(address)
    assert page.h1 == explain(RefusalReason.TIME_USED_UP, "fr").title
    assert "Cela fonctionnera de nouveau à minuit." in plain(page)
    assert "prochaine visite" not in plain(page)


def test_where_the_time_of_the_day_runs_out_first_it_says_whose_time_it_is(
    pages: PageClient, visit: Visit, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        db.get_one(Offer, town.card_offer_id).allowances = [OfferAllowance(period=Period.DAY, time=HOUR)]
    address = visit.begin()
    visit.session(session_seconds=600)
    assert "quand votre temps du jour sera épuisé" in plain(pages.get(address))


def test_an_announcement_that_is_near_is_told_once_above_all_else(
    pages: PageClient, visit: Visit, square: None
) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    visit.see_announcement(at=factories.NOW - timedelta(minutes=29))
    visit.session(session_seconds=29 * 60)
    text = plain(pages.get(address))
    assert text.count("Une annonce arrive dans 1 minute.") == 1
    assert "La prochaine viendra" not in text
    assert text.index("Une annonce arrive") < text.index("Fin de visite")


def test_an_announcement_that_waits_for_the_device_is_told_where_it_connects_again(
    pages: PageClient, visit: Visit, square: None, clock: Clock
) -> None:
    address = visit.begin(announcement_every=HOUR / 2)
    visit.see_announcement()
    visit.session(session_seconds=30 * 60, ended_at=factories.NOW + HOUR / 2)
    clock.now += HOUR / 2
    text = plain(pages.get(address))
    assert "Une annonce est à voir : elle s’affiche quand vous vous reconnectez, puis vous continuez." in text
    assert "Le reste de votre visite vous est gardé" not in text


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
