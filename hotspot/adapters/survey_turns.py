"""That a device is asked at most once a month: a mark in Redis under a keyed digest of device and month, until the
month is over. No address stands there, and the same device has another mark next month.

While a visit has the survey before it, the mark holds a digest of the visit, so that a page that reloads shows it
again; once it is answered or declined, the mark holds nothing, and does not tell which. No answer ever comes here.

When Redis is away nobody is asked, and who answers just then is told so: Unavailable("redis"). After a crash that Redis
does not remember, a device may be asked again.
"""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable

_A_MOMENT = timedelta(seconds=1)
_SETTLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '', 'KEEPTTL')
return 1
"""


class SurveyTurns:
    def __init__(self, redis: "Redis", digest: Callable[[str], bytes]) -> None:
        """`digest`: keyed, so that no device can be read from the keys."""
        self._redis = redis
        self._digest = digest
        self._settle = redis.register_script(_SETTLE)

    def may_show(self, device_mac: str, month: date, grant_id: UUID, life: timedelta) -> bool:
        """To the first visit of the month that asks, until it is settled. `life`: until the month is over."""
        key, visit = self._key(device_mac, month), self._visit(grant_id)
        try:
            return bool(self._redis.set(key, visit, px=max(life, _A_MOMENT), nx=True)) or self._redis.get(key) == visit
        except RedisError:
            return False

    def settle(self, device_mac: str, month: date, grant_id: UUID) -> bool:
        """True for the one request that may answer or decline: not for one pressed twice, nor for another visit."""
        try:
            return bool(self._settle(keys=[self._key(device_mac, month)], args=[self._visit(grant_id)]))
        except RedisError as error:
            raise Unavailable("redis") from error

    def _key(self, device_mac: str, month: date) -> str:
        return f"surveyed:{self._digest(f'survey {month:%Y-%m} {device_mac}')[:16].hex()}"

    def _visit(self, grant_id: UUID) -> bytes:
        return self._digest(f"survey of {grant_id}")[:16].hex().encode()
