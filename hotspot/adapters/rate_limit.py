"""Limits on attempts to sign in: per device, address, site, card number and the beginning of a voucher code; and on
messages that visitors cause to be sent.

An attempt is counted before it is made, so that many at once cannot slip through, and given back when it was no
guess. Kept in Redis under keyed digests: neither a card number nor an address stands there.

When Redis is away every call raises Unavailable("redis"): no sign-in without limits. Nobody could be let in then
anyway, since one-time logins live in Redis too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable

_TAKE = """
local answers = {}
for at, key in ipairs(KEYS) do
  local count, left = redis.call('INCR', key), redis.call('PTTL', key)
  if left < 0 then
    left = tonumber(ARGV[at])
    redis.call('PEXPIRE', key, left)
  end
  answers[at] = {count, left}
end
return answers
"""
"""All of it at once: a window that closed between two commands would leave a counter without an end."""

_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('DECR', key) end
end
"""
"""A window that has closed meanwhile must not come to life again, without an end."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many wrong guesses within a window that opens with the first."""

    name: str
    at_most: int
    window: timedelta


DEVICE = Limit("device", 10, timedelta(minutes=10))
ADDRESS = Limit("address", 100, timedelta(minutes=10))
"""All visitors of a site often share one."""
SITE = Limit("site", 300, timedelta(minutes=10))
CARD = Limit("card", 5, timedelta(minutes=15))
VOUCHER_PREFIX = Limit("voucher", 20, timedelta(minutes=10))
PASS_DEVICE = Limit("pass-device", 6, timedelta(hours=1))
"""Requests for a pass, each of which sends somebody a message; `PASS_…` and `TEXT_…` are never given back for those."""
PASS_CONTACT = Limit("pass-contact", 5, timedelta(hours=1))
"""The mail address or number that is written to: it may be a stranger's. Likewise a host's:"""
PASS_HOST = Limit("pass-host", 10, timedelta(hours=1))
PASS_ADDRESS = Limit("pass-address", 200, timedelta(hours=1))
PASS_SITE = Limit("pass-site", 300, timedelta(hours=1))
TEXT_NUMBER = Limit("text-number", 5, timedelta(days=1))
TEXT_DEVICE = Limit("text-device", 5, timedelta(days=1))
"""How many a site, and all of them, may send is for the settings to say: `texts_of_site`, `texts_of_all`."""
IDENTITY = Limit("identity", 10, timedelta(minutes=10))
"""Setting out for an identity provider, of one visit."""
ANNOUNCEMENT = Limit("announcement", 60, timedelta(minutes=10))
"""Loading the page of one, or its button, by one device: two or three times are enough."""
HOP = Limit("hop", 5, timedelta(minutes=2))
"""Sending a device straight on, so that a NAS that does not understand us makes no endless loop."""


def texts_of_site(at_most: int) -> Limit:
    return Limit("text-site", at_most, timedelta(days=1))


def texts_of_all(at_most: int) -> Limit:
    """What a fraud can cost within a day: premium numbers are not all known (SMS pumping)."""
    return Limit("text-all", at_most, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt counts towards."""

    limit: Limit
    subject: str


def whose(address: str | None) -> str:
    """The subject that an address stands for: of IPv6 its /64, in which everybody has as many as they like."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


class RateLimits:
    def __init__(self, redis: "Redis", digest: Callable[[str], bytes]) -> None:
        """`digest`: keyed, so that what is counted cannot be read from the keys."""
        self._redis = redis
        self._digest = digest
        self._take = redis.register_script(_TAKE)
        self._give_back = redis.register_script(_GIVE_BACK)

    def take(self, attempts: Sequence[Attempt]) -> timedelta | None:
        """Count all of them. None if none is over its limit, else how long until the last of those opens again."""
        windows = [int(each.limit.window.total_seconds() * 1000) for each in attempts]
        try:
            answers: Any = self._take(keys=[self._key(each) for each in attempts], args=windows)
        except RedisError as error:
            raise Unavailable("redis") from error
        counted = zip(attempts, answers, strict=True)
        over = [max(left_ms, 1000) for attempt, (count, left_ms) in counted if count > attempt.limit.at_most]
        return timedelta(milliseconds=max(over)) if over else None

    def give_back(self, attempts: Sequence[Attempt]) -> None:
        """They were no guesses."""
        try:
            self._give_back(keys=[self._key(each) for each in attempts])
        except RedisError as error:
            raise Unavailable("redis") from error

    def time_left(self, attempts: Sequence[Attempt]) -> timedelta | None:
        """How long until all of these are open again, without counting anything. None: they are."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for each in attempts:
                    pipe.get(self._key(each))
                    pipe.pttl(self._key(each))
                answers: list[Any] = pipe.execute()
        except RedisError as error:
            raise Unavailable("redis") from error
        counted = zip(attempts, answers[::2], answers[1::2], strict=True)
        left = [left_ms for attempt, count, left_ms in counted if int(count or 0) >= attempt.limit.at_most]
        return timedelta(milliseconds=max(left)) if left and max(left) > 0 else None

    def forgive(self, attempts: Sequence[Attempt]) -> None:
        """By the staff, who have the person before them: what was counted is forgotten."""
        try:
            self._redis.delete(*(self._key(each) for each in attempts))
        except RedisError as error:
            raise Unavailable("redis") from error

    def _key(self, attempt: Attempt) -> str:
        return f"attempts:{attempt.limit.name}:{self._digest(attempt.subject)[:16].hex()}"
