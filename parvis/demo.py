"""`parvis demo`: a town to try on this machine, with an access point in the browser. Nothing leaves the loopback."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import click

from hotspot.settings import SettingsError, load_settings
from parvis.demo_files import (
    BLOCKED_CARD,
    EXPIRED_CARD,
    HOST_DOMAIN,
    LIBRARIAN,
    OWING_READER,
    YOUNG_READER,
    Demo,
    DemoPorts,
    Secrets,
    read_ports,
)
from parvis.secret_key import load_settings_and_key
from parvis.startup import StartError, Wanted, alone_in, check_ports, wanted_ports

_HOST = "127.0.0.1"


def run(*, with_fleet: bool = False) -> None:
    """Prepare, then run everything until Ctrl-C."""
    from hotspot.log import configure_logging
    from parvis.programs import MEMORY, programs_of
    from parvis.supervisor import Program, Supervisor

    demo = _read_settings()
    port = demo.ports.access_point_port
    pocket = Program(
        "access point",
        [sys.executable, "-m", "simulator.pocket", str(demo.pocket_file)],
        is_ready=lambda: _accepts(port),
        stage=2,
    )
    mailbox_port, smtp_port = demo.ports.mailbox_port, demo.ports.mailbox_smtp_port
    mailbox = Program(
        "mailbox",
        [sys.executable, "-m", "simulator.mailbox", f"--port={mailbox_port}", f"--smtp-port={smtp_port}"],
        is_ready=lambda: _accepts(mailbox_port),
        stage=2,
    )
    library_port = demo.ports.library_port
    library = Program(
        "library",
        [sys.executable, "-m", "simulator.library", str(demo.library_file), f"--port={library_port}"],
        is_ready=lambda: _accepts(library_port),
        stage=2,
    )
    configure_logging(demo.settings, "supervisor")
    with alone_in(demo.settings.var_dir):
        check_ports(
            [
                *wanted_ports(demo.settings),
                Wanted("PARVIS_ACCESS_POINT_PORT", socket.SOCK_STREAM, _HOST, port),
                Wanted("PARVIS_LIBRARY_PORT", socket.SOCK_STREAM, _HOST, library_port),
                Wanted("PARVIS_COA_PORT", socket.SOCK_DGRAM, _HOST, demo.ports.coa_port),
                Wanted("PARVIS_MAILBOX_PORT", socket.SOCK_STREAM, _HOST, mailbox_port),
                Wanted("PARVIS_MAILBOX_SMTP_PORT", socket.SOCK_STREAM, _HOST, smtp_port),
            ]
        )
        _prepare_apart(with_fleet=with_fleet)
        programs = [*programs_of(demo.settings), pocket, library, mailbox]
        environ = MEMORY | os.environ | _into_the_mailbox(demo.ports)
        Supervisor(programs, environ=environ, when_ready=partial(_announce, demo)).run()


def speed_up(speed: float) -> None:
    """In a folder of its own, emptied first: its time runs ahead of ours, and must not go back."""
    from pathlib import Path

    os.environ["PARVIS_VAR_DIR"] = str(Path(os.environ.get("PARVIS_VAR_DIR") or "var") / "fast")
    os.environ["PARVIS_TIME_SPEED"] = str(speed)
    os.environ["PARVIS_TIME_EPOCH"] = datetime.now(UTC).isoformat()
    with suppress(SettingsError):  # its key is not made yet
        demo = Demo(load_settings(), read_ports())
        with alone_in(demo.settings.var_dir):
            demo.remove()


def _read_settings() -> Demo:
    """The environment's, with addresses that follow the ports, and a log for people. Our children inherit them."""
    os.environ.setdefault("PARVIS_LOG_FORMAT", "console")
    settings = load_settings_and_key()
    os.environ.setdefault("PARVIS_PORTAL_URL", f"http://localhost:{settings.portal_port}")
    os.environ.setdefault("PARVIS_STAFF_URL", f"http://localhost:{settings.staff_port}")
    return Demo(load_settings(), read_ports())


def _into_the_mailbox(ports: DemoPorts) -> dict[str, str]:
    """Where mails and text messages go, unless the environment says so itself."""
    mail = {
        "PARVIS_MAIL_HOST": _HOST,
        "PARVIS_MAIL_PORT": str(ports.mailbox_smtp_port),
        "PARVIS_MAIL_SECURITY": "none",
        "PARVIS_MAIL_FROM": f"wifi@{HOST_DOMAIN}",
    }
    sms = {
        "PARVIS_SMS_PROVIDER": "http",
        "PARVIS_SMS_URL": f"http://{_HOST}:{ports.mailbox_port}/texts",
        "PARVIS_SMS_BODY": '{"to": "{to}", "text": "{text}", "ref": "{ref}"}',
    }
    return (mail if not os.environ.get("PARVIS_MAIL_HOST") else {}) | (
        sms if not os.environ.get("PARVIS_SMS_PROVIDER") else {}
    )


