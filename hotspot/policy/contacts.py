"""What visitors type about themselves and their hosts: mail addresses, telephone numbers, names. Read as hostile.

A thing that is read is a value that can be sent to; anything else is None, or says why not.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import idna
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_LONGEST_ADDRESS = 254
_LONGEST_NUMBER = 32
LONGEST_NAME = 60
_ATOM = r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
"""A dot-atom (RFC 5321 section 4.1.2), without the two signs that old relays read as a route."""
_NUMBER = re.compile(r"[+\N{FULLWIDTH PLUS SIGN}]?[\d\s().\-/\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+")
"""Without letters: neither vanity numbers nor extensions are mobile phones."""
_NAME_SIGNS = frozenset(" .,-'’")
_EUROPEAN_UNION = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
HOME_REGIONS = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM")
"""Where a number without a country code is looked for: the French plan is one, its country codes are many."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    address: str
    """ASCII, to be sent to: an international domain in its coded form."""
    key: str
    """The same for spellings of one mailbox: case and what follows a plus sign do not count."""
    domain: str
    """ASCII, lower case."""


def parse_mail_address(text: str) -> MailAddress | None:
    """Plain ones only: no quotes, no comments, no address literals, and no letters outside ASCII before the @, which
    few servers take."""
    text = text.strip()
    local, at, domain_text = text.rpartition("@")
    if not at or len(text) > _LONGEST_ADDRESS or len(local) > 64 or not _LOCAL_PART.fullmatch(local):
        return None
    domain = parse_domain(domain_text)
    if domain is None or len(local) + 1 + len(domain) > _LONGEST_ADDRESS:
        return None
    mailbox = local.lower().partition("+")[0] or local.lower()
    return MailAddress(f"{local}@{domain}", f"{mailbox}@{domain}", domain)


def parse_domain(text: str) -> str | None:
    """As the name system knows it: ASCII, lower case, at least two labels, the last of which is no number."""
    text = text.strip().removesuffix(".")
    if not 3 <= len(text) <= 253 or any(unicodedata.category(sign) in ("Cc", "Cf", "Zs") for sign in text):
        return None
    try:
        coded = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return None
    labels = coded.split(".")
    return coded if len(labels) > 1 and not labels[-1].isdecimal() else None


def mask_address(address: str) -> str:
    """m…@example.org: enough to see a slip, not enough for somebody who looks over the shoulder."""
    local, _, domain = address.rpartition("@")
    with suppress(idna.IDNAError, UnicodeError):
        domain = idna.decode(domain)
    return f"{local[:1]}…@{domain}"


class NumberProblem(StrEnum):
    UNREADABLE = "unreadable"
    NOT_SERVED = "not_served"
    """A country that is not allowed, or no mobile phone: premium, satellite, a line at home."""


def parse_number(text: str, countries: frozenset[str]) -> str | NumberProblem:
    """In E.164. `countries`: from `expand_countries`."""
    text = text.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text) or sum(sign.isdigit() for sign in text) < 6:
        return NumberProblem.UNREADABLE
    if text.startswith("00"):
        text = "+" + text[2:]
    readings = [found for region in HOME_REGIONS if (found := _read_number(text, region)) is not None]
    if not readings:
        return NumberProblem.UNREADABLE
    for number in readings:
        if phonenumbers.region_code_for_number(number) in countries and _is_mobile(number):
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return NumberProblem.NOT_SERVED


def _read_number(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def _is_mobile(number: phonenumbers.PhoneNumber) -> bool:
    """Some countries do not tell mobile phones from others."""
    kind = phonenumbers.number_type(number)
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def expand_countries(codes: Iterable[str]) -> frozenset[str]:
    """ISO 3166 codes; EU stands for its members."""
    return frozenset(country for code in codes for country in (_EUROPEAN_UNION if code == "EU" else (code,)))


def mask_number(number: str) -> str:
    """+33 6 •• •• •• 12."""
    shown = phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    country, _, rest = shown.partition(" ")
    digits = [at for at, sign in enumerate(rest) if sign.isdigit()]
    hidden = set(digits[1:-2])
    return country + " " + "".join("•" if at in hidden else sign for at, sign in enumerate(rest))


def parse_name(text: str) -> str | None:
    """A person's name, on one line, that no mail reader takes for a link: it goes to somebody else's mailbox."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 2 <= len(name) <= LONGEST_NAME or not any(sign.isalpha() for sign in name):
        return None
    if not all(sign.isalpha() or sign in _NAME_SIGNS or unicodedata.category(sign) == "Mn" for sign in name):
        return None
    return None if re.search(r"\.\S", name) else name


def is_host_of(address: MailAddress, domains: Sequence[str]) -> bool:
    """Exactly one of these domains: what is below one is somebody else's."""
    return address.domain in domains
