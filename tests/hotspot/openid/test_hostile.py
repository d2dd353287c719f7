"""With a provider that lies, errs or is somebody else: nobody is proven, nothing waits for long or is followed."""

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, RSAKey

from hotspot.adapters.openid.provider import KNOWN_FOR, NotProven, OpenIdProvider, Proof, Secrets
from hotspot.adapters.openid.tokens import LEEWAY, Flaw
from hotspot.errors import Unavailable
from hotspot.values import IdentityProfile
from tests.factories import CLIENT_ID, CLIENT_SECRET
from tests.fixtures.openid import Script
from tests.hotspot.openid.conftest import settings_of

pytestmark = pytest.mark.integration
SHORT = timedelta(seconds=0.3)


def generic(script: Script) -> OpenIdProvider:
    return OpenIdProvider(settings_of(script.issuer, IdentityProfile.GENERIC))


def test_all_is_well_when_nothing_is_changed(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime
) -> None:
    found = provider.prove("code", asked, now)

    assert isinstance(found, Proof)
    assert found.subject == "somebody"
    assert script.forms[0]["client_secret"] == CLIENT_SECRET
    assert script.forms[0]["code_verifier"] == asked.code_verifier


CLAIMS: dict[str, tuple[dict[str, Any], Flaw]] = {
    "another issuer": ({"iss": "https://elsewhere.test"}, Flaw.ISSUER),
    "no issuer": ({"iss": None}, Flaw.ISSUER),
    "another client": ({"aud": "another"}, Flaw.AUDIENCE),
    "nobody's": ({"aud": []}, Flaw.AUDIENCE),
    "for us and for another who holds it": ({"aud": [CLIENT_ID, "b"], "azp": "b"}, Flaw.AUDIENCE),
    "for two, held by nobody named": ({"aud": [CLIENT_ID, "b"]}, Flaw.AUDIENCE),
    "another nonce": ({"nonce": "x" * 43}, Flaw.NONCE),
    "no nonce": ({"nonce": None}, Flaw.NONCE),
    "no nonce, said to be unsupported": ({"nonce": None, "nonce_supported": False}, Flaw.NONCE),
    "never expires": ({"exp": None}, Flaw.EXPIRED),
    "expires at no number": ({"exp": "tomorrow"}, Flaw.EXPIRED),
    "without a moment": ({"iat": None}, Flaw.TIME),
    "no subject": ({"sub": None}, Flaw.SUBJECT),
    "empty subject": ({"sub": ""}, Flaw.SUBJECT),
    "subject of another type": ({"sub": 7}, Flaw.SUBJECT),
    "subject too long": ({"sub": "x" * 256}, Flaw.SUBJECT),
    "subject with a line break": ({"sub": "a\nb"}, Flaw.SUBJECT),
    "too weak": ({"acr": "eidas0"}, Flaw.LEVEL),
    "no level": ({"acr": None}, Flaw.LEVEL),
    "level of another type": ({"acr": ["eidas1"]}, Flaw.LEVEL),
    "another access token": ({"at_hash": "x" * 22}, Flaw.ACCESS_TOKEN),
}


