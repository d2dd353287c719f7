"""Rules for readers as staff change them: their order, what they may say, whose they are."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry, Offer, ReaderRule
from hotspot.policy.readers import Block, Rule
from hotspot.services import reader_rules as rules
from hotspot.services.reader_rules import RuleDraft
from hotspot.services.readers import rule_of
from hotspot.services.staff import Scope, find_scope
from hotspot.values import Way
from tests import factories


class Town:
    def __init__(self, db: Session, now: datetime) -> None:
        self.db, self.now = db, now
        self.site = factories.make_site(db)
        self.organisation = self.site.organisation
        self.by = scope_of(db, factories.make_staff(db, organisation=self.organisation))
        self.stranger = scope_of(db, factories.make_staff(db))
        self.offer = self.make_offer(name="Young")

    def make_offer(self, **fields: Any) -> Offer:
        return factories.make_offer(self.db, site=self.site, **{"way": Way.LIBRARY_CARD, **fields})

    def add(self, name: str = "Rule", **fields: Any) -> ReaderRule:
        return rules.create_rule(self.db, self.by, self.organisation.id, RuleDraft(name, **fields), self.now)

    def names(self) -> list[str]:
        return [each.name for each in rules.list_rules(self.db, self.by, self.organisation.id)]

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        return [(each.action, each.facts) for each in self.db.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def scope_of(db: Session, member: Any) -> Scope:
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


@pytest.fixture
def town(any_database: Database, now: datetime) -> Iterator[Town]:
    with any_database.transaction() as db:
        yield Town(db, now)


def test_a_rule_is_kept_as_it_was_said(town: Town) -> None:
    made = town.add(
        offer_id=town.offer.id,
        categories=("Jeune", "Ado"),
        home_libraries=("CAP",),
        age_from=12,
        age_below=15,
        owes_above=Decimal("10.50"),
        expired=True,
        blocks=(Block.OVERDUE,),
        sentences={"fr": "Non."},
    )
    town.db.expire(made)
    assert rule_of(made) == Rule(
        offer_id=town.offer.id,
        sentences={},
        categories=frozenset({"Jeune", "Ado"}),
        home_libraries=frozenset({"CAP"}),
        age_from=12,
        age_below=15,
        owes_above=Decimal("10.50"),
        expired=True,
        blocks=frozenset({Block.OVERDUE}),
    )


def test_a_refusal_keeps_the_sentences_that_are_there(town: Town) -> None:
    assert town.add(sentences={"fr": "Réservé aux adultes.", "en": ""}).sentences == {"fr": "Réservé aux adultes."}


def test_a_new_rule_is_asked_last_and_moves_step_by_step(town: Town) -> None:
    one, two, three = (town.add(name) for name in ("one", "two", "three"))
    assert town.names() == ["one", "two", "three"]
    rules.move_rule(town.db, town.by, three.id, -1, town.now)
    assert town.names() == ["one", "three", "two"]
    rules.move_rule(town.db, town.by, one.id, 1, town.now)
    assert town.names() == ["three", "one", "two"]
    rules.move_rule(town.db, town.by, two.id, 1, town.now)
    assert town.names() == ["three", "one", "two"], "the last one goes no further"


def test_rules_at_one_position_are_told_apart_by_a_move(town: Town) -> None:
    for name in ("one", "two", "three"):
        factories.make_reader_rule(town.db, organisation=town.organisation, name=name, position=1)
    last = rules.list_rules(town.db, town.by, town.organisation.id)[-1]
    rules.move_rule(town.db, town.by, last.id, -1, town.now)
    assert town.names() == ["one", "three", "two"]


def test_a_rule_is_removed(town: Town) -> None:
    rule = town.add("one")
    town.add("two")
    rules.remove_rule(town.db, town.by, rule.id, town.now)
    assert town.names() == ["two"]


def test_the_log_tells_what_a_rule_said_and_says(town: Town) -> None:
    rule = town.add(categories=("Jeune",), sentences={"fr": "Non."}, blocks=(Block.LOST,))
    draft = RuleDraft("Rule", town.offer.id, categories=("Jeune",), owes_above=Decimal("10.00"))
    rules.change_rule(town.db, town.by, rule.id, draft, town.now)
    rules.remove_rule(town.db, town.by, rule.id, town.now)
    created, changed, removed = town.entries()
    assert created == (
        "reader_rule.created",
        {
            "name": "Rule",
            "offer": "refusal",
            "categories": "Jeune",
            "blocks": ["a report of loss"],
            "sentences": "Non.",
        },
    )
    assert changed == (
        "reader_rule.changed",
        {
            "offer": ["refusal", "Young"],
            "blocks": [["a report of loss"], None],
            "owes_above": [None, "10"],
            "sentences": ["Non.", None],
        },
    )
    assert removed[1] == {"name": "Rule", "offer": "Young", "categories": "Jeune", "owes_above": "10"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"age_from": 15, "age_below": 15},
        {"age_from": -1},
        {"age_below": 151},
        {"owes_above": Decimal("-0.01")},
        {"owes_above": Decimal(1_000_001)},
        {"categories": ("x" * 65,)},
        {"categories": ("",)},
        {"home_libraries": tuple(map(str, range(51)))},
        {"sentences": {"fr": "x" * 501}},
    ],
)
def test_what_makes_no_sense_is_refused(town: Town, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        town.add(**wrong)
    assert town.names() == []


def test_a_rule_gives_a_live_card_offer_of_its_own_organisation(town: Town) -> None:
    assert town.add(offer_id=town.make_offer(by_rule_only=True).id)
    for offer in (
        town.make_offer(way=Way.ONE_TAP),
        town.make_offer(retired_at=town.now),
        factories.make_offer(town.db, way=Way.LIBRARY_CARD),
    ):
        with pytest.raises(NotFound):
            town.add(offer_id=offer.id)


def test_there_are_not_endlessly_many(town: Town) -> None:
    for _ in range(rules.MOST_RULES):
        factories.make_reader_rule(town.db, organisation=town.organisation)
    with pytest.raises(Conflict):
        town.add()


def test_somebody_elses_rules_are_not_there(town: Town) -> None:
    rule = town.add()
    for attempt in (
        lambda: rules.list_rules(town.db, town.stranger, town.organisation.id),
        lambda: rules.get_rule(town.db, town.stranger, rule.id),
        lambda: rules.create_rule(town.db, town.stranger, town.organisation.id, RuleDraft("Mine"), town.now),
        lambda: rules.change_rule(town.db, town.stranger, rule.id, RuleDraft("Mine"), town.now),
        lambda: rules.move_rule(town.db, town.stranger, rule.id, 1, town.now),
        lambda: rules.remove_rule(town.db, town.stranger, rule.id, town.now),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert town.names() == ["Rule"]
