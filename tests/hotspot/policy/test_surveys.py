"""A survey's two questions as they may be written; and what may be told of the answers, attacked."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hotspot.errors import InvalidInput
from hotspot.policy.surveys import (
    DEFAULTS,
    LANGUAGES,
    MOST_CHOICES,
    SMALL,
    Question,
    hide_small,
    next_month,
    parse_answers,
    parse_questions,
    print_questions,
    say,
)

counts = st.lists(st.integers(0, 12) | st.integers(0, 10_000), min_size=2, max_size=MOST_CHOICES)


def a_question(text: str = "Pourquoi ?", choices: tuple[Any, ...] = ("Oui", "Non")) -> dict[str, Any]:
    return {"text": {"fr": text}, "choices": [each if isinstance(each, Mapping) else {"fr": each} for each in choices]}


def test_what_a_site_is_offered_can_be_kept() -> None:
    assert parse_questions(print_questions(DEFAULTS)) == DEFAULTS


def test_blanks_are_tidied_and_an_empty_language_is_left_out() -> None:
    written = a_question("  Pourquoi   ici ? ") | {"choices": [{"fr": " Oui", "en": ""}, {"fr": "", "en": "No "}]}
    question, _ = parse_questions([written, a_question()])
    assert question == Question({"fr": "Pourquoi ici ?"}, ({"fr": "Oui"}, {"en": "No"}))


def test_the_space_before_a_french_question_mark_is_no_invisible_character() -> None:
    for space in "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}":
        assert parse_questions([a_question(f"Pourquoi{space}?"), a_question()])[0].text["fr"] == f"Pourquoi{space}?"


WRONG = {
    "nothing": None,
    "a text": "two",
    "one": [a_question()],
    "three": [a_question()] * 3,
    "no mapping": [a_question(), ["Pourquoi"]],
    "no choices": [a_question(), {"text": {"fr": "Pourquoi"}}],
    "choices are a text": [a_question(), {"text": {"fr": "Pourquoi"}, "choices": "Oui"}],
    "no question": [a_question(), a_question(" ")],
    "a number": [a_question(), a_question() | {"text": {"fr": 7}}],
    "another language alone": [a_question(), a_question() | {"text": {"xx": "?"}}],
    "one choice": [a_question(), a_question(choices=("Oui",))],
    "seven choices": [a_question(), a_question(choices=tuple("abcdefg"))],
    "an empty choice": [a_question(), a_question(choices=("Oui", "Non", ""))],
    "the same twice": [a_question(), a_question(choices=("Oui", "oui"))],
    "the same across languages": [a_question(), a_question(choices=({"fr": "Wi-Fi"}, {"en": "wi-fi"}))],
    "a question too long": [a_question(), a_question("a" * 161)],
    "a choice too long": [a_question(), a_question(choices=("a" * 81, "b"))],
    "a line break": [a_question(), a_question("Pour\nquoi")],
    "an order of writing": [a_question(), a_question("Pour\u202equoi")],
    "half a character": [a_question(), a_question("\ud800")],
}


@pytest.mark.parametrize("written", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_survey_is_refused(written: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_questions(written)
    assert refused.value.field in (None, "second")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
        max_leaves=20,
    )
)
def test_whatever_is_written_is_read_or_refused(written: Any) -> None:
    with suppress(InvalidInput):
        assert parse_questions(written)


def test_a_missing_language_is_said_in_another_and_which_one() -> None:
    assert say({"fr": "Oui", "en": "Yes"}, "en") == ("Yes", "en")
    assert say({"fr": "Oui"}, "en") == ("Oui", "fr")
    assert say({"en": "Yes"}, "uk") == ("Yes", "en")
    assert all(say(each.text, language)[1] == language for each in DEFAULTS for language in LANGUAGES)


def test_an_answer_is_the_number_of_a_choice_or_left_out() -> None:
    assert parse_answers(DEFAULTS, ["5", "0"]) == (5, 0)
    assert parse_answers(DEFAULTS, ["", "3"]) == (None, 3)
    assert parse_answers(DEFAULTS, ["", ""]) == (None, None)


@pytest.mark.parametrize("given_", ["6", "-1", "x", "1.0", "01", " 1", "²", "٣", "9" * 5000])
def test_what_is_no_choice_is_refused(given_: str) -> None:
    with pytest.raises(InvalidInput):
        parse_answers(DEFAULTS, [given_, "0"])


def test_a_month_is_followed_by_the_next() -> None:
    assert next_month(date(2026, 1, 31)) == date(2026, 2, 1)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)


def test_large_groups_are_told_with_their_sum() -> None:
    told = hide_small([31, 5, 12])
    assert (told.groups, told.total, told.largest) == ((31, 5, 12), 48, 31)


def test_a_small_group_is_hidden_with_the_sum() -> None:
    told = hide_small([31, 4, 12])
    assert (told.groups, told.total, told.largest) == ((31, None, 12), None, 31)
    assert hide_small([0, 0]).largest == 0


@given(counts)
def test_small_groups_are_hidden_and_no_others(numbers: list[int]) -> None:
    told = hide_small(numbers)
    assert told.groups == tuple(number if number >= SMALL else None for number in numbers)
    assert told.total in (None, sum(numbers))


@given(counts, st.data())
def test_nothing_that_is_told_depends_on_how_many_are_in_a_small_group(numbers: list[int], data: st.DataObject) -> None:
    others = [number if number >= SMALL else data.draw(st.integers(0, SMALL - 1)) for number in numbers]
    assert hide_small(others) == hide_small(numbers)


@given(st.lists(st.integers(0, 7), min_size=2, max_size=4))
def test_who_tries_every_possibility_excludes_none_for_a_small_group(numbers: list[int]) -> None:
    """The attacker knows the rule and what is told, and goes through all that could have been."""
    told = hide_small(numbers)
    possible = [each for each in product(range(9), repeat=len(numbers)) if hide_small(each) == told]
    for at, number in enumerate(numbers):
        if number < SMALL:
            assert {each[at] for each in possible} == set(range(SMALL))


@given(st.lists(counts, min_size=2, max_size=6), st.data())
def test_months_together_tell_no_more_than_each(months: list[list[int]], data: st.DataObject) -> None:
    """Whatever is computed from all that is told: it is the same when the small groups were others in every month."""
    size = min(len(each) for each in months)
    months = [each[:size] for each in months]
    others = [
        [number if number >= SMALL else data.draw(st.integers(0, SMALL - 1)) for number in each] for each in months
    ]
    assert [hide_small(each) for each in others] == [hide_small(each) for each in months]


@given(counts, st.integers(0, MOST_CHOICES - 1))
def test_that_all_chose_the_same_is_not_told(numbers: list[int], at: int) -> None:
    assume(at < len(numbers) and numbers[at] >= SMALL)
    unanimous = [number if index == at else 0 for index, number in enumerate(numbers)]
    not_quite = [number if index == at else 1 for index, number in enumerate(numbers)]
    assert hide_small(unanimous) == hide_small(not_quite)
