"""`parvis offer`: the ways in at each site."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import select

from hotspot.errors import NotFound
from hotspot.models import Offer
from hotspot.services.making_offers import OfferDraft, create_offer, retire_offer
from hotspot.settings import load_settings
from hotspot.values import Way
from parvis.commands.operator import get_library_system, get_organisation, get_site, opened


@click.group()
def offer() -> None:
    """Ways in, and what each of them allows."""


@offer.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def list_(*, as_json: bool) -> None:
    """Those that are offered today.

    \b
    Example:
        parvis offer list
    """
    with opened(load_settings()) as database, database.reading() as db:
        offers = db.scalars(select(Offer).where(Offer.retired_at.is_(None)).order_by(Offer.position, Offer.id))
        rows = [
            {
                "id": each.id,
                "name": each.name,
                "way": each.way.value,
                "sites": [site.name for site in each.sites],
                "devices": each.devices_at_once,
                "remember_days": None if each.remember_for is None else each.remember_for.days,
                "library_system": None if each.library_system is None else each.library_system.name,
                "by_rule_only": each.by_rule_only,
            }
            for each in offers
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['id']:>4}  {row['name']}  ({row['way']})")
    if not rows:
        click.echo("There is none yet: `parvis offer add --help` says how to add one.")


@offer.command()
@click.argument("name")
@click.option("--way", type=click.Choice([each.value for each in Way]), required=True)
@click.option("--site", "sites", metavar="NAME", multiple=True, required=True, help="May be given several times.")
@click.option("--organisation", metavar="NAME", help="Name or number; not needed where there is only one.")
@click.option("--minutes", type=int, help="From sign-in. Without it: until the site closes that day.")
@click.option("--minutes-online", type=int, help="Time online within the visit.")
@click.option("--megabytes", type=int, help="Up and down together, in 1,000,000 octets.")
@click.option("--upload", "upload_kbps", metavar="KBIT/S", type=int)
@click.option("--download", "download_kbps", metavar="KBIT/S", type=int)
@click.option("--devices", type=int, default=1, show_default=True, help="Of one person at once, or of one voucher.")
@click.option("--host-domain", "domains", metavar="DOMAIN", multiple=True, help="Sponsor: of the hosts' addresses.")
@click.option("--identity-provider", metavar="NUMBER", type=int, help="OpenID Connect: `parvis identity list` has it.")
@click.option("--remember-days", type=int, help="Let the visitor have a device remembered for so long.")
@click.option("--library-system", metavar="NAME", help="That checks its cards. Without it: the library's file.")
@click.option("--by-rule-only", is_flag=True, help="Not on the portal: readers get it by a rule.")
def add(
    *,
    name: str,
    way: str,
    sites: tuple[str, ...],
    organisation: str | None,
    minutes: int | None,
    minutes_online: int | None,
    megabytes: int | None,
    upload_kbps: int | None,
    download_kbps: int | None,
    devices: int,
    domains: tuple[str, ...],
    identity_provider: int | None,
    remember_days: int | None,
    library_system: str | None,
    by_rule_only: bool,
) -> None:
    """Offer a way in at some sites, under this name.

    \b
    Example:
        parvis offer add "Accès libre" --way one_tap --site "Place de la République" \\
            --minutes 120 --download 5000 --upload 1000
        parvis offer add "Invités" --way sponsor --site "Hôtel de ville" --host-domain ville.fr
    """
    try:
        draft = OfferDraft(
            name=name,
            way=Way(way),
            visit_time=_minutes(minutes),
            time_allowed=_minutes(minutes_online),
            octets_allowed=None if megabytes is None else megabytes * 1_000_000,
            upload_kbps=upload_kbps,
            download_kbps=download_kbps,
            devices_at_once=devices,
            remember_for=None if remember_days is None else timedelta(days=remember_days),
            sponsor_domains=domains,
            identity_provider_id=identity_provider,
            by_rule_only=by_rule_only,
        )
    except OverflowError as error:
        raise click.ClickException("So many minutes or days are no time that we can count.") from error
    with opened(load_settings()) as database, database.transaction() as db:
        of, places = get_organisation(db, organisation), [get_site(db, each) for each in sites]
        if library_system is not None:
            draft = replace(draft, library_system=get_library_system(db, of, library_system))
        offer_id = create_offer(db, of, places, draft, datetime.now(UTC)).id
    click.echo(f"Offer {offer_id} was added: {'a rule can give it' if by_rule_only else 'it is on the portal'} now.")


@offer.command()
@click.argument("number", type=int)
def retire(*, number: int) -> None:
    """Offer it no longer. Visits under it go on until their end.

    \b
    Example:
        parvis offer retire 3
    """
    with opened(load_settings()) as database, database.transaction() as db:
        found = db.get(Offer, number)
        if found is None:
            raise NotFound("offer")
        retire_offer(db, found, datetime.now(UTC))
    click.echo(f"Offer {number} is offered no longer.")


def _minutes(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(minutes=number)