@pytest.mark.parametrize(("claims", "flaw"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_is_wrong_proves_nobody(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime, claims: dict[str, Any], flaw: Flaw
) -> None:
    script.claims = claims

    assert provider.prove("code", asked, now) == NotProven(flaw)


def test_a_better_level_than_asked_for_is_taken(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime
) -> None:
    script.claims = {"acr": "eidas3"}

    assert isinstance(provider.prove("code", asked, now), Proof)


def test_clocks_may_differ_a_little(script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime) -> None:
    seconds = LEEWAY.total_seconds()
    script.claims = {"exp": now.timestamp() - seconds + 1, "iat": now.timestamp() + seconds}
    assert isinstance(provider.prove("code", asked, now), Proof)

    script.claims = {"exp": now.timestamp() - seconds}
    assert provider.prove("code", asked, now) == NotProven(Flaw.EXPIRED)

    script.claims = {"iat": now.timestamp() + seconds + 1}
    assert provider.prove("code", asked, now) == NotProven(Flaw.TIME)


def unsigned(script: Script) -> None:
    script.id_token = script.by_hand({"alg": "none"}, lambda _: b"")


def signed_with_the_public_key(script: Script) -> None:
    """What a library that believes the header would check with."""
    public = script.keys[0].as_pem(private=False)
    script.id_token = script.by_hand({"alg": "HS256", "kid": "one"}, lambda text: hmac.digest(public, text, "sha256"))


def signed_with_our_secret(script: Script) -> None:
    script.id_token = script.signed(script.id_claims(), OctKey.import_key(CLIENT_SECRET), "HS256")


def signed_by_another_under_a_known_name(script: Script) -> None:
    script.id_token = script.signed(script.id_claims(), ECKey.generate_key("P-256", {"kid": "one"}))


def signed_by_a_key_that_it_brings(script: Script) -> None:
    own = ECKey.generate_key("P-256", {"kid": "own"})
    script.header = {"jwk": own.as_dict(private=False)}
    script.id_token = script.signed(script.id_claims(), own)


def another_kind_of_algorithm(script: Script) -> None:
    script.id_token = script.signed(script.id_claims(), RSAKey.generate_key(2048, {"kid": "one"}), "PS256")


def the_right_algorithm_for_another_kind_of_key(script: Script) -> None:
    script.id_token = script.signed(script.id_claims(), RSAKey.generate_key(2048, {"kid": "one"}), "RS256")


def claims_changed_after_signing(script: Script) -> None:
    header, _, signature = script.signed(script.id_claims()).split(".")
    script.sub = "somebody else"
    script.id_token = f"{header}.{script.signed(script.id_claims()).split('.')[1]}.{signature}"


def critical_header(script: Script) -> None:
    """Not understood, so not to be believed (RFC 7515 section 4.1.11)."""

    def sign(text: bytes) -> bytes:
        r, s = decode_dss_signature(script.keys[0].private_key.sign(text, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    script.id_token = script.by_hand({"alg": "ES256", "kid": "one", "crit": ["exp"], "exp": 1}, sign)


def encrypted(script: Script) -> None:
    script.id_token = "a.b.c.d.e"


def no_token(script: Script) -> None:
    script.id_token = "\u00e9.\u00e9.\u00e9"


def a_huge_token(script: Script) -> None:
    script.id_token = script.signed(script.id_claims() | {"x": "y" * 20_000})


FORGERIES: dict[Callable[[Script], None], Flaw] = {
    unsigned: Flaw.ALGORITHM,
    signed_with_the_public_key: Flaw.ALGORITHM,
    signed_with_our_secret: Flaw.ALGORITHM,
    signed_by_another_under_a_known_name: Flaw.SIGNATURE,
    signed_by_a_key_that_it_brings: Flaw.UNKNOWN_KEY,
    another_kind_of_algorithm: Flaw.ALGORITHM,
    the_right_algorithm_for_another_kind_of_key: Flaw.MALFORMED,
    claims_changed_after_signing: Flaw.SIGNATURE,
    critical_header: Flaw.MALFORMED,
    encrypted: Flaw.MALFORMED,
    no_token: Flaw.MALFORMED,
    a_huge_token: Flaw.MALFORMED,
}


@pytest.mark.parametrize(("forge", "flaw"), FORGERIES.items(), ids=lambda each: getattr(each, "__name__", ""))
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # of the forger
def test_a_forged_token_proves_nobody(
    script: Script,
    provider: OpenIdProvider,
    asked: Secrets,
    now: datetime,
    forge: Callable[[Script], None],
    flaw: Flaw,
) -> None:
    forge(script)

    assert provider.prove("code", asked, now) == NotProven(flaw)


USER_INFO: dict[str, tuple[dict[str, Any], Flaw]] = {
    "another subject": ({"sub": "somebody else"}, Flaw.OTHER_SUBJECT),
    "no subject": ({"sub": None}, Flaw.SUBJECT),
    "another issuer": ({"iss": "https://elsewhere.test"}, Flaw.ISSUER),
    "another client": ({"aud": ["another"]}, Flaw.AUDIENCE),
    "expired": ({"exp": 1}, Flaw.EXPIRED),
    "expires at no number": ({"exp": "tomorrow"}, Flaw.EXPIRED),
}


@pytest.mark.parametrize(("claims", "flaw"), USER_INFO.values(), ids=USER_INFO)
def test_user_info_must_be_of_the_same_person_from_the_same_place(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime, claims: dict[str, Any], flaw: Flaw
) -> None:
    script.user_info = claims

    assert provider.prove("code", asked, now) == NotProven(flaw)


def test_plain_user_info_of_another_is_refused(script: Script, asked: Secrets, now: datetime) -> None:
    script.signs_user_info, script.user_info = False, {"sub": "somebody else"}

    assert generic(script).prove("code", asked, now) == NotProven(Flaw.OTHER_SUBJECT)


def test_franceconnect_must_sign_its_user_info(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime
) -> None:
    script.signs_user_info = False

    assert provider.prove("code", asked, now) == NotProven(Flaw.NOT_SIGNED)


def test_a_provider_without_user_info_is_not_asked_for_any(script: Script, asked: Secrets, now: datetime) -> None:
    script.facts = {"userinfo_endpoint": None}

    assert isinstance(generic(script).prove("code", asked, now), Proof)
    assert "/userinfo" not in script.asked


def test_new_keys_are_asked_for_once(script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime) -> None:
    provider.prove("code", asked, now)
    script.keys = [ECKey.generate_key("P-256", {"kid": "two"})]

    assert isinstance(provider.prove("code", asked, now), Proof)
    assert script.asked.count("/jwks") == 2

    script.bodies["/jwks"] = script.key_list(*script.keys)
    script.keys = [ECKey.generate_key("P-256", {"kid": "three"})]
    assert provider.prove("code", asked, now) == NotProven(Flaw.UNKNOWN_KEY)
    assert script.asked.count("/jwks") == 3


def test_what_is_known_is_not_asked_again_before_an_hour(script: Script, asked: Secrets, now: datetime) -> None:
    seconds = 0.0
    provider = OpenIdProvider(settings_of(script.issuer), clock=lambda: seconds)
    provider.prove("code", asked, now)
    provider.prove("code", asked, now)
    assert (script.asked.count("/.well-known/openid-configuration"), script.asked.count("/jwks")) == (1, 1)

    seconds += KNOWN_FOR.total_seconds() + 1
    provider.prove("code", asked, now)
    assert (script.asked.count("/.well-known/openid-configuration"), script.asked.count("/jwks")) == (2, 2)


KEYS: dict[str, list[Any]] = {
    "none": [],
    "a shared secret": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}],
    "too short": [{"kty": "RSA", "n": "y" * 171, "e": "AQAB", "kid": "one"}],
    "another curve": [ECKey.generate_key("P-384", {"kid": "one"}).as_dict(private=False)],
    "for encryption": [ECKey.generate_key("P-256", {"kid": "one", "use": "enc"}).as_dict(private=False)],
    "private": [ECKey.generate_key("P-256", {"kid": "one"}).as_dict(private=True)],
    "no point of the curve": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "one"}],
    "no key": ["one", 1, None, {}],
    "too many": [{"kty": "oct"}] * 60,
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_keys_that_are_not_for_us_are_not_taken(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime, keys: list[Any]
) -> None:
    script.bodies["/jwks"] = json.dumps({"keys": keys}).encode()

    with pytest.raises(Unavailable):
        provider.prove("code", asked, now)


FACTS: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://elsewhere.test"},
    "no token endpoint": {"token_endpoint": None},
    "a token endpoint in clear text": {"token_endpoint": "http://elsewhere.test/token"},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
    "a user in the address": {"authorization_endpoint": "https://franceconnect.gouv.fr@elsewhere.test/"},
    "a list for an address": {"jwks_uri": ["https://elsewhere.test/"]},
    "a line break": {"end_session_endpoint": "https://elsewhere.test/\r\nSet-Cookie: a=b"},
    "no code flow": {"response_types_supported": ["id_token"]},
    "only keys for clients": {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
}


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS)
def test_a_provider_whose_facts_make_no_sense_is_not_used(
    script: Script, provider: OpenIdProvider, asked: Secrets, facts: dict[str, Any]
) -> None:
    script.facts = facts

    with pytest.raises(Unavailable, match="identity provider"):
        provider.way_there(asked)


