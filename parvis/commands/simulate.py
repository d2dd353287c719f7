"""`parvis simulate`: virtual phones against an installation, and its books beside what they have lived through."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotspot.settings import SettingsError, load_settings
from parvis.commands.operator import opened
from parvis.startup import StartError

if TYPE_CHECKING:
    from simulator.fleet.truth import Truth

_JSON = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@click.group()
def simulate() -> None:
    """Play visitors against a running installation, and check what it made of them."""


@simulate.command()
@click.argument("fleet_file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--phones", type=click.IntRange(1, 50_000), default=200, show_default=True, help="How many.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), default=2.0, show_default=True, help="Of the town."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed is the same day.")
@click.option("--loses", type=click.FloatRange(0, 0.5), default=0.002, show_default=True, help="Share of packets lost.")
@click.option("--calm", is_flag=True, help="No gateway reboots, crashes or falls silent, no packet is lost.")
@click.option("--truth", "truth_file", type=click.Path(path_type=Path, dir_okay=False), help="Keep what happened here.")
@click.option("--compare/--no-compare", default=True, help="With the database of this machine's settings, at the end.")
@_JSON
def phones(
    fleet_file: Path | None,
    phones: int,
    hours: float,
    seed: int,
    loses: float,
    *,
    calm: bool,
    truth_file: Path | None,
    compare: bool,
    as_json: bool,
) -> None:
    """Let many phones live a day at virtual gateways, and report how the installation served them.

    They arrive, are captured, sign in, see announcements, walk about, sleep and are gone; gateways reboot and fall
    silent; packets are lost. The report tells the time to online, announcements shown against due, how far each cut
    was from its limit, and whether the accounting is what really happened. Exit code 1 if a promise is broken. Ctrl-C
    ends the day early, with the report so far. How fast time passes is the installation's: FLEET_FILE says it.
    Without FLEET_FILE it is the demonstration's, `fleet.json` in its data folder.

    \b
    Example: 2,000 phones for two hours, in a quarter of an hour; on a machine that does nothing else
        parvis demo --fleet --speed 8                                    (in one terminal)
        PARVIS_VAR_DIR=var/fast parvis simulate phones --phones 2000 --hours 2
    """
    from simulator.config import ConfigError
    from simulator.fleet.config import read_fleet
    from simulator.fleet.plan import Shares, make_plan
    from simulator.fleet.running import places_of, run_fleet

    try:
        config = read_fleet(fleet_file or load_settings().var_dir / "fleet.json")
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    shares = Shares(mishaps_per_gateway_hour=0) if calm else Shares()
    plan = make_plan(phones, places_of(config), hours * 3600, seed, shares)
    lost = 0.0 if calm else loses
    try:
        truth = asyncio.run(run_fleet(config, plan, loses=lost, repeats=lost, tell=_tell))
    except OSError as error:
        raise StartError(f"The gateways cannot be played: {error}.") from error
    if truth_file is not None:
        truth.write(truth_file)
    _report(truth, compare=compare, as_json=as_json)


@simulate.command()
@click.argument("truth_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_JSON
def compare(truth_file: Path, *, as_json: bool) -> None:
    """The report once more, with the books of this machine's settings beside the truth that `phones --truth` has kept.

    \b
    Example: the phones were on another machine
        parvis simulate phones fleet.json --no-compare --truth truth.json
        parvis simulate compare truth.json                               (on the server)
    """
    from simulator.fleet.truth import read_truth

    try:
        truth = read_truth(truth_file)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise click.ClickException(f"{truth_file} is not what `simulate phones --truth` writes.") from error
    _report(truth, compare=True, as_json=as_json)


def _report(truth: "Truth", *, compare: bool, as_json: bool) -> None:
    from parvis.fleet_books import compare_books
    from simulator.fleet.report import make_report

    accounting = None
    if compare:
        try:
            with opened(load_settings()) as database, database.reading() as db:
                accounting = compare_books(db, truth)
        except SettingsError as error:
            click.echo(f"The books were not compared: {error}", err=True)
    report = make_report(truth, accounting)
    click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2) if as_json else report.as_text())
    if not report.is_kept:
        raise click.exceptions.Exit(1)


def _tell(line: str) -> None:
    click.echo(line, err=True)
