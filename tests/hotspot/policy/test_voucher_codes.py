"""Voucher codes: what a person mistypes is noticed, what looks alike is read."""

import random
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.voucher_codes import ALPHABET, make_code, parse_code, print_code

codes = st.randoms(use_true_random=False).map(lambda chance: make_code(chance.choice))


@given(codes)
def test_a_code_is_read_as_it_is_printed(code: str) -> None:
    assert parse_code(print_code(code)) == code


@given(codes)
def test_every_single_wrong_character_is_noticed(code: str) -> None:
    for at, right in enumerate(code):
        for wrong in set(ALPHABET) - {right}:
            assert parse_code(code[:at] + wrong + code[at + 1 :]) is None


@given(codes)
def test_every_swap_of_two_neighbours_is_noticed(code: str) -> None:
    for at in range(len(code) - 1):
        if code[at] != code[at + 1]:
            assert parse_code(code[:at] + code[at + 1] + code[at] + code[at + 2 :]) is None


@given(codes, st.sampled_from(["ZSGB", "zsgb"]))
def test_letters_that_look_like_a_digit_are_read_as_it(code: str, letters: str) -> None:
    assert parse_code(code.translate(str.maketrans("2568", letters))) == code


@pytest.mark.parametrize(
    "written",
    [
        "{a}{b}{c}",
        "{a} {b} {c}",
        " {a}-{b}-{c}\n",
        "{a}–{b}—{c}",
        "{a}.{b}_{c}",
        "{a}  -  {b}{c}",
        "{a}\u202f{b}\u00a0{c}",
    ],
)
def test_any_separator_and_any_case_will_do(written: str) -> None:
    code = make_code(random.Random(4).choice)
    typed = written.format(a=code[:4], b=code[4:8], c=code[8:])
    assert parse_code(typed) == code
    assert parse_code(typed.lower()) == code


@pytest.mark.parametrize(
    "typed", ["", "2222", "2" * 11, "2" * 13, "O" * 12, "0" * 12, "２" * 12, "2222-2222-222é", "\0" * 12]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert parse_code(typed) is None


@given(st.text())
def test_no_text_upsets_the_parser(typed: str) -> None:
    code = parse_code(typed)
    assert code is None or (len(code) == 12 and set(code) <= set(ALPHABET))


def test_the_alphabet_has_no_two_characters_that_look_alike() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 25
    for alike in ("0OQ", "1IL", "2Z", "5S", "6G", "8B", "UV"):
        assert len(set(alike) & set(ALPHABET)) <= 1


def test_a_code_has_fifty_bits() -> None:
    assert len(ALPHABET) ** 11 > 2**50
    assert len({make_code(secrets.choice) for _ in range(1000)}) == 1000
