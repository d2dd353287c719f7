"""CoovaChilli: redirects as 1.6, 1.8 and 1.9 send them, the computed vectors, and hostile ones."""

import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.vendors.coovachilli import COOVACHILLI, chap_response
from hotspot.vendors.vendor import LoginMaterial, Outcome, Redirect, SetupFacts

PORTAL = "http://portail.example"
CHALLENGE = "0123456789abcdef0123456789abcdef"
SECRET = "uamsecret"
QUERY = {
    "res": "notyet",
    "uamip": "10.1.0.1",
    "uamport": "3990",
    "challenge": CHALLENGE,
    "called": "02-00-00-00-00-FE",
    "mac": "02-00-00-00-00-01",
    "ip": "10.1.0.2",
    "ssid": "Town Wi-Fi",
    "nasid": "lab-nas-1",
    "sessionid": "1795312345000001",
    "userurl": "http://probe/x?y=1",
}


def as_chilli_writes(query: dict[str, str], secret: str = SECRET, path: str = "/hotspot") -> str:
    """The raw query with its `md`: chilli writes escapes in lower case."""
    raw = "&".join(f"{name}={''.join(map(escape, value))}" for name, value in query.items())
    digest = hashlib.md5(f"{PORTAL}{path}?{raw}{secret}".encode()).hexdigest().upper()
    return f"{raw}&md={digest}"


def escape(character: str) -> str:
    return character if character.isalnum() or character in "-_." else f"%{ord(character):02x}"


def recognise(raw: str, path: str = "/hotspot") -> Redirect | None:
    first = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
    return COOVACHILLI.recognise(path, raw, first)


def recognised(**changes: str) -> Redirect:
    redirect = recognise(as_chilli_writes(QUERY | changes))
    assert redirect is not None
    return redirect


def test_a_redirect_is_read() -> None:
    raw = as_chilli_writes(QUERY)
    before, _, signature = raw.partition("&md=")
    assert recognise(raw) == Redirect(
        vendor="coovachilli",
        outcome=Outcome.NOT_YET,
        nas_identifier="lab-nas-1",
        called_station_id="0200000000fe",
        device_mac="020000000001",
        device_ip="10.1.0.2",
        login_url="http://10.1.0.1:3990/logon",
        challenge=CHALLENGE,
        acct_session_id="1795312345000001",
        signature=signature,
        signed_part="/hotspot?" + before,
    )


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"res": "notyet"}, Outcome.NOT_YET),
        ({"res": "success"}, Outcome.ADMITTED),
        ({"res": "already"}, Outcome.ADMITTED),
        ({"res": "failed", "reason": "reject"}, Outcome.REJECTED),
        ({"res": "failed", "reason": "other"}, Outcome.REJECTED),
        ({"res": "failed", "reason": "timeout"}, Outcome.NO_ANSWER),
        ({"res": "logoff"}, Outcome.LOGGED_OFF),
    ],
)
def test_why_the_browser_was_sent_here(changes: dict[str, str], outcome: Outcome) -> None:
    assert recognised(**changes).outcome is outcome


def test_a_redirect_after_success_has_no_challenge() -> None:
    without = {name: value for name, value in QUERY.items() if name != "challenge"} | {"res": "success"}
    redirect = recognise(as_chilli_writes(without))
    assert redirect is not None
    assert redirect.challenge == ""


@pytest.mark.parametrize("missing", ["res", "uamip", "uamport", "mac"])
def test_without_what_marks_the_brand_it_is_not_recognised(missing: str) -> None:
    assert recognise(as_chilli_writes({name: value for name, value in QUERY.items() if name != missing})) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("res", ""),
        ("res", "NOTYET"),
        ("res", "wispr"),
        ("mac", "not a device"),
        ("uamip", ""),
        ("uamip", "10.1.0.1/../x"),
        ("uamip", "10.1.0.1@evil.example"),
        ("uamip", "evil.example#"),
        ("uamip", "10.1.0.1:80"),
        ("uamip", "10.1.0.1\r\nSet-Cookie: a=b"),
        ("uamip", "a" * 254),
        ("uamport", ""),
        ("uamport", "0"),
        ("uamport", "65536"),
        ("uamport", "0000801234"),
        ("uamport", "-1"),
        ("uamport", "+80"),
        ("uamport", "8_0"),
        ("uamport", "٣٩٩٠"),
        ("uamport", "3990/evil"),
        ("challenge", CHALLENGE[:-1]),
        ("challenge", CHALLENGE + "00"),
        ("challenge", "g" * 32),
        ("challenge", CHALLENGE + "\n"),
    ],
)
def test_a_malformed_redirect_is_not_recognised(name: str, value: str) -> None:
    assert recognise(urlencode(QUERY | {name: value})) is None


@given(st.dictionaries(st.sampled_from(sorted(QUERY)), st.text(max_size=40)))
def test_no_redirect_upsets_the_reader_or_leads_outside_its_own_host(changes: dict[str, str]) -> None:
    query = QUERY | changes
    redirect = COOVACHILLI.recognise("/hotspot", urlencode(query), query)
    if redirect is not None:
        parts = urlsplit(redirect.login_url)
        assert (parts.scheme, parts.path, parts.query, parts.username) == ("http", "/logon", "", None)
        assert parts.hostname == query["uamip"].lower()


