"""The command line on a folder of its own."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotspot.db import open_database
from hotspot.settings import Settings, load_settings
from parvis.cli import main
from parvis.secret_key import make_key_file
from parvis.startup import prepare_var
from tests import factories

Run = Callable[..., Result]

_PORTS = {
    "PARVIS_PORTAL_PORT": socket.SOCK_STREAM,
    "PARVIS_STAFF_PORT": socket.SOCK_STREAM,
    "PARVIS_RADIUS_AUTH_PORT": socket.SOCK_DGRAM,
    "PARVIS_RADIUS_ACCT_PORT": socket.SOCK_DGRAM,
    "PARVIS_RADIUS_STATUS_PORT": socket.SOCK_STREAM,
    "PARVIS_WORKER_STATUS_PORT": socket.SOCK_STREAM,
    "PARVIS_ACCESS_POINT_PORT": socket.SOCK_STREAM,
    "PARVIS_LIBRARY_PORT": socket.SOCK_STREAM,
    "PARVIS_COA_PORT": socket.SOCK_DGRAM,
}


def free_environment(var_dir: Path) -> dict[str, str]:
    """A data folder and free ports."""
    environ = {"PARVIS_VAR_DIR": str(var_dir)}
    held = []
    for name, kind in _PORTS.items():
        held.append(socket.socket(socket.AF_INET, kind))
        held[-1].bind(("127.0.0.1", 0))
        environ[name] = str(held[-1].getsockname()[1])
    for each in held:
        each.close()
    environ["PARVIS_PORTAL_URL"] = f"http://localhost:{environ['PARVIS_PORTAL_PORT']}"
    environ["PARVIS_STAFF_URL"] = f"http://localhost:{environ['PARVIS_STAFF_PORT']}"
    environ["PARVIS_LOG_FORMAT"] = "console"
    return environ


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return free_environment(tmp_path / "var")


@pytest.fixture
def parvis(environment: dict[str, str]) -> Run:
    """`parvis("db", "upgrade")`: the command, in this process."""

    def run(*arguments: str, stdin: str | bytes | None = None, **more_environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, env=environment | more_environment)

    return run


@pytest.fixture
def installed(environment: dict[str, str], migrated_sqlite: Path) -> Settings:
    """Migrated, with a key, a commune and its library."""
    var = Path(environment["PARVIS_VAR_DIR"])
    prepare_var(var)
    make_key_file(var)
    shutil.copyfile(migrated_sqlite, var / "parvis.sqlite3")
    settings = load_settings({}, var_dir=var)
    database = open_database(settings)
    with database.transaction() as db:
        commune = factories.make_organisation(db, name="Loue-la-Ville")
        factories.make_site(db, organisation=commune, name="Library")
    database.dispose()
    return settings
