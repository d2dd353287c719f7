"""`parvis doctor`: is everything that an installation rests on there, reachable, and as it should be?"""

import json
import platform
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

import migrations
from hotspot.adapters.mail import open_postbox
from hotspot.adapters.redis import open_redis
from hotspot.adapters.sms import unknown_places
from hotspot.adapters.sms_providers import account_of, provider_of
from hotspot.errors import Unavailable
from hotspot.health import check_health
from hotspot.services.nases import address_to_type
from hotspot.settings import Settings, SettingsError, load_settings
from parvis.commands.operator import opened
from parvis.programs import is_well
from parvis.startup import StartError, check_ports, prepare_var, wanted_ports
from radius.certificates import WARN_BEFORE, Certificates, is_for


@dataclass(frozen=True)
class Finding:
    what: str
    ok: bool
    detail: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def doctor(*, as_json: bool) -> None:
    """Look at everything that could keep this installation from working. Exit code 1 if something does.

    \b
    Example:
        parvis doctor --json
    """
    findings = list(_examine(load_settings()))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))
    else:
        for each in findings:
            click.echo(f"{'ok ' if each.ok else 'BAD'}  {each.what}: {each.detail}")
    if not all(each.ok for each in findings):
        raise click.exceptions.Exit(1)


def _examine(settings: Settings) -> Iterator[Finding]:
    yield Finding("Python", ok=True, detail=f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield _try("data folder", lambda: _var(settings.var_dir))
    yield _key_file(settings.var_dir / "secret.key")
    with opened(settings) as database, open_redis(settings) as redis:
        health = check_health(database, redis)
    yield Finding("database", health["database"] == "ok", _place(settings.database_address))
    if health["database"] == "ok":
        yield _try("tables", lambda: _tables(settings.database_address))
    if settings.has_radsec:
        yield _radsec_certificate(settings)
    if settings.mail_host is not None:
        yield _mail_server(settings)
    if settings.has_sms:
        yield _text_provider(settings)
    runs = {name: is_well(settings.listen_host, port) for name, port in _status_ports(settings).items()}
    # the embedded Redis lives and dies with the processes: without them its absence is no fault
    needed = bool(settings.redis_url) or any(runs.values())
    absent = "" if health["redis"] == "ok" else " (does not answer)" if needed else " (started with the processes)"
    yield Finding("Redis", health["redis"] == "ok" or not needed, _place(settings.redis_address) + absent)
    for name, well in runs.items():
        if well:
            yield Finding(name, ok=True, detail="is running and well")
        else:
            yield _try(name, lambda name=name: _free(settings, name))  # type: ignore[misc]


def _status_ports(settings: Settings) -> dict[str, int]:
    return {
        "portal": settings.portal_port,
        "staff": settings.staff_port,
        "radius": settings.radius_status_port,
        **{f"radius ({number})": port for number, port in enumerate(settings.radius_status_ports[1:], start=2)},
        "worker": settings.worker_status_port,
    }


def _try(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, detail=look())
    except StartError as error:
        return Finding(what, ok=False, detail=str(error).replace("\n", " "))
    except Unavailable as error:
        return Finding(what, ok=False, detail=f"the {error.dependency} cannot be reached")


def _var(var_dir: Path) -> str:
    prepare_var(var_dir)
    return f"{var_dir.absolute()} can be written to"


def _key_file(path: Path) -> Finding:
    if not path.exists():
        return Finding("secret key", ok=True, detail="given by the environment or the settings file")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding("secret key", ok=False, detail=f"others can read {path} (mode {mode:o}): chmod 600 {path}")
    return Finding("secret key", ok=True, detail=f"{path}, readable by its owner alone")


def _radsec_certificate(settings: Settings) -> Finding:
    try:
        ends_at = Certificates(settings).ends_at
    except SettingsError as error:
        return Finding("RadSec certificate", ok=False, detail=str(error))
    left = ends_at - datetime.now(UTC)
    if left <= timedelta(0):
        return Finding("RadSec certificate", ok=False, detail=f"ended on {ends_at:%Y-%m-%d}: renew it")
    warning = ": renew it soon" if left < WARN_BEFORE else ""
    host = address_to_type(settings)
    if settings.radsec_certificate is not None and not is_for(settings.radsec_certificate, host):
        warning += f"; it is not for {host}, which gateways are told to connect to"
    return Finding("RadSec certificate", ok=not warning, detail=f"ends on {ends_at:%Y-%m-%d}{warning}")


def _mail_server(settings: Settings) -> Finding:
    place = f"{settings.mail_host}:{settings.mail_port}"
    try:
        with open_postbox(settings):
            return Finding("mail server", ok=True, detail=f"{place} takes our mails")
    except Unavailable as error:
        return Finding("mail server", ok=False, detail=f"{place} cannot be used: {error.__cause__}")


def _text_provider(settings: Settings) -> Finding:
    """Whether its key is right cannot be known without a text message that is paid for."""
    from hotspot.adapters.sms_http import open_text_sender

    provider = provider_of(settings)
    assert provider is not None  # noqa: S101 - asked only where there is one
    what, who = "text messages", settings.sms_provider
    templates = (provider.url, provider.body, *provider.headers.values())
    unknown = [name for template in templates for name in unknown_places(template)]
    if unknown:
        return Finding(what, ok=False, detail=f"there is no place called {{{unknown[0]}}}")
    try:
        with open_text_sender(provider, account_of(settings)) as sender:
            status = sender.reach()
    except Unavailable as error:
        return Finding(what, ok=False, detail=f"{who} cannot be reached: {error.__cause__}")
    return Finding(what, ok=True, detail=f"{who} answers ({status}); its key was not tried")


def _tables(address: str) -> str:
    if not migrations.current_is_head(address):
        raise StartError("not up to date: run `parvis db upgrade`")
    return "up to date"


def _free(settings: Settings, name: str) -> str:
    check_ports(wanted_ports(settings, name))
    return "is not running; its ports are free"


def _place(address: str) -> str:
    """Without what stands before an @: that can hold a password."""
    scheme, separator, rest = address.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
