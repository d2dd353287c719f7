"""A cookie on a device whose person asked that it be remembered, and on no other.

Phones change their address from time to time; the cookie says which remembered device this is all the same. It is worth
nothing once the device is forgotten, and opens nothing by itself: one tap is asked for.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

from hotspot.models import RememberedDevice
from hotspot.services.remembering import ReturnKey
from portal.resources import resources

NAME = "parvis_return"
_PURPOSE = "return"
_ID_OCTETS, _SECRET_OCTETS = 4, 16


def give_cookie(response: Response, device: RememberedDevice, now: datetime) -> Response:
    if device.return_secret is None:
        return response
    octets = device.id.to_bytes(_ID_OCTETS) + device.return_secret
    seconds = int((device.expires_at - now).total_seconds())
    response.set_cookie(NAME, resources().vault.stamp(_PURPOSE, octets), max_age=seconds, **_where())
    return response


def take_cookie(response: Response) -> Response:
    """What it stood for is not there any more."""
    response.delete_cookie(NAME, **_where())
    return response


def return_key() -> ReturnKey | None:
    """What the browser's cookie says; None if it has none that we made."""
    token = request.cookies.get(NAME)
    octets = resources().vault.check_stamp(_PURPOSE, token) if token else None
    if octets is None or len(octets) != _ID_OCTETS + _SECRET_OCTETS:
        return None
    return ReturnKey(int.from_bytes(octets[:_ID_OCTETS]), octets[_ID_OCTETS:])


def has_cookie() -> bool:
    return NAME in request.cookies


def _where() -> dict[str, Any]:
    portal = urlsplit(resources().settings.public_portal)
    return {"path": portal.path or "/", "secure": portal.scheme == "https", "httponly": True, "samesite": "Lax"}
