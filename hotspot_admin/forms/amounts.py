"""Lengths, volumes and speeds as people write them: 2 h 30, 1,5 Go, 20. What is empty is not limited."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from wtforms import Form, StringField, ValidationError
from wtforms.fields import Field
from wtforms.validators import Length
from wtforms.validators import Optional as MayBeEmpty

from hotspot.message_ids import mark
from hotspot.services.making_offers import FASTEST_KBPS, LONGEST, MOST_OCTETS, SHORTEST
from hotspot_admin.forms.fields import TOO_LONG, printable
from hotspot_admin.language import language

BAD_TIME = mark("Write a length like 2 h, 2 h 30 or 45 min.")
BAD_VOLUME = mark("Write a volume like 500 MB or 1.5 GB.")
BAD_SPEED = mark("Write a speed in Mbit/s, like 20 or 0.5.")
_LONGEST_TEXT = 30

_TIME = re.compile(
    r"(?:(?P<days>\d{1,6}(?:[.,]\d{1,3})?)\s*(?:d|j|days?|jours?))?\s*"
    r"(?:(?P<hours>\d{1,6}(?:[.,]\d{1,3})?)\s*(?:h|hours?|heures?)\s*(?P<bare>\d{1,2}(?!\s*\w))?)?\s*"
    r"(?:(?P<minutes>\d{1,6})\s*(?:mn?|min|minutes?|'))?",
    re.ASCII | re.IGNORECASE,
)
_VOLUME = re.compile(
    r"(?P<number>\d{1,12}(?:[.,]\d{1,12})?)\s*(?P<unit>[kmgt])(?:o|b|octets?|bytes?)", re.ASCII | re.IGNORECASE
)
_SPEED = re.compile(r"(?P<number>\d{1,9}(?:[.,]\d{1,3})?)(?:\s*mbit/?s|\s*mb/?s)?", re.ASCII | re.IGNORECASE)
_THOUSANDS = {"k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_SPACES = re.compile("[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+")


def parse_time(text: str) -> timedelta:
    """ValueError for what is no length, and for less than a minute or more than a year."""
    found = _TIME.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(BAD_TIME)
    days, hours, bare, minutes = (_number(found[name]) for name in ("days", "hours", "bare", "minutes"))
    length = timedelta(minutes=round(days * 1440 + hours * 60 + bare + minutes))
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(mark("Between one minute and a year."))
    return length


def parse_volume(text: str) -> int:
    """In octets, by thousands, as networks count. A number without a unit is refused: of which unit would it be?"""
    found = _VOLUME.fullmatch(text)
    if found is None:
        raise ValueError(BAD_VOLUME)
    octets = round(_number(found["number"]) * _THOUSANDS[found["unit"].lower()])
    if not 1 <= octets <= MOST_OCTETS:
        raise ValueError(mark("Between 1 kB and 9,000 TB."))
    return octets


def parse_speed(text: str) -> int:
    """In kbit/s."""
    found = _SPEED.fullmatch(text)
    if found is None:
        raise ValueError(BAD_SPEED)
    kbps = round(_number(found["number"]) * 1000)
    if not 1 <= kbps <= FASTEST_KBPS:
        raise ValueError(mark("Between 0.001 and 100,000 Mbit/s."))
    return kbps


def print_volume(octets: int | None) -> str:
    """As it is read again, to the octet, in the page's language."""
    if octets is None:
        return ""
    unit = max((each for each in _THOUSANDS if octets >= _THOUSANDS[each]), key=_THOUSANDS.__getitem__, default="k")
    prefix, of = unit if unit == "k" else unit.upper(), "o" if language() == "fr" else "B"
    return f"{_exact(Decimal(octets) / _THOUSANDS[unit])} {prefix}{of}"


def print_speed(kbps: int | None) -> str:
    return "" if kbps is None else _exact(Decimal(kbps) / 1000)


def time_field(label: str, *first: Callable[[Form, Field], None]) -> StringField:
    return _amount_field(label, parse_time, *first)


def volume_field(label: str) -> StringField:
    return _amount_field(label, parse_volume)


def speed_field(label: str) -> StringField:
    return _amount_field(label, parse_speed)


def amount_of(field: Field) -> Any:
    """What `parse_…` made of it; None where nothing was typed. Only after `validate`."""
    return getattr(field, "amount", None)


def _amount_field(label: str, parse: Callable[[str], Any], *first: Callable[[Form, Field], None]) -> StringField:
    def read(_form: Form, field: Field) -> None:
        """On an English page 1,000 is a thousand to some and one to others: there a comma is refused."""
        text = field.data or ""
        if field.errors:  # too long, or not to be read: said already
            return
        try:
            field.amount = parse(text if language() == "fr" else text.replace(",", "?"))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    return StringField(
        label,
        [*first, MayBeEmpty(), Length(max=_LONGEST_TEXT, message=TOO_LONG), printable, read],
        filters=[lambda text: _plain(text or "")],
        render_kw={"maxlength": _LONGEST_TEXT, "autocomplete": "off"},
    )


def _plain(text: str) -> str:
    """With ordinary spaces: what is pasted, and what we print, has others between a number and its unit."""
    return _SPACES.sub(" ", text).strip()


def _number(text: str | None) -> Decimal:
    return Decimal((text or "0").replace(",", "."))


def _exact(number: Decimal) -> str:
    text = f"{number.normalize():f}"
    return text.replace(".", ",") if language() == "fr" else text
