"""Where a host answers for a visitor: behind the link in the mail. Opening the page changes nothing; its buttons do."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, request
from structlog import get_logger

from hotspot.portal_links import request_of_host
from hotspot.services.sponsoring import HostView, Standing, answer_as_host, show_to_host
from portal.answers import page
from portal.language import clock_time, local_moment
from portal.pass_page import codes
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("host", __name__)
log = get_logger()


@blueprint.get("/host/<token>")
def get_host(token: str) -> Response:
    return _page(_view(_named(token)))


@blueprint.post("/host/<token>")
def post_host(token: str) -> Response:
    """The first answer counts; whoever comes late, or again, is told how it stands."""
    request_id, answer, made = _named(token), request.form.get("answer"), resources()
    if answer not in ("yes", "no"):
        abort(HTTPStatus.BAD_REQUEST)
    with made.database.transaction() as db:
        answer_as_host(db, request_id, made.clock(), codes(), approves=answer == "yes")
    view = _view(request_id)
    log.info("host_answered", standing=view.standing.value, site=view.site_id)
    return _page(view)


def _view(request_id: int) -> HostView:
    made = resources()
    with made.database.reading() as db:
        view = show_to_host(db, request_id, made.clock(), codes())
    if view is None:  # gone after two days
        abort(HTTPStatus.NOT_FOUND)
    return view


def _page(view: HostView) -> Response:
    site = shown_site(view.site_id)
    zone = site.hours.zone
    return page(
        "pass_host.html",
        HTTPStatus.OK if view.standing is not Standing.LATE else HTTPStatus.GONE,
        site=site,
        view=view,
        asked_at=clock_time(view.asked_at, zone),
        settled_at=clock_time(view.settled_at, zone) if view.settled_at else "",
        end=local_moment(view.ends_at, resources().clock(), zone),
    )


def _named(token: str) -> int:
    request_id = request_of_host(resources().vault, token)
    if request_id is None:
        abort(HTTPStatus.NOT_FOUND)
    return request_id
