"""The page of a visit: what is left and what ends it, what was used, the way out, the person's devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, request
from sqlalchemy.orm import Session

from hotspot.message_ids import mark
from hotspot.models import Grant, PassRequest
from hotspot.policy.opening_hours import closing_time
from hotspot.portal_links import grant_of_token
from hotspot.services.identifying import Identifying, find_identifying
from hotspot.services.online import Online, Presence, show_grant
from hotspot.services.other_devices import OtherDevice, devices_online, sign_out_other
from hotspot.services.passes import request_of_grant
from hotspot.services.proving import awaits_code
from hotspot.services.remembering import (
    MOST_REMEMBERED,
    RememberedWith,
    forget_devices,
    remember_device,
    remembered_with,
)
from hotspot.values import IdentityProfile, Period, RefusalReason, Refuse, parse_row_id
from hotspot.vendors import VENDORS
from hotspot.wording import Explanation, explain, explain_refusal
from portal.answers import Notice, Way, again_at, page, usual_login_url, way_to_the_nas
from portal.device_family import family_name
from portal.identity import sign_out_there
from portal.language import clock_time, gettext, language, local_moment, speak
from portal.letting_in import address_online, see_other
from portal.pass_page import awaited
from portal.protection import may_lead_to
from portal.resources import resources
from portal.return_cookie import give_cookie
from portal.survey_page import SurveyOnPage, notice_of_survey, survey_on_page
from portal.views.online_announcement import next_announcement
from portal.visit_wording import what_is_left, what_is_near
from portal.visits import shown_site

blueprint = Blueprint("online", __name__)

REFRESH_SECONDS = 60
_SOONEST_REFRESH_SECONDS = 10
_OPENINGS = (RefusalReason.PROOF_AWAITED, RefusalReason.IDENTITY_AWAITED)
_ITS_TIME_IS_USED_UP = {
    Period.VISIT: mark("when its time is used up"),
    Period.DAY: mark("when your time for today is used up"),
    Period.WEEK: mark("when your time for this week is used up"),
}


@dataclass(frozen=True, slots=True)
class _Visit:
    online: Online
    vendor: str
    login_url: str | None
    """Of the NAS that the device came from."""
    remembered: RememberedWith
    others: Sequence[OtherDevice]
    awaited: PassRequest | None
    """The code of an opening is still to be typed, or:"""
    identifying: Identifying | None


@blueprint.get("/online/<token>")
def get_online(token: str) -> Response:
    return online_page(token)


def online_page(token: str, notice: Notice | None = None, status: int = HTTPStatus.OK) -> Response:
    visit = _visit(token)
    if visit is None:
        abort(HTTPStatus.NOT_FOUND)
    online, made = visit.online, resources()
    speak(online.grant.language)
    if visit.login_url:
        may_lead_to(visit.login_url)
    site = shown_site(online.grant.site_id)
    is_open = closing_time(site.hours, made.clock()) is not None
    is_online = online.presence is Presence.ONLINE
    survey = _survey(visit)
    if survey is None:
        notice = notice or notice_of_survey()
    # a page that reloads would lose what is being typed or copied, and what it has to say
    is_being_used = any(each is not None for each in (visit.awaited, visit.identifying, survey, notice))
    refreshes = is_online and not is_being_used and "still" not in request.args
    answer = page(
        "online.html",
        status,
        notice=notice,
        awaited=awaited(visit.awaited) if visit.awaited else None,
        identify=_identify(visit.identifying) if visit.identifying else None,
        token=token,
        online=online,
        site=site,
        is_online=is_online,
        refreshes=refreshes,
        near=what_is_near(online) if is_online and not (visit.awaited or visit.identifying) else None,
        ended=_why_over(online, is_open=is_open),
        again=_again(online, is_open=is_open),
        left=what_is_left(online),
        end=local_moment(online.ends_at, made.clock(), online.zone),
        why_it_ends=_why_it_ends(online),
        way=_way_back(visit) if is_open else None,
        can_sign_out=visit.login_url is not None,
        others=visit.others,
        clock_time=clock_time,
        remembered=visit.remembered,
        most_remembered=MOST_REMEMBERED,
        survey=survey,
        next_announcement=next_announcement(online),
    )
    if refreshes:  # as a header: a page that reloads must be one that the reader can stop (WCAG 2.2.1)
        answer.headers["Refresh"] = str(_refresh_seconds(online))
    return answer


@blueprint.post("/online/<token>/sign-out")
def post_sign_out(token: str) -> Response:
    """The access point ends its session; the grant stays, for coming back. Who was identified by a provider is signed
    out there first, while there is a network to do it with."""
    visit = _visit(token)
    if visit is None or visit.login_url is None:
        abort(HTTPStatus.NOT_FOUND)
    log_off = VENDORS[visit.vendor].log_off(visit.login_url)
    return sign_out_there(visit.online.grant, log_off) or see_other(log_off)


@blueprint.post("/online/<token>/remember")
def post_remember(token: str) -> Response:
    """The device is let in without typing from now on, if its offer has that and there is room."""
    made = resources()
    with made.database.transaction() as db:
        grant, now = _grant(db, token), made.clock()
        device = remember_device(db, grant, now) if grant.ends_at > now else None
    answer = _to_the_devices(token)
    return answer if device is None else give_cookie(answer, device, now)


@blueprint.post("/online/<token>/forget")
def post_forget(token: str) -> Response:
    """One of the person's devices, or all of them."""
    device_id = request.form.get("device", type=parse_row_id)
    with resources().database.transaction() as db:
        forget_devices(db, _grant(db, token), None if "all" in request.form else device_id or 0)
    return _to_the_devices(token)


