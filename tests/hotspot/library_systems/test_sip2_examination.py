"""A SIP2 connection examined: each step says what it found, and nothing is said that cannot be known."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hotspot.adapters.library_systems import sip2_examination
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.sip2 import Sip2
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from tests.fixtures.sip2 import HANG_UP, SILENCE, STATUS, Sip2Server, a_sip2_server, field, own_patron, patron, sealed
from tests.radius.tls_peers import Town

CARD, PIN = "20261001", "1234"
LATER = timedelta(seconds=20)
SOON = timedelta(seconds=0.3)
A_MOMENT = timedelta(seconds=2)
"""Enough for the steps before the one that gets no answer, on a machine that is busy with something else."""
WELL, DOUBTFUL, WRONG = Outcome.WELL, Outcome.DOUBTFUL, Outcome.WRONG

Examine = Callable[..., list[Finding]]


@pytest.fixture
def server() -> Iterator[Sip2Server]:
    with a_sip2_server() as started:
        yield started


@pytest.fixture
def examine(server: Sip2Server) -> Examine:
    def examine(card: str = CARD, pin: str = PIN, within: timedelta = LATER, **more: Any) -> list[Finding]:
        account = {"host": "127.0.0.1", "port": server.port, "user": "parvis", "password": "hush", "institution": "VDL"}
        with closing(Sip2(Sip2Settings(**account | more))) as system:
            return list(system.examine(card, pin, within))

    return examine


def outcomes(findings: list[Finding]) -> dict[Step, Outcome]:
    return {each.step: each.outcome for each in findings}


def last(findings: list[Finding]) -> Finding:
    return findings[-1]


def test_what_is_well_is_said_to_be(examine: Examine) -> None:
    assert outcomes(examine()) == dict.fromkeys(
        (Step.REACHED, Step.LET_IN, Step.SPEAKS, Step.INSTITUTION, Step.CARD, Step.WRONG_PIN), WELL
    )


def test_without_a_card_the_steps_that_need_one_are_left_out(examine: Examine, server: Sip2Server) -> None:
    assert list(outcomes(examine("", ""))) == [Step.REACHED, Step.LET_IN, Step.SPEAKS, Step.INSTITUTION]
    assert server.codes() == ["93", "99"]


def test_steps_come_in_their_order(examine: Examine) -> None:
    found = [each.step for each in examine()]

    assert found == [step for step in Step if step in found]


# reaching and trusting


def test_nobody_there_is_the_first_thing_wrong(examine: Examine, server: Sip2Server) -> None:
    server.stop()

    assert examine() == [Finding(Step.REACHED, WRONG, "Connection refused")]


def test_a_name_that_is_none_is_wrong(examine: Examine) -> None:
    (found,) = examine(host="nobody.invalid")

    assert (found.step, found.outcome) == (Step.REACHED, WRONG)
    assert "its name is not known" in found.detail


def test_a_server_elsewhere_without_tls_is_doubtful(
    examine: Examine, server: Sip2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip2_examination, "_is_this_machine", lambda _: False)

    assert outcomes(examine("", ""))[Step.TRUSTED] == DOUBTFUL


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def tls_port(town: Town) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(town.server.certificate, town.server.key)
    with a_sip2_server(context) as started:
        yield started.port


def test_a_certificate_is_looked_at(examine: Examine, town: Town, tls_port: int) -> None:
    authority = Path(town.authority.certificate).read_text()
    assert outcomes(examine(port=tls_port, tls=True, tls_ca=authority))[Step.TRUSTED] == WELL

    stranger = last(examine(port=tls_port, tls=True))
    assert (stranger.step, stranger.outcome) == (Step.TRUSTED, WRONG)
    assert "issuer" in stranger.detail or "self-signed" in stranger.detail

    other = last(examine(port=tls_port, tls=True, tls_ca=authority, tls_name="other.test"))
    assert (other.step, other.outcome) == (Step.TRUSTED, WRONG)
    assert "other.test" in other.detail


def test_a_server_without_tls_cannot_be_trusted_with_it(examine: Examine) -> None:
    found = last(examine(tls=True, within=A_MOMENT))

    assert (found.step, found.outcome) == (Step.TRUSTED, WRONG)


# signing in and speaking


def test_a_refused_account_is_wrong(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"93"] = b"940"

    assert last(examine()) == Finding(Step.LET_IN, WRONG, "the server answers 940")


def test_where_no_account_is_needed_that_step_is_left_out(examine: Examine) -> None:
    assert Step.LET_IN not in outcomes(examine(login="none"))


@pytest.mark.parametrize("answer", [HANG_UP, SILENCE, b"98N" + STATUS[3:], b"HTTP/1.1 400"], ids=repr)
def test_another_protocol_is_wrong(examine: Examine, server: Sip2Server, answer: bytes) -> None:
    server.answers[b"99"] = answer

    found = last(examine(within=LATER if answer != SILENCE else A_MOMENT))

    assert (found.step, found.outcome) == (Step.SPEAKS, WRONG)
    assert found.detail


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (STATUS.replace(b"2.00", b"1.00"), "1.00"),
        (STATUS.replace(b"YYYYYNNN", b"YYYNYNNN"), "(63)"),
    ],
    ids=["an old version", "no patron information"],
)
def test_a_server_of_few_words_is_doubtful(examine: Examine, server: Sip2Server, status: bytes, detail: str) -> None:
    server.answers[b"99"] = status

    found = last(examine("", "")[:3])

    assert (found.step, found.outcome) == (Step.SPEAKS, DOUBTFUL)
    assert detail in found.detail


def test_answers_that_name_no_request_are_doubtful(examine: Examine, server: Sip2Server) -> None:
    server.write = lambda body, _: [body + b"\r"]

    assert outcomes(examine("", ""))[Step.SPEAKS] == DOUBTFUL
    assert outcomes(examine("", "", error_detection=False))[Step.SPEAKS] == WELL


# the institution


def test_a_card_that_is_known_proves_the_institution(examine: Examine) -> None:
    assert outcomes(examine(institution="other"))[Step.INSTITUTION] == WELL


def test_another_name_than_the_server_says_is_doubtful(examine: Examine) -> None:
    found = last(examine("", "", institution="other"))

    assert found == Finding(Step.INSTITUTION, DOUBTFUL, "the server calls it VDL")


def test_a_server_that_does_not_say_its_name_leaves_doubt(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"99"] = STATUS.replace(b"AOVDL|", b"")

    assert last(examine("", "")).outcome == DOUBTFUL


@pytest.mark.parametrize("answer", [SILENCE, HANG_UP], ids=repr)
def test_an_institution_that_may_be_the_reason_for_silence_is_doubtful(
    examine: Examine, server: Sip2Server, answer: bytes
) -> None:
    server.answers[b"63"] = answer

    institution, card = examine(institution="other", within=LATER if answer != SILENCE else A_MOMENT)[-2:]

    assert (institution.step, institution.outcome) == (Step.INSTITUTION, DOUBTFUL)
    assert (card.step, card.outcome) == (Step.CARD, WRONG)


def test_a_card_that_is_unknown_under_another_name_leaves_doubt(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(accepted=b"BLN|CQN|")

    found = outcomes(examine(institution="other"))

    assert (found[Step.INSTITUTION], found[Step.CARD]) == (DOUBTFUL, WRONG)


# cards and PINs


@pytest.mark.parametrize(
    ("accepted", "said"),
    [(b"BLN|CQN|", "BL=N CQ=N"), (b"BLY|CQN|", "BL=Y CQ=N"), (b"BLY|", "BL=Y CQ=(nothing)")],
    ids=repr,
)
def test_a_card_that_is_refused_is_wrong(examine: Examine, server: Sip2Server, accepted: bytes, said: str) -> None:
    server.answers[b"63"] = patron(accepted=accepted)

    assert last(examine()) == Finding(Step.CARD, WRONG, said)


def test_what_is_filled_in_is_named_and_not_said(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(b"PCADULT|PB19900131|BV3|")

    found = next(each for each in examine() if each.step == Step.CARD)

    assert found.detail.endswith("; PC, PB, BV")


def test_a_date_in_another_form_is_doubtful_and_only_its_form_is_shown(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(b"PB31/01/1990|")

    found = next(each for each in examine() if each.step == Step.CARD)

    assert (found.outcome, found.detail) == (DOUBTFUL, "dates in another form: PB 99/99/9999")


def test_a_server_that_ignores_the_pin_is_wrong(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = patron()

    found = last(examine())

    assert (found.step, found.outcome) == (Step.WRONG_PIN, WRONG)


def test_the_wrong_pin_differs_at_every_place(examine: Examine, server: Sip2Server) -> None:
    examine(pin="12")
    examine()

    tried = [field(each, b"AD") for each in server.heard if each.startswith(b"63")]
    assert len(tried[-1]) == 4
    assert not any(one == other for one, other in zip(tried[-1], PIN.encode(), strict=True))
    assert len(server.heard) == 3 + 1 + 4 + 3  # nothing more than that was asked


def test_an_empty_pin_is_never_sent(examine: Examine, server: Sip2Server) -> None:
    findings = examine(pin="")

    assert last(findings).step == Step.CARD
    assert last(findings).outcome == WRONG
    assert "63" not in server.codes()
    examine()
    assert not any(b"|AD|" in each for each in server.heard)


@pytest.mark.parametrize("card", ["1|AD", "1\r2"], ids=repr)
def test_a_card_that_cannot_be_sent_is_wrong(examine: Examine, server: Sip2Server, card: str) -> None:
    assert last(examine(card)).step == Step.CARD
    assert "63" not in server.codes()


def test_a_wrong_pin_that_gets_no_answer_leaves_doubt(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = lambda request: own_patron(request) if b"AD1234|" in request else HANG_UP

    found = last(examine())

    assert (found.step, found.outcome) == (Step.WRONG_PIN, DOUBTFUL)


def test_cards_without_a_pin_stay_doubtful(examine: Examine, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(accepted=b"BLY|")

    found = outcomes(examine(card_only=True))

    assert found[Step.CARD] == WELL
    assert found[Step.NO_PIN] == DOUBTFUL
    assert Step.WRONG_PIN not in found


# what it does not do


@pytest.mark.parametrize("code", [b"93", b"99", b"63"], ids=repr)
def test_an_examination_ends_in_time(examine: Examine, server: Sip2Server, code: bytes) -> None:
    server.answers[code] = SILENCE

    assert last(examine(within=SOON)).outcome == WRONG


def test_a_server_that_only_listens_is_given_up_in_time(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert last(examine(within=A_MOMENT, port=listener.getsockname()[1])).step == Step.LET_IN


def test_findings_name_neither_card_nor_pin_nor_password(examine: Examine, server: Sip2Server) -> None:
    told = repr(examine())
    server.answers[b"63"] = lambda request: b"what? " + request
    told += repr(examine())
    server.write = lambda body, sequence: [sealed(body, sequence)[:-4] + b"0000\r"]
    told += repr(examine())

    assert not any(each in told for each in (CARD, PIN, "hush", "Jeanne"))


def test_an_examination_takes_no_more_connections_than_are_allowed(server: Sip2Server) -> None:
    account = {"host": "127.0.0.1", "port": server.port, "user": "parvis", "password": "hush", "institution": "VDL"}
    with closing(Sip2(Sip2Settings(**account, connections=1))) as system:
        system.ask(CARD, PIN, LATER)
        system.examine(CARD, PIN, LATER)
        assert server.closed_one.wait(20)
        assert system.ask(CARD, PIN, LATER) is not None
