"""What staff are told about a provider before any visitor is sent there."""

from datetime import timedelta
from typing import Any

import pytest

from hotspot.adapters.openid.examination import Check, Verdict, examine
from hotspot.values import IdentityProfile
from tests.fixtures.openid import Script, a_client, an_openid_provider
from tests.hotspot.openid.conftest import REDIRECT, SIGNED_OUT, settings_of

pytestmark = pytest.mark.integration


def verdicts(script: Script, profile: IdentityProfile = IdentityProfile.FRANCECONNECT) -> dict[Check, Verdict]:
    return {each.check: each.verdict for each in examine(settings_of(script.issuer, profile))}


def unknown_code(script: Script) -> None:
    script.status, script.bodies = {"/token": 400}, {"/token": b'{"error": "invalid_grant"}'}


def test_a_real_provider_that_knows_us_is_well_in_everything() -> None:
    with an_openid_provider(a_client(REDIRECT, SIGNED_OUT)) as issuer:
        found = examine(settings_of(issuer))

    assert {each.check: each.verdict for each in found} == dict.fromkeys(Check, Verdict.WELL)


def test_a_wrong_client_is_told(script: Script) -> None:
    script.status, script.bodies = {"/token": 401}, {"/token": b'{"error": "invalid_client"}'}

    assert verdicts(script)[Check.CLIENT] is Verdict.WRONG


def test_an_answer_that_says_neither_is_doubtful(script: Script) -> None:
    script.status, script.bodies = {"/token": 400}, {"/token": b"<html>"}

    assert verdicts(script)[Check.CLIENT] is Verdict.DOUBTFUL


@pytest.mark.parametrize(
    ("profile", "verdict"),
    [(IdentityProfile.FRANCECONNECT, Verdict.WRONG), (IdentityProfile.GENERIC, Verdict.DOUBTFUL)],
)
def test_a_provider_without_logout_is_no_franceconnect(
    script: Script, profile: IdentityProfile, verdict: Verdict
) -> None:
    unknown_code(script)
    script.facts = {"end_session_endpoint": None}

    assert verdicts(script, profile)[Check.LOGOUT] is verdict


def test_a_provider_that_does_not_speak_of_pkce_is_doubtful(script: Script) -> None:
    unknown_code(script)
    script.facts = {"code_challenge_methods_supported": None}

    assert verdicts(script)[Check.PKCE] is Verdict.DOUBTFUL


WRONG: dict[str, tuple[dict[str, Any], Check, str]] = {
    "another issuer": ({"facts": {"issuer": "https://elsewhere.test"}}, Check.DISCOVERY, "another issuer"),
    "no keys": ({"bodies": {"/jwks": b'{"keys": []}'}}, Check.KEYS, "no key"),
    "out of order": ({"status": {"/.well-known/openid-configuration": 503}}, Check.DISCOVERY, "status 503"),
    "slow": ({"drips": {"/.well-known/openid-configuration"}}, Check.DISCOVERY, "no answer in time"),
}


@pytest.mark.parametrize(("changes", "check", "detail"), WRONG.values(), ids=WRONG)
def test_the_first_thing_that_is_wrong_is_the_last_that_is_told(
    script: Script, changes: dict[str, Any], check: Check, detail: str
) -> None:
    for name, value in changes.items():
        setattr(script, name, value)

    *_, last = examine(settings_of(script.issuer), within=timedelta(seconds=0.5))

    assert (last.check, last.verdict) == (check, Verdict.WRONG)
    assert detail in last.detail


def test_who_cannot_be_reached_is_told_in_the_words_of_the_network() -> None:
    (found,) = examine(settings_of("http://127.0.0.1:9"))

    assert (found.check, found.verdict, found.detail) == (Check.DISCOVERY, Verdict.WRONG, "Connection refused")
