"""FreeRADIUS as Debian packages it: a private copy of its configuration, its stock PostgreSQL schema and queries.

Two of them: with PostgreSQL (logins read from it, each login and each accounting record written to it), and with no
database at all (logins from its `files` module, accounting answered and forgotten): the most it can do here.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.packets import SECRET, Visitor
from benchmarks.servers import PostgreSql
from tests.fixtures.processes import running

_STOCK = Path("/etc/freeradius/3.0")
_SQL = Path("mods-config/sql/main/postgresql")
_SESSION_TIMEOUT = 3600

_SITE = """
server bench {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {auth_port}
    }}
    listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {acct_port}
    }}
    client bench {{
        ipaddr = 127.0.0.1
        secret = "{secret}"
    }}
    authorize {{
        {source}
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
    }}
    post-auth {{
        {written}
    }}
    preacct {{
        acct_unique
    }}
    accounting {{
        {accounted}
    }}
}}
"""


def is_installed() -> bool:
    return shutil.which("freeradius") is not None and (_STOCK / _SQL / "schema.sql").exists()


def version() -> str:
    told = subprocess.run(["freeradius", "-v"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version (\S+?),", told)
    return found[1] if found else "?"


@contextmanager
def with_postgresql(
    folder: Path, server: PostgreSql, visitors: Sequence[Visitor], auth_port: int, acct_port: int
) -> Iterator[int]:
    """Its pid. `visitors` are its users."""
    server.create("freeradius")
    with server.connect("freeradius") as connection, connection.cursor() as cursor:
        cursor.execute((_STOCK / _SQL / "schema.sql").read_bytes())
        with cursor.copy("COPY radcheck (UserName, Attribute, op, Value) FROM STDIN") as rows:
            for each in visitors:
                rows.write_row((each.user_name, "Cleartext-Password", ":=", each.password))
        with cursor.copy("COPY radreply (UserName, Attribute, op, Value) FROM STDIN") as rows:
            for each in visitors:
                rows.write_row((each.user_name, "Session-Timeout", ":=", str(_SESSION_TIMEOUT)))
        cursor.execute("ANALYZE")
    raddb = _copy(folder)
    sql = (raddb / "mods-available/sql").read_text()
    address = f"dbname=freeradius user=bench host={server.folder}"
    sql = re.sub(r"(?m)^\s*dialect = .*$", 'dialect = "postgresql"', sql)
    sql = re.sub(r'(?m)^\s*driver = "rlm_sql_null".*$', 'driver = "rlm_sql_${dialect}"', sql)
    sql = re.sub(r'(?m)^\s*radius_db = "radius".*$', f'radius_db = "{address}"', sql, count=1)
    (raddb / "mods-enabled/sql").write_text(sql)
    with _started(raddb, auth_port, acct_port, source="sql", written="sql", accounted="sql") as pid:
        yield pid


@contextmanager
def without_database(folder: Path, visitors: Sequence[Visitor], auth_port: int, acct_port: int) -> Iterator[int]:
    raddb = _copy(folder)
    (raddb / "mods-config/files/authorize").write_text(
        "".join(
            f'{each.user_name} Cleartext-Password := "{each.password}"\n\tSession-Timeout := {_SESSION_TIMEOUT}\n'
            for each in visitors
        )
    )
    shutil.copy(raddb / "mods-available/files", raddb / "mods-enabled/files")
    with _started(raddb, auth_port, acct_port, source="files", written="ok", accounted="ok") as pid:
        yield pid


def _copy(folder: Path) -> Path:
    """The packaged configuration with only the modules that are asked for."""
    raddb = folder / "raddb"
    shutil.copytree(_STOCK, raddb, symlinks=True)
    for enabled in ("mods-enabled", "sites-enabled"):
        shutil.rmtree(raddb / enabled)
        (raddb / enabled).mkdir()
    for module in ("pap", "always", "expr"):
        shutil.copy(raddb / "mods-available" / module, raddb / "mods-enabled" / module)
    (raddb / "clients.conf").write_text("")
    main = (raddb / "radiusd.conf").read_text()
    main = re.sub(r"(?m)^(raddbdir|logdir|run_dir|localstatedir) *=.*$", rf"\1 = {folder}", main)
    main = main.replace(f"raddbdir = {folder}", f"raddbdir = {raddb}")
    main = re.sub(r"(?m)^\s*(user|group) = freerad$", "", main)  # it stays who it was started as
    (raddb / "radiusd.conf").write_text(main)
    return raddb


@contextmanager
def _started(raddb: Path, auth_port: int, acct_port: int, **modules: str) -> Iterator[int]:
    site = _SITE.format(auth_port=auth_port, acct_port=acct_port, secret=SECRET.decode(), **modules)
    (raddb / "sites-enabled/bench").write_text(site)
    log = raddb.parent / "log"
    with running(
        ["freeradius", "-f", "-l", "stdout", "-d", str(raddb)],
        ready=lambda: "Ready to process requests" in log.read_text(errors="replace"),
        log=log,
    ) as process:
        yield process.pid
