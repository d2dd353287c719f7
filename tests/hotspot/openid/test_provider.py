"""With the certified oidc-provider: the whole way there, back and out, signed user info, both ways to authenticate."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hotspot.adapters.openid.provider import NotProven, OpenIdProvider, Proof, new_secrets
from hotspot.adapters.openid.tokens import Flaw
from hotspot.values import IdentityProfile
from tests.fixtures.openid import a_client, an_openid_provider
from tests.hotspot.openid.conftest import REDIRECT, SIGNED_OUT, settings_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    generic = a_client(
        REDIRECT,
        SIGNED_OUT,
        client_id="generic",
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
    )
    generic.pop("userinfo_signed_response_alg")
    with an_openid_provider(a_client(REDIRECT, SIGNED_OUT), generic) as started:
        yield started


@dataclass
class Person:
    """A browser, and somebody who answers its questions."""

    browser: httpx.Client
    signs_in: bool = True

    def follow(self, address: str) -> dict[str, str]:
        """Until the provider sends the browser back to us; what it brings."""
        answer = self.browser.get(address)
        for _ in range(10):
            if answer.status_code == 200:
                given = {"name": "marie", "answer": "yes" if self.signs_in else "no"}
                answer = self.browser.post(str(answer.url), data=given)
            to = str(answer.url.join(answer.headers["Location"]))
            if to.startswith("http://localhost:8080/"):
                return {name: values[0] for name, values in parse_qs(urlsplit(to).query).items()}
            answer = self.browser.get(to)
        raise AssertionError(address)

    def is_known(self, address: str) -> bool:
        """The provider asks nothing."""
        return self.browser.get(address).headers.get("Location", "").startswith(REDIRECT)


@pytest.fixture
def person() -> Iterator[Person]:
    with httpx.Client(trust_env=False) as browser:
        yield Person(browser)


def now() -> datetime:
    return datetime.now(UTC)


def proof(provider: OpenIdProvider, person: Person) -> Proof:
    asked = new_secrets()
    back = person.follow(provider.way_there(asked))
    found = provider.prove(back["code"], asked, now())
    assert isinstance(found, Proof)
    return found


def test_who_signs_in_there_is_proven_here(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()

    back = person.follow(provider.way_there(asked))
    found = provider.prove(back["code"], asked, now())

    assert isinstance(found, Proof)
    assert (found.issuer, found.subject) == (issuer, "marie")
    assert back["state"] == asked.state
    assert provider.is_from(back["iss"])


def test_a_generic_provider_with_basic_rs256_and_plain_user_info(issuer: str, person: Person) -> None:
    settings = settings_of(issuer, IdentityProfile.GENERIC)
    provider = OpenIdProvider(replace(settings, client_id="generic"))
    facts = provider._exchange(provider._known_facts)
    provider._facts = (float("inf"), replace(facts, secret_in_body=False))  # it would take both

    assert proof(provider, person).subject == "marie"


def test_a_code_is_good_once(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()
    code = person.follow(provider.way_there(asked))["code"]
    provider.prove(code, asked, now())

    assert provider.prove(code, asked, now()) == NotProven(Flaw.CODE_REFUSED, "invalid_grant")


def test_a_code_is_worth_nothing_without_its_verifier(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()
    code = person.follow(provider.way_there(asked))["code"]

    stolen = replace(asked, code_verifier=new_secrets().code_verifier)

    assert provider.prove(code, stolen, now()) == NotProven(Flaw.CODE_REFUSED, "invalid_grant")


def test_a_code_of_another_request_is_refused_by_its_nonce(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()
    code = person.follow(provider.way_there(asked))["code"]

    assert provider.prove(code, replace(asked, nonce=new_secrets().nonce), now()) == NotProven(Flaw.NONCE)


def test_a_wrong_client_secret_is_told_apart(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()
    code = person.follow(provider.way_there(asked))["code"]
    mistyped = OpenIdProvider(replace(settings_of(issuer), client_secret="another"))

    assert mistyped.prove(code, asked, now()) == NotProven(Flaw.CLIENT_REFUSED, "invalid_client")


def test_who_refuses_there_comes_back_with_an_error(issuer: str, person: Person) -> None:
    provider, asked = OpenIdProvider(settings_of(issuer)), new_secrets()
    person.signs_in = False

    back = person.follow(provider.way_there(asked))

    assert (back["error"], back["state"], back["iss"]) == ("access_denied", asked.state, issuer)


def test_the_way_out_ends_the_visit_there(issuer: str, person: Person) -> None:
    provider = OpenIdProvider(settings_of(issuer))
    known = proof(provider, person)
    assert person.is_known(provider.way_there(new_secrets()))

    way_out = provider.way_out(known.id_token, "state-of-the-way-out", SIGNED_OUT)
    assert way_out is not None
    asks = person.browser.get(way_out)
    (xsrf,) = re.findall(r'name="xsrf" value="(\w+)"', asks.text)
    (confirm,) = re.findall(r'action="([^"]+)"', asks.text)
    back = person.browser.post(confirm, data={"xsrf": xsrf, "logout": "yes"})

    assert back.headers["Location"] == f"{SIGNED_OUT}?state=state-of-the-way-out"
    assert not person.is_known(provider.way_there(new_secrets()))


def test_the_way_out_leads_nowhere_else(issuer: str, person: Person) -> None:
    provider = OpenIdProvider(settings_of(issuer))
    known = proof(provider, person)

    elsewhere = provider.way_out(known.id_token, "state", "https://elsewhere.test/")

    assert elsewhere is not None
    assert person.browser.get(elsewhere).status_code == 400
