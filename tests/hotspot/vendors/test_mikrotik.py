"""MikroTik: what its login page passes on, octal escapes, and hostile values."""

import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.vendors.mikrotik import MIKROTIK, chap_response
from hotspot.vendors.vendor import LoginMaterial, Outcome, Redirect, is_web_address

CHAP_ID = r"\371"
CHALLENGE = r"\357\015\330\013\021\234\145\245\303\253\142\246\133\175\375\316"
QUERY = {
    "mac": "02:00:00:00:00:01",
    "ip": "192.168.88.10",
    "identity": "square",
    "server-name": "Hotspot1",
    "link-login-only": "http://192.168.88.1/login",
    "chap-id": CHAP_ID,
    "chap-challenge": CHALLENGE,
    "error": "",
}


def recognise(**changes: str) -> Redirect | None:
    query = QUERY | {name.replace("_", "-"): value for name, value in changes.items()}
    return MIKROTIK.recognise("/hotspot", urlencode(query), query)


def test_a_redirect_is_read() -> None:
    assert recognise() == Redirect(
        vendor="mikrotik",
        outcome=Outcome.NOT_YET,
        nas_identifier="square",
        called_station_id="hotspot1",
        device_mac="020000000001",
        device_ip="192.168.88.10",
        login_url="http://192.168.88.1/login",
        challenge=CHALLENGE,
        chap_id=CHAP_ID,
    )


def test_an_error_means_that_it_was_rejected() -> None:
    redirect = recognise(error="no valid login")
    assert redirect is not None
    assert redirect.outcome is Outcome.REJECTED


def test_a_login_page_over_pap_has_no_challenge() -> None:
    redirect = recognise(chap_id="", chap_challenge="")
    assert redirect is not None
    assert (redirect.challenge, redirect.chap_id) == ("", "")


def test_query_and_fragment_of_the_login_address_are_dropped() -> None:
    redirect = recognise(link_login_only="https://192.168.88.1/login?dst=http://probe/#here")
    assert redirect is not None
    assert redirect.login_url == "https://192.168.88.1/login"


@pytest.mark.parametrize("missing", ["mac", "identity", "link-login-only"])
def test_without_what_marks_the_brand_it_is_not_recognised(missing: str) -> None:
    query = {name: value for name, value in QUERY.items() if name != missing}
    assert MIKROTIK.recognise("/hotspot", urlencode(query), query) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"mac": "02:00"},
        {"link_login_only": ""},
        {"link_login_only": "/login"},
        {"link_login_only": "//192.168.88.1/login"},
        {"link_login_only": "ftp://192.168.88.1/login"},
        {"link_login_only": "javascript:alert(1)"},
        {"link_login_only": "http://192.168.88.1@evil.example/login"},
        {"link_login_only": "http://192.168.88.1\\@evil.example/login"},
        {"link_login_only": "http://192.168.88.1/login\r\nX: y"},
        {"link_login_only": "http://192.168.88.1:99999/login"},
        {"link_login_only": "http://[::1/login"},
        {"chap_challenge": CHALLENGE[:-4]},
        {"chap_challenge": CHALLENGE + r"\000"},
        {"chap_challenge": r"\400" * 16},
        {"chap_challenge": r"\08a" * 16},
        {"chap_challenge": "0123456789abcdef"},
        {"chap_id": ""},
        {"chap_id": r"\001\002"},
        {"chap_challenge": ""},
    ],
    ids=str,
)
def test_a_malformed_redirect_is_not_recognised(changes: dict[str, str]) -> None:
    assert recognise(**changes) is None


@given(st.dictionaries(st.sampled_from(sorted(QUERY)), st.text(max_size=60)))
def test_no_redirect_upsets_the_reader(changes: dict[str, str]) -> None:
    query = QUERY | changes
    redirect = MIKROTIK.recognise("/hotspot", urlencode(query), query)
    assert redirect is None or is_web_address(redirect.login_url)


def test_the_computed_chap_vector() -> None:
    assert chap_response("motdepasse", CHALLENGE, CHAP_ID) == "2dc69a025ee1c05cd405ce0d6cd9467d"


@given(st.binary(min_size=1, max_size=1), st.binary(min_size=16, max_size=16))
def test_every_octet_can_be_escaped(chap_id: bytes, challenge: bytes) -> None:
    escaped = ["".join(f"\\{octet:03o}" for octet in octets) for octets in (chap_id, challenge)]
    expected = hashlib.md5(chap_id + b"motdepasse" + challenge).hexdigest()
    assert chap_response("motdepasse", escaped[1], escaped[0]) == expected


@pytest.mark.parametrize(
    ("challenge", "chap_id", "password"),
    [(CHALLENGE, CHAP_ID, "2dc69a025ee1c05cd405ce0d6cd9467d"), ("", "", "motdepasse")],
    ids=["chap", "pap"],
)
def test_the_browser_is_sent_to_the_login_page(challenge: str, chap_id: str, password: str) -> None:
    online = "http://portail.example/online/x?a=b&c=d"
    material = LoginMaterial("http://192.168.88.1/login", challenge, chap_id, "user", "motdepasse", "", online)
    address = urlsplit(MIKROTIK.let_in(material))
    assert (address.netloc, address.path) == ("192.168.88.1", "/login")
    assert dict(parse_qsl(address.query)) == {"username": "user", "password": password, "dst": online, "popup": "false"}


def test_the_other_pages_of_the_router() -> None:
    login = "http://192.168.88.1/login"
    assert MIKROTIK.refresh_challenge(login) == login
    assert MIKROTIK.log_off(login) == "http://192.168.88.1/logout"


def test_it_signs_nothing_and_counts_as_the_standard_says() -> None:
    redirect = recognise()
    assert redirect is not None
    assert MIKROTIK.signature_is_right(redirect, "http://portail.example", "")
    assert not MIKROTIK.signs_redirects
    assert not MIKROTIK.input_is_download({})
