"""The town that every system is told of: 10,000 NASes, of which 64 really speak, and 100,000 devices with their logins.

Each NAS has a secret of its own, two access points and, if it speaks, an address of its own on the loopback. Every
tenth of the silent ones is known by a network instead of an address.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from uuid import UUID, uuid4

from benchmarks.load import LANES
from benchmarks.packets import Speaker, Visitor, where

NASES = 10_000
DEVICES = 100_000
_USED = DEVICES - DEVICES % LANES
"""A visitor's number gives both device and NAS: so many devices, and they go round together."""
_LOOPBACK, _TEN = int(IPv4Address("127.1.0.0")), int(IPv4Address("10.0.0.0"))


@dataclass(frozen=True, slots=True)
class Nas:
    """One of the 10,000; `network` is whom its packets come from."""

    network: IPv4Network
    speaker: Speaker


class Fleet:
    def __init__(self) -> None:
        self.nases = [_nas(number) for number in range(NASES)]
        self.speakers = [each.speaker for each in self.nases[:LANES]]
        self.macs = [f"02{number:010x}" for number in range(DEVICES)]
        self.grants = [uuid4() for _ in self.macs]
        self._passwords = [secrets.token_urlsafe(15) for _ in self.macs]

    def users(self) -> Iterator[tuple[str, str]]:
        """Name and password of each device, for a server that has no single-use logins."""
        for device, password in enumerate(self._passwords):
            yield self.grants[device].hex[:20], password

    def device(self, number: int) -> int:
        """Whose visit this is. Visitors are dealt to the speakers in turn."""
        return number % _USED

    def visitor(self, number: int, label: str, login: tuple[str, str] | None = None) -> Visitor:
        """`login`: name and password, if not those of `users`. `label` sets its Wi-Fi sessions apart from others."""
        device = self.device(number)
        speaker = self.speakers[number % LANES]
        grant: UUID = self.grants[device]
        name, password = login or (grant.hex[:20], self._passwords[device])
        called = speaker.called_station_ids[number // LANES % len(speaker.called_station_ids)]
        attributes = where(speaker, called, number, self.macs[device])
        return Visitor(speaker, name, password, f"{label}{number:08x}", grant.bytes, attributes)


def _nas(number: int) -> Nas:
    address = _LOOPBACK + number + 1 if number < LANES else _TEN + number * 8
    network = IPv4Network((address, 29 if number >= LANES and number % 10 == 0 else 32))
    points = tuple(f"06-00-00-{number >> 8:02X}-{number & 255:02X}-0{point}" for point in range(2))
    speaker = Speaker(str(network.network_address), secrets.token_urlsafe(18).encode(), f"bench-{number:05d}", points)
    return Nas(network, speaker)
