"""The rules from a reader's record, in their order, as staff see and change them. Which one fits is for
`hotspot/policy/readers.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.library_wording import BLOCKS
from hotspot.models import Offer, Organisation, ReaderRule
from hotspot.policy.readers import Block
from hotspot.services import audit
from hotspot.services.library_systems import card_offers
from hotspot.services.staff import Scope

MOST_RULES = 100
LONGEST_NAME = 64
"""Of a category or a library, as `patrons` has them."""
LONGEST_SENTENCE = 500
OLDEST = 150
MOST_NAMES = 50
MOST_OWED = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """What staff say of a rule: `hotspot/policy/readers.py` says what each part means."""

    name: str
    offer_id: int | None = None
    sentences: Mapping[str, str] | None = None
    categories: tuple[str, ...] = ()
    home_libraries: tuple[str, ...] = ()
    age_from: int | None = None
    age_below: int | None = None
    owes_above: Decimal | None = None
    expired: bool = False
    blocks: tuple[Block, ...] = ()


def list_rules(db: Session, scope: Scope, organisation_id: int) -> Sequence[ReaderRule]:
    """In the order in which they are asked."""
    return _ordered(db, get_organisation(db, scope, organisation_id).id)


def get_organisation(db: Session, scope: Scope, organisation_id: int) -> Organisation:
    if organisation_id not in scope.organisation_ids:
        raise NotFound("organisation")
    return db.get_one(Organisation, organisation_id)


def get_rule(db: Session, scope: Scope, rule_id: int) -> ReaderRule:
    rule = db.get(ReaderRule, rule_id)
    if rule is None or rule.organisation_id not in scope.organisation_ids:
        raise NotFound("rule")
    return rule


def create_rule(db: Session, by: Scope, organisation_id: int, draft: RuleDraft, now: datetime) -> ReaderRule:
    """The last one to be asked."""
    organisation = get_organisation(db, by, organisation_id)
    offer = _check(db, organisation.id, draft)
    others = _ordered(db, organisation.id)
    if len(others) >= MOST_RULES:
        raise Conflict("There are 100 rules already: that is as many as there can be.", field="name")
    rule = ReaderRule(organisation_id=organisation.id, position=max((each.position for each in others), default=0) + 1)
    _apply(rule, draft)
    db.add(rule)
    db.flush()
    _note(db, by, "reader_rule.created", rule, _facts(rule, offer), now)
    return rule


def change_rule(db: Session, by: Scope, rule_id: int, draft: RuleDraft, now: datetime) -> ReaderRule:
    rule = get_rule(db, by, rule_id)
    before = _facts(rule, None if rule.offer_id is None else db.get(Offer, rule.offer_id))
    offer = _check(db, rule.organisation_id, draft)
    _apply(rule, draft)
    db.flush()
    after = _facts(rule, offer)
    changes = {
        name: [before.get(name), after.get(name)] for name in before | after if before.get(name) != after.get(name)
    }
    _note(db, by, "reader_rule.changed", rule, changes, now)
    return rule


def move_rule(db: Session, by: Scope, rule_id: int, steps: int, now: datetime) -> ReaderRule:
    """Earlier for less than nothing. All of its organisation are numbered anew: two may move rules at once."""
    rule = get_rule(db, by, rule_id)
    rules = list(_ordered(db, rule.organisation_id, lock=True))
    at = rules.index(rule)
    to = min(max(at + steps, 0), len(rules) - 1)
    rules.insert(to, rules.pop(at))
    for position, each in enumerate(rules, start=1):
        each.position = position
    db.flush()
    if to != at:
        _note(db, by, "reader_rule.moved", rule, {"position": to + 1}, now)
    return rule


def remove_rule(db: Session, by: Scope, rule_id: int, now: datetime) -> ReaderRule:
    rule = get_rule(db, by, rule_id)
    offer = None if rule.offer_id is None else db.get(Offer, rule.offer_id)
    _note(db, by, "reader_rule.removed", rule, _facts(rule, offer), now)
    db.delete(rule)
    db.flush()
    return rule


def _ordered(db: Session, organisation_id: int, *, lock: bool = False) -> Sequence[ReaderRule]:
    query = (
        select(ReaderRule)
        .where(ReaderRule.organisation_id == organisation_id)
        .order_by(ReaderRule.position, ReaderRule.id)
    )
    return db.scalars(query.with_for_update() if lock else query).all()


def _check(db: Session, organisation_id: int, draft: RuleDraft) -> Offer | None:
    """The offer that it gives, which must be one of the organisation's own for cards."""
    for field, names in (("categories", draft.categories), ("home_libraries", draft.home_libraries)):
        if len(names) > MOST_NAMES or any(not 0 < len(name) <= LONGEST_NAME for name in names):
            raise InvalidInput("At most 50 names of at most 64 characters.", field=field)
    for field, age in (("age_from", draft.age_from), ("age_below", draft.age_below)):
        if age is not None and not 0 <= age <= OLDEST:
            raise InvalidInput("An age is between 0 and 150 years.", field=field)
    if draft.age_from is not None and draft.age_below is not None and draft.age_from >= draft.age_below:
        raise InvalidInput("Nobody is of such an age: “below” must be more than “from”.", field="age_below")
    if draft.owes_above is not None and not 0 <= draft.owes_above <= MOST_OWED:
        raise InvalidInput("An amount is between 0 and 1,000,000.", field="owes_above")
    if any(len(text) > LONGEST_SENTENCE for text in (draft.sentences or {}).values()):
        raise InvalidInput("This is too long.", field="sentences")
    if draft.offer_id is None:
        return None
    offer = next((each for each in card_offers(db, organisation_id) if each.id == draft.offer_id), None)
    if offer is None:
        raise NotFound("offer")
    return offer


def _apply(rule: ReaderRule, draft: RuleDraft) -> None:
    rule.name, rule.offer_id = draft.name, draft.offer_id
    refuses = draft.offer_id is None
    rule.sentences = {code: text for code, text in (draft.sentences or {}).items() if text} if refuses else {}
    rule.categories, rule.home_libraries = list(draft.categories), list(draft.home_libraries)
    rule.age_from, rule.age_below, rule.owes_above = draft.age_from, draft.age_below, draft.owes_above
    rule.expired, rule.blocks = draft.expired, [each.value for each in draft.blocks]


def _facts(rule: ReaderRule, offer: Offer | None) -> dict[str, Any]:
    """For the audit log: what is set, in words that its page has names for."""
    facts = {
        "name": rule.name,
        "offer": offer.name if offer else "refusal",
        "categories": ", ".join(rule.categories),
        "home_libraries": ", ".join(rule.home_libraries),
        "age_from": rule.age_from,
        "age_below": rule.age_below,
        "owes_above": None if rule.owes_above is None else f"{rule.owes_above.normalize():f}",
        "expired": "yes" if rule.expired else None,
        "blocks": [BLOCKS[Block(each)] for each in rule.blocks],
        "sentences": " / ".join(rule.sentences.values()),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def _note(db: Session, by: Scope, action: str, rule: ReaderRule, facts: Mapping[str, Any], now: datetime) -> None:
    audit.note(db, by, action, rule.name, facts, now, organisation_id=rule.organisation_id)
