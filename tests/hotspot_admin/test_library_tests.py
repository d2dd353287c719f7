"""“Test this connection” against real servers: what is said of each step, of the card, and of what rules make of it."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import AuditEntry, LibrarySystem, Organisation, Site
from hotspot.values import Way
from hotspot_admin.views import library_systems
from tests import factories
from tests.fixtures.sip2 import Sip2Server, a_sip2_server, field, patron
from tests.hotspot_admin.conftest import Browser, Clock, Town
from tests.hotspot_admin.library_pages import (
    CARD,
    EXPIRED,
    HUSH,
    PIN,
    YOUNG,
    a_library,
    add,
    try_out,
    write_readers,
)
from tests.page_client import Page


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with a_library(write_readers(tmp_path / "readers.json")) as port:
        yield port


@pytest.fixture
def scripted() -> Iterator[Sip2Server]:
    with a_sip2_server() as server:
        yield server


def added(browser: Browser, port: int, **typed: str) -> int:
    answer = add(browser, **{"connection-port": str(port), **typed})
    return int(answer.location.rpartition("/")[2])


def system(database: Database, system_id: int) -> LibrarySystem:
    with database.reading() as db:
        return db.get_one(LibrarySystem, system_id)


def steps(page: Page) -> list[tuple[str, str]]:
    """What was tried, and how it came out."""
    found = [each.all("span") for each in page.root.one("ol", class_="findings").all("li")]
    return [(spans[0].text, spans[1].text) for spans in found]


def facts(page: Page) -> dict[str, str]:
    pairs = page.root.one("dl", class_="pairs")
    return {name.text: value.text for name, value in zip(pairs.all("dt"), pairs.all("dd"), strict=True)}


def an_offer(database: Database, site_id: int, **fields: Any) -> int:
    with database.transaction() as db:
        return factories.make_offer(db, site=db.get_one(Site, site_id), **{"way": Way.LIBRARY_CARD, **fields}).id


def a_rule(database: Database, town: Town, **fields: Any) -> None:
    with database.transaction() as db:
        factories.make_reader_rule(db, organisation=db.get_one(Organisation, town.organisation), **fields)


def test_each_step_is_told_and_all_is_well(administrator: Browser, database: Database, port: int, clock: Clock) -> None:
    system_id = added(administrator, port)
    page = try_out(administrator, system_id, CARD, PIN)
    assert page.status == 200
    assert steps(page) == [
        ("Joindre le serveur", "Bien"),
        ("S’identifier avec notre propre compte", "Bien"),
        ("Parler le protocole choisi", "Bien"),
        ("Nommer l’établissement", "Bien"),
        ("Interroger sur la carte d’essai", "Bien"),
        ("La même carte avec un autre code PIN", "Bien"),
    ]
    assert "Tout va bien" in page.text
    assert (system(database, system_id).examined_at, system(database, system_id).ignores_pins) == (clock.now, False)


def test_without_a_card_it_says_that_pins_were_not_tried(administrator: Browser, database: Database, port: int) -> None:
    system_id = added(administrator, port)
    page = try_out(administrator, system_id)
    assert "Seul un essai avec une carte dira s’il vérifie les codes PIN." in page.text
    assert system(database, system_id).examined_at is None


@pytest.mark.parametrize(
    ("typed", "card", "last", "advice"),
    [
        ({"connection-port": "9"}, CARD, "Joindre le serveur", "pare-feu"),
        ({"connection-password": "wrong"}, CARD, "S’identifier avec notre propre compte", "mot de passe"),
        ({"connection-institution": "NOPE"}, CARD, "Interroger sur la carte d’essai", "code d’établissement"),
        ({}, "99999999", "Interroger sur la carte d’essai", "catalogue"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(
    administrator: Browser, port: int, typed: dict[str, str], card: str, last: str, advice: str
) -> None:
    page = try_out(administrator, added(administrator, port, **typed), card, PIN)
    assert steps(page)[-1] == (last, "Échec")
    assert advice in page.root.one("ol", class_="findings").text
    assert "Cela ne fonctionne pas encore." in page.text


def test_what_speaks_something_else_is_told(administrator: Browser, scripted: Sip2Server) -> None:
    scripted.answers[b"93"] = scripted.answers[b"99"] = b"HTTP/1.1 400 Bad Request"
    page = try_out(administrator, added(administrator, scripted.port))
    assert steps(page)[-1][1] == "Échec"


def test_one_that_ignores_pins_is_called_dangerous_in_clear_words(
    administrator: Browser, database: Database, scripted: Sip2Server
) -> None:
    scripted.answers[b"63"] = lambda request: patron(card=field(request, b"AA"))
    system_id = added(administrator, scripted.port)
    page = try_out(administrator, system_id, CARD, PIN)
    assert steps(page)[-1] == ("La même carte avec un autre code PIN", "Échec")
    assert "Dangereux : n’importe qui entre en saisissant un numéro de carte." in page.text.replace("\xa0", " ")
    assert "Tout va bien" not in page.text
    assert system(database, system_id).ignores_pins
    assert "Ne vérifie pas les codes" in administrator.get("/library-systems").text
    assert "1 ne vérifie pas les codes" in administrator.get("/").text


def test_what_the_library_says_of_the_card_is_shown_without_a_name(administrator: Browser, port: int) -> None:
    page = try_out(administrator, added(administrator, port), CARD, PIN)
    assert facts(page) == {
        "Catégorie": "ADULTE",
        "Bibliothèque de rattachement": "CENTRE",
        "Âge": "36 ans",
        "Valable jusqu’au": "—",
        "Bloquée par": "rien",
        "Somme due": "—",
    }


def test_what_todays_rules_make_of_it_is_shown_at_each_offer(
    administrator: Browser, database: Database, town: Town, port: int
) -> None:
    system_id = added(administrator, port)
    an_offer(database, town.library, name="Lecteurs", library_system_id=system_id)
    young = an_offer(database, town.library, name="Jeunes", by_rule_only=True)
    a_rule(database, town, categories=["Jeune"], offer_id=young)
    assert "Reçoit cette offre." in try_out(administrator, system_id, CARD, PIN).text
    assert "Reçoit «\xa0Jeunes\xa0», par une règle." in try_out(administrator, system_id, YOUNG, PIN).text
    expired = try_out(administrator, system_id, EXPIRED, PIN)
    assert "Votre carte de bibliothèque a expiré le 3 mars 2026." in expired.text
    assert "Lecteurs · Médiathèque" in expired.text


def test_a_refusal_in_the_librarys_words_is_shown_as_the_reader_would_see_it(
    administrator: Browser, database: Database, town: Town, port: int
) -> None:
    system_id = added(administrator, port)
    an_offer(database, town.library, library_system_id=system_id)
    a_rule(database, town, owes_above=10, sentences={"fr": "Passez d’abord à l’accueil."})
    assert "«\xa0Passez d’abord à l’accueil.\xa0»" in try_out(administrator, system_id, YOUNG, PIN).text


# ---- card and PIN are kept nowhere ----


def test_card_and_pin_are_in_no_log_no_audit_and_no_address(
    administrator: Browser, database: Database, port: int, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    system_id = added(administrator, port)
    page = try_out(administrator, system_id, CARD, PIN)
    assert page.path == f"/library-systems/{system_id}/test"
    with database.reading() as db:
        entries = db.scalars(select(AuditEntry)).all()
    assert entries[-1].action == "library_system.tested"
    told = "".join([*(f"{each.subject}{each.facts}" for each in entries), caplog.text, *capsys.readouterr()])
    assert CARD not in told
    assert PIN not in told


def test_a_pin_is_not_shown_again_nor_our_password(administrator: Browser, port: int) -> None:
    page = try_out(administrator, added(administrator, port), CARD, PIN)
    assert PIN not in page.html
    assert HUSH not in page.html
    assert page.headers["Cache-Control"] == "no-store"


def test_a_get_tests_nothing(administrator: Browser, port: int) -> None:
    assert administrator.get(f"/library-systems/{added(administrator, port)}/test").status == 405


@pytest.mark.parametrize("card", ["x" * 129, "a\x00b", "a\nb"])
def test_what_nobody_types_is_told_beside_the_field(administrator: Browser, port: int, card: str) -> None:
    page = try_out(administrator, added(administrator, port), card, PIN)
    assert page.status == 422
    assert page.root.all("p", class_="error")


@pytest.mark.parametrize(("card", "pin"), [("é|x", PIN), (CARD, ""), (CARD, "   "), (CARD, "|")])
def test_a_hostile_card_or_pin_is_no_bug(administrator: Browser, port: int, card: str, pin: str) -> None:
    page = try_out(administrator, added(administrator, port), card, pin)
    assert page.status == 200
    assert steps(page)[-1][1] == "Échec"


def test_a_pin_cannot_be_guessed_through_it(administrator: Browser, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    few = library_systems.CARD_TESTS.__class__("library test", 2, timedelta(minutes=10))
    monkeypatch.setattr(library_systems, "CARD_TESTS", few)
    system_id = added(administrator, port)
    assert [try_out(administrator, system_id, CARD, f"000{n}").status for n in range(3)] == [200, 200, 429]
    assert try_out(administrator, system_id).status == 200, "a test without a card guesses nothing"


def test_while_redis_is_away_no_card_is_tested(
    administrator: Browser, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_id = added(administrator, port)

    def away(*_: object, **__: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Redis, "execute_command", away)
    assert try_out(administrator, system_id, CARD, PIN).status == 503
    assert try_out(administrator, system_id).status == 200


def test_a_yes_ends_the_alarm_that_it_is_away(
    administrator: Browser, database: Database, port: int, clock: Clock
) -> None:
    system_id = added(administrator, port)
    with database.transaction() as db:
        db.get_one(LibrarySystem, system_id).away_since = clock.now
    assert "ne répond plus depuis" in administrator.get("/").text
    try_out(administrator, system_id, CARD, PIN)
    assert "ne répond plus depuis" not in administrator.get("/").text
