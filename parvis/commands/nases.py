"""`parvis nas`: the access points and controllers that speak RADIUS with us."""

import json
from datetime import UTC, datetime
from ipaddress import ip_network

import click

from hotspot.errors import InvalidInput
from hotspot.models import MessageAuthenticatorMode, Nas
from hotspot.sealing import Vault
from hotspot.services.nases import NasDraft, create_nas, list_nases, setup_of
from hotspot.settings import load_settings
from hotspot.values import normalise_certificate_name
from hotspot.vendors import VENDORS
from parvis.commands.operator import get_site, opened, operator_scope


@click.group()
def nas() -> None:
    """Access points and controllers."""


@nas.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def list_(*, as_json: bool) -> None:
    """All of them, with the addresses they may speak from, and when they were last heard.

    \b
    Example:
        parvis nas list --json
    """
    with opened(load_settings()) as database, database.reading() as db:
        nases = list_nases(db, operator_scope(db))
    if as_json:
        click.echo(json.dumps([_row(each) for each in nases], ensure_ascii=False, indent=2))
        return
    for each in nases:
        heard = each.last_packet_at.isoformat(timespec="seconds") if each.last_packet_at else "never"
        click.echo(f"{each.id:>4}  {each.name}  ({each.vendor}, {each.nas_identifier}, at {each.site.name})")
        known_by = [*(address.network for address in each.addresses), *filter(None, [each.certificate_name])]
        click.echo(f"      from {' '.join(known_by)}; last heard {heard}")
    if not nases:
        click.echo("There is none yet: `parvis nas add --help` says how to add one.")


def _row(nas: Nas) -> dict[str, str | int | list[str] | None]:
    return {
        "id": nas.id,
        "name": nas.name,
        "brand": nas.vendor,
        "nas_identifier": nas.nas_identifier,
        "site": nas.site.name,
        "addresses": sorted(each.network for each in nas.addresses),
        "certificate_name": nas.certificate_name,
        "last_packet_at": nas.last_packet_at.isoformat() if nas.last_packet_at else None,
    }


@nas.command()
@click.argument("name")
@click.option("--brand", type=click.Choice(sorted(VENDORS)), required=True)
@click.option("--site", metavar="NAME", required=True, help="Name or number of the site where it stands.")
@click.option("--identifier", metavar="TEXT", required=True, help="Its NAS-Identifier.")
@click.option("--address", "addresses", metavar="CIDR", multiple=True, help="Where its packets come from.")
@click.option("--certificate", metavar="NAME", help="RadSec: the name in its certificate. Then it needs no address.")
@click.option("--login-host", "login_hosts", metavar="HOST[:PORT]", multiple=True, help="Where its login page answers.")
@click.option(
    "--message-authenticator",
    type=click.Choice([each.value for each in MessageAuthenticatorMode]),
    default=MessageAuthenticatorMode.REQUIRED.value,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def add(
    *,
    name: str,
    brand: str,
    site: str,
    identifier: str,
    addresses: tuple[str, ...],
    certificate: str | None,
    login_hosts: tuple[str, ...],
    message_authenticator: str,
    as_json: bool,
) -> None:
    """Add one. Its secrets are made here; what has to be typed on the device is printed.

    \b
    Example:
        parvis nas add "Library, ground floor" --brand coovachilli --site "Médiathèque" \\
            --identifier library-1 --address 192.0.2.10 --login-host 10.1.0.1:3990
    """
    if not addresses and not certificate:
        raise InvalidInput("Give at least one, or the name in its certificate.", field="address")
    settings = load_settings()
    vault = Vault(settings.secret_key.get_secret_value())
    with opened(settings) as database, database.transaction() as db:
        draft = NasDraft(
            name=name,
            site_id=get_site(db, site).id,
            nas_identifier=identifier,
            networks=tuple(map(_network, addresses)),
            login_hosts=login_hosts,
            message_authenticator=MessageAuthenticatorMode(message_authenticator),
            certificate_name=normalise_certificate_name(certificate or "") or None,
        )
        made = create_nas(db, operator_scope(db), brand, draft, datetime.now(UTC), vault)
        setup = setup_of(made, settings, vault, with_secrets=True)
        nas_id = made.id
    if as_json:
        click.echo(json.dumps({"id": nas_id, "secret": setup.secret, "redirect_secret": setup.redirect_secret}))
        return
    click.echo(f"Gateway {nas_id} was added. On the device:")
    for step in setup.steps:
        click.echo(f"\n{step.title}:\n{step.text}")


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise InvalidInput(f"{text} is neither an address nor a network.", field="address") from error
