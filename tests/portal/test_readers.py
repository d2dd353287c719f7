"""Cards that a library's own system checks, at the portal: the form, the answer, and the system away."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.rate_limit import CARD as CARD_LIMIT
from hotspot.db import Database
from hotspot.models import Grant, LibrarySystem, Offer, OfferSite, Site
from hotspot.policy.readers import Block, Reader
from hotspot.settings import Settings
from portal import create_app
from tests import factories
from tests.library import PlayedLibrary
from tests.page_client import Page, PageClient
from tests.portal.conftest import ENGLISH, FRENCH, Clock, Town, redirect_of
from tests.portal.test_sign_in import Asking, Way, ask

CARD = Asking(Way.LIBRARY_CARD, card_number="2590", pin="1234")


@pytest.fixture
def played() -> PlayedLibrary:
    played = PlayedLibrary()
    played.knows(Reader("2590", category="Adulte"), "1234")
    return played


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Clock, played: PlayedLibrary) -> Flask:
    libraries = played.libraries(patience=timedelta(seconds=0.5))
    return create_app(settings, database=database, redis=redis, clock=clock, libraries=libraries)


@pytest.fixture
def system(database: Database, town: Town) -> LibrarySystem:
    """The town's cards are checked by it."""
    with database.transaction() as db:
        organisation = db.get_one(Site, town.site_id).organisation
        system = factories.make_library_system(db, organisation=organisation)
        db.get_one(Offer, town.card_offer_id).library_system_id = system.id
    return system


def grants(database: Database) -> list[Grant]:
    with database.reading() as db:
        return list(db.scalars(select(Grant)))


def test_a_reader_is_let_in(pages: PageClient, town: Town, system: LibrarySystem, database: Database) -> None:
    assert ask(pages, town, CARD).status == 303
    (grant,) = grants(database)
    assert grant.patron_id is not None


def test_a_wrong_pin_is_told_as_for_a_card_of_a_file(pages: PageClient, town: Town, system: LibrarySystem) -> None:
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, card_number="2590", pin="9"))
    assert answer.status == 422
    assert "ne vont pas ensemble" in answer.text


def test_wrong_pins_are_limited_before_the_library_is_asked(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary
) -> None:
    wrong = Asking(Way.LIBRARY_CARD, card_number="2590", pin="9")
    answers = [ask(pages, town, wrong).status for _ in range(CARD_LIMIT.at_most + 3)]
    assert answers[-1] == 429
    assert len(played.asked) == CARD_LIMIT.at_most
    assert ask(pages, town, CARD).status == 429, "the library must not lock the card by our doing"


def test_an_empty_pin_is_never_asked_about(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary
) -> None:
    answer = ask(pages, town, Asking(Way.LIBRARY_CARD, card_number="2590", pin="  "))
    assert answer.status == 422
    assert played.asked == []


def test_where_the_library_lets_cards_in_without_a_pin_none_is_asked_for(
    pages: PageClient, town: Town, system: LibrarySystem, database: Database, played: PlayedLibrary
) -> None:
    with database.transaction() as db:
        db.get_one(LibrarySystem, system.id).asks_pin = False
    played.knows(Reader("77"), "")
    page = pages.get(redirect_of(town))
    assert page.root.all("input", name="pin") == []
    assert ask(pages, town, Asking(Way.LIBRARY_CARD, card_number="77", pin="")).status == 303


@pytest.mark.parametrize(
    ("reader", "headers", "sentence"),
    [
        (Reader("2590", expires_on=date(2026, 3, 3)), FRENCH, "a expiré le 3 mars 2026"),
        (Reader("2590", expires_on=date(2026, 3, 3)), ENGLISH, "expired on 3 March 2026"),
        (Reader("2590", blocks=frozenset({Block.OWES})), FRENCH, "une somme reste à payer"),
        (Reader("2590", blocks=frozenset({Block.OVERDUE})), ENGLISH, "items to be returned"),
        (Reader("2590", category="Jeune"), FRENCH, "Demande l’accord de tes parents."),
        (Reader("2590", category="Jeune"), ENGLISH, "Ask your parents first."),
        (Reader("2590", owes=Decimal(30)), ENGLISH, "Vous devez plus de 20 €."),
    ],
)
def test_each_refusal_has_its_sentence(
    pages: PageClient,
    town: Town,
    system: LibrarySystem,
    database: Database,
    played: PlayedLibrary,
    reader: Reader,
    headers: dict[str, str],
    sentence: str,
) -> None:
    with database.transaction() as db:
        organisation = db.get_one(Site, town.site_id).organisation
        words = {"fr": "Demande l’accord de tes parents.", "en": "Ask your parents first."}
        factories.make_reader_rule(db, organisation=organisation, categories=["jeune"], sentences=words)
        words = {"fr": "Vous devez plus de 20 €.", "en": ""}
        factories.make_reader_rule(db, organisation=organisation, owes_above=Decimal(20), sentences=words)
    played.knows(reader, "1234")

    answer = ask(pages, town, CARD, headers=headers)

    assert answer.status == 403
    assert sentence in answer.root.one("div", id="notice").text
    assert grants(database) == []


