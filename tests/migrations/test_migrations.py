"""The migrations, on both databases: up, down, with rows in them, twice at once, half-way."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, NotSupportedError
from sqlalchemy.orm import Session

import hotspot.models
import migrations
from hotspot.db import Base
from hotspot.errors import Unavailable
from tests.factories import NOW, make_grant, make_site, make_voucher

pytestmark = pytest.mark.integration

REVISIONS = [each.revision for each in reversed(list(migrations.script_directory().walk_revisions()))]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/100%25 new.sqlite3"
        return
    server = request.getfixturevalue("postgresql")
    yield server.create("migrations")
    server.drop("migrations")


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    opened = create_engine(address)
    yield opened
    opened.dispose()


def schema_of(engine: Engine) -> dict[str, Any]:
    """Tables, columns, indexes and constraints as the database tells them."""
    look = inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)],
            look.get_pk_constraint(table),
            sorted(sorted((key, str(value)) for key, value in _flat(each)) for each in look.get_indexes(table)),
            sorted(look.get_foreign_keys(table), key=str),
            sorted(look.get_unique_constraints(table), key=str),
            sorted(look.get_check_constraints(table), key=str),
        )
        for table in look.get_table_names()
    }


def _flat(index: Any) -> list[tuple[str, Any]]:
    """A partial index says its condition as an object that equals nothing but itself."""
    options = [(key, str(value)) for key, value in index.get("dialect_options", {}).items()]
    return [(key, value) for key, value in index.items() if key != "dialect_options"] + options


def test_what_the_migrations_make_is_what_the_models_say(address: str, engine: Engine) -> None:
    migrations.upgrade(address)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_constraint_and_index_has_the_name_that_the_models_give_it(address: str, engine: Engine) -> None:
    migrations.upgrade(address)
    migrated = schema_of(engine)
    del migrated["alembic_version"]
    migrations.downgrade(address)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
    created = schema_of(engine)
    del created["alembic_version"]
    assert migrated == created


def test_each_revision_can_be_undone_and_done_again(address: str, engine: Engine) -> None:
    before: dict[str, Any] = {}
    for revision, previous in zip(REVISIONS, ["base", *REVISIONS], strict=False):
        migrations.upgrade(address, revision)
        after = schema_of(engine)
        migrations.downgrade(address, previous)
        assert schema_of(engine) == before | {"alembic_version": after["alembic_version"]}
        migrations.upgrade(address, revision)
        assert schema_of(engine) == after
        before = after


def test_each_revision_stands_alone_on_one_head() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


def test_rows_of_earlier_tables_survive_going_down_and_up(address: str, engine: Engine) -> None:
    migrations.upgrade(address)
    with Session(engine) as db, db.begin():
        make_voucher(db)
        make_grant(db, site=make_site(db, name="Bibliothèque d’Étude"))
    migrations.downgrade(address, "0001")
    migrations.upgrade(address)
    with Session(engine) as db:
        assert "Bibliothèque d’Étude" in set(db.scalars(text("SELECT name FROM sites")))
        assert db.scalar(text("SELECT count(*) FROM vouchers")) == 0


def test_going_up_again_changes_nothing(address: str, engine: Engine) -> None:
    migrations.upgrade(address)
    with Session(engine) as db, db.begin():
        make_grant(db)
    before = schema_of(engine)
    migrations.upgrade(address)
    assert schema_of(engine) == before
    with Session(engine) as db:
        assert db.scalar(text("SELECT count(*) FROM grants")) == 1


def test_a_run_that_fails_leaves_nothing_half_done(address: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE usage_hours (in_the_way INTEGER)"))
    with pytest.raises(DBAPIError):
        migrations.upgrade(address)
    assert inspect(engine).get_table_names() == ["usage_hours"]


def test_two_nodes_that_start_together_migrate_one_after_the_other(address: str) -> None:
    nodes = [_node("migrations.upgrade(sys.argv[1])", address) for _ in range(2)]
    assert [node.wait(timeout=30) for node in nodes] == [0, 0]
    assert migrations.current_is_head(address)


def test_current_is_head_only_with_every_revision_and_no_strange_one(address: str, engine: Engine) -> None:
    assert not migrations.current_is_head(address)
    migrations.upgrade(address, REVISIONS[-2])
    assert not migrations.current_is_head(address)
    migrations.upgrade(address)
    assert migrations.current_is_head(address)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not migrations.current_is_head(address)


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
def test_the_audit_log_only_grows(address: str, engine: Engine, statement: str) -> None:
    migrations.upgrade(address)
    with Session(engine) as db, db.begin():
        organisation = make_site(db).organisation
        entry = hotspot.models.AuditEntry(
            organisation_id=organisation.id, happened_at=NOW, actor="system", action="site.created"
        )
        db.add(entry)
    with pytest.raises(IntegrityError, match="audit_entries only grows"), engine.begin() as connection:
        connection.execute(text(statement))
    with Session(engine) as db:
        assert db.scalar(text("SELECT actor FROM audit_entries")) == "system"


def test_the_audit_log_cannot_be_truncated(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with pytest.raises((IntegrityError, NotSupportedError), match="only grows"), engine.begin() as connection:
        connection.execute(text("TRUNCATE audit_entries"))
    engine.dispose()


def test_counters_have_room_to_be_updated_in_place(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        options = connection.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'wifi_session_counters'"))
    engine.dispose()
    assert options == ["fillfactor=50"]


@pytest.mark.parametrize(
    "address",
    ["sqlite:////nowhere/at/all.sqlite3", "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1"],
    ids=["no folder", "no server"],
)
def test_a_database_out_of_reach_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable):
        migrations.upgrade(address)


def test_a_new_sqlite_file_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        migrations.upgrade(f"sqlite:///{tmp_path}/new.sqlite3")
    finally:
        os.umask(before)
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


def test_the_current_directory_does_not_matter(tmp_path: Path) -> None:
    node = _node("migrations.upgrade(sys.argv[1])", "sqlite:///here.sqlite3", cwd=tmp_path)
    assert node.wait(timeout=30) == 0
    assert migrations.current_is_head(f"sqlite:///{tmp_path}/here.sqlite3")


def _node(code: str, *arguments: str, cwd: Path | None = None) -> "subprocess.Popen[bytes]":
    """Another process that has our packages."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, migrations; {code}", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(Path(migrations.__file__).parent.parent), "PATH": os.defpath},
    )
