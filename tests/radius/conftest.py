"""A RADIUS process of our own on free ports, and what its access point knows."""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import pytest
from redis import Redis
from sqlalchemy.orm import Session

import radius
from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.adapters.redis import open_redis
from hotspot.db import Database
from hotspot.models import Nas
from hotspot.policy.allowances import Usage
from hotspot.services.allowances import terms_of
from hotspot.services.staff import Scope, find_scope
from hotspot.settings import Settings
from tests import factories
from tests.fixtures.processes import running

Found = TypeVar("Found")


@dataclass(frozen=True)
class RadiusProcess:
    """Where it listens, and the database that it works on."""

    auth_port: int
    acct_port: int
    status_port: int
    database: Database
    nas_id: int
    log: Path
    radsec_port: int
    popen: subprocess.Popen[bytes] | None = None


def free_port(kind: socket.SocketKind) -> int:
    """Below those that the kernel gives to whoever asks for any, lest another take it before it is used."""
    while True:
        port = random.randint(15_000, 32_000)
        with socket.socket(socket.AF_INET, kind) as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def eventually(look: Callable[[], Found], patience: float = 5) -> Found:
    """What is found as soon as it is something; what was found last if it stays nothing."""
    until = time.monotonic() + patience
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.01)
    return found


@pytest.fixture
def radius_process(database: Database, settings: Settings, redis: "Redis", tmp_path: Path) -> Iterator[RadiusProcess]:
    """`python -m radius` with one NAS at 127.0.0.1."""
    with started(database, settings, tmp_path) as process:
        yield process


@pytest.fixture
def any_radius_process(
    any_database: Database, settings: Settings, redis: "Redis", tmp_path: Path
) -> Iterator[RadiusProcess]:
    """The same, on each database."""
    with started(any_database, settings, tmp_path) as process:
        yield process


@contextmanager
def started(
    database: Database, settings: Settings, folder: Path, radsec: Mapping[str, str] | None = None
) -> Iterator[RadiusProcess]:
    """With `radsec`, the settings of its certificates, the NAS is known by the name "nas-1" and by no address."""
    with database.transaction() as db:
        known: dict[str, Any] = {"certificate_name": "nas-1"} if radsec else {"networks": ("127.0.0.1/32",)}
        nas_id = factories.make_nas(db, **known).id
    with process_for(database, settings, folder, nas_id, radsec) as process:
        yield process


@contextmanager
def process_for(
    database: Database, settings: Settings, folder: Path, nas_id: int, radsec: Mapping[str, str] | None = None
) -> Iterator[RadiusProcess]:
    """One more, on ports of its own, for a NAS that is there."""
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    ports = free_port(udp), free_port(udp), free_port(tcp)
    process = RadiusProcess(*ports, database, nas_id, folder / "radius.log", free_port(tcp))
    environment = {
        "PYTHONPATH": str(Path(radius.__file__).parents[1]),
        "PARVIS_VAR_DIR": str(folder),
        "PARVIS_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "PARVIS_REDIS_URL": settings.redis_address,
        "PARVIS_SECRET_KEY": factories.SECRET_KEY,
        "PARVIS_RADIUS_AUTH_PORT": str(process.auth_port),
        "PARVIS_RADIUS_ACCT_PORT": str(process.acct_port),
        "PARVIS_RADIUS_STATUS_PORT": str(process.status_port),
        "PARVIS_RADSEC_PORT": str(process.radsec_port),
        **(radsec or {}),
    }
    pairs = (f"{name}={value}" for name, value in environment.items())
    command = ["/usr/bin/env", *pairs, sys.executable, "-m", "radius"]
    with running(command, ready=lambda: is_well(process.status_port), log=process.log) as popen:
        yield replace(process, popen=popen)


@pytest.fixture
def login(radius_process: RadiusProcess, settings: Settings) -> OneTimeLogin:
    """Given by the portal a moment ago, for the device of the tests at the NAS of `radius_process`."""
    return given_login(radius_process, settings)


def given_login(process: RadiusProcess, settings: Settings) -> OneTimeLogin:
    now = datetime.now(UTC)
    with process.database.transaction() as db:
        nas = db.get_one(Nas, process.nas_id)
        ends_at = now + timedelta(hours=2)
        grant = factories.make_grant(db, nas=nas, site=nas.site, created_at=now, ends_at=ends_at, download_kbps=8000)
        made = make_one_time_login(nas.id, grant.device_mac, terms_of(grant, settings, now), Usage())
    with open_redis(settings) as connected:
        OneTimeLogins(connected, settings.one_time_login_life).store(made)
    return made


def administrator_of(db: Session, nas: Nas) -> Scope:
    """Who may change it."""
    member = factories.make_staff(db, organisation=nas.organisation)
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


def is_well(port: int) -> bool:
    with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=1)) as connection:
        connection.request("GET", "/healthz")
        with connection.getresponse() as answer:
            return answer.status == 200
    return False
