"""The redirect and the arithmetic of CoovaChilli, against what was measured."""

import hashlib
import re

import pytest

from simulator.access_point import AccessPoint
from simulator.coovachilli_redirect import clear_password, login_key, portal_address, signed, url_encode
from simulator.phones import Phone
from tests.simulator.lab import CONFIG, HandClock, MakeGate, location, parameters

CHALLENGE = bytes.fromhex("0123456789abcdef0123456789abcdef")
KEY = bytes.fromhex("90d173fa87d61bef7cab3dd3281c29fb")


def test_md_is_that_of_the_vector() -> None:
    url = "http://portail.example/hotspot?res=notyet&uamip=10.1.0.1&uamport=3990"
    assert signed(url, "uamsecret") == f"{url}&md=61A5DD0C1132FEB72A102606FA6DFD58"


def test_without_a_uamsecret_nothing_is_signed() -> None:
    assert portal_address("http://p/", [("res", "notyet")], "") == "http://p/?res=notyet"


def test_addresses_are_encoded_in_lower_case() -> None:
    assert url_encode("http://probe/x?y=1") == "http%3a%2f%2fprobe%2fx%3fy%3d1"


def test_the_key_is_that_of_the_vector() -> None:
    assert login_key(CHALLENGE, "uamsecret") == KEY


@pytest.mark.parametrize(
    ("encoded", "clear"),
    [
        ("fdbe079ee2a67a9c0fce", "motdepasse"),
        ("fdbe07d7e3b3369f1dd84eb6057d5a88f5ab5e96e8b87c", "mot-de-passe-assez-long"),
        ("fdbe079ee2a67a9c0fce3dd3281c29fb", "motdepasse"),
    ],
    ids=["short", "longer than the key", "padded"],
)
def test_a_hidden_password_is_read(encoded: str, clear: str) -> None:
    assert clear_password(encoded, KEY) == clear


def test_the_redirect_is_the_measured_one_to_the_letter(gate: AccessPoint, phone: Phone) -> None:
    address = location(gate.capture(phone, "http://probe/x?y=1"))
    expected = (
        "http://portail.example/hotspot?res=notyet&uamip=10.1.0.1&uamport=3990"
        f"&challenge={phone.challenge.hex()}&called=02-00-00-00-00-FE&mac=02-00-00-00-00-01"
        f"&ip={phone.ip}&ssid=Lab&nasid=lab-nas-1&sessionid={phone.acct_session_id}"
        "&userurl=http%3a%2f%2fprobe%2fx%3fy%3d1"
    )
    md = hashlib.md5((expected + "uamsecret").encode()).hexdigest().upper()
    assert address == f"{expected}&md={md}"
    assert re.fullmatch(r"\d{10}0{7}1", phone.acct_session_id)


def test_a_place_without_an_ssid_sends_none(gate: AccessPoint, phone: Phone) -> None:
    gate.move(phone, 1)
    found = parameters(gate.capture(phone, "http://probe/"))
    assert "ssid" not in found
    assert found["called"] == "02-00-00-00-00-FD"


def test_the_body_tells_smart_clients_where_to_log_in(gate: AccessPoint, phone: Phone) -> None:
    body = gate.capture(phone, "http://probe/--x").body
    assert body.startswith("<html><!--")
    assert "<MessageType>100</MessageType><ResponseCode>0</ResponseCode>" in body
    assert "<LoginURL>http://portail.example/hotspot?res=notyet&amp;" in body
    assert body.count("--") == 2


def test_the_challenge_is_kept_over_redirects(gate: AccessPoint, phone: Phone, hand_clock: HandClock) -> None:
    before = parameters(gate.capture(phone, "http://probe/"))["challenge"]
    hand_clock.seconds += 600
    assert parameters(gate.capture(phone, "http://probe/"))["challenge"] == before


@pytest.mark.parametrize("path", ["/prelogin", "/status", "/x"])
def test_the_challenge_is_another_after_ten_minutes(
    gate: AccessPoint, phone: Phone, hand_clock: HandClock, path: str
) -> None:
    before = parameters(gate.capture(phone, "http://probe/"))["challenge"]
    hand_clock.seconds += 601
    answer = gate.brand.answer(gate, phone, path, {}) or gate.capture(phone, path)
    assert parameters(answer)["challenge"] != before


def test_logoff_of_nobody_still_gives_a_new_challenge(gate: AccessPoint, phone: Phone) -> None:
    before = parameters(gate.capture(phone, "http://probe/"))["challenge"]
    answer = gate.brand.answer(gate, phone, "/logoff", {})
    assert answer is not None
    assert parameters(answer)["res"] == "logoff"
    assert parameters(answer)["challenge"] != before


def test_the_json_says_that_nobody_is_on(gate: AccessPoint, phone: Phone) -> None:
    answer = gate.brand.answer(gate, phone, "/json/status", {"callback": "f"})
    assert answer is not None
    assert answer.content_type == "text/javascript"
    assert answer.body.startswith('f({"version":"1.0","clientState":0,"nasid":"lab-nas-1","challenge":"')


def test_a_callback_that_is_no_name_is_left_out(gate: AccessPoint, phone: Phone) -> None:
    answer = gate.brand.answer(gate, phone, "/json/status", {"callback": "alert(1)//"})
    assert answer is not None
    assert answer.body.startswith("{")


def test_another_brand_name_is_refused(make_gate: MakeGate) -> None:
    with pytest.raises(ValueError, match="coovachilli or mikrotik"):
        make_gate(brand="other")
    assert CONFIG.brand == "coovachilli"
