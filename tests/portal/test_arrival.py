"""The redirect's query is hostile until it has been checked; what was checked travels in a signed token."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from hotspot.sealing import Vault
from hotspot.services.arriving import Place
from hotspot.values import MacAddress, RefusalReason, Refuse
from hotspot.vendors.vendor import Redirect
from portal.arrival import Arrival, arrival_of_token, check_redirect, read_redirect
from portal.resources import KnownPlace
from tests.factories import NOW, REDIRECT_SECRET, VAULT
from tests.portal.conftest import Town, redirect_of

PORTAL = "http://localhost:8080"
TOWN = Town(1, "Library", 7, "nas-7", 1, 2, 3, "", "")
PLACE = Place(7, "coovachilli", "10.1.0.1:3990", VAULT.seal(REDIRECT_SECRET), 1)
MIKROTIK_PLACE = Place(8, "mikrotik", "10.5.50.1", None, 2)
ARRIVAL = Arrival(
    nas_id=7,
    vendor="coovachilli",
    site_id=1,
    device_mac=MacAddress("020000000001"),
    login_url="http://10.1.0.1:3990/logon",
    challenge="0123456789abcdef0123456789abcdef",
    chap_id="",
    issued_at=NOW,
    language="fr",
)
MIKROTIK = (
    "mac=02:00:00:00:00:01&identity=square&server-name=hotspot1&link-login-only="
    + quote("http://10.5.50.1/login", safe="")
    + "&chap-id="
    + quote(r"\371")
    + "&chap-challenge="
    + quote(r"\357\015\330\013\021\234\145\245\303\253\142\246\133\175\375\316")
)


def read(address: str) -> Redirect | Refuse:
    path, _, query = address.partition("?")
    return read_redirect(path, query.encode("latin-1"))


def check(address: str, place: Place | None = PLACE, portal_url: str = PORTAL) -> Arrival | Refuse:
    redirect = read(address)
    if isinstance(redirect, Refuse):
        return redirect
    known = place and KnownPlace(
        place, VAULT.open(place.redirect_secret_sealed) if place.redirect_secret_sealed else ""
    )
    return check_redirect(redirect, known, NOW, portal_url=portal_url)


def test_a_signed_redirect_becomes_an_arrival() -> None:
    assert check(redirect_of(TOWN)) == replace(ARRIVAL, language="")


def test_a_mikrotik_signs_nothing_and_arrives_by_its_login_address() -> None:
    arrival = check(f"/hotspot?{MIKROTIK}", MIKROTIK_PLACE)
    assert isinstance(arrival, Arrival)
    assert (arrival.nas_id, arrival.login_url, arrival.chap_id) == (8, "http://10.5.50.1/login", r"\371")


def test_an_unknown_nas_is_refused() -> None:
    assert check(redirect_of(TOWN), place=None) == Refuse(RefusalReason.UNKNOWN_NAS)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(redirect_of(TOWN, secret="another secret"), id="signed with another secret"),
        pytest.param(redirect_of(TOWN).replace("10.1.0.2", "10.1.0.3"), id="changed after signing"),
        pytest.param(redirect_of(TOWN).rpartition("&md=")[0], id="not signed"),
        pytest.param(redirect_of(TOWN).rpartition("&md=")[0] + "&md=", id="empty signature"),
        pytest.param(redirect_of(TOWN).lower(), id="lower case"),
        pytest.param(redirect_of(TOWN).replace("%3a", "%3A"), id="encoded again in another way"),
        pytest.param(redirect_of(TOWN) + "&lang=en", id="something added behind"),
        pytest.param(redirect_of(TOWN, portal_url="http://evil.test"), id="signed for another portal"),
    ],
)
def test_a_wrong_signature_is_refused(address: str) -> None:
    assert check(address) == Refuse(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize(
    ("uamip", "uamport"),
    [("10.1.0.9", "3990"), ("10.1.0.1", "3991"), ("10.1.0.1.evil.test", "3990"), ("evil.test", "80")],
)
def test_a_login_address_that_is_not_the_nas_is_refused(uamip: str, uamport: str) -> None:
    assert check(redirect_of(TOWN, uamip=uamip, uamport=uamport)) == Refuse(RefusalReason.FOREIGN_LOGIN_ADDRESS)


@pytest.mark.parametrize(
    "login",
    [
        "http://10.5.50.1@evil.test/login",
        "http://evil.test/login?10.5.50.1",
        "http://evil.test\\@10.5.50.1/login",
        "http://10.5.50.1.evil.test/login",
        "https://evil.test#@10.5.50.1/",
        "javascript:alert(1)//10.5.50.1",
        "//10.5.50.1/login",
        "http://[::1/login",
        "http://10.5.50.1:99999/login",
        "ftp://10.5.50.1/login",
        "",
    ],
)
def test_a_hostile_login_address_never_becomes_an_arrival(login: str) -> None:
    query = MIKROTIK.replace(quote("http://10.5.50.1/login", safe=""), quote(login, safe=""))
    answer = check(f"/hotspot?{query}", MIKROTIK_PLACE)
    assert isinstance(answer, Refuse)
    assert answer.reason in (RefusalReason.FOREIGN_LOGIN_ADDRESS, RefusalReason.NOT_FROM_ACCESS_POINT)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("/hotspot?a=1", id="nobody's"),
        pytest.param(redirect_of(TOWN) + "&mac=02-00-00-00-00-02", id="a parameter twice"),
        pytest.param(redirect_of(TOWN) + "&m%61c=02-00-00-00-00-02", id="a parameter twice, in disguise"),
        pytest.param(redirect_of(TOWN) + "&x=" + "a" * 100_000, id="too long"),
        pytest.param(redirect_of(TOWN, ssid="\x00"), id="a NUL"),
        pytest.param(redirect_of(TOWN, ssid="a\r\nSet-Cookie: b"), id="a line break"),
        pytest.param(redirect_of(TOWN, ssid="\u202e"), id="a mark that turns the text"),
        pytest.param(redirect_of(TOWN) + "&ssid=caf%e9", id="another charset"),
        pytest.param(redirect_of(TOWN) + "&ssid=caf\xe9", id="raw octets"),
        pytest.param(redirect_of(TOWN, mac="zz"), id="no MAC address"),
        pytest.param(redirect_of(TOWN, uamport="0"), id="no port"),
        pytest.param(redirect_of(TOWN, uamport="²"), id="a digit that is none"),
        pytest.param(redirect_of(TOWN, uamip="a/b@c"), id="an address that leads elsewhere"),
        pytest.param(redirect_of(TOWN, challenge="xyz"), id="no challenge"),
        pytest.param(redirect_of(TOWN, res="splash"), id="an outcome we do not know"),
    ],
)
def test_what_no_access_point_of_ours_sends_is_refused(address: str) -> None:
    assert check(address) == Refuse(RefusalReason.NOT_FROM_ACCESS_POINT)


def test_the_visited_address_is_not_even_decoded() -> None:
    address = redirect_of(TOWN).rpartition("&userurl=")[0] + "&userurl=%ff%00"
    redirect = read(address)
    assert isinstance(redirect, Redirect)
    assert "userurl" not in repr(redirect.signature + redirect.login_url)


def test_a_token_gives_back_what_was_signed(vault: Vault) -> None:
    assert arrival_of_token(vault, ARRIVAL.to_token(vault)) == ARRIVAL


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="none"),
        pytest.param("x.y", id="rubbish"),
        pytest.param(ARRIVAL.to_token(Vault("z" * 40)), id="another key"),
        pytest.param(VAULT.sign("online", [7]), id="signed for another purpose"),
        pytest.param(VAULT.stamp("online", b"[7]"), id="stamped for another purpose"),
        pytest.param(VAULT.stamp("arrival", b"[7]"), id="another shape"),
        pytest.param(VAULT.stamp("arrival", b""), id="nothing at all"),
        pytest.param(ARRIVAL.to_token(VAULT)[:-1], id="cut short"),
        pytest.param("é\x00", id="not even ASCII"),
    ],
)
def test_what_we_did_not_sign_is_no_arrival(token: str) -> None:
    assert arrival_of_token(VAULT, token) is None


def test_an_arrival_ages() -> None:
    half_an_hour = timedelta(minutes=30)
    assert not ARRIVAL.is_older_than(half_an_hour, NOW + half_an_hour)
    assert ARRIVAL.is_older_than(half_an_hour, NOW + half_an_hour + timedelta(seconds=1))
