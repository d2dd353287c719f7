"""Koha's REST API: what it is asked, what is made of its answers, and what staff are told when it says no."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from hotspot.adapters.library_systems.koha_rest import KohaRest, KohaRestSettings
from hotspot.adapters.library_systems.library_system import Finding, LibrarySystem, Outcome, Step, Unreadable
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.hotspot.library_systems.http_peer import HttpPeer, Reply, Request, an_http_peer, json_reply

SOON = timedelta(seconds=30)
CARD, PIN = "20001234", "1985"
RECORD = {
    "patron_id": 7,
    "surname": "Martin",
    "category_id": "ADULTE",
    "library_id": "CENTRE",
    "date_of_birth": "1985-03-04",
    "expiry_date": "2026-12-31",
    "restricted": False,
    "patron_card_lost": False,
}
Answer = Callable[[Request], Reply]


class Koha:
    """Answers as Koha does (its own tests: t/db_dependent/api/v1/auth_password_validation.t and oauth.t)."""

    def __init__(self) -> None:
        self.record: dict[str, Any] = dict(RECORD)
        self.validated = {"cardnumber": CARD, "patron_id": 7, "userid": "zmartin"}
        self.instead: dict[str, Reply] = {}
        """By path: what is answered in place of the usual."""
        self.tokens = 0
        self.withdrawn: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        if request.path in self.instead:
            return self.instead[request.path]
        if request.path == "/api/v1/oauth/token":
            return self._token(request)
        return (
            self._answer(request) if self._lets_in(request) else json_reply(401, {"error": "Authentication failure."})
        )

    def _answer(self, request: Request) -> Reply:
        if request.path == "/api/v1/auth/password/validation":
            asked = request.json
            is_right = (asked.get("identifier") or asked.get("userid")) == CARD and asked["password"] == PIN
            return json_reply(201, self.validated) if is_right else json_reply(400, {"error": "Validation failed"})
        if request.path == "/api/v1/patrons/7":
            return json_reply(200, self.record)
        if request.path == "/api/v1/patrons/7/account":
            return json_reply(200, {"balance": 12.5, "outstanding_debits": {"total": 12.5, "lines": []}})
        return json_reply(404, {"error": "Not found"})

    def _token(self, request: Request) -> Reply:
        if (request.form["client_id"], request.form["client_secret"]) != (["parvis"], ["s3cret"]):
            return json_reply(403, {"error": "unauthorized_client"})
        self.tokens += 1
        return json_reply(200, {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600})

    def _lets_in(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind == "Bearer":
            return given not in self.withdrawn
        return (kind, given) == ("Basic", "cGFydmlzOnMzY3JldA==")


@pytest.fixture
def koha() -> Koha:
    return Koha()


@pytest.fixture
def peer(koha: Koha) -> Iterator[HttpPeer]:
    with an_http_peer(koha) as started:
        yield started


@pytest.fixture
def system(peer: HttpPeer) -> Iterator[KohaRest]:
    made = KohaRest(settings(peer))
    yield made
    made.close()


def settings(peer: HttpPeer, **more: Any) -> KohaRestSettings:
    return KohaRestSettings(**{"address": peer.url, "account": "parvis", "secret": "s3cret"} | more)


def findings(system: LibrarySystem, card: str = CARD, pin: str = PIN) -> dict[Step, tuple[Outcome, str]]:
    return {each.step: (each.outcome, each.detail) for each in system.examine(card, pin, SOON)}


def last(system: LibrarySystem, card: str = CARD, pin: str = PIN) -> Finding:
    return list(system.examine(card, pin, SOON))[-1]


def test_the_right_pin_gives_the_reader(system: KohaRest) -> None:
    reader = system.ask(CARD, PIN, SOON)

    assert reader == Reader(
        card_number=CARD,
        category="ADULTE",
        home_library="CENTRE",
        born_on=date(1985, 3, 4),
        expires_on=date(2026, 12, 31),
    )


@pytest.mark.parametrize(("card", "pin"), [(CARD, "0000"), ("999", PIN)], ids=["pin", "card"])
def test_another_pin_and_an_unknown_card_are_the_same_no(system: KohaRest, card: str, pin: str) -> None:
    assert system.ask(card, pin, SOON) is None


@pytest.mark.parametrize(
    ("card", "pin"),
    [("", PIN), (CARD, ""), (CARD, " "), (CARD, "1\x00"), (CARD, "\ud800"), (CARD, "1" * 129), ("2\n1", PIN)],
    ids=["no card", "no pin", "blank", "nul", "surrogate", "long", "line"],
)
def test_what_nobody_can_type_is_not_asked(system: KohaRest, peer: HttpPeer, card: str, pin: str) -> None:
    assert system.ask(card, pin, SOON) is None
    assert peer.heard == []


def test_the_card_number_is_kohas_own_whatever_was_typed(system: KohaRest, koha: Koha) -> None:
    koha.validated["cardnumber"] = "00042"

    reader = system.ask(CARD, PIN, SOON)

    assert reader is not None
    assert reader.card_number == "00042"


def test_a_restricted_patron_is_blocked_and_a_lost_card_is_lost(system: KohaRest, koha: Koha) -> None:
    koha.record |= {"restricted": True, "patron_card_lost": True}

    reader = system.ask(CARD, PIN, SOON)

    assert reader is not None
    assert reader.blocks == {Block.BLOCKED, Block.LOST}


def test_what_koha_does_not_say_is_empty(system: KohaRest, koha: Koha) -> None:
    koha.record = {"patron_id": 7, "category_id": "A", "library_id": "B", "date_of_birth": None, "expiry_date": None}

    assert system.ask(CARD, PIN, SOON) == Reader(CARD, category="A", home_library="B")


def test_what_is_owed_is_asked_only_where_it_is_wanted(peer: HttpPeer, system: KohaRest) -> None:
    wants = KohaRest(settings(peer, asks_what_is_owed=True))

    without, with_it = system.ask(CARD, PIN, SOON), wants.ask(CARD, PIN, SOON)
    wants.close()

    assert without is not None
    assert with_it is not None
    assert (without.owes, with_it.owes) == (None, Decimal("12.50"))
    assert [each.path for each in peer.heard].count("/api/v1/patrons/7/account") == 1


def test_a_reader_gets_in_though_we_may_not_see_what_is_owed_and_staff_are_told(peer: HttpPeer, koha: Koha) -> None:
    refused = "Authorization failure. Missing required permission(s)."
    koha.instead["/api/v1/patrons/7/account"] = json_reply(403, {"error": refused})
    system = KohaRest(settings(peer, asks_what_is_owed=True))

    reader, found = system.ask(CARD, PIN, SOON), last(system)
    system.close()

    assert reader is not None
    assert reader.owes is None
    assert (found.step, found.outcome) == (Step.LET_IN, Outcome.DOUBTFUL)
    assert refused in found.detail


def test_old_koha_is_asked_by_userid(peer: HttpPeer) -> None:
    system = KohaRest(settings(peer, identify_by="userid", account_kind="basic"))

    assert system.ask(CARD, PIN, SOON) is not None
    assert peer.heard[0].json == {"userid": CARD, "password": PIN}
    system.close()


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_whichever_address_of_the_api_is_entered(peer: HttpPeer, ending: str) -> None:
    assert settings(peer, address=peer.url + ending).api == f"{peer.url}/api/v1"


# Our own account


def test_a_token_is_fetched_once_for_several_readers(system: KohaRest, koha: Koha) -> None:
    barrier = threading.Barrier(8)

    def ask(_: int) -> Reader | None:
        barrier.wait()
        return system.ask(CARD, PIN, SOON)

    with ThreadPoolExecutor(8) as pool:
        readers = list(pool.map(ask, range(8)))

    assert all(readers)
    assert koha.tokens == 1


def test_a_token_that_was_withdrawn_is_fetched_again_once(system: KohaRest, koha: Koha) -> None:
    system.ask(CARD, PIN, SOON)
    koha.withdrawn.add("t1")

    assert system.ask(CARD, PIN, SOON) is not None
    assert koha.tokens == 2


def test_an_account_that_is_always_refused_is_not_asked_for_ever(system: KohaRest, koha: Koha) -> None:
    koha.withdrawn |= {f"t{number}" for number in range(100)}

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)

    assert koha.tokens == 2


def test_a_token_near_its_end_is_not_used_again(system: KohaRest, koha: Koha, peer: HttpPeer) -> None:
    koha.instead["/api/v1/oauth/token"] = json_reply(200, {"access_token": "short", "expires_in": 10})

    system.ask(CARD, PIN, SOON)

    assert [each.path for each in peer.heard].count("/api/v1/oauth/token") == 2


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_refusal_that_is_not_the_readers_is_no_answer(system: KohaRest, koha: Koha, status: int) -> None:
    koha.instead["/api/v1/auth/password/validation"] = json_reply(status, {"error": "no"})

    with pytest.raises(Unavailable, match="library"):
        system.ask(CARD, PIN, SOON)


def test_a_request_that_koha_does_not_understand_is_not_a_wrong_pin(system: KohaRest, koha: Koha) -> None:
    given = {"errors": [{"message": "Properties not allowed: identifier.", "path": "/body"}], "status": 400}
    koha.instead["/api/v1/auth/password/validation"] = json_reply(400, given)

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)

    assert last(system) == Finding(Step.SPEAKS, Outcome.WRONG, "HTTP 400: Properties not allowed: identifier.")


@pytest.mark.parametrize(
    "given",
    [
        [],
        {},
        {"patron_id": "7"},
        {"patron_id": True, "cardnumber": CARD},
        {"patron_id": 7, "cardnumber": None, "userid": None},
        {"patron_id": 7, "cardnumber": "9" * 65},
        {"patron_id": 8, "cardnumber": CARD},
    ],
    ids=["list", "empty", "text", "bool", "nameless", "long", "another"],
)
def test_a_yes_that_names_no_patron_is_no_answer(system: KohaRest, koha: Koha, given: Any) -> None:
    koha.instead["/api/v1/auth/password/validation"] = json_reply(201, given)
    koha.instead["/api/v1/patrons/8"] = json_reply(200, RECORD)

    with pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)


@pytest.mark.parametrize("expiry", ["soon", "2026-02-30", {"a": 1}, 7])
def test_an_expiry_that_cannot_be_read_is_not_a_card_without_one(system: KohaRest, koha: Koha, expiry: Any) -> None:
    koha.record["expiry_date"] = expiry
    if isinstance(expiry, dict):
        assert system.ask(CARD, PIN, SOON) is not None  # not said
        return

    with pytest.raises(Unreadable):
        system.ask(CARD, PIN, SOON)


# Examination


def test_all_is_well(system: KohaRest) -> None:
    found = findings(system)

    assert {step: outcome for step, (outcome, _) in found.items()} == {
        Step.REACHED: Outcome.WELL,
        Step.TRUSTED: Outcome.DOUBTFUL,  # the test's server does not encrypt
        Step.LET_IN: Outcome.WELL,
        Step.SPEAKS: Outcome.WELL,
        Step.CARD: Outcome.WELL,
        Step.WRONG_PIN: Outcome.WELL,
        Step.NO_PIN: Outcome.WELL,
    }
    assert found[Step.CARD][1] == "it tells: category, home library, date of birth, expiry"


def test_without_a_card_the_steps_that_need_one_are_left_out(system: KohaRest) -> None:
    assert list(findings(system, "", "")) == [Step.REACHED, Step.TRUSTED, Step.LET_IN, Step.SPEAKS]


def test_a_wrong_secret_is_told_apart_from_a_wrong_pin(peer: HttpPeer) -> None:
    system = KohaRest(settings(peer, secret="another"))

    assert last(system) == Finding(Step.LET_IN, Outcome.WRONG, "token: HTTP 403: unauthorized_client")
    system.close()


def test_oauth_that_is_switched_off_is_told(system: KohaRest, koha: Koha) -> None:
    koha.instead["/api/v1/oauth/token"] = json_reply(400, {"error": "Unimplemented grant type"})

    assert last(system) == Finding(Step.LET_IN, Outcome.WRONG, "token: HTTP 400: Unimplemented grant type")


def test_a_koha_that_takes_any_pin_is_dangerous(system: KohaRest, koha: Koha, peer: HttpPeer) -> None:
    def any_pin(request: Request) -> Reply:
        if request.path.endswith("/validation") and request.json["identifier"] == CARD:
            return json_reply(201, koha.validated)
        return koha(request)

    peer.answer = any_pin

    assert last(system) == Finding(Step.WRONG_PIN, Outcome.WRONG)


def test_a_koha_that_takes_anybody_is_dangerous(system: KohaRest, koha: Koha) -> None:
    koha.instead["/api/v1/auth/password/validation"] = json_reply(201, koha.validated)

    assert (last(system, "", "").step, last(system, "", "").outcome) == (Step.WRONG_PIN, Outcome.WRONG)


def test_a_koha_that_takes_an_empty_pin_is_doubtful(system: KohaRest, koha: Koha, peer: HttpPeer) -> None:
    def no_pin(request: Request) -> Reply:
        if request.path.endswith("/validation") and request.json["password"] == "":
            return json_reply(201, koha.validated)
        return koha(request)

    peer.answer = no_pin

    assert (last(system).step, last(system).outcome) == (Step.NO_PIN, Outcome.DOUBTFUL)


def test_no_finding_repeats_card_pin_or_secret(system: KohaRest, koha: Koha) -> None:
    koha.instead["/api/v1/patrons/7"] = json_reply(500, {"error": f"{CARD} {PIN} is on fire"})

    found = system.examine(CARD, PIN, SOON)

    assert found[-1].detail == "HTTP 500: *** *** is on fire"


def test_no_card_or_pin_is_in_an_address_or_a_log(
    system: KohaRest, peer: HttpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    system.ask(CARD, PIN, SOON)

    assert not any(CARD in each.target or PIN in each.target for each in peer.heard)
    assert caplog.records == []


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://catalogue.example.org"},
        {"address": "https://me:secret@catalogue.example.org"},
        {"address": "ftp://catalogue.example.org"},
        {"secret": ""},
        {"ca_pem": "not one"},
        {"more": "than there is"},
    ],
    ids=["plain", "name in address", "ftp", "no secret", "ca", "unknown"],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, str]) -> None:
    right = {"address": "https://catalogue.example.org", "account": "parvis", "secret": "s"}
    with pytest.raises(ValidationError):
        KohaRestSettings.model_validate(right | wrong)


def test_no_encryption_is_a_choice(peer: HttpPeer) -> None:
    chosen = settings(peer, address="http://catalogue.example.org", unencrypted=True)

    assert chosen.api == "http://catalogue.example.org/api/v1"
    assert "s3cret" not in repr(chosen)
