"""SIP2 with a server that others wrote: invenio-sip2, in an environment of its own, which tests/prepare makes."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hotspot.adapters.library_systems.library_system import Outcome, Step
from hotspot.adapters.library_systems.sip2 import Sip2
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.fixtures.processes import running

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-invenio" / "bin" / "python"
LATER = timedelta(seconds=20)
A_MOMENT = timedelta(seconds=2)

Make = Callable[..., Sip2]


@pytest.fixture(scope="module")
def port(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    assert PYTHON.exists(), "run tests/prepare: it makes .venv-invenio"
    log = tmp_path_factory.mktemp("invenio") / "log"
    port = _free_port()
    # a database of its own: other tests empty theirs
    environment = ["env", f"INVENIO_REDIS_URL={redis_url}?db=7"]
    listening = ["--host", "127.0.0.1", "--port", str(port), "--remote-app", "library"]
    command = [PYTHON, ROOT / "tests/fixtures/invenio/library.py", "start", "parvis-tests", *listening]
    with running([*environment, *command], ready=lambda: b"listening on" in log.read_bytes(), log=log, patience=60):
        yield port


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def make(port: int) -> Iterator[Make]:
    made: list[Sip2] = []

    def make(**more: Any) -> Sip2:
        made.append(Sip2(settings(port, **more)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def settings(port: int, **more: Any) -> Sip2Settings:
    account = {"host": "127.0.0.1", "port": port, "user": "parvis", "password": "hush", "institution": "BIB"}
    return Sip2Settings(**account | more)


def test_readers_get_in_and_others_do_not(make: Make) -> None:
    system = make()

    assert system.ask("100", "1234", LATER) == Reader("100", owes=Decimal("12.50"))
    assert system.ask("200", "5678", LATER) == Reader("200", blocks=frozenset({Block.LOST, Block.OWES}))
    assert system.ask("100", "5678", LATER) is None
    assert system.ask("300", "1234", LATER) is None


def test_one_connection_serves_many_cards(make: Make) -> None:
    """More than ten messages: the sequence number begins again."""
    system = make(connections=1)

    for _ in range(8):
        assert system.ask("100", "1234", LATER) is not None


def test_many_ask_at_once(make: Make) -> None:
    system = make(connections=4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda card: system.ask(card, "1234", LATER), ["100", "200"] * 20))

    assert [answer and answer.card_number for answer in answers] == ["100", None] * 20


def test_an_examination_finds_nothing_wrong(make: Make) -> None:
    findings = make().examine("100", "1234", LATER)

    assert {each.step: each.outcome for each in findings} == dict.fromkeys(
        (Step.REACHED, Step.LET_IN, Step.SPEAKS, Step.INSTITUTION, Step.CARD, Step.WRONG_PIN), Outcome.WELL
    )


def test_a_wrong_account_is_refused(make: Make) -> None:
    assert make(password="wrong").examine("", "", LATER)[-1].step == Step.LET_IN
    with pytest.raises(Unavailable):
        make(password="wrong").ask("100", "1234", LATER)


def test_without_a_login_its_answer_has_no_end(make: Make) -> None:
    """It says "None", and no CR: the time is what ends that."""
    assert make(login="none").examine("", "", A_MOMENT)[-1].step == Step.SPEAKS


def test_letters_with_accents_pass(make: Make) -> None:
    assert make().ask("Zoé", "é€", LATER) is None
