"""`parvis simulate`: virtual phones at an installation that runs, and its books beside what they have lived through."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from hotspot.clock import clock_of
from hotspot.db import Database, open_database
from hotspot.models import Grant, Organisation, WifiSession
from hotspot.sealing import Vault
from hotspot.settings import Settings, load_settings
from hotspot.values import TerminateCause
from parvis.demo_fleet import VOUCHERS, load_fleet
from parvis.fleet_books import compare_books
from parvis.programs import is_well
from simulator.fleet.config import load_fleet as read_fleet
from simulator.fleet.truth import Told, TrueSession, Truth, read_truth
from tests import factories
from tests.fixtures.processes import running
from tests.journeys.town import python
from tests.parvis.conftest import Run

SPEED = 60


@pytest.fixture
def fast(environment: dict[str, str], installed: Settings) -> dict[str, str]:
    """The installation's environment, where time passes quickly."""
    assert installed.var_dir.exists()
    epoch = datetime.now(UTC).isoformat()
    return environment | {"PARVIS_TIME_SPEED": str(SPEED), "PARVIS_TIME_EPOCH": epoch}


@pytest.fixture
def load(fast: dict[str, str]) -> Iterator[Callable[[], dict[str, Any]]]:
    """Registers the fleet, as each start of the demonstration does; what its file holds."""
    settings = load_settings(fast)
    database, vault = open_database(settings), Vault(settings.secret_key.get_secret_value())
    with database.transaction() as db:
        factories.make_terms(db, organisation=db.scalars(select(Organisation)).one())

    def register() -> dict[str, Any]:
        with database.transaction() as db:
            commune, now = db.scalars(select(Organisation)).one(), clock_of(settings)()
            coa_port = int(fast["PARVIS_COA_PORT"])
            return load_fleet(db, commune, now, vault=vault, settings=settings, coa_port=coa_port)

    yield register
    database.dispose()


@pytest.fixture
def fleet_file(load: Callable[[], dict[str, Any]], tmp_path: Path) -> Path:
    (tmp_path / "fleet.json").write_text(json.dumps(load()))
    return tmp_path / "fleet.json"


@pytest.fixture
def serving(fast: dict[str, str], fleet_file: Path, tmp_path: Path) -> Iterator[Path]:
    """The installation runs; the fleet file."""
    ports = [int(fast[f"PARVIS_{name}_PORT"]) for name in ("PORTAL", "RADIUS_STATUS")]
    with running(
        python(fast, "parvis", "serve"),
        ready=lambda: all(is_well("127.0.0.1", port) for port in ports),
        log=tmp_path / "serve.log",
        patience=60,
    ):
        yield fleet_file


@pytest.mark.integration
def test_thirty_phones_live_a_quarter_of_an_hour_and_every_promise_is_kept(
    parvis: Run, fast: dict[str, str], serving: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "truth.json"
    options = ["--phones", "30", "--hours", "0.25", "--calm", "--truth", str(kept), "--json"]
    result = parvis("simulate", "phones", str(serving), *options, **fast)
    report = json.loads(result.stdout)

    broken = [each for each in report["promises"] if not each["kept"] and "in time" not in each["name"]]
    assert broken == []
    assert report["run"]["phones that came"] > 20
    assert report["announcements"]["shown"] == report["announcements"]["due"] > 10
    assert report["accounting"]["sessions compared"] == len(read_truth(kept).sessions) > 20
    assert not [name for name in report["counted"] if "fell over" in name]
    assert parvis("simulate", "compare", str(kept), **fast).exit_code == result.exit_code


def test_the_next_start_has_the_same_gateways_and_fresh_vouchers(
    load: Callable[[], dict[str, Any]],
) -> None:
    first, second = (read_fleet(json.dumps(load())) for _ in range(2))

    assert first.gateways == second.gateways
    assert {name: site.promises for name, site in first.sites.items()} == {
        name: site.promises for name, site in second.sites.items()
    }
    [before], [after] = ([each.vouchers for each in town.sites.values() if each.vouchers] for town in (first, second))
    assert len(before) == len(after) == VOUCHERS
    assert not set(before) & set(after)


def test_a_fleet_file_that_is_none_is_said_to_be(parvis: Run, tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"portal_url": "http://localhost", "radius": {}, "sites": {}, "gateways": []}'):
        (tmp_path / "fleet.json").write_text(content)
        result = parvis("simulate", "phones", str(tmp_path / "fleet.json"))

        assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "Error")


