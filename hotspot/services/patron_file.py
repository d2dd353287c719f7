"""A library's export of its cards, read: octets in, rows out, and what is wrong with each line. No table, no I/O.

Messages are English sentences with named places, ready for gettext; they never repeat a PIN.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError

LARGEST_FILE = 5 * 1024 * 1024
MOST_LINES = 50_000

_NAMES: Mapping[str, tuple[str, ...]] = {
    "card_number": ("card_number", "numero_carte", "numero_de_carte", "carte"),
    "pin": ("pin", "code", "code_pin"),
    "pin_hash": ("pin_hash",),
    "name": ("name", "nom"),
    "category": ("category", "categorie"),
    "expires_on": ("expires_on", "expire_le"),
    "blocked": ("blocked", "bloque"),
    "born_on": ("born_on", "ne_le", "nee_le", "date_naissance", "date_de_naissance"),
    "home_library": ("home_library", "bibliotheque"),
    "owes": ("owes", "doit", "du"),
}
_COLUMNS = {spelling: column for column, spellings in _NAMES.items() for spelling in spellings}
_DELIMITERS = ";,\t"
_LONGEST = {"card_number": 64, "pin": 128, "pin_hash": 200, "name": 200, "category": 64, "home_library": 64}
_YES = frozenset({"1", "yes", "y", "true", "oui", "o", "vrai", "x"})
_NO = frozenset({"", "0", "no", "n", "false", "non", "faux"})
_ISO_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")
_FRENCH_DATE = re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})")
_AMOUNT = re.compile(r"-?\d{1,7}(?:[.,]\d{1,2})?")
_HEAVIEST_HASH_KIB = 256 * 1024
_MOST_PASSES = 10


@dataclass(frozen=True, slots=True)
class PatronRow:
    """One card of the file, checked. Either `pin` or `pin_hash` is set."""

    line: int
    card_number: str
    pin: str | None = field(repr=False)
    pin_hash: str | None = field(repr=False)
    name: str
    category: str
    expires_on: date | None
    blocked: bool
    born_on: date | None = None
    home_library: str = ""
    owes: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineError:
    line: int
    """As an editor counts them: the header is line 1."""
    problem: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the named places of `problem`."""


@dataclass(frozen=True, slots=True)
class PatronFile:
    rows: tuple[PatronRow, ...]
    errors: tuple[LineError, ...]
    ignored_columns: tuple[str, ...] = ()


class _Wrong(Exception):
    """`at`: the line, where it is not the one being read."""

    def __init__(self, problem: str, *, at: int | None = None, **facts: object) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.facts = facts


def read_patron_file(octets: bytes) -> PatronFile:
    """Every line is looked at, so that all that is wrong is said at once."""
    rows: list[PatronRow] = []
    errors: list[LineError] = []
    line = 1
    try:
        lines = _lines(_decode(octets))
        header = next(lines, None)
        if header is None:
            raise _Wrong("The file is empty.")
        line, cells = header
        columns, ignored = _read_header(cells)
        first_line_of: dict[str, int] = {}
        for line, cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) + len(errors) >= MOST_LINES:
                raise _Wrong("The file has more than %(most)s lines.", most=MOST_LINES)
            try:
                row = _read_row(line, cells, columns, width=len(columns))
                if row.card_number in first_line_of:
                    raise _Wrong("The same card is on line %(line)s.", line=first_line_of[row.card_number])
            except _Wrong as wrong:
                errors.append(LineError(line, wrong.problem, wrong.facts))
            else:
                first_line_of[row.card_number] = line
                rows.append(row)
        if not rows and not errors:
            raise _Wrong("There is no card below the header.")
    except _Wrong as wrong:
        errors.append(LineError(wrong.at or line, wrong.problem, wrong.facts))
        return PatronFile((), tuple(errors))
    return PatronFile(tuple(rows), tuple(errors), ignored)


