"""Visitors on their way to an identity provider and back, in Redis: each for a few minutes, each used once.

An attempt is found by its state and belongs to one browser; what proves somebody signed in, and is wanted back at the
logout, is kept as long as the visit lasts and no longer. Everything is sealed, and found by keyed digests.

When Redis is away nobody sets out and nobody comes back: Unavailable("redis"). A logout there is then left out.
"""

import hmac
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable
from hotspot.sealing import Vault

ON_THE_WAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class IdentityAttempt:
    request_id: int
    grant_id: UUID
    provider_id: int
    nonce: str
    code_verifier: str
    browser: str
    """What the browser's cookie must say."""
    language: str


def new_browser() -> str:
    return secrets.token_urlsafe(32)


class IdentityAttempts:
    def __init__(self, redis: "Redis", vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    def begin(self, state: str, attempt: IdentityAttempt) -> None:
        facts = [
            attempt.request_id,
            attempt.grant_id.hex,
            attempt.provider_id,
            attempt.nonce,
            attempt.code_verifier,
            attempt.browser,
            attempt.language,
        ]
        try:
            self._redis.set(self._key("attempt", state), self._vault.seal(json.dumps(facts)), px=ON_THE_WAY)
        except RedisError as error:
            raise Unavailable("redis") from error

    def find(self, state: str) -> IdentityAttempt | None:
        """Still there afterwards: whether it is this browser's is to be asked first."""
        try:
            sealed = self._redis.get(self._key("attempt", state))
        except RedisError as error:
            raise Unavailable("redis") from error
        if not isinstance(sealed, bytes):
            return None
        request_id, grant_id, *rest = json.loads(self._vault.open(sealed))
        return IdentityAttempt(request_id, UUID(grant_id), *rest)

    def use_up(self, state: str) -> bool:
        """True for the first who asks: an answer that comes twice counts once."""
        try:
            return bool(self._redis.delete(self._key("attempt", state)))
        except RedisError as error:
            raise Unavailable("redis") from error

    def keep_for_logout(self, grant_id: UUID, provider_id: int, id_token: str, life: timedelta) -> None:
        sealed = self._vault.seal(json.dumps([provider_id, id_token]))
        with suppress(RedisError):
            self._redis.set(f"identity:token:{grant_id.hex}", sealed, px=max(1, int(life.total_seconds() * 1000)))

    def take_for_logout(self, grant_id: UUID) -> tuple[int, str] | None:
        """Provider and ID token, once."""
        try:
            sealed = self._redis.getdel(f"identity:token:{grant_id.hex}")
        except RedisError:
            return None
        if not isinstance(sealed, bytes):
            return None
        provider_id, id_token = json.loads(self._vault.open(sealed))
        return provider_id, id_token

    def await_return(self, onward: str) -> str | None:
        """The state of a logout that is about to begin; whoever brings it back is led `onward`. None: not now."""
        state = secrets.token_urlsafe(32)
        try:
            self._redis.set(self._key("logout", state), self._vault.seal(onward), px=ON_THE_WAY)
        except RedisError:
            return None
        return state

    def take_onward(self, state: str) -> str | None:
        try:
            sealed = self._redis.getdel(self._key("logout", state))
        except RedisError:
            return None
        return self._vault.open(sealed) if isinstance(sealed, bytes) else None

    def _key(self, kind: str, state: str) -> str:
        return f"identity:{kind}:{self._vault.digest(state)[:16].hex()}"


def is_same(one: str, other: str) -> bool:
    """In constant time, whatever was sent."""
    return hmac.compare_digest(one.encode(), other.encode())
