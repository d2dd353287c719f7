"""Passwords and PINs: argon2id (RFC 9106), with the sizes that OWASP advises for a server: 19 MiB, two passes."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobodys = _hasher.hash("nobody's password")


def hash_password(clear: str) -> str:
    return _hasher.hash(clear)


def is_password(clear: str, hashed: str | None) -> bool:
    """With no hash the answer is no, after the same time: an unknown name must not be told from a wrong password."""
    try:
        right = _hasher.verify(hashed or _nobodys, clear)
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(hashed)
