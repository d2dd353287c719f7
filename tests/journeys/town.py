"""A whole town on this machine: the demonstration as `make run` starts it, on ports that nobody uses."""

import http.cookiejar
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from hotspot.db import open_database
from hotspot.sealing import Vault
from hotspot.settings import load_settings
from tests.fixtures.processes import running

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 90.0
"""Seconds for a whole town to be made and started on a machine that does other things too."""
_TCP = ("PORTAL_PORT", "STAFF_PORT", "RADIUS_STATUS_PORT", "WORKER_STATUS_PORT", "ACCESS_POINT_PORT", "LIBRARY_PORT")
_UDP = ("RADIUS_AUTH_PORT", "RADIUS_ACCT_PORT", "COA_PORT")


@dataclass(frozen=True)
class Town:
    folder: Path
    demo: dict[str, Any]
    """demo.json."""
    environment: dict[str, str]

    def parvis(self, *arguments: str, given: str = "") -> str:
        """Run a `parvis` command in this town; what it printed."""
        command = python(self.environment, "parvis", *arguments)
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def vault(self) -> Vault:
        return Vault((self.folder / "var" / "secret.key").read_text().strip())

    @contextmanager
    def looked_into(self) -> Iterator[Session]:
        """Its tables, for what takes longer than a journey."""
        secret = (self.folder / "var" / "secret.key").read_text().strip()
        database = open_database(load_settings({}, var_dir=self.folder / "var", secret_key=secret))
        with database.transaction() as db:
            yield db
        database.dispose()

    @property
    def access_point(self) -> str:
        return str(self.demo["access_point_url"])

    @property
    def portal(self) -> str:
        return str(self.demo["portal_url"])

    @property
    def staff(self) -> str:
        return str(self.demo["staff_url"])


@contextmanager
def a_town(folder: Path, **settings: str) -> Iterator[Town]:
    """`settings`: further PARVIS_ variables, by their names without it."""
    var = folder / "var"
    environment = {f"PARVIS_{name}": value for name, value in settings.items()}
    environment |= {f"PARVIS_{name}": str(port) for name, port in _free_ports().items()}
    environment["PARVIS_VAR_DIR"] = str(var)
    access_point = f"http://localhost:{environment['PARVIS_ACCESS_POINT_PORT']}/pocket"
    with running(
        python(environment, "parvis", "demo"),
        ready=lambda: answers(access_point),
        log=folder / "town.log",
        patience=PATIENCE,
    ):
        yield Town(folder, json.loads((var / "demo.json").read_text()), environment)


@contextmanager
def an_access_point(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """Another pocket access point; its address."""
    address = f"http://localhost:{config['port']}"
    file = folder / f"{config['nas_identifier']}.json"
    file.write_text(json.dumps(config))
    with running(
        python({}, "simulator.pocket", str(file)),
        ready=lambda: answers(f"{address}/pocket"),
        log=folder / f"{config['nas_identifier']}.log",
    ):
        yield address


def python(environment: dict[str, str], *module_and_arguments: str) -> list[str]:
    clean = [part for name in os.environ if name.startswith("PARVIS_") for part in ("-u", name)]
    assigned = [f"{name}={value}" for name, value in {**environment, "PYTHONPATH": str(ROOT)}.items()]
    return ["env", *clean, *assigned, sys.executable, "-m", *module_and_arguments]


def answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    try:
        with opener.open(address, timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_ports() -> dict[str, int]:
    """Held together while they are chosen, so that no two are the same."""
    with ExitStack() as stack:
        return {
            name: free_port(stack, kind)
            for kind, names in ((socket.SOCK_STREAM, _TCP), (socket.SOCK_DGRAM, _UDP))
            for name in names
        }


def free_port(stack: ExitStack, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Free as long as nobody else takes it between the end of `stack` and its use."""
    held = stack.enter_context(socket.socket(socket.AF_INET, kind))
    held.bind(("127.0.0.1", 0))
    return int(held.getsockname()[1])