@blueprint.post("/online/<token>/sign-out-other")
def post_sign_out_other(token: str) -> Response:
    """Another device of the same person. Only asked for: it is listed until its gateway says that it is gone."""
    session_id = request.form.get("connection", type=UUID)
    made = resources()
    with made.database.transaction() as db:
        grant = _grant(db, token)
        if session_id is not None:
            sign_out_other(db, grant, session_id, made.clock())
    return _to_the_devices(token, "others")


def _grant(db: Session, token: str) -> Grant:
    grant_id = grant_of_token(resources().vault, token)
    grant = db.get(Grant, grant_id) if grant_id is not None else None
    if grant is None:
        abort(HTTPStatus.NOT_FOUND)
    return grant


def _to_the_devices(token: str, part: str = "devices") -> Response:
    return see_other(f"{resources().settings.public_portal}/online/{token}#{part}")


def _visit(token: str) -> _Visit | None:
    made = resources()
    grant_id: UUID | None = grant_of_token(made.vault, token)
    if grant_id is None:
        return None
    last = made.last_arrivals.find(grant_id)
    with made.database.reading() as db:
        signed_in_at = last.signed_in_at if last else None
        online = show_grant(db, grant_id, made.clock(), made.settings, signed_in_at=signed_in_at)
        if online is None:
            return None
        remembered = remembered_with(db, online.grant, made.clock())
        others = devices_online(db, online.grant, made.clock())
        is_opening = online.ends_because in _OPENINGS and online.presence is not Presence.OVER
        opened_for = request_of_grant(db, grant_id) if is_opening else None
        identifying = find_identifying(db, grant_id, made.clock()) if is_opening else None
    waiting = opened_for if opened_for is not None and awaits_code(opened_for) else None
    vendor = online.vendor if last is None else last.vendor
    login_url = usual_login_url(online.login_hosts) if last is None else last.login_url
    return _Visit(online, vendor, login_url, remembered, others, waiting, identifying)


def _survey(visit: _Visit) -> SurveyOnPage | None:
    """Not while somebody has something else to do on the page."""
    is_at_ease = visit.online.presence is Presence.ONLINE and visit.online.ends_because not in _OPENINGS
    return survey_on_page(visit.online.grant) if is_at_ease else None


def _identify(waiting: Identifying) -> dict[str, Any]:
    return {
        "name": waiting.provider.name,
        "is_franceconnect": waiting.provider.profile is IdentityProfile.FRANCECONNECT,
        "device": family_name(waiting.device_family),
        "address": address_online(waiting.grant_id),
    }


def _way_back(visit: _Visit) -> Way | None:
    if visit.login_url is None or visit.online.presence is Presence.ONLINE:
        return None
    way = way_to_the_nas(visit.vendor, visit.login_url)
    is_used_up = visit.online.presence is Presence.OVER and visit.online.again_at is not None
    return Way(way.address, gettext("See other ways to connect") if is_used_up else gettext("Connect again"))


def _why_over(online: Online, *, is_open: bool) -> Explanation | None:
    if online.presence is not Presence.OVER:
        return None
    opened_again = online.ends_because is RefusalReason.SITE_CLOSED and is_open
    if opened_again:
        return explain(RefusalReason.GRANT_ENDED, language())
    return explain_refusal(Refuse(online.ends_because, again_at=online.again_at), language())


def _again(online: Online, *, is_open: bool) -> str:
    """When it can begin anew, where it is over. A place that has closed meanwhile and is open again says so itself."""
    if online.presence is not Presence.OVER or online.again_at is None:
        return ""
    if online.ends_because is RefusalReason.SITE_CLOSED and is_open:
        return ""
    return again_at(online.again_at, resources().clock(), online.zone)


def _refresh_seconds(online: Online) -> int:
    """Sooner where something ends before."""
    first = online.ends[0].after
    soon = REFRESH_SECONDS if first is None else ceil(first.total_seconds()) + 1
    return max(_SOONEST_REFRESH_SECONDS, min(REFRESH_SECONDS, soon))


def _why_it_ends(online: Online) -> str:
    match online.ends_because:
        case RefusalReason.SITE_CLOSED:
            return gettext("when this place closes")
        case RefusalReason.PROOF_AWAITED:
            return gettext("unless you type the code before")
        case RefusalReason.IDENTITY_AWAITED:
            return gettext("unless you identify yourself before")
        case RefusalReason.TIME_USED_UP:
            return gettext(_ITS_TIME_IS_USED_UP[_whose_time(online)])
    return ""


def _whose_time(online: Online) -> Period:
    """Of which allowance the time runs out first."""
    ends = (each.period for each in online.ends if each.reason is RefusalReason.TIME_USED_UP)
    return next(ends, None) or Period.VISIT
