"""`parvis identity`: providers that vouch for visitors (OpenID Connect), FranceConnect among them."""

import json
import sys
from datetime import UTC, datetime

import click

from hotspot.adapters.openid.examination import Finding, Verdict, examine
from hotspot.identity_wording import explain_check
from hotspot.models import IdentityProvider
from hotspot.policy.identity_profiles import RULES
from hotspot.portal_links import identity_callback_url, identity_signed_out_url
from hotspot.sealing import Vault
from hotspot.services import identity_providers
from hotspot.services.identity_providers import PROMPTS, ProviderDraft
from hotspot.settings import Settings, load_settings
from hotspot.values import IdentityProfile
from parvis.commands.operator import get_organisation, opened, operator_scope

_ISSUERS = dict(RULES[IdentityProfile.FRANCECONNECT].issuers)


@click.group()
def identity() -> None:
    """Identity providers that vouch for visitors: FranceConnect and others."""


@identity.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def list_(*, as_json: bool) -> None:
    """Those that are in use, with the addresses that they must know.

    \b
    Example:
        parvis identity list
    """
    settings = load_settings()
    with opened(settings) as database, database.reading() as db:
        rows = [_row(each, settings) for each in identity_providers.list_providers(db, operator_scope(db))]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['id']:>4}  {row['name']}  ({row['profile']}, {'ready' if row['ready'] else 'without client'})"
        )
        click.echo(f"      issuer {row['issuer']}")
    if not rows:
        click.echo("There is none yet: `parvis identity add --help` says how to add one.")


def _row(provider: IdentityProvider, settings: Settings) -> dict[str, object]:
    return {
        "id": provider.id,
        "name": provider.name,
        "profile": provider.profile.value,
        "issuer": provider.issuer,
        "ready": bool(provider.client_id),
        "redirect_uri": identity_callback_url(settings, provider.id),
        "post_logout_redirect_uri": identity_signed_out_url(settings),
    }


@identity.command()
@click.argument("name")
@click.option("--profile", type=click.Choice([each.value for each in IdentityProfile]), required=True)
@click.option("--issuer", metavar="URL", help=f"With FranceConnect also one of these words: {', '.join(_ISSUERS)}.")
@click.option("--organisation", metavar="NAME", help="Name or number; not needed where there is only one.")
@click.option("--scopes", default="openid", show_default=True, help="Nothing but openid is needed or kept.")
@click.option("--acr", default="", help="Level of assurance; FranceConnect: eidas1 without it.")
@click.option("--prompt", type=click.Choice([each for each in PROMPTS if each]), default=None)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def add(
    *,
    name: str,
    profile: str,
    issuer: str | None,
    organisation: str | None,
    scopes: str,
    acr: str,
    prompt: str | None,
    as_json: bool,
) -> None:
    """Add one. The addresses to declare there are printed; `parvis identity client` says who we are there.

    \b
    Example:
        parvis identity add FranceConnect --profile franceconnect --issuer integration
    """
    settings = load_settings()
    with opened(settings) as database, database.transaction() as db:
        draft = ProviderDraft(
            organisation_id=get_organisation(db, organisation).id,
            name=name,
            profile=IdentityProfile(profile),
            issuer=_ISSUERS.get(issuer or "", issuer or ""),
            scopes=scopes,
            acr=acr,
            prompt=prompt or "",
        )
        made = identity_providers.create_provider(db, operator_scope(db), draft, datetime.now(UTC))
        row = _row(made, settings)
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    click.echo(f"Identity provider {row['id']} was added. Declare there:")
    click.echo(f"  redirect URI:              {row['redirect_uri']}")
    click.echo(f"  post-logout redirect URI:  {row['post_logout_redirect_uri']}")


@identity.command()
@click.argument("number", type=int)
@click.option("--id", "client_id", metavar="TEXT", required=True, help="As the provider gave it.")
def client(*, number: int, client_id: str) -> None:
    """Say who we are there. The secret is read from standard input.

    \b
    Example:
        parvis identity client 1 --id 211286433e39cce01db448d80181bdfd < secret.txt
    """
    settings = load_settings()
    vault, secret = Vault(settings.secret_key.get_secret_value()), sys.stdin.read()
    with opened(settings) as database, database.transaction() as db:
        identity_providers.set_client(db, operator_scope(db), number, client_id, secret, datetime.now(UTC), vault)
    click.echo(f"The client of identity provider {number} was set. `parvis identity test {number}` tries it.")


@identity.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def test(*, number: int, as_json: bool) -> None:
    """Ask it what it is, for its keys and whether it knows us. Exit code 1 if anything is wrong.

    \b
    Example:
        parvis identity test 1
    """
    settings = load_settings()
    vault = Vault(settings.secret_key.get_secret_value())
    with opened(settings) as database, database.reading() as db:
        provider = identity_providers.get_provider(db, operator_scope(db), number)
        asked = identity_providers.settings_of(provider, settings, vault)
    findings = examine(asked)
    if as_json:
        click.echo(json.dumps([_finding(each) for each in findings]))
    for each in () if as_json else findings:
        click.echo(f"{each.verdict.value:<9} {explain_check(each, 'en')}{f' ({each.detail})' if each.detail else ''}")
    if any(each.verdict is Verdict.WRONG for each in findings):
        raise SystemExit(1)


def _finding(finding: Finding) -> dict[str, str]:
    return {"check": finding.check.value, "verdict": finding.verdict.value, "detail": finding.detail}


@identity.command()
@click.argument("number", type=int)
def retire(*, number: int) -> None:
    """Send nobody there any more. Offers that lead there have to be retired first.

    \b
    Example:
        parvis identity retire 1
    """
    with opened(load_settings()) as database, database.transaction() as db:
        identity_providers.retire_provider(db, operator_scope(db), number, datetime.now(UTC))
    click.echo(f"Identity provider {number} is used no longer.")
