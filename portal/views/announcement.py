"""The announcement between sign-in and the network: shown for its time, then one tap.

Its time is held here, by the turn's row, so it works without JavaScript: the page loads itself again when its time is
over, and then has the button.
"""

from http import HTTPStatus

from flask import Blueprint, Response, abort, make_response
from sqlalchemy.orm import Session

from hotspot.models import Announcement
from hotspot.portal_links import turn_of_token
from hotspot.services.announcing import begin_turn, complete_turn, load_rotation
from hotspot.services.arriving import find_live_grant, get_redirect_secret
from hotspot.services.signing_in import Announced, sign_in_again
from hotspot.values import RefusalReason, Refuse
from portal.announcement_page import AnnouncementShown, announcement_page, shown_in, turn_of_request
from portal.arrival import Arrival
from portal.resources import resources
from portal.views.sign_in import Answer, let_in, refused
from portal.visits import needs_arrival, shown_site

blueprint = Blueprint("announcement", __name__)


@blueprint.get("/announcement")
@needs_arrival
def get_announcement(arrival: Arrival) -> Response:
    """The turn that the device has begun, or a new one; on to the network if none is due any more."""
    with resources().database.transaction() as db:
        answer = _next_step(db, arrival)
    return _answered(arrival, answer)


@blueprint.post("/announcement")
@needs_arrival
def post_announcement(arrival: Arrival) -> Response:
    """Seen: counted, and on to the network. Too early, replayed or forged: nothing is counted, and what is due is
    shown."""
    made = resources()
    turn_id = turn_of_token(made.vault, turn_of_request())
    with made.database.transaction() as db:
        if turn_id is not None:
            complete_turn(db, turn_id, arrival.device_mac, made.clock())
        answer = _next_step(db, arrival)
    return _answered(arrival, answer)


@blueprint.get("/announcement/image/<int:announcement_id>")
def get_image(announcement_id: int) -> Response:
    """The same for everybody, and never changed: a new picture is a new announcement."""
    with resources().database.reading() as db:
        announcement = db.get(Announcement, announcement_id)
        image = announcement.image if announcement else None
    if announcement is None or image is None:
        abort(HTTPStatus.NOT_FOUND)
    answer = make_response(image)
    answer.mimetype = announcement.image_type
    answer.headers["Cache-Control"] = "public, max-age=86400, immutable"
    return answer


def _next_step(db: Session, arrival: Arrival) -> Answer | AnnouncementShown | Refuse:
    made, now = resources(), resources().clock()
    grant = find_live_grant(db, arrival.device_mac, arrival.site_id, now, made.settings)
    if grant is None:
        return Refuse(RefusalReason.GRANT_ENDED)
    signed_in = sign_in_again(db, grant, arrival.nas_id, now, made.settings)
    if isinstance(signed_in, Announced):
        turn = begin_turn(db, grant, load_rotation(db, grant.site, now), now)
        return Refuse(RefusalReason.ANNOUNCEMENT_DUE) if turn is None else shown_in(turn)
    return signed_in if isinstance(signed_in, Refuse) else (signed_in, get_redirect_secret(db, arrival.nas_id))


def _answered(arrival: Arrival, answer: Answer | AnnouncementShown | Refuse) -> Response:
    match answer:
        case AnnouncementShown():
            token = arrival.to_token(resources().vault)
            return announcement_page(answer, "/announcement", {"arrival": token})
        case Refuse():
            return refused(arrival, shown_site(arrival.site_id), answer)
        case _:
            return let_in(arrival, *answer)
