"""A provider that says what a test wants, and us as it knows us."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from hotspot.adapters.openid.provider import OpenIdProvider, ProviderSettings, Secrets, new_secrets
from hotspot.values import IdentityProfile
from tests.factories import CLIENT_ID, CLIENT_SECRET
from tests.fixtures.openid import Script, a_scripted_provider

REDIRECT = "http://localhost:8080/identity/1/callback"
SIGNED_OUT = "http://localhost:8080/identity/signed-out"


def settings_of(issuer: str, profile: IdentityProfile = IdentityProfile.FRANCECONNECT) -> ProviderSettings:
    return ProviderSettings(profile, issuer, CLIENT_ID, CLIENT_SECRET, REDIRECT)


@pytest.fixture
def asked() -> Secrets:
    return new_secrets()


@pytest.fixture
def script(now: datetime, asked: Secrets) -> Iterator[Script]:
    with a_scripted_provider() as started:
        started.now, started.nonce = now.timestamp(), asked.nonce
        yield started


@pytest.fixture
def provider(script: Script) -> OpenIdProvider:
    return OpenIdProvider(settings_of(script.issuer))
