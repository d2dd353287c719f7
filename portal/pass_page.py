"""The page of a request for a pass while something is awaited: the code to type, or the host's word."""

from http import HTTPStatus
from typing import Any

from flask import Response, request

from hotspot.models import PassRequest, PassState
from hotspot.portal_links import pass_token
from hotspot.services.proving import Codes, sent_to, why_not_send_again
from hotspot.services.sponsoring import visitor_name, why_not_sponsored
from hotspot.values import RefusalReason, Refuse, Way
from portal.answers import Notice, notice_of, page
from portal.arrival import Arrival
from portal.language import clock_time, gettext, language
from portal.resources import resources
from portal.visits import shown_site

WAITING_REFRESH_SECONDS = 5


def codes() -> Codes:
    made = resources()
    return Codes(made.vault, made.settings)


def awaited(waiting: PassRequest) -> dict[str, Any]:
    """The facts of a form that takes a code: for the request's own page, and for the page of a visit."""
    made = resources()
    now, refusal = made.clock(), why_not_send_again(waiting, made.clock())
    just_sent = refusal is not None and refusal.reason is RefusalReason.CODE_JUST_SENT
    return {
        "sent_to": sent_to(waiting, made.vault),
        "by_mail": waiting.way is Way.EMAIL_CODE,
        "until": clock_time(waiting.expires_at, shown_site(waiting.site_id).hours.zone),
        "is_late": waiting.expires_at <= now,
        "can_send_again": refusal is None or just_sent,
    }


def pass_page(
    arrival: Arrival, waiting: PassRequest, notice: Notice | None = None, status: int = HTTPStatus.OK
) -> Response:
    made = resources()
    now, site = made.clock(), shown_site(arrival.site_id)
    facts: dict[str, Any] = {
        "site": site,
        "notice": notice,
        "arrival_token": arrival.to_token(made.vault),
        "pass_token": pass_token(made.vault, waiting.id),
        "is_proven": waiting.state in (PassState.PROVEN, PassState.GRANTED),
    }
    if waiting.way is not Way.SPONSOR:
        return page("pass_code.html", status, awaited=awaited(waiting), **facts)
    over = why_not_sponsored(waiting, now)
    if over is not None and notice is None:
        facts["notice"] = notice_of(over, now, site.hours.zone)
    waits = over is None and not facts["is_proven"]
    refreshes = waits and "still" not in request.args
    answer = page(
        "pass_waiting.html",
        status,
        visitor=visitor_name(waiting, codes()),
        until=clock_time(waiting.expires_at, site.hours.zone),
        waits=waits,
        refreshes=refreshes,
        **facts,
    )
    if refreshes:  # as a header, and one that the reader can stop (WCAG 2.2.1)
        answer.headers["Refresh"] = f"{WAITING_REFRESH_SECONDS}; url={address_of(arrival, waiting)}"
    return answer


def address_of(arrival: Arrival, waiting: PassRequest) -> str:
    made = resources()
    tokens = f"arrival={arrival.to_token(made.vault)}&pass={pass_token(made.vault, waiting.id)}"
    return f"{made.settings.public_portal}/pass?{tokens}&lang={language()}"


def sent_notice() -> Notice:
    return Notice(gettext("A new code is on its way."), is_problem=False)


def refused_notice(refusal: Refuse, waiting: PassRequest) -> Notice:
    return notice_of(refusal, resources().clock(), shown_site(waiting.site_id).hours.zone)
