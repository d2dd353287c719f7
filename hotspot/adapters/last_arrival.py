"""Where a grant's device last came from: the login address that signs it out, and when it was let in.

Only a convenience, kept in Redis while the grant lasts. When Redis is away nothing is remembered and nothing is
found: the page then goes by the NAS's own login address and by its accounting.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError


@dataclass(frozen=True, slots=True)
class LastArrival:
    vendor: str
    login_url: str
    """Checked against the NAS when the device arrived."""
    signed_in_at: datetime


class LastArrivals:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def remember(self, grant_id: UUID, arrival: LastArrival, life: timedelta) -> None:
        packed = json.dumps([arrival.vendor, arrival.login_url, arrival.signed_in_at.timestamp()])
        try:
            self._redis.set(_key(grant_id), packed, px=max(1, int(life.total_seconds() * 1000)))
        except RedisError:
            return

    def find(self, grant_id: UUID) -> LastArrival | None:
        try:
            packed = self._redis.get(_key(grant_id))
        except RedisError:
            return None
        if not isinstance(packed, bytes):
            return None
        vendor, login_url, signed_in_at = json.loads(packed)
        return LastArrival(vendor, login_url, datetime.fromtimestamp(signed_in_at, UTC))


def _key(grant_id: UUID) -> str:
    return f"arrived:{grant_id.hex}"
