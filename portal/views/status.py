"""For those who watch the process: /healthz for anybody, /metrics for this machine only."""

from ipaddress import ip_address

from flask import Blueprint, Response, abort, jsonify, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hotspot.health import check_health, is_well
from portal.resources import resources

blueprint = Blueprint("status", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    health = check_health(resources().database, resources().redis)
    return make_response(jsonify(dict(health)), 200 if is_well(health) else 503)


@blueprint.get("/metrics")
def metrics() -> Response:
    """404 to others: it tells how the town's network is used."""
    if request.environ["parvis.through_proxy"] or not _is_this_machine(request.remote_addr):
        abort(404)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_this_machine(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
