"""`parvis staff`: the first account of an installation, and a way back in for who has lost a password."""

import secrets
import sys
from datetime import UTC, datetime

import click

from hotspot.models import Role
from hotspot.services.staff import create_staff, reset_password
from hotspot.settings import load_settings
from parvis.commands.operator import get_organisation, get_site, opened

_ROLES = click.Choice([each.value for each in Role])


@click.group()
def staff() -> None:
    """Who may sign in to the staff application."""


@staff.command()
@click.argument("email")
@click.option("--role", type=_ROLES, default=Role.ADMINISTRATOR.value, show_default=True)
@click.option("--organisation", metavar="NAME", help="Name or number; not needed where there is only one.")
@click.option("--site", "sites", metavar="NAME", multiple=True, help="A librarian's site; may be given several times.")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
def create(
    *, email: str, role: str, organisation: str | None, sites: tuple[str, ...], language: str, password_stdin: bool
) -> None:
    """Make an account. Its password is made too, and printed once.

    \b
    Example:
        parvis staff create a.martin@commune.example --role librarian --site "Médiathèque"
    """
    password = _password(from_stdin=password_stdin)
    with opened(load_settings()) as database, database.transaction() as db:
        create_staff(
            db,
            organisation_id=get_organisation(db, organisation).id,
            email=email,
            password=password,
            role=Role(role),
            now=datetime.now(UTC),
            site_ids=[get_site(db, each).id for each in sites],
            language=language,
        )
    _tell(email, password, made=not password_stdin)


@staff.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
def reset(*, email: str, password_stdin: bool) -> None:
    """Give an account a new password, lift its lock, and sign it out everywhere.

    \b
    Example:
        parvis staff reset a.martin@commune.example
    """
    password = _password(from_stdin=password_stdin)
    with opened(load_settings()) as database, database.transaction() as db:
        reset_password(db, email, password, datetime.now(UTC))
    _tell(email, password, made=not password_stdin)


def _password(*, from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else secrets.token_urlsafe(15)


def _tell(email: str, password: str, *, made: bool) -> None:
    click.echo(f"{email.strip().lower()} can sign in" + (f" with the password {password}" if made else "."))
