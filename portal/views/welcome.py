"""Where access points send browsers, and what happens then: on to the network, to the page, or a clear no."""

from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from structlog import get_logger

from hotspot.adapters.rate_limit import HOP, Attempt
from hotspot.policy.voucher_codes import print_code
from hotspot.services.allowances import is_announcement_due
from hotspot.services.arriving import find_live_grant, find_place, find_used_up, lives_of_devices
from hotspot.services.passes import find_waiting
from hotspot.services.remembering import find_returning, is_remembered
from hotspot.values import USED_UP, RefusalReason, Refuse
from hotspot.vendors.vendor import Outcome, Redirect
from hotspot.wording import explain
from portal.answers import Notice, count_refusal, notice_of, page, refusal_page
from portal.arrival import Arrival, check_redirect, read_redirect
from portal.language import gettext, language, speak
from portal.letting_in import address_online, see_other, send_to_the_nas
from portal.pass_forms import FORM_WAYS
from portal.pass_page import pass_page
from portal.protection import may_lead_to
from portal.resources import KnownPlace, resources
from portal.return_cookie import has_cookie, return_key, take_cookie
from portal.scanned_code import scanned_code
from portal.views.sign_in import address_of_announcement
from portal.visits import needs_arrival, shown_site
from portal.welcome_page import Shown, welcome_page

blueprint = Blueprint("welcome", __name__)
log = get_logger()


@blueprint.get("/")
def root() -> Response:
    return refusal_page(Refuse(RefusalReason.NOT_FROM_ACCESS_POINT), status=HTTPStatus.OK)


@blueprint.get("/hotspot")
def hotspot() -> Response:
    query = request.query_string
    if not query or (query.startswith(b"lang=") and request.args.keys() == {"lang"}):
        return root()
    if b"arrival=" in query and "arrival" in request.args:
        return _same_page_again()
    redirect = read_redirect(request.path, query)
    if isinstance(redirect, Refuse):
        return _refused(redirect)
    speak(redirect.language)
    known = _place(redirect)
    made = resources()
    arrival = check_redirect(redirect, known, made.clock(), portal_url=made.settings.public_portal)
    if isinstance(arrival, Refuse):
        return _refused(arrival, nas_id=known.place.nas_id if known else None)
    may_lead_to(arrival.login_url)
    return _arrived(arrival, redirect.outcome, known)


def _arrived(arrival: Arrival, outcome: Outcome, known: KnownPlace | None) -> Response:
    match outcome:
        case Outcome.ADMITTED:
            return _through(arrival)
        case Outcome.NOT_YET if has_cookie():
            return _on_its_way(arrival, known) or _welcome(arrival, outcome)
        case Outcome.NOT_YET if not _may_have_been_here(arrival):
            return welcome_page(arrival, Shown(voucher_code=_scanned()))
        case Outcome.NOT_YET:
            return _on_its_way(arrival, known) or _welcome(arrival, outcome)
    return _welcome(arrival, outcome)


@needs_arrival
def _same_page_again(arrival: Arrival) -> Response:
    """In another language, or to choose another way."""
    return _welcome(arrival, Outcome.NOT_YET, may_choose=True)


def _refused(refusal: Refuse, nas_id: int | None = None) -> Response:
    count_refusal(refusal.reason)
    log.info("arrival_refused", reason=refusal.reason.value, nas=nas_id)
    return refusal_page(refusal)


def _place(redirect: Redirect) -> KnownPlace | None:
    made = resources()
    key = (redirect.vendor, redirect.nas_identifier, redirect.called_station_id)

    def load() -> KnownPlace | None:
        with made.database.reading() as db:
            place = find_place(db, *key)
        if place is None:
            return None
        sealed = place.redirect_secret_sealed
        return KnownPlace(place, made.vault.open(sealed) if sealed else "")

    return made.places.get(key, load)


def _may_have_been_here(arrival: Arrival) -> bool:
    """Most have not: for them neither a waiting login nor a grant is looked for."""
    made = resources()
    hint = made.returning.look_up(arrival.device_mac)
    if not hint.is_complete and made.returning.may_fill():
        with made.database.reading() as db:
            lives = lives_of_devices(db, made.clock())
        made.returning.fill(lives)
    return hint.perhaps


