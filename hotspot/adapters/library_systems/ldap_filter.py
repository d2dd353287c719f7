"""Search filters as people write them (RFC 4515), with `{card}` where the card number goes.

The card number becomes a value of the message as it stands: it is never a part of the filter's text, so there is
nothing that it could close or open.
"""

import re
from collections.abc import Callable

from hotspot.adapters.library_systems.ldap_messages import octets, tlv

Condition = Callable[[str], bytes]
"""The card number in, the filter of a SearchRequest out (RFC 4511 section 4.5.1.7)."""

_CARD = "{card}"
_DEEPEST = 20
_ITEM = re.compile(
    r"(?P<attribute>[A-Za-z0-9][A-Za-z0-9.;-]*)?(?P<dn>:dn)?(?::(?P<rule>[A-Za-z0-9][A-Za-z0-9.-]*))?"
    r"(?P<kind>:=|>=|<=|~=|=)(?P<value>[^()\x00]*)"
)
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2})")
_COMPARISONS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}


def parse_filter(text: str) -> Condition:
    """ValueError if it is none, or has no place for the card number."""
    condition, end = _filter(text.strip(), 0, 0)
    if end != len(text.strip()) or _CARD not in text:
        raise ValueError(text)
    return condition


def _filter(text: str, at: int, depth: int) -> tuple[Condition, int]:
    if depth > _DEEPEST or text[at : at + 1] != "(":
        raise ValueError(text)
    kind = text[at + 1 : at + 2]
    if kind in ("&", "|", "!"):
        parts, at = _several(text, at + 2, depth)
        if not parts or (kind == "!" and len(parts) != 1):
            raise ValueError(text)
        tag = {"&": 0xA0, "|": 0xA1, "!": 0xA2}[kind]
        condition: Condition = lambda card: tlv(tag, *(part(card) for part in parts))  # noqa: E731
    else:
        found = _ITEM.match(text, at + 1)
        if found is None:
            raise ValueError(text)
        condition, at = _item(found), found.end()
    if text[at : at + 1] != ")":
        raise ValueError(text)
    return condition, at + 1


def _several(text: str, at: int, depth: int) -> tuple[list[Condition], int]:
    parts: list[Condition] = []
    while text[at : at + 1] == "(":
        part, at = _filter(text, at, depth + 1)
        parts.append(part)
    return parts, at


def _item(found: re.Match[str]) -> Condition:
    attribute, kind, value = found["attribute"], found["kind"], found["value"]
    if kind == ":=":
        return _extensible(found)
    if attribute is None or found["rule"] or found["dn"]:
        raise ValueError(found[0])
    name = octets(attribute)
    if kind == "=" and value == "*":
        return lambda _: octets(attribute, 0x87)
    if kind == "=" and "*" in value:
        pieces = [(number, _value(piece)) for number, piece in enumerate(value.split("*")) if piece]
        last = value.count("*")
        tags = {0: 0x80, last: 0x82}
        return lambda card: tlv(
            0xA4, name, tlv(0x30, *(octets(piece(card), tags.get(number, 0x81)) for number, piece in pieces))
        )
    put = _value(value)
    return lambda card: tlv(_COMPARISONS[kind], name, octets(put(card)))


def _extensible(found: re.Match[str]) -> Condition:
    """As in Active Directory: `userAccountControl:1.2.840.113556.1.4.803:=2`."""
    attribute, rule = found["attribute"], found["rule"]
    if attribute is None and rule is None:
        raise ValueError(found[0])
    before = (octets(rule, 0x81) if rule else b"") + (octets(attribute, 0x82) if attribute else b"")
    after = tlv(0x84, b"\xff") if found["dn"] else b""
    put = _value(found["value"])
    return lambda card: tlv(0xA9, before, octets(put(card), 0x83), after)


def _value(text: str) -> Callable[[str], bytes]:
    pieces = [_unescaped(piece) for piece in text.split(_CARD)]
    return lambda card: card.encode().join(pieces)


def _unescaped(text: str) -> bytes:
    if "\\" in _ESCAPE.sub("", text) or "*" in text:
        raise ValueError(text)
    parts = _ESCAPE.split(text)  # text and escaped octets, in turns
    return b"".join(part.encode() if number % 2 == 0 else bytes.fromhex(part) for number, part in enumerate(parts))
