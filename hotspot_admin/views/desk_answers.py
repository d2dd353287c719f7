"""What was scanned or typed at the desk: what it is; and of a voucher whether it can be used, and the buttons to help.

Cards and devices are in `desk_readers.py`.
"""

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.models import RememberedDevice
from hotspot.policy.voucher_codes import VoucherCode
from hotspot.services import desk, vouchers
from hotspot.services.attempts import code_subject, device_subject
from hotspot.services.desk_actions import own_actions
from hotspot.services.disconnecting import end_session, end_sessions_of_voucher
from hotspot.services.looking_up import (
    LONGEST_QUESTION,
    Elsewhere,
    code_in,
    find_patron,
    find_voucher,
    is_known_device,
    organisations_of_sites,
    show_voucher,
)
from hotspot.services.one_more_hour import give_hour_to_grant, give_hour_to_voucher
from hotspot.services.remembering import forget_at_the_desk
from hotspot.values import parse_mac
from hotspot_admin.access import Permission, requires
from hotspot_admin.answering import (
    answer_page,
    attempts_of_code,
    card_subjects,
    last_refusal,
    lift,
    say_forgotten,
    say_given,
    seal,
    seen_end,
    shut_until,
)
from hotspot_admin.doing import back_to, trying
from hotspot_admin.language import gettext, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.desk import actions_about, desk_page
from hotspot_admin.views.online import said_of

blueprint = Blueprint("desk_answers", __name__, url_prefix="/desk")

_VOUCHER = "/voucher/<int(max=2147483647):batch_id>/<int(max=200):number>"


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
        of_card = card_subjects(organisations_of_sites(db, scope()), asked)
    if is_card or (not is_device and last_refusal(of_card) is not None):
        return url_for("desk_readers.card", token=seal("card", asked))
    if mac is not None and (is_device or last_refusal([device_subject(mac)]) is not None):
        return url_for("desk_readers.device", token=seal("device", mac))
    return None


def _nothing_found(asked: str) -> str:
    if not asked:
        return gettext("Scan or type something first.")
    if code_in(asked) is not None:
        return gettext("This is not a code of ours, or it was erased long ago.")
    if parse_mac(asked) is not None:
        return gettext("Neither a card nor a device of today is known by this.")
    return gettext(
        "Nothing is known by this. A code has twelve characters: is one of them wrong? A card that has not been used"
        " here yet may also be unknown: its holder can try it on the page of the Wi-Fi."
    )


# ---- a voucher ----


@blueprint.get(_VOUCHER)
@requires(Permission.MAKE_VOUCHERS)
def voucher(batch_id: int, number: int) -> ResponseReturnValue:
    made = resources()
    with made.database.reading() as db:
        code = _code_of(vouchers.voucher_of(vouchers.get_batch(db, scope(), batch_id), number).code_sealed)
        shut = shut_until([attempts_of_code(code)])
        about = show_voucher(db, scope(), batch_id, number, now(), made.settings, shut_until=shut)
        actions = actions_about(own_actions(db, scope(), now()), batch_id, number)
        live = sum(visit.wifi_session_id is not None for visit in about.visits)
    zone = about.batch.site.time_zone
    return answer_page("desk/voucher.html", zone, last_refusal([code_subject(code)]), about, actions=actions, live=live)


@blueprint.post(f"{_VOUCHER}/hour")
@requires(Permission.MAKE_VOUCHERS)
def hour_for_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        given = give_hour_to_voucher(db, scope(), batch_id, number, now(), seen=seen_end())
    if attempt.succeeded:
        say_given(given)
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
        say_forgotten(count)
    return back_to(_voucher_page(batch_id, number))


@blueprint.post(f"{_VOUCHER}/lift")
@requires(Permission.END_SESSIONS)
def lift_voucher(batch_id: int, number: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        code = _code_of(vouchers.voucher_of(vouchers.get_batch(db, scope(), batch_id), number).code_sealed)
    return lift([attempts_of_code(code)], _voucher_page(batch_id, number))


# ---- a visit, on any of these pages ----


@blueprint.post("/visit/<uuid:grant_id>/hour")
@requires(Permission.MAKE_VOUCHERS)
def hour_for_visit(grant_id: UUID) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        given = give_hour_to_grant(db, scope(), grant_id, now(), seen=seen_end())
    if attempt.succeeded:
        say_given(given)
    return back_to(url_for("desk.show"))


@blueprint.post("/connection/<uuid:wifi_session_id>/end")
@requires(Permission.END_SESSIONS)
def end_connection(wifi_session_id: UUID) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        end_session(db, scope(), wifi_session_id, now(), visits_too=False)
    if attempt.succeeded:
        flash(gettext("The gateway is being asked to end this connection."), "done")
    return back_to(url_for("desk.show"))


def _voucher_page(batch_id: int, number: int) -> str:
    return url_for("desk_answers.voucher", batch_id=batch_id, number=number)


def _code_of(sealed: bytes) -> VoucherCode:
    return VoucherCode(resources().vault.open(sealed))
