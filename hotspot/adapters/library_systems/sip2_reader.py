"""What a SIP2 server says of a card, as a Reader: which of its fields and flags means what is a setting."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hotspot.adapters.library_systems.sip2_messages import LONGEST_VALUE, Patron
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.policy.readers import Block, Reader

_YEAR_FIRST = re.compile(r"(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)(?!\d)")
_YEAR_LAST = re.compile(r"(\d\d?)[-/. ](\d\d?)[-/. ](\d{4})(?!\d)")
_AMOUNT = re.compile(r"(-?)(\d{1,3}(?:[.,]?\d{3}){0,3})(?:[.,](\d{1,2}))?(?!\d)")
"""`12`, `12.5`, `1,234.50`, `1.234,50`: three digits after a mark are thousands."""
_NO_DATE = re.compile(r"[0\s/.-]*")


def is_accepted(patron: Patron, settings: Sip2Settings) -> bool:
    """BL and CQ must both say yes. A server that says nothing of the PIN has not looked at it."""
    return patron.is_valid and (settings.card_only or patron.is_pin_right)


def reader_of(patron: Patron, asked_for: str, settings: Sip2Settings) -> Reader:
    expires_on = _date_in(patron, settings.expiry_field, settings)
    return Reader(
        card_number=patron.first("AA")[:LONGEST_VALUE] or asked_for,
        category=patron.first(*_tags(settings.category_field))[:LONGEST_VALUE],
        home_library=patron.first(*_tags(settings.home_library_field))[:LONGEST_VALUE],
        born_on=_date_in(patron, settings.birth_field, settings),
        expires_on=expires_on,
        blocks=frozenset(_blocks(patron, expires_on, settings)),
        owes=_amount(patron.first("BV")),
    )


def unread_dates(patron: Patron, settings: Sip2Settings) -> list[str]:
    """The fields whose date is written in another way than the settings say, with its shape: `PB 99.99.9999`."""
    found = []
    for tags in (settings.expiry_field, settings.birth_field):
        for tag in _tags(tags):
            value = patron.first(tag)
            if value and not _NO_DATE.fullmatch(value) and _read_date(value, settings) is None:
                found.append(f"{tag} {_shape(value)}")
    return found


def filled_fields(patron: Patron, settings: Sip2Settings) -> list[str]:
    """The tags of the settings that this answer has something in, and the amount."""
    wanted = (settings.category_field, settings.birth_field, settings.expiry_field, settings.home_library_field, "BV")
    return [tag for tags in wanted for tag in _tags(tags) if patron.first(tag)]


def _date_in(patron: Patron, tags: str, settings: Sip2Settings) -> date | None:
    return next((day for tag in _tags(tags) if (day := _read_date(patron.first(tag), settings))), None)


def _read_date(text: str, settings: Sip2Settings) -> date | None:
    """What comes after the day, an hour as a rule, is not looked at."""
    if not text.isascii():
        return None
    try:
        if found := _YEAR_FIRST.match(text):
            return date(*map(int, found.groups()))
        if settings.date_form != "ymd" and (found := _YEAR_LAST.match(text)):
            first, second, year = map(int, found.groups())
            return date(year, second, first) if settings.date_form == "dmy" else date(year, first, second)
    except ValueError:  # the 31st of February
        return None
    return None


def _shape(value: str) -> str:
    """Without what it tells of the reader."""
    return re.sub(r"[^\W\d_]", "X", re.sub(r"\d", "9", value))[:20]


def _amount(text: str) -> Decimal | None:
    text = re.sub(r"\s", "", text)
    found = _AMOUNT.search(text) if text.isascii() else None
    if found is None:
        return None
    sign, whole, cents = found.groups()
    return Decimal(f"{sign}{re.sub('[.,]', '', whole)}.{cents or 0}")


def _blocks(patron: Patron, expires_on: date | None, settings: Sip2Settings) -> Iterator[Block]:
    named = {Block.LOST: settings.lost_flags, Block.OVERDUE: settings.overdue_flags, Block.OWES: settings.owes_flags}
    found = {block for block, flags in named.items() if _are_set(flags, patron.flags)}
    yield from found
    is_expired = bool(expires_on and patron.said_on and expires_on < patron.said_on)
    if not found and not is_expired and _are_set(settings.blocked_flags, patron.flags):
        yield Block.BLOCKED


def _are_set(flags: str, among: frozenset[int]) -> bool:
    """`5,1+2`: 5, or 1 and 2 together."""
    return any(among.issuperset(map(int, cause.split("+"))) for cause in flags.split(",") if cause)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
