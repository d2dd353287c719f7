"""The database: declarative base, column types, and the two kinds of transaction. SQLite and PostgreSQL."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Dialect, Engine, Integer, MetaData, String, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from hotspot.errors import Unavailable
from hotspot.settings import Settings

_GRACE = 1.0
"""Seconds after its patience in which a server may still say so itself."""
_SQLITE_PATIENCE = 5.0
"""Seconds that a writer waits for its turn."""
_SIGNS_OF_LIFE = {"keepalives_idle": 1, "keepalives_interval": 1}
"""Seconds. Whoever waits for a row sends nothing that could stay unacknowledged: asked for a sign of life every second,
a server that has vanished is found out within `tcp_user_timeout`, not after the two hours that Linux waits to ask."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite keeps no zone, so it is put back on reading."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Seconds(TypeDecorator[timedelta]):
    """A length of time, stored as whole seconds."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, _dialect: Dialect) -> int | None:
        return None if value is None else int(value.total_seconds())

    def process_result_value(self, value: int | None, _dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(seconds=value)


class TextEnum(TypeDecorator[StrEnum]):
    """A StrEnum stored as its text, so that rows read by themselves and values can be added without a migration."""

    impl = String(40)
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | str | None, _dialect: Dialect) -> str | None:
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, timedelta: Seconds}


class Database:
    """One engine. A door opens a transaction, calls one service function, and answers after it has closed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Read and write: commits at the end, rolls back on any exception. Unavailable when the database is away.

        On SQLite the write lock is taken at once (BEGIN IMMEDIATE): two writers wait for each other instead of failing.
        """
        with self._turn_to_write(), self._opened(sqlite_begin="BEGIN IMMEDIATE") as db, db.begin():
            yield db

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """SQLite's writers look now and then whether it is their turn, and with eight threads some look in vain for
        seconds. Those of one process are woken instead, so that one of them at a time plays that lottery."""
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=_SQLITE_PATIENCE):
            raise Unavailable("database")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def at_once(self) -> Iterator[Session]:
        """For work whose every statement can stand alone and be done again: on PostgreSQL each is a transaction of its
        own, which saves the round trips of BEGIN and COMMIT. On SQLite, where nothing travels, one transaction."""
        if self.engine.dialect.name == "sqlite":
            with self.transaction() as db:
                yield db
            return
        with self._opened(isolation_level="AUTOCOMMIT") as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read only: nothing is ever committed."""
        with self._opened(sqlite_begin="BEGIN") as db:
            yield db

    @contextmanager
    def _opened(self, **options: str) -> Iterator[Session]:
        bind = self.engine.execution_options(**options)
        try:
            with Session(bind, expire_on_commit=False) as db:
                yield db
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise Unavailable("database") from error

    def dispose(self) -> None:
        self.engine.dispose()


def open_database(settings: Settings, *, patience: timedelta | None = None) -> Database:
    """Its errors do not repeat what a statement was given: they end in logs, and cards and devices must not.

    With `patience`, for whoever has to answer somebody: no statement of PostgreSQL takes longer, not even one whose
    server has gone silent, and no connection is tried before it is used: the caller tries again.
    """
    address = settings.database_address
    if address.startswith("sqlite:"):
        return Database(_open_sqlite(address))
    arguments: dict[str, Any] = {"connect_timeout": 3}
    if patience is not None:
        most = int(patience.total_seconds() * 1000)
        arguments |= {"options": f"-c statement_timeout={most}", "tcp_user_timeout": most, **_SIGNS_OF_LIFE}
    engine = create_engine(
        address,
        hide_parameters=True,
        pool_size=max(5, settings.web_threads),
        pool_pre_ping=patience is None,
        connect_args=arguments,
    )
    if patience is not None:
        event.listen(engine, "do_connect", lambda _dialect, _record, _given, named: _connect(patience, named))
    return Database(engine)


def _connect(patience: timedelta, arguments: dict[str, Any]) -> "psycopg.Connection[Any]":
    connection = _PatientConnection.connect(**arguments)
    connection.longest_wait = patience.total_seconds() + _GRACE
    return connection


class _PatientConnection(psycopg.Connection[Any]):
    """Closes itself where the server says nothing for too long: one that is frozen, or stuck in its disk, heeds no
    timeout of its own, and its system goes on to acknowledge what we send."""

    longest_wait = 10.0
    """Seconds."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        began = time.monotonic()
        try:
            return super().wait(gen, interval, timeout or self.longest_wait)
        except psycopg.OperationalError:
            if time.monotonic() - began >= self.longest_wait:
                self.pgconn.finish()
            raise


def _open_sqlite(address: str) -> Engine:
    arguments = {"timeout": _SQLITE_PATIENCE, "check_same_thread": False}
    engine = create_engine(address, hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver opens no transaction of its own: `_begin` does
        cursor = connection.cursor()
        patience = f"busy_timeout={_SQLITE_PATIENCE * 1000:.0f}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", patience):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def as_array(values: Iterable[str]) -> str:
    """A PostgreSQL array as text, which costs a fraction of adapting each value. "NULL" is null. Only for values that
    hold no comma, brace, quote or space: numbers, ids, moments, our own words."""
    return "{" + ",".join(values) + "}"


def as_text_array(values: Iterable[str | None]) -> str:
    """The same for any text: quoted, and None is null."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def sqlite_moment(moment: datetime) -> str:
    """As `UtcDateTime` keeps it there: for statements that go past SQLAlchemy."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
