"""What a provider of text messages wants to be asked, as data: method, address, headers, body with places to fill in.

Ready descriptions are in `sms_providers.py`; any other provider is described by the settings. A template's places
({to}, {text}, …) are filled in after it was read as JSON or as a form, so that nothing in a text can become a part of
it. Sending is in `sms_http.py`: only the worker loads an HTTP client.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

PLACES = frozenset(("to", "digits", "text", "ref", "sender", "key", "secret", "account"))
"""{to} is the number with its plus sign, {digits} without; {ref} is the same at every try."""


@dataclass(frozen=True, slots=True)
class TextMessage:
    ref: str
    """The same at every try."""
    recipient: str = field(repr=False)
    """E.164."""
    body: str = field(repr=False)


class BodyKind(StrEnum):
    JSON = "json"
    FORM = "form"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, ready to be sent."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)


Sign = Callable[[str, str, str, Mapping[str, str], int], Mapping[str, str]]
"""(method, address, body, places, seconds since 1970) -> further headers."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider wants to be asked, and how it says yes."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    kind: BodyKind
    statuses: frozenset[int]
    answer_path: str = ""
    """Where in the JSON of the answer to look: names and numbers, separated by dots. Empty: the status is enough."""
    answer_is: str = ""
    """What must stand there; empty: anything but nothing, null, false and 0."""
    sign: Sign | None = None

    def ask(self, message: TextMessage, account: Mapping[str, str], seconds: int) -> Asked:
        """`account`: sender, key, secret, account. `seconds`: since 1970, for a signature."""
        places = {
            **account,
            "to": message.recipient,
            "digits": message.recipient.removeprefix("+"),
            "text": message.body,
            "ref": message.ref,
        }
        url = self.address(places)
        headers = {name: fill(value, places) for name, value in self.headers.items()}
        body = ""
        if self.kind is BodyKind.JSON:
            body = json.dumps(_fill_all(json.loads(self.body), places))
            headers["Content-Type"] = "application/json; charset=utf-8"
        elif self.kind is BodyKind.FORM:
            pairs = parse_qsl(self.body, keep_blank_values=True)
            body = urlencode([(name, fill(value, places)) for name, value in pairs])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.sign is not None:
            headers |= self.sign(self.method, url, body, places, seconds)
        return Asked(self.method, url, headers, body)

    def address(self, places: Mapping[str, str]) -> str:
        return fill(self.url, {name: quote(value, safe="") for name, value in places.items()})

    def says_yes(self, status: int, answer: bytes) -> bool:
        if status not in self.statuses:
            return False
        if not self.answer_path:
            return True
        try:
            found: Any = json.loads(answer)
            for step in self.answer_path.split("."):
                found = found[int(step)] if isinstance(found, list) else found[step]
        except (ValueError, LookupError, TypeError, RecursionError):
            return False
        if self.answer_is:
            return (found if isinstance(found, str) else json.dumps(found)) == self.answer_is
        return bool(found)


def unknown_places(template: str) -> list[str]:
    """What stands in braces, looks like a place, and is none. (JSON's own braces hold quotes.)"""
    found = [part.partition("}")[0] for part in template.split("{")[1:]]
    return [name for name in found if name.isidentifier() and name not in PLACES]


def fill(template: str, places: Mapping[str, str]) -> str:
    """In one go: what was filled in is never looked at again."""
    begin, *rest = template.split("{")
    filled = [begin]
    for part in rest:
        name, brace, after = part.partition("}")
        filled.append(places[name] + after if brace and name in places else "{" + part)
    return "".join(filled)


def _fill_all(template: Any, places: Mapping[str, str]) -> Any:
    match template:
        case dict():
            return {name: _fill_all(value, places) for name, value in template.items()}
        case list():
            return [_fill_all(value, places) for value in template]
        case str():
            return fill(template, places)
    return template
