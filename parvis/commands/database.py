"""`parvis db`: bring the database up to date, or ask whether it is."""

import json

import click

import migrations
from hotspot.settings import load_settings
from parvis.secret_key import load_settings_and_key


@click.group()
def db() -> None:
    """The database: SQLite in `var/`, or the PostgreSQL that PARVIS_DATABASE_URL names."""


@db.command()
def upgrade() -> None:
    """Bring the tables up to date. On a new machine, also make the secret key (`var/secret.key`).

    \b
    Example:
        parvis db upgrade
    """
    settings = load_settings_and_key()
    migrations.upgrade(settings.database_address)
    click.echo("The database is up to date.")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(*, as_json: bool) -> None:
    """Are the tables up to date? Exit code 1 if not.

    \b
    Example:
        parvis db check --json
    """
    current = migrations.current_is_head(load_settings().database_address)
    if as_json:
        click.echo(json.dumps({"up_to_date": current}))
    elif current:
        click.echo("The database is up to date.")
    if not current:
        raise click.ClickException("The database is not up to date: run `parvis db upgrade`.")
