"""FreeRADIUS as Debian packages it: a private copy of its configuration, its stock PostgreSQL schema and queries.

Two of them: with PostgreSQL (logins read from it, each login and each accounting record written to it), and with no
database at all (logins from its `files` module, accounting answered and forgotten): the most it can do here. Both have
the NASes in clients.conf, which it keeps in memory just as what it would read from its table of them at the start.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fleet import Fleet
from benchmarks.load import Ports
from benchmarks.servers import PostgreSql
from tests.fixtures.processes import running

DATABASE = "freeradius"
_STOCK = Path("/etc/freeradius/3.0")
_SQL = Path("mods-config/sql/main/postgresql")
_SESSION_TIMEOUT = 3600

_SITE = """
server {name} {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {auth_port}
    }}
    {accounting_port}
    authorize {{
        {source}
        chap
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type CHAP {{
            chap
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
_ACCOUNTING = """listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {port}
    }}"""
_CLIENT = """client {nas_identifier} {{
    ipaddr = {network}
    secret = "{secret}"
}}
"""

SESSIONS = """
SELECT acctsessionid, coalesce(acctsessiontime, 0), coalesce(acctoutputoctets, 0), acctstoptime IS NOT NULL
FROM radacct WHERE acctsessionid LIKE %s
"""
LOGINS = "SELECT count(*) FROM radpostauth WHERE reply = 'Access-Accept'"


def is_installed() -> bool:
    return shutil.which("freeradius") is not None and (_STOCK / _SQL / "schema.sql").exists()


def version() -> str:
    told = subprocess.run(["freeradius", "-v"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version (\S+?),", told)
    return found[1] if found else "?"


@contextmanager
def with_postgresql(folder: Path, server: PostgreSql, fleet: Fleet, ports: Ports, reading_port: int) -> Iterator[int]:
    """Its pid. On `reading_port` it answers logins without writing them down."""
    server.create(DATABASE)
    with server.connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute((_STOCK / _SQL / "schema.sql").read_bytes())
        with cursor.copy("COPY radcheck (UserName, Attribute, op, Value) FROM STDIN") as rows:
            for name, password in fleet.users():
                rows.write_row((name, "Cleartext-Password", ":=", password))
        with cursor.copy("COPY radreply (UserName, Attribute, op, Value) FROM STDIN") as rows:
            for name, _ in fleet.users():
                rows.write_row((name, "Session-Timeout", ":=", str(_SESSION_TIMEOUT)))
        cursor.execute("ANALYZE")
    raddb = _copy(folder, fleet)
    sql = (raddb / "mods-available/sql").read_text()
    address = f"dbname={DATABASE} user=bench host={server.folder}"
    sql = re.sub(r"(?m)^\s*dialect = .*$", 'dialect = "postgresql"', sql)
    sql = re.sub(r'(?m)^\s*driver = "rlm_sql_null".*$', 'driver = "rlm_sql_${dialect}"', sql)
    sql = re.sub(r'(?m)^\s*radius_db = "radius".*$', f'radius_db = "{address}"', sql, count=1)
    (raddb / "mods-enabled/sql").write_text(sql)
    _add_site(raddb, "reading", reading_port, None, source="sql", written="ok", accounted="ok")
    _add_site(raddb, "bench", ports.auth, ports.acct, source="sql", written="sql", accounted="sql")
    with _started(raddb) as pid:
        yield pid


@contextmanager
def without_database(folder: Path, fleet: Fleet, ports: Ports) -> Iterator[int]:
    raddb = _copy(folder, fleet)
    (raddb / "mods-config/files/authorize").write_text(
        "".join(
            f'{name} Cleartext-Password := "{password}"\n\tSession-Timeout := {_SESSION_TIMEOUT}\n'
            for name, password in fleet.users()
        )
    )
    shutil.copy(raddb / "mods-available/files", raddb / "mods-enabled/files")
    _add_site(raddb, "bench", ports.auth, ports.acct, source="files", written="ok", accounted="ok")
    with _started(raddb) as pid:
        yield pid


def _copy(folder: Path, fleet: Fleet) -> Path:
    """The packaged configuration with only the modules that are asked for, and with the NASes."""
    raddb = folder / "raddb"
    shutil.copytree(_STOCK, raddb, symlinks=True)
    for enabled in ("mods-enabled", "sites-enabled"):
        shutil.rmtree(raddb / enabled)
        (raddb / enabled).mkdir()
    for module in ("pap", "chap", "always", "expr"):
        shutil.copy(raddb / "mods-available" / module, raddb / "mods-enabled" / module)
    (raddb / "clients.conf").write_text(
        "".join(
            _CLIENT.format(
                nas_identifier=nas.speaker.nas_identifier, network=nas.network, secret=nas.speaker.secret.decode()
            )
            for nas in fleet.nases
        )
    )
    main = (raddb / "radiusd.conf").read_text()
    main = re.sub(r"(?m)^(raddbdir|logdir|run_dir|localstatedir) *=.*$", rf"\1 = {folder}", main)
    main = main.replace(f"raddbdir = {folder}", f"raddbdir = {raddb}")
    main = re.sub(r"(?m)^\s*(user|group) = freerad$", "", main)  # it stays who it was started as
    # "256 multiplied by the number of clients", says the file itself
    main = re.sub(r"(?m)^max_requests = .*$", f"max_requests = {256 * len(fleet.nases)}", main)
    (raddb / "radiusd.conf").write_text(main)
    return raddb


def _add_site(raddb: Path, name: str, auth_port: int, acct_port: int | None, **modules: str) -> None:
    accounting = _ACCOUNTING.format(port=acct_port) if acct_port else ""
    site = _SITE.format(name=name, auth_port=auth_port, accounting_port=accounting, **modules)
    (raddb / "sites-enabled" / name).write_text(site)


@contextmanager
def _started(raddb: Path) -> Iterator[int]:
    log = raddb.parent / "log"
    with running(
        ["freeradius", "-f", "-l", "stdout", "-d", str(raddb)],
        ready=lambda: "Ready to process requests" in log.read_text(errors="replace"),
        log=log,
        patience=60,
    ) as process:
        yield process.pid
