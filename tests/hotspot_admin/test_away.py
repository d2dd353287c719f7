"""While a library's system is away, everybody on the staff of its organisation is told on every page."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from hotspot.db import Database
from hotspot.models import Organisation
from tests import factories
from tests.hotspot_admin.conftest import Browser, Clock, Town


def a_system(database: Database, organisation_id: int, since: datetime | None, **fields: Any) -> int:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, organisation_id)
        named = {"name": "Catalogue", "away_since": since, **fields}
        return factories.make_library_system(db, organisation=organisation, **named).id


@pytest.mark.parametrize("path", ["/", "/online", "/sites", "/vouchers", "/nowhere"])
def test_every_page_says_that_it_is_away(
    librarian: Browser, database: Database, clock: Clock, town: Town, path: str
) -> None:
    a_system(database, town.organisation, clock.now - timedelta(minutes=20))
    text = librarian.get(path).text
    assert "Le système de bibliothèque Catalogue ne répond plus depuis 09:40." in text
    assert "Les lecteurs qui se sont connectés depuis moins de 30 jours entrent" in text


def test_on_another_day_the_day_is_said_too(librarian: Browser, database: Database, clock: Clock, town: Town) -> None:
    a_system(database, town.organisation, clock.now - timedelta(days=1))
    assert "depuis lundi 9 mars 10:00" in librarian.get("/").text


def test_where_nobody_is_trusted_nobody_gets_in(
    librarian: Browser, database: Database, clock: Clock, town: Town
) -> None:
    a_system(database, town.organisation, clock.now, trusted_for=timedelta(0))
    assert "Personne n’entre avec ses cartes" in librarian.get("/").text


def test_only_an_administrator_is_led_to_it(
    librarian: Browser, administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    system_id = a_system(database, town.organisation, clock.now)
    assert administrator.get("/").link("Voir de quoi il s’agit") == f"/library-systems/{system_id}"
    assert "/library-systems" not in librarian.get("/").html


def test_nobody_else_is_told(
    stranger: Browser, anonymous: Browser, database: Database, clock: Clock, town: Town
) -> None:
    a_system(database, town.organisation, clock.now)
    assert "Catalogue" not in stranger.get("/").text
    assert "Catalogue" not in anonymous.get("/sign-in").text


def test_a_retired_one_and_one_that_is_well_are_not_mentioned(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    a_system(database, town.organisation, None)
    a_system(database, town.organisation, clock.now, name="Ancien", retired_at=clock.now)
    assert "ne répond plus" not in administrator.get("/").text


def test_the_first_page_counts_them_among_what_may_be_wrong(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    assert "Systèmes de bibliothèque" not in administrator.get("/").root.one("ul", class_="checks").text
    a_system(database, town.organisation, None)
    assert "Systèmes de bibliothèqueTout va bien" in administrator.get("/").root.one("ul", class_="checks").text
    a_system(database, town.organisation, clock.now)
    assert "1 ne répond pas" in administrator.get("/").root.one("ul", class_="checks").text


def test_it_costs_one_query(librarian: Browser, database: Database, town: Town) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "library_systems" in statement:
            asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    librarian.get("/sites")
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(asked) == 1
