"""Who is online now, and ending that. A librarian sees their own sites, and neither devices' addresses nor anything
past but what was asked to end a moment ago."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.services.disconnecting import end_session, end_sessions_of_site, get_live_session
from hotspot.services.sites import get_site, list_sites
from hotspot.services.wifi_sessions import MOST_SHOWN, lately_ended, who_is_online
from hotspot.services.wishes import latest_wishes
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.language import clock_time, gettext, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wish_wording import REASONS, STATES, hint_of
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
        wishes = latest_wishes(db, [each.wifi_session_id for each in online.sessions])
        ended = lately_ended(db, scope(), now(), site_id=site_id)
    return render_template(
        "online.html",
        online=online,
        wishes=wishes,
        ended=ended,
        states=STATES,
        reasons=REASONS,
        hint_of=hint_of,
        sites=sites,
        site_id=site_id,
        still="still" in request.args,
        refresh_seconds=REFRESH_SECONDS,
        most_shown=MOST_SHOWN,
        ways=WAYS,
        families=DEVICE_FAMILIES,
        now=now(),
    )


@blueprint.get("/online/<uuid:wifi_session_id>/end")
@requires(Permission.END_SESSIONS)
def confirm_end(wifi_session_id: UUID) -> ResponseReturnValue:
    with resources().database.reading() as db:
        session = get_live_session(db, scope(), wifi_session_id)
        site, since = session.site, clock_time(session.started_at, session.site.time_zone)
        offer = session.grant.offer.name if session.grant else gettext("Unknown")
    return _question(
        gettext("End this connection?"),
        gettext("%(site)s · %(offer)s · online since %(since)s", site=site.name, offer=offer, since=since),
        count=1,
    )


@blueprint.post("/online/<uuid:wifi_session_id>/end")
@requires(Permission.END_SESSIONS)
def end(wifi_session_id: UUID) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        end_session(db, scope(), wifi_session_id, now(), visits_too=visits_too())
    flash(gettext("The gateway is being asked to end this connection."), "done")
    return redirect(url_for("online.show"), 303)


@blueprint.get("/online/site/<int(max=2147483647):site_id>/end")
@requires(Permission.END_SESSIONS)
def confirm_end_site(site_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        site = get_site(db, scope(), site_id)
        count = who_is_online(db, scope(), now(), site_id=site_id).total
    return _question(
        gettext("End all connections at %(site)s?", site=site.name),
        ngettext("%(num)s device is online there.", "%(num)s devices are online there.", count, num=count),
        count=count,
        site_id=site_id,
    )


@blueprint.post("/online/site/<int(max=2147483647):site_id>/end")
@requires(Permission.END_SESSIONS)
def end_site(site_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        count = end_sessions_of_site(db, scope(), site_id, now(), visits_too=visits_too())
    flash(said_of(count), "done")
    return redirect(url_for("online.show", site=site_id), 303)


def visits_too() -> bool:
    """Which of the two buttons of the question it was."""
    return request.form.get("visits_too") == "yes"


def said_of(count: int) -> str:
    return ngettext("%(num)s connection is being ended.", "%(num)s connections are being ended.", count, num=count)


def _question(title: str, what: str, *, count: int, site_id: int | None = None) -> str:
    return render_template(
        "ending.html",
        title=title,
        what=what,
        count=count,
        back=url_for("online.show", site=site_id),
        back_label=gettext("Online now"),
    )
