"""`parvis radsec`: certificates for RADIUS over TLS, for a town that has no certificate authority of its own."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from hotspot.errors import Conflict, InvalidInput
from hotspot.settings import load_settings
from hotspot.values import normalise_certificate_name
from parvis.authority import Signed, make_authority, make_certificate, read_signed, write_signed

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_AUTHORITY = "authority"

_folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files are kept.  [default: radsec/ in the data folder]",
)


@click.group()
def radsec() -> None:
    """Certificates for RADIUS over TLS (RadSec)."""


@radsec.command()
@_folder_option
def authority(*, folder: Path | None) -> None:
    """Make the authority that signs the certificates of the server and of each gateway. Once, for ten years.

    Keep authority.key where nobody else can read it, with a copy in the safe: whoever has it can pass for any gateway.

    \b
    Example:
        parvis radsec authority
    """
    folder = _made(folder)
    _write(make_authority("Parvis RadSec", datetime.now(UTC)), folder, _AUTHORITY)
    click.echo(f"PARVIS_RADSEC_CA={folder / 'authority.pem'}")


@radsec.command()
@click.argument("name")
@click.option("--server", "is_server", is_flag=True, help="For this server: NAME is what gateways call it.")
@_folder_option
def certificate(*, name: str, is_server: bool, folder: Path | None) -> None:
    """Make a certificate with its key, for two years. NAME is what stands on the gateway's page, in the same letters.

    To renew one, move its two files away first: nothing is overwritten.

    \b
    Example:
        parvis radsec certificate --server radius.commune.example
        parvis radsec certificate library-1
    """
    name = normalise_certificate_name(name)
    if not _NAME.fullmatch(name) or name == _AUTHORITY:
        raise InvalidInput("A name has letters, digits, hyphens and dots: at most 63.", field="name")
    folder = _made(folder)
    made = make_certificate(_authority_in(folder), name, datetime.now(UTC), is_server=is_server)
    _write(made, folder, name)
    if is_server:
        click.echo(f"PARVIS_RADSEC_CERTIFICATE={folder / f'{name}.pem'}")
        click.echo(f"PARVIS_RADSEC_KEY={folder / f'{name}.key'}")
    else:
        click.echo(f"On the gateway: {name}.pem, {name}.key and authority.pem, all in {folder}")
    click.echo(f"It ends on {made.certificate.not_valid_after_utc:%Y-%m-%d}.")


def _made(folder: Path | None) -> Path:
    folder = (folder or load_settings().var_dir / "radsec").absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _authority_in(folder: Path) -> Signed:
    try:
        return read_signed(folder / "authority.pem", folder / "authority.key")
    except FileNotFoundError as error:
        raise InvalidInput("There is none yet: `parvis radsec authority` makes one.", field="authority") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"It cannot be read: {error}", field="authority") from error


def _write(signed: Signed, folder: Path, name: str) -> None:
    try:
        write_signed(signed, folder / f"{name}.pem", folder / f"{name}.key")
    except FileExistsError as error:
        raise Conflict("%(path)s is there already: move it away first.", path=error.args[0]) from error
