"""What follows from a reader's record: the first rule that fits, else the card itself."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hotspot.policy.readers import Block, Reader, Rule, decide_reader, years_between
from hotspot.values import RefusalReason, Refuse

TODAY = date(2026, 3, 10)
YESTERDAY = date(2026, 3, 9)
OFFER = 7


def reader(**facts: Any) -> Reader:
    return Reader("2590", **facts)


def decided(rule: Rule, **facts: Any) -> int | Refuse | None:
    return decide_reader(reader(**facts), [rule], TODAY)


@pytest.mark.parametrize(
    ("condition", "fitting", "other"),
    [
        ({"categories": {"Jeune"}}, {"category": " jeune "}, {"category": "Adulte"}),
        ({"categories": {"Jeune"}}, {"category": "JEUNE"}, {}),
        ({"home_libraries": {"CAP"}}, {"home_library": "cap"}, {"home_library": "NORD"}),
        ({"age_from": 15}, {"born_on": date(2011, 3, 10)}, {"born_on": date(2011, 3, 11)}),
        ({"age_below": 15}, {"born_on": date(2011, 3, 11)}, {"born_on": date(2011, 3, 10)}),
        ({"age_below": 15}, {"born_on": date(2026, 3, 10)}, {}),
        ({"owes_above": Decimal(10)}, {"owes": Decimal("10.01")}, {"owes": Decimal(10)}),
        ({"owes_above": Decimal(10)}, {"owes": Decimal(11)}, {}),
        ({"expired": True}, {"expires_on": YESTERDAY}, {"expires_on": TODAY}),
        ({"blocks": {Block.OWES}}, {"blocks": frozenset({Block.OWES})}, {}),
        (
            {"blocks": {Block.OWES, Block.OVERDUE}},
            {"blocks": frozenset({Block.OWES, Block.OVERDUE})},
            {"blocks": frozenset({Block.OWES, Block.LOST})},
        ),
    ],
)
def test_a_condition_fits_who_it_is_about_and_nobody_else(
    condition: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]
) -> None:
    rule = Rule(
        offer_id=OFFER, **{name: frozenset(it) if isinstance(it, set) else it for name, it in condition.items()}
    )
    assert decided(rule, **fitting) == OFFER
    assert decided(rule, **other) != OFFER


def test_every_condition_has_to_hold() -> None:
    rule = Rule(OFFER, categories=frozenset({"jeune"}), age_below=15)
    assert decided(rule, category="jeune", born_on=date(2015, 1, 1)) == OFFER
    assert decided(rule, category="jeune", born_on=date(2000, 1, 1)) is None


def test_the_first_rule_that_fits_decides() -> None:
    rules = [Rule(1, categories=frozenset({"jeune"})), Rule(2), Rule(3)]
    assert decide_reader(reader(category="jeune"), rules, TODAY) == 1
    assert decide_reader(reader(), rules, TODAY) == 2


def test_a_rule_without_an_offer_refuses_in_its_own_words() -> None:
    words = {"fr": "Le Wi-Fi est réservé aux adultes."}
    refusal = decided(Rule(sentences=words, age_below=18), born_on=date(2015, 1, 1))
    assert refusal == Refuse(RefusalReason.READER_NOT_ENTITLED, own_words=words)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"expires_on": YESTERDAY}, RefusalReason.CARD_EXPIRED),
        ({"blocks": frozenset({Block.BLOCKED})}, RefusalReason.CARD_BLOCKED),
        ({"blocks": frozenset({Block.LOST, Block.OWES})}, RefusalReason.CARD_LOST),
        ({"blocks": frozenset({Block.OWES, Block.BLOCKED})}, RefusalReason.CARD_OWES),
        ({"blocks": frozenset({Block.OVERDUE, Block.BLOCKED})}, RefusalReason.CARD_OVERDUE),
    ],
    ids=["expired", "blocked", "lost", "owes", "overdue"],
)
def test_a_card_that_is_not_good_is_refused_even_if_a_rule_would_fit_but_for_that(
    facts: dict[str, Any], reason: RefusalReason
) -> None:
    refusal = decided(Rule(OFFER), **facts)
    assert isinstance(refusal, Refuse)
    assert refusal.reason is reason
    assert refusal.day == facts.get("expires_on")


def test_without_rules_a_good_card_gets_what_was_chosen() -> None:
    assert decide_reader(reader(expires_on=TODAY, owes=Decimal(99)), [], TODAY) is None


@pytest.mark.parametrize(
    ("born_on", "today", "age"),
    [
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2000, 3, 10), TODAY, 26),
    ],
)
def test_birthdays(born_on: date, today: date, age: int) -> None:
    assert years_between(born_on, today) == age
