"""Pages that say no, or that something went wrong: one table of statuses, one look."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, render_template
from prometheus_client import Counter

from hotspot.values import RefusalReason, Refuse
from hotspot.vendors import VENDORS
from hotspot.wording import explain_refusal
from portal.language import gettext, language, local_moment

STATUSES: dict[RefusalReason, HTTPStatus] = {
    RefusalReason.UNKNOWN_CARD_OR_PIN: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.VOUCHER_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.TERMS_NOT_ACCEPTED: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.NUMBER_NOT_SERVED: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.HOST_NOT_ALLOWED: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.CODE_WRONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalReason.NOT_CONFIRMED_YET: HTTPStatus.CONFLICT,
    RefusalReason.PASS_USED_TODAY: HTTPStatus.CONFLICT,
    RefusalReason.CODE_JUST_SENT: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.CODE_SENT_TOO_OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.TEXTS_USED_UP: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.VOUCHER_USED: HTTPStatus.CONFLICT,
    RefusalReason.TOO_MANY_DEVICES: HTTPStatus.CONFLICT,
    RefusalReason.TOO_MANY_ATTEMPTS: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.LIBRARY_AWAY: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalReason.NOT_FROM_ACCESS_POINT: HTTPStatus.BAD_REQUEST,
    RefusalReason.IDENTITY_STALE: HTTPStatus.CONFLICT,
}
"""Every other refusal is FORBIDDEN."""

_REFUSALS = Counter("parvis_portal_refusals", "Visitors who were told no, by reason", ["reason"])


_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """What stands above the form."""

    title: str
    what_to_do: str = ""
    again: str = ""
    is_problem: bool = True
    fields: tuple[tuple[str, str], ...] = ()
    """(id of a field, what is wrong with it)."""


@dataclass(frozen=True, slots=True)
class Way:
    """A button that leads on from a page without a form."""

    address: str
    label: str


def status_of(reason: RefusalReason) -> HTTPStatus:
    return STATUSES.get(reason, HTTPStatus.FORBIDDEN)


def notice_of(refusal: Refuse, now: datetime, zone: ZoneInfo) -> Notice:
    explanation = explain_refusal(refusal, language())
    again = "" if refusal.again_at is None else again_at(refusal.again_at, now, zone)
    return Notice(explanation.title, explanation.what_to_do, again)


def again_at(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    whole_minute = moment + _MINUTE - timedelta(microseconds=1)  # never a moment too early
    return gettext("It will work again %(when)s.", when=local_moment(whole_minute, now, zone))


def count_refusal(reason: RefusalReason) -> None:
    _REFUSALS.labels(reason.value).inc()


def page(template: str, status: int = HTTPStatus.OK, **facts: Any) -> Response:
    return make_response(render_template(template, **facts), status)


def refusal_page(refusal: Refuse, *, status: int | None = None, **facts: Any) -> Response:
    """A page of its own, for those who cannot be shown a form."""
    explanation = explain_refusal(refusal, language())
    return page(
        "message.html",
        status or status_of(refusal.reason),
        title=explanation.title,
        what_to_do=explanation.what_to_do,
        **facts,
    )


def way_to_the_nas(vendor: str, login_url: str) -> Way:
    """Starts again at the access point: it sends the browser back to us with everything fresh."""
    address = VENDORS[vendor].refresh_challenge(login_url) or login_url
    return Way(address, gettext("Start again"))


def usual_login_url(login_hosts: str) -> str | None:
    """The first login address of a NAS, where the one that the device came with is not known."""
    hosts = login_hosts.split()
    return f"http://{hosts[0]}/login" if hosts else None
