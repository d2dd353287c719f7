"""What a printed voucher's second QR code opens: the code in large letters, and what to do with it.

A phone that comes here was sent by its camera, not by an access point: nothing says where it is, so that nobody can
be let in from here. No table is asked whether the code is good, and so there is nothing to guess at.
"""

from flask import Blueprint, Response, abort

from hotspot.policy.voucher_codes import parse_code, print_code
from portal.answers import page

blueprint = Blueprint("voucher_link", __name__)


@blueprint.get("/v/<text>")
def show(text: str) -> Response:
    code = parse_code(text)
    if code is None:
        abort(404)
    return page("voucher_link.html", code=print_code(code), site=None)
