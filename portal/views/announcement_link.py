"""Where an announcement leads: our own page says so first. Only its button is counted, once, and then leads there.

The advertiser learns nothing of the visitor from us: no name in the address, no referrer.
"""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, abort

from hotspot.portal_links import turn_of_token
from hotspot.services.announcing import find_link, follow_link
from hotspot.vendors.vendor import is_web_address
from portal.announcement_page import AnnouncementShown
from portal.answers import page
from portal.language import speak
from portal.letting_in import path_online, see_other
from portal.protection import may_lead_anywhere
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("announcement_link", __name__)


@blueprint.get("/announcement/<token>/link")
def get_link(token: str) -> Response:
    turn_id = _named(token)
    with resources().database.reading() as db:
        turn = find_link(db, turn_id)
        if turn is None or turn.announcement is None or not is_web_address(turn.announcement.link):
            abort(HTTPStatus.NOT_FOUND)
        if turn.grant is not None:
            speak(turn.grant.language)
        link, grant_id, shown = turn.announcement.link, turn.grant_id, AnnouncementShown.of(turn)
    may_lead_anywhere(link)
    return page(
        "announcement_link.html",
        site=shown_site(shown.site_id),
        announcement=shown,
        link=link,
        token=token,
        way_back=path_online(grant_id) if grant_id else "",
    )


@blueprint.post("/announcement/<token>/link")
def post_link(token: str) -> Response:
    turn_id, made = _named(token), resources()
    with made.database.transaction() as db:
        link = follow_link(db, turn_id, made.clock())
        if link is None or not is_web_address(link):
            abort(HTTPStatus.NOT_FOUND)  # and nothing is counted
    may_lead_anywhere(link)
    return see_other(link)


def _named(token: str) -> UUID:
    turn_id = turn_of_token(resources().vault, token)
    if turn_id is None:
        abort(HTTPStatus.NOT_FOUND)
    return turn_id
