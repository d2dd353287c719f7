"""Which devices may have a visit that is not over, so that for all others nobody asks the tables.

Only ever a hint: "perhaps" is looked up in the tables, and "surely not" shows a device the forms, as every new one is
shown. Kept in Redis while the grant lasts. When Redis is away every call raises Unavailable("redis"), as one-time
logins do. When Redis has lost everything, every device is "perhaps" until the hints are written anew. What Redis itself
lost between its last snapshot and a crash makes a device sign in again, to the same grant: it costs a form, no time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable

_REMEMBER = """
for at, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ARGV[at]) then redis.call('SET', key, '', 'PX', ARGV[at]) end
end
"""
"""A device may have several grants: the longest counts."""

_COMPLETE = "returning"
_FILLING = "returning:being-filled"
_FILLING_MS = 30_000
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Hint:
    perhaps: bool
    is_complete: bool
    """Redis has a hint for every grant that lasts; if not, everybody is "perhaps"."""


class ReturningDevices:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._remember = redis.register_script(_REMEMBER)

    def look_up(self, device_mac: str) -> Hint:
        """One round trip, before anything else is asked about a device."""
        try:
            answers: Any = self._redis.mget(_key(device_mac), _COMPLETE)
        except RedisError as error:
            raise Unavailable("redis") from error
        hint, complete = answers
        return Hint(perhaps=hint is not None or complete is None, is_complete=complete is not None)

    def remember(self, lives: Mapping[str, timedelta]) -> None:
        """By device, how much longer its grant lasts: written before its one-time login is."""
        devices = list(lives)
        try:
            for at in range(0, len(devices), _BATCH):
                batch = devices[at : at + _BATCH]
                lengths = [max(1, int(lives[mac].total_seconds() * 1000)) for mac in batch]
                self._remember(keys=[_key(mac) for mac in batch], args=lengths)
        except RedisError as error:
            raise Unavailable("redis") from error

    def may_fill(self) -> bool:
        """For one asker in half a minute: who may read all grants and write the hints anew."""
        try:
            return bool(self._redis.set(_FILLING, "", px=_FILLING_MS, nx=True))
        except RedisError as error:
            raise Unavailable("redis") from error

    def fill(self, lives: Mapping[str, timedelta]) -> None:
        """All of them. Who signs in meanwhile writes a hint of its own."""
        self.remember(lives)
        try:
            self._redis.set(_COMPLETE, "")
        except RedisError as error:
            raise Unavailable("redis") from error


def _key(device_mac: str) -> str:
    return f"returning:{device_mac}"
