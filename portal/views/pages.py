"""Pages to read: terms of use, privacy, accessibility, and why an access point refused."""

from flask import Blueprint, Response, abort, request

from hotspot.services.arriving import find_nas_address
from hotspot.services.offers import SiteShown
from hotspot.values import RefusalReason, Refuse, parse_row_id
from portal.answers import Way, count_refusal, page, refusal_page, usual_login_url, way_to_the_nas
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("pages", __name__)


@blueprint.get("/terms")
def terms() -> Response:
    return page("terms.html", site=_site())


@blueprint.get("/privacy")
def privacy() -> Response:
    return page("privacy.html", site=_site())


@blueprint.get("/accessibility")
def accessibility() -> Response:
    return page("accessibility.html", site=_site())


@blueprint.get("/refused/<reason>")
def refused(reason: str) -> Response:
    """Where the access point sends a browser after an Access-Reject."""
    if reason not in set(RefusalReason):
        abort(404)
    count_refusal(RefusalReason(reason))
    return refusal_page(Refuse(RefusalReason(reason)), way=_way_back())


def _site() -> SiteShown | None:
    """The one that the page was opened from, so that the right people are named."""
    site_id = request.args.get("site", type=parse_row_id)
    return None if site_id is None else shown_site(site_id)


def _way_back() -> Way | None:
    nas_id = request.args.get("nas", type=parse_row_id)
    if nas_id is None:
        return None
    with resources().database.reading() as db:
        found = find_nas_address(db, nas_id)
    login_url = usual_login_url(found[1]) if found else None
    return way_to_the_nas(found[0], login_url) if found and login_url else None