def test_while_the_system_is_away_who_was_here_lately_gets_in(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary, clock: Clock, database: Database
) -> None:
    ask(pages, town, CARD)
    played.is_away = True
    clock.now += timedelta(days=1)
    assert ask(pages, town, replace(CARD, device_mac="020000000009")).status == 303
    assert [grant.unconfirmed for grant in sorted(grants(database), key=lambda it: it.created_at)] == [False, True]


def test_while_the_system_is_away_others_are_told_and_shown_the_other_ways(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary
) -> None:
    played.is_away = True
    answer = ask(pages, town, CARD)
    assert answer.status == 503
    assert "Le système de la bibliothèque ne répond pas" in answer.text
    assert answer.root.all("input", name="voucher_code")


def test_an_absence_closes_the_site_to_nobody(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary, redis: "Redis"
) -> None:
    """Nobody knows whether those PINs were wrong; but the kept ones must not be guessed either."""
    played.is_away = True
    answers = [ask(pages, town, CARD).status for _ in range(CARD_LIMIT.at_most + 1)]
    assert answers == [503] * CARD_LIMIT.at_most + [429]
    another = Asking(Way.VOUCHER, device_mac="020000000009")
    assert ask(pages, town, another).status == 303


def test_a_slow_library_is_answered_for_within_the_patience(
    pages: PageClient, town: Town, system: LibrarySystem, played: PlayedLibrary
) -> None:
    played.takes = 60
    assert ask(pages, town, CARD).status == 503


# ---- only in libraries ----


def square(database: Database, town: Town) -> object:
    with database.transaction() as db:
        organisation = db.get_one(Site, town.site_id).organisation
        nas = factories.make_nas(db, site=factories.make_site(db, organisation=organisation))
        factories.make_offer(db, site=nas.site, way=Way.ONE_TAP)
        return nas


def test_the_square_says_where_cards_are_good(pages: PageClient, town: Town, database: Database) -> None:
    page = pages.get(redirect_of(square(database, town)))  # type: ignore[arg-type]
    assert page.root.all("input", name="card_number") == []
    assert "Une carte de bibliothèque ouvre le Wi-Fi dans ces lieux : Médiathèque du Parc." in page.text
    assert "Une carte de bibliothèque ouvre" not in pages.get(redirect_of(town)).text


def test_a_card_at_the_square_is_refused_politely(
    pages: PageClient, town: Town, database: Database, played: PlayedLibrary
) -> None:
    page = pages.get(redirect_of(square(database, town)))  # type: ignore[arg-type]
    token = page.root.all("input", name="arrival")[0]["value"]
    form = {"arrival": token, "offer": town.card_offer_id, "card_number": "2590", "pin": "1234", "accept_terms": "0"}
    answer: Page = pages.post("/sign-in", data=form, headers=FRENCH)
    assert answer.status == 403
    assert "n’est pas proposée ici" in answer.text
    assert played.asked == []


def test_an_offer_that_rules_give_is_not_on_the_page(pages: PageClient, town: Town, database: Database) -> None:
    with database.transaction() as db:
        site = db.get_one(Site, town.site_id)
        hidden = factories.make_offer(db, site=site, way=Way.ONE_TAP, name="Pour les jeunes", by_rule_only=True)
        assert db.get_one(OfferSite, (hidden.id, site.id))
    page = pages.get(redirect_of(town))
    assert "Pour les jeunes" not in page.text
    token = page.root.all("input", name="arrival")[0]["value"]
    form = {"arrival": token, "offer": hidden.id, "accept_terms": "3"}
    assert pages.post("/sign-in", data=form).status == 403
