"""`parvis organisation`: the first thing to make on a new installation, and its terms of use."""

import json
from datetime import UTC, datetime
from typing import TextIO

import click
from sqlalchemy import select

from hotspot.models import Organisation
from hotspot.services.organisations import create_organisation, publish_terms
from hotspot.settings import load_settings
from parvis.commands.operator import get_organisation, opened


@click.group()
def organisation() -> None:
    """Communes, and the metropolis above them."""


@organisation.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def list_(*, as_json: bool) -> None:
    """All of them, with the one above each.

    \b
    Example:
        parvis organisation list --json
    """
    with opened(load_settings()) as database, database.reading() as db:
        rows = [
            {"id": each.id, "name": each.name, "parent": each.parent.name if each.parent else None}
            for each in db.scalars(select(Organisation).order_by(Organisation.id))
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['id']:>4}  {row['name']}" + (f"  (in {row['parent']})" if row["parent"] else ""))
    if not rows:
        click.echo("There is none yet: `parvis organisation create --help` says how to make one.")


@organisation.command()
@click.argument("name")
@click.option("--contact", default="", help="Where a citizen writes about data and access: an address or a page.")
@click.option("--parent", metavar="NAME", help="The organisation that this one belongs to, by name or number.")
def create(*, name: str, contact: str, parent: str | None) -> None:
    """Make one.

    \b
    Example:
        parvis organisation create "Loue-la-Ville" --contact mairie@commune.example
    """
    with opened(load_settings()) as database, database.transaction() as db:
        above = get_organisation(db, parent) if parent else None
        made = create_organisation(db, name=name, contact=contact, parent=above, now=datetime.now(UTC))
        made_id = made.id
    click.echo(f"Organisation {made_id} was made. `parvis staff create` gives it its first administrator.")


@organisation.command()
@click.option("--organisation", "name", metavar="NAME", help="Name or number; not needed where there is only one.")
@click.option("--fr", type=click.File(encoding="utf-8"), help="A text file, in French.")
@click.option("--en", type=click.File(encoding="utf-8"), help="A text file, in English.")
def terms(*, name: str | None, fr: TextIO | None, en: TextIO | None) -> None:
    """Publish a new version of the terms of use. Visitors accept it from their next sign-in on.

    \b
    Example:
        parvis organisation terms --fr conditions.txt --en terms.txt
    """
    try:
        texts = {language: file.read() for language, file in (("fr", fr), ("en", en)) if file is not None}
    except UnicodeDecodeError as error:
        raise click.ClickException("A file is not UTF-8 text.") from error
    with opened(load_settings()) as database, database.transaction() as db:
        version = publish_terms(db, get_organisation(db, name), texts, datetime.now(UTC))
    click.echo(f"Version {version} of the terms holds from now on.")
