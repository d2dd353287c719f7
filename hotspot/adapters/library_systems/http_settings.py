"""What staff enter for a system that is asked by HTTP in a way of its own."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from hotspot.adapters.library_systems import http_template
from hotspot.adapters.library_systems.connection_fields import LINES, CertificateText, Unencrypted, check_address
from hotspot.adapters.library_systems.http_template import BodyKind
from hotspot.adapters.library_systems.json_path import parse_path
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.message_ids import mark

_HEADER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[\x20-\x7e]*)")
"""RFC 9110 section 5.1, with values in ASCII."""
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"})


def _is_address(value: str) -> str:
    value = value.strip()
    if value:
        try:
            http_template.check_address(value)
        except ValueError as error:
            raise ValueError(
                mark("This is not an address: https://…, with {card} and {pin} only after the name of the server.")
            ) from error
    return value


def _is_path(value: str) -> str:
    try:
        parse_path(value)
    except ValueError as error:
        raise ValueError(mark("This is not a place in JSON, such as patron.type")) from error
    return value.strip()


def _are_statuses(value: str) -> str:
    found = value.replace(",", " ").split()
    if not all(re.fullmatch("[245][0-9]{2}", each) for each in found):
        raise ValueError(mark("These are not statuses of HTTP: three digits each, such as 200 204"))
    return " ".join(found)


def _are_headers(value: SecretStr) -> SecretStr:
    headers_of(value)
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(_is_address)]
Statuses = Annotated[str, Field(max_length=100), AfterValidator(_are_statuses)]
JsonPath = Annotated[str, Field(max_length=200), AfterValidator(_is_path)]


class HttpSettings(ConnectionSettings):
    method: Literal["POST", "PUT", "GET"] = Field("POST", title=mark("Method of HTTP"))
    address: Address = Field(
        title=mark("Address to ask"),
        description=mark("{card} and {pin} may stand in it. Better in the body: addresses end up in logs."),
        min_length=1,
    )
    headers: Annotated[SecretStr, AfterValidator(_are_headers)] = Field(
        SecretStr(""),
        title=mark("Headers of HTTP"),
        description=mark("One on each line, such as: X-Api-Key: 123. They are kept encrypted."),
        max_length=4000,
        json_schema_extra=LINES,
    )
    body_kind: BodyKind = Field("json", title=mark("Form of the body"))
    body: str = Field(
        '{"card": "{card}", "pin": "{pin}"}',
        title=mark("Body of the request"),
        description=mark("With {card} and {pin} where they belong. As a form: card={card}&pin={pin}"),
        max_length=4000,
        json_schema_extra=LINES,
    )
    yes_statuses: Statuses = Field(
        "200", title=mark("Statuses that mean yes"), description=mark("Such as: 200 204"), min_length=1
    )
    yes_path: JsonPath = Field(
        "",
        title=mark("Where its answer says yes"),
        description=mark("A place in JSON, such as patron.valid. Nothing: its status says it all."),
    )
    yes_value: str = Field("true", title=mark("What stands there for yes"), max_length=200)
    no_statuses: Statuses = Field(
        "",
        title=mark("Statuses that mean: no such card, or another PIN"),
        description=mark("Such as: 404. Every other status means that the system is out of order."),
    )
    token_address: Address = Field(
        "",
        title=mark("Address for a token (OAuth 2)"),
        description=mark("Only if the system wants a token first (client credentials)."),
    )
    token_account: str = Field("", title=mark("Client ID, or user name"), max_length=200)
    token_secret: SecretStr = Field(SecretStr(""), title=mark("Secret, or password"), max_length=500)
    record_address: Address = Field(
        "",
        title=mark("Address of the reader’s record"),
        description=mark("Only if the answer itself does not hold it: asked with GET after a yes."),
    )
    card_number_path: JsonPath = Field(
        "",
        title=mark("Place of the card number"),
        description=mark("Where it gives the number itself. Nothing: what was typed is the number."),
    )
    category_path: JsonPath = Field("", title=mark("Place of the category"))
    home_library_path: JsonPath = Field("", title=mark("Place of the home library"))
    born_on_path: JsonPath = Field("", title=mark("Place of the date of birth"))
    expires_on_path: JsonPath = Field(
        "", title=mark("Place of the expiry"), description=mark("The last day on which the card is good.")
    )
    blocked_path: JsonPath = Field(
        "",
        title=mark("Place of the block"),
        description=mark("Nothing, 0, no, false or a dash there: not blocked. Anything else: blocked."),
    )
    owes_path: JsonPath = Field("", title=mark("Place of what is owed"))
    ca_pem: CertificateText = ""
    unencrypted: Unencrypted = False

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for address in filter(None, (self.address, self.token_address, self.record_address)):
            parts = urlsplit(address)
            check_address(parts.scheme, parts.hostname or "", "@" in parts.netloc, self.unencrypted)
        if http_template.names_in(self.token_address):
            raise ValueError(mark("The address for a token is the same for every reader."))
        if self.token_address and not (self.token_account and self.token_secret.get_secret_value()):
            raise ValueError(mark("For a token, enter name and secret."))
        if self.sends_body:
            try:
                http_template.check_body(self.body_kind, self.body)
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    mark("The body is not of its form, or {card} or {pin} stands where no value can stand.")
                ) from error
        sent = self.address + (self.body if self.sends_body else "")
        if http_template.names_in(sent) != {"card", "pin"}:
            raise ValueError(mark("Card or PIN is not sent: put {card} and {pin} into the address or the body."))
        if not self.no_statuses and not self.yes_path:
            raise ValueError(mark("Enter how it says no: by a status, or by what stands at a place of its answer."))
        if set(self.no_statuses.split()) & set(self.yes_statuses.split()):
            raise ValueError(mark("The same status cannot mean yes and no."))
        return self

    @property
    def sends_body(self) -> bool:
        return self.method != "GET" and self.body_kind != "none"


def headers_of(value: SecretStr) -> Mapping[str, str]:
    """By name in small letters. ValueError if a line is none, or is one that we set."""
    headers: dict[str, str] = {}
    for line in value.get_secret_value().splitlines():
        if not line.strip():
            continue
        found = _HEADER.fullmatch(line.strip())
        if found is None or found["name"].lower() in _OURS or found["name"].lower() in headers:
            raise ValueError(
                mark("One of the lines is not a header in the form Name: value, or is one that Parvis sets itself")
            )
        headers[found["name"].lower()] = found["value"].strip()
    return headers
