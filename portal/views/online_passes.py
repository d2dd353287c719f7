"""While an opening lasts, on the page of the visit: the code, another code, another address."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from hotspot.adapters.rate_limit import ADDRESS, DEVICE, SITE, Attempt, whose
from hotspot.models import Device, Grant, PassRequest
from hotspot.policy.contacts import parse_mail_address
from hotspot.portal_links import grant_of_token
from hotspot.services.attempts import within_limits
from hotspot.services.passes import PassAsk, request_of_grant
from hotspot.services.proving import ask_by_mail, send_again, try_code
from hotspot.values import MacAddress, Refuse, Way
from portal.answers import Notice, count_refusal, status_of
from portal.language import gettext, speak
from portal.letting_in import address_online, note_lengthened, see_other
from portal.messages import counted, counted_again
from portal.pass_forms import ADDRESS_WANTED
from portal.pass_page import codes, refused_notice, sent_notice
from portal.resources import resources
from portal.views.online import online_page

blueprint = Blueprint("online_passes", __name__)


@blueprint.post("/online/<token>/code")
def post_code(token: str) -> Response:
    """The right code lengthens the visit that is going on."""
    grant, asked = _opened(token)
    made, code = resources(), request.form.get("code", "")
    guess = [
        Attempt(DEVICE, grant.device_mac),
        Attempt(SITE, str(grant.site_id)),
        Attempt(ADDRESS, whose(request.remote_addr)),
    ]

    def try_it() -> PassRequest | Refuse:
        with made.database.transaction() as db:
            return try_code(db, asked.id, code, made.clock(), codes())

    answer = within_limits(made.limits, guess, made.clock(), try_it)
    if isinstance(answer, Refuse):
        return _refused(token, asked, answer)
    note_lengthened(grant.id)
    return see_other(address_online(grant.id))


@blueprint.post("/online/<token>/again")
def post_again(token: str) -> Response:
    _, asked = _opened(token)
    answer = counted_again(asked, lambda db: send_again(db, asked.id, resources().clock(), codes()))
    return _refused(token, asked, answer) if isinstance(answer, Refuse) else online_page(token, sent_notice())


@blueprint.post("/online/<token>/address")
def post_address(token: str) -> Response:
    """The first one was mistyped, say: a new request, with the same opening."""
    grant, asked = _opened(token)
    address = parse_mail_address(request.form.get("email", ""))
    if address is None:
        wrong = Notice(gettext("There is something to correct."), fields=(("email", gettext(ADDRESS_WANTED)),))
        return online_page(token, wrong, HTTPStatus.UNPROCESSABLE_ENTITY)
    made = resources()
    with made.database.reading() as db:
        device = db.get_one(Device, grant.device_mac)
    ask = PassAsk(
        nas_id=grant.nas_id,
        site_id=grant.site_id,
        device_mac=MacAddress(grant.device_mac),
        offer_id=grant.offer_id,
        terms_version=grant.terms_version,
        language=grant.language,
        device_family=device.family,
    )
    answer = counted(Way.EMAIL_CODE, address, ask, lambda db: ask_by_mail(db, ask, address, made.clock(), codes()))
    return _refused(token, asked, answer) if isinstance(answer, Refuse) else online_page(token, sent_notice())


def _opened(token: str) -> tuple[Grant, PassRequest]:
    """The grant of this page, and the request that it was opened for."""
    made = resources()
    grant_id = grant_of_token(made.vault, token)
    with made.database.reading() as db:
        grant = db.get(Grant, grant_id) if grant_id else None
        asked = request_of_grant(db, grant_id) if grant_id else None
    if grant is None or asked is None:
        abort(HTTPStatus.NOT_FOUND)
    speak(grant.language)
    return grant, asked


def _refused(token: str, asked: PassRequest, refusal: Refuse) -> Response:
    count_refusal(refusal.reason)
    return online_page(token, refused_notice(refusal, asked), status_of(refusal.reason))
