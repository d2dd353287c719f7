"""The page of a place, for whoever wants to know it before or beside a visit (RFC 8908: venue-info-url)."""

from collections.abc import Sequence
from datetime import date, timedelta

from flask import Blueprint, Response, abort

from hotspot.policy.opening_hours import Hours, Interval, closing_time
from hotspot.values import parse_row_id
from hotspot.vendors.vendor import is_web_address
from portal.answers import page
from portal.language import day_of_week, gettext, local_date, wall_time
from portal.resources import resources
from portal.visits import shown_site
from portal.welcome_page import opening_line

blueprint = Blueprint("places", __name__)

_COMING = timedelta(days=30)


@blueprint.get("/places/<site_id>")
def get_place(site_id: str) -> Response:
    try:
        site = shown_site(parse_row_id(site_id))
    except ValueError:
        abort(404)
    now = resources().clock()
    today = now.astimezone(site.hours.zone).date()
    return page(
        "place.html",
        site=site,
        opening=opening_line(site, now),
        closed=closing_time(site.hours, now) is None,
        week=_week(site.hours, today),
        coming=_coming(site.hours, today),
        ways=list(dict.fromkeys(each.way for each in site.offers)),
        web_page=site.web_page if is_web_address(site.web_page) else "",
    )


def address_of_place(site_id: int) -> str:
    """The place's own page on the web if it has one, else ours."""
    site = shown_site(site_id)
    own = f"{resources().settings.public_portal}/places/{site_id}"
    return site.web_page if is_web_address(site.web_page) else own


def _week(hours: Hours, today: date) -> list[tuple[str, str, bool]]:
    """(day, hours, is today), from Monday; none where it is open day and night."""
    if not any(hours.week.values()):
        return []
    return [(day_of_week(day), _said(hours.week.get(day, ())), day == today.weekday()) for day in range(7)]


def _coming(hours: Hours, today: date) -> list[tuple[str, str]]:
    return [
        (local_date(day), _said(intervals))
        for day, intervals in sorted(hours.exceptions.items())
        if today <= day <= today + _COMING
    ]


def _said(intervals: Sequence[Interval]) -> str:
    """Empty: closed."""
    stretches = sorted(intervals, key=lambda each: each.opens_at)
    return ", ".join(_stretch(each) for each in stretches)


def _stretch(interval: Interval) -> str:
    if interval.opens_at == interval.closes_at:
        return gettext("all day")
    return f"{wall_time(interval.opens_at)}\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}{wall_time(interval.closes_at)}"
