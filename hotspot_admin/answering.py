"""What the answers of the desk share: the page around each, what Redis knows of it, and addresses that name nobody.

A card number and a device's address stand in no address of a page: it carries them sealed.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import InvalidToken
from flask import flash, render_template, request
from flask.typing import ResponseReturnValue

from hotspot.adapters.rate_limit import VOUCHER_PREFIX, Attempt, RateLimits
from hotspot.adapters.refusal_memory import LastRefusal, RefusalMemory
from hotspot.errors import NotFound, Unavailable
from hotspot.policy.voucher_codes import VoucherCode, beginning_of
from hotspot.services import audit
from hotspot.services.attempts import card_attempt, card_subject
from hotspot.services.one_more_hour import HourGiven
from hotspot.values import RefusalReason
from hotspot_admin.desk_wording import DONE, explain_at_the_desk, said_to_the_visitor, when
from hotspot_admin.doing import back_to, let_come_back
from hotspot_admin.language import clock_time, gettext, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wording import DEVICE_FAMILIES, WAYS


def answer_page(template: str, zone: str, last_refusal: LastRefusal | None, about: object, **facts: object) -> str:
    return render_template(
        template,
        about=about,
        zone=zone,
        last_refusal=last_refusal,
        explain=explain_at_the_desk,
        said_to_the_visitor=said_to_the_visitor,
        when=when,
        families=DEVICE_FAMILIES,
        ways=WAYS,
        done=DONE,
        too_many_attempts=RefusalReason.TOO_MANY_ATTEMPTS,
        now=now(),
        **facts,
    )


def say_given(given: HourGiven) -> None:
    let_come_back(given.grants)
    ends_at = clock_time(given.ends_at, given.site.time_zone)
    said = gettext("One more hour is given: until %(time)s.", time=ends_at)
    if given.sessions:
        said += " " + gettext(
            "Whoever is online stays online where the gateway can do that; else one tap brings them back."
        )
    flash(said, "done")


def say_forgotten(count: int) -> None:
    flash(ngettext("%(num)s device is forgotten.", "%(num)s devices are forgotten.", count), "done")


def lift(attempts: Sequence[Attempt], usual: str) -> ResponseReturnValue:
    _limits().forgive(attempts)
    with resources().database.transaction() as db:
        audit.note(db, scope(), "desk.attempts_forgiven", "", {}, now())
    flash(gettext("The lock is lifted: it can be tried again at once."), "done")
    return back_to(usual)


def seen_end() -> datetime | None:
    """The end that stood beside the button."""
    try:
        seen = datetime.fromisoformat(request.form.get("seen", ""))
    except ValueError:
        return None
    return seen if seen.tzinfo is not None else None


def _limits() -> RateLimits:
    return RateLimits(resources().redis, resources().vault.digest)


def _memory() -> RefusalMemory:
    return RefusalMemory(resources().redis, resources().vault.digest)


def last_refusal(subjects: Sequence[str]) -> LastRefusal | None:
    return _memory().find(subjects)


def shut_until(attempts: Sequence[Attempt]) -> datetime | None:
    """Open when Redis is away: then nobody signs in, and this is not the page to say so."""
    try:
        left = _limits().time_left(attempts)
    except Unavailable:
        return None
    return None if left is None else now() + left


def attempts_of_code(code: VoucherCode) -> Attempt:
    return Attempt(VOUCHER_PREFIX, beginning_of(code))


def attempts_with(organisations: Sequence[int], card_number: str) -> list[Attempt]:
    return [card_attempt(organisation_id, card_number) for organisation_id in organisations]


def card_subjects(organisations: Sequence[int], card_number: str) -> list[str]:
    return [card_subject(organisation_id, card_number) for organisation_id in organisations]


def seal(kind: str, text: str) -> str:
    return resources().vault.seal(f"{kind} {text}").decode()


def unseal(kind: str, token: str) -> str:
    try:
        opened, _, text = resources().vault.open(token.encode()).partition(" ")
    except InvalidToken:
        raise NotFound(kind) from None
    if opened != kind:
        raise NotFound(kind)
    return text
