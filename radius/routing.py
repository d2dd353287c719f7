"""Which kind of Access-Request is it? Told from the packet alone, before anything is asked of anybody."""

import re
from enum import StrEnum

from hotspot.values import parse_mac
from radius.messages import AccessRequest, Request

_ONE_TIME_LOGIN = re.compile(r"[0-9a-f]{20}")
"""The names that `make_one_time_login` gives: no MAC, card number or voucher code looks so."""
_SEPARATORS = re.compile(r"[-:. ]")
_ADMINISTRATIVE_USER, _CALL_CHECK = 6, 10
"""Service-Type (RFC 2865 section 5.6)."""


class Asking(StrEnum):
    """What somebody asks with."""

    ONE_TIME_LOGIN = "one_time_login"
    """From the portal: answered from Redis alone."""
    MAC_AUTHENTICATION = "mac_authentication"
    """The NAS, for a device that has said nothing yet."""
    TYPED_LOGIN = "typed_login"
    """A voucher code, or a card and its PIN, typed on the NAS's own page."""
    NAS_ITSELF = "nas_itself"
    """For the NAS's own settings or statistics: no person."""
    EAP = "eap"


def asks_with(request: AccessRequest) -> Asking:
    if request.is_eap:
        return Asking.EAP
    if _ONE_TIME_LOGIN.fullmatch(request.user_name):
        return Asking.ONE_TIME_LOGIN
    if request.service_type == _ADMINISTRATIVE_USER:
        return Asking.NAS_ITSELF
    if request.service_type == _CALL_CHECK or _names_its_device(request):
        return Asking.MAC_AUTHENTICATION
    return Asking.TYPED_LOGIN


def is_for_people(request: Request) -> bool:
    """Has `radius/people.py` to answer it?"""
    return isinstance(request, AccessRequest) and asks_with(request) is not Asking.ONE_TIME_LOGIN


def _names_its_device(request: AccessRequest) -> bool:
    """User-Name is the MAC of Calling-Station-Id, in whatever punctuation, perhaps with a suffix behind it (chilli's
    `macsuffix`, a realm)."""
    device_mac = parse_mac(request.calling_station_id)
    return device_mac is not None and _SEPARATORS.sub("", request.user_name).lower().startswith(device_mac)
