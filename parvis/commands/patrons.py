"""`parvis patrons`: the library's file of cards."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import BinaryIO

import click

from hotspot.services.patron_file import PatronFile, read_patron_file
from hotspot.services.patrons import compare, hash_pins, import_patrons
from hotspot.settings import load_settings
from parvis.commands.operator import get_organisation, opened


@click.group()
def patrons() -> None:
    """Library cards."""


@patrons.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--organisation", metavar="NAME", help="Name or number; not needed where there is only one.")
@click.option(
    "--missing-expire", is_flag=True, help="Today is the last day of cards that are not in the file: it must have all."
)
@click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def import_(*, file: BinaryIO, organisation: str | None, missing_expire: bool, dry_run: bool, as_json: bool) -> None:
    """Bring in a CSV file of cards, all of it or nothing. `-` reads standard input.

    Columns: card_number (numero_carte), pin (code) or pin_hash, name (nom), category (categorie), expires_on
    (expire_le), blocked (bloque), born_on (ne_le), home_library (bibliotheque), owes (doit).

    \b
    Example:
        parvis patrons import cards.csv --dry-run && parvis patrons import cards.csv
    """
    now = datetime.now(UTC)
    read = read_patron_file(file.read())
    if read.errors:
        raise click.ClickException("Nothing was imported.\n" + "\n".join(_errors(read)))
    with opened(load_settings()) as database:
        with database.reading() as db:
            organisation_id = get_organisation(db, organisation).id
            counts = compare(db, organisation_id, read.rows, now)
        if not dry_run:
            with click.progressbar(length=len(read.rows), label="PINs", file=sys.stderr) as bar:
                hashed = hash_pins(read.rows, os.cpu_count() or 1, lambda done: bar.update(done - bar.pos))
            with database.transaction() as db:
                counts = import_patrons(db, organisation_id, hashed, "system", now, missing_expire=missing_expire)
    missing = {"expired" if missing_expire else "missing": counts.missing}
    if as_json:
        told = {"new": counts.new, "updated": counts.updated, "unchanged": counts.unchanged}
        click.echo(json.dumps(told | missing))
    else:
        would = "Would import: " if dry_run else "Imported: "
        click.echo(would + f"{counts.new} new, {counts.updated} updated, {counts.unchanged} unchanged.")
        fate = "today is their last day" if missing_expire else "they stay as they are"
        if counts.missing:
            click.echo(f"Not in the file: {counts.missing}; {fate}.")


def _errors(read: PatronFile) -> list[str]:
    return [f"Line {each.line}: {each.problem % each.facts if each.facts else each.problem}" for each in read.errors]
