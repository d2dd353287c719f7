"""The first page: the desk for a librarian; is all well, for an administrator."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from hotspot_admin.access import Permission, requires

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@requires(Permission.BE_SIGNED_IN)
def show() -> ResponseReturnValue:
    return render_template("home.html")
