"""Scheduled work, done once however many workers run (why not a library: docs/decisions/0002-worker-loop.md).

Time is cut into slots of a job's period. A slot that is done has a mark in Redis; whoever finds none takes the job's
lease, does the work, and leaves the mark. A worker that dies lets its lease run out, and another takes over. When Redis
is away nothing is done: two workers must not do it together. So jobs must tolerate being late, and, if one outlives
its lease, being done twice.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""
"""Only our own lease: it may have run out, and be another's by now."""


@dataclass(frozen=True)
class Job:
    name: str
    period: timedelta
    lease: timedelta
    """Longer than the work ever takes."""
    work: Callable[[datetime], object]
    """Does it for this moment, in transactions of its own."""


class Outcome(StrEnum):
    DONE = "done"
    NOT_OURS = "not_ours"
    """Already done in this slot, or another worker is at it."""


class Schedule:
    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._release = redis.register_script(_RELEASE)

    def run_if_due(self, job: Job, now: datetime) -> Outcome:
        """Raises Unavailable("redis"), or whatever the work raises: then the slot stays undone, to be tried again."""
        slot = int(now.timestamp() // job.period.total_seconds())
        done, lease = f"job:{job.name}:done", f"job:{job.name}:lease"
        token = secrets.token_hex(8)
        try:
            if self._last(done) >= slot or not self._redis.set(lease, token, nx=True, px=job.lease):
                return Outcome.NOT_OURS
            try:
                if self._last(done) >= slot:  # done between our look and our lease
                    return Outcome.NOT_OURS
                job.work(now)
                self._redis.set(done, slot, px=max(job.period * 3, timedelta(days=1)))
            finally:
                self._release(keys=[lease], args=[token])
        except RedisError as error:
            raise Unavailable("redis") from error
        return Outcome.DONE

    def _last(self, done: str) -> int:
        mark = self._redis.get(done)
        return int(mark) if isinstance(mark, bytes) else -1