def _prepare_apart(*, with_fleet: bool) -> None:
    """In a process of its own: what loading needs does not stay in the supervisor's memory."""
    command = [sys.executable, "-m", "parvis", "demo", "--prepare", *(["--fleet"] if with_fleet else [])]
    if subprocess.run(command, check=False).returncode != 0:
        raise StartError("The demonstration was not started.")


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        # a port that nobody listens on may be the very one that this end is given: then it has met itself
        return probe.connect_ex((_HOST, port)) == 0 and probe.getsockname() != probe.getpeername()


def prepare(*, with_fleet: bool = False) -> None:
    """The tables, the town (once), its past (once), and demo.json (each time, with a voucher that nobody has used)."""
    import migrations
    from hotspot.clock import clock_of
    from hotspot.db import open_database
    from hotspot.sealing import Vault
    from parvis import demo_fleet, demo_history, demo_town

    demo = _read_settings()
    settings, now = demo.settings, clock_of(demo.settings)()
    vault = Vault(settings.secret_key.get_secret_value())
    migrations.upgrade(settings.database_address)
    logins = demo.former_logins() or demo_town.make_logins()
    database = open_database(settings)
    try:
        with database.transaction() as db:
            if not demo_town.is_loaded(db):
                click.echo("Loading the demonstration town …")
                demo.keep_logins(logins)
                demo_town.load_town(db, logins, now, vault)
        demo_history.live_through_past_weeks(database, settings, now, vault)
        with database.transaction() as db:
            demo_town.let_in_again(db, logins, now)
            nas = demo_town.move_access_point(db, demo.ports.access_point_port, demo.ports.coa_port)
            account = demo_town.move_library(db, demo.ports.library_port, vault)
            secrets = Secrets(vault.open(nas.secret_sealed), vault.open(nas.redirect_secret_sealed or b""))
            voucher = demo_town.unused_voucher(db, now, vault)
            if with_fleet:
                commune, coa_port = nas.organisation, demo.ports.coa_port
                fleet = demo_fleet.load_fleet(db, commune, now, vault=vault, settings=settings, coa_port=coa_port)
                demo.write_fleet(fleet)
    except demo_town.NotTheTown as error:
        place = f"the database of {settings.var_dir.absolute()}" if not settings.database_url else "PARVIS_DATABASE_URL"
        raise StartError(f"The demonstration cannot be loaded into {place}: {error}.") from error
    finally:
        database.dispose()
    demo.write_pocket(secrets, demo_town.NAS_IDENTIFIER, demo_town.SSID, demo_town.CALLED_STATIONS)
    demo.write_library(account, logins.pin, now.year)
    demo.write(logins, secrets, voucher)


def forget() -> None:
    """Start over next time. Only where there is a demonstration: an installation keeps its data."""
    try:
        demo = Demo(load_settings(), read_ports())
    except SettingsError as error:
        if "SECRET_KEY" not in str(error):
            raise
        click.echo("There is no demonstration here.")
        return
    if not demo.exists():
        click.echo(f"There is no demonstration in {demo.settings.var_dir.absolute()}.")
        return
    with alone_in(demo.settings.var_dir):
        demo.remove()
    click.echo(f"The demonstration in {demo.settings.var_dir.absolute()} is forgotten.")


def _announce(demo: Demo, seconds: float) -> None:
    """In words that French and English share, or in both."""
    told = demo.read()
    radius, staff, patron, reader = told["radius"], told["staff"], told["patron"], told["reader"]
    lines = (
        "",
        f"  Parvis · prêt / ready ({seconds:.1f} s)",
        "",
        f"  → Wi-Fi    {told['access_point_url']}",
        f"    Portail  {told['portal_url']}",
        f"    E-mail   {told['mailbox_url']}  (et SMS / and text messages)",
        f"    Staff    {told['staff_url']}  {staff['email']}  {staff['password']}",
        f"             {'':{len(told['staff_url'])}}  {LIBRARIAN}  {staff['password']}",
        "",
        f"    Carte    {patron['card']}  PIN {patron['pin']}  (expirée {EXPIRED_CARD}, bloquée {BLOCKED_CARD})",
        f"    SIP2     {reader['card']}  PIN {reader['pin']}  (jeune {YOUNG_READER}, somme à payer {OWING_READER})",
        f"    Voucher  {told['voucher']}",
        f"    RADIUS   {radius['host']}:{radius['auth_port']}/{radius['acct_port']} (UDP)  secret {radius['secret']}",
        "",
        f"    {demo.file}   Ctrl-C: stop",
        "",
    )
    click.echo("\n".join(lines))
