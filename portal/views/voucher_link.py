"""What a printed voucher's second QR code opens: the code in large letters, and what to do with it.

A phone that comes here was sent by its camera, not by an access point, so that nobody can be let in from here. Where
the request comes from the address of a gateway that we know, the phone stands behind it: its browser is led there, and
comes back with an arrival to a page where the code is filled in. Elsewhere it is filled in when the browser arrives.
No table is asked whether the code is good, and so there is nothing to guess at.
"""

from flask import Blueprint, Response, abort, request

from hotspot.errors import Unavailable
from hotspot.policy.voucher_codes import parse_code, print_code
from hotspot.services.arriving import find_nas_behind
from portal.answers import page, usual_login_url, way_to_the_nas
from portal.resources import resources
from portal.scanned_code import keep_code

blueprint = Blueprint("voucher_link", __name__)


@blueprint.get("/v/<text>")
def show(text: str) -> Response:
    code = parse_code(text)
    if code is None:
        abort(404)
    answer = page("voucher_link.html", code=print_code(code), onward=_onward(), site=None)
    keep_code(answer, code)
    return answer


def _onward() -> str | None:
    """Where the gateway in front of this browser answers it; None where we do not know one."""
    made, address = resources(), request.remote_addr or ""

    def load() -> tuple[str, str] | None:
        with made.database.reading() as db:
            return find_nas_behind(db, address)

    try:
        found = made.gateways.get(address, load)
    except Unavailable:
        return None
    if found is None:
        return None
    vendor, login_hosts = found
    login_url = usual_login_url(login_hosts)
    return None if login_url is None else way_to_the_nas(vendor, login_url).address
