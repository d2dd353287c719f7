"""`parvis serve` and `parvis demo`."""

import os
import subprocess
import sys
from functools import partial

import click

from hotspot.settings import Settings, load_settings
from parvis.programs import PROCESSES
from parvis.startup import StartError, alone_in, check_ports, prepare_var, wanted_ports


@click.command()
@click.option("--only", type=click.Choice(PROCESSES), help="Run this one alone, without a supervisor.")
@click.option("--status-port", type=click.IntRange(1, 65535), help="Of a further radius process on this machine.")
def serve(only: str | None, status_port: int | None) -> None:
    """Run the portal, the staff application, RADIUS and the worker; restart what dies; Ctrl-C stops all.

    \b
    Example: on one machine
        parvis db upgrade && parvis serve
    Example: a second portal, on another machine, with the same database and Redis
        PARVIS_DATABASE_URL=postgresql://… PARVIS_REDIS_URL=redis://… parvis serve --only portal
    """
    settings = load_settings() if status_port is None else load_settings(radius_status_port=status_port)
    from hotspot.log import configure_logging

    configure_logging(settings, only or "supervisor")
    if only is not None:
        _serve_one(only, settings)
    else:
        _serve_all(settings)


def _serve_one(name: str, settings: Settings) -> None:
    match name:
        case "portal":
            from parvis.web_server import serve_web
            from portal import create_app as create_portal

            serve_web(create_portal(settings), settings.listen_host, settings.portal_port, settings.web_threads)
        case "staff":
            from hotspot_admin import create_app as create_staff
            from parvis.web_server import serve_web

            serve_web(create_staff(settings), settings.listen_host, settings.staff_port, settings.web_threads)
        case "radius":
            from radius.process import main as serve_radius

            serve_radius(settings)
        case "worker":
            from parvis.worker import run

            run(settings)


def _serve_all(settings: Settings) -> None:
    from parvis.programs import MEMORY, programs_of
    from parvis.supervisor import Supervisor

    prepare_var(settings.var_dir)
    with alone_in(settings.var_dir):
        check_ports(wanted_ports(settings))
        _check_database()
        announce = partial(_say_ready, settings)
        Supervisor(programs_of(settings), environ=MEMORY | os.environ, when_ready=announce).run()


def _check_database() -> None:
    """In a process of its own: the supervisor keeps neither SQLAlchemy nor Alembic in memory."""
    command = [sys.executable, "-m", "parvis", "db", "check"]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise StartError("Not started.")


def _say_ready(settings: Settings, seconds: float) -> None:
    click.echo(
        f"Ready in {seconds:.1f} s: portal {settings.public_portal}, staff {settings.public_staff}, RADIUS "
        f"{settings.radius_host} {settings.radius_auth_port}/{settings.radius_acct_port} (UDP). Ctrl-C stops all.",
        err=True,
    )


@click.command()
@click.option("--prepare", is_flag=True, help="Load the town and write demo.json, start nothing.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 120),
    default=1.0,
    help="Let time pass so many times faster, in a town of its own that begins anew each time.",
)
@click.option("--forget", is_flag=True, help="Remove the demonstration's data: the next start begins anew.")
def demo(*, prepare: bool, forget: bool, speed: float) -> None:
    """A small town to try: everything on this machine, with an access point in the browser.

    The data are kept in `var/`, so that a second start goes on where the first one stopped.

    \b
    Example:
        parvis demo
    Example: half an hour in half a minute, to watch announcements come and passes end
        parvis demo --speed 60
    Example: beside another one that is running
        PARVIS_VAR_DIR=var2 PARVIS_PORTAL_PORT=9080 PARVIS_STAFF_PORT=9081 PARVIS_ACCESS_POINT_PORT=4990 … parvis demo
    """
    from parvis import demo as demonstration

    if forget:
        demonstration.forget()
    elif prepare:
        demonstration.prepare()
    else:
        if speed > 1:
            demonstration.speed_up(speed)
        demonstration.run()
