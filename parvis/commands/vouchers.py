"""`parvis vouchers`: many at once, for a printing office or an event."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import InvalidInput, NotFound
from hotspot.models import Offer, Site
from hotspot.printing.languages import MOST_LANGUAGES, PAPER_LANGUAGES
from hotspot.printing.voucher_sheet import SheetFormat, draw_voucher_sheet, join_sheets, sheet_of_batch
from hotspot.sealing import Vault
from hotspot.services.vouchers import LARGEST_BATCH, get_batch, make_batch, open_batch
from hotspot.settings import Settings, load_settings
from parvis.commands.operator import get_site, opened, operator_scope

MOST = 1_000
"""At a time: typst holds a whole document in memory, half a gigabyte for so many."""
USUAL_LIFE = timedelta(days=90)


@click.group()
def vouchers() -> None:
    """Codes on paper."""


@vouchers.command("print")
@click.option("--count", type=click.IntRange(1, MOST), help=f"Make so many new ones, in batches of {LARGEST_BATCH}.")
@click.option("--site", "site_name", metavar="NAME", help="Of new ones: name or number.")
@click.option("--offer", "offer_id", type=int, metavar="NUMBER", help="Of new ones: `parvis offer list` has it.")
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Of new ones, for a first use; else in 90 days.")
@click.option("--label", default="", help="Of new ones, for yourselves: it is not printed.")
@click.option("--batch", "batch_ids", type=int, multiple=True, help="Print what is unused of this one again.")
@click.option(
    "--paper",
    "paper",
    type=click.Choice([each.value for each in SheetFormat]),
    default=SheetFormat.SMALL.value,
    show_default=True,
)
@click.option(
    "--language",
    "languages",
    type=click.Choice(list(PAPER_LANGUAGES)),
    multiple=True,
    default=("fr",),
    show_default=True,
    help=f"Up to {MOST_LANGUAGES}.",
)
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True, help="The PDF.")
def print_(
    *,
    count: int | None,
    site_name: str | None,
    offer_id: int | None,
    last_day: datetime | None,
    label: str,
    batch_ids: tuple[int, ...],
    paper: str,
    languages: tuple[str, ...],
    out: Path,
) -> None:
    """Write a PDF of vouchers to print: new ones, or batches that are there.

    The file holds codes that open the network: only you can read it. Delete it once it is printed.

    \b
    Example:
        parvis vouchers print --count 1000 --site "Médiathèque" --offer 2 --paper 2x5 \\
            --language fr --language ar --out vouchers.pdf
    """
    chosen = list(dict.fromkeys(languages))
    if len(chosen) > MOST_LANGUAGES:
        raise click.UsageError("A voucher has room for two languages.")
    if (count is None) == (not batch_ids) or (count is not None and (site_name is None or offer_id is None)):
        raise click.UsageError("Give --count with --site and --offer, or else --batch.")
    settings = load_settings()
    with opened(settings) as database:
        if count is not None and site_name is not None and offer_id is not None:
            batch_ids = tuple(_make(database, settings, count, site_name, offer_id, last_day, label))
        pages = _draw(database, settings, batch_ids, SheetFormat(paper), chosen)
    _write_for_us_alone(out, pages)
    click.echo(f"{out}: batch{'es' if len(batch_ids) > 1 else ''} {', '.join(map(str, batch_ids))}.")


def _make(
    database: Database,
    settings: Settings,
    count: int,
    site_name: str,
    offer_id: int,
    last_day: datetime | None,
    label: str,
) -> list[int]:
    """All of them, or none."""
    now, vault = datetime.now(UTC), _vault(settings)
    sizes = [min(LARGEST_BATCH, count - made) for made in range(0, count, LARGEST_BATCH)]
    made = []
    with (
        click.progressbar(length=count, label="Making codes", file=sys.stderr) as bar,
        database.transaction() as db,
    ):
        site, offer = get_site(db, site_name), _get_offer(db, offer_id)
        expires_at = _end_of(last_day.date() if last_day else (now + USUAL_LIFE).date(), site)
        for size in sizes:
            batch = make_batch(
                db,
                site=site,
                offer=offer,
                count=size,
                label=label,
                expires_at=expires_at,
                staff="system",
                now=now,
                vault=vault,
            )
            made.append(batch.id)
            bar.update(size)
    return made


def _draw(
    database: Database, settings: Settings, batch_ids: Sequence[int], paper: SheetFormat, languages: Sequence[str]
) -> bytes:
    now, vault, sheets = datetime.now(UTC), _vault(settings), []
    with database.transaction() as db:
        scope = operator_scope(db)
        for batch_id in batch_ids:
            codes = [(each.number, each.code) for each in open_batch(db, scope, batch_id, now, vault)]
            sheets.append(sheet_of_batch(get_batch(db, scope, batch_id), codes, settings))
    sheet = join_sheets(sheets)
    if len(sheet.vouchers) > MOST:
        raise InvalidInput(f"These are {len(sheet.vouchers)} vouchers: print at most {MOST} at a time.")
    with click.progressbar(length=2 * len(sheet.vouchers), label="Drawing", file=sys.stderr) as bar:
        pages = draw_voucher_sheet(sheet, paper, languages, progress=lambda: bar.update(1))
        bar.update(len(sheet.vouchers))  # setting the pages is the other half, in one piece
    return pages


def _vault(settings: Settings) -> Vault:
    return Vault(settings.secret_key.get_secret_value())


def _get_offer(db: Session, offer_id: int) -> Offer:
    offer = db.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer")
    return offer


def _end_of(day: date, site: Site) -> datetime:
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(site.time_zone))
    return midnight.astimezone(UTC)


def _write_for_us_alone(out: Path, pages: bytes) -> None:
    """An old file of this name is replaced, with its permissions."""
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pages)
        fresh.replace(out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
