"""What an administrator enters for a library that is asked over SIP2."""

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.config import JsonDict

from hotspot.adapters.library_systems.connection_fields import CertificateText
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.adapters.library_systems.sip2_messages import Dialect, Encoding, can_be_sent
from hotspot.message_ids import mark as _

_FLAG = r"(?:[1-9]|1[0-4])"
_CAUSE = rf"{_FLAG}(?:\+{_FLAG})*"
_FLAGS = re.compile(rf"(?:{_CAUSE}(?:,{_CAUSE})*)?")
_TAGS = re.compile(r"(?:[A-Z][A-Z0-9](?:,[A-Z][A-Z0-9])*)?")

BAD_HOST = _("Only a name or an IP address, without https:// and without the port.")
BAD_VALUE = _("SIP2 cannot carry “|”, line breaks, or more than 255 characters.")
BAD_LETTERS = _(
    "The character set that was chosen has no sign for a letter of the account, the codes or the passwords."
)
BAD_FLAGS = _("Numbers from 1 to 14, separated by commas, or joined by + where all of them must be set: 5, 1+2+3+4.")
BAD_TAGS = _("Names of SIP2 fields, two letters or a letter and a digit, separated by commas: PA, BW.")
NEEDS_USER = _("Enter the name and the password of our account, or choose that none is needed.")
LOGIN_LABELS: JsonDict = {
    "message": _("By a login message (the usual way)"),
    "telnet": _("By telnet: the server asks for name and password"),
    "none": _("No account: the server knows us by our address"),
}
INQUIRY_LABELS: JsonDict = {
    "auto": _("What the server offers"),
    "information": _("Patron information (63)"),
    "status": _("Patron status (23)"),
}
ENCODING_LABELS: JsonDict = {
    "auto": _("UTF-8; if that cannot be, Latin-1"),
    "utf-8": _("UTF-8 only"),
    "latin-1": _("Latin-1 only (ISO 8859-1)"),
    "cp850": _("Code page 850 (as in the printed standard)"),
}
DATE_LABELS: JsonDict = {
    "ymd": _("Year, month, day: 20260331 or 2026-03-31"),
    "dmy": _("Day, month, year: 31/03/2026"),
    "mdy": _("Month, day, year: 03/31/2026"),
}


