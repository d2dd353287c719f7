"""`parvis serve` as real processes: ready, restarted, stopped; and refused with one sentence where it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parvis.programs import is_well
from tests.parvis.conftest import Run

pytestmark = pytest.mark.journey

_PATIENCE = 30.0


@pytest.fixture
def serving(environment: dict[str, str], parvis: Run, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    assert parvis("db", "upgrade").exit_code == 0
    with (tmp_path / "log").open("wb") as log:
        process = _start(environment, log.fileno())
    try:
        _until(lambda: b"Ready in" in (tmp_path / "log").read_bytes())
        yield process
    finally:
        process.kill()
        process.wait()


def _start(environment: dict[str, str], output: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "parvis", "serve"]
    return subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=output)


def _until(condition: Callable[[], object], seconds: float = _PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _children(pid: int) -> dict[str, int]:
    """Command line -> process id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[(entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()] = int(entry.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _process(pid: int, name: str) -> int:
    return next((child for line, child in _children(pid).items() if line.endswith(f"--only {name}")), 0)


def test_all_four_are_well_and_a_dead_one_comes_back(
    serving: "subprocess.Popen[bytes]", environment: dict[str, str]
) -> None:
    port = int(environment["PARVIS_PORTAL_PORT"])
    assert all(
        is_well("127.0.0.1", int(environment[f"PARVIS_{name}_PORT"]))
        for name in ("PORTAL", "STAFF", "RADIUS_STATUS", "WORKER_STATUS")
    )

    dead = _process(serving.pid, "portal")
    os.kill(dead, signal.SIGKILL)

    _until(lambda: _process(serving.pid, "portal") not in (0, dead) and is_well("127.0.0.1", port))


def test_term_stops_all_within_five_seconds(serving: "subprocess.Popen[bytes]") -> None:
    children = _children(serving.pid)
    assert len(children) == 6  # the four, Redis and the guard

    began = time.monotonic()
    serving.send_signal(signal.SIGTERM)

    assert serving.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not [line for line, pid in children.items() if _lives(pid)]


def test_nobody_is_left_when_the_supervisor_is_killed(serving: "subprocess.Popen[bytes]") -> None:
    children = _children(serving.pid)

    serving.kill()
    serving.wait()

    _until(lambda: not [pid for pid in children.values() if _lives(pid)], 8)


def test_a_taken_port_is_one_sentence_and_nothing_is_left_running(
    parvis: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    parvis("db", "upgrade")
    with socket.create_server(("127.0.0.1", int(environment["PARVIS_PORTAL_PORT"]))) as taken:
        with (tmp_path / "log").open("wb") as log:
            process = _start(environment, log.fileno())
        code = process.wait(_PATIENCE)
        port = taken.getsockname()[1]

    assert code == 1
    assert (tmp_path / "log").read_text() == (
        f"Error: Port {port} is already in use (PARVIS_PORTAL_PORT changes it).\n"
    )
    assert not (tmp_path / "var" / "redis.sock").exists()


def test_a_request_under_way_is_answered_before_the_web_server_stops(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    code = f"""
import time
from flask import Flask
from parvis.web_server import serve_web
app = Flask("slow")
@app.get("/healthz")
def healthz():
    return "ok"
@app.get("/slow")
def slow():
    time.sleep(1)
    return "done"
serve_web(app, "127.0.0.1", {port}, 2)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        _until(lambda: is_well("127.0.0.1", port))
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(_get(port, "/slow")))
        asking.start()
        time.sleep(0.3)
        process.terminate()
        asking.join()

        assert answers[0].startswith(b"HTTP/1.1 200")
        assert answers[0].endswith(b"done")
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()


def _get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while octets := peer.recv(4096):
            answer += octets
    return answer
