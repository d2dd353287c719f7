"""What the demonstration leaves in `var/`: demo.json for people and tests, pocket.json for the access point."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hotspot.settings import Port, Settings, SettingsError

ADMINISTRATOR = "admin@val-de-loue.example"
LIBRARIAN = "bibliotheque@val-de-loue.example"
CARD, EXPIRED_CARD, BLOCKED_CARD = "20261001", "20231002", "20261003"
READER, YOUNG_READER, OWING_READER = "30261001", "30261002", "30261003"
"""Cards of the library whose own system is asked, over SIP2."""
HOST_DOMAIN = "val-de-loue.example"
"""Whose mail addresses may be named as hosts."""
INTERIM_SECONDS = 10
"""The pocket access point reports so often, so that the staff page is seen to grow."""

_DATABASE_AND_REDIS = (
    "parvis.sqlite3",
    "parvis.sqlite3-wal",
    "parvis.sqlite3-shm",
    "redis.rdb",
    "redis.sock",
    "redis.log",
)


class DemoPorts(BaseSettings):
    """What only the demonstration listens on."""

    model_config = SettingsConfigDict(env_prefix="PARVIS_", frozen=True)

    access_point_port: Port = 3990
    library_port: Port = 6001
    coa_port: Port = 3799
    mailbox_port: Port = 3991
    mailbox_smtp_port: Port = 3992


@dataclass(frozen=True)
class Logins:
    """What a person who tries the demonstration types. In clear only in demo.json."""

    staff_email: str
    staff_password: str
    card: str
    pin: str


@dataclass(frozen=True)
class Secrets:
    """What the access point shares with us."""

    radius: str
    redirect: str


@dataclass(frozen=True)
class Demo:
    """One demonstration: its settings, and the files that tell of it."""

    settings: Settings
    ports: DemoPorts

    @property
    def access_point_url(self) -> str:
        return f"http://localhost:{self.ports.access_point_port}"

    @property
    def mailbox_url(self) -> str:
        return f"http://localhost:{self.ports.mailbox_port}"

    @property
    def file(self) -> Path:
        return self.settings.var_dir / "demo.json"

    @property
    def unfinished(self) -> Path:
        """Written before the town is loaded: a start that is cut short forgets no password."""
        return self.settings.var_dir / "demo.json.new"

    @property
    def pocket_file(self) -> Path:
        return self.settings.var_dir / "pocket.json"

    @property
    def library_file(self) -> Path:
        return self.settings.var_dir / "library.json"

    def exists(self) -> bool:
        return self.file.exists() or self.unfinished.exists()

    def read(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return kept

    def former_logins(self) -> Logins | None:
        """Those of the last start, so that they stay the same; None on the first."""
        for path in (self.file, self.unfinished):
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                staff, patron = kept["staff"], kept["patron"]
                return Logins(staff["email"], staff["password"], patron["card"], patron["pin"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None

    def keep_logins(self, logins: Logins) -> None:
        _write_secret(self.unfinished, _as_json(logins))

    def write(self, logins: Logins, secrets: Secrets, voucher: str) -> None:
        settings = self.settings
        radius = {
            "host": settings.radius_host,
            "auth_port": settings.radius_auth_port,
            "acct_port": settings.radius_acct_port,
            "coa_port": self.ports.coa_port,
            "secret": secrets.radius,
        }
        addresses = {
            "portal_url": settings.public_portal,
            "staff_url": settings.public_staff,
            "access_point_url": self.access_point_url,
            "mailbox_url": self.mailbox_url,
        }
        _write_secret(self.unfinished, addresses | {"radius": radius} | _as_json(logins) | {"voucher": voucher})
        self.unfinished.replace(self.file)

    def write_pocket(self, secrets: Secrets, nas_identifier: str, ssid: str, called_stations: dict[str, str]) -> None:
        """`simulator.config.PocketConfig`, as an administrator would set up a real one."""
        settings = self.settings
        places = [{"name": name, "called_station_id": called, "ssid": ssid} for name, called in called_stations.items()]
        config = {
            "portal_url": f"{settings.public_portal}/hotspot",
            "secret": secrets.radius,
            "uamsecret": secrets.redirect,
            "nas_identifier": nas_identifier,
            "places": places,
            "port": self.ports.access_point_port,
            "macauth": True,
            "radius_host": settings.radius_host,
            "auth_port": settings.radius_auth_port,
            "acct_port": settings.radius_acct_port,
            "coa_port": self.ports.coa_port,
            "interim_every": INTERIM_SECONDS if settings.time_epoch is None else 0,
            "time_speed": settings.time_speed,
            "time_epoch": settings.time_epoch.timestamp() if settings.time_epoch else 0.0,
        }
        _write_secret(self.pocket_file, config)

    def write_library(self, account: tuple[str, str], pin: str, year: int) -> None:
        """What the library's own system knows: the file of `simulator.library`."""
        common = {"pin": pin, "home_library": "TANNEURS", "expires_on": f"{year + 1}-12-31"}
        readers = [
            common | {"card": READER, "name": "Jeanne Petit", "category": "ADULTE", "born_on": "1984-05-12"},
            common | {"card": YOUNG_READER, "name": "Noé Petit", "category": "JEUNE", "born_on": f"{year - 10}-02-03"},
            common
            | {"card": OWING_READER, "name": "Ali Benali", "category": "ADULTE", "blocks": ["owes"], "owes": "12.50"},
        ]
        user, password = account
        library = {"institution": "VDL", "name": "Bibliothèque des Tanneurs", "user": user, "password": password}
        _write_secret(self.library_file, library | {"readers": readers})

    def remove(self) -> None:
        """All that a demonstration has made in its folder; nothing that it has not."""
        own = [self.file, self.unfinished, self.pocket_file, self.library_file, self.settings.var_dir / "secret.key"]
        for path in [*(self.settings.var_dir / name for name in _DATABASE_AND_REDIS), *own]:
            path.unlink(missing_ok=True)


def read_ports() -> DemoPorts:
    try:
        return DemoPorts()
    except ValidationError as error:
        lines = [f"PARVIS_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def _as_json(logins: Logins) -> dict[str, Any]:
    return {
        "staff": {"email": logins.staff_email, "password": logins.staff_password},
        "patron": {"card": logins.card, "pin": logins.pin},
        "reader": {"card": READER, "pin": logins.pin},
    }


def _write_secret(path: Path, content: dict[str, Any]) -> None:
    """For this user alone, from the first octet on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
