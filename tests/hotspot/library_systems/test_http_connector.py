"""The generic connector: card and PIN say nothing but themselves, yes and no are what staff said they are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hotspot.adapters.library_systems.asking import another_pin, is_askable
from hotspot.adapters.library_systems.http_connector import HttpConnector
from hotspot.adapters.library_systems.http_settings import HttpSettings
from hotspot.adapters.library_systems.http_template import fill_address, fill_body
from hotspot.adapters.library_systems.json_path import find, parse_path
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.hotspot.library_systems.http_peer import HttpPeer, Reply, Request, an_http_peer, json_reply, reply

SOON = timedelta(seconds=30)
CARD, PIN = "20001234", "1985"
PHP = {"yes_path": "ok", "yes_value": "true"}
"""As the script of docs/library-systems.md answers."""
typed = st.text(min_size=1, max_size=40).filter(lambda text: is_askable(text, "1"))


def php(request: Request) -> Reply:
    is_right = request.json == {"card": CARD, "pin": PIN}
    patron = {"number": CARD, "type": "ADULTE", "until": "31/12/2026", "born": "19850304", "owes": "3,20", "stop": 0}
    return json_reply(200, {"ok": True, "patron": patron} if is_right else {"ok": False})


@contextmanager
def a_connector(peer: HttpPeer, path: str = "/check.php", **more: Any) -> Iterator[HttpConnector]:
    made = HttpConnector(HttpSettings(**{"address": peer.url + path} | PHP | more))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with an_http_peer(php) as started:
        yield started


def test_yes_is_what_stands_at_the_place(peer: HttpPeer) -> None:
    with a_connector(peer) as system:
        assert system.ask(f" {CARD} ", PIN, SOON) == Reader(CARD)
        assert system.ask(CARD, "0000", SOON) is None
        assert system.ask(CARD, "", SOON) is None


def test_facts_are_read_at_their_places(peer: HttpPeer) -> None:
    places = {
        "card_number_path": "patron.number",
        "category_path": "$.patron.type",
        "expires_on_path": "patron.until",
        "born_on_path": "patron.born",
        "owes_path": "patron.owes",
        "blocked_path": "patron.stop",
        "home_library_path": "patron.nowhere",
    }
    with a_connector(peer, **places) as system:
        assert system.ask(CARD, PIN, SOON) == Reader(
            CARD, category="ADULTE", expires_on=date(2026, 12, 31), born_on=date(1985, 3, 4), owes=Decimal("3.20")
        )


@pytest.mark.parametrize(
    ("value", "is_blocked"),
    [(None, False), ("-", False), ("", False), (False, False), (0, False), ([], False), ("no", False),
     (True, True), (1, True), ("p", True), (["lost"], True), ({"code": "x"}, True)],
)  # fmt: skip
def test_a_block_is_whatever_is_not_a_no(peer: HttpPeer, value: Any, is_blocked: bool) -> None:
    peer.answer = lambda _: json_reply(200, {"ok": True, "block": value})
    with a_connector(peer, blocked_path="block") as system:
        reader = system.ask(CARD, PIN, SOON)

    assert reader is not None
    assert reader.blocks == ({Block.BLOCKED} if is_blocked else set())


@pytest.mark.parametrize("status", [400, 404])
def test_a_status_can_say_no(peer: HttpPeer, status: int) -> None:
    peer.answer = lambda _: reply(status)
    with a_connector(peer, no_statuses="400, 404") as system:
        assert system.ask(CARD, PIN, SOON) is None


@pytest.mark.parametrize(
    "answer",
    [
        reply(204),
        reply(500),
        reply(401),
        reply(200, "<html>Welcome</html>", "text/html"),
        reply(302, Location="/elsewhere"),
    ],
    ids=["another yes", "500", "401", "html", "redirect"],
)
def test_what_is_neither_yes_nor_no_is_no_answer(peer: HttpPeer, answer: bytes) -> None:
    peer.answer = lambda _: answer
    with a_connector(peer, no_statuses="404") as system, pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)


@pytest.mark.parametrize(
    "given",
    [{}, {"ok": None}, {"ok": "yes"}, {"ok": [True]}, {"ok": {"true": True}}, [], "true", None, 1],
    ids=repr,
)
def test_anything_else_at_the_place_is_a_no(peer: HttpPeer, given: Any) -> None:
    peer.answer = lambda _: json_reply(200, given)
    with a_connector(peer) as system:
        assert system.ask(CARD, PIN, SOON) is None


def test_headers_go_with_every_request_and_are_not_shown(peer: HttpPeer) -> None:
    settings = HttpSettings(address=peer.url, headers="X-Api-Key: s3cret\nAccept-Language: fr\n", **PHP)
    system = HttpConnector(settings)
    system.ask(CARD, PIN, SOON)
    system.close()

    assert peer.heard[0].headers["x-api-key"] == "s3cret"
    assert peer.heard[0].headers["content-type"] == "application/json"
    assert "s3cret" not in repr(settings) + settings.model_dump_json()


# Sierra, as in the documentation: a token, a status, and the record from another address


def sierra(request: Request) -> Reply:
    if request.path == "/token":
        is_us = request.headers["authorization"] == "Basic cGFydmlzOnMzY3JldA=="
        return json_reply(200, {"access_token": "t1", "expires_in": 3600}) if is_us else json_reply(401, {"name": "No"})
    if request.headers.get("authorization") != "Bearer t1":
        return json_reply(401, {"name": "Unauthorized", "description": "invalid_grant"})
    if request.path == "/patrons/validate":
        is_right = request.json == {"barcode": CARD, "pin": PIN}
        return reply(204) if is_right else json_reply(400, {"name": "Invalid parameter"})
    record = {"id": 1, "expirationDate": "2026-12-31", "moneyOwed": 1.5, "blockInfo": {"code": "-"}, "patronType": 3}
    return json_reply(200, record) if request.query["varFieldContent"] == [CARD] else json_reply(404, {})


SIERRA = {
    "body": '{"barcode": "{card}", "pin": "{pin}"}',
    "yes_statuses": "204",
    "yes_path": "",
    "no_statuses": "400",
    "token_account": "parvis",
    "token_secret": "s3cret",
    "expires_on_path": "expirationDate",
    "owes_path": "moneyOwed",
    "category_path": "patronType",
    "blocked_path": "blockInfo.code",
}


def test_sierra() -> None:
    with an_http_peer(sierra) as peer:
        addresses = {
            "token_address": f"{peer.url}/token",
            "record_address": peer.url + "/patrons/find?varFieldTag=b&varFieldContent={card}",
        }
        with a_connector(peer, "/patrons/validate", **SIERRA, **addresses) as system:
            assert system.ask(CARD, PIN, SOON) == Reader(
                CARD, category="3", expires_on=date(2026, 12, 31), owes=Decimal("1.50")
            )
            assert system.ask(CARD, "0000", SOON) is None
            assert [each.step for each in system.examine(CARD, PIN, SOON) if each.outcome is Outcome.WRONG] == []
        wrong = SIERRA | addresses | {"token_secret": "another"}
        with a_connector(peer, "/patrons/validate", **wrong) as system:
            found = system.examine("", "", SOON)
            assert found[-1] == Finding(Step.LET_IN, Outcome.WRONG, "token: HTTP 401: No")


# Examination


def test_all_is_well(peer: HttpPeer) -> None:
    with a_connector(peer) as system:
        found = system.examine(CARD, PIN, SOON)

    assert [each.step for each in found] == [
        Step.REACHED, Step.TRUSTED, Step.LET_IN, Step.SPEAKS, Step.CARD, Step.WRONG_PIN, Step.NO_PIN,
    ]  # fmt: skip
    assert [each.step for each in found if each.outcome is not Outcome.WELL] == [Step.TRUSTED]


def test_nothing_is_no_yes(peer: HttpPeer) -> None:
    """Where staff left empty what stands there for yes."""
    peer.answer = lambda _: json_reply(200, {"error": "no such card"})
    with a_connector(peer, yes_value="") as system:
        assert system.ask(CARD, PIN, SOON) is None


def test_a_page_that_says_200_to_everybody_is_found_out(peer: HttpPeer) -> None:
    peer.answer = lambda _: reply(200)
    with a_connector(peer, yes_path="", no_statuses="404") as system:
        assert list(system.examine("", "", SOON))[-1].step is Step.WRONG_PIN
        assert list(system.examine("", "", SOON))[-1].outcome is Outcome.WRONG


@pytest.mark.parametrize("pin", ["1234", "0000", "Abcx", "éx", "x", "5"])
def test_the_other_pin_of_an_examination_differs_in_every_place(pin: str) -> None:
    other = another_pin(pin)

    assert len(other) == len(pin)
    assert not any(mine.casefold() == its.casefold() for mine, its in zip(pin, other, strict=True))


# Injection: whatever is typed stays in its place


@given(typed, typed)
def test_in_json_a_value_stays_a_value(card: str, pin: str) -> None:
    template = '{"a": ["{card}", {"b": "x{pin}y"}], "n": 1, "{card}": true}'

    assert json.loads(fill_body("json", template, card, pin) or b"") == {
        "a": [card, {"b": f"x{pin}y"}],
        "n": 1,
        "{card}": True,
    }


@given(typed, typed)
def test_in_a_form_a_value_stays_a_value(card: str, pin: str) -> None:
    filled = fill_body("form", "card={card}&pin={pin}&library=a%26b", card, pin) or b""

    assert parse_qs(filled.decode(), keep_blank_values=True) == {"card": [card], "pin": [pin], "library": ["a&b"]}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), min_size=1, max_size=40))
def test_in_xml_a_value_stays_a_value(value: str) -> None:
    filled = fill_body("xml", '<ask><card type="{card}">{card}</card><pin>{pin}</pin></ask>', value, value) or b""
    root = ET.fromstring(filled.decode())

    assert [each.tag for each in root.iter()] == ["ask", "card", "pin"]
    if value.isprintable():
        assert (root[0].get("type"), root[0].text, root[1].text) == (value, value, value)


@given(typed, typed)
def test_in_an_address_a_value_stays_a_value(card: str, pin: str) -> None:
    filled = fill_address("https://sigb.test/patron/{card}/pin?code={pin}", card, pin)

    if card in (".", ".."):
        assert filled is None
        return
    assert filled is not None
    parts = urlsplit(filled)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "sigb.test", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "patron", card, "pin"]
    assert parse_qs(parts.query) == {"code": [pin]}


@pytest.mark.parametrize("card", ["../admin", "%2e%2e/x", "..", "a/../../b", "x?y=1", "x#y", "@evil.test", "\\..\\x"])
def test_an_address_arrives_as_it_was_filled(peer: HttpPeer, card: str) -> None:
    peer.answer = lambda request: json_reply(200, {"ok": unquote(request.target).startswith(f"/patron/{card}/pin")})
    with a_connector(peer, "/patron/{card}/pin?code={pin}", method="GET") as system:
        reader = system.ask(card, PIN, SOON)

    if card == "..":
        assert (reader, peer.heard) == (None, [])
        return
    assert reader is not None
    assert peer.heard[0].path.count("/") == 3


def test_a_card_that_looks_like_a_place_is_not_one() -> None:
    assert fill_body("form", "card={card}&pin={pin}", "{pin}", "1234") == b"card=%7Bpin%7D&pin=1234"


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://sigb.example.org/check"},
        {"address": "https://{card}.example.org/"},
        {"address": "https://sigb.example.org:{pin}/"},
        {"address": "https://{card}@sigb.example.org/"},
        {"address": "https://me:secret@sigb.example.org/"},
        {"address": "https://sigb.example.org/{password}"},
        {"address": "https://sigb.example.org/a/../b"},
        {"address": "https://sigb.example.org/#{card}"},
        {"address": "https://sigb.example.org:99999/"},
        {"address": "javascript:alert(1)"},
        {"address": "//sigb.example.org/"},
        {"address": ""},
        {"headers": "Host: elsewhere"},
        {"headers": "no colon"},
        {"headers": "A: 1\nA: 2"},
        {"headers": "Naïve: 1"},
        {"body": '{"card": {card}, "pin": "{pin}"}'},
        {"body": '{"{card}": "{pin}"}'},
        {"body": "[" * 4000},
        {"body_kind": "form", "body": "{card}={pin}"},
        {"body_kind": "form", "body": "nothing"},
        {"body_kind": "xml", "body": "<{card}>{pin}</{card}>"},
        {"body_kind": "xml", "body": "<a><![CDATA[{card}]]>{pin}</a>"},
        {"body_kind": "xml", "body": "<a><!-- {card} -->{pin}</a>"},
        {"body_kind": "xml", "body": '<!DOCTYPE a [<!ENTITY b "c">]><a>{card}{pin}</a>'},
        {"body_kind": "none"},
        {"body": '{"card": "{card}"}'},
        {"method": "GET"},
        {"yes_path": ""},
        {"yes_path": "a..b"},
        {"yes_path": "a[*]"},
        {"yes_statuses": "2xx"},
        {"yes_statuses": ""},
        {"no_statuses": "200"},
        {"token_address": "https://sigb.example.org/token"},
        {"token_address": "https://sigb.example.org/{card}", "token_account": "a", "token_secret": "b"},
        {"record_address": "http://sigb.example.org/"},
    ],
    ids=lambda wrong: " ".join(f"{name}={value}" for name, value in wrong.items())[:60],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, str]) -> None:
    right = {"address": "https://sigb.example.org/check"} | PHP
    HttpSettings.model_validate(right)

    with pytest.raises(ValidationError):
        HttpSettings.model_validate(right | wrong)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", {"a": [{"b c": 1}]}),
        ("a[0].b c", 1),
        ("$.a[0]", {"b c": 1}),
        ("$", {"a": [{"b c": 1}]}),
        ("a[1]", None),
        ("a.b", None),
        ("[0]", None),
        ("x.y[3].z", None),
    ],
)
def test_a_place_in_json(path: str, found: Any) -> None:
    assert find({"a": [{"b c": 1}]}, parse_path(path)) == found


@pytest.mark.parametrize("path", ["a.", ".", "a[", "a[x]", "a[-1]", "a[99999]", "a]b", "a[0]b"])
def test_what_is_no_place(path: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_path(path)
