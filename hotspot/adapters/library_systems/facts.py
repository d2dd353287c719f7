"""What systems write in a reader's record, read: days, money, yes and no. What is not said is None; what cannot be read
is a RecordTrouble, since a card whose expiry we do not understand is not a card without one."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.library_systems.trouble import RecordTrouble

LONGEST_CARD = 64
"""Characters, of the category and the home library too: as they are kept."""
_MOST = Decimal("9999999.99")
_CENT = Decimal("0.01")
_NO_DAY = frozenset({"", "0000-00-00", "0", "none", "null"})
_DAYS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?:[T ].*)?", re.DOTALL),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:\D.*|\d{6}.*)?", re.DOTALL),
    re.compile(r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{4})"),
)
"""ISO 8601, with or without its time; digits alone, as in LDAP and SIP2; as people write it in France."""
_NO = frozenset({"", "0", "no", "n", "non", "false", "none", "null", "-"})
"""A dash is Sierra's “not blocked”."""


def card(value: object) -> str:
    """Needed: a reader without a number cannot be told from another."""
    text = _text(value)
    if not text or len(text) > LONGEST_CARD:
        raise RecordTrouble(Step.SPEAKS, "the answer has no card number, or a far too long one")
    return text


def words(value: object) -> str:
    """A name or a code; empty if it is not said. What is far too long is cut: it fits no rule anyhow."""
    return _text(value)[:LONGEST_CARD]


def day(value: object, what: str) -> date | None:
    text = words(value)
    if text.casefold() in _NO_DAY:
        return None
    for form in _DAYS:
        found = form.fullmatch(text)
        if found is not None:
            try:
                return date(int(found["year"]), int(found["month"]), int(found["day"]))
            except ValueError:
                break
    raise RecordTrouble(Step.SPEAKS, f"{what} is not a date")


def money(value: object) -> Decimal | None:
    """What is owed, in cents' precision; a balance in the reader's favour is nothing owed."""
    text = words(value).replace(",", ".")
    if not text:
        return None
    try:
        amount = Decimal(text)
        if amount.is_finite():
            return min(max(amount, Decimal(0)), _MOST).quantize(_CENT)
    except InvalidOperation:
        pass
    raise RecordTrouble(Step.SPEAKS, "what is owed is not an amount")


def _text(value: object) -> str:
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return " ".join("".join(each if each.isprintable() else " " for each in str(value)).split())


def yes(value: object) -> bool:
    if isinstance(value, dict | list):
        return bool(value)
    return str(value if value is not None else "").strip().casefold() not in _NO
