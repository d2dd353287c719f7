"""The page of a site: its name, whether it is open, its ways to sign in. Also shown again after a refusal."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from flask import Response, make_response, render_template

from hotspot.policy.opening_hours import LOOK_AHEAD, closing_time, next_opening
from hotspot.services.offers import OfferShown, SiteShown
from hotspot.values import RefusalReason, Refuse, Way
from portal.answers import Notice, notice_of
from portal.arrival import Arrival
from portal.colours import dress
from portal.drawn_page import DrawnPage
from portal.language import clock_time, gettext, language, local_moment
from portal.protection import takes_gzip
from portal.resources import resources
from portal.visits import shown_site

_PLACE_OF_TOKEN = secrets.token_hex(16)
"""The first page is the same for all visitors of a site but for this: it is drawn once, and kept for a moment."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What differs from one showing of the page to the next."""

    notice: Notice | None = None
    can_continue: bool = False
    """The device has a grant here with something left: one button instead of a form."""
    can_return: bool = False
    """It is remembered here, under another address: one button above the forms."""
    tried: OfferShown | None = None
    remember: bool = False
    card_number: str = ""
    """As typed, so that a wrong PIN does not cost it. Nothing secret is ever shown again."""
    voucher_code: str = ""
    """As printed on the paper that was scanned: filled in, and its form the first."""


def welcome_page(arrival: Arrival, shown: Shown, status: int = HTTPStatus.OK) -> Response:
    made = resources()
    now = made.clock()
    token = replace(arrival, language=language()).to_token(made.vault)
    if shown != Shown():
        return make_response(_render(arrival.site_id, shown, now, token), status)
    key = (arrival.site_id, language(), int(now.timestamp()) // 60)
    drawn = made.pages.get(
        key, lambda: DrawnPage(_render(arrival.site_id, shown, now, _PLACE_OF_TOKEN), _PLACE_OF_TOKEN)
    )
    dress(shown_site(arrival.site_id).colour)  # drawn a moment ago, and allowed on this answer too
    if not takes_gzip():
        return Response(drawn.plain(token.encode()), status, mimetype="text/html")
    return Response(drawn.compressed(token.encode()), status, {"Content-Encoding": "gzip"}, mimetype="text/html")


def _render(site_id: int, shown: Shown, now: datetime, arrival_token: str) -> str:
    site = shown_site(site_id)
    closed = closing_time(site.hours, now) is None
    if closed and shown.notice is None:
        refusal = Refuse(RefusalReason.SITE_CLOSED, again_at=next_opening(site.hours, now))
        shown = replace(shown, notice=replace(notice_of(refusal, now, site.hours.zone), is_problem=False))
    return render_template(
        "welcome.html",
        site=site,
        opening=opening_line(site, now),
        closed=closed,
        offers=() if closed else _in_order(site, shown),
        open_offer=_open_offer(site, shown),
        same_way_twice=len({offer.way for offer in site.offers}) < len(site.offers),
        shown=shown,
        arrival_token=arrival_token,
    )


def opening_line(site: SiteShown, now: datetime) -> str:
    closes_at = closing_time(site.hours, now)
    if closes_at is None:
        opens_at = next_opening(site.hours, now)
        if opens_at is None:
            return gettext("Closed")
        return gettext("Closed, opens again %(when)s", when=local_moment(opens_at, now, site.hours.zone))
    if closes_at - now >= LOOK_AHEAD:
        return gettext("Open day and night")
    if closes_at.astimezone(site.hours.zone).date() == now.astimezone(site.hours.zone).date():
        return gettext("Open until %(time)s", time=clock_time(closes_at, site.hours.zone))
    return gettext("Open, closes %(when)s", when=local_moment(closes_at, now, site.hours.zone))


def _in_order(site: SiteShown, shown: Shown) -> Sequence[OfferShown]:
    """As staff ordered them; but what was scanned is what its visitor came for."""
    return sorted(site.offers, key=lambda offer: bool(shown.voucher_code) and offer.way is not Way.VOUCHER)


def _open_offer(site: SiteShown, shown: Shown) -> int | None:
    """The one whose form is open: what was tried, else the first."""
    if shown.tried is not None:
        return shown.tried.id
    offers = _in_order(site, shown)
    return offers[0].id if offers else None
