"""The fleet file: where the installation is, which gateways it knows, and what its town promises at each place."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.config import ConfigError, Place, PocketConfig


@dataclass(frozen=True, slots=True)
class Promise:
    """One way in at a site, and its limits: the yardstick that sessions are measured with. 0 is no limit."""

    way: str
    """`one_tap` or `voucher`: the name of its form's field decides which form it is."""
    visit_seconds: int = 0
    """From the sign-in on."""
    announcement_every: int = 0
    """Of connection time, in seconds."""
    octets: int = 0
    """Of a visit, both ways together."""

    def __post_init__(self) -> None:
        if self.way not in ("one_tap", "voucher"):
            raise ValueError(f"way: must be one_tap or voucher, not {self.way}")


@dataclass(frozen=True, slots=True)
class FleetSite:
    name: str
    promises: tuple[Promise, ...]
    closes_at: float = 0
    """Unix time; 0: not while we look."""
    vouchers: tuple[str, ...] = ()
    """Each for one phone."""
    share: float = 1.0
    """Of the phones, beside the other sites."""


@dataclass(frozen=True, slots=True)
class FleetGateway:
    pocket: PocketConfig
    site_of: dict[str, str]
    """Name of the site, by Called-Station-Id."""


@dataclass(frozen=True, slots=True)
class FleetConfig:
    portal_url: str
    """Without a slash at the end. Plain http: the simulator stands beside the installation, behind its proxy."""
    gateways: tuple[FleetGateway, ...]
    sites: dict[str, FleetSite]
    time_speed: float = 1.0
    time_epoch: float = 0.0
    """Unix time from which on the instance's time passes faster; 0: it does not."""
    interim_interval: int = 300
    """The longest that the installation may be without news of a session: the tolerance of the report."""


def load_fleet(text: str) -> FleetConfig:
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"fleet file: {error!r}") from error


def read_fleet(path: Path) -> FleetConfig:
    try:
        return load_fleet(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def _read(given: dict[str, Any]) -> FleetConfig:
    portal_url, radius = str(given["portal_url"]).rstrip("/"), given["radius"]
    time = {"time_speed": float(given.get("time_speed", 1)), "time_epoch": float(given.get("time_epoch", 0))}
    common = {"portal_url": f"{portal_url}/hotspot", "radius_host": radius["host"], "radius_timeout": 3.0} | time
    common |= {"auth_port": radius["auth_port"], "acct_port": radius["acct_port"]}
    sites = {
        name: FleetSite(
            name,
            tuple(Promise(**promise) for promise in site["promises"]),
            closes_at=float(site.get("closes_at", 0)),
            vouchers=tuple(site.get("vouchers", ())),
            share=float(site.get("share", 1)),
        )
        for name, site in given["sites"].items()
    }
    gateways = tuple(_gateway(each, common) for each in given["gateways"])
    unknown = {site for gateway in gateways for site in gateway.site_of.values()} - sites.keys()
    if unknown or not gateways or not all(site.promises for site in sites.values()):
        raise ValueError(f"needs gateways, a promise for each site, and each site described: {sorted(unknown)}")
    return FleetConfig(portal_url, gateways, sites, interim_interval=int(given.get("interim_interval", 300)), **time)


def _gateway(given: dict[str, Any], common: dict[str, Any]) -> FleetGateway:
    own = {name: given[name] for name in ("nas_identifier", "secret", "uamsecret", "source_address", "coa_port")}
    places = given["places"]
    pocket = PocketConfig(
        **common,
        **own,
        brand=given.get("brand", "coovachilli"),
        uam_host=own["source_address"],
        places=tuple(Place(each["name"], each["called_station_id"], each.get("ssid", "")) for each in places),
    )
    if pocket.brand != "coovachilli":
        raise ValueError("virtual gateways are CoovaChillis so far")
    return FleetGateway(pocket, {each["called_station_id"]: each["site"] for each in places})
