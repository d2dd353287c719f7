"""How one pocket access point is set up: what an administrator would type on a real one, and a few demo controls."""

import json
import time
from dataclasses import dataclass
from pathlib import Path


class ConfigError(ValueError):
    """The configuration cannot be used; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the phone can stand: an access point with its own name and Called-Station-Id."""

    name: str
    called_station_id: str
    """CoovaChilli: its MAC, `AA-BB-..`. MikroTik: the hotspot server's name."""
    ssid: str = ""


@dataclass(frozen=True, slots=True)
class PocketConfig:
    portal_url: str
    """The whole address that browsers are sent to: `http://localhost:8080/hotspot`."""
    secret: str
    nas_identifier: str
    places: tuple[Place, ...]
    brand: str = "coovachilli"
    """`coovachilli` or `mikrotik`."""
    host: str = "127.0.0.1"
    port: int = 3990
    uam_host: str = "localhost"
    """The host of the login address, as browsers must write it: cookies belong to one host."""
    radius_host: str = "127.0.0.1"
    auth_port: int = 1812
    acct_port: int = 1813
    coa_port: int = 3799
    """0 takes any free one."""
    source_address: str = "127.0.0.1"
    """RADIUS packets leave from here; also NAS-IP-Address."""
    uamsecret: str = ""
    """CoovaChilli only."""
    macauth: bool = False
    """CoovaChilli only: a phone that connects is asked about by its address, before any page."""
    chap: bool = True
    """MikroTik only: http-chap, else http-pap."""
    interim_every: int = 0
    """Seconds between Interim-Updates, whatever the Accept says (RFC 2869 section 2.1 lets the NAS's own value win);
    0 obeys the Accept."""
    radius_timeout: float = 3.0
    """Seconds before a datagram is repeated; it is sent five times."""
    time_speed: float = 1.0
    """Seconds of the access point's own time for one of ours: 60 makes an hour a minute."""
    time_epoch: float = 0.0
    """Unix time from which on it passes faster for all the town, as the server was told; 0: for this device alone."""

    def __post_init__(self) -> None:
        if self.brand not in ("coovachilli", "mikrotik"):
            raise ConfigError(f"brand: must be coovachilli or mikrotik, not {self.brand}")
        if self.macauth and self.brand != "coovachilli":
            raise ConfigError("macauth: only coovachilli has it here")
        if not self.places:
            raise ConfigError("places: at least one is needed")
        if self.time_speed <= 0 or self.radius_timeout <= 0:
            raise ConfigError("time_speed and radius_timeout must be positive")

    def wall(self) -> float:
        """Unix time, as the device's clock shows it."""
        now = time.time()
        return self.time_epoch + (now - self.time_epoch) * self.time_speed if self.time_epoch else now


def load_config(text: str) -> PocketConfig:
    try:
        given = json.loads(text)
        given["places"] = tuple(Place(**place) for place in given.get("places", ()))
        return PocketConfig(**given)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(str(error)) from error


def read_config(path: Path) -> PocketConfig:
    try:
        return load_config(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
