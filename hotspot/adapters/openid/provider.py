"""One identity provider, as we are known to it: the way there, the proof that comes back, the way out.

Code flow with PKCE (RFC 7636), state and nonce; the messages are Authlib's, the connections our own. Of the person it
learns one thing, the subject: neither a name nor an address is asked for. Raises Unavailable("identity provider") while
the provider is down or makes no sense, and says so at once for some seconds after, so that visitors who wait for a dead
provider do not use up the portal's threads.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeVar
from urllib.parse import quote_plus

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet

from hotspot.adapters.bounded_http import HttpAnswer
from hotspot.adapters.openid.caller import Caller, an_exchange
from hotspot.adapters.openid.discovery import BadProvider, ProviderFacts, json_object, read_facts, read_keys
from hotspot.adapters.openid.tokens import (
    Expected,
    Flaw,
    UnknownKey,
    Untrue,
    read_id_token,
    read_signed_user_info,
    subject_of,
)
from hotspot.adapters.wire import NoAnswer
from hotspot.errors import Unavailable
from hotspot.policy.identity_profiles import RULES
from hotspot.values import IdentityProfile

DEPENDENCY = "identity provider"
WITHIN = timedelta(seconds=5)
"""For all that one step of a visitor has to ask."""
KNOWN_FOR = timedelta(hours=1)
"""How long its addresses and keys are taken as they were."""
DOWN_FOR = timedelta(seconds=10)

_CODE = re.compile(r"[\x20-\x7e]{1,2048}")
"""RFC 6749 appendix A.11."""
_ERROR = re.compile(r"[a-z_]{1,40}")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    profile: IdentityProfile
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    """Ours, as it was declared to the provider."""
    scopes: str = "openid"
    acr: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Of one request, never used for another: 43 characters each."""

    state: str
    nonce: str
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody whom the provider knows, and knew a moment ago in this browser."""

    issuer: str
    subject: str
    id_token: str = field(repr=False)
    """For the logout, which wants it back."""


@dataclass(frozen=True, slots=True)
class NotProven:
    flaw: Flaw
    said: str = ""
    """The provider's error code, if it gave one."""


def new_secrets() -> Secrets:
    return Secrets(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32))