def test_the_published_signature_vector() -> None:
    raw = "res=notyet&uamip=10.1.0.1&uamport=3990"
    redirect = replace(recognised(), signed_part=f"/hotspot?{raw}", signature="61A5DD0C1132FEB72A102606FA6DFD58")
    assert COOVACHILLI.signature_is_right(redirect, PORTAL, SECRET)


def test_a_right_signature_is_right() -> None:
    assert COOVACHILLI.signature_is_right(recognised(), PORTAL, SECRET)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("10.1.0.1", "10.1.0.9", id="another login address"),
        pytest.param("00-01", "00-02", id="another device"),
        pytest.param("%3a", "%3A", id="the same address, escaped otherwise"),
        pytest.param("&md=", "&extra=1&md=", id="something added before"),
        pytest.param("res=notyet", "res=success", id="another outcome"),
    ],
)
def test_a_changed_redirect_has_a_wrong_signature(old: str, new: str) -> None:
    redirect = recognise(as_chilli_writes(QUERY).replace(old, new))
    assert redirect is not None
    assert not COOVACHILLI.signature_is_right(redirect, PORTAL, SECRET)


@pytest.mark.parametrize("signature", ["", "0" * 32, "é" * 32, "&md="])
def test_no_other_signature_will_do(signature: str) -> None:
    assert not COOVACHILLI.signature_is_right(replace(recognised(), signature=signature), PORTAL, SECRET)


def test_what_follows_the_signature_spoils_it() -> None:
    redirect = recognise(as_chilli_writes(QUERY) + "&uamip=evil.example")
    assert redirect is None or not COOVACHILLI.signature_is_right(redirect, PORTAL, SECRET)


def test_the_signature_covers_where_the_portal_is() -> None:
    assert not COOVACHILLI.signature_is_right(recognised(), "https://portail.example", SECRET)
    assert not COOVACHILLI.signature_is_right(recognised(), PORTAL, "another secret")
    elsewhere = recognise(as_chilli_writes(QUERY), path="/elsewhere")
    assert elsewhere is not None
    assert not COOVACHILLI.signature_is_right(elsewhere, PORTAL, SECRET)


def test_a_nas_without_a_redirect_secret_signs_nothing() -> None:
    assert COOVACHILLI.signature_is_right(replace(recognised(), signature=""), PORTAL, "")


@pytest.mark.parametrize(
    ("secret", "response"),
    [
        pytest.param(SECRET, "4300f0d3ef2a171cec758c075bd0c615", id="with a uamsecret"),
        pytest.param(
            "", hashlib.md5(b"\0motdepasse" + bytes.fromhex(CHALLENGE)).hexdigest(), id="without: the challenge itself"
        ),
    ],
)
def test_the_chap_vectors(secret: str, response: str) -> None:
    assert chap_response("motdepasse", CHALLENGE, secret) == response


def test_the_browser_is_sent_to_logon_with_a_response_and_no_password() -> None:
    material = LoginMaterial(
        "http://10.1.0.1:3990/logon",
        CHALLENGE,
        "",
        "user name&",
        "motdepasse",
        SECRET,
        "http://portail.example/online/x",
    )
    address = urlsplit(COOVACHILLI.let_in(material))
    assert (address.netloc, address.path) == ("10.1.0.1:3990", "/logon")
    assert dict(parse_qsl(address.query)) == {
        "username": "user name&",
        "response": "4300f0d3ef2a171cec758c075bd0c615",
    }
    assert "+" not in address.query


def test_the_other_pages_of_the_access_point() -> None:
    login = "http://10.1.0.1:3990/logon"
    assert COOVACHILLI.refresh_challenge(login) == "http://10.1.0.1:3990/prelogin"
    assert COOVACHILLI.log_off(login) == "http://10.1.0.1:3990/logoff"


@pytest.mark.parametrize(
    ("integers", "swapped"),
    [({}, False), ({"ChilliSpot-Acct-View-Point": 1}, False), ({"ChilliSpot-Acct-View-Point": 2}, True)],
)
def test_each_packet_says_from_whose_view_it_counts(integers: dict[str, int], swapped: bool) -> None:
    assert COOVACHILLI.input_is_download(integers) is swapped


def announced(portal_url: str, nas_identifier: str = "square-1") -> list[str]:
    facts = SetupFacts(nas_identifier, "secret", "uamsecret", "192.0.2.1", 1812, 1813, 3799, portal_url, 300)
    texts = [step.text for step in COOVACHILLI.setup_steps(facts)]
    return [text for text in texts if text.startswith("captiveportalapi_uri")]


def test_the_api_is_announced_to_each_device_under_its_own_address() -> None:
    assert announced("https://p.example") == ["captiveportalapi_uri https://p.example/api/captive/square-1/%{m}"]


def test_a_nas_identifier_is_a_part_of_an_address_there() -> None:
    assert announced("https://p.example", "a/b?c")[0].endswith("/api/captive/a%2Fb%3Fc/%{m}")


def test_no_api_is_announced_that_phones_would_not_ask() -> None:
    assert announced("http://p.example") == []
