"""Fields that the settings of several systems have, and what is checked about them."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl
from pydantic.config import JsonDict

from hotspot.adapters.wire import is_loopback, trust
from hotspot.message_ids import mark

BAD_CERTIFICATE = mark("This is not a certificate in PEM form.")


def _is_pem(value: str) -> str:
    try:
        trust(value)
    except ValueError as error:
        raise ValueError(BAD_CERTIFICATE) from error
    return value.strip()


LINES: JsonDict = {"lines": 6}
"""For `json_schema_extra`: the form shows a box of several lines."""

CertificateText = Annotated[
    str,
    Field(
        title=mark("Certificate of its authority (PEM)"),
        description=mark(
            "Only if its certificate comes from an authority of your own: the text from “BEGIN CERTIFICATE” on."
        ),
        json_schema_extra=LINES,
        max_length=100_000,
    ),
    AfterValidator(_is_pem),
]
Unencrypted = Annotated[
    bool,
    Field(
        title=mark("Ask it without encryption"),
        description=mark(
            "Dangerous: whoever is on the way reads card numbers and PINs. Only within one machine or a tunnel."
        ),
    ),
]


def check_address(scheme: str, host: str, has_name: bool, unencrypted: bool) -> None:
    """ValueError with a message id. `has_name`: the address itself holds a name and a password."""
    if has_name:
        raise ValueError(mark("Enter name and password in their own fields, not in the address."))
    if scheme != "https" and not unencrypted and not is_loopback(host):
        raise ValueError(mark("The address must begin with https, unless you choose to ask it without encryption."))


def check_http_url(address: HttpUrl, unencrypted: bool) -> None:
    has_name = address.username is not None or address.password is not None
    check_address(address.scheme, address.host or "", has_name, unencrypted)
