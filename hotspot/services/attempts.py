"""Attempts to sign in: what each counts towards, and which of them were guesses. For the portal and for the access
points' own pages alike, so that a code is not guessed twice as fast by asking at two doors."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from hotspot.adapters.rate_limit import CARD, DEVICE, SITE, VOUCHER_PREFIX, Attempt, RateLimits
from hotspot.policy.voucher_codes import VoucherCode, beginning_of, parse_code
from hotspot.services.signing_in import Credential, LibraryCard, VoucherCodeGiven
from hotspot.values import RefusalReason, Refuse

_GUESSES = frozenset((RefusalReason.UNKNOWN_CARD_OR_PIN, RefusalReason.VOUCHER_UNKNOWN))
"""Only these count against the limits: whoever is refused for another reason has guessed nothing."""

Outcome = TypeVar("Outcome")


def attempts_of(credential: Credential, *, device_mac: str, site_id: int, organisation_id: int) -> list[Attempt]:
    counted = [Attempt(DEVICE, device_mac), Attempt(SITE, str(site_id))]
    match credential:
        case LibraryCard(card_number):
            counted.append(Attempt(CARD, f"{organisation_id}:{card_number.strip()}"))
        case VoucherCodeGiven(code):
            counted.append(Attempt(VOUCHER_PREFIX, beginning_of(code)))
    return counted


def subjects_of(credential: Credential, *, device_mac: str, organisation_id: int) -> list[str]:
    """Whose refusal it is, for `RefusalMemory`."""
    subjects = [device_subject(device_mac)]
    match credential:
        case LibraryCard(card_number):
            subjects.append(card_subject(organisation_id, card_number))
        case VoucherCodeGiven(code) if (parsed := parse_code(code)) is not None:
            subjects.append(code_subject(parsed))
    return subjects


def device_subject(device_mac: str) -> str:
    return f"device:{device_mac}"


def card_subject(organisation_id: int, card_number: str) -> str:
    """`organisation_id`: the site's, as for the attempts that are counted."""
    return f"card:{organisation_id}:{card_number.strip()}"


def code_subject(code: VoucherCode) -> str:
    return f"code:{code}"


def within_limits(
    limits: RateLimits, attempts: list[Attempt], now: datetime, ask: Callable[[], Outcome | Refuse]
) -> Outcome | Refuse:
    """What `ask` answers, unless there were too many wrong guesses."""
    wait = limits.take(attempts)
    if wait is not None:
        return Refuse(RefusalReason.TOO_MANY_ATTEMPTS, again_at=now + wait)
    guessed = False
    try:
        answer = ask()
        guessed = isinstance(answer, Refuse) and answer.reason in _GUESSES
    finally:
        if not guessed:
            limits.give_back(attempts)
    return answer
