"""Colours that people choose, and the ink that can be read on them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.colours import BLACK, READABLE, WHITE, contrast, ink_like, ink_on, mix, parse_colour

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#0B5C60", "#0b5c60"),
        (" 0b5c60 ", "#0b5c60"),
        ("#abc", "#aabbcc"),
        ("", None),
        ("red", None),
        ("#0b5c6", None),
        ("#0b5c600", None),
        ("#0b5c6g", None),
        ("#٠b5c60", None),
        ("url(x)", None),
    ],
)
def test_a_colour_is_six_digits_or_three(text: str, colour: str | None) -> None:
    assert parse_colour(text) == colour


@given(colours)
def test_what_is_written_on_a_colour_can_be_read(colour: str) -> None:
    assert contrast(colour, ink_on(colour)) >= READABLE


@given(colours)
def test_what_is_written_in_a_colour_can_be_read_on_paper(colour: str) -> None:
    assert contrast(ink_like(colour), WHITE) >= READABLE


@pytest.mark.parametrize(
    ("colour", "on", "like"), [("#0b5c60", WHITE, "#0b5c60"), ("#ffe066", BLACK, BLACK), ("#000000", WHITE, "#000000")]
)
def test_ink(colour: str, on: str, like: str) -> None:
    assert (ink_on(colour), ink_like(colour)) == (on, like)


def test_contrast_is_that_of_the_rule() -> None:
    """WCAG 2.2: black on white is 21; #767676 is the palest grey that passes."""
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)


def test_a_mixture_lies_between() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
