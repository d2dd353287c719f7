"""The pretend library: as strict as a real one, seen through our own SIP2 client and octet by octet."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hotspot.adapters.library_systems.library_system import Outcome
from hotspot.adapters.library_systems.sip2 import Sip2
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from simulator.library import EXAMPLE, Card, Conversation, Library, LibraryError, LibraryServer, main, read_library
from tests.fixtures.processes import running

ROOT = Path(__file__).parents[2]
LATER = timedelta(seconds=20)
JEANNE = {
    "card": "20261001",
    "pin": "1234",
    "name": "Jeanne Petit",
    "category": "ÉTUDIANT",
    "home_library": "CENTRE",
    "born_on": "1990-01-31",
    "expires_on": "2099-08-31",
    "owes": "12.50",
}
TOWN = {"institution": "VDL", "name": "Médiathèque", "user": "parvis", "password": "hush", "readers": [JEANNE]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "readers.json"
    write(path)
    return path


def write(path: Path, **jeanne: Any) -> None:
    path.write_text(json.dumps(TOWN | {"readers": [JEANNE | jeanne]}), encoding="utf-8")


@pytest.fixture
def port(file: Path) -> Iterator[int]:
    with LibraryServer(file, port=0) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def system(port: int) -> Iterator[Sip2]:
    with closing(Sip2(settings(port))) as made:
        yield made


def settings(port: int, **more: Any) -> Sip2Settings:
    account = {"host": "127.0.0.1", "port": port, "user": "parvis", "password": "hush", "institution": "VDL"}
    return Sip2Settings(**account | more)


def test_a_reader_gets_in_with_the_right_pin_only(system: Sip2) -> None:
    facts = "ÉTUDIANT", "CENTRE", date(1990, 1, 31), date(2099, 8, 31), frozenset[Block](), Decimal("12.50")

    assert system.ask("20261001", "1234", LATER) == Reader("20261001", *facts)
    assert system.ask("20261001", "4321", LATER) is None
    assert system.ask("99999999", "1234", LATER) is None


@pytest.mark.parametrize("block", Block)
def test_each_block_is_seen_as_itself(system: Sip2, file: Path, block: Block) -> None:
    write(file, blocks=[block])

    reader = system.ask("20261001", "1234", LATER)

    assert reader is not None
    assert reader.blocks == {block}


def test_a_card_that_has_expired_says_when(system: Sip2, file: Path) -> None:
    write(file, expires_on="2023-10-02")

    reader = system.ask("20261001", "1234", LATER)

    assert reader is not None
    assert (reader.expires_on, reader.blocks) == (date(2023, 10, 2), frozenset())


def test_an_edit_counts_at_once_and_half_of_one_does_no_harm(system: Sip2, file: Path) -> None:
    assert system.ask("20261001", "1234", LATER)
    write(file, pin="9999")
    assert system.ask("20261001", "1234", LATER) is None
    file.write_text("{", encoding="utf-8")
    assert system.ask("20261001", "9999", LATER)


def test_the_status_alone_can_be_asked_for(port: int) -> None:
    with closing(Sip2(settings(port, inquiry="status"))) as system:
        assert system.ask("20261001", "1234", LATER) is not None


def test_it_passes_every_step_of_an_examination(system: Sip2) -> None:
    findings = system.examine("20261001", "1234", LATER)

    assert {each.outcome for each in findings} == {Outcome.WELL}
    assert len(findings) == 6


def test_another_account_is_refused(port: int) -> None:
    with closing(Sip2(settings(port, password="wrong"))) as system, pytest.raises(Unavailable):
        system.ask("20261001", "1234", LATER)


def test_another_institution_knows_no_card(port: int) -> None:
    with closing(Sip2(settings(port, institution="ELSEWHERE"))) as system:
        assert system.ask("20261001", "1234", LATER) is None


def say(conversation: Conversation, line: bytes) -> bytes:
    answer = conversation.answer(line)
    assert answer is not None
    return answer


def test_it_speaks_as_the_live_logs_do() -> None:
    conversation = Conversation(Library(user="OV", password="OV"))

    assert say(conversation, b"9300CNOV|COOV|CPWES|AY1AZF86B") == b"941AY1AZFDFC\r"
    assert say(conversation, b"97AZFEF5") == b"941AY1AZFDFC\r"
    assert say(conversation, b"9900302.00AY2AZFCA4").startswith(b"98YNNNNN")


def test_a_damaged_message_is_to_be_said_again() -> None:
    conversation = Conversation(Library())

    assert say(conversation, b"9900302.00AY2AZFCA5") == b"96AZFEF6\r"
    assert say(conversation, b"9900302.00AY2AZwhat") == b"96AZFEF6\r"


def test_who_sends_no_checksum_gets_none() -> None:
    assert say(Conversation(Library()), b"9300CNa|COb|") == b"940\r"


def test_it_hangs_up_on_who_asks_before_the_login_or_speaks_something_else() -> None:
    conversation = Conversation(Library(user="parvis", password="hush"))

    assert conversation.answer(b"3520260101    120000AO|AA1|AC|AD|") is None
    assert Conversation(Library()).answer(b"GET / HTTP/1.1") is None


def test_an_empty_pin_is_never_right() -> None:
    library = Library(readers=(Card("1", ""),))
    request = b"6300220260101    120000          AO|AA1|AC|AD|"

    assert b"|BLY|CQN|" in say(Conversation(library), request)


def test_the_example_of_the_help_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "readers.json"
    path.write_text(EXAMPLE.partition(":\n")[2].partition("\n`card`")[0], encoding="utf-8")

    assert read_library(path).find("20261001")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "readers.json"),
        ("[]", "readers.json"),
        ('{"reader": []}', "reader"),
        ('{"readers": [{"card": "1"}]}', "pin"),
        ('{"readers": [{"card": "1", "pin": "2", "blocks": ["late"]}]}', "late is none of"),
    ],
    ids=["not JSON", "not an object", "unknown key", "no PIN", "unknown block"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "readers.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LibraryError, match=said):
        read_library(path)


def test_a_file_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/readers.json"]) == 2
    assert "cannot read /nowhere/readers.json" in capsys.readouterr().err


@pytest.mark.integration
def test_it_starts_says_where_and_ends_when_told_to(file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "simulator.library", file, "--port", "0"]

    with running(
        ["env", f"PYTHONPATH={ROOT}", *command], ready=lambda: b"SIP2" in log.read_bytes(), log=log
    ) as process:
        port = int(log.read_text().strip().rpartition(":")[2])
        with closing(Sip2(settings(port))) as system:
            assert system.ask("20261001", "1234", LATER)
        with socket.create_connection(("127.0.0.1", port)):
            process.terminate()
            assert process.wait(20) == 0


def test_the_help_has_an_example() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "simulator.library", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "python -m simulator.library readers.json --port 6001" in told
    assert '"institution": "VDL"' in told
