"""What several forms parse: opening hours as people write them, lists of addresses, text without control characters."""

import re
from collections.abc import Sequence
from datetime import time
from ipaddress import ip_address, ip_network
from itertools import pairwise

from wtforms import Form, StringField, ValidationError
from wtforms.fields import Field
from wtforms.validators import DataRequired, Length

from hotspot.message_ids import mark
from hotspot.policy.opening_hours import Interval
from hotspot_admin.language import gettext

TOO_LONG = mark("This is too long.")
REQUIRED = mark("This cannot be empty.")
WTFORMS_OWN = (mark("Invalid Choice: could not coerce."), mark("Not a valid date value."))
"""What the library itself says about a choice or date that cannot be read; named here for the catalogue."""

WIDEST_NETWORK = {4: 8, 6: 16}
"""Prefix lengths: a source wider than that is a typing mistake."""
MOST_ADDRESSES = 50

_TIME = r"(\d{1,2})(?:\s?[:hH.]\s?(\d{2})?)?"
_INTERVAL = re.compile(rf"\s*{_TIME}\s*(?:-|–|—|à|to)\s*{_TIME}\s*")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def text_field(label: str, longest: int, *, required: bool = True, **render: object) -> StringField:
    """One line of text: trimmed, without control characters, no longer than its column."""
    checks = [DataRequired(REQUIRED)] if required else []
    return StringField(
        label,
        [*checks, Length(max=longest, message=TOO_LONG), printable],
        filters=[lambda text: (text or "").strip()],
        render_kw={"maxlength": longest, **render},
    )


def printable(_form: Form, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError(mark("There is an invisible character in this. Type it again."))


def parse_hours(text: str) -> tuple[Interval, ...]:
    """`9:00-12:00, 14h-18h30` in order; nothing is a closed day. ValueError says what is wrong, in the page's language.

    A close at or before its opening is on the next day; 24:00 is midnight.
    """
    intervals = []
    for part in re.split(r"[,;/\n]|\bet\b|\band\b", text.strip()):
        if not part.strip():
            continue
        found = _INTERVAL.fullmatch(part)
        if found is None:
            raise ValueError(gettext("“%(text)s” is not understood: write 09:00-12:00, 14:00-18:00.", text=part[:40]))
        opens, closes = _clock(found[1], found[2]), _clock(found[3], found[4])
        if opens is None or closes is None:
            raise ValueError(gettext("“%(text)s” is not a time of day.", text=part.strip()[:40]))
        intervals.append(Interval(opens, closes))
    intervals.sort(key=lambda each: each.opens_at)
    if any(_minutes_of_close(one) > _minutes(other.opens_at) for one, other in pairwise(intervals)):
        raise ValueError(gettext("Two of these openings overlap."))
    return tuple(intervals)


def print_hours(intervals: Sequence[Interval]) -> str:
    return ", ".join(f"{each.opens_at:%H:%M}-{each.closes_at:%H:%M}" for each in intervals)


def _clock(hours: str, minutes: str | None) -> time | None:
    hour, minute = int(hours), int(minutes or 0)
    if (hour, minute) == (24, 0):
        return time()
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _minutes_of_close(interval: Interval) -> int:
    closes = _minutes(interval.closes_at)
    return closes if closes > _minutes(interval.opens_at) else closes + 24 * 60


def parse_networks(text: str) -> tuple[str, ...]:
    """Addresses and CIDR networks, on lines or after commas, in canonical form and once each."""
    networks = []
    for word in _words(text):
        try:
            network = ip_network(word, strict=False)
        except ValueError:
            raise ValueError(gettext("“%(text)s” is not an IP address or network.", text=word[:60])) from None
        if network.prefixlen < WIDEST_NETWORK[network.version]:
            raise ValueError(gettext("“%(text)s” takes in too many addresses.", text=word[:60]))
        networks.append(str(network))
    return tuple(dict.fromkeys(networks))


def parse_login_hosts(text: str) -> tuple[str, ...]:
    """`host` or `host:port`, IPv6 in brackets, lower case, once each."""
    hosts = []
    for word in _words(text.lower()):
        if not _is_login_host(word):
            raise ValueError(gettext("“%(text)s” is not a host name or address with an optional port.", text=word[:60]))
        hosts.append(word)
    return tuple(dict.fromkeys(hosts))


def _words(text: str) -> list[str]:
    words = re.split(r"[\s,;]+", text.strip())
    if len(words) > MOST_ADDRESSES:
        raise ValueError(gettext("No more than %(most)s at a time.", most=MOST_ADDRESSES))
    return [word for word in words if word]


def _is_login_host(word: str) -> bool:
    bracketed = re.fullmatch(r"\[([0-9a-f:.]+)\](?::(\d{1,5}))?", word)
    host, _, port = word.partition(":")
    if bracketed is not None:
        host, port = bracketed[1], bracketed[2] or ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        return False
    if word.endswith(":"):
        return False
    try:
        return ip_address(host).version == (6 if bracketed else 4)
    except ValueError:
        return bracketed is None and _HOST.fullmatch(host) is not None
