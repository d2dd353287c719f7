"""Unknown access points: what knocks without being a gateway of ours, to be taken in or ignored."""

from ipaddress import ip_network

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import InvalidInput
from hotspot.models import SourceKind
from hotspot.services import nases, unknown_sources
from hotspot.values import parse_row_id
from hotspot.vendors import VENDORS
from hotspot_admin.access import Permission, requires
from hotspot_admin.language import gettext
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("unknown_sources", __name__, url_prefix="/unknown-access-points")

_ID = "/<int(max=2147483647):source_id>"


@blueprint.get("")
@requires(Permission.MANAGE_NASES)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        sources = unknown_sources.list_unknown(db, scope())
        known = nases.list_nases(db, scope())
    return render_template("unknown_sources.html", sources=sources, nases=known, vendors=VENDORS, now=now())


@blueprint.post(f"{_ID}/address")
@requires(Permission.MANAGE_NASES)
def take_as_address(source_id: int) -> ResponseReturnValue:
    """It is a gateway that we know, from an address that we did not."""
    try:
        nas_id = parse_row_id(request.form.get("nas_id", ""))
    except ValueError as error:
        raise InvalidInput("Choose one of these.", field="nas_id") from error
    with resources().database.transaction() as db:
        source = unknown_sources.get_unknown(db, scope(), source_id)
        if source.kind is not SourceKind.ADDRESS:
            raise InvalidInput("This is not an address.", field="nas_id")
        nas = nases.add_address(db, scope(), nas_id, str(ip_network(source.source)), now())
    flash(gettext("%(name)s may speak from this address from now on.", name=nas.name), "done")
    return redirect(url_for("nases.edit", nas_id=nas_id), 303)


@blueprint.post(f"{_ID}/ignore")
@requires(Permission.MANAGE_NASES)
def ignore(source_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        source = unknown_sources.ignore_unknown(db, scope(), source_id, now())
    flash(gettext("%(source)s is ignored from now on.", source=source.source), "done")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("unknown_sources.index"), 303)
