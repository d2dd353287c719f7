"""Behind the link in the mail with a code: one button, which says the same as the code. It works in any browser.

Opening the page changes nothing, since mail scanners open links; and it tells where and when the code was asked for,
so that nobody confirms what somebody else has asked for with their address.
"""

from http import HTTPStatus

from flask import Blueprint, Response, abort
from sqlalchemy.orm import Session
from structlog import get_logger

from hotspot.models import PassRequest, PassState
from hotspot.portal_links import request_of_link
from hotspot.services.proving import confirm_by_link, why_not_confirm
from hotspot.values import Refuse
from portal.answers import Notice, count_refusal, page, status_of
from portal.device_family import family_name
from portal.language import clock_time, local_moment, speak
from portal.letting_in import note_lengthened
from portal.pass_page import codes, refused_notice
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("confirm", __name__)
log = get_logger()


@blueprint.get("/confirm/<token>")
def get_confirm(token: str) -> Response:
    request_id, sends = _named(token)
    with resources().database.reading() as db:
        refusal = why_not_confirm(_get(db, request_id), sends, resources().clock())
    return _page(request_id, refusal)


@blueprint.post("/confirm/<token>")
def post_confirm(token: str) -> Response:
    """Pressed twice, it says the same twice."""
    request_id, sends = _named(token)
    made = resources()
    with made.database.transaction() as db:
        answer = confirm_by_link(db, request_id, sends, made.clock(), codes())
    if isinstance(answer, Refuse):
        count_refusal(answer.reason)
        return _page(request_id, answer)
    log.info("pass_confirmed", site=answer.site_id, online=answer.state is PassState.GRANTED)
    if answer.grant_id is not None:
        note_lengthened(answer.grant_id)
    return _page(request_id, None)


def _page(request_id: int, refusal: Refuse | None) -> Response:
    made = resources()
    with made.database.reading() as db:
        asked = _get(db, request_id)
        family = asked.device.family
        ends_at = asked.grant.ends_at if asked.grant is not None and asked.state is PassState.GRANTED else None
    speak(asked.language)
    site = shown_site(asked.site_id)
    notice: Notice | None = refused_notice(refusal, asked) if refusal else None
    return page(
        "pass_confirm.html",
        status_of(refusal.reason) if refusal else HTTPStatus.OK,
        site=site,
        notice=notice,
        device=family_name(family),
        asked_at=clock_time(asked.created_at, site.hours.zone),
        is_done=refusal is None and asked.state in (PassState.PROVEN, PassState.GRANTED),
        end=local_moment(ends_at, made.clock(), site.hours.zone) if ends_at else None,
    )


def _named(token: str) -> tuple[int, int]:
    named = request_of_link(resources().vault, token)
    if named is None:
        abort(HTTPStatus.NOT_FOUND)
    return named


def _get(db: Session, request_id: int) -> PassRequest:
    """Gone after two days."""
    asked = db.get(PassRequest, request_id)
    if asked is None:
        abort(HTTPStatus.NOT_FOUND)
    return asked
