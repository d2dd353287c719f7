"""Koha's ILS-DI: its XML read safely, and what it says when it is off or does not know our address."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pytest
from pydantic import ValidationError

from hotspot.adapters.library_systems.koha_ilsdi import KohaIlsDi, KohaIlsDiSettings
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.trouble import Trouble
from hotspot.adapters.library_systems.xml_answer import read_flat
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.hotspot.library_systems.http_peer import HttpPeer, Reply, Request, an_http_peer, reply

SOON = timedelta(seconds=30)
CARD, PIN = "20001234", "1985"


def xml(root: str, **fields: str) -> bytes:
    """As opac/ilsdi.pl prints it."""
    inside = "".join(f"  <{name}>{escape(value)}</{name}>\n" for name, value in fields.items())
    whole = f'<?xml version="1.0" encoding="UTF-8" ?>\n<{root}>\n{inside}</{root}>\n'
    return reply(200, whole, "text/xml; charset=utf-8")


class Koha:
    def __init__(self) -> None:
        self.record = {
            "borrowernumber": "7",
            "branchcode": "CENTRE",
            "branchname": "Médiathèque",
            "cardnumber": CARD,
            "categorycode": "ADULTE",
            "charges": "3.20",
            "dateexpiry": "2026-12-31",
            "dateofbirth": "1985-03-04",
            "is_expired": "0",
            "surname": "Martin",
        }
        self.instead: Reply | None = None

    def __call__(self, request: Request) -> Reply:
        if self.instead is not None:
            return self.instead
        asked = {name: values[0] for name, values in (request.form | request.query).items()}
        if asked["service"] == "GetPatronInfo" and asked["patron_id"] == "7":
            return xml("GetPatronInfo", **self.record)
        is_right = (asked.get("username"), asked.get("password")) == (CARD, PIN)
        return xml("AuthenticatePatron", **({"id": "7"} if is_right else {"code": "PatronNotFound"}))


@pytest.fixture
def koha() -> Koha:
    return Koha()


@pytest.fixture
def peer(koha: Koha) -> Iterator[HttpPeer]:
    with an_http_peer(koha) as started:
        yield started


@pytest.fixture
def system(peer: HttpPeer) -> Iterator[KohaIlsDi]:
    made = KohaIlsDi(settings(peer))
    yield made
    made.close()


def settings(peer: HttpPeer, **more: Any) -> KohaIlsDiSettings:
    return KohaIlsDiSettings(**{"address": f"{peer.url}/cgi-bin/koha/ilsdi.pl"} | more)


def last(system: KohaIlsDi) -> Finding:
    return list(system.examine(CARD, PIN, SOON))[-1]


def test_the_right_pin_gives_the_reader(system: KohaIlsDi) -> None:
    assert system.ask(CARD, PIN, SOON) == Reader(
        card_number=CARD,
        category="ADULTE",
        home_library="CENTRE",
        born_on=date(1985, 3, 4),
        expires_on=date(2026, 12, 31),
        owes=Decimal("3.20"),
    )


@pytest.mark.parametrize(("card", "pin"), [(CARD, "0000"), ("999", PIN), ("", ""), (CARD, "")])
def test_anything_else_is_a_no(system: KohaIlsDi, card: str, pin: str) -> None:
    assert system.ask(card, pin, SOON) is None


def test_a_pin_that_has_expired_is_a_no(system: KohaIlsDi, koha: Koha) -> None:
    koha.instead = xml("AuthenticatePatron", code="PasswordExpired")

    assert system.ask(CARD, PIN, SOON) is None


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({"debarred": "9999-12-31"}, {Block.BLOCKED}),
        ({"debarred": (datetime.now(UTC).date() + timedelta(days=2)).isoformat()}, {Block.BLOCKED}),
        ({"debarred": "2020-01-01"}, set()),
        ({"lost": "1"}, {Block.LOST}),
        ({"lost": "0"}, set()),
    ],
    ids=["always", "for a while", "over", "lost", "not lost"],
)
def test_what_is_held_against_a_card(system: KohaIlsDi, koha: Koha, fields: dict[str, str], blocks: set[Block]) -> None:
    koha.record |= fields

    reader = system.ask(CARD, PIN, SOON)

    assert reader is not None
    assert reader.blocks == blocks


def test_a_pin_goes_in_the_body_and_addresses_of_people_are_not_asked_for(system: KohaIlsDi, peer: HttpPeer) -> None:
    system.ask(CARD, PIN, SOON)

    assert [each.target for each in peer.heard] == ["/cgi-bin/koha/ilsdi.pl"] * 2
    assert peer.heard[1].form["show_contact"] == ["0"]


def test_get_is_for_a_koha_that_refuses_post(peer: HttpPeer, koha: Koha) -> None:
    koha.instead = reply(403, "Wrong CSRF token")
    by_post = KohaIlsDi(settings(peer))
    assert last(by_post) == Finding(Step.LET_IN, Outcome.WRONG, "HTTP 403 text/plain Wrong CSRF token")

    koha.instead = None
    by_get = KohaIlsDi(settings(peer, method="GET"))
    assert by_get.ask(CARD, "a&b=c", SOON) is None
    assert by_get.ask(CARD, PIN, SOON) is not None
    assert peer.heard[-1].method == "GET"
    by_post.close()
    by_get.close()


@pytest.mark.parametrize(
    ("message", "step"),
    [("ILS-DI is disabled.", Step.SPEAKS), ("Unauthorized IP address: 192.0.2.7.", Step.LET_IN)],
    ids=["off", "address"],
)
def test_a_koha_that_does_not_let_us_in_is_told(system: KohaIlsDi, koha: Koha, message: str, step: Step) -> None:
    koha.instead = xml("AuthenticatePatron", code="NotAllowed", message=message)

    assert last(system) == Finding(step, Outcome.WRONG, message)
    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)


def test_all_is_well(system: KohaIlsDi) -> None:
    found = system.examine(CARD, PIN, SOON)

    assert [each.step for each in found] == [
        Step.REACHED, Step.TRUSTED, Step.LET_IN, Step.SPEAKS, Step.CARD, Step.WRONG_PIN, Step.NO_PIN,
    ]  # fmt: skip
    assert [each.step for each in found if each.outcome is not Outcome.WELL] == [Step.TRUSTED]


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><AuthenticatePatron><id>&c;</id></AuthenticatePatron>'
)
FETCHES = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><AuthenticatePatron><id>&a;</id></AuthenticatePatron>'


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (LAUGHS, "XML with a document type"),
        (FETCHES, "XML with a document type"),
        ("<!DOCTYPE html><html><body>Welcome</body></html>", "XML with a document type"),
        ("<a>" * 100, "XML that is too deep"),
        ("<a><b>&a;</b></a>", "not XML"),
        ("<a>", "not XML"),
        ("", "not XML"),
        ("{}", "not XML"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "not XML"),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>\xe9</a>', "not XML"),
    ],
    ids=["laughs", "fetches", "html", "deep", "entity", "cut off", "empty", "json", "encoding", "charset"],
)
def test_xml_that_is_not_what_it_should_be_is_refused(body: str | bytes, detail: str) -> None:
    with pytest.raises(Trouble) as raised:
        read_flat(body.encode() if isinstance(body, str) else body, "HTTP 200")

    assert raised.value.detail == f"HTTP 200: {detail}"


def test_only_the_texts_directly_below_the_root_are_read() -> None:
    root, fields = read_flat(b"<r><a> 1 &amp; 2 </a><b><a>3</a>4</b><a>5</a><c/></r>", "")

    assert (root, fields) == ("r", {"a": "1 & 2", "c": ""})


@pytest.mark.parametrize(
    "answer",
    [
        xml("AuthenticatePatron"),
        xml("AuthenticatePatron", id="7 OR 1"),
        xml("AuthenticatePatron", code="SomethingNew"),
        xml("AuthenticatePatron", code="IllegalParameter", message="The parameter password is illegal."),
        xml("LookupPatron", id="7"),
        reply(200, "<html><body>Welcome</body></html>", "text/html"),
        reply(404, "none", "text/html"),
        reply(500),
    ],
    ids=["empty", "no number", "new code", "illegal", "another", "html", "404", "500"],
)
def test_an_answer_that_is_neither_yes_nor_no_is_none(system: KohaIlsDi, koha: Koha, answer: bytes) -> None:
    koha.instead = answer

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)


@pytest.mark.parametrize("number", ["8", ""], ids=["another", "none"])
def test_the_record_of_another_patron_is_not_taken(system: KohaIlsDi, koha: Koha, number: str) -> None:
    koha.record["borrowernumber"] = number

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)


@pytest.mark.parametrize(
    "address", ["http://catalogue.example.org/ilsdi.pl", "https://catalogue.example.org/ilsdi.pl?service=Describe"]
)
def test_settings_that_cannot_be_meant_are_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        KohaIlsDiSettings.model_validate({"address": address})
