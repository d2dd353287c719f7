"""The answer about a card, and about a device: whether it can be used, and the buttons to help."""

from collections.abc import Sequence

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue

from hotspot.adapters.rate_limit import DEVICE, Attempt
from hotspot.errors import NotFound
from hotspot.services.attempts import device_subject
from hotspot.services.disconnecting import end_sessions_of_patron
from hotspot.services.looking_up import (
    find_patron,
    organisations_of_sites,
    remembered_at,
    show_card,
    show_device,
)
from hotspot.services.one_more_hour import can_be_lengthened
from hotspot.services.remembering import forget_at_the_desk, forget_devices_of_patron
from hotspot.services.sites import local_zone
from hotspot.services.verdicts import Visit
from hotspot_admin.access import Permission, requires
from hotspot_admin.answering import (
    answer_page,
    attempts_with,
    card_subjects,
    last_refusal,
    lift,
    say_forgotten,
    shut_until,
    unseal,
)
from hotspot_admin.doing import back_to, trying
from hotspot_admin.language import gettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.online import said_of

blueprint = Blueprint("desk_readers", __name__, url_prefix="/desk")

_CARD = "/card/<token>"
_DEVICE = "/device/<token>"


@blueprint.get(_CARD)
@requires(Permission.SEE_PATRONS)
def card(token: str) -> ResponseReturnValue:
    made, number = resources(), unseal("card", token)
    with made.database.reading() as db:
        organisations = organisations_of_sites(db, scope())
        shut = shut_until(attempts_with(organisations, number))
        about = show_card(db, scope(), number, now(), made.settings, shut_until=shut)
        zone = local_zone(db, scope()).key
        live = sum(visit.wifi_session_id is not None for visit in about.visits)
    last = last_refusal(card_subjects(organisations, number))
    return answer_page("desk/card.html", zone, last, about, token=token, live=live)


@blueprint.post(f"{_CARD}/end")
@requires(Permission.END_SESSIONS)
def end_card(token: str) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        patron = find_patron(db, scope(), unseal("card", token))
        if patron is None:
            raise NotFound("patron")
        count = end_sessions_of_patron(db, scope(), patron.id, now(), visits_too=False)
    flash(said_of(count), "done")
    return back_to(url_for("desk_readers.card", token=token))


@blueprint.post(f"{_CARD}/forget")
@requires(Permission.END_SESSIONS)
def forget_card(token: str) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        patron = find_patron(db, scope(), unseal("card", token))
        if patron is None:
            raise NotFound("patron")
        forget_devices_of_patron(db, scope(), patron.id, now())
    if attempt.succeeded:
        flash(gettext("The devices of card %(card)s are forgotten.", card=patron.card_number), "done")
    return back_to(url_for("desk_readers.card", token=token))


@blueprint.post(f"{_CARD}/lift")
@requires(Permission.END_SESSIONS)
def lift_card(token: str) -> ResponseReturnValue:
    number = unseal("card", token)
    with resources().database.reading() as db:
        organisations = organisations_of_sites(db, scope())
    return lift(attempts_with(organisations, number), url_for("desk_readers.card", token=token))


# ---- a device ----


@blueprint.get(_DEVICE)
@requires(Permission.SEE_PATRONS)
def device(token: str) -> ResponseReturnValue:
    made, mac = resources(), unseal("device", token)
    with made.database.reading() as db:
        shut = shut_until([Attempt(DEVICE, mac)])
        about = show_device(db, scope(), mac, now(), made.settings, shut_until=shut)
        zone = about.visits[0].grant.site.time_zone if about.visits else local_zone(db, scope()).key
        pass_number = _pass_of(about.visits)
        found = about.visits[0].grant.voucher if pass_number is not None else None
    last = last_refusal([device_subject(mac)])
    seen = found.ends_at if found is not None and can_be_lengthened(found, now()) else None
    return answer_page("desk/device.html", zone, last, about, token=token, pass_number=pass_number, lengthened_by=seen)


@blueprint.post(f"{_DEVICE}/forget")
@requires(Permission.END_SESSIONS)
def forget_device(token: str) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        count = forget_at_the_desk(db, scope(), remembered_at(scope(), unseal("device", token)), now())
    if attempt.succeeded:
        say_forgotten(count)
    return back_to(url_for("desk_readers.device", token=token))


@blueprint.post(f"{_DEVICE}/lift")
@requires(Permission.END_SESSIONS)
def lift_device(token: str) -> ResponseReturnValue:
    return lift([Attempt(DEVICE, unseal("device", token))], url_for("desk_readers.device", token=token))


def _pass_of(visits: Sequence[Visit]) -> tuple[int, int] | None:
    """(batch, number) of the voucher that a device has, if the staff member may look into it."""
    voucher = visits[0].grant.voucher if visits else None
    if voucher is None or voucher.batch.site_id not in scope().site_ids:
        return None
    return voucher.batch_id, [each.id for each in voucher.batch.vouchers].index(voucher.id) + 1
