"""Passes that visitors get by themselves: asking for one, typing the code, waiting for a host, being let in."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from flask import Blueprint, Response, abort, request
from prometheus_client import Counter
from sqlalchemy.orm import Session
from structlog import get_logger

from hotspot.adapters.rate_limit import ADDRESS, DEVICE, SITE, Attempt, whose
from hotspot.models import PassRequest, PassState
from hotspot.portal_links import request_of_token
from hotspot.services.arriving import get_redirect_secret
from hotspot.services.attempts import within_limits
from hotspot.services.passes import PassAsk, enter, get_request
from hotspot.services.proving import CODE_LIFE, ask_by_mail, ask_by_text, send_again, try_code
from hotspot.services.signing_in import Announced, SignedIn, sign_in_again
from hotspot.services.sponsoring import HOST_LIFE, ask_host
from hotspot.values import RefusalReason, Refuse, Way
from portal.answers import Notice, count_refusal, status_of
from portal.arrival import Arrival
from portal.language import gettext
from portal.letting_in import see_other
from portal.messages import counted, counted_again
from portal.pass_forms import FORM_WAYS, PassForm, Read, Sponsored
from portal.pass_page import address_of, codes, pass_page, refused_notice, sent_notice
from portal.resources import resources
from portal.views.sign_in import let_in, refused
from portal.visits import needs_arrival, shown_site
from portal.welcome_page import Shown, welcome_page

blueprint = Blueprint("passes", __name__)
log = get_logger()

_ASKED = Counter("parvis_portal_passes_asked", "Requests for a pass, by way", ["way"])
Outcome = TypeVar("Outcome")
LetIn = tuple[SignedIn | Announced, bytes | None]
"""What the core says, and the NAS's sealed redirect secret."""


