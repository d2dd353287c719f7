"""Organisations and their terms, as staff make and change them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry
from hotspot.services import organisations
from hotspot.services.offers import current_terms
from hotspot.services.staff import Scope, find_scope
from tests import factories


class Metropolis:
    def __init__(self, db: Session, now: datetime) -> None:
        self.db, self.now = db, now
        self.top = factories.make_organisation(db, name="Metropolis")
        self.commune = factories.make_organisation(db, name="Commune", parent=self.top)
        self.elsewhere = factories.make_organisation(db, name="Elsewhere")
        self.member = factories.make_staff(db, organisation=self.top)

    @property
    def by(self) -> Scope:
        scope = find_scope(self.db, self.member.id, self.member.session_key)
        assert scope is not None
        return scope

    def entries(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self.db.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(each.action, each.actor, each.facts) for each in rows]

    def publish(self, text: str, seen: int) -> int:
        return organisations.publish_own_terms(self.db, self.by, self.commune.id, {"fr": text}, seen, self.now)


@pytest.fixture
def metropolis(any_database: Database, now: datetime) -> Iterator[Metropolis]:
    with any_database.transaction() as db:
        yield Metropolis(db, now)


def test_a_new_organisation_stands_below_one_that_is_theirs(metropolis: Metropolis) -> None:
    m = metropolis
    organisations.add_organisation(m.db, m.by, m.commune.id, " Hameau ", "mairie@hameau.test", m.now)
    tree = [(each.name, depth) for each, depth in organisations.list_organisations(m.db, m.by)]
    assert tree == [("Metropolis", 0), ("Commune", 1), ("Hameau", 2)]
    assert m.entries() == [("organisation.created", m.by.email, {})]
    with pytest.raises(NotFound):
        organisations.add_organisation(m.db, m.by, m.elsewhere.id, "Other", "", m.now)


def test_organisations_are_not_more_than_ten_deep(metropolis: Metropolis) -> None:
    m, above = metropolis, metropolis.commune
    for depth in range(3, 11):
        above = organisations.add_organisation(m.db, m.by, above.id, f"At {depth}", "", m.now)
    with pytest.raises(InvalidInput) as refused:
        organisations.add_organisation(m.db, m.by, above.id, "At 11", "", m.now)
    assert refused.value.field == "parent_id"


def test_name_and_contact_are_changed_with_before_and_after(metropolis: Metropolis) -> None:
    m = metropolis
    organisations.change_organisation(m.db, m.by, m.commune.id, "Commune", "new@commune.test", m.now)
    organisations.change_organisation(m.db, m.by, m.commune.id, "Commune", "new@commune.test", m.now)
    assert m.entries() == [("organisation.changed", m.by.email, {"contact": ["wifi@commune.test", "new@commune.test"]})]


@pytest.mark.parametrize(("name", "field"), [("", "name"), ("x" * 201, "name"), ("a\nb", "name")])
def test_a_wrong_name_is_refused(metropolis: Metropolis, name: str, field: str) -> None:
    m = metropolis
    with pytest.raises(InvalidInput) as refused:
        organisations.change_organisation(m.db, m.by, m.commune.id, name, "", m.now)
    assert (refused.value.field, m.commune.name) == (field, "Commune")


def test_no_two_organisations_have_the_same_name(metropolis: Metropolis) -> None:
    m = metropolis
    with pytest.raises(Conflict):
        organisations.change_organisation(m.db, m.by, m.commune.id, "Metropolis", "", m.now)


def test_somebody_elses_organisation_is_not_there(metropolis: Metropolis) -> None:
    m = metropolis
    with pytest.raises(NotFound):
        organisations.change_organisation(m.db, m.by, m.elsewhere.id, "Mine", "", m.now)
    with pytest.raises(NotFound):
        organisations.publish_own_terms(m.db, m.by, m.elsewhere.id, {"fr": "Mine."}, 0, m.now)


def test_terms_come_from_above_until_there_are_own_ones(metropolis: Metropolis) -> None:
    m = metropolis
    assert organisations.terms_in_force(m.db, m.commune).of is None
    factories.make_terms(m.db, organisation=m.top, version=3, text="Above.")
    assert organisations.terms_in_force(m.db, m.commune).of is m.top
    assert m.publish("Own.", 0) == 1
    assert organisations.terms_in_force(m.db, m.commune) == organisations.TermsInForce(1, {"fr": "Own."}, m.commune)
    assert current_terms(m.db, m.commune) == (1, {"fr": "Own."})
    assert m.entries() == [("terms.published", m.by.email, {"version": 1})]


def test_who_publishes_has_seen_the_latest_version(metropolis: Metropolis) -> None:
    metropolis.publish("One.", 0)
    with pytest.raises(Conflict):
        metropolis.publish("Two, unaware of one.", 0)
    assert metropolis.publish("Two.", 1) == 2


def test_the_same_terms_once_more_are_no_new_version(metropolis: Metropolis) -> None:
    metropolis.publish("One.", 0)
    with pytest.raises(Conflict):
        metropolis.publish(" One. ", 1)
