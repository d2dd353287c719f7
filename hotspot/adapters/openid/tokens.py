"""ID tokens and signed user info: what must hold before a word is believed (OpenID Connect Core 3.1.3.7, 5.3.4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from hotspot.adapters.openid.discovery import SIGNATURES
from hotspot.policy.identity_profiles import is_enough
from hotspot.values import IdentityProfile

LEEWAY = timedelta(seconds=60)
"""Between the provider's clock and ours."""
_LONGEST_SUBJECT = 255
"""Core section 2."""
_LONGEST_TOKEN = 16 * 1024


class Flaw(StrEnum):
    """Why somebody is not who they say, as far as we can tell. For logs and tests: people read one sentence for all."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    UNKNOWN_KEY = "unknown_key"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NONCE = "nonce"
    EXPIRED = "expired"
    TIME = "time"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a flaw
    LEVEL = "level"
    SUBJECT = "subject"
    OTHER_SUBJECT = "other_subject"
    NOT_SIGNED = "not_signed"
    CODE_REFUSED = "code_refused"
    CLIENT_REFUSED = "client_refused"
    USER_INFO_REFUSED = "user_info_refused"


_FLAWS = {
    "iss": Flaw.ISSUER,
    "aud": Flaw.AUDIENCE,
    "azp": Flaw.AUDIENCE,
    "nonce": Flaw.NONCE,
    "exp": Flaw.EXPIRED,
    "iat": Flaw.TIME,
    "nbf": Flaw.TIME,
    "sub": Flaw.SUBJECT,
    "at_hash": Flaw.ACCESS_TOKEN,
}


class Untrue(Exception):
    """What was to prove somebody's identity does not."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer to one request must say."""

    issuer: str
    client_id: str
    nonce: str
    acr: str
    profile: IdentityProfile


def read_id_token(token: str, keys: KeySet, expected: Expected, access_token: str, now: datetime) -> str:
    """The subject that it names. Raises Untrue."""
    header, claims = _signed_by(token, keys)
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "sub": {"essential": True},
        "aud": {"essential": True, "value": expected.client_id},
        "nonce": {"essential": True, "value": expected.nonce},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    known = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": access_token}
    checked = CodeIDToken(claims, header, options, known)
    try:
        checked.validate(now=int(now.timestamp()), leeway=int(LEEWAY.total_seconds()))
    except ClaimError as error:
        raise Untrue(_FLAWS.get(error.claim.partition(",")[0], Flaw.MALFORMED)) from error
    except (TypeError, ValueError, AttributeError) as error:  # a claim of another type than any it may have
        raise Untrue(Flaw.MALFORMED) from error
    if not is_enough(expected.acr, claims.get("acr"), expected.profile):
        raise Untrue(Flaw.LEVEL)
    return subject_of(claims)


def read_signed_user_info(token: str, keys: KeySet, expected: Expected, now: datetime) -> dict[str, Any]:
    """Signed user info names who it comes from and whom it is for (Core section 5.3.2). Raises Untrue."""
    _, claims = _signed_by(token, keys)
    audience = claims.get("aud")
    if claims.get("iss") != expected.issuer:
        raise Untrue(Flaw.ISSUER)
    if expected.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise Untrue(Flaw.AUDIENCE)
    until = claims.get("exp", now.timestamp())
    if isinstance(until, bool) or not isinstance(until, int | float) or not until > (now - LEEWAY).timestamp():
        raise Untrue(Flaw.EXPIRED)
    return claims


def subject_of(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise Untrue(Flaw.SUBJECT)
    if not subject.isascii() or not subject.isprintable():
        raise Untrue(Flaw.SUBJECT)
    return subject


class UnknownKey(Untrue):
    """Signed with a key that we have not seen: the provider may have changed them."""

    def __init__(self) -> None:
        super().__init__(Flaw.UNKNOWN_KEY)


def _signed_by(token: str, keys: KeySet) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > _LONGEST_TOKEN or token.count(".") != 2:
        raise Untrue(Flaw.MALFORMED)
    try:
        decoded = jwt.decode(token, keys, registry=JWSRegistry(algorithms=SIGNATURES, strict_check_header=False))
    except InvalidKeyIdError as error:
        raise UnknownKey from error
    except UnsupportedAlgorithmError as error:
        raise Untrue(Flaw.ALGORITHM) from error
    except BadSignatureError as error:
        raise Untrue(Flaw.SIGNATURE) from error
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Untrue(Flaw.MALFORMED) from error
    return dict(decoded.header), decoded.claims
