"""The command line on a folder of its own."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from parvis.cli import main

Run = Callable[..., Result]

_PORTS = {
    "PARVIS_PORTAL_PORT": socket.SOCK_STREAM,
    "PARVIS_STAFF_PORT": socket.SOCK_STREAM,
    "PARVIS_RADIUS_AUTH_PORT": socket.SOCK_DGRAM,
    "PARVIS_RADIUS_ACCT_PORT": socket.SOCK_DGRAM,
    "PARVIS_RADIUS_STATUS_PORT": socket.SOCK_STREAM,
    "PARVIS_WORKER_STATUS_PORT": socket.SOCK_STREAM,
    "PARVIS_ACCESS_POINT_PORT": socket.SOCK_STREAM,
    "PARVIS_COA_PORT": socket.SOCK_DGRAM,
    "PARVIS_MAILBOX_PORT": socket.SOCK_STREAM,
    "PARVIS_MAILBOX_SMTP_PORT": socket.SOCK_STREAM,
}


def free_environment(var_dir: Path) -> dict[str, str]:
    """A data folder and free ports."""
    environ = {"PARVIS_VAR_DIR": str(var_dir)}
    held = []
    for name, kind in _PORTS.items():
        held.append(socket.socket(socket.AF_INET, kind))
        held[-1].bind(("127.0.0.1", 0))
        environ[name] = str(held[-1].getsockname()[1])
    for each in held:
        each.close()
    environ["PARVIS_PORTAL_URL"] = f"http://localhost:{environ['PARVIS_PORTAL_PORT']}"
    environ["PARVIS_STAFF_URL"] = f"http://localhost:{environ['PARVIS_STAFF_PORT']}"
    environ["PARVIS_LOG_FORMAT"] = "console"
    return environ


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return free_environment(tmp_path / "var")


@pytest.fixture
def parvis(environment: dict[str, str]) -> Run:
    """`parvis("db", "upgrade")`: the command, in this process."""

    def run(*arguments: str, stdin: str | bytes | None = None, **more_environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, env=environment | more_environment)

    return run
