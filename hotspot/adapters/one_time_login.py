"""One-time logins: the single-use name and password that the NAS sends back; no real credential crosses the air.

Kept in Redis for 120 s, bound to NAS and device. When Redis is away nobody new gets in: every call raises
Unavailable("redis"), the portal says so and the NAS is left without an answer, so that it asks again.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from hotspot.adapters.packed_terms import pack_terms, unpack_terms
from hotspot.errors import Unavailable
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage

_CLAIM = """
local answers = {}
for at, key in ipairs(KEYS) do
  local login = redis.call('GET', key)
  local claimed = login and redis.call('SET', 'by:' .. key, ARGV[at], 'NX', 'PX', ARGV[#ARGV])
  if login and (claimed or redis.call('GET', 'by:' .. key) == ARGV[at]) then
    answers[at] = login
  else
    answers[at] = false
  end
end
return answers
"""
"""One round trip for a batch. A login belongs to the first request that claims it; a retransmission is that same
request, so it gets the same answer wherever it arrives. Who has it is kept before the key, not behind: anybody may ask
for the login named "…:by"."""


@dataclass(frozen=True, slots=True)
class OneTimeLogin:
    user_name: str
    password: str
    nas_id: int
    device_mac: str
    terms: GrantTerms
    usage: Usage
    """What the grant had used when the login was made, seconds ago."""


@dataclass(frozen=True, slots=True)
class Claim:
    user_name: str
    request_key: bytes
    """The same for a request and its retransmissions, different for any other request."""


def make_one_time_login(nas_id: int, device_mac: str, terms: GrantTerms, usage: Usage) -> OneTimeLogin:
    """80 random bits of name, 120 of password: nothing to guess in 120 s, and nothing personal on the air."""
    return OneTimeLogin(secrets.token_hex(10), secrets.token_urlsafe(15), nas_id, device_mac, terms, usage)


class OneTimeLogins:
    def __init__(self, redis: "Redis", life: timedelta) -> None:
        self._redis = redis
        self._life_ms = int(life.total_seconds() * 1000)
        self._claim = redis.register_script(_CLAIM)

    def store(self, login: OneTimeLogin) -> None:
        """Also remembered as the device's pending login, for a browser that comes back with a fresh challenge."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(_key(login.user_name), _pack(login), px=self._life_ms)
                pipe.set(_pending_key(login.nas_id, login.device_mac), login.user_name, px=self._life_ms)
                pipe.execute()
        except RedisError as error:
            raise Unavailable("redis") from error

    def pending(self, nas_id: int, device_mac: str) -> OneTimeLogin | None:
        """The login that this device was given within the last 120 s and has not used."""
        try:
            name = self._redis.get(_pending_key(nas_id, device_mac))
            if not isinstance(name, bytes) or self._redis.exists("by:" + _key(name.decode())):
                return None
            packed = self._redis.get(_key(name.decode()))
        except RedisError as error:
            raise Unavailable("redis") from error
        return _unpack(packed) if isinstance(packed, bytes) else None

    def check(self) -> None:
        """Unavailable("redis") when it is away."""
        try:
            self._redis.ping()
        except RedisError as error:
            raise Unavailable("redis") from error

    def claim(self, claims: Sequence[Claim]) -> list[OneTimeLogin | None]:
        """For each claim its login, or None if there is no such login or another request has it."""
        if not claims:
            return []
        try:
            answers: Any = self._claim(
                keys=[_key(each.user_name) for each in claims],
                args=[*(each.request_key for each in claims), self._life_ms],
            )
        except RedisError as error:
            raise Unavailable("redis") from error
        return [None if packed is None else _unpack(packed) for packed in answers]


def _key(user_name: str) -> str:
    return "login:" + user_name


def _pending_key(nas_id: int, device_mac: str) -> str:
    return f"pending:{nas_id}:{device_mac}"


def _pack(login: OneTimeLogin) -> bytes:
    """It lives for two minutes, and RADIUS unpacks one for every login."""
    name_and_place = [login.user_name, login.password, login.nas_id, login.device_mac]
    return json.dumps([*name_and_place, pack_terms(login.terms, login.usage)]).encode()


def _unpack(packed: bytes) -> OneTimeLogin | None:
    """None for what another version of us has packed: while an upgrade goes on, its visitor signs in once more."""
    try:
        name, password, nas_id, mac, terms = json.loads(packed)
        return OneTimeLogin(name, password, nas_id, mac, *unpack_terms(terms))
    except (ValueError, TypeError):
        return None