@blueprint.post("/pass")
@needs_arrival
def post_pass(arrival: Arrival) -> Response:
    """A message leaves; with an opening the device is let in at once."""
    site, form, made = shown_site(arrival.site_id), PassForm(request.form), resources()
    offer = next((each for each in site.offers if each.id == form.offer.data and each.way in FORM_WAYS), None)
    if offer is None:
        return refused(arrival, site, Refuse(RefusalReason.OFFER_NOT_HERE))
    read = form.read(offer.way, made.settings)
    if isinstance(read, Refuse):
        return refused(arrival, site, read, offer, typed=form.typed)
    if isinstance(read, tuple):
        notice = Notice(gettext("There is something to correct."), fields=read)
        return welcome_page(arrival, Shown(notice, tried=offer, typed=form.typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    ask = form.ask(arrival, site)
    answer = counted(offer.way, read, ask, lambda db: _begin(db, ask, read))
    if isinstance(answer, Refuse):
        return refused(arrival, site, answer, offer, typed=form.typed)
    asked, entered = answer
    _ASKED.labels(offer.way.value).inc()
    log.info("pass_asked", way=offer.way.value, nas=arrival.nas_id, site=arrival.site_id, opened=entered is not None)
    # who comes back before anything was proven is shown what is awaited, not the forms
    made.returning.remember({arrival.device_mac: HOST_LIFE if offer.way is Way.SPONSOR else CODE_LIFE})
    return let_in(arrival, *entered) if entered else see_other(address_of(arrival, asked))


@blueprint.get("/pass")
@needs_arrival
def get_pass(arrival: Arrival) -> Response:
    return pass_page(arrival, _asked(arrival))


@blueprint.post("/pass/code")
@needs_arrival
def post_code(arrival: Arrival) -> Response:
    """The right code lets the device in."""
    made, asked, code = resources(), _asked(arrival), request.form.get("code", "")
    guess = [
        Attempt(DEVICE, arrival.device_mac),
        Attempt(SITE, str(arrival.site_id)),
        Attempt(ADDRESS, whose(request.remote_addr)),
    ]

    def try_and_enter(db: Session) -> LetIn | Refuse:
        proven = try_code(db, asked.id, code, made.clock(), codes())
        return proven if isinstance(proven, Refuse) else _enter(db, arrival, proven)

    return _answered(arrival, asked, within_limits(made.limits, guess, made.clock(), lambda: _whole(try_and_enter)))


@blueprint.post("/pass/enter")
@needs_arrival
def post_enter(arrival: Arrival) -> Response:
    """After the link in the mail, or the host, has said yes."""
    asked = _asked(arrival)

    def enter_if_proven(db: Session) -> LetIn | Refuse:
        locked = get_request(db, asked.id)
        if locked is None or locked.state is PassState.WAITING:
            return Refuse(RefusalReason.NOT_CONFIRMED_YET)
        return _enter(db, arrival, locked)

    return _answered(arrival, asked, _whole(enter_if_proven))


@blueprint.post("/pass/again")
@needs_arrival
def post_again(arrival: Arrival) -> Response:
    """Another code, for who got none."""
    asked = _asked(arrival)
    answer = counted_again(asked, lambda db: send_again(db, asked.id, resources().clock(), codes()))
    if isinstance(answer, Refuse):
        return _answered(arrival, asked, answer)
    return pass_page(arrival, answer, sent_notice())


def _begin(db: Session, ask: PassAsk, read: Read) -> tuple[PassRequest, LetIn | None] | Refuse:
    """The request; and the login where the device is let in already: by an opening, or because its pass lasts."""
    made, now = resources(), resources().clock()
    match read:
        case Sponsored(name, host):
            asked = ask_host(db, ask, name, host, now, codes())
        case str():
            asked = ask_by_text(db, ask, read, now, codes())
        case _:
            asked = ask_by_mail(db, ask, read, now, codes())
    if isinstance(asked, Refuse):
        return asked
    if asked.state is PassState.PROVEN:
        signed_in = enter(db, asked, ask.nas_id, now, made.settings)
        if isinstance(signed_in, Refuse):
            return signed_in
    elif asked.grant is not None:
        opened = sign_in_again(db, asked.grant, ask.nas_id, now, made.settings)
        if isinstance(opened, Refuse):  # its last minute: the code is typed without it
            return asked, None
        signed_in = opened
    else:
        return asked, None
    return asked, (signed_in, get_redirect_secret(db, ask.nas_id))


def _enter(db: Session, arrival: Arrival, asked: PassRequest) -> LetIn | Refuse:
    made = resources()
    signed_in = enter(db, asked, arrival.nas_id, made.clock(), made.settings)
    return signed_in if isinstance(signed_in, Refuse) else (signed_in, get_redirect_secret(db, arrival.nas_id))


def _whole(work: Callable[[Session], Outcome]) -> Outcome:
    with resources().database.transaction() as db:
        return work(db)


def _asked(arrival: Arrival) -> PassRequest:
    """The request that the page is about, if this device made it, here."""
    made = resources()
    request_id = request_of_token(made.vault, request.values.get("pass", ""))
    if request_id is None:
        abort(HTTPStatus.NOT_FOUND)
    with made.database.reading() as db:
        asked = db.get(PassRequest, request_id)
    if asked is None or (asked.device_mac, asked.site_id) != (arrival.device_mac, arrival.site_id):
        abort(HTTPStatus.NOT_FOUND)
    return asked


def _answered(arrival: Arrival, asked: PassRequest, answer: LetIn | Refuse) -> Response:
    if not isinstance(answer, Refuse):
        return let_in(arrival, *answer)
    count_refusal(answer.reason)
    log.info("pass_refused", reason=answer.reason.value, nas=arrival.nas_id, site=arrival.site_id)
    with resources().database.reading() as db:
        fresh = db.get_one(PassRequest, asked.id)
    return pass_page(arrival, fresh, refused_notice(answer, fresh), status_of(answer.reason))