def _through(arrival: Arrival) -> Response:
    """The access point says that the device is online: its own page, if it is online by one of our grants."""
    made = resources()
    with made.database.reading() as db:
        grant = find_live_grant(db, arrival.device_mac, arrival.site_id, made.clock(), made.settings)
    if grant is not None:
        return see_other(address_online(grant.id))
    return page(
        "message.html",
        title=gettext("You are online."),
        what_to_do=gettext("The access point already lets this device through. Enjoy your visit."),
        site=shown_site(arrival.site_id),
    )


def _on_its_way(arrival: Arrival, known: KnownPlace | None) -> Response | None:
    """A device that has signed in and comes back with a fresh challenge is sent straight on."""
    made = resources()
    login = made.logins.pending(arrival.nas_id, arrival.device_mac)
    if known is None or login is None:
        return None
    if made.limits.take([Attempt(HOP, f"{arrival.nas_id}:{arrival.device_mac}")]) is not None:
        return None
    return send_to_the_nas(arrival, login, known.place.redirect_secret_sealed)


def _welcome(arrival: Arrival, outcome: Outcome, *, may_choose: bool = False) -> Response:
    """A device that has asked for a pass is shown what is awaited, unless it wants to choose again."""
    made = resources()
    refusal = used_up = None
    with made.database.reading() as db:
        grant = find_live_grant(db, arrival.device_mac, arrival.site_id, made.clock(), made.settings)
        if grant is None:
            used_up = find_used_up(db, arrival.device_mac, arrival.site_id, made.clock(), made.settings)
        waiting = find_waiting(db, arrival.device_mac, arrival.site_id, made.clock())
        can_return, is_over = _returns(db, arrival)
        is_due = grant is not None and is_announcement_due(db, grant, made.clock(), made.settings)
    if waiting is not None and waiting.way in FORM_WAYS and grant is None and not may_choose:
        return pass_page(arrival, waiting)
    if grant is not None and is_due and not may_choose:
        return see_other(address_of_announcement(arrival))
    if outcome is Outcome.REJECTED:  # our own record says it better than the text that the NAS passes back
        refusal = made.last_refusals.find(arrival.nas_id, arrival.device_mac)
    shown = Shown(
        _what_is_used_up(arrival, outcome, refusal, used_up) or _what_happened(outcome, refusal),
        can_continue=grant is not None,
        can_return=can_return,
        voucher_code=_scanned(),
    )
    answer = welcome_page(arrival, shown)
    return take_cookie(answer) if is_over else answer


def _scanned() -> str:
    code = scanned_code()
    return print_code(code) if code else ""


def _returns(db: Session, arrival: Arrival) -> tuple[bool, bool]:
    """Is this a device that is remembered here? And has it a cookie that is worth nothing any more?"""
    if not has_cookie():
        return False, False
    key, now = return_key(), resources().clock()
    if key is None or not is_remembered(db, key, now):
        return False, True
    return find_returning(db, key, arrival.site_id, now) is not None, False


def _what_is_used_up(
    arrival: Arrival, outcome: Outcome, refusal: RefusalReason | None, used_up: Refuse | None
) -> Notice | None:
    """With when it begins anew. Where the device was refused for something else, that is what it is told."""
    if used_up is None or outcome not in (Outcome.NOT_YET, Outcome.REJECTED) or refusal not in (None, *USED_UP):
        return None
    return notice_of(used_up, resources().clock(), shown_site(arrival.site_id).hours.zone)


def _what_happened(outcome: Outcome, refusal: RefusalReason | None) -> Notice | None:
    if refusal is not None:
        explanation = explain(refusal, language())
        return Notice(explanation.title, explanation.what_to_do)
    match outcome:
        case Outcome.REJECTED:
            return Notice(
                gettext("The access point did not let you in."),
                gettext("Sign in once more. If it happens again, please tell the staff on the spot."),
            )
        case Outcome.NO_ANSWER:
            return Notice(
                gettext("The access point got no answer."),
                gettext("Wait a moment, then try again. If it happens again, please tell the staff on the spot."),
            )
        case Outcome.LOGGED_OFF:
            return Notice(gettext("You are signed out."), gettext("Thank you for your visit."), is_problem=False)
    return None