def test_a_truth_file_that_is_none_is_said_to_be(parvis: Run, tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"sessions": 1}')
    result = parvis("simulate", "compare", str(tmp_path / "truth.json"))

    assert result.exit_code == 1
    assert "is not what `simulate phones --truth` writes" in result.stderr


class Books:
    """One session in the tables, and as it was."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database = database
        with database.transaction() as db:
            nas = factories.make_nas(db, nas_identifier="fleet-1")
            grant = factories.make_grant(db, nas=nas)
            self.row = factories.make_wifi_session(
                db,
                grant=grant,
                nas=nas,
                upload_octets=5,
                download_octets=70,
                session_seconds=600,
                ended_at=now + timedelta(minutes=10),
                terminate_cause=TerminateCause.IDLE_TIMEOUT,
            )
        self.grant_id = grant.id
        told = [Told(1, 0, 0, 0, answered=True), Told(2, 600, 70, 5, 4, answered=True)]
        self.session = TrueSession(
            nas_identifier="fleet-1",
            site="square",
            mac=self.row.device_mac,
            acct_session_id=self.row.acct_session_id,
            user_name=self.row.user_name,
            class_hex=self.grant_id.hex,
            started_at=now.timestamp(),
            session_timeout=1800,
            ended_at=now.timestamp() + 600,
            cause="Idle-Timeout",
            told=told,
        )
        self.truth = Truth(now.timestamp(), 300, sessions=[self.session])

    def errors(self) -> list[str]:
        with self.database.reading() as db:
            counts = compare_books(db, self.truth)
        assert counts["sessions compared"] == len(self.truth.sessions)
        return [kind for kind in counts if kind.startswith("error")]

    def change(self, **values: object) -> None:
        with self.database.transaction() as db:
            row = db.get_one(WifiSession, self.row.id)
            for name, value in values.items():
                setattr(row, name, value)


@pytest.fixture
def books(database: Database, now: datetime) -> Books:
    return Books(database, now)


def test_books_that_are_right_have_no_error(books: Books) -> None:
    assert books.errors() == []


def test_one_octet_is_an_error(books: Books) -> None:
    books.session.told[-1].download_octets += 1

    assert books.errors() == ["error: other counters than were told"]


def test_a_record_whose_answer_was_lost_may_or_may_not_have_been_booked(books: Books) -> None:
    books.session.told.append(Told(2, 700, 80, 6))

    assert books.errors() == []


def test_a_session_that_is_not_there_is_an_error_unless_nothing_of_it_was_answered(books: Books) -> None:
    books.session.acct_session_id = "another"
    assert "error: a session that is not there" in books.errors()

    for told in books.session.told:
        told.answered = False
    assert books.errors() == ["error: a session that never was"]


def test_an_end_must_be_booked_with_its_cause(books: Books) -> None:
    books.change(terminate_cause=TerminateCause.SILENCE)
    assert books.errors() == ["error: ended as silence, not as Idle-Timeout"]

    books.change(ended_at=None, terminate_cause=None)
    assert books.errors() == ["error: still open after its Stop"]


def test_an_end_at_another_time_is_an_error(books: Books, now: datetime) -> None:
    books.change(ended_at=now + timedelta(minutes=16))

    assert books.errors() == ["error: another end"]


def test_a_session_of_another_grant_is_an_error(books: Books) -> None:
    books.session.class_hex = uuid4().hex

    assert books.errors() == ["error: of another grant"]


def test_a_session_of_before_the_run_is_none_of_its_business(books: Books, now: datetime) -> None:
    with books.database.transaction() as db:
        grant = db.get_one(Grant, books.grant_id)
        factories.make_wifi_session(db, grant=grant, started_at=now - timedelta(hours=1))

    assert books.errors() == []
