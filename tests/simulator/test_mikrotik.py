"""MikroTik's HotSpot: its page, its CHAP, its attributes."""

import hashlib
import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from pyrad.packet import AccessReject

from simulator.access_point import START, STOP, AccessPoint
from simulator.brand import Response
from simulator.config import Place
from simulator.mikrotik import octal, rates
from simulator.phones import Phone
from tests.simulator.lab import HandClock, MakeGate, RadiusServer


@pytest.fixture
def gate(make_gate: MakeGate) -> AccessPoint:
    return make_gate(
        brand="mikrotik", uamsecret="", uam_host="10.5.50.1", port=80, places=(Place("Square", "hotspot1"),)
    )


def sent_on(page: Response) -> dict[str, str]:
    """The variables that the page's refresh carries."""
    assert page.status == 200
    found = re.search(r'content="0; url=([^"]+)"', page.body)
    assert found
    address = html.unescape(found.group(1))
    assert address.startswith("http://portail.example/hotspot?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query, keep_blank_values=True).items()}


def chap(phone: Phone, password: str) -> str:
    return hashlib.md5(phone.challenge[:1] + password.encode() + phone.challenge[1:]).hexdigest()


def log_in(gate: AccessPoint, phone: Phone, **query: str) -> Response:
    if not phone.challenge:
        gate.capture(phone, "http://probe/")
    whole = {"username": "alice", "password": chap(phone, "secret"), "dst": "http://p/online", **query}
    answer = gate.brand.answer(gate, phone, "/login", whole)
    assert answer is not None
    return answer


def test_octets_are_printed_as_octal_escapes() -> None:
    assert octal(bytes.fromhex("ef0dd80b11")) == r"\357\015\330\013\021"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2M/10M", (2_000_000, 10_000_000)),
        ("512k/1M 1M/2M", (512_000, 1_000_000)),
        ("1M", (1_000_000,) * 2),
        ("0", (0, 0)),
    ],
)
def test_rate_limit_is_the_upload_first(text: str, expected: tuple[int, int]) -> None:
    assert rates(text) == expected


def test_the_login_page_sends_its_variables_on(gate: AccessPoint, phone: Phone) -> None:
    found = sent_on(gate.capture(phone, "http://probe/"))
    assert list(found) == [
        "mac", "ip", "identity", "server-name", "link-login-only", "chap-id", "chap-challenge", "error",
    ]  # fmt: skip
    assert found["mac"] == "02:00:00:00:00:01"
    assert found["identity"] == "lab-nas-1"
    assert found["server-name"] == "hotspot1"
    assert found["chap-challenge"] == octal(phone.challenge[1:])


def test_each_login_page_has_another_challenge(gate: AccessPoint, phone: Phone) -> None:
    pages = [sent_on(gate.capture(phone, "http://probe/")) for _ in range(2)]
    assert pages[0]["chap-challenge"] != pages[1]["chap-challenge"]


def test_chap_goes_to_the_server(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    answer = log_in(gate, phone)
    assert dict(answer.headers)["Location"] == "http://p/online"
    request = server.logins[0]
    assert request.VerifyChapPasswd("secret")
    assert request["Calling-Station-Id"] == ["02:00:00:00:00:01"]
    assert request["Called-Station-Id"] == ["hotspot1"]
    assert request["Mikrotik-Host-IP"] == [phone.ip]
    assert request.verify_message_authenticator()
    assert list(request)[-1] == 80


def test_without_chap_the_password_goes_as_it_is(make_gate: MakeGate, server: RadiusServer) -> None:
    gate = make_gate(brand="mikrotik", chap=False)
    phone = gate.phone("020000000001")
    assert sent_on(gate.capture(phone, "http://probe/"))["chap-challenge"] == ""
    server.accepts()
    gate.brand.answer(gate, phone, "/login", {"username": "alice", "password": "motdepasse"})
    assert server.logins[0].PwDecrypt(server.logins[0]["User-Password"][0]) == "motdepasse"


def test_a_reject_is_the_login_page_with_its_error(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.answer = lambda _: (AccessReject, {"Reply-Message": "Non"})
    assert sent_on(log_in(gate, phone))["error"] == "Non"
    assert phone.connection is None


def test_an_old_challenge_is_not_taken_twice(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_in(gate, phone)
    gate.log_off(phone, "User-Request")
    answer = gate.brand.answer(gate, phone, "/login", {"username": "alice", "password": "0" * 32})
    assert answer is not None
    assert sent_on(answer)["error"]
    assert len(server.logins) == 1


def test_output_is_what_the_phone_downloads(
    gate: AccessPoint, phone: Phone, server: RadiusServer, hand_clock: HandClock
) -> None:
    server.accepts(Class=b"grant", Mikrotik_Rate_Limit="1M/8M")
    log_in(gate, phone)
    assert server.record(START)[25] == [b"grant"]
    gate.download(phone)
    hand_clock.seconds += 5
    gate.tick()
    gate.brand.answer(gate, phone, "/logout", {})
    stop = server.record(STOP)
    assert 4_900_000 < stop["Acct-Output-Octets"][0] <= 5_000_000
    assert stop["Acct-Input-Octets"][0] <= 625_000
    assert stop["Acct-Terminate-Cause"] == [1]


@pytest.mark.parametrize(
    "limit",
    [{"Mikrotik_Total_Limit": 100_000}, {"Mikrotik_Xmit_Limit": 100_000}, {"Mikrotik_Recv_Limit": 10_000}],
    ids=["volume", "download", "upload"],
)
def test_a_volume_limit_ends_the_session(
    gate: AccessPoint,
    phone: Phone,
    server: RadiusServer,
    hand_clock: HandClock,
    limit: dict[str, str | int | bytes],
) -> None:
    server.accepts(**limit)
    log_in(gate, phone)
    hand_clock.seconds += 60
    gate.tick()
    server.record(STOP)
    assert phone.connection is None
