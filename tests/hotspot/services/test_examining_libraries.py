"""A system that is examined: what is noted of it, and what the rules make of the card that was tried."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.db import Database
from hotspot.models import AuditEntry, LibrarySystem
from hotspot.policy.readers import Reader
from hotspot.sealing import Vault
from hotspot.services.examining_libraries import Examined, apply_rules, examine, note_examination
from hotspot.services.readers import connection_of
from hotspot.services.staff import find_scope
from hotspot.values import RefusalReason, Refuse, Way
from tests import factories
from tests.library import PlayedLibrary

CARD, PIN = "2590", "1234"
CAMILLE = Reader(CARD, category="Adulte")
WELL = [Finding(step, Outcome.WELL) for step in (Step.REACHED, Step.SPEAKS, Step.CARD, Step.WRONG_PIN)]
IGNORES = [*WELL[:-1], Finding(Step.WRONG_PIN, Outcome.WRONG)]
UNSURE = [*WELL[:-1], Finding(Step.WRONG_PIN, Outcome.DOUBTFUL)]


class Examinable(PlayedLibrary):
    findings: Sequence[Finding] = WELL

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return self.findings


class Town:
    def __init__(self, db: Session, now: datetime, vault: Vault) -> None:
        self.db, self.now, self.vault = db, now, vault
        self.site = factories.make_site(db, name="Centre")
        self.system = factories.make_library_system(db, organisation=self.site.organisation)
        member = factories.make_staff(db, organisation=self.site.organisation)
        scope = find_scope(db, member.id, member.session_key)
        assert scope is not None
        self.by = scope
        self.played = Examinable()
        self.played.knows(CAMILLE, PIN)

    def examine(self, findings: Sequence[Finding] = WELL, card: str = CARD) -> Examined:
        self.played.findings = findings
        connection = connection_of(self.system, self.vault)
        examined = examine(connection, card, PIN, lambda _kind, _settings: self.played)
        note_examination(self.db, self.by, connection, examined, with_card=bool(card), now=self.now)
        return examined


@pytest.fixture
def town(any_database: Database, now: datetime, vault: Vault) -> Iterator[Town]:
    with any_database.transaction() as db:
        yield Town(db, now, vault)


def test_a_good_card_is_read_and_the_system_closed(town: Town) -> None:
    examined = town.examine()
    assert examined.reader == CAMILLE
    assert examined.outcome is Outcome.WELL
    assert town.played.is_closed
    assert (town.system.examined_at, town.system.ignores_pins) == (town.now, False)


def test_a_card_that_is_not_known_is_not_asked_about_again(town: Town) -> None:
    examined = town.examine([*WELL[:2], Finding(Step.CARD, Outcome.WRONG)])
    assert (examined.reader, town.played.asked) == (None, [])
    assert town.system.examined_at is None


def test_a_system_that_is_gone_a_moment_later_leaves_its_findings(town: Town) -> None:
    town.played.is_away = True
    examined = town.examine()
    assert (examined.reader, list(examined.findings)) == (None, WELL)


def test_one_that_ignores_pins_is_marked_until_a_test_shows_otherwise(town: Town) -> None:
    assert town.examine(IGNORES).outcome is Outcome.WRONG
    assert town.system.ignores_pins
    town.examine(UNSURE)
    assert town.system.ignores_pins, "a test that found nothing out clears nothing"
    town.examine(WELL[:2], card="")
    assert town.system.ignores_pins
    town.examine(WELL)
    assert not town.system.ignores_pins


def test_one_that_lets_in_without_a_pin_is_as_bad(town: Town) -> None:
    town.examine([*WELL, Finding(Step.NO_PIN, Outcome.WRONG)])
    assert town.system.ignores_pins


def test_one_that_says_yes_to_a_card_is_not_away(town: Town) -> None:
    town.system.away_since, town.system.away_because = town.now, "refused"
    town.examine(WELL[:2], card="")
    assert town.system.away_since == town.now
    town.examine()
    assert (town.system.away_since, town.system.away_because) == (None, "")


def test_what_was_found_with_older_settings_is_not_noted(town: Town) -> None:
    connection = connection_of(town.system, town.vault)
    town.system.revision += 1
    town.db.flush()
    note_examination(town.db, town.by, connection, Examined(WELL), with_card=True, now=town.now)
    assert town.db.get_one(LibrarySystem, town.system.id).examined_at is None


def test_the_log_tells_the_outcome_and_no_card(town: Town) -> None:
    town.examine(IGNORES)
    entry = town.db.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.facts) == (
        "library_system.tested",
        {"outcome": "wrong", "with_card": "yes", "ignores_pins": "yes"},
    )
    assert CARD not in f"{entry.subject}{entry.facts}"


# ---- what the rules make of it ----


def test_the_rules_of_today_are_applied_at_each_of_its_offers(town: Town) -> None:
    fields = {"way": Way.LIBRARY_CARD, "library_system_id": town.system.id}
    chosen = factories.make_offer(town.db, site=town.site, name="Readers", **fields)
    chosen.sites.append(factories.make_site(town.db, organisation=town.site.organisation, name="Annexe"))
    young = factories.make_offer(town.db, site=town.site, name="Young", way=Way.LIBRARY_CARD, by_rule_only=True)
    factories.make_offer(town.db, site=town.site, way=Way.LIBRARY_CARD)
    factories.make_reader_rule(town.db, organisation=town.site.organisation, categories=["Jeune"], offer_id=young.id)
    town.db.flush()

    (adult,) = apply_rules(town.db, town.system, CAMILLE, town.now)
    assert (adult.offer, list(adult.sites), adult.given) == (chosen, ["Annexe", "Centre"], chosen)
    there, not_there = apply_rules(town.db, town.system, replace(CAMILLE, category="Jeune"), town.now)
    assert (list(there.sites), there.given) == (["Centre"], young)
    assert (list(not_there.sites), not_there.given) == (["Annexe"], Refuse(RefusalReason.OFFER_NOT_HERE))


def test_a_refusal_is_the_one_that_the_reader_would_see(town: Town) -> None:
    factories.make_offer(town.db, site=town.site, way=Way.LIBRARY_CARD, library_system_id=town.system.id)
    expired = replace(CAMILLE, expires_on=date(2026, 3, 3))
    (ruled,) = apply_rules(town.db, town.system, expired, town.now)
    assert ruled.given == Refuse(RefusalReason.CARD_EXPIRED, day=date(2026, 3, 3))
