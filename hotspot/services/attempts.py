"""Attempts to sign in: what each counts towards, and which of them were guesses. For the portal and for the access
points' own pages alike, so that a code is not guessed twice as fast by asking at two doors."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from hotspot.adapters.rate_limit import CARD, DEVICE, SITE, VOUCHER_PREFIX, Attempt, RateLimits
from hotspot.policy.voucher_codes import VoucherCode, beginning_of, parse_code
from hotspot.services.readers import CheckedCard
from hotspot.services.signing_in import Credential, LibraryCard, VoucherCodeGiven
from hotspot.values import RefusalReason, Refuse

_GUESSES = frozenset((RefusalReason.UNKNOWN_CARD_OR_PIN, RefusalReason.VOUCHER_UNKNOWN))
"""Only these count against the limits: whoever is refused for another reason has guessed nothing."""
_PERHAPS = frozenset((DEVICE, CARD))
"""While a library's system is away nobody knows whether the PIN was right: that counts for this card and this device,
and must not close the site to everybody else."""

Outcome = TypeVar("Outcome")


def attempts_of(credential: Credential, *, device_mac: str, site_id: int, organisation_id: int) -> list[Attempt]:
    counted = [Attempt(DEVICE, device_mac), Attempt(SITE, str(site_id))]
    match credential:
        case LibraryCard(card_number) | CheckedCard(card_number=card_number):
            counted.append(Attempt(CARD, f"{organisation_id}:{card_number.strip()}"))
        case VoucherCodeGiven(code):
            counted.append(Attempt(VOUCHER_PREFIX, beginning_of(code)))
    return counted


def subjects_of(credential: Credential, *, device_mac: str, organisation_id: int) -> list[str]:
    """Whose refusal it is, for `RefusalMemory`."""
    subjects = [device_subject(device_mac)]
    match credential:
        case LibraryCard(card_number) | CheckedCard(card_number=card_number):
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
    guesses: list[Attempt] = []
    try:
        answer = ask()
        guesses = _guesses(attempts, answer)
    finally:
        if len(guesses) < len(attempts):
            limits.give_back([each for each in attempts if each not in guesses])
    return answer


def _guesses(attempts: list[Attempt], answer: object) -> list[Attempt]:
    reason = answer.reason if isinstance(answer, Refuse) else None
    if reason is RefusalReason.LIBRARY_AWAY:
        return [each for each in attempts if each.limit in _PERHAPS]
    return attempts if reason in _GUESSES else []
