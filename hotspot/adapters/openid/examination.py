"""Is a provider set up right? What can be known without a visitor: for staff, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hotspot.adapters.openid.caller import Caller, an_exchange
from hotspot.adapters.openid.discovery import BadProvider, ProviderFacts, read_facts, read_keys
from hotspot.adapters.openid.provider import (
    WITHIN,
    ProviderSettings,
    ask_for_token,
    error_of,
    new_secrets,
)
from hotspot.adapters.wire import NoAnswer
from hotspot.policy.identity_profiles import RULES


class Check(StrEnum):
    DISCOVERY = "discovery"
    """It answers, and calls itself by the issuer that was typed."""
    KEYS = "keys"
    """It has a key that we take."""
    PKCE = "pkce"
    LOGOUT = "logout"
    CLIENT = "client"
    """It knows us, by our client id and secret."""


class Verdict(StrEnum):
    WELL = "well"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """Its sentence for people is in `hotspot/identity_wording.py`."""

    check: Check
    verdict: Verdict
    detail: str = ""
    """What the other side, or the machine, said: technical, in English, nothing secret."""


def examine(settings: ProviderSettings, within: timedelta = WITHIN) -> tuple[Finding, ...]:
    """Raises nothing. What cannot be known after the first failure is left out, and the client before there is one."""
    with an_exchange(within) as caller:
        return tuple(_findings(caller, settings))


def _findings(caller: Caller, settings: ProviderSettings) -> Iterator[Finding]:
    check = Check.DISCOVERY
    try:
        facts = read_facts(caller, settings.issuer)
        yield Finding(check, Verdict.WELL)
        check = Check.KEYS
        keys = read_keys(caller, facts.jwks_uri)
        yield Finding(check, Verdict.WELL, ", ".join(sorted({key.key_type for key in keys})))
        yield Finding(Check.PKCE, Verdict.WELL if facts.takes_s256 else Verdict.DOUBTFUL)
        yield _logout(facts, settings)
        if settings.client_id:
            check = Check.CLIENT
            yield _client(caller, facts, settings)
    except (BadProvider, NoAnswer) as error:
        yield Finding(check, Verdict.WRONG, str(error))


def _logout(facts: ProviderFacts, settings: ProviderSettings) -> Finding:
    if facts.end_session_endpoint:
        return Finding(Check.LOGOUT, Verdict.WELL)
    return Finding(Check.LOGOUT, Verdict.WRONG if RULES[settings.profile].must_log_out else Verdict.DOUBTFUL)


def _client(caller: Caller, facts: ProviderFacts, settings: ProviderSettings) -> Finding:
    """A code that nobody gave: who is known is told that the code is wrong, who is not that the client is."""
    made_up = new_secrets()
    answer = ask_for_token(caller, facts, settings, made_up.state, made_up.code_verifier)
    match error_of(answer):
        case "invalid_grant":
            return Finding(Check.CLIENT, Verdict.WELL)
        case "invalid_client" | "unauthorized_client":
            return Finding(Check.CLIENT, Verdict.WRONG)
        case said:
            return Finding(Check.CLIENT, Verdict.DOUBTFUL, said or f"status {answer.status}")
