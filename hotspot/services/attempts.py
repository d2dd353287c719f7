"""Attempts to sign in: what each counts towards, and which of them were guesses. For the portal and for the access
points' own pages alike, so that a code is not guessed twice as fast by asking at two doors. And messages that visitors
cause to be sent: what those count towards."""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from hotspot.adapters.rate_limit import (
    CARD,
    DEVICE,
    PASS_ADDRESS,
    PASS_CONTACT,
    PASS_DEVICE,
    PASS_HOST,
    PASS_SITE,
    SITE,
    TEXT_DEVICE,
    TEXT_NUMBER,
    VOUCHER_PREFIX,
    Attempt,
    RateLimits,
    texts_of_all,
    texts_of_site,
)
from hotspot.policy.voucher_codes import VoucherCode, beginning_of, parse_code
from hotspot.services.readers import CheckedCard
from hotspot.services.signing_in import Credential, LibraryCard, VoucherCodeGiven
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Refuse, Way

_GUESSES = frozenset(
    (
        RefusalReason.UNKNOWN_CARD_OR_PIN,
        RefusalReason.VOUCHER_UNKNOWN,
        RefusalReason.CODE_WRONG,
        RefusalReason.CODE_TRIED_TOO_OFTEN,
    )
)
"""Only these count against the limits: whoever is refused for another reason has guessed nothing."""
_PERHAPS = frozenset((DEVICE, CARD))
"""While a library's system is away nobody knows whether the PIN was right: that counts for this card and this device,
and must not close the site to everybody else."""

Outcome = TypeVar("Outcome")


def attempts_of(credential: Credential, *, device_mac: str, site_id: int, organisation_id: int) -> list[Attempt]:
    counted = [Attempt(DEVICE, device_mac), Attempt(SITE, str(site_id))]
    match credential:
        case LibraryCard(card_number) | CheckedCard(card_number=card_number):
            counted.append(card_attempt(organisation_id, card_number))
        case VoucherCodeGiven(code):
            counted.append(Attempt(VOUCHER_PREFIX, beginning_of(code)))
    return counted


def card_attempt(organisation_id: int, card_number: str) -> Attempt:
    """Of all the ways to write it: a library's system may take MARIE for marie, and a PIN must not be guessed as often
    as there are spellings."""
    spelt = "".join(unicodedata.normalize("NFKC", card_number).casefold().split())
    return Attempt(CARD, f"{organisation_id}:{spelt}")


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


def messages_of(way: Way, contact_key: str, *, device_mac: str, site_id: int, address: str) -> list[Attempt]:
    """A message that is about to be sent, at the wish of whoever holds this device. `contact_key`: whom to; `address`:
    as `rate_limit.whose` gives it."""
    counted = [
        Attempt(PASS_DEVICE, device_mac),
        Attempt(PASS_HOST if way is Way.SPONSOR else PASS_CONTACT, f"{way}:{contact_key}"),
        Attempt(PASS_ADDRESS, address),
        Attempt(PASS_SITE, str(site_id)),
    ]
    if way is Way.SMS_CODE:
        counted += [Attempt(TEXT_NUMBER, contact_key), Attempt(TEXT_DEVICE, device_mac)]
    return counted


def texts_of(way: Way, site_id: int, settings: Settings) -> list[Attempt]:
    """What a text message costs counts for the site and for all of them together."""
    if way is not Way.SMS_CODE:
        return []
    return [
        Attempt(texts_of_site(settings.sms_per_site), str(site_id)),
        Attempt(texts_of_all(settings.sms_per_day), "all"),
    ]


def within_message_limits(
    limits: RateLimits,
    messages: list[Attempt],
    texts: list[Attempt],
    now: datetime,
    ask: Callable[[], Outcome | Refuse],
) -> Outcome | Refuse:
    """What `ask` answers, unless too many were asked for. Every one counts but those that were refused, for which
    nothing was sent. Which limit was reached tells a stranger that somebody asked, not that anybody is known here."""
    for counted, reason in ((messages, RefusalReason.TOO_MANY_ATTEMPTS), (texts, RefusalReason.TEXTS_USED_UP)):
        wait = limits.take(counted) if counted else None
        if wait is not None:
            if counted is texts:
                limits.give_back(messages)
            return Refuse(reason, again_at=now + wait)
    answer: Outcome | Refuse | None = None
    try:
        answer = ask()
    finally:
        if answer is None or isinstance(answer, Refuse):
            limits.give_back(messages + texts)
    return answer
