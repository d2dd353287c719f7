"""The captive portal API (RFC 8908): what a phone asks so that it can say how long, and lead to the right page.

By the token of a visit, it is told all that the visit's own page says. By a device's address, which anybody can name,
only whether that device is online and for how long; and its way to its own page leads through the gateway, which knows
who is asking.
"""

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, make_response, request
from flask.json import dumps

from hotspot.adapters.rate_limit import CAPTIVE_ADDRESS, Attempt, whose
from hotspot.policy.announcements import SOONEST_AGAIN
from hotspot.policy.warnings import EndAhead, warnings
from hotspot.portal_links import grant_of_token
from hotspot.services.allowances import announcement_every
from hotspot.services.arriving import find_nas_address
from hotspot.services.captive import Gateway, find_gateway, find_grant_behind
from hotspot.services.online import Online, Presence, show_grant
from hotspot.values import RefusalReason, parse_mac, parse_row_id
from portal.answers import usual_login_url, way_to_the_nas
from portal.letting_in import address_online, see_other
from portal.resources import resources
from portal.views.places import address_of_place

blueprint = Blueprint("capport", __name__)

MEDIA_TYPE = "application/captive+json"
START_EXPECTED = timedelta(minutes=5)
"""After a sign-in. Without the Start of a session until then, the browser has not come to its access point."""

State = dict[str, object]


@blueprint.get("/api/captive")
@blueprint.get("/api/captive/<token>")
def get_captive(token: str = "") -> Response:
    """A browser that comes here by mistake is led to the page for people."""
    made = resources()
    grant_id = grant_of_token(made.vault, token)
    online = None if grant_id is None else _show(grant_id)
    address = _root() if online is None else address_online(online.grant.id)
    if _is_browser():
        return see_other(address)
    state: State = {"captive": True, "user-portal-url": address}
    if online is not None:
        state["venue-info-url"] = address_of_place(online.grant.site_id)
        state |= _what_is_left(online) | _in_full(online)
    return _answer(state)


@blueprint.get("/api/captive/<path:nas_identifier>/<address>")
def get_captive_of_device(nas_identifier: str, address: str) -> Response:
    """For a gateway that announces to each device its own address (RFC 8910)."""
    made = resources()
    attempts = [Attempt(CAPTIVE_ADDRESS, whose(request.remote_addr))]
    wait = made.limits.take(attempts)
    if wait is not None:
        answer = make_response("", HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
        return answer
    gateway, online = _find(nas_identifier, address)
    if online is not None and _is_let_in(online):
        made.limits.give_back(attempts)
    way = _root() if gateway is None else f"{made.settings.public_portal}/through/{gateway.nas_id}"
    if _is_browser():
        return see_other(way)
    state: State = {"captive": True, "user-portal-url": way}
    if gateway is not None:
        state["venue-info-url"] = address_of_place(gateway.site_id)
    if online is not None:
        state |= _what_is_left(online)
    return _answer(state)


@blueprint.get("/through/<nas_id>")
def get_through(nas_id: str) -> Response:
    """To a page for this device, by way of its gateway: only there is it known which device that is."""
    try:
        number = parse_row_id(nas_id)
    except ValueError:
        return see_other(_root())
    with resources().database.reading() as db:
        found = find_nas_address(db, number)
    login_url = usual_login_url(found[1]) if found else None
    return see_other(way_to_the_nas(found[0], login_url).address if found and login_url else _root())


def _find(nas_identifier: str, address: str) -> tuple[Gateway | None, Online | None]:
    made = resources()
    device_mac = parse_mac(address)
    with made.database.reading() as db:
        gateway = find_gateway(db, nas_identifier)
        if gateway is None or device_mac is None:
            return gateway, None
        grant_id = find_grant_behind(db, gateway, device_mac, made.clock())
    return gateway, None if grant_id is None else _show(grant_id)


def _show(grant_id: UUID) -> Online | None:
    made = resources()
    last = made.last_arrivals.find(grant_id)
    with made.database.reading() as db:
        signed_in_at = last.signed_in_at if last else None
        return show_grant(db, grant_id, made.clock(), made.settings, signed_in_at=signed_in_at)


def _is_let_in(online: Online) -> bool:
    """Stricter than the page of the visit: a phone that is told so asks nobody for a portal any more."""
    is_expected = resources().clock() - online.signed_in_at < START_EXPECTED
    return online.presence is Presence.ONLINE and (online.has_session or is_expected)


def _what_is_left(online: Online) -> State:
    """Of one that is captive, nothing is said (section 5)."""
    if not _is_let_in(online):
        return {}
    first = online.ends[0]
    return {
        "captive": False,
        "seconds-remaining": _seconds(first),
        # seen ahead, an announcement is not due then: nothing else on the page makes a visit longer
        "can-extend-session": first.reason is RefusalReason.ANNOUNCEMENT_DUE and _may_be_seen_ahead(online),
    }


def _may_be_seen_ahead(online: Online) -> bool:
    """Not right after the last one: `services/renewing.py`."""
    every, due_in = announcement_every(online.grant), online.announcement_in
    return every is not None and due_in is not None and every - due_in >= SOONEST_AGAIN


def _in_full(online: Online) -> State:
    if not _is_let_in(online):
        return {}
    state: State = {}
    volumes = [each.octets for each in online.ends if each.octets is not None]
    if volumes:  # never too much: of a limit on one direction it is the whole that the key speaks of
        state["bytes-remaining"] = min(volumes)
    ahead = warnings(online.ends)
    if ahead:  # not one of the registered keys: clients leave alone what they do not know (section 5)
        state["warnings"] = [_warning(each) for each in ahead]
    return state


def _warning(ahead: EndAhead) -> State:
    if ahead.after is None:
        return {"reason": ahead.reason.value, "bytes": ahead.octets}
    return {"reason": ahead.reason.value, "seconds": _seconds(ahead)}


def _seconds(ahead: EndAhead) -> int:
    return 0 if ahead.after is None else int(ahead.after.total_seconds())


def _root() -> str:
    return f"{resources().settings.public_portal}/"


def _is_browser() -> bool:
    return request.accept_mimetypes.best_match((MEDIA_TYPE, "text/html"), MEDIA_TYPE) == "text/html"


def _answer(state: State) -> Response:
    answer = make_response(dumps(state))
    answer.mimetype = MEDIA_TYPE
    answer.headers["Cache-Control"] = "private, no-cache"  # section 4: not for shared caches
    answer.headers["Vary"] = "Accept"
    return answer