class Sip2Settings(ConnectionSettings):
    """`labels` in a field's extra: the message id for each choice."""

    host: str = Field(title=_("SIP2 server"), description=_("Name or IP address, as seen from this machine."))
    port: int = Field(6001, ge=1, le=65535, title=_("SIP2 port"), description=_("Often 6001; 8023 for Koha by telnet."))
    tls: bool = Field(
        False,
        title=_("The connection is encrypted (TLS)"),
        description=_(
            "Without it card numbers and PINs travel in clear: then the way to the server must be a VPN, a tunnel "
            "(stunnel, SSH) or a network of your own."
        ),
    )
    tls_ca: CertificateText = ""
    tls_name: str = Field(
        "",
        title=_("Name in the certificate"),
        description=_("Only if it differs from the name of the SIP2 server above."),
    )
    login: Literal["message", "telnet", "none"] = Field(
        "message", title=_("How we sign in to the SIP2 server"), json_schema_extra={"labels": LOGIN_LABELS}
    )
    user: str = Field("", title=_("Name of our SIP2 account"))
    password: SecretStr = Field(SecretStr(""), title=_("Password of our SIP2 account"))
    location: str = Field(
        "", title=_("Location code (CP)"), description=_("Empty unless the vendor gives one for this account.")
    )
    institution: str = Field(
        "",
        title=_("Institution code (AO)"),
        description=_("Exactly as the vendor writes it: some servers do not answer at all if it is wrong."),
    )
    terminal_password: SecretStr = Field(
        SecretStr(""), title=_("Terminal password (AC)"), description=_("Empty unless the vendor asks for one.")
    )
    card_only: bool = Field(
        False,
        title=_("The card number alone is enough, without a PIN"),
        description=_(
            "Dangerous: whoever reads or guesses a card number gets in under the name of its reader. Only where "
            "readers have no PIN at all."
        ),
    )
    inquiry: Literal["auto", "information", "status"] = Field(
        "auto",
        title=_("How a card is asked about"),
        description=_("Patron status (23) tells less: as a rule neither category nor dates."),
        json_schema_extra={"labels": INQUIRY_LABELS},
    )
    item_range: bool = Field(
        False,
        title=_("Send the fields BP and BQ, empty"),
        description=_("Only for servers that refuse patron information (63) without them."),
    )
    end_session: bool = Field(
        True,
        title=_("Say that we are done with a card (35)"),
        description=_("Done only if the server offers it."),
    )
    error_detection: bool = Field(
        True,
        title=_("Numbers and checksums (AY, AZ)"),
        description=_(
            "Off only if the vendor says so: damaged answers are then not noticed, and each card needs a connection "
            "of its own."
        ),
    )
    crlf: bool = Field(
        False,
        title=_("End messages with CR LF"),
        description=_("Off unless the vendor asks for it: the standard has CR alone."),
    )
    encoding: Encoding = Field("auto", title=_("Letters with accents"), json_schema_extra={"labels": ENCODING_LABELS})
    connections: int = Field(
        2,
        ge=1,
        le=50,
        title=_("Connections at once"),
        description=_(
            "For each process of the portal and of RADIUS. Ask the vendor how many sessions the account may have, and "
            "stay below."
        ),
    )
    idle_seconds: int = Field(
        30,
        ge=1,
        le=3600,
        title=_("Seconds until an unused connection is closed"),
        description=_("Fewer than the server allows, often 60."),
    )
    category_field: str = Field(
        "PC", title=_("Field with the category of the reader"), description=_("Empty: it is not read.")
    )
    birth_field: str = Field(
        "PB", title=_("Field with the date of birth"), description=_("Empty, where no rule asks for the age.")
    )
    expiry_field: str = Field(
        "PA,BW",
        title=_("Field with the date until which the card is good"),
        description=_("Several, separated by commas: the first that is filled in counts."),
    )
    home_library_field: str = Field(
        "AQ", title=_("Field with the library of the reader"), description=_("Vendors differ: ask for it.")
    )
    date_form: Literal["ymd", "dmy", "mdy"] = Field(
        "ymd", title=_("How dates are written in these fields"), json_schema_extra={"labels": DATE_LABELS}
    )
    lost_flags: str = Field(
        "5", title=_("Flags of a lost card"), description=_("Positions in the patron status, 1 to 14.")
    )
    overdue_flags: str = Field("7,13", title=_("Flags of loans that are overdue"))
    owes_flags: str = Field("11,12,14", title=_("Flags of unpaid fines or fees"))
    blocked_flags: str = Field(
        "1+2+3+4",
        title=_("Flags of a card that is blocked"),
        description=_(
            "Looked at only if the card is neither lost, overdue, in debt nor expired: some servers, Koha among them, "
            "set the flags 1 to 4 for each of these too. Flag 1 alone often only means that no more can be borrowed."
        ),
    )

    @field_validator("host", "tls_name")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        value = value.strip()
        if not re.fullmatch(r"[\w.:%-]{0,253}", value):
            raise ValueError(BAD_HOST)
        return value

    @field_validator("user", "location", "institution")
    @classmethod
    def _can_be_sent(cls, value: str) -> str:
        return _sendable(value.strip())

    @field_validator("password", "terminal_password")
    @classmethod
    def _secret_can_be_sent(cls, value: SecretStr) -> SecretStr:
        _sendable(value.get_secret_value())
        return value

    @field_validator("category_field", "birth_field", "expiry_field", "home_library_field")
    @classmethod
    def _are_tags(cls, value: str) -> str:
        value = value.replace(" ", "").upper()
        if not _TAGS.fullmatch(value):
            raise ValueError(BAD_TAGS)
        return value

    @field_validator("lost_flags", "overdue_flags", "owes_flags", "blocked_flags")
    @classmethod
    def _are_flags(cls, value: str) -> str:
        value = value.replace(" ", "")
        if not _FLAGS.fullmatch(value):
            raise ValueError(BAD_FLAGS)
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.host:
            raise ValueError(BAD_HOST)
        if self.login != "none" and not (self.user and self.password.get_secret_value()):
            raise ValueError(NEEDS_USER)
        secrets = self.password.get_secret_value(), self.terminal_password.get_secret_value()
        if not all(can_be_sent(each, self.dialect) for each in (self.user, self.location, self.institution, *secrets)):
            raise ValueError(BAD_LETTERS)
        return self

    @property
    def dialect(self) -> Dialect:
        return Dialect(
            institution=self.institution,
            terminal_password=self.terminal_password.get_secret_value(),
            encoding=self.encoding,
            error_detection=self.error_detection,
            crlf=self.crlf,
            item_range=self.item_range,
        )


def _sendable(value: str) -> str:
    if not can_be_sent(value, Dialect()):
        raise ValueError(BAD_VALUE)
    return value
