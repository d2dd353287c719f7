"""MS-CHAPv2 (RFC 2759) as RADIUS carries it (RFC 2548 section 2.3): is the response right, and our proof in return.

MD4 and DES are what it is made of. They protect little: docs/decisions/0010-pycryptodome.md.
"""

import hashlib
import hmac
from dataclasses import dataclass

from Crypto.Cipher import DES
from Crypto.Hash import MD4

from hotspot.vendors.vendor import Attributes

CHALLENGE_LENGTH = 16
RESPONSE_LENGTH = 50
"""Ident, Flags, Peer-Challenge (16), Reserved (8), Response (24): RFC 2548 section 2.3.2."""

_TO_CLIENT = b"Magic server to client signing constant"
_ONCE_MORE = b"Pad to make it do more than one iteration"
_AUTHENTICATION_FAILURE = 691
_MOST_CHARACTERS = 256
"""Of a password (RFC 2759 section 8.3)."""


@dataclass(slots=True)
class MsChapV2:
    """The response to a challenge by one who knows the password. Once it has been proven, it can prove the same of us:
    without MS-CHAP2-Success a client does not believe an Accept."""

    identifier: int
    user_name: bytes
    """As in User-Name: octets, of which the part after a backslash counts (RFC 2759 section 8.2)."""
    challenge: bytes
    peer_challenge: bytes
    response: bytes
    _success: str = ""

    def proves(self, password: str) -> bool:
        """Constant time."""
        if len(password) > _MOST_CHARACTERS:
            return False
        digest = challenge_digest(self.peer_challenge, self.challenge, self.user_name)
        hashed = password_hash(password)
        if not hmac.compare_digest(challenge_response(digest, hashed), self.response):
            return False
        self._success = authenticator_response(hashed, self.response, digest)
        return True

    def success_attributes(self) -> Attributes:
        """For the Accept: after `proves` has said yes, else nothing."""
        if not self._success:
            return []
        return [("MS-CHAP2-Success", bytes((self.identifier,)) + self._success.encode())]

    def failure_attributes(self, message: str) -> Attributes:
        """For the Reject (RFC 2759 section 6): no retry. Its challenge is for a retry, so that the one asked with does.

        Only what fits is said: the identifier and 249 octets less the header."""
        said = f"E={_AUTHENTICATION_FAILURE} R=0 C={self.challenge.hex().upper()} V=3 M={message}".encode()
        return [("MS-CHAP-Error", bytes((self.identifier,)) + said[:200].decode(errors="ignore").encode())]


def challenge_digest(peer_challenge: bytes, challenge: bytes, user_name: bytes) -> bytes:
    """ChallengeHash (section 8.2)."""
    name = user_name.rpartition(b"\\")[2]
    return hashlib.sha1(peer_challenge + challenge + name, usedforsecurity=False).digest()[:8]


def password_hash(password: str) -> bytes:
    """NtPasswordHash (section 8.3)."""
    return _md4(password.encode("utf-16-le", "replace"))


def challenge_response(digest: bytes, hashed: bytes) -> bytes:
    """ChallengeResponse (section 8.5): three DES keys of seven octets each, the last one padded with zeros."""
    padded = hashed.ljust(21, b"\0")
    return b"".join(_des(padded[at : at + 7], digest) for at in (0, 7, 14))


def authenticator_response(hashed: bytes, response: bytes, digest: bytes) -> str:
    """GenerateAuthenticatorResponse (section 8.7): `S=` and forty hexadecimal digits."""
    once = hashlib.sha1(_md4(hashed) + response + _TO_CLIENT, usedforsecurity=False).digest()
    twice = hashlib.sha1(once + digest + _ONCE_MORE, usedforsecurity=False).hexdigest()
    return "S=" + twice.upper()


def _md4(octets: bytes) -> bytes:
    return MD4.new(octets).digest()  # noqa: S303 - the protocol's choice


def _des(seven: bytes, block: bytes) -> bytes:
    """DesEncrypt (section 8.6): the key's 56 bits as eight octets, whose last bit is a parity that nobody looks at."""
    bits = int.from_bytes(seven)
    key = bytes((bits >> (49 - 7 * at) & 0x7F) << 1 for at in range(8))
    return DES.new(key, DES.MODE_ECB).encrypt(block)  # noqa: S304 - the protocol's choice
