"""Why a card, a code or a device was last told no: for the desk, where its person asks when nothing is wrong any more.

Kept for a day in Redis under keyed digests: neither a card number nor a code stands there. One refusal each, the last;
no history. When Redis is away nothing is remembered and nothing is found.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError

from hotspot.values import RefusalReason, Refuse

KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LastRefusal:
    refusal: Refuse
    refused_at: datetime


class RefusalMemory:
    def __init__(self, redis: "Redis", digest: Callable[[str], bytes]) -> None:
        self._redis = redis
        self._digest = digest

    def remember(self, subjects: Iterable[str], refusal: Refuse, now: datetime) -> None:
        """`subjects`: `services/attempts.py` makes them of what was given."""
        again_at = None if refusal.again_at is None else refusal.again_at.timestamp()
        day = None if refusal.day is None else refusal.day.isoformat()
        words = None if refusal.own_words is None else dict(refusal.own_words)
        said = json.dumps([now.timestamp(), refusal.reason.value, again_at, day, words])
        with suppress(RedisError), self._redis.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.set(self._key(subject), said, px=KEPT_FOR)
            pipe.execute()

    def find(self, subjects: Iterable[str]) -> LastRefusal | None:
        """The latest of them."""
        keys = [self._key(subject) for subject in subjects]
        try:
            found = [_read(each) for each in self._redis.mget(keys) if isinstance(each, bytes)] if keys else []
        except RedisError:
            return None
        return max(found, key=lambda each: each.refused_at, default=None)

    def _key(self, subject: str) -> str:
        return f"refused-lately:{self._digest(subject)[:16].hex()}"


def _read(said: bytes) -> LastRefusal:
    refused_at, reason, again_at, day, words = json.loads(said)
    refusal = Refuse(
        RefusalReason(reason),
        again_at=None if again_at is None else datetime.fromtimestamp(again_at, UTC),
        day=None if day is None else date.fromisoformat(day),
        own_words=words,
    )
    return LastRefusal(refusal, datetime.fromtimestamp(refused_at, UTC))
