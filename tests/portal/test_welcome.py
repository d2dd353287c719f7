"""Where access points send browsers: the page of the site, straight on, or a clear no."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.last_refusal import LastRefusals
from hotspot.db import Database
from hotspot.models import Grant, Nas, Offer, OfferAllowance, Site
from hotspot.sealing import Vault
from hotspot.services.arriving import find_live_grant
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, Way
from hotspot.wording import explain
from portal.arrival import arrival_of_token
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import ENGLISH, Clock, Town, redirect_of


def test_the_page_shows_the_site_its_hours_and_its_offers(welcome: Page, town: Town) -> None:
    assert welcome.status == HTTPStatus.OK
    assert welcome.h1 == town.site_name
    assert "Ouvert jusqu’à 19 h 00" in welcome.text.replace("\xa0", " ")
    assert [each.text for each in welcome.root.all("h2")] == [
        "Avec votre carte de bibliothèque",
        "Avec un code",
        "Accès libre",
    ]
    assert "Soyez raisonnable." in welcome.text


def test_a_visitor_with_one_offer_sees_no_choice_to_make(pages: PageClient, database: Database) -> None:
    with database.transaction() as db:
        offer = factories.make_offer(db, way=Way.LIBRARY_CARD)
        nas = factories.make_nas(db, site=offer.sites[0])
    page = pages.get(redirect_of(nas))
    assert len(page.root.all("form")) == 1
    assert not page.root.all("details", class_="card")


def test_an_offer_says_what_it_allows_in_a_day_and_a_week(pages: PageClient, database: Database) -> None:
    with database.transaction() as db:
        limits = [
            OfferAllowance(period=Period.DAY, time=timedelta(hours=1)),
            OfferAllowance(period=Period.WEEK, octets=1_500_000_000),
        ]
        offer = factories.make_offer(db, allowances=limits, download_kbps=5000)
        nas = factories.make_nas(db, site=offer.sites[0])
    said = pages.get(redirect_of(nas)).root.one("p", class_="limits").text.replace("\xa0", " ")
    assert said == "Pendant 2 heures · 1 heure par jour · 1,5 Go par semaine · 5 Mbit/s"


def test_a_site_without_offers_says_so(pages: PageClient, database: Database) -> None:
    with database.transaction() as db:
        nas = factories.make_nas(db)
    page = pages.get(redirect_of(nas))
    assert not page.root.all("form")
    assert "Aucune façon de se connecter" in page.text


def test_two_offers_of_the_same_way_go_by_their_names(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        factories.make_offer(db, site=db.get_one(Site, town.site_id), way=Way.ONE_TAP, name="Soirée", position=9)
    page = pages.get(redirect_of(town))
    assert "Soirée" in [each.text for each in page.root.all("h2")]


def test_the_access_point_tells_the_site(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        square = factories.make_site(db, name="Place du Marché")
        factories.make_access_point(db, nas=db.get_one(Nas, town.nas_id), site=square, called_station_id="02aa000000fe")
    assert pages.get(redirect_of(town, called="02-AA-00-00-00-FE")).h1 == "Place du Marché"
    assert pages.get(redirect_of(town, called="02-AA-00-00-00-00")).h1 == town.site_name


def test_a_change_by_staff_is_seen_within_two_seconds(
    pages: PageClient, welcome: Page, town: Town, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal import resources

    with database.transaction() as db:
        db.get_one(Offer, town.voucher_offer_id).retired_at = factories.NOW
    later = resources.monotonic() + 2.1
    monkeypatch.setattr(resources, "monotonic", lambda: later)
    assert "Avec un code" not in pages.get(redirect_of(town)).text


def test_the_language_can_be_changed_without_losing_the_arrival(
    pages: PageClient, welcome: Page, town: Town, vault: Vault
) -> None:
    english = pages.get(welcome.link("English"))
    token = english.form("/sign-in", offer=str(town.one_tap_offer_id)).fields["arrival"]
    arrival = arrival_of_token(vault, token)
    assert (english.language, english.h1) == ("en", town.site_name)
    assert arrival is not None
    assert (arrival.nas_id, arrival.device_mac, arrival.language) == (town.nas_id, factories.DEVICE_MAC, "en")
    assert "Be reasonable." in english.text


def test_the_chosen_language_wins_over_the_browsers(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town), headers=ENGLISH)
    assert page.language == "en"
    back = pages.get(page.link("Français"), headers=ENGLISH)
    answer = pages.submit(back.form("/sign-in", offer=str(town.card_offer_id)), headers=ENGLISH)
    assert answer.language == "fr"


def test_a_language_nobody_speaks_is_french(pages: PageClient, town: Town) -> None:
    assert pages.get(redirect_of(town), headers={"Accept-Language": "tlh"}).language == "fr"


def test_a_closed_site_shows_when_it_opens_and_no_form(pages: PageClient, town: Town, clock: Clock) -> None:
    clock.now += timedelta(hours=10)
    page = pages.get(redirect_of(town))
    assert page.status == HTTPStatus.OK
    assert "Fermé, rouvre demain à 9 h 00" in page.text.replace("\xa0", " ")
    assert not page.root.all("form")


@pytest.mark.parametrize("path", ["/", "/hotspot", "/hotspot?lang=fr"])
def test_without_a_redirect_the_page_explains_itself(pages: PageClient, path: str) -> None:
    page = pages.get(path)
    assert page.status == HTTPStatus.OK
    assert page.h1 == explain(RefusalReason.NOT_FROM_ACCESS_POINT, "fr").title


HOSTILE = [
    (RefusalReason.UNKNOWN_NAS, 403, {"nasid": "nobody"}),
    (RefusalReason.UNKNOWN_NAS, 403, {"nasid": ""}),
    (RefusalReason.SIGNATURE_WRONG, 403, {"secret": "guessed"}),
    (RefusalReason.SIGNATURE_WRONG, 403, {"portal_url": "http://elsewhere.test"}),
    (RefusalReason.FOREIGN_LOGIN_ADDRESS, 403, {"uamip": "evil.test"}),
    (RefusalReason.FOREIGN_LOGIN_ADDRESS, 403, {"uamport": "80"}),
    (RefusalReason.NOT_FROM_ACCESS_POINT, 400, {"mac": "nobody"}),
    (RefusalReason.NOT_FROM_ACCESS_POINT, 400, {"ssid": "a" * 100_000}),
    (RefusalReason.NOT_FROM_ACCESS_POINT, 400, {"ssid": "\x00"}),
]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("reason", "status", "changed"), HOSTILE)
def test_a_hostile_redirect_meets_a_clear_no(
    pages: PageClient, town: Town, reason: RefusalReason, status: int, changed: dict[str, str], language: str
) -> None:
    page = pages.get(redirect_of(town, **changed), headers={"Accept-Language": language})
    assert (page.status, page.language) == (status, language)
    assert page.h1 == explain(reason, language).title
    assert explain(reason, language).what_to_do in page.text
    assert not page.root.all("form")
    assert "form-action 'self'" in page.policy
    assert "http:" not in page.policy


def test_the_host_of_the_request_is_not_believed(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town), headers={"Host": "evil.test", "X-Forwarded-Host": "evil.test"})
    assert page.status == HTTPStatus.OK
    assert "evil.test" not in page.html


def test_the_visited_address_is_nowhere(
    pages: PageClient, town: Town, capsys: pytest.CaptureFixture[str], database: Database
) -> None:
    page = pages.get(redirect_of(town, redirurl="http://secret.test/"))
    assert "probe" not in page.html
    assert "secret.test" not in page.html
    assert "probe" not in "".join(capsys.readouterr())


def test_a_device_that_is_through_is_shown_its_visit(
    pages: PageClient, town: Town, database: Database, settings: Settings
) -> None:
    with database.transaction() as db:
        factories.make_grant(db, nas=db.get_one(Nas, town.nas_id), offer=db.get_one(Offer, town.card_offer_id))
    for res in ("success", "already"):
        page = pages.get(redirect_of(town, res=res, challenge=""))
        assert page.status == HTTPStatus.SEE_OTHER
        assert page.location.startswith(settings.public_portal + "/online/")
        assert pages.follow(page).h1 == "Vous êtes en ligne"


def test_a_device_that_is_through_without_a_grant_of_ours_is_told_so(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town, res="already"))
    assert (page.status, page.h1) == (HTTPStatus.OK, "Vous êtes en ligne.")


def refuse_access(redis: "Redis", town: Town, reason: RefusalReason) -> None:
    LastRefusals(redis).remember({(town.nas_id, factories.DEVICE_MAC): reason})


def test_a_reject_is_explained_by_our_own_record(pages: PageClient, town: Town, redis: "Redis") -> None:
    refuse_access(redis, town, RefusalReason.OTHER_DEVICE)
    page = pages.get(redirect_of(town, res="failed", reason="reject", reply="<b>anything</b>"))
    assert page.status == HTTPStatus.OK
    assert explain(RefusalReason.OTHER_DEVICE, "fr").title in page.text
    assert "anything" not in page.html
    assert page.form("/sign-in", offer=str(town.one_tap_offer_id))


def test_a_reject_of_which_nothing_is_known_says_no_more(pages: PageClient, town: Town) -> None:
    page = pages.get(redirect_of(town, res="failed", reason="reject"))
    assert "La borne ne vous a pas laissé entrer." in page.text


def test_an_access_point_without_an_answer_says_so(pages: PageClient, town: Town, redis: "Redis") -> None:
    refuse_access(redis, town, RefusalReason.OTHER_DEVICE)
    page = pages.get(redirect_of(town, res="failed", reason="timeout"))
    assert "La borne n’a pas reçu de réponse." in page.text


def test_who_signed_out_finds_a_way_back(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        factories.make_grant(db, nas=db.get_one(Nas, town.nas_id), offer=db.get_one(Offer, town.card_offer_id))
    page = pages.get(redirect_of(town, res="logoff"))
    assert "Vous êtes déconnecté." in page.text
    assert page.form("/continue").buttons[0].text == "Continuer"


def test_a_visit_at_another_site_is_not_continued_here(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        factories.make_grant(db)
    page = pages.get(redirect_of(town))
    assert {form["action"] for form in page.root.all("form")} == {"/sign-in"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("card_number", {"autocomplete": "username", "autocapitalize": "characters"}),
        ("pin", {"type": "password", "autocomplete": "current-password", "autocapitalize": "none"}),
        ("voucher_code", {"autocomplete": "off", "autocapitalize": "characters"}),
    ],
)
def test_fields_bring_up_the_right_keyboard(welcome: Page, name: str, expected: dict[str, str]) -> None:
    field = welcome.root.one("input", name=name)
    assert expected.items() <= field.attributes.items()


def test_the_button_states_the_version_that_it_accepts(welcome: Page, town: Town, database: Database) -> None:
    button = welcome.form("/sign-in", offer=str(town.one_tap_offer_id)).buttons[0]
    assert (button.text, button["name"], button["value"]) == (
        "J’accepte les conditions et je me connecte",
        "accept_terms",
        "3",
    )


def test_long_terms_are_a_page_of_their_own(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        organisation = db.scalars(select(Site)).one().organisation
        factories.make_terms(db, organisation=organisation, version=4, text="Soyez raisonnable. " * 500)
    page = pages.get(redirect_of(town))
    assert "raisonnable" not in page.text
    assert "raisonnable" in pages.get(page.link("Conditions d’utilisation")).text


def tables_asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which devices' grants have been looked for."""
    asked: list[str] = []

    def noting(db: Session, device_mac: str, *others: Any) -> Grant | None:
        asked.append(device_mac)
        return find_live_grant(db, device_mac, *others)

    monkeypatch.setattr("portal.views.welcome.find_live_grant", noting)
    return asked


