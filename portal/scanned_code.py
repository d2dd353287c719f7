"""The code of a paper that was scanned, kept by the browser until it arrives from an access point: ten minutes.

A cookie, and only for whoever scans a voucher. It goes to us alone and names nobody. In an address
the code would be read by anybody near the access point, where nothing is encrypted yet.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Response, request

from hotspot.policy.voucher_codes import VoucherCode, parse_code
from portal.resources import resources

LIFE = timedelta(minutes=10)
_NAME = "voucher"


def scanned_code() -> VoucherCode | None:
    """What the browser says that it scanned: as good as typed, and checked like that."""
    return parse_code(request.cookies.get(_NAME, "")[:40]) if "Cookie" in request.headers else None


def keep_code(response: Response, code: VoucherCode) -> None:
    url = resources().settings.portal_url
    response.set_cookie(
        _NAME, code, max_age=LIFE, path=_path(), secure=url.scheme == "https", httponly=True, samesite="Lax"
    )


def forget_code(response: Response) -> None:
    """Once it has let somebody in."""
    if _NAME in request.cookies:
        response.delete_cookie(_NAME, path=_path(), httponly=True, samesite="Lax")


def _path() -> str:
    return urlsplit(resources().settings.public_portal).path + "/"
