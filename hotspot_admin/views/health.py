"""For machines: is this process well, and its counters."""

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hotspot.health import check_health, is_well
from hotspot_admin.access import public
from hotspot_admin.resources import resources

blueprint = Blueprint("health", __name__)

_LOOPBACK = ("127.0.0.1", "::1")


@blueprint.get("/healthz")
@public
def show() -> ResponseReturnValue:
    health = check_health(resources().database, resources().redis)
    return jsonify(health), 200 if is_well(health) else 503


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Only for this machine: a proxy on it would make everybody look local."""
    through_a_proxy = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"))
    if request.remote_addr not in _LOOPBACK or through_a_proxy:
        abort(404)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