def test_nobody_looks_for_the_grants_of_a_new_device(
    pages: PageClient, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.get(redirect_of(town))  # Redis knew nothing yet
    asked = tables_asked(monkeypatch)
    assert pages.get(redirect_of(town)).form("/sign-in", offer=str(town.one_tap_offer_id))
    assert asked == []


def test_a_grant_from_before_redis_was_emptied_is_found(
    pages: PageClient, town: Town, database: Database, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as db:
        factories.make_grant(db, nas=db.get_one(Nas, town.nas_id), offer=db.get_one(Offer, town.card_offer_id))
    for _ in range(2):
        assert pages.get(redirect_of(town)).form("/continue")
    redis.flushdb()
    asked = tables_asked(monkeypatch)
    for _ in range(2):
        assert pages.get(redirect_of(town)).form("/continue")
    assert asked == [factories.DEVICE_MAC] * 2


def test_who_signs_in_is_known_from_then_on(pages: PageClient, town: Town, welcome: Page, redis: "Redis") -> None:
    one_tap = pages.get(redirect_of(town)).form("/sign-in", offer=str(town.one_tap_offer_id))
    pages.submit(one_tap)
    for key in redis.keys("pending:*"):
        redis.delete(key)  # its login was used
    assert pages.get(redirect_of(town)).form("/continue")


def test_two_visitors_within_a_moment_get_each_their_own_token(pages: PageClient, town: Town) -> None:
    headers = {"Accept-Encoding": "gzip"}
    for mac in ("020000000011", "020000000012"):
        page = pages.get(redirect_of(town, mac=mac), headers=headers)
        tokens = {each["value"] for each in page.root.all("input", name="arrival")}
        arrival = arrival_of_token(Vault(factories.SECRET_KEY), tokens.pop())
        assert not tokens
        assert arrival is not None
        assert arrival.device_mac == mac
