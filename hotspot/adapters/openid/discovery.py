"""What a provider says about itself (OpenID Connect Discovery 1.0) and its keys, read as hostile."""

import json
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from hotspot.adapters.bounded_http import HttpAnswer
from hotspot.adapters.openid.caller import Caller, may_be_called

WELL_KNOWN = "/.well-known/openid-configuration"
SIGNATURES = ("ES256", "RS256")
"""Of what we are given. Never "none", and no HS256: its key would be our own client secret."""
_MOST_KEYS = 50
_SMALLEST_RSA_BITS = 2048


class BadProvider(Exception):
    """Its answer cannot be used. The text says why, for staff: technical, and nothing secret."""


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    """Empty: it has none."""
    end_session_endpoint: str
    """Empty: it knows no logout."""
    secret_in_body: bool
    """It takes client_secret_post."""
    names_itself: bool
    """Each of its answers through the browser carries `iss` (RFC 9207)."""
    takes_s256: bool
    """It says that it knows PKCE (RFC 7636). One that does not say so must ignore what it does not know."""


def read_facts(caller: Caller, issuer: str) -> ProviderFacts:
    """Section 4.3: what says it is another issuer is not the one that was asked for."""
    found = json_object(_answer(caller, issuer.rstrip("/") + WELL_KNOWN))
    if found.get("issuer") != issuer:
        raise BadProvider("it calls itself by another issuer")
    if "code" not in _texts(found, "response_types_supported", ("code",)):
        raise BadProvider("it does not offer the response type code")
    methods = _texts(found, "token_endpoint_auth_methods_supported", ("client_secret_basic",))
    if not {"client_secret_post", "client_secret_basic"} & set(methods):
        raise BadProvider("it takes neither client_secret_post nor client_secret_basic")
    return ProviderFacts(
        issuer=issuer,
        authorization_endpoint=_address(found, "authorization_endpoint"),
        token_endpoint=_address(found, "token_endpoint"),
        jwks_uri=_address(found, "jwks_uri"),
        userinfo_endpoint=_address(found, "userinfo_endpoint", needed=False),
        end_session_endpoint=_address(found, "end_session_endpoint", needed=False),
        secret_in_body="client_secret_post" in methods,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        takes_s256="S256" in _texts(found, "code_challenge_methods_supported", ()),
    )


def read_keys(caller: Caller, jwks_uri: str) -> KeySet:
    """Those that may have signed something for us: public, for signatures, of a kind that we take."""
    listed = json_object(_answer(caller, jwks_uri)).get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise BadProvider("its keys are no list that can be used")
    keys = [key for each in listed if (key := _key(each)) is not None]
    if not keys:
        raise BadProvider("it has no key for ES256 or RS256")
    return KeySet(keys)


def _key(listed: object) -> Key | None:
    """None for one that is not for us; the others are not worse for it (RFC 7517 section 5)."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig" or "d" in listed:
        return None
    try:
        match listed.get("kty"):
            case "EC" if listed.get("crv") == "P-256":
                return ECKey.import_key(listed)
            case "RSA" if len(str(listed.get("n"))) * 6 >= _SMALLEST_RSA_BITS:
                key = RSAKey.import_key(listed)
                return key if key.public_key.key_size >= _SMALLEST_RSA_BITS else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def json_object(answer: HttpAnswer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise BadProvider("its answer is no JSON") from error
    if not isinstance(found, dict):
        raise BadProvider("its answer is no JSON object")
    return found


def _answer(caller: Caller, url: str) -> HttpAnswer:
    answer = caller.get(url, {"Accept": "application/json"})
    if answer.status != 200:
        raise BadProvider(f"it answers with status {answer.status}")
    return answer


def _address(found: dict[str, Any], name: str, *, needed: bool = True) -> str:
    address = found.get(name, "")
    if address == "" and not needed:
        return ""
    if not isinstance(address, str) or not may_be_called(address):
        raise BadProvider(f"its {name} is missing, or no https address")
    return address


def _texts(found: dict[str, Any], name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    listed = found.get(name)
    if not isinstance(listed, list):
        return otherwise
    return tuple(each for each in listed if isinstance(each, str))
