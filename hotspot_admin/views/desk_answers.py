"""What was scanned or typed at the desk: one page says what it is, whether it can be used, and has the buttons to help.

A card number and a device's address stand in no address of a page: it carries them sealed.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cryptography.fernet import InvalidToken
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.adapters.rate_limit import CARD, DEVICE, VOUCHER_PREFIX, Attempt, RateLimits
from hotspot.adapters.refusal_memory import LastRefusal, RefusalMemory
from hotspot.errors import NotFound, Unavailable
from hotspot.models import RememberedDevice
from hotspot.policy.voucher_codes import VoucherCode, beginning_of
from hotspot.services import audit, desk, vouchers
from hotspot.services.attempts import card_subject, code_subject, device_subject
from hotspot.services.desk_actions import own_actions
from hotspot.services.disconnecting import end_session, end_sessions_of_patron, end_sessions_of_voucher
from hotspot.services.looking_up import (
    LONGEST_QUESTION,
    Elsewhere,
    Visit,
    code_in,
    find_patron,
    find_voucher,
    is_known_device,
    organisations_of_sites,
    remembered_at,
    show_card,
    show_device,
    show_voucher,
)
from hotspot.services.one_more_hour import HourGiven, can_be_lengthened, give_hour_to_grant, give_hour_to_voucher
from hotspot.services.remembering import forget_at_the_desk, forget_devices_of_patron
from hotspot.services.sites import local_zone
from hotspot.values import RefusalReason, parse_mac
from hotspot_admin.access import Permission, requires
from hotspot_admin.desk_wording import DONE, explain_at_the_desk, said_to_the_visitor, when
from hotspot_admin.doing import back_to, let_come_back, trying
from hotspot_admin.language import clock_time, gettext, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.desk import actions_about, desk_page
from hotspot_admin.views.online import said_of
from hotspot_admin.wording import DEVICE_FAMILIES, WAYS

blueprint = Blueprint("desk_answers", __name__, url_prefix="/desk")

_VOUCHER = "/voucher/<int(max=2147483647):batch_id>/<int(max=200):number>"
_CARD = "/card/<token>"
_DEVICE = "/device/<token>"


# ---- the question ----


@blueprint.post("/look-up")
@requires(Permission.SEE_PATRONS)
def look_up() -> ResponseReturnValue:
    """A voucher's code or the address in its QR code, a card's number, a device's address: whichever there is."""
    asked = request.form.get("asked", "").strip()[:LONGEST_QUESTION]
    address = _address_of(asked)
    if isinstance(address, str):
        return redirect(address, 303)
    if isinstance(address, Elsewhere):
        answer = gettext("This pass was printed at %(site)s: only its staff can look into it.", site=address.site_name)
    else:
        answer = _nothing_found(asked)
    return desk_page(asked=asked, answer=answer), 404


def _address_of(asked: str) -> str | Elsewhere | None:
    made, code, mac = resources(), code_in(asked), parse_mac(asked)
    if not asked or not asked.isprintable():
        return None
    with made.database.reading() as db:
        found = find_voucher(db, scope(), code, made.vault) if code is not None else None
        if isinstance(found, Elsewhere):
            return found
        if found is not None:
            return url_for("desk_answers.voucher", batch_id=found[0], number=found[1])
        is_card = find_patron(db, scope(), asked) is not None
        is_device = mac is not None and is_known_device(db, scope(), mac, now())
        card_subjects = _card_subjects(organisations_of_sites(db, scope()), asked)
    if is_card or (not is_device and _memory().find(card_subjects) is not None):
        return url_for("desk_answers.card", token=_seal("card", asked))
    if mac is not None and (is_device or _memory().find([device_subject(mac)]) is not None):
        return url_for("desk_answers.device", token=_seal("device", mac))
    return None


def _nothing_found(asked: str) -> str:
    if not asked:
        return gettext("Scan or type something first.")
    if code_in(asked) is not None:
        return gettext("This is not a code of ours, or it was erased long ago.")
    if parse_mac(asked) is not None:
        return gettext("Neither a card nor a device of today is known by this.")
    return gettext(
        "Nothing is known by this. A code has twelve characters: is one of them wrong? A card that the library’s file"
        " does not have yet is not known here either."
    )


# ---- a voucher ----


@blueprint.get(_VOUCHER)
@requires(Permission.MAKE_VOUCHERS)
def voucher(batch_id: int, number: int) -> ResponseReturnValue:
    made = resources()
    with made.database.reading() as db:
        code = _code_of(vouchers.voucher_of(vouchers.get_batch(db, scope(), batch_id), number).code_sealed)
        shut_until = _shut_until([_attempts_of(code)])
        about = show_voucher(db, scope(), batch_id, number, now(), made.settings, shut_until=shut_until)
        actions = actions_about(own_actions(db, scope(), now()), batch_id, number)
        live = sum(visit.wifi_session_id is not None for visit in about.visits)
    zone = about.batch.site.time_zone
    return _answer_page(
        "desk/voucher.html", zone, _last_refusal([code_subject(code)]), about, actions=actions, live=live
    )


