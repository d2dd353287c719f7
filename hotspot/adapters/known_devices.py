"""What each device on a visit may do, by its site and address: so that a NAS which asks about a device by its address
gets its answer while the database is away.

Written whenever such a device is let in, kept in Redis until its grant ends. What it has used since is not known here:
whoever is let in from here keeps what was left at that time. When Redis is away every call raises Unavailable("redis").
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable
from hotspot.policy.admission import GrantTerms, Usage
from hotspot.values import RefusalReason

_LENGTHS = ("time_allowed", "idle_timeout", "interim_interval", "longest_session")


@dataclass(frozen=True, slots=True)
class KnownDevice:
    terms: GrantTerms
    usage: Usage
    """When it was last let in."""


class KnownDevices:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def remember(self, site_id: int, device_mac: str, terms: GrantTerms, usage: Usage, now: datetime) -> None:
        life = max(1, int((terms.ends_at - now).total_seconds() * 1000))
        try:
            self._redis.set(_key(site_id, device_mac), _pack(terms, usage), px=life)
        except RedisError as error:
            raise Unavailable("redis") from error

    def find(self, site_id: int, device_mac: str) -> KnownDevice | None:
        try:
            packed = self._redis.get(_key(site_id, device_mac))
        except RedisError as error:
            raise Unavailable("redis") from error
        return _unpack(packed) if isinstance(packed, bytes) else None

    def forget(self, devices: Iterable[tuple[int, str]]) -> None:
        """By site and device: their grants have ended before their time."""
        keys = [_key(site_id, device_mac) for site_id, device_mac in devices]
        try:
            if keys:
                self._redis.delete(*keys)
        except RedisError as error:
            raise Unavailable("redis") from error


def _key(site_id: int, device_mac: str) -> str:
    return f"known:{site_id}:{device_mac}"


def _pack(terms: GrantTerms, usage: Usage) -> str:
    said = asdict(terms) | {"grant_id": terms.grant_id.hex, "ends_at": terms.ends_at.timestamp()}
    for name in _LENGTHS:
        said[name] = None if said[name] is None else said[name].total_seconds()
    return json.dumps([said, usage.time_online.total_seconds(), usage.octets])


def _unpack(packed: bytes) -> KnownDevice:
    said, seconds, octets = json.loads(packed)
    for name in _LENGTHS:
        said[name] = None if said[name] is None else timedelta(seconds=said[name])
    said["grant_id"] = UUID(said["grant_id"])
    said["ends_at"] = datetime.fromtimestamp(said["ends_at"], UTC)
    said["ends_because"] = RefusalReason(said["ends_because"])
    return KnownDevice(GrantTerms(**said), Usage(timedelta(seconds=seconds), octets))
