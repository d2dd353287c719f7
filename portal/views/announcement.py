"""The announcement between sign-in and the network: shown for its time, then one tap.

Its time is held here, by the turn's row, so it works without JavaScript: the page loads itself again when its time is
over, and then has the button. Loaded again, it is the same turn; only the one that is seen to its end counts.
"""

from dataclasses import replace
from http import HTTPStatus

from flask import Blueprint, Response, abort, make_response
from sqlalchemy.orm import Session

from hotspot.adapters.rate_limit import ANNOUNCEMENT, Attempt
from hotspot.models import Announcement
from hotspot.portal_links import announcement_of_picture
from hotspot.services.announcing import begin_turn, complete_turn, pass_turn
from hotspot.services.arriving import find_live_grant, get_redirect_secret
from hotspot.services.signing_in import Announced, SignedIn, sign_in_again
from hotspot.values import RefusalReason, Refuse
from portal.announcement_page import AnnouncementShown, announcement_page, rotation_of, turn_of_request
from portal.arrival import Arrival
from portal.language import language
from portal.letting_in import see_other
from portal.protection import is_fetched_ahead
from portal.resources import resources
from portal.views.sign_in import address_of_announcement, let_in, path_of_announcement, refused
from portal.visits import needs_arrival, shown_site

blueprint = Blueprint("announcement", __name__)

Step = tuple[SignedIn | Announced, bytes | None] | Refuse


@blueprint.get("/announcement")
@needs_arrival
def get_announcement(arrival: Arrival) -> Response:
    """The turn that the device has begun, or a new one; on to the network if none is due any more."""
    if is_fetched_ahead():
        return Response(status=HTTPStatus.NO_CONTENT)
    arrival = replace(arrival, language=language())
    too_many = _too_many(arrival)
    if too_many is not None:
        return refused(arrival, shown_site(arrival.site_id), too_many)
    with resources().database.transaction() as db:
        step, shown = _show_what_is_due(db, arrival)
    if shown is None:
        return _answered(arrival, step)
    arrival_token = arrival.to_token(resources().vault)
    return announcement_page(
        shown, address=path_of_announcement(arrival), action="/announcement", hidden={"arrival": arrival_token}
    )


@blueprint.post("/announcement")
@needs_arrival
def post_announcement(arrival: Arrival) -> Response:
    """Seen: counted, and on to the network. Too early, replayed or forged: nothing is counted, and what is due is
    shown."""
    too_many = _too_many(arrival)
    if too_many is not None:
        return refused(arrival, shown_site(arrival.site_id), too_many)
    made, turn_id = resources(), turn_of_request()
    if turn_id is not None:  # by itself: nothing waits for a person's row with a count in its hands
        with made.database.transaction() as db:
            complete_turn(db, turn_id, arrival.device_mac, made.clock())
    with made.database.transaction() as db:
        step = _step(db, arrival)
    return _answered(arrival, step)


@blueprint.get("/announcement/image/<token>")
def get_image(token: str) -> Response:
    """The same for everybody, and never changed: a new picture is a new announcement."""
    made = resources()
    announcement_id = announcement_of_picture(made.vault, token)
    with made.database.reading() as db:
        announcement = db.get(Announcement, announcement_id) if announcement_id is not None else None
        image = announcement.image if announcement else None
    if announcement is None or image is None:
        abort(HTTPStatus.NOT_FOUND)
    answer = make_response(image)
    answer.mimetype = announcement.image_type
    answer.headers["Cache-Control"] = "public, max-age=86400, immutable"
    return answer


def _show_what_is_due(db: Session, arrival: Arrival) -> tuple[Step, AnnouncementShown | None]:
    made, now = resources(), resources().clock()
    step = _step(db, arrival)
    if isinstance(step, Refuse) or isinstance(step[0], SignedIn):
        return step, None
    grant = step[0].grant
    turn = begin_turn(db, grant, rotation_of(db, grant, now), now)
    if turn is not None:
        return step, AnnouncementShown.of(turn)
    pass_turn(db, grant, now)  # the last one that could be shown was just capped or paused
    signed_in = sign_in_again(db, grant, arrival.nas_id, now, made.settings)
    return (signed_in if isinstance(signed_in, Refuse) else (signed_in, step[1])), None


def _step(db: Session, arrival: Arrival) -> Step:
    made, now = resources(), resources().clock()
    grant = find_live_grant(db, arrival.device_mac, arrival.site_id, now, made.settings)
    if grant is None:
        return Refuse(RefusalReason.GRANT_ENDED)
    grant.language = arrival.language or grant.language  # that was chosen on the page of the announcement
    signed_in = sign_in_again(db, grant, arrival.nas_id, now, made.settings)
    return signed_in if isinstance(signed_in, Refuse) else (signed_in, get_redirect_secret(db, arrival.nas_id))


def _answered(arrival: Arrival, step: Step) -> Response:
    if isinstance(step, Refuse):
        return refused(arrival, shown_site(arrival.site_id), step)
    if isinstance(step[0], Announced):
        return see_other(address_of_announcement(arrival))
    return let_in(arrival, *step)


def _too_many(arrival: Arrival) -> Refuse | None:
    made = resources()
    wait = made.limits.take([Attempt(ANNOUNCEMENT, arrival.device_mac)])
    return None if wait is None else Refuse(RefusalReason.TOO_MANY_ATTEMPTS, again_at=made.clock() + wait)
