"""The pocket's HTTP side: which phone is whose, its own pages, and its configuration."""

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from simulator.access_point import AccessPoint
from simulator.config import ConfigError, load_config
from simulator.phones import Phone
from simulator.pocket import PocketServer, main
from tests.simulator.lab import HandClock, MakeGate, RadiusServer, chap


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Browser:
    port: int
    cookie: str = ""

    def ask(self, method: str, path: str, form: str = "", host: str = "10.1.0.1:3990") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"Host": host, "Accept-Language": "en", "Cookie": self.cookie}
        connection.request(method, path, form.encode() or None, headers)
        response = connection.getresponse()
        given = response.headers["Set-Cookie"]
        self.cookie = given.split(";")[0] if given else self.cookie
        text = response.read().decode()
        connection.close()
        return Answer(response.status, response.headers, text)


@pytest.fixture
def http_port(gate: AccessPoint) -> Iterator[int]:
    gate.config = replace(gate.config, port=0)
    server = PocketServer(gate)
    gate.config = replace(gate.config, port=3990)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(http_port: int) -> Browser:
    return Browser(http_port)


def test_a_fresh_browser_is_a_new_phone(http_port: int) -> None:
    first, second = Browser(http_port), Browser(http_port)
    macs = {each.ask("GET", "/").headers["Location"].split("mac=")[1][:17] for each in (first, second, first)}
    assert len(macs) == 2


def test_every_page_of_a_phone_that_is_not_on_leads_to_the_portal(browser: Browser) -> None:
    answer = browser.ask("GET", "/some/page?q=1")
    assert answer.status == 302
    assert "userurl=http%3a%2f%2f10.1.0.1%3a3990%2fsome%2fpage%3fq%3d1" in answer.headers["Location"]


def test_a_browser_that_wrote_another_host_is_sent_to_the_one_of_the_cookie(browser: Browser) -> None:
    answer = browser.ask("GET", "/x", host="127.0.0.1:3990")
    assert answer.headers["Location"] == "http://10.1.0.1:3990/x"
    assert answer.headers["Set-Cookie"] is None


def test_a_post_to_a_captured_site_is_closed_without_an_answer(browser: Browser) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        browser.ask("POST", "/", "a=1")


def test_who_is_on_sees_the_pretend_internet(browser: Browser, gate: AccessPoint, server: RadiusServer) -> None:
    server.accepts(Session_Timeout=3600)
    browser.ask("GET", "/")
    phone = gate.phone(browser.cookie.removeprefix("phone="))
    browser.ask("GET", f"/logon?username=alice&response={chap(phone)}")
    page = browser.ask("GET", "/anything")
    assert page.status == 200
    assert "You are online" in page.text
    assert "60 min" in page.text or "1 h 00 min" in page.text


def test_the_download_button_asks_for_ten_megabytes(
    browser: Browser, gate: AccessPoint, server: RadiusServer, hand_clock: HandClock
) -> None:
    server.accepts()
    browser.ask("GET", "/")
    phone = gate.phone(browser.cookie.removeprefix("phone="))
    browser.ask("GET", f"/logon?username=alice&response={chap(phone)}")
    assert browser.ask("POST", "/pocket/download", "x=1").status == 303
    assert "Downloading: 10.0 MB to go" in browser.ask("GET", "/").text


def test_the_phone_can_walk(browser: Browser, gate: AccessPoint) -> None:
    browser.ask("GET", "/pocket")
    browser.ask("POST", "/pocket/walk", "place=1")
    assert "at: Lab Square" in browser.ask("GET", "/pocket").text


def test_one_can_be_another_phone(browser: Browser) -> None:
    browser.ask("GET", "/pocket")
    before = browser.cookie
    browser.ask("POST", "/pocket/another", "x=1")
    assert browser.cookie != before


def test_the_pocket_tells_what_was_said(
    browser: Browser, gate: AccessPoint, server: RadiusServer, phone: Phone
) -> None:
    server.record(7)
    page = browser.ask("GET", "/pocket").text
    assert "Accounting-On" in page
    assert "nobody is on" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting"),
        ("[]", "list"),
        ("{}", "missing"),
        (json.dumps({"portal_url": "x", "secret": "s", "nas_identifier": "n", "places": []}), "places"),
        (json.dumps({"brand": "x", "portal_url": "x", "secret": "s", "nas_identifier": "n", "places": []}), "brand"),
    ],
    ids=["not JSON", "not an object", "nothing in it", "no place", "another brand"],
)
def test_a_bad_configuration_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(text)


def test_a_file_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/pocket.json"]) == 2
    assert "cannot read /nowhere/pocket.json" in capsys.readouterr().err


def test_another_brand_needs_another_gate(make_gate: MakeGate) -> None:
    assert make_gate(brand="mikrotik").config.brand == "mikrotik"


def test_the_radio_plays_over_one_connection_until_the_phone_is_cut(
    browser: Browser, http_port: int, gate: AccessPoint, server: RadiusServer
) -> None:
    browser.ask("GET", "/")
    phone = gate.phone(browser.cookie.removeprefix("phone="))
    server.accepts()
    browser.ask("GET", f"/logon?username=alice&response={chap(phone)}")
    listening = http.client.HTTPConnection("127.0.0.1", http_port, timeout=5)
    listening.request("GET", "/radio", headers={"Host": "10.1.0.1:3990", "Cookie": browser.cookie})
    playing = listening.getresponse()
    assert [playing.readline() for _ in range(3)] == [b"0\n"] * 3  # its clock stands still
    gate.log_off(phone, "Session-Timeout")
    while playing.readline():
        pass
    assert playing.isclosed()
    assert browser.ask("GET", "/radio").status == 302
    listening.close()