def _decode(octets: bytes) -> str:
    """UTF-8, with or without a byte order mark; else Windows-1252, as spreadsheets save it in France."""
    if len(octets) > LARGEST_FILE:
        raise _Wrong("The file is larger than 5 MB.")
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _Wrong("The file is in UTF-16. Save it as CSV in UTF-8.")
    if octets.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _Wrong("This is a spreadsheet, not CSV. Save the sheet as CSV in UTF-8.")
    if b"\x00" in octets:
        raise _Wrong("This is not a text file.")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError as error:
        at = octets.count(b"\n", 0, error.start) + 1
        raise _Wrong("The characters are neither UTF-8 nor Windows-1252.", at=at) from error


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, cells) of each record."""
    delimiter = _delimiter(re.split("[\r\n]", text, maxsplit=1)[0])
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise _Wrong(
            "From this line on the quotation marks do not match, or a value is far too long.", at=first
        ) from error


def _delimiter(header: str) -> str:
    """The one that finds the most columns we know; then the one that finds the most."""

    def found(delimiter: str) -> tuple[int, int]:
        names = header.split(delimiter)
        return sum(_normalise(name) in _COLUMNS for name in names), len(names)

    return max(_DELIMITERS, key=found)


def _normalise(name: str) -> str:
    """`Numéro carte` and `numero_carte` are one column."""
    plain = unicodedata.normalize("NFKD", name.strip().strip('"').casefold())
    return re.sub(r"[\s\-'’]+", "_", "".join(each for each in plain if not unicodedata.combining(each)))


def _read_header(cells: list[str]) -> tuple[list[str | None], tuple[str, ...]]:
    """The column that stands at each place, None for one that we have no use for; and the names of those."""
    columns = [_COLUMNS.get(_normalise(cell)) for cell in cells]
    known = [column for column in columns if column is not None]
    for column in known:
        if known.count(column) > 1:
            raise _Wrong("The column “%(column)s” is there twice.", column=column)
    if "card_number" not in known:
        raise _Wrong("The first line names no column “card_number” (numero_carte).")
    if "pin" not in known and "pin_hash" not in known:
        raise _Wrong("The first line names neither “pin” (code) nor “pin_hash”.")
    ignored = (cell.strip()[:40] for cell, column in zip(cells, columns, strict=True) if column is None)
    return columns, tuple(name for name in ignored if name)


def _read_row(line: int, cells: list[str], columns: list[str | None], width: int) -> PatronRow:
    if len(cells) != width:
        raise _Wrong("There are %(found)s columns instead of %(expected)s.", found=len(cells), expected=width)
    values = {column: cell.strip() for column, cell in zip(columns, cells, strict=True) if column is not None}
    for column, value in values.items():
        if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in value):
            raise _Wrong("“%(column)s” has control characters.", column=column)
        if column in _LONGEST and len(value) > _LONGEST[column]:
            raise _Wrong("“%(column)s” is longer than %(most)s characters.", column=column, most=_LONGEST[column])
    if not values["card_number"]:
        raise _Wrong("The card number is missing.")
    pin, pin_hash = values.get("pin") or None, values.get("pin_hash") or None
    if pin is None and pin_hash is None:
        raise _Wrong("The PIN is missing.")
    if pin is not None and pin_hash is not None:
        raise _Wrong("There is both a PIN and a “pin_hash”: one is enough.")
    if pin_hash is not None:
        _check_hash(pin_hash)
    return PatronRow(
        line=line,
        card_number=values["card_number"],
        pin=pin,
        pin_hash=pin_hash,
        name=values.get("name", ""),
        category=values.get("category", ""),
        expires_on=_read_date(values.get("expires_on", "")),
        blocked=_read_yes_no(values.get("blocked", "")),
        born_on=_read_date(values.get("born_on", "")),
        home_library=values.get("home_library", ""),
        owes=_read_amount(values.get("owes", "")),
    )


def _check_hash(pin_hash: str) -> None:
    """argon2id, and no heavier than we are ready to pay at every sign-in."""
    try:
        parameters = extract_parameters(pin_hash)
    except (InvalidHashError, ValueError) as error:
        raise _Wrong("The “pin_hash” is not one of argon2id.") from error
    if parameters.type is not Type.ID:
        raise _Wrong("The “pin_hash” is not one of argon2id.")
    if parameters.memory_cost > _HEAVIEST_HASH_KIB or parameters.time_cost > _MOST_PASSES or parameters.parallelism > 8:
        raise _Wrong("The “pin_hash” would take too long to check.")


def _read_date(text: str) -> date | None:
    if not text:
        return None
    found = _ISO_DATE.fullmatch(text) or _FRENCH_DATE.fullmatch(text)
    try:
        if found is not None:
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        pass  # 30 February
    raise _Wrong("“%(date)s” is not a date: 2026-12-31 or 31/12/2026.", date=text[:20])


def _read_yes_no(text: str) -> bool:
    word = text.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _Wrong("“%(word)s” is neither yes nor no.", word=text[:20])


def _read_amount(text: str) -> Decimal | None:
    """With or without blanks between thousands and a euro sign; a balance in the reader's favour is nothing owed."""
    if not text:
        return None
    plain = re.sub(r"\s", "", text.removesuffix("€"))
    if _AMOUNT.fullmatch(plain) is None:
        raise _Wrong("“%(amount)s” is not an amount: 12.50 or 12,50.", amount=text[:20])
    return max(Decimal(plain.replace(",", ".")), Decimal(0)).quantize(Decimal("0.01"))
