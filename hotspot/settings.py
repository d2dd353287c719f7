"""Settings, read once at the start and passed on. Nothing else reads the environment.

Each comes from `PARVIS_<NAME>`, else from the TOML file that `PARVIS_CONFIG` names, else from the default here.
A secret may come from a file: `PARVIS_SECRET_KEY_FILE`. A bad value stops the start and is named.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, PlainSerializer, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[HttpUrl, PlainSerializer(str)]


class SettingsError(Exception):
    """The settings cannot be used; the message names each one and why."""


class Settings(BaseSettings):
    """Everything that differs from one installation to the next."""

    model_config = SettingsConfigDict(env_prefix="PARVIS_", frozen=True, extra="forbid")

    var_dir: Path = Path("var")
    """Where the embedded database, Redis's socket and the generated key live."""
    database_url: str | None = None
    """SQLAlchemy address; none means SQLite in `var_dir`."""
    redis_url: str | None = None
    """`redis://…` or `unix://…`; none means the embedded Redis in `var_dir`."""
    secret_key: SecretStr = Field(min_length=32)
    """At least 32 characters. Tokens, stored secrets and voucher look-ups are keyed from it: losing it loses them."""

    listen_host: str = "127.0.0.1"
    portal_port: Port = 8080
    staff_port: Port = 8081
    radius_host: str = "127.0.0.1"
    radius_auth_port: Port = 1812
    radius_acct_port: Port = 1813
    radius_status_port: Port = 8082
    """HTTP: /healthz and /metrics of the radius process."""
    worker_status_port: Port = 8083
    portal_url: Address = HttpUrl("http://localhost:8080")
    """The portal's address as citizens and access points see it."""
    staff_url: Address = HttpUrl("http://localhost:8081")
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Reverse proxies whose X-Forwarded-For and -Proto are believed."""
    web_threads: Annotated[int, Field(ge=1, le=256)] = 8

    default_language: Literal["fr", "en"] = "fr"
    one_time_login_life: timedelta = timedelta(seconds=120)
    arrival_life: timedelta = timedelta(minutes=30)
    """How long a page left open may still be sent; the access point's challenge is renewed if it is older."""
    longest_session: timedelta = timedelta(hours=12)
    """The most that one Access-Accept ever gives, whatever the grant."""
    idle_timeout: timedelta = timedelta(minutes=15)
    interim_interval: timedelta = timedelta(seconds=300)
    stale_after: timedelta = timedelta(minutes=15)
    """A Wi-Fi session without news for so long is closed as silent."""
    log_format: Literal["json", "console"] = "json"

    @field_validator("database_url")
    @classmethod
    def _with_our_driver(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("sqlite:", "postgresql+psycopg:")):
            return value
        if value.startswith(("postgresql:", "postgres:")):
            return "postgresql+psycopg:" + value.split(":", 1)[1]
        raise ValueError("must start with postgresql: or sqlite:")

    @property
    def database_address(self) -> str:
        return self.database_url or f"sqlite:///{self.var_dir.resolve() / 'parvis.sqlite3'}"

    @property
    def redis_address(self) -> str:
        return self.redis_url or f"unix://{self.var_dir.resolve() / 'redis.sock'}"

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
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names the arguments
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        config = os.environ.get("PARVIS_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(config)),) if config else ()
        return (init_settings, env_settings, *toml)


def load_settings(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read the settings, or raise SettingsError with one line for each that is wrong.

    The secret key is looked for in `PARVIS_SECRET_KEY`, in the file that `PARVIS_SECRET_KEY_FILE` names, and last in
    `var_dir/secret.key`, which `parvis db upgrade` makes on a new machine.
    """
    named = environ.get("PARVIS_SECRET_KEY_FILE")
    if "secret_key" not in overrides and "PARVIS_SECRET_KEY" not in environ:
        default = Path(overrides.get("var_dir") or environ.get("PARVIS_VAR_DIR", "var")) / "secret.key"
        key_file = Path(named) if named else default
        if named or key_file.exists():
            try:
                overrides["secret_key"] = key_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"PARVIS_SECRET_KEY_FILE: cannot read {key_file}: {error.strerror}") from error
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"PARVIS_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(lines)) from error
