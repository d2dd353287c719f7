"""SIP2 (3M Standard Interchange Protocol 2.00) as octets: requests are made, answers read. No socket, no clock.

A message is a code, fixed fields, then variable fields `XXvalue|` in any order, then, with error detection, a sequence
number (AY) and a checksum (AZ), then CR. What servers do otherwise is forgiven when it is read, and never done when
it is written.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

LONGEST_LINE = 16_384
"""Octets: several times what the longest honest answer to these requests has."""
LONGEST_VALUE = 255
"""Octets of one field that we send. Some servers read 1024 octets of a message and no more."""

Encoding = Literal["auto", "utf-8", "latin-1", "cp850"]

_FRENCH = "002"
_UNSENDABLE = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters and what ends a line: in a value they would be fields or messages of their own."""
_FIXED_LENGTHS = {"94": 1, "98": 34, "24": 35, "64": 59, "36": 19, "96": 0}
_SEAL = re.compile(rb"(?:AY(\d))?AZ *([0-9A-Fa-f]{1,4}) *")
_END_OF_LINE = re.compile(rb"[\r\n]")
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")


class Sip2Error(ValueError):
    """What was received, or was to be sent, is not SIP2. The text names no value of any field."""


class Unsendable(Sip2Error):
    """A value that would break the message, or cannot be written in the encoding of the server."""


class NotSip2(Sip2Error):
    """The line is no answer that we know."""


class BadChecksum(Sip2Error):
    """The line was damaged on its way: ask for it again."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server wants to be spoken to."""

    institution: str = ""
    terminal_password: str = field(default="", repr=False)
    encoding: Encoding = "auto"
    """`auto`: UTF-8 is sent; what is no UTF-8 is read as Latin-1."""
    error_detection: bool = True
    """Off: no sequence numbers and checksums are sent, and none are looked at."""
    crlf: bool = False
    """A message ends with CR LF instead of CR."""
    item_range: bool = False
    """BP and BQ go with a request for patron information, empty."""


# requests: the body, without what `seal` adds


def login(user: str, password: str, location: str) -> str:
    """93. Neither name nor password is enciphered: `0`, `0`."""
    return f"9300{_field('CN', user)}{_field('CO', password)}" + (_field("CP", location) if location else "")


def sc_status() -> str:
    """99: we are well, 30 characters wide, and speak 2.00. Some servers speak 1.00 until they have heard this."""
    return "9900302.00"


def patron_status(dialect: Dialect, card: str, pin: str, now: datetime) -> str:
    """23."""
    return f"23{_FRENCH}{_moment(now)}{_patron_fields(dialect, card, pin)}"


def patron_information(dialect: Dialect, card: str, pin: str, now: datetime) -> str:
    """63, without a summary: what somebody has borrowed is none of our business."""
    range_ = "BP|BQ|" if dialect.item_range else ""
    return f"63{_FRENCH}{_moment(now)}{' ' * 10}{_patron_fields(dialect, card, pin)}{range_}"


def end_session(dialect: Dialect, card: str, pin: str, now: datetime) -> str:
    """35."""
    return f"35{_moment(now)}{_patron_fields(dialect, card, pin)}"


def seal(body: str, dialect: Dialect, sequence: int) -> bytes:
    """The octets of a request. Unsendable if the encoding has no sign for a letter of it."""
    return _seal(body + (f"AY{sequence % 10}" if dialect.error_detection else ""), dialect)


def resend(dialect: Dialect) -> bytes:
    """97: say that again. It has no sequence number of its own."""
    return _seal("97", dialect)


def can_be_sent(value: str, dialect: Dialect) -> bool:
    """Whether this may stand in a field, as it is. What may not is never cleaned up: it is simply no card or PIN."""
    if "|" in value or any(unicodedata.category(character) in _UNSENDABLE for character in value):
        return False
    try:
        return len(encode(value, dialect)) <= LONGEST_VALUE
    except Unsendable:
        return False


