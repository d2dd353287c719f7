"""`parvis offer`: the ways in at each site."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy import select

from hotspot.errors import NotFound
from hotspot.models import Offer
from hotspot.services.making_offers import AllowanceDraft, OfferDraft, create_offer, retire_offer
from hotspot.settings import load_settings
from hotspot.values import Period, Way
from parvis.commands.operator import get_library_system, get_organisation, get_site, opened

_MEGABYTE = 1_000_000
_SHOWN = timedelta(seconds=10)


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
                "visit": _limits(
                    each.time_allowed, each.octets_allowed, each.upload_octets_allowed, each.download_octets_allowed
                ),
                **{
                    allowance.period.value: _limits(
                        allowance.time, allowance.octets, allowance.upload_octets, allowance.download_octets
                    )
                    for allowance in each.allowances
                },
                "announcement_every_minutes": _in_minutes(each.announcement_every),
                "announcement_seconds": int(each.announcement_length.total_seconds()),
            }
            for each in offers
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['id']:>4}  {row['name']}  ({row['way']}){_in_words(row)}")
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
@click.option("--upload-volume", metavar="MEGABYTES", type=int, help="Upload alone, within the visit.")
@click.option("--download-volume", metavar="MEGABYTES", type=int, help="Download alone, within the visit.")
@click.option("--day-time", metavar="MINUTES", type=int, help="Online in a day: of a person, on all devices and sites.")
@click.option("--day-volume", metavar="MEGABYTES", type=int, help="In a day, up and down together.")
@click.option("--day-upload-volume", metavar="MEGABYTES", type=int)
@click.option("--day-download-volume", metavar="MEGABYTES", type=int)
@click.option("--week-time", metavar="MINUTES", type=int, help="Online from Monday to Sunday.")
@click.option("--week-volume", metavar="MEGABYTES", type=int, help="From Monday to Sunday, up and down together.")
@click.option("--week-upload-volume", metavar="MEGABYTES", type=int)
@click.option("--week-download-volume", metavar="MEGABYTES", type=int)
@click.option("--announcement-every", metavar="MINUTES", type=int, help="An announcement after so much time online.")
@click.option("--announcement-length", metavar="SECONDS", type=int, help="How long it is shown. Without it: 10.")
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
    upload_volume: int | None,
    download_volume: int | None,
    day_time: int | None,
    day_volume: int | None,
    day_upload_volume: int | None,
    day_download_volume: int | None,
    week_time: int | None,
    week_volume: int | None,
    week_upload_volume: int | None,
    week_download_volume: int | None,
    announcement_every: int | None,
    announcement_length: int | None,
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
            --minutes 120 --download 5000 --upload 1000 --day-time 240 --announcement-every 30
        parvis offer add "Invités" --way sponsor --site "Hôtel de ville" --host-domain ville.fr
    """
    if announcement_length is not None and announcement_every is None:
        raise click.UsageError("--announcement-length goes with --announcement-every.")
    try:
        day = _allowance(Period.DAY, day_time, day_volume, day_upload_volume, day_download_volume)
        week = _allowance(Period.WEEK, week_time, week_volume, week_upload_volume, week_download_volume)
        draft = OfferDraft(
            name=name,
            way=Way(way),
            visit_time=_minutes(minutes),
            time_allowed=_minutes(minutes_online),
            octets_allowed=_octets(megabytes),
            upload_octets_allowed=_octets(upload_volume),
            download_octets_allowed=_octets(download_volume),
            allowances=[each for each in (day, week) if each != AllowanceDraft(each.period)],
            announcement_every=_minutes(announcement_every),
            announcement_length=_SHOWN if announcement_length is None else timedelta(seconds=announcement_length),
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


def _octets(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * _MEGABYTE


def _allowance(
    period: Period, time: int | None, both: int | None, upload: int | None, download: int | None
) -> AllowanceDraft:
    return AllowanceDraft(period, _minutes(time), _octets(both), _octets(upload), _octets(download))


def _in_minutes(length: timedelta | None) -> int | None:
    return None if length is None else length // timedelta(minutes=1)


def _limits(
    time: timedelta | None, both: int | None, upload: int | None, download: int | None
) -> dict[str, int | None]:
    return {"minutes": _in_minutes(time), "octets": both, "upload_octets": upload, "download_octets": download}


def _in_words(row: dict[str, Any]) -> str:
    """What of it limits time or volume, for the eyes: `, day: 240 min, announcement every 30 min`."""
    words = []
    for period in Period:
        limits = row.get(period.value, {})
        parts = [f"{limits['minutes']} min"] if limits.get("minutes") is not None else []
        for name, direction in (("octets", ""), ("upload_octets", " up"), ("download_octets", " down")):
            if limits.get(name) is not None:
                parts.append(f"{limits[name] / _MEGABYTE:,.0f} MB{direction}")
        if parts:
            words.append(f"{period.value}: {' and '.join(parts)}")
    if row["announcement_every_minutes"] is not None:
        words.append(f"announcement every {row['announcement_every_minutes']} min")
    return "".join(f", {each}" for each in words)
