"""A RADIUS process of our own on free ports, and what its access point knows."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from redis import Redis

import radius
from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.db import Database
from hotspot.models import Nas
from hotspot.policy.admission import Usage
from hotspot.services.signing_in import terms_of
from hotspot.settings import Settings
from tests import factories
from tests.fixtures.processes import running


@dataclass(frozen=True)
class RadiusProcess:
    """Where it listens, and the database that it works on."""

    auth_port: int
    acct_port: int
    status_port: int
    database: Database
    nas_id: int
    log: Path
    popen: subprocess.Popen[bytes] | None = None


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def radius_process(
    any_database: Database, settings: Settings, redis: "Redis", tmp_path: Path
) -> Iterator[RadiusProcess]:
    """`python -m radius` with one NAS at 127.0.0.1, on each database."""
    with any_database.transaction() as db:
        nas_id = factories.make_nas(db, networks=("127.0.0.1/32",)).id
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    process = RadiusProcess(
        free_port(udp), free_port(udp), free_port(tcp), any_database, nas_id, tmp_path / "radius.log"
    )
    environment = {
        "PYTHONPATH": str(Path(radius.__file__).parents[1]),
        "PARVIS_VAR_DIR": str(tmp_path),
        "PARVIS_DATABASE_URL": any_database.engine.url.render_as_string(hide_password=False),
        "PARVIS_REDIS_URL": settings.redis_address,
        "PARVIS_SECRET_KEY": factories.SECRET_KEY,
        "PARVIS_RADIUS_AUTH_PORT": str(process.auth_port),
        "PARVIS_RADIUS_ACCT_PORT": str(process.acct_port),
        "PARVIS_RADIUS_STATUS_PORT": str(process.status_port),
    }
    command = [
        "/usr/bin/env",
        *(f"{name}={value}" for name, value in environment.items()),
        sys.executable,
        "-m",
        "radius",
    ]
    with running(command, ready=lambda: _is_well(process.status_port), log=process.log) as popen:
        yield replace(process, popen=popen)


@pytest.fixture
def login(radius_process: RadiusProcess, redis: "Redis", settings: Settings) -> OneTimeLogin:
    """Given by the portal a moment ago, for the device of the tests at the NAS of `radius_process`."""
    now = datetime.now(UTC)
    with radius_process.database.transaction() as db:
        nas = db.get_one(Nas, radius_process.nas_id)
        grant = factories.make_grant(
            db, nas=nas, site=nas.site, created_at=now, ends_at=now + timedelta(hours=2), download_kbps=8000
        )
        made = make_one_time_login(nas.id, grant.device_mac, terms_of(grant, settings), Usage())
    OneTimeLogins(redis, settings.one_time_login_life).store(made)
    return made


def _is_well(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    with suppress(OSError):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False
