"""The database: column types, transactions, and what a door is told when it is away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from hotspot.db import Database, open_database
from hotspot.errors import Unavailable
from hotspot.models import Organisation, Site
from hotspot.settings import Settings
from hotspot.values import SiteKind, Way
from tests.factories import NOW, make_offer, make_organisation, make_patron, make_site


def test_a_moment_comes_back_aware_and_in_utc(any_database: Database) -> None:
    summer = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with any_database.transaction() as db:
        made = make_organisation(db, created_at=summer)
    with any_database.reading() as db:
        found = db.get_one(Organisation, made.id).created_at
    assert found == summer
    assert found.tzinfo is UTC or found.utcoffset() == timedelta(0)


def test_moments_are_compared_as_moments(any_database: Database) -> None:
    with any_database.transaction() as db:
        make_organisation(db, created_at=NOW)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-4)))
    with any_database.reading() as db:
        assert db.scalar(select(func.count()).where(Organisation.created_at == elsewhere)) == 1
        assert db.scalar(select(func.count()).where(Organisation.created_at > elsewhere)) == 0


def test_an_error_does_not_repeat_what_a_statement_was_given(any_database: Database) -> None:
    with any_database.transaction() as db:
        organisation = make_organisation(db)
        make_patron(db, organisation=organisation, card_number="20267777", name="Jeanne Dupré")
    with pytest.raises(IntegrityError) as refused, any_database.transaction() as db:
        make_patron(db, organisation=organisation, card_number="20267777", name="Jeanne Dupré")
    assert "Dupré" not in str(refused.value)
    assert "[parameters:" not in str(refused.value)


def test_a_moment_without_a_zone_is_a_mistake(any_database: Database) -> None:
    with (
        pytest.raises(StatementError, match="without a time zone"),
        any_database.transaction() as db,
    ):
        make_organisation(db, created_at=NOW.replace(tzinfo=None))


def test_lengths_and_enums_come_back_as_themselves(any_database: Database) -> None:
    with any_database.transaction() as db:
        made = make_offer(db, way=Way.VOUCHER, visit_time=timedelta(hours=3), time_allowed=None)
    with any_database.reading() as db:
        offer = db.get_one(type(made), made.id)
        assert (offer.way, offer.visit_time, offer.time_allowed) == (Way.VOUCHER, timedelta(hours=3), None)
        assert db.execute(text("SELECT way, visit_time FROM offers")).one() == ("voucher", 10800)


def test_an_enum_takes_no_other_word(any_database: Database) -> None:
    with pytest.raises(StatementError), any_database.transaction() as db:
        make_site(db, kind="swimming pool")


def test_a_transaction_commits_at_its_end(any_database: Database) -> None:
    with any_database.transaction() as db:
        made = make_site(db, kind=SiteKind.SQUARE)
    with any_database.reading() as db:
        assert db.get_one(Site, made.id).kind is SiteKind.SQUARE


def test_any_exception_rolls_a_transaction_back(any_database: Database) -> None:
    def half_done() -> None:
        with any_database.transaction() as db:
            make_organisation(db)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    with any_database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Organisation)) == 0


def test_what_is_only_read_is_never_committed(any_database: Database) -> None:
    with any_database.reading() as db:
        make_organisation(db)
    with any_database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Organisation)) == 0


def test_foreign_keys_hold(any_database: Database) -> None:
    with pytest.raises(IntegrityError), any_database.transaction() as db:
        db.execute(text("INSERT INTO offer_sites (offer_id, site_id) VALUES (1, 1)"))


def test_rows_can_still_be_read_after_their_transaction(any_database: Database) -> None:
    with any_database.transaction() as db:
        made = make_organisation(db, name="Besançon")
    assert made.name == "Besançon"


def test_two_writers_wait_for_each_other(any_database: Database) -> None:
    """On SQLite, where reading first and writing later would fail at once for one of the two."""
    first_has_begun = threading.Event()
    order: list[str] = []

    def slow() -> None:
        with any_database.transaction() as db:
            make_organisation(db)
            first_has_begun.set()
            time.sleep(0.2)
            order.append("slow")

    thread = threading.Thread(target=slow)
    thread.start()
    first_has_begun.wait(5)
    with any_database.transaction() as db:
        count = db.scalar(select(func.count()).select_from(Organisation))
        make_organisation(db)
        order.append("quick")
    thread.join()
    if any_database.engine.dialect.name == "sqlite":
        assert (order, count) == (["slow", "quick"], 1)
    with any_database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Organisation)) == 2


def test_no_writer_of_a_process_is_left_to_the_lottery_of_sqlite(database: Database) -> None:
    """Even if SQLite itself does not wait at all, each gets its turn."""

    @event.listens_for(database.engine, "checkout")
    def _is_impatient(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    def write(number: int) -> None:
        with database.transaction() as db:
            make_organisation(db, name=f"Town {number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))

    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Organisation)) == 40


def test_readers_do_not_wait_for_a_writer(any_database: Database) -> None:
    with any_database.transaction() as writing:
        make_organisation(writing)
        with any_database.reading() as db:
            assert db.scalar(select(func.count()).select_from(Organisation)) == 0


@pytest.mark.parametrize(
    "address",
    ["sqlite:////nowhere/at/all.sqlite3", "postgresql+psycopg://nobody@127.0.0.1:1/none"],
    ids=["no folder", "no server"],
)
def test_a_database_that_is_away_is_unavailable(settings: Settings, address: str) -> None:
    away = open_database(settings.model_copy(update={"database_url": address}))
    for opened in (away.transaction, away.reading):
        with pytest.raises(Unavailable) as problem, opened() as db:
            db.execute(text("SELECT 1"))
        assert problem.value.dependency == "database"
    away.dispose()


def test_a_connection_that_broke_is_unavailable_once_and_then_made_anew(
    settings: Settings, postgresql_url: str
) -> None:
    database = open_database(settings.model_copy(update={"database_url": postgresql_url}))

    def cut_off() -> None:
        with database.transaction() as db:
            make_organisation(db)
            mine = db.scalar(text("SELECT pg_backend_pid()"))
            with database.reading() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            make_organisation(db)

    with pytest.raises(Unavailable):
        cut_off()
    with database.transaction() as db:
        make_organisation(db)
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Organisation)) == 1
    database.dispose()


def test_sqlite_is_durable_and_lets_readers_read(database: Database, tmp_path: Path) -> None:
    with database.reading() as db:
        pragmas = [db.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert pragmas == ["wal", 2, 1]


def test_whoever_has_patience_waits_for_no_statement_longer(settings: Settings, postgresql_url: str) -> None:
    patient = open_database(
        settings.model_copy(update={"database_url": postgresql_url}), patience=timedelta(milliseconds=300)
    )
    began = time.monotonic()
    with pytest.raises(Unavailable), patient.reading() as db:
        db.execute(text("SELECT pg_sleep(30)"))
    assert time.monotonic() - began < 5
    patient.dispose()


def test_nor_for_a_server_that_has_vanished(settings: Settings, postgresql_url: str) -> None:
    """The kernel sees to it: it is told to ask for signs of life, and when to give up."""
    patient = open_database(settings.model_copy(update={"database_url": postgresql_url}), patience=timedelta(seconds=3))
    with patient.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        said = driver.info.get_parameters()
    wanted = {"tcp_user_timeout": "3000", "keepalives_idle": "1", "keepalives_interval": "1"}
    assert said.items() >= wanted.items()
    patient.dispose()
