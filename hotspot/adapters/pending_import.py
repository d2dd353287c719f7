"""A patron file between its preview and its confirmation: sealed, in Redis, for 15 minutes, for whoever sent it.

When Redis is away there is no import: every call raises Unavailable("redis").
"""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

from cryptography.fernet import InvalidToken
from redis import Redis
from redis.exceptions import RedisError

from hotspot.errors import Unavailable
from hotspot.sealing import Vault

_KEEPING_TIME = timedelta(minutes=15)
_SILENCE = timedelta(minutes=2)
"""An import that has said nothing for so long has died with its process."""
_OUTCOME_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PendingImport:
    """Who sent the file, for which organisation, and what is in it."""

    staff_id: int
    organisation_id: int
    contents: str


@dataclass(frozen=True, slots=True)
class ImportProgress:
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    expired: int = 0


class PendingImports:
    def __init__(self, redis: "Redis", vault: Vault) -> None:
        self._redis = redis
        self._vault = vault

    def keep(self, pending: PendingImport) -> str:
        """The token that finds it again: 128 random bits."""
        token = secrets.token_urlsafe(16)
        sealed = self._vault.seal(json.dumps(asdict(pending), separators=(",", ":")))
        try:
            self._redis.set(_key(pending.staff_id, token), sealed, px=_KEEPING_TIME)
        except RedisError as error:
            raise Unavailable("redis") from error
        return token

    def take(self, staff_id: int, token: str) -> PendingImport | None:
        """Once only: a second click finds nothing. None too for another's, or when the 15 minutes are over."""
        try:
            sealed = self._redis.getdel(_key(staff_id, token))
        except RedisError as error:
            raise Unavailable("redis") from error
        if not isinstance(sealed, bytes):
            return None
        try:
            return PendingImport(**json.loads(self._vault.open(sealed)))
        except InvalidToken:
            return None  # sealed with a key that has changed since

    def forget(self, staff_id: int, token: str) -> None:
        try:
            self._redis.delete(_key(staff_id, token))
        except RedisError as error:
            raise Unavailable("redis") from error

    def report(self, staff_id: int, token: str, progress: ImportProgress) -> None:
        life = _SILENCE if progress.state == "running" else _OUTCOME_KEPT
        try:
            self._redis.set(_key(staff_id, token) + ":progress", json.dumps(asdict(progress)), px=life)
        except RedisError as error:
            raise Unavailable("redis") from error

    def progress(self, staff_id: int, token: str) -> ImportProgress | None:
        try:
            found = self._redis.get(_key(staff_id, token) + ":progress")
        except RedisError as error:
            raise Unavailable("redis") from error
        return ImportProgress(**json.loads(found)) if isinstance(found, bytes) else None


def _key(staff_id: int, token: str) -> str:
    return f"patron-import:{staff_id}:{token}"