class OpenIdProvider:
    """Kept as long as its settings stand; used by several threads at once."""

    def __init__(
        self, settings: ProviderSettings, *, within: timedelta = WITHIN, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock`: seconds that only grow; what is known ages by it."""
        self.settings = settings
        self._within = within
        self._rules = RULES[settings.profile]
        self._clock = clock
        self._lock = Lock()
        self._facts: tuple[float, ProviderFacts] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._down_until = 0.0

    def way_there(self, request: Secrets) -> str:
        """Where the browser goes to have its person identified."""
        facts = self._exchange(self._known_facts)
        settings = self.settings
        address: str = prepare_grant_uri(
            facts.authorization_endpoint,
            settings.client_id,
            "code",
            redirect_uri=settings.redirect_uri,
            scope=settings.scopes,
            state=request.state,
            nonce=request.nonce,
            code_challenge=create_s256_code_challenge(request.code_verifier),
            code_challenge_method="S256",
            acr_values=self._acr or None,
            prompt=settings.prompt or None,
        )
        return address

    def is_from(self, issuer: str | None) -> bool:
        """Does an answer through the browser come from this provider? One that names itself always does (RFC 9207):
        another provider's answer cannot be passed off as its own."""
        facts = self._exchange(self._known_facts)
        return issuer == facts.issuer if issuer is not None else not facts.names_itself

    def prove(self, code: str, request: Secrets, now: datetime) -> Proof | NotProven:
        """What the code is worth: a subject that the provider vouches for, or why not."""
        if _CODE.fullmatch(code) is None:
            return NotProven(Flaw.MALFORMED)
        return self._exchange(lambda caller: self._prove(caller, code, request, now))

    def way_out(self, id_token: str, state: str, return_to: str) -> str | None:
        """Where the browser goes to sign out there too; None if the provider knows no logout."""
        end_session = self._exchange(self._known_facts).end_session_endpoint
        if not end_session:
            return None
        parameters = [("id_token_hint", id_token), ("state", state), ("post_logout_redirect_uri", return_to)]
        address: str = add_params_to_uri(end_session, parameters)
        return address

    @property
    def _acr(self) -> str:
        return self.settings.acr or self._rules.acr

    def _exchange(self, ask: Callable[[Caller], Result]) -> Result:
        if self._clock() < self._down_until:
            raise Unavailable(DEPENDENCY)
        with an_exchange(self._within) as caller:
            try:
                return ask(caller)
            except (BadProvider, NoAnswer) as error:
                self._down_until = self._clock() + DOWN_FOR.total_seconds()
                raise Unavailable(DEPENDENCY) from error

    def _known_facts(self, caller: Caller) -> ProviderFacts:
        with self._lock:
            if self._facts is None or self._facts[0] < self._clock():
                self._facts = (self._clock() + KNOWN_FOR.total_seconds(), read_facts(caller, self.settings.issuer))
            return self._facts[1]

    def _known_keys(self, caller: Caller, facts: ProviderFacts, *, afresh: bool = False) -> KeySet:
        with self._lock:
            if afresh or self._keys is None or self._keys[0] < self._clock():
                self._keys = (self._clock() + KNOWN_FOR.total_seconds(), read_keys(caller, facts.jwks_uri))
            return self._keys[1]

    def _prove(self, caller: Caller, code: str, request: Secrets, now: datetime) -> Proof | NotProven:
        facts = self._known_facts(caller)
        answer = ask_for_token(caller, facts, self.settings, code, request.code_verifier)
        if answer.status != 200:
            return _token_refused(answer)
        given = json_object(answer)
        id_token, access_token = given.get("id_token"), given.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            return NotProven(Flaw.MALFORMED)
        expected = Expected(facts.issuer, self.settings.client_id, request.nonce, self._acr, self.settings.profile)

        def read(keys: KeySet) -> str:
            return read_id_token(id_token, keys, expected, access_token, now)

        try:
            subject = self._with_keys(caller, facts, read)
            if facts.userinfo_endpoint:
                again = self._user_info_subject(caller, facts, expected, access_token, now)
                if again != subject:
                    return NotProven(Flaw.OTHER_SUBJECT)
        except Untrue as untrue:
            return NotProven(untrue.flaw)
        return Proof(facts.issuer, subject, id_token)

    def _user_info_subject(
        self, caller: Caller, facts: ProviderFacts, expected: Expected, access_token: str, now: datetime
    ) -> str:
        """Core section 5.3.2: without this comparison another person's answer could be slipped in."""
        if not access_token.isascii() or not access_token.isprintable():
            raise Untrue(Flaw.MALFORMED)
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/jwt, application/json"}
        answer = caller.get(facts.userinfo_endpoint, headers)
        if answer.status >= 500:
            raise BadProvider(f"its user info endpoint answers with status {answer.status}")
        if answer.status != 200:
            raise Untrue(Flaw.USER_INFO_REFUSED)
        if answer.content_type.partition(";")[0].strip().lower() == "application/jwt":
            token = answer.body.decode("ascii", "replace").strip()
            return subject_of(
                self._with_keys(caller, facts, lambda keys: read_signed_user_info(token, keys, expected, now))
            )
        if self._rules.signed_user_info:
            raise Untrue(Flaw.NOT_SIGNED)
        return subject_of(json_object(answer))

    def _with_keys(self, caller: Caller, facts: ProviderFacts, read: Callable[[KeySet], Result]) -> Result:
        """With the keys that are known; once more with new ones, should it be signed with one that is not."""
        try:
            return read(self._known_keys(caller, facts))
        except UnknownKey:
            return read(self._known_keys(caller, facts, afresh=True))


def ask_for_token(
    caller: Caller, facts: ProviderFacts, settings: ProviderSettings, code: str, code_verifier: str
) -> HttpAnswer:
    body = prepare_token_request(
        "authorization_code", redirect_uri=settings.redirect_uri, code=code, code_verifier=code_verifier
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    client_id, secret, method = settings.client_id, settings.client_secret, "client_secret_post"
    if not (facts.secret_in_body or RULES[settings.profile].secret_in_body):
        # RFC 6749 section 2.3.1 has both encoded before they are joined by a colon; Authlib joins them as they are
        client_id, secret, method = quote_plus(client_id), quote_plus(secret), "client_secret_basic"
    _, headers, body = ClientAuth(client_id, secret, method).prepare("POST", facts.token_endpoint, headers, body)
    return caller.post(facts.token_endpoint, headers, body.encode())


def error_of(answer: HttpAnswer) -> str:
    """The error code of RFC 6749 section 5.2, if it is one."""
    try:
        said = json_object(answer).get("error")
    except BadProvider:
        return ""
    return said if isinstance(said, str) and _ERROR.fullmatch(said) else ""


def _token_refused(answer: HttpAnswer) -> NotProven:
    if answer.status >= 500 or answer.status == 429 or answer.status < 400:
        raise BadProvider(f"its token endpoint answers with status {answer.status}")
    said = error_of(answer)
    return NotProven(Flaw.CLIENT_REFUSED if said == "invalid_client" else Flaw.CODE_REFUSED, said)
