"""Who is online now. A librarian sees their own sites, and neither devices' addresses nor anything past."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from hotspot.services.sites import list_sites
from hotspot.services.wifi_sessions import MOST_SHOWN, who_is_online
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wording import DEVICE_FAMILIES, WAYS

blueprint = Blueprint("online", __name__)

REFRESH_SECONDS = 15


@blueprint.get("/online")
@requires(Permission.SEE_ONLINE)
def show() -> ResponseReturnValue:
    """It reloads itself, unless asked not to (`?still`): some people cannot read a page that moves."""
    site_id = request.args.get("site", type=parse_row_id)
    with resources().database.reading() as db:
        sites = list_sites(db, scope())
        online = who_is_online(db, scope(), now(), site_id=site_id)
    return render_template(
        "online.html",
        online=online,
        sites=sites,
        site_id=site_id,
        still="still" in request.args,
        refresh_seconds=REFRESH_SECONDS,
        most_shown=MOST_SHOWN,
        ways=WAYS,
        families=DEVICE_FAMILIES,
        now=now(),
    )
