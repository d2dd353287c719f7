"""Schema changes, and the three things that are asked of them: go up, go down, is it all there?

Each revision in `versions/` is one idea, numbered. None imports the models: a revision says what was true when it was
written. On both databases a run is one transaction, so that it is done whole or not at all.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError

from hotspot.errors import Unavailable


def upgrade(database_address: str, revision: str = "head") -> None:
    """To the newest revision, or to the one named. Raises Unavailable("database") when it cannot be reached."""
    with _connected(database_address) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database_address: str, revision: str = "base") -> None:
    """Back to nothing, or to the revision named."""
    with _connected(database_address) as connection:
        command.downgrade(_config(connection), revision)


def current_is_head(database_address: str) -> bool:
    """Has this database every revision that this version of the code knows, and none that it does not?"""
    with _connected(database_address) as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(script_directory().get_heads())


def script_directory() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connected(database_address: str) -> Iterator[Connection]:
    engine = create_engine(database_address, poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _make_private_file(engine.url.database)
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _take_the_write_lock)
    try:
        connection = engine.connect()
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("database") from error
    with connection:
        yield connection


def _make_private_file(path: str | None) -> None:
    """A new SQLite file for this user alone, whatever the folder lets others do: it holds what people and their
    devices did. SQLite gives its journals the mode of the file."""
    if path and path != ":memory:":
        with suppress(OSError):  # there already; or it cannot be made, as the connection says in its own words
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    """SQLite can undo CREATE and DROP, if only the driver lets it. Foreign keys stay unenforced here, so that a table
    can be made anew without taking along what refers to it; env.py checks them all at the end."""
    connection.isolation_level = None


def _take_the_write_lock(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
