"""The `parvis` command. Each command is thin: it reads what was asked, calls a service, prints what came of it.

Commands are imported when they are asked for: the supervisor stays small, and `--help` is quick.
Exit codes: 0 done; 1 it could not be done, with a sentence on standard error; 2 the command was mistyped.
"""

from importlib import import_module
from typing import Any

import click

from hotspot.errors import Conflict, Forbidden, HotspotError, InvalidInput, NotFound, Unavailable
from hotspot.settings import SettingsError
from parvis.startup import StartError

_COMMANDS = {
    "serve": "parvis.commands.serving:serve",
    "demo": "parvis.commands.serving:demo",
    "db": "parvis.commands.database:db",
    "organisation": "parvis.commands.organisations:organisation",
    "offer": "parvis.commands.offers:offer",
    "staff": "parvis.commands.staff:staff",
    "nas": "parvis.commands.nases:nas",
    "radsec": "parvis.commands.radsec:radsec",
    "identity": "parvis.commands.identity_providers:identity",
    "patrons": "parvis.commands.patrons:patrons",
    "vouchers": "parvis.commands.vouchers:vouchers",
    "simulate": "parvis.commands.simulate:simulate",
    "doctor": "parvis.commands.doctor:doctor",
}


class _Commands(click.Group):
    """Finds a command in its module, and says in one sentence why one could not be done."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            hint = "\n`parvis db upgrade` makes the key of a new machine." if "SECRET_KEY: Field" in str(error) else ""
            raise click.ClickException(str(error) + hint) from error
        except StartError as error:
            raise click.ClickException(str(error)) from error
        except HotspotError as error:
            raise click.ClickException(_in_words(error)) from error


def _in_words(error: HotspotError) -> str:
    match error:
        case InvalidInput() | Conflict():
            problem = error.problem % error.facts if error.facts else error.problem
            field = getattr(error, "field", None)
            return f"{field}: {problem}" if field else problem
        case NotFound():
            return f"There is no such {error.what}."
        case Unavailable():
            return f"The {error.dependency} cannot be reached."
        case Forbidden():
            return "This is not allowed."
    return str(error)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name=None, version="0.1.0", prog_name="parvis")
def main() -> None:
    """Parvis: a captive portal and hotspot manager for municipalities.

    Settings come from the environment (PARVIS_…) or from the TOML file that PARVIS_CONFIG names.
    """