def checksum(octets: bytes) -> int:
    """Of everything up to and with `AZ`: the sum of all the octets and this is 0, in 16 bits."""
    return -sum(octets) & 0xFFFF


def _patron_fields(dialect: Dialect, card: str, pin: str) -> str:
    terminal = _field("AC", dialect.terminal_password)
    return _field("AO", dialect.institution) + _field("AA", card) + terminal + _field("AD", pin)


def _field(tag: str, value: str) -> str:
    if "|" in value or any(unicodedata.category(character) in _UNSENDABLE for character in value):
        raise Unsendable(f"{tag} holds what would break the message")
    return f"{tag}{value}|"


def _moment(now: datetime) -> str:
    """Local time, as the four blanks say."""
    return now.strftime("%Y%m%d    %H%M%S")


def _seal(text: str, dialect: Dialect) -> bytes:
    octets = encode(text, dialect)
    if dialect.error_detection:
        octets += b"AZ"
        octets += b"%04X" % checksum(octets)
    return octets + (b"\r\n" if dialect.crlf else b"\r")


def encode(text: str, dialect: Dialect) -> bytes:
    """Unsendable if there is no sign for a letter of it."""
    try:
        return text.encode("utf-8" if dialect.encoding == "auto" else dialect.encoding)
    except UnicodeEncodeError as error:
        raise Unsendable("a letter that the encoding of the server does not have") from error


# answers


@dataclass(frozen=True, slots=True)
class Login:
    """94."""

    is_accepted: bool


@dataclass(frozen=True, slots=True)
class Status:
    """98."""

    is_online: bool
    timeout: timedelta | None
    """How long it asks us to wait for an answer; None if it does not know."""
    retries: int | None
    version: str
    institution: str
    supported: str
    """BX: one Y or N for each kind of message; empty if it does not say."""

    def offers(self, position: int) -> bool | None:
        """1: patron status, 8: patron information, 9: end of a session. None if it does not say."""
        return self.supported[position - 1] in "Yy" if len(self.supported) >= position else None


@dataclass(frozen=True, slots=True)
class Patron:
    """24 and 64. `fields` are personal data: they are not printed."""

    flags: frozenset[int]
    """Those set, of 1 to 14: charging denied, renewing, recalling, holds; card lost; too many charged, overdue,
    renewals, claims, lost; excessive fines, fees; recall overdue; too many billed."""
    said_on: date | None
    """The server's own date."""
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def is_valid(self) -> bool:
        return self._is_yes("BL")

    @property
    def is_pin_right(self) -> bool:
        return self._is_yes("CQ")

    def first(self, *tags: str) -> str:
        """The first value that is not blank, of the first tag that has one."""
        return next((value.strip() for tag in tags for value in self.all(tag) if value.strip()), "")

    def all(self, tag: str) -> tuple[str, ...]:
        return tuple(value for each, value in self.fields if each == tag)

    def _is_yes(self, tag: str) -> bool:
        """Said in so many words: blank or left out is no yes, and neither are two answers that differ. A name with `|`
        in it, which its bearer may have chosen, can add fields to an answer, but takes none away."""
        said = self.all(tag)
        return bool(said) and all(value in ("Y", "y") for value in said)


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """36."""

    is_ended: bool


