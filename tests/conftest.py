"""Fixtures for every test: real servers, a migrated database, a fixed moment.

What a test asks for tells what it is: one that needs PostgreSQL or Redis is marked `integration`, one under
`tests/journeys` is marked `journey`, and `make unit` runs the rest.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher
from redis import Redis

import migrations
from hotspot import passwords
from hotspot.adapters.redis import open_redis
from hotspot.db import Database, open_database
from hotspot.sealing import Vault
from hotspot.settings import Settings, load_settings
from tests import factories
from tests.fixtures.postgresql import PostgreSql, a_postgresql, empty_all_tables
from tests.fixtures.redis import a_redis

# A busy machine makes an example slow, not wrong
hypothesis.settings.register_profile("parvis", hypothesis.settings.default, deadline=None, derandomize=True)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("parvis"), max_examples=20)
hypothesis.settings.register_profile(
    "long", hypothesis.settings.default, deadline=None, max_examples=20_000
)  # other cases each time
hypothesis.settings.load_profile("parvis")

# argon2id is slow on purpose; test_passwords.py looks at it as it is shipped
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
passwords._nobodys = passwords._hasher.hash("nobody's password")

_NOT_UNIT = {"postgresql", "postgresql_url", "redis", "redis_url", "any_database"}
"""Servers; and what runs on both databases stays together, so that `make unit` is done in seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    journeys = Path(__file__).parent / "journeys"
    for item in items:
        if journeys in item.path.parents:
            item.add_marker(pytest.mark.journey)
        elif _NOT_UNIT & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def now() -> datetime:
    """Tuesday 10 March 2026, ten o'clock in Paris."""
    return factories.NOW


@pytest.fixture
def clock(now: datetime) -> Callable[[], datetime]:
    """For doors: it stands still."""
    return lambda: now


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """SQLite in the test's own folder; the real Redis if the test asks for `redis`, else a socket nobody listens on."""
    redis_url = request.getfixturevalue("redis_url") if "redis" in request.fixturenames else None
    return load_settings({}, var_dir=tmp_path, secret_key=factories.SECRET_KEY, redis_url=redis_url)


@pytest.fixture
def vault() -> Vault:
    return factories.VAULT


@pytest.fixture
def database(settings: Settings, migrated_sqlite: Path) -> Iterator[Database]:
    """SQLite, migrated and empty."""
    shutil.copyfile(migrated_sqlite, settings.database_address.removeprefix("sqlite:///"))
    opened = open_database(settings)
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Database]:
    """The test runs twice, on SQLite and on PostgreSQL: migrated and empty each time."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    opened = open_database(settings.model_copy(update={"database_url": request.getfixturevalue("postgresql_url")}))
    yield opened
    opened.dispose()


@pytest.fixture
def redis(redis_url: str, settings: Settings) -> Iterator["Redis"]:
    """Real and empty."""
    with open_redis(settings) as connected:
        connected.flushdb()
        yield connected


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with a_redis() as address:
        yield address


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """The server, for tests that make databases of their own. Others take `any_database` or `postgresql_url`."""
    with a_postgresql() as server:
        yield server


@pytest.fixture
def postgresql_url(_migrated_postgresql: PostgreSql) -> str:
    """The address of a database that is migrated and empty."""
    with _migrated_postgresql.connect("parvis") as connection:
        empty_all_tables(connection)
    return _migrated_postgresql.address("parvis")


@pytest.fixture(scope="session")
def _migrated_postgresql(postgresql: PostgreSql) -> PostgreSql:
    migrations.upgrade(postgresql.create("parvis"))
    return postgresql


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that each test copies: migrating once is enough."""
    path = tmp_path_factory.mktemp("migrated") / "template.sqlite3"
    migrations.upgrade(f"sqlite:///{path}")
    return path
