"""Why a NAS was told no about a device a moment ago, for the page to which it sends the browser next.

Only a convenience, kept in Redis for two minutes. When Redis is away nothing is remembered and nothing is found: the
page then says no more than that the access point did not let the device in.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from redis import Redis
from redis.exceptions import RedisError

from hotspot.values import RefusalReason

KEPT_FOR = timedelta(minutes=2)


class LastRefusals:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def remember(self, refusals: Mapping[tuple[int, str], RefusalReason]) -> None:
        """By NAS and device, those of a batch in one round trip."""
        with suppress(RedisError), self._redis.pipeline(transaction=False) as pipe:
            for (nas_id, device_mac), reason in refusals.items():
                pipe.set(_key(nas_id, device_mac), reason.value, px=KEPT_FOR)
            pipe.execute()

    def find(self, nas_id: int, device_mac: str) -> RefusalReason | None:
        try:
            reason = self._redis.get(_key(nas_id, device_mac))
        except RedisError:
            return None
        return RefusalReason(reason.decode()) if isinstance(reason, bytes) else None


def _key(nas_id: int, device_mac: str) -> str:
    return f"refused:{nas_id}:{device_mac}"
