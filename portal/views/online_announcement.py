"""The next announcement ahead of its time: what the page of a visit says of it, and its own page."""

from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort
from sqlalchemy.orm import Session

from hotspot.adapters.rate_limit import ANNOUNCEMENT, Attempt
from hotspot.models import Grant
from hotspot.policy.warnings import BEFORE_AN_ANNOUNCEMENT
from hotspot.portal_links import announcement_token, grant_of_token
from hotspot.services.announcing import begin_turn, find_last_link
from hotspot.services.online import Online, Presence, show_grant
from hotspot.services.renewing import complete_ahead, look_ahead
from portal.announcement_page import AnnouncementShown, announcement_page, rotation_of, turn_of_request
from portal.language import language, local_moment, speak
from portal.letting_in import see_other
from portal.protection import is_fetched_ahead
from portal.resources import resources

blueprint = Blueprint("online_announcement", __name__)


@dataclass(frozen=True, slots=True)
class NextAnnouncement:
    """For `announcement_ahead.html`."""

    due_in: timedelta | None
    """None: there is none in what is left of the visit."""
    is_near: bool = False
    """To be told above all else."""
    awaits: bool = False
    """It is due, and shown as soon as the device comes back."""
    may_be_seen_now: bool = False
    lengthens: bool = False
    pause: str = ""
    """When the running connection ends although the announcement was seen."""
    if_seen_now: str = ""
    """When it ends if the announcement is seen now, where the gateway cannot lengthen it."""
    link: str = ""
    """Of the announcement that was seen, below the portal's address: our page that says where it leads."""
    title: str = ""
    host: str = ""


def next_announcement(online: Online) -> NextAnnouncement | None:
    """None: there is nothing to say."""
    made, now = resources(), resources().clock()
    with made.database.reading() as db:
        grant = db.get_one(Grant, online.grant.id)
        ahead = look_ahead(db, replace(online, grant=grant), now, made.settings)
        turn = find_last_link(db, grant)
        shown = AnnouncementShown.of(turn) if turn is not None else None
    if ahead is None and turn is None:
        return None
    due_in, is_online = ahead.due_in if ahead is not None else None, online.presence is Presence.ONLINE
    pauses_at = ahead.pauses_at if ahead is not None else None
    return NextAnnouncement(
        due_in=due_in,
        is_near=is_online and due_in is not None and due_in < BEFORE_AN_ANNOUNCEMENT,
        awaits=not is_online and due_in == timedelta(0),
        may_be_seen_now=ahead is not None and ahead.may_be_seen_now,
        lengthens=ahead is not None and ahead.lengthens,
        pause=local_moment(pauses_at, now, online.zone) if pauses_at else "",
        if_seen_now=local_moment(pauses_at or now + ahead.due_in, now, online.zone) if ahead else "",
        link=f"/announcement/{announcement_token(made.vault, turn.id)}/link" if turn else "",
        title=shown.title if shown else "",
        host=shown.leads_to if shown else "",
    )


@blueprint.get("/online/<token>/announcement")
def get_ahead(token: str) -> Response:
    """The same page as on the way in, for a turn of its own; back to the visit where nothing is to be seen now."""
    if is_fetched_ahead():
        return Response(status=HTTPStatus.NO_CONTENT)
    made, now = resources(), resources().clock()
    with made.database.transaction() as db:
        grant = _grant(db, token)
        shown = None
        if made.limits.take([Attempt(ANNOUNCEMENT, grant.device_mac)]) is None:
            online = show_grant(db, grant.id, now, made.settings, signed_in_at=None)
            ahead = look_ahead(db, online, now, made.settings) if online is not None else None
            if ahead is not None and ahead.may_be_seen_now:
                turn = begin_turn(db, grant, rotation_of(db, grant, now), now)
                shown = AnnouncementShown.of(turn) if turn is not None else None
    if shown is None:
        return _to_the_visit(token)
    own = f"/online/{token}/announcement"
    return announcement_page(
        shown, address=own, action=f"{own}?lang={language()}", hidden={}, way_back=_path_of_visit(token)
    )


@blueprint.post("/online/<token>/announcement")
def post_ahead(token: str) -> Response:
    """Seen: counted, and the running connection is to go on. Too early, replayed or forged: nothing happens."""
    made, turn_id = resources(), turn_of_request()
    with made.database.transaction() as db:
        grant = _grant(db, token)
        if turn_id is not None:
            complete_ahead(db, turn_id, grant, made.clock())
    return _to_the_visit(token)


def _grant(db: Session, token: str) -> Grant:
    grant_id = grant_of_token(resources().vault, token)
    grant = db.get(Grant, grant_id) if grant_id is not None else None
    if grant is None:
        abort(HTTPStatus.NOT_FOUND)
    speak(grant.language)
    return grant


def _path_of_visit(token: str) -> str:
    return f"/online/{token}?lang={language()}#announcement"


def _to_the_visit(token: str) -> Response:
    return see_other(resources().settings.public_portal + _path_of_visit(token))
