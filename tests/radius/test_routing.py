"""Which kind of Access-Request is it? Told from what real access points send, and from what they might."""

import pytest

from hotspot.adapters.one_time_login import make_one_time_login
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage
from radius.authenticity import NoProof, SharedSecret
from radius.codec import Packet, parse
from radius.messages import AccessRequest, StatusServer
from radius.reading import read_request
from radius.routing import Asking, asks_with, is_for_people
from tests import factories
from tests.radius.packets import vector


def request(user_name: str = "", calling: str = "02-00-00-00-00-01", **others: object) -> AccessRequest:
    fields = {"called_station_id": "", "service_type": None, "proof": NoProof()} | others
    return AccessRequest(user_name=user_name, calling_station_id=calling, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("coovachilli-1.8-access-request-pap-mac-ma", Asking.MAC_AUTHENTICATION),
        ("coovachilli-1.8-access-request-pap-mac-ma-2", Asking.MAC_AUTHENTICATION),
        ("coovachilli-1.8-access-request-pap-mac-ma-3", Asking.MAC_AUTHENTICATION),
        ("coovachilli-1.8-access-request-pap-admin-ma", Asking.NAS_ITSELF),
        ("coovachilli-1.8-access-request-pap-ma", Asking.TYPED_LOGIN),
        ("coovachilli-1.8-access-request-chap-ma", Asking.TYPED_LOGIN),
        ("coovachilli-1.8-access-request-mschapv2-ma", Asking.TYPED_LOGIN),
        ("hostapd-2.10-driver-wired-access-request-eap-ma", Asking.EAP),
    ],
)
def test_captured_packets(name: str, kind: Asking) -> None:
    captured = vector(name)
    packet = parse(bytes.fromhex(captured["hex"]))
    assert isinstance(packet, Packet)
    read = read_request(packet, SharedSecret(captured["secret"].encode()))
    assert isinstance(read, AccessRequest)

    assert asks_with(read) is kind


@pytest.mark.parametrize(
    ("user_name", "service_type", "kind"),
    [
        ("02-00-00-00-00-01", 2, Asking.MAC_AUTHENTICATION),
        ("02:00:00:00:00:01", None, Asking.MAC_AUTHENTICATION),
        ("020000000001", 1, Asking.MAC_AUTHENTICATION),
        ("0200.0000.0001", 10, Asking.MAC_AUTHENTICATION),
        ("02-00-00-00-00-01@library", 2, Asking.MAC_AUTHENTICATION),
        ("02-00-00-00-00-01-guest", 2, Asking.MAC_AUTHENTICATION),
        ("anything", 10, Asking.MAC_AUTHENTICATION),
        ("02-00-00-00-00-02", 2, Asking.TYPED_LOGIN),
        ("", None, Asking.TYPED_LOGIN),
        ("25901234567890", 1, Asking.TYPED_LOGIN),
        ("XXXX-XXXX-XXXX", None, Asking.TYPED_LOGIN),
        ("0123456789ABCDEF0123", None, Asking.TYPED_LOGIN),
        ("0123456789abcdef0123", 1, Asking.ONE_TIME_LOGIN),
        ("0123456789abcdef0123", 6, Asking.ONE_TIME_LOGIN),
        ("chilliadmin", 6, Asking.NAS_ITSELF),
        ("02-00-00-00-00-01", 6, Asking.NAS_ITSELF),
    ],
)
def test_names_and_service_types(user_name: str, service_type: int | None, kind: Asking) -> None:
    assert asks_with(request(user_name, service_type=service_type)) is kind


def test_a_name_is_no_mac_where_no_device_is_named() -> None:
    assert asks_with(request("02-00-00-00-00-01", calling="")) is Asking.TYPED_LOGIN


def test_every_one_time_login_is_known_as_such() -> None:
    terms = GrantTerms(grant_id=factories.uuid4(), ends_at=factories.NOW)
    for _ in range(50):
        login = make_one_time_login(1, factories.DEVICE_MAC, terms, Usage())
        assert asks_with(request(login.user_name)) is Asking.ONE_TIME_LOGIN
        assert not is_for_people(request(login.user_name))


def test_people_are_asked_about_no_status_server() -> None:
    assert is_for_people(request("a card"))
    assert not is_for_people(StatusServer())
