"""Every NAS as the RADIUS door needs it: addresses, opened secrets, modes, access points, in one snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.models import AccessPoint, MessageAuthenticatorMode, Nas, NasAddress
from hotspot.sealing import Vault
from hotspot.values import normalise_called_station
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import Vendor

log = structlog.get_logger()

RADSEC_SECRET = b"radsec"
"""The shared secret of every NAS on RadSec (RFC 6614 section 2.3): TLS does its work."""
_MOST_REMEMBERED = 20_000

_normalised = lru_cache(maxsize=4096)(normalise_called_station)
"""A town has some hundreds of access points, and each says its name in every packet."""


@dataclass(frozen=True, slots=True)
class RadiusClient:
    """One NAS, and nothing that needs the database."""

    nas_id: int
    vendor: Vendor
    secret: bytes = field(repr=False)
    message_authenticator: MessageAuthenticatorMode
    message_authenticator_seen: bool
    is_proxy: bool
    swaps_octets: bool
    site_id: int
    sites: Mapping[str, int]
    """Called-Station-Id, normalised -> the site of that access point."""

    def site_of(self, called_station_id: str) -> int:
        """Where a device is: at the access point that it named, else where the NAS is said to be."""
        if not self.sites:
            return self.site_id
        return self.sites.get(_normalised(called_station_id), self.site_id)


def over_radsec(client: RadiusClient) -> RadiusClient:
    """The same NAS as its TLS connection knows it: who stands between could neither read nor forge there."""
    return replace(client, secret=RADSEC_SECRET, message_authenticator=MessageAuthenticatorMode.OPTIONAL, is_proxy=True)


class RadiusClients:
    """Who may speak to us, by source address: the longest network that holds it; on RadSec by the name in its
    certificate. Never changed, only replaced."""

    def __init__(
        self, networks: Iterable[tuple[str, RadiusClient]] = (), certificates: Iterable[tuple[str, RadiusClient]] = ()
    ) -> None:
        self._by_certificate = {name: over_radsec(client) for name, client in certificates}
        self._by_length: dict[tuple[int, int], dict[int, RadiusClient]] = {}
        for text, client in networks:
            network = ip_network(text)
            tables = self._by_length.setdefault((network.version, network.prefixlen), {})
            tables[int(network.network_address)] = client
        self._lengths = sorted(self._by_length, reverse=True)
        self._remembered: dict[str, RadiusClient | None] = {}

    def find(self, source: str) -> RadiusClient | None:
        """By the text of an address; `::ffff:192.0.2.7` and `fe80::1%eth0` are read as what they stand for."""
        try:
            return self._remembered[source]
        except KeyError:
            pass
        if len(self._remembered) >= _MOST_REMEMBERED:  # strangers must not fill the memory
            self._remembered.clear()
        client = self._remembered[source] = self._look_up(source)
        return client

    def find_by_certificate(self, name: str) -> RadiusClient | None:
        """By a name as `normalise_certificate_name` makes it."""
        return self._by_certificate.get(name)

    def _look_up(self, source: str) -> RadiusClient | None:
        address: IPv4Address | IPv6Address = ip_address(source.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        number, bits = int(address), address.max_prefixlen
        for version, length in self._lengths:
            if version == address.version:
                client = self._by_length[version, length].get(number >> (bits - length) << (bits - length))
                if client is not None:
                    return client
        return None


class RadiusClientReader:
    """Reads the snapshot, over and over: all of it only when a NAS has changed; a secret is opened once."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opened: dict[bytes, bytes | None] = {}
        self._revision: tuple[int, int, int] | None = None
        self._clients = RadiusClients()

    def read(self, db: Session) -> RadiusClients:
        """The same object while nothing has changed."""
        revised = func.coalesce(func.sum(Nas.revision), 0)
        number, revisions, newest = db.execute(
            select(func.count(Nas.id), revised, func.coalesce(func.max(Nas.id), 0))
        ).one()
        revision = (int(number), int(revisions), int(newest))
        if revision != self._revision:
            self._clients = self._read_all(db)
            self._revision = revision
        return self._clients

    def _read_all(self, db: Session) -> RadiusClients:
        """A NAS whose secret cannot be opened, or whose brand is unknown, is left out, and said so."""
        sites: dict[int, dict[str, int]] = {}
        points = select(AccessPoint.nas_id, AccessPoint.called_station_id, AccessPoint.site_id)
        for nas_id, called_station_id, site_id in db.execute(points):
            sites.setdefault(nas_id, {})[called_station_id] = site_id
        clients: dict[int, RadiusClient] = {}
        names: dict[str, int] = {}
        kept: dict[bytes, bytes | None] = {}
        for nas in db.execute(select(*Nas.__table__.columns)):
            secret = kept[nas.secret_sealed] = self._open(nas.id, nas.secret_sealed)
            if secret is None or nas.vendor not in VENDORS:
                continue
            clients[nas.id] = RadiusClient(
                nas_id=nas.id,
                vendor=VENDORS[nas.vendor],
                secret=secret,
                message_authenticator=nas.message_authenticator,
                message_authenticator_seen=nas.message_authenticator_seen,
                is_proxy=nas.is_proxy,
                swaps_octets=nas.swaps_octets,
                site_id=nas.site_id,
                sites=sites.get(nas.id, {}),
            )
            if nas.certificate_name is not None:
                names[nas.certificate_name] = nas.id
        self._opened = kept
        addresses = db.execute(select(NasAddress.network, NasAddress.nas_id))
        return RadiusClients(
            [(network, clients[nas_id]) for network, nas_id in addresses if nas_id in clients],
            [(name, clients[nas_id]) for name, nas_id in names.items()],
        )

    def _open(self, nas_id: int, sealed: bytes) -> bytes | None:
        if sealed in self._opened:
            return self._opened[sealed]
        try:
            return self._vault.open(sealed).encode()
        except InvalidToken:
            log.error("nas_secret_unreadable", nas_id=nas_id)
            return None
