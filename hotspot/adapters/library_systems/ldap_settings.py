"""What staff enter for a directory."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from hotspot.adapters.library_systems.connection_fields import CertificateText, Unencrypted
from hotspot.adapters.library_systems.ldap_filter import parse_filter
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.adapters.wire import is_loopback
from hotspot.message_ids import mark


def servers_of(text: str, usual_port: int) -> tuple[tuple[str, int], ...]:
    """ValueError if one of them is none: `name`, `name:port`, `[::1]:port`, with blanks or commas between them."""
    servers = []
    for each in text.replace(",", " ").split():
        parts = urlsplit(f"//{each}")
        if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username is not None:
            raise ValueError(each)
        servers.append((parts.hostname, parts.port or usual_port))
    return tuple(servers)


def _are_servers(value: str) -> str:
    try:
        servers = servers_of(value, 636)
    except ValueError as error:
        raise ValueError(mark("One of these is not a server: name, or name:port")) from error
    if not 1 <= len(servers) <= 8:
        raise ValueError(mark("Enter at least one server, and at most eight."))
    return " ".join(value.replace(",", " ").split())


def _is_filter(value: str) -> str:
    try:
        parse_filter(value)
    except ValueError as error:
        raise ValueError(mark("This is not a filter of LDAP with {card} in it, such as (uid={card})")) from error
    return value.strip()


Attribute = Annotated[str, Field(max_length=100, pattern=r"^([A-Za-z0-9][A-Za-z0-9.;-]*)?$")]


class LdapSettings(ConnectionSettings):
    servers: Annotated[str, Field(max_length=1000), AfterValidator(_are_servers)] = Field(
        title=mark("Servers of the directory"),
        description=mark("Tried in this order: ldap1.example.org ldap2.example.org:1636"),
    )
    security: Literal["ldaps", "starttls", "none"] = Field("ldaps", title=mark("Encryption of the directory"))
    ca_pem: CertificateText = ""
    unencrypted: Unencrypted = False
    account: str = Field(
        "",
        title=mark("Account that may search (DN)"),
        description=mark("Active Directory takes name@domain too. Nothing: it is searched without signing in."),
        max_length=500,
    )
    account_password: SecretStr = Field(SecretStr(""), title=mark("Its password"), max_length=500)
    base: str = Field(title=mark("Where readers are (DN)"), description="ou=readers,dc=example,dc=org", max_length=500)
    filter: Annotated[str, Field(max_length=1000), AfterValidator(_is_filter)] = Field(
        "(uid={card})",
        title=mark("Filter of the search"),
        description=mark(
            "What finds one reader by what was typed. Active Directory: (&(objectClass=user)(sAMAccountName={card}))"
        ),
    )
    card_number_attribute: Attribute = Field(
        "",
        title=mark("Attribute of the card number"),
        description=mark("Nothing: what was typed is the number."),
    )
    category_attribute: Attribute = Field("", title=mark("Attribute of the category"))
    home_library_attribute: Attribute = Field("", title=mark("Attribute of the home library"))
    born_on_attribute: Attribute = Field("", title=mark("Attribute of the date of birth"))
    expires_on_attribute: Attribute = Field(
        "",
        title=mark("Attribute of the expiry"),
        description=mark("accountExpires (Active Directory), shadowExpire, or one that holds a date."),
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        is_local = all(is_loopback(host) for host, _ in self.addresses)
        if self.security == "none" and not self.unencrypted and not is_local:
            raise ValueError(mark("Choose an encryption, unless you choose to ask it without."))
        if self.account and not self.account_password.get_secret_value():
            raise ValueError(mark("The account that searches needs its password."))
        return self

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        return servers_of(self.servers, 636 if self.security == "ldaps" else 389)