@blueprint.post(f"{_VOUCHER}/hour")
@requires(Permission.MAKE_VOUCHERS)
def hour_for_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        given = give_hour_to_voucher(db, scope(), batch_id, number, now(), seen=_seen())
    if attempt.succeeded:
        _say_given(given)
    return back_to(_voucher_page(batch_id, number))


@blueprint.post(f"{_VOUCHER}/void")
@requires(Permission.MAKE_VOUCHERS)
def void_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        desk.void_pass(db, scope(), batch_id, number, now())
    if attempt.succeeded:
        flash(gettext("Voucher %(batch)s-%(number)s is void now.", batch=batch_id, number=number), "done")
    return back_to(_voucher_page(batch_id, number))


@blueprint.post("/batch/<int(max=2147483647):batch_id>/void")
@requires(Permission.MAKE_VOUCHERS)
def void_passes(batch_id: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        count = desk.void_passes(db, scope(), batch_id, now())
    if attempt.succeeded:
        flash(ngettext("%(num)s voucher is void now.", "%(num)s vouchers are void now.", count), "done")
    return back_to(url_for("desk.show"))


@blueprint.post(f"{_VOUCHER}/end")
@requires(Permission.END_SESSIONS)
def end_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        count = end_sessions_of_voucher(db, scope(), batch_id, number, now(), visits_too=False)
    flash(said_of(count), "done")
    return back_to(_voucher_page(batch_id, number))


@blueprint.post(f"{_VOUCHER}/forget")
@requires(Permission.END_SESSIONS)
def forget_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        found = vouchers.voucher_of(vouchers.get_batch(db, scope(), batch_id), number)
        count = forget_at_the_desk(db, scope(), RememberedDevice.voucher_id == found.id, now())
    if attempt.succeeded:
        _say_forgotten(count)
    return back_to(_voucher_page(batch_id, number))


@blueprint.post(f"{_VOUCHER}/lift")
@requires(Permission.END_SESSIONS)
def lift_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        code = _code_of(vouchers.voucher_of(vouchers.get_batch(db, scope(), batch_id), number).code_sealed)
    return _lift([_attempts_of(code)], _voucher_page(batch_id, number))


# ---- a card ----


@blueprint.get(_CARD)
@requires(Permission.SEE_PATRONS)
def card(token: str) -> ResponseReturnValue:
    made, number = resources(), _open("card", token)
    with made.database.reading() as db:
        organisations = organisations_of_sites(db, scope())
        shut_until = _shut_until(_attempts_with(organisations, number))
        about = show_card(db, scope(), number, now(), made.settings, shut_until=shut_until)
        zone = local_zone(db, scope()).key
        live = sum(visit.wifi_session_id is not None for visit in about.visits)
    last = _last_refusal(_card_subjects(organisations, number))
    return _answer_page("desk/card.html", zone, last, about, token=token, live=live)


@blueprint.post(f"{_CARD}/end")
@requires(Permission.END_SESSIONS)
def end_card(token: str) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        patron = find_patron(db, scope(), _open("card", token))
        if patron is None:
            raise NotFound("patron")
        count = end_sessions_of_patron(db, scope(), patron.id, now(), visits_too=False)
    flash(said_of(count), "done")
    return back_to(url_for("desk_answers.card", token=token))


@blueprint.post(f"{_CARD}/forget")
@requires(Permission.END_SESSIONS)
def forget_card(token: str) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        patron = find_patron(db, scope(), _open("card", token))
        if patron is None:
            raise NotFound("patron")
        forget_devices_of_patron(db, scope(), patron.id, now())
    if attempt.succeeded:
        flash(gettext("The devices of card %(card)s are forgotten.", card=patron.card_number), "done")
    return back_to(url_for("desk_answers.card", token=token))


@blueprint.post(f"{_CARD}/lift")
@requires(Permission.END_SESSIONS)
def lift_card(token: str) -> ResponseReturnValue:
    number = _open("card", token)
    with resources().database.reading() as db:
        organisations = organisations_of_sites(db, scope())
    return _lift(_attempts_with(organisations, number), url_for("desk_answers.card", token=token))


# ---- a device ----


@blueprint.get(_DEVICE)
@requires(Permission.SEE_PATRONS)
def device(token: str) -> ResponseReturnValue:
    made, mac = resources(), _open("device", token)
    with made.database.reading() as db:
        shut_until = _shut_until([Attempt(DEVICE, mac)])
        about = show_device(db, scope(), mac, now(), made.settings, shut_until=shut_until)
        zone = about.visits[0].grant.site.time_zone if about.visits else local_zone(db, scope()).key
        pass_number = _pass_of(about.visits)
        found = about.visits[0].grant.voucher if pass_number is not None else None
    last = _last_refusal([device_subject(mac)])
    seen = found.ends_at if found is not None and can_be_lengthened(found, now()) else None
    return _answer_page("desk/device.html", zone, last, about, token=token, pass_number=pass_number, lengthened_by=seen)


@blueprint.post(f"{_DEVICE}/forget")
@requires(Permission.END_SESSIONS)
def forget_device(token: str) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        count = forget_at_the_desk(db, scope(), remembered_at(scope(), _open("device", token)), now())
    if attempt.succeeded:
        _say_forgotten(count)
    return back_to(url_for("desk_answers.device", token=token))


@blueprint.post(f"{_DEVICE}/lift")
@requires(Permission.END_SESSIONS)
def lift_device(token: str) -> ResponseReturnValue:
    return _lift([Attempt(DEVICE, _open("device", token))], url_for("desk_answers.device", token=token))


# ---- a visit, on any of these pages ----


@blueprint.post("/visit/<uuid:grant_id>/hour")
@requires(Permission.MAKE_VOUCHERS)
def hour_for_visit(grant_id: UUID) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        given = give_hour_to_grant(db, scope(), grant_id, now(), seen=_seen())
    if attempt.succeeded:
        _say_given(given)
    return back_to(url_for("desk.show"))


@blueprint.post("/connection/<uuid:wifi_session_id>/end")
@requires(Permission.END_SESSIONS)
def end_connection(wifi_session_id: UUID) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        end_session(db, scope(), wifi_session_id, now(), visits_too=False)
    if attempt.succeeded:
        flash(gettext("The gateway is being asked to end this connection."), "done")
    return back_to(url_for("desk.show"))


# ---- all of them ----


def _answer_page(template: str, zone: str, last_refusal: LastRefusal | None, about: object, **facts: object) -> str:
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


def _pass_of(visits: Sequence[Visit]) -> tuple[int, int] | None:
    """(batch, number) of the voucher that a device has, if the staff member may look into it."""
    voucher = visits[0].grant.voucher if visits else None
    if voucher is None or voucher.batch.site_id not in scope().site_ids:
        return None
    return voucher.batch_id, [each.id for each in voucher.batch.vouchers].index(voucher.id) + 1


def _say_given(given: HourGiven) -> None:
    let_come_back(given.grants)
    ends_at = clock_time(given.ends_at, given.site.time_zone)
    said = gettext("One more hour is given: until %(time)s.", time=ends_at)
    if given.sessions:
        said += " " + gettext(
            "Whoever is online stays online where the gateway can do that; else one tap brings them back."
        )
    flash(said, "done")


def _say_forgotten(count: int) -> None:
    flash(ngettext("%(num)s device is forgotten.", "%(num)s devices are forgotten.", count), "done")


def _lift(attempts: Sequence[Attempt], usual: str) -> ResponseReturnValue:
    _limits().forgive(attempts)
    with resources().database.transaction() as db:
        audit.note(db, scope(), "desk.attempts_forgiven", "", {}, now())
    flash(gettext("The lock is lifted: it can be tried again at once."), "done")
    return back_to(usual)


def _seen() -> datetime | None:
    """The end that stood beside the button."""
    try:
        seen = datetime.fromisoformat(request.form.get("seen", ""))
    except ValueError:
        return None
    return seen if seen.tzinfo is not None else None


def _voucher_page(batch_id: int, number: int) -> str:
    return url_for("desk_answers.voucher", batch_id=batch_id, number=number)


def _limits() -> RateLimits:
    return RateLimits(resources().redis, resources().vault.digest)


def _memory() -> RefusalMemory:
    return RefusalMemory(resources().redis, resources().vault.digest)


def _last_refusal(subjects: Sequence[str]) -> LastRefusal | None:
    return _memory().find(subjects)


def _shut_until(attempts: Sequence[Attempt]) -> datetime | None:
    """Open when Redis is away: then nobody signs in, and this is not the page to say so."""
    try:
        left = _limits().time_left(attempts)
    except Unavailable:
        return None
    return None if left is None else now() + left


def _attempts_of(code: VoucherCode) -> Attempt:
    return Attempt(VOUCHER_PREFIX, beginning_of(code))


def _attempts_with(organisations: Sequence[int], card_number: str) -> list[Attempt]:
    return [Attempt(CARD, f"{organisation_id}:{card_number.strip()}") for organisation_id in organisations]


def _card_subjects(organisations: Sequence[int], card_number: str) -> list[str]:
    return [card_subject(organisation_id, card_number) for organisation_id in organisations]


def _code_of(sealed: bytes) -> VoucherCode:
    return VoucherCode(resources().vault.open(sealed))


def _seal(kind: str, text: str) -> str:
    return resources().vault.seal(f"{kind} {text}").decode()


def _open(kind: str, token: str) -> str:
    try:
        opened, _, text = resources().vault.open(token.encode()).partition(" ")
    except InvalidToken:
        raise NotFound(kind) from None
    if opened != kind:
        raise NotFound(kind)
    return text