@dataclass(frozen=True, slots=True)
class Resend:
    """96: it could not read what we sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    says: Login | Status | Patron | SessionEnd | Resend
    sequence: int | None
    """Of the request that it answers; None if the server does not say."""


def read_answer(line: bytes, dialect: Dialect) -> Answer:
    """One line, without what ends it. NotSip2 or BadChecksum, and nothing else, whatever it is."""
    code = line[:2].decode("ascii", "replace")
    if code not in _FIXED_LENGTHS:
        raise NotSip2("no answer begins like this")
    end = 2 + _FIXED_LENGTHS[code]
    if len(line) < end:
        raise NotSip2(f"{code} is too short")
    fixed = line[2:end].decode("ascii", "replace")
    variable, sequence = _unseal(line, end, dialect)
    fields = tuple(_fields(variable, dialect))
    return Answer(_meaning(code, fixed, fields), sequence)


def _unseal(line: bytes, end: int, dialect: Dialect) -> tuple[bytes, int | None]:
    """The variable fields, and the sequence number. Not every server writes four digits, or ends with them."""
    start = max(end, line.rstrip(b"| ").rfind(b"|") + 1)
    found = _SEAL.fullmatch(line[start:].rstrip(b"|"))
    if found is None or not dialect.error_detection:
        return line[end:], None
    before_sum = start + line[start:].index(b"AZ") + 2
    if checksum(line[:before_sum]) != int(found[2], 16):
        raise BadChecksum("the checksum is wrong")
    return line[end:start], int(found[1]) if found[1] else _loose_sequence(line[end:start])


def _loose_sequence(variable: bytes) -> int | None:
    """AY as a field of its own, in front of AZ."""
    found = re.search(rb"(?:^|\|)AY(\d)\|$", variable)
    return int(found[1]) if found else None


def _fields(variable: bytes, dialect: Dialect) -> Iterator[tuple[str, str]]:
    for part in variable.split(b"|"):
        tag, value = part[:2], part[2:]
        if len(tag) == 2 and tag.isalnum():
            yield tag.decode("ascii"), _decode(value, dialect)


def _decode(value: bytes, dialect: Dialect) -> str:
    if dialect.encoding != "auto":
        return value.decode(dialect.encoding, "replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _meaning(
    code: str, fixed: str, fields: tuple[tuple[str, str], ...]
) -> Login | Status | Patron | SessionEnd | Resend:
    match code:
        case "94":
            return Login(fixed == "1")
        case "98":
            return _status(fixed, dict(reversed(fields)))
        case "24" | "64":
            flags = frozenset(number for number, flag in enumerate(fixed[:14], start=1) if flag in "Yy")
            return Patron(flags, _date(fixed[17:35]), fields)
        case "36":
            return SessionEnd(fixed[0] in "Yy")
    return Resend()


def _status(fixed: str, fields: dict[str, str]) -> Status:
    timeout, retries = _number(fixed[6:9]), _number(fixed[9:12])
    return Status(
        is_online=fixed[0] in "Yy",
        timeout=None if timeout is None else timedelta(seconds=timeout / 10),
        retries=retries,
        version=fixed[30:34],
        institution=fields.get("AO", "").strip(),
        supported=fields.get("BX", "").strip(),
    )


def _number(digits: str) -> int | None:
    """999 means that it is not known. Some pad it with blanks."""
    digits = digits.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and digits != "999" else None


def _date(text: str) -> date | None:
    found = _DATE.match(text)
    try:
        return date(*map(int, found.groups())) if found and text.isascii() else None
    except ValueError:
        return None


class Lines:
    """Octets come in as they arrive, lines go out: ended by CR or LF or both, empty ones left out."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._searched = 0

    def feed(self, octets: bytes) -> None:
        self._waiting += octets

    def next(self) -> bytes | None:
        """None if more has to arrive first. NotSip2 if so much has arrived without an end that none will come."""
        while found := _END_OF_LINE.search(self._waiting, self._searched):
            line = bytes(self._waiting[: found.start()])
            del self._waiting[: found.end()]
            self._searched = 0
            if len(line) > LONGEST_LINE:
                break
            if line.strip(b" \0"):
                return line.strip(b"\0")  # telnet may write CR NUL for CR
        if found or len(self._waiting) > LONGEST_LINE:
            raise NotSip2(f"a line of more than {LONGEST_LINE} octets")
        self._searched = len(self._waiting)
        return None

    @property
    def is_empty(self) -> bool:
        """Nothing waits but the ends of lines."""
        return not self._waiting.strip(b"\r\n \0")
