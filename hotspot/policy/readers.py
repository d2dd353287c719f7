"""A reader's record, and what follows from it: an offer, or a refusal with its own sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from hotspot.values import RefusalReason, Refuse


class Block(StrEnum):
    """What a library may hold against a card. A system that says only "blocked" gives BLOCKED."""

    BLOCKED = "blocked"
    LOST = "lost"
    """Reported as lost or stolen."""
    OVERDUE = "overdue"
    """Too much that should have been brought back."""
    OWES = "owes"
    """More fines or fees than the library allows."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A card that the system knows, with the right PIN. Only what rules may ask for; what is not said is empty."""

    card_number: str
    """As the system gives it back: what was typed may have been a user name or a mail address."""
    category: str = ""
    home_library: str = ""
    born_on: date | None = None
    expires_on: date | None = None
    """The last day on which the card is good."""
    blocks: frozenset[Block] = frozenset()
    owes: Decimal | None = None
    """In the library's currency; None if it does not say."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits a reader of whom every condition holds; one that is not set holds for everybody. A fact that the library has
    not said fits no condition on it. Cards that have expired or are blocked are fitted only by rules that name that."""

    offer_id: int | None = None
    """None: a refusal."""
    sentences: Mapping[str, str] = field(default_factory=dict)
    """The refusal in the library's own words, by language."""
    categories: frozenset[str] = frozenset()
    """Without regard to case."""
    home_libraries: frozenset[str] = frozenset()
    age_from: int | None = None
    age_below: int | None = None
    owes_above: Decimal | None = None
    expired: bool = False
    blocks: frozenset[Block] = frozenset()
    """Any of these, and none beside them."""


_BUILT_IN = (
    (Block.LOST, RefusalReason.CARD_LOST),
    (Block.OWES, RefusalReason.CARD_OWES),
    (Block.OVERDUE, RefusalReason.CARD_OVERDUE),
    (Block.BLOCKED, RefusalReason.CARD_BLOCKED),
)
"""The more telling reason first."""


def decide_reader(reader: Reader, rules: Sequence[Rule], today: date) -> int | Refuse | None:
    """The id of the offer that the first rule that fits gives, or its refusal. Without one an expired or blocked card
    is refused; None: the offer that was chosen. `today` is the site's."""
    rule = find_rule(reader, rules, today)
    if rule is not None:
        if rule.offer_id is not None:
            return rule.offer_id
        return Refuse(RefusalReason.READER_NOT_ENTITLED, own_words=rule.sentences)
    if _has_expired(reader, today):
        return Refuse(RefusalReason.CARD_EXPIRED, day=reader.expires_on)
    return next((Refuse(reason) for block, reason in _BUILT_IN if block in reader.blocks), None)


def find_rule(reader: Reader, rules: Sequence[Rule], today: date) -> Rule | None:
    """The first that fits."""
    return next((rule for rule in rules if _fits(rule, reader, today)), None)


def _fits(rule: Rule, reader: Reader, today: date) -> bool:
    return (
        rule.expired == _has_expired(reader, today)
        and bool(rule.blocks) == bool(reader.blocks)
        and reader.blocks <= rule.blocks
        and _is_among(reader.category, rule.categories)
        and _is_among(reader.home_library, rule.home_libraries)
        and _is_of_age(rule, reader.born_on, today)
        and (rule.owes_above is None or (reader.owes is not None and reader.owes > rule.owes_above))
    )


def _has_expired(reader: Reader, today: date) -> bool:
    return reader.expires_on is not None and reader.expires_on < today


def _is_among(said: str, names: frozenset[str]) -> bool:
    return not names or said.strip().casefold() in {name.strip().casefold() for name in names}


def _is_of_age(rule: Rule, born_on: date | None, today: date) -> bool:
    if rule.age_from is None and rule.age_below is None:
        return True
    if born_on is None:
        return False
    age = years_between(born_on, today)
    return (rule.age_from is None or age >= rule.age_from) and (rule.age_below is None or age < rule.age_below)


def years_between(born_on: date, today: date) -> int:
    """Whole years. Born on 29 February: a year older on 1 March, where there is no such day."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
