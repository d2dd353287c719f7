"""Settings, read once at the start and passed on. Nothing else reads the environment.

Each comes from `PARVIS_<NAME>`, else from the TOML file that `PARVIS_CONFIG` names, else from the default here.
What holds a secret may come from a file: `PARVIS_SECRET_KEY_FILE`, `PARVIS_DATABASE_URL_FILE`, `PARVIS_REDIS_URL_FILE`,
`PARVIS_MAIL_PASSWORD_FILE`, `PARVIS_SMS_KEY_FILE`, `PARVIS_SMS_SECRET_FILE`, `PARVIS_SMS_HEADERS_FILE`.
A length of time is a number of seconds, `HH:MM:SS`, or as ISO 8601 writes it (`PT2H`). A bad value stops the start and
is named.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    HttpUrl,
    PlainSerializer,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[HttpUrl, PlainSerializer(str)]
Length = Annotated[
    timedelta,
    Field(gt=timedelta(0)),
    BeforeValidator(lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value),
]
_MAIL_ADDRESS = re.compile(r"[^@\s,<>]{1,64}@[^@\s,<>]{1,189}")
_IN_FILES = ("secret_key", "database_url", "redis_url", "mail_password", "sms_key", "sms_secret", "sms_headers")
"""What may hold a secret."""


class SettingsError(Exception):
    """The settings cannot be used; the message names each one and why."""


class Settings(BaseSettings):
    """Everything that differs from one installation to the next."""

    model_config = SettingsConfigDict(env_prefix="PARVIS_", frozen=True, extra="forbid")

    var_dir: Path = Path("var")
    """Where the embedded database, Redis's socket and the generated key live."""
    database_url: str | None = Field(default=None, repr=False)
    """SQLAlchemy address; none means SQLite in `var_dir`."""
    redis_url: str | None = Field(default=None, repr=False)
    """`redis://…` or `unix://…`; none means the embedded Redis in `var_dir`."""
    secret_key: SecretStr = Field(min_length=32)
    """At least 32 characters. Tokens, stored secrets and voucher look-ups are keyed from it: losing it loses them."""

    listen_host: str = "127.0.0.1"
    portal_port: Port = 8080
    staff_port: Port = 8081
    radius_host: str = "127.0.0.1"
    radius_auth_port: Port = 1812
    radius_acct_port: Port = 1813
    radsec_port: Port = 2083
    """TCP. RadSec is on when the three files that follow are given."""
    radsec_certificate: Path | None = None
    """PEM: the server's certificate, with those between it and its authority."""
    radsec_key: Path | None = None
    radsec_ca: Annotated[Path | None, Field(validate_default=True)] = None
    """PEM: the authority that signs the certificates of NASes, and of nobody else."""
    radius_status_port: Port = 8082
    """HTTP: /healthz and /metrics of the radius process; of each further one ten ports higher."""
    radius_processes: Annotated[int, Field(ge=1, le=16)] = 1
    """They share the ports: the kernel keeps each access point with one of them."""
    worker_status_port: Port = 8083
    portal_url: Address = HttpUrl("http://localhost:8080")
    """The portal's address as citizens and access points see it."""
    staff_url: Address = HttpUrl("http://localhost:8081")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Reverse proxies whose X-Forwarded-For and -Proto are believed. In the environment separated by commas."""
    web_threads: Annotated[int, Field(ge=1, le=256)] = 8

    default_language: Literal["fr", "en"] = "fr"
    library_patience: Annotated[Length, Field(le=timedelta(seconds=10))] = timedelta(seconds=1.2)
    """How long a library's own system is waited for; the sign-in is answered a moment later, whatever it says. RADIUS
    waits a little less, since access points do."""
    one_time_login_life: Length = timedelta(seconds=120)
    arrival_life: Length = timedelta(minutes=30)
    """How long a page left open may still be sent; the access point's challenge is renewed if it is older."""
    longest_session: Annotated[Length, Field(ge=timedelta(minutes=1))] = timedelta(hours=12)
    """The most that one Access-Accept ever gives, whatever the grant."""
    idle_timeout: Length = timedelta(minutes=15)
    interim_interval: Length = timedelta(seconds=300)
    stale_after: Length = timedelta(minutes=15)
    """A Wi-Fi session without news for so long is closed as silent."""
    connection_data_life: Annotated[Length, Field(ge=timedelta(days=1))] = timedelta(days=365)
    """How long connection data are kept. France: one year (CPCE L34-1); elsewhere the law may say otherwise."""
    mail_host: str | None = None
    """The SMTP server that mails go out through; none means that nobody is mailed."""
    mail_port: Port = 587
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_user: str = ""
    mail_password: SecretStr = SecretStr("")
    mail_from: Annotated[str, Field(validate_default=True)] = ""
    """The sender. Needed once there is a server."""
    alerts_to: Annotated[tuple[str, ...], NoDecode] = ()
    """Who is told of alarms, in place of each organisation's administrators. In the environment separated by commas."""
    sms_provider: Annotated[
        Literal["ovhcloud", "smsmode", "smsfactor", "brevo", "http"] | None, Field(validate_default=True)
    ] = None
    """Who sends text messages; `http`: as the settings below describe. None: no text message is sent."""
    sms_sender: Annotated[str, Field(pattern=r"^([A-Za-z0-9 ]{3,11})?$")] = ""
    """The name that telephones show."""
    sms_account: str = ""
    """OVHcloud: the name of the SMS service."""
    sms_key: SecretStr = SecretStr("")
    """Key or token; OVHcloud: application key and consumer key, with a colon between them."""
    sms_secret: SecretStr = SecretStr("")
    """OVHcloud: the application's secret."""
    sms_url: SecretStr | None = None
    """`http` only, as all that follow up to `sms_answer_is`."""
    sms_method: Literal["POST", "PUT", "GET"] = "POST"
    sms_headers: SecretStr = SecretStr("")
    """`Name: value`, one on each line."""
    sms_body_kind: Literal["json", "form", "none"] = "json"
    sms_body: Annotated[SecretStr, Field(validate_default=True)] = SecretStr("")
    """A template: {to} {digits} {text} {ref} {sender} {key} {secret} {account}."""
    sms_statuses: Annotated[tuple[Annotated[int, Field(ge=200, le=299)], ...], NoDecode] = (200, 201, 202)
    """HTTP statuses of an answer that says yes. In the environment separated by commas."""
    sms_answer_path: str = ""
    """Where in the answer's JSON to look: names and numbers, separated by dots."""
    sms_answer_is: str = ""
    """What must stand there; empty: anything but nothing, null, false and 0."""
    sms_countries: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...], NoDecode] = (
        *("FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "NC", "PF", "WF"),
        "EU",
    )
    """Countries (ISO 3166) to whose numbers we send; EU stands for its members. In the environment with commas."""
    sms_per_site: Annotated[int, Field(ge=0)] = 200
    """Text messages of one site, at most, within a day."""
    sms_per_day: Annotated[int, Field(ge=0)] = 500
    """Of the whole installation: what a fraud can cost."""
    log_format: Literal["json", "console"] = "json"
    time_speed: Annotated[float, Field(ge=1, le=120)] = 1.0
    """How much faster time passes: of a demonstration on this machine only (`parvis demo --speed`)."""
    time_epoch: Annotated[AwareDatetime | None, Field(validate_default=True)] = None
    """When its time began to pass faster; the same for all of its processes."""

    @field_validator("database_url")
    @classmethod
    def _with_our_driver(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("sqlite:", "postgresql+psycopg:")):
            return value
        if value.startswith(("postgresql:", "postgres:")):
            return "postgresql+psycopg:" + value.split(":", 1)[1]
        raise ValueError("must start with postgresql: or sqlite:")

    @field_validator("radsec_ca")
    @classmethod
    def _all_or_none(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        given = [each is not None for each in (info.data.get("radsec_certificate"), info.data.get("radsec_key"), value)]
        if any(given) and not all(given):
            raise ValueError("radsec_certificate, radsec_key and radsec_ca go together")
        return value

    @field_validator("mail_from")
    @classmethod
    def _a_sender(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("mail_host") and not _MAIL_ADDRESS.fullmatch(value):
            raise ValueError("must be a mail address, since PARVIS_MAIL_HOST is set")
        return value

    @field_validator("alerts_to")
    @classmethod
    def _mail_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _MAIL_ADDRESS.fullmatch(each):
                raise ValueError(f"{each} is not a mail address")
        return value

    @field_validator("sms_body")
    @classmethod
    def _a_described_provider(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        """The last of those that describe one."""
        if info.data.get("sms_provider") != "http":
            return value
        url = info.data.get("sms_url")
        if url is None or not re.match(r"https?://[^/\s]", url.get_secret_value()):
            raise ValueError("PARVIS_SMS_URL must be given with PARVIS_SMS_PROVIDER=http, and begin with http")
        if info.data.get("sms_body_kind") == "json":
            try:
                json.loads(value.get_secret_value())
            except ValueError:
                raise ValueError("must be JSON; a place such as {text} stands in quotes") from None
        headers = info.data["sms_headers"].get_secret_value()
        if any(line.strip() and ":" not in line for line in headers.splitlines()):
            raise ValueError("PARVIS_SMS_HEADERS must have a name, a colon and a value on each line")
        return value

    @field_validator("sms_body")
    @classmethod
    def _a_ready_provider(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        provider = info.data.get("sms_provider")
        if provider is None or provider == "http":
            return value
        needed = ["sms_sender", "sms_key", *(("sms_account", "sms_secret") if provider == "ovhcloud" else ())]
        given = {name: info.data.get(name) for name in needed}
        missing = [
            f"PARVIS_{name.upper()}"
            for name, said in given.items()
            if not (said.get_secret_value() if isinstance(said, SecretStr) else said)
        ]
        if missing:
            raise ValueError(f"{', '.join(missing)} must be given with PARVIS_SMS_PROVIDER={provider}")
        return value

    @field_validator("time_epoch")
    @classmethod
    def _a_demonstration(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if (value is None) != (info.data.get("time_speed", 1.0) == 1.0):
            raise ValueError("PARVIS_TIME_SPEED and PARVIS_TIME_EPOCH go together")
        portal = info.data.get("portal_url")
        if value is not None and (portal is None or portal.host not in ("localhost", "127.0.0.1")):
            raise ValueError("time passes faster in a demonstration on this machine only")
        return value

    @field_validator("trusted_proxies", "alerts_to", "sms_statuses", "sms_countries", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: Any) -> Any:
        return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value

    @property
    def database_address(self) -> str:
        return self.database_url or f"sqlite:///{self.var_dir.resolve() / 'parvis.sqlite3'}"

    @property
    def redis_address(self) -> str:
        return self.redis_url or f"unix://{self.var_dir.resolve() / 'redis.sock'}"

    @property
    def radius_status_ports(self) -> tuple[int, ...]:
        return tuple(self.radius_status_port + 10 * number for number in range(self.radius_processes))

    @property
    def has_radsec(self) -> bool:
        return self.radsec_ca is not None

    @property
    def has_mail(self) -> bool:
        return self.mail_host is not None

    @property
    def has_sms(self) -> bool:
        return self.sms_provider is not None

    @property
    def sms_header_lines(self) -> dict[str, str]:
        lines = [line.partition(":") for line in self.sms_headers.get_secret_value().splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in lines}

    @property
    def public_portal(self) -> str:
        """`portal_url` without a slash at the end, ready to be continued with a path."""
        return str(self.portal_url).rstrip("/")

    @property
    def public_staff(self) -> str:
        return str(self.staff_url).rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic names the arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `load_settings` gathers that."""
        return (init_settings,)


def load_settings(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read the settings, or raise SettingsError with one line for each that is wrong.

    The secret key is looked for last in `var_dir/secret.key`, which `parvis db upgrade` makes on a new machine.
    """
    values = _from_toml(environ) | _from_files(environ) | _from_environ(environ) | overrides
    try:
        key_file = Path(values.get("var_dir", "var")) / "secret.key"
        if "secret_key" not in values and key_file.exists():
            values["secret_key"] = _read("PARVIS_SECRET_KEY", key_file)
        return Settings(**values)
    except ValidationError as error:
        lines = [f"PARVIS_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """A variable that is set to nothing counts as not set."""
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in environ.items() if value}
    return source()


def _from_files(environ: Mapping[str, str]) -> dict[str, Any]:
    named = {field: f"PARVIS_{field.upper()}_FILE" for field in _IN_FILES}
    return {field: _read(name, Path(environ[name])) for field, name in named.items() if environ.get(name)}


def _from_toml(environ: Mapping[str, str]) -> dict[str, Any]:
    if not environ.get("PARVIS_CONFIG"):
        return {}
    try:
        return tomllib.loads(_read("PARVIS_CONFIG", Path(environ["PARVIS_CONFIG"])))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"PARVIS_CONFIG: not TOML: {error}") from error


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: {path} is not text") from error
