"""Where card and PIN stand in a request: `{card}` and `{pin}`, each put in with what its place needs, so that no card
number can say anything but itself. Both at once: a card number `{pin}` stays one."""

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from hotspot.adapters.library_systems.xml_answer import check_xml

_PLACE = re.compile(r"\{(card|pin)\}")

BodyKind = Literal["json", "form", "xml", "none"]
CONTENT_TYPES: Mapping[BodyKind, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
}


def names_in(text: str) -> frozenset[str]:
    return frozenset(_PLACE.findall(text))


def fill_address(template: str, card_number: str, pin: str) -> str | None:
    """None if a part of the path would be `.` or `..`: it would lead elsewhere."""
    filled = _fill(template, card_number, pin, lambda value: quote(value, safe=""))
    parts = urlsplit(filled).path.split("/")
    return None if any(unquote(part) in (".", "..") for part in parts) else filled


def check_address(template: str) -> None:
    """ValueError if it is no address, or its places stand where they may not."""
    parts = urlsplit(template)
    braces = "{" in _PLACE.sub("", template) or "}" in _PLACE.sub("", template)
    if braces or parts.fragment or not parts.hostname or names_in(parts.netloc + parts.scheme):
        raise ValueError(template)
    _ = parts.port  # ValueError if it is none
    if any(unquote(part) in (".", "..") for part in parts.path.split("/")) or not template.isprintable():
        raise ValueError(template)


def fill_body(kind: BodyKind, template: str, card_number: str, pin: str) -> bytes | None:
    """ValueError if the template is not of its kind."""
    match kind:
        case "json":
            return json.dumps(_fill_json(json.loads(template), card_number, pin)).encode()
        case "form":
            pairs = parse_qsl(template, keep_blank_values=True, strict_parsing=True)
            return urlencode([(name, _fill(value, card_number, pin)) for name, value in pairs]).encode()
        case "xml":
            check_xml(template)
            return _fill(template, card_number, pin, escape).encode()
        case "none":
            return None


def check_body(kind: BodyKind, template: str) -> None:
    """ValueError too if a place is one where nothing can be put: a name, in place of a value."""
    hostile = "\"'<>&;{}\\%+="
    filled = fill_body(kind, template, hostile, hostile)
    if kind == "xml" and filled is not None:
        check_xml(filled.decode())
    if kind in ("json", "form") and _places_in_values(kind, template) != len(_PLACE.findall(template)):
        raise ValueError(template)


def _places_in_values(kind: BodyKind, template: str) -> int:
    def count(given: Any) -> int:
        match given:
            case str():
                return len(_PLACE.findall(given))
            case dict():
                return sum(map(count, given.values()))
            case list():
                return sum(map(count, given))
        return 0

    return count([value for _, value in parse_qsl(template)] if kind == "form" else json.loads(template))


def _fill_json(given: Any, card_number: str, pin: str) -> Any:
    match given:
        case str():
            return _fill(given, card_number, pin)
        case dict():
            return {name: _fill_json(value, card_number, pin) for name, value in given.items()}
        case list():
            return [_fill_json(value, card_number, pin) for value in given]
    return given


def _fill(template: str, card_number: str, pin: str, encode: Callable[[str], str] = str) -> str:
    values = {"card": encode(card_number), "pin": encode(pin)}
    return _PLACE.sub(lambda place: values[place[1]], template)
