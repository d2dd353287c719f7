"""What each device on a visit may do, by its site and address: so that a NAS which asks about a device by its address
gets its answer while the database is away.

Written whenever such a device is let in, kept in Redis until its grant ends. What it has used since is not known here:
whoever is let in from here keeps what was left at that time. When Redis is away every call raises Unavailable("redis").
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from hotspot.adapters.packed_terms import pack_terms, unpack_terms
from hotspot.errors import Unavailable
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage


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
            self._redis.set(_key(site_id, device_mac), json.dumps(pack_terms(terms, usage)), px=life)
        except RedisError as error:
            raise Unavailable("redis") from error

    def find(self, site_id: int, device_mac: str) -> KnownDevice | None:
        try:
            packed = self._redis.get(_key(site_id, device_mac))
        except RedisError as error:
            raise Unavailable("redis") from error
        if not isinstance(packed, bytes):
            return None
        try:
            return KnownDevice(*unpack_terms(json.loads(packed)))
        except (ValueError, TypeError):  # packed by a version of us that knew less
            return None

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