PATHS = ("/.well-known/openid-configuration", "/token", "/jwks", "/userinfo")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("part", ["", "header:"], ids=["body", "headers"])
def test_who_answers_drop_by_drop_is_not_waited_for(
    script: Script, asked: Secrets, now: datetime, path: str, part: str
) -> None:
    script.drips = {part + path}
    provider = OpenIdProvider(settings_of(script.issuer), within=SHORT)

    with pytest.raises(Unavailable, match="identity provider"):
        provider.prove("code", asked, now)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [b"{" + b" " * 300_000 + b"}", b"\xff\xfe", b"[]", b"", b"[" * 100_000],
    ids=["huge", "no text", "list", "empty", "deep"],
)
def test_an_answer_that_is_none_is_not_believed(
    script: Script, asked: Secrets, now: datetime, path: str, body: bytes
) -> None:
    script.signs_user_info = False
    script.bodies = {path: body}

    with pytest.raises(Unavailable, match="identity provider"):
        generic(script).prove("code", asked, now)


@pytest.mark.parametrize("path", PATHS)
def test_no_redirect_is_followed(script: Script, asked: Secrets, now: datetime, path: str) -> None:
    script.status, script.headers = {path: 302}, {path: {"Location": f"{script.issuer}/elsewhere"}}

    try:
        assert isinstance(generic(script).prove("code", asked, now), NotProven)
    except Unavailable:
        assert path != "/userinfo"
    assert "/elsewhere" not in script.asked


