"""The supervisor, with small programs that live, die and refuse to die."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from parvis import supervisor
from parvis.supervisor import Program, Supervisor

pytestmark = pytest.mark.journey

LIVES = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
STARTS_A_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"


def _program(name: str, code: str, folder: Path, *, stage: int = 1) -> Program:
    """It says its process id in a file, one line for each start; it is ready once it has."""
    said = folder / name
    whole = f"import os; print(os.getpid(), file=open({str(said)!r}, 'a'))\n{code}"
    return Program(name, [sys.executable, "-S", "-c", whole], is_ready=said.exists, stage=stage)


def _pids(folder: Path, name: str) -> list[int]:
    said = folder / name
    return [int(line) for line in said.read_text().split()] if said.exists() else []


def _until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _run_meanwhile(watched: Supervisor, meanwhile: Callable[[], None]) -> float:
    """Runs here, since signals want the main thread; `meanwhile` runs beside it. How long stopping took."""
    asked: list[float] = []
    failures: list[BaseException] = []

    def beside() -> None:
        try:
            meanwhile()
        except BaseException as failure:
            failures.append(failure)
        asked.append(time.monotonic())
        watched.stop()

    thread = threading.Thread(target=beside)
    thread.start()
    watched.run()
    took = time.monotonic() - asked[0]
    thread.join()
    if failures:
        raise failures[0]
    return took


def test_what_a_process_writes_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        watched = Supervisor([_program("one", LIVES, tmp_path)])
        _run_meanwhile(watched, lambda: _until(lambda: _pids(tmp_path, "one")))
    finally:
        os.umask(before)
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


def test_a_dead_process_is_restarted(tmp_path: Path) -> None:
    def kill_it() -> None:
        _until(lambda: _pids(tmp_path, "one"))
        os.kill(_pids(tmp_path, "one")[0], signal.SIGKILL)
        _until(lambda: len(_pids(tmp_path, "one")) == 2)
        assert _lives(_pids(tmp_path, "one")[1])

    _run_meanwhile(Supervisor([_program("one", LIVES, tmp_path)]), kill_it)

    assert not _lives(_pids(tmp_path, "one")[1])


def test_one_that_dies_at_once_is_restarted_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.05)
    watched = Supervisor([_program("dies", "raise SystemExit(3)", tmp_path)])
    watched._children[0].delay = 0.05

    _run_meanwhile(watched, lambda: time.sleep(1.5))

    assert 3 <= len(_pids(tmp_path, "dies")) <= 6  # at 0, 0.05, 0.15, 0.35, 0.75, 1.55 seconds and what starting takes


def test_one_that_cannot_be_started_does_not_keep_the_others_from_running(tmp_path: Path) -> None:
    missing = Program("missing", [str(tmp_path / "no such program")], is_ready=lambda: False)

    _run_meanwhile(
        Supervisor([missing, _program("one", LIVES, tmp_path)]), lambda: _until(lambda: _pids(tmp_path, "one"))
    )


def test_readiness_is_announced_once_when_all_are_ready(tmp_path: Path) -> None:
    announced: list[float] = []
    watched = Supervisor(
        [_program("one", LIVES, tmp_path), _program("two", LIVES, tmp_path)], when_ready=announced.append
    )

    _run_meanwhile(watched, lambda: _until(lambda: announced))

    assert len(announced) == 1


def test_a_later_stage_waits_for_the_earlier_one_and_stops_before_it(tmp_path: Path) -> None:
    order = tmp_path / "order"
    tell = f"""
import signal, sys, time
def leave(*_):
    print(NAME, file=open({str(order)!r}, 'a'))
    sys.exit()
signal.signal(signal.SIGTERM, leave)
time.sleep(600)
"""
    programs = [
        _program("above", "NAME = 'above'" + tell, tmp_path, stage=1),
        _program("below", "NAME = 'below'" + tell, tmp_path, stage=0),
    ]
    ready = False

    def first_below() -> None:
        nonlocal ready
        _until(lambda: _pids(tmp_path, "below"))
        time.sleep(0.3)
        assert not _pids(tmp_path, "above")
        ready = True
        _until(lambda: _pids(tmp_path, "above"))
        time.sleep(0.2)

    programs[1] = Program("below", programs[1].command, is_ready=lambda: ready, stage=0)
    _run_meanwhile(Supervisor(programs), first_below)

    assert order.read_text().split() == ["above", "below"]


def test_all_stop_within_five_seconds_even_one_that_will_not(tmp_path: Path) -> None:
    programs = [_program("stubborn", STUBBORN, tmp_path), _program("parent", STARTS_A_CHILD, tmp_path)]

    took = _run_meanwhile(
        Supervisor(programs),
        lambda: _until(lambda: _pids(tmp_path, "stubborn") and _pids(tmp_path, "parent") and time.sleep(0.3) is None),
    )

    assert took < 5
    assert not _lives(_pids(tmp_path, "stubborn")[0])


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_a_signal_stops_all_and_leaves_nobody(tmp_path: Path, asked: signal.Signals) -> None:
    process = _supervise_apart(tmp_path, {"one": LIVES, "parent": STARTS_A_CHILD})
    members = _sessions_of(_pids(tmp_path, "one") + _pids(tmp_path, "parent"))

    process.send_signal(asked)

    assert process.wait(5) == 0
    assert not [pid for pid in members if _lives(pid)]


def test_no_orphan_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    process = _supervise_apart(tmp_path, {"one": LIVES, "stubborn": STUBBORN, "parent": STARTS_A_CHILD})
    leaders = [pid for name in ("one", "stubborn", "parent") for pid in _pids(tmp_path, name)]
    members = _sessions_of(leaders)
    assert len(members) >= 4  # the parent's child is among them

    process.kill()
    process.wait()

    _until(lambda: not [pid for pid in members if _lives(pid)], 8)


def _supervise_apart(folder: Path, programs: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A supervisor in a process of its own, all its programs started."""
    code = f"""
import sys
sys.path[:0] = [{str(Path(supervisor.__file__).parent.parent)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from parvis.supervisor import Supervisor
from test_supervisor import _program
folder = Path({str(folder)!r})
Supervisor([_program(name, code, folder) for name, code in {programs!r}.items()]).run()
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    _until(lambda: all(_pids(folder, name) for name in programs))
    time.sleep(0.3)  # until the parent has its child
    return process


def _sessions_of(leaders: list[int]) -> list[int]:
    """Everybody in the process groups that these lead."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) in leaders:
            members.append(int(entry.parent.name))
    return members
