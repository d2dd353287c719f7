"""Voucher codes: eleven characters without look-alikes (51 bits) and a check character, as XXXX-XXXX-XXXX.

The check character only spares a mistyped code a look-up; what keeps codes from being guessed is their length and the
limits on attempts.
"""

import re
from collections.abc import Callable
from typing import NewType

VoucherCode = NewType("VoucherCode", str)
"""Twelve characters of ALPHABET, without hyphens. `parse_code` makes one."""

ALPHABET = "23456789ACDEFHJKMNPRTVWXY"
"""No 0 O Q, 1 I L, U beside V; and of the pairs 2 Z, 5 S, 6 G, 8 B the digit stays and the letter is read as it."""

_LOOK_ALIKES = str.maketrans("ZSGB", "2568")
_SEPARATORS = re.compile(r"[\s\-–—_.]+")
_PAYLOAD = 11


def make_code(choose: Callable[[str], str]) -> VoucherCode:
    """A new code. `choose` picks one character at random: `secrets.choice`."""
    payload = "".join(choose(ALPHABET) for _ in range(_PAYLOAD))
    return VoucherCode(payload + _check_character(payload))


def parse_code(text: str) -> VoucherCode | None:
    """What a person typed, in any case and with any separators; None if it cannot be a code."""
    code = _plain(text)
    if len(code) != _PAYLOAD + 1 or any(character not in ALPHABET for character in code):
        return None
    return VoucherCode(code) if _check_character(code[:_PAYLOAD]) == code[_PAYLOAD] else None


def beginning_of(text: str) -> str:
    """What attempts are counted by: the first four characters, the same for every way to write a code."""
    return _plain(text)[:4]


def print_code(code: str) -> str:
    return "-".join((code[:4], code[4:8], code[8:]))


def _plain(text: str) -> str:
    return _SEPARATORS.sub("", text).upper().translate(_LOOK_ALIKES)


def _check_character(payload: str) -> str:
    """Weights 2 and 1 by turns, and 1 for the check character itself: they are, with their differences, coprime to 25,
    so that any one wrong character and any swap of two neighbours is noticed."""
    weighted = sum(ALPHABET.index(each) * (2 - at % 2) for at, each in enumerate(payload))
    return ALPHABET[-weighted % len(ALPHABET)]