def test_an_answer_that_is_compressed_is_not_unpacked(script: Script, provider: OpenIdProvider, asked: Secrets) -> None:
    script.headers = {"/.well-known/openid-configuration": {"Content-Encoding": "gzip"}}

    with pytest.raises(Unavailable):
        provider.way_there(asked)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [500, 503])
def test_who_is_out_of_order_is_unavailable(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime, path: str, status: int
) -> None:
    script.status = {path: status}

    with pytest.raises(Unavailable, match="identity provider"):
        provider.prove("code", asked, now)


def test_who_was_down_a_moment_ago_is_not_waited_for_again(script: Script, asked: Secrets) -> None:
    seconds = 100.0
    provider = OpenIdProvider(settings_of(script.issuer), clock=lambda: seconds)
    script.status = {"/.well-known/openid-configuration": 503}
    for _ in range(3):
        with pytest.raises(Unavailable):
            provider.way_there(asked)
    assert len(script.asked) == 1

    script.status, seconds = {}, seconds + 11
    assert provider.way_there(asked)


def test_who_does_not_answer_at_all_is_unavailable(asked: Secrets) -> None:
    with pytest.raises(Unavailable, match="identity provider"):
        OpenIdProvider(settings_of("http://127.0.0.1:9")).way_there(asked)


def test_a_client_that_is_refused_is_told_apart(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime
) -> None:
    script.status, script.bodies = {"/token": 401}, {"/token": b'{"error": "invalid_client", "error_description": "x"}'}

    assert provider.prove("code", asked, now) == NotProven(Flaw.CLIENT_REFUSED, "invalid_client")


def test_an_error_code_that_is_none_is_not_repeated(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime
) -> None:
    script.status, script.bodies = {"/token": 400}, {"/token": b'{"error": "Marie Durand, 7 rue X"}'}

    assert provider.prove("code", asked, now) == NotProven(Flaw.CODE_REFUSED)


@pytest.mark.parametrize("code", ["", "é", "x" * 3000, "a\nb"])
def test_a_code_that_is_none_is_not_passed_on(
    script: Script, provider: OpenIdProvider, asked: Secrets, now: datetime, code: str
) -> None:
    assert provider.prove(code, asked, now) == NotProven(Flaw.MALFORMED)
    assert script.asked == []


def test_the_way_there_carries_what_is_needed_and_no_more(
    script: Script, provider: OpenIdProvider, asked: Secrets
) -> None:
    query = parse_qs(urlsplit(provider.way_there(asked)).query)

    assert query.keys() == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "acr_values",
    }  # fmt: skip
    assert (query["scope"], query["acr_values"], query["code_challenge_method"]) == (["openid"], ["eidas1"], ["S256"])
    assert min(len(query["state"][0]), len(query["nonce"][0])) >= 32
    assert asked.code_verifier not in provider.way_there(asked)


def test_settings_add_scopes_a_level_and_a_prompt(script: Script, asked: Secrets) -> None:
    settings = settings_of(script.issuer, IdentityProfile.GENERIC)
    chosen = OpenIdProvider(replace(settings, scopes="openid email", acr="gold", prompt="login"))

    query = parse_qs(urlsplit(chosen.way_there(asked)).query)

    assert (query["scope"], query["acr_values"], query["prompt"]) == (["openid email"], ["gold"], ["login"])


def test_an_answer_of_another_provider_is_told_by_its_name(script: Script, provider: OpenIdProvider) -> None:
    assert provider.is_from(script.issuer)
    assert not provider.is_from("https://elsewhere.test")
    assert not provider.is_from(None)


def test_a_provider_that_does_not_name_itself_need_not(script: Script, provider: OpenIdProvider) -> None:
    script.facts = {"authorization_response_iss_parameter_supported": None}

    assert provider.is_from(None)
    assert not provider.is_from("https://elsewhere.test")


def test_no_logout_is_no_way_out(script: Script, provider: OpenIdProvider) -> None:
    script.facts = {"end_session_endpoint": None}

    assert provider.way_out("token", "state", "http://localhost:8080/openid/signed-out") is None
