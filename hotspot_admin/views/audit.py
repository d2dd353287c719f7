"""The audit log: to read, page by page."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from hotspot.services.audit import audited_actions, read_audit
from hotspot.services.sites import local_zone
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.resources import resources, scope
from hotspot_admin.wording import ACTIONS, FACTS

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
@requires(Permission.SEE_AUDIT)
def index() -> ResponseReturnValue:
    action = request.args.get("action", "")
    before = request.args.get("before", type=parse_row_id)
    with resources().database.reading() as db:
        actions = audited_actions(db, scope())
        chosen = action if action in actions else ""
        page = read_audit(db, scope(), action=chosen, before=before)
        zone = local_zone(db, scope())
    return render_template(
        "audit.html", page=page, actions=actions, action=chosen, before=before, labels=ACTIONS, facts=FACTS, zone=zone
    )
