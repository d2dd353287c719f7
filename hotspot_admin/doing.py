"""A button of the desk: what it does succeeds, or the page that it was on says why it did not."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue

from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.errors import Conflict, Unavailable
from hotspot.models import Grant
from hotspot_admin.language import gettext
from hotspot_admin.resources import now, resources


@dataclass(slots=True)
class Doing:
    succeeded: bool = True


@contextmanager
def trying() -> Iterator[Doing]:
    """A conflict is said at the head of the next page: at a desk nobody should have to go back and reload."""
    doing = Doing()
    try:
        yield doing
    except Conflict as conflict:
        doing.succeeded = False
        flash(gettext(conflict.problem, **conflict.facts), "problem")


def back_to(usual: str) -> ResponseReturnValue:
    """The page of the desk that the button was on, or the usual one."""
    asked = own_path(request.form.get("back", "")) or usual
    return redirect(asked if asked == "/desk" or asked.startswith("/desk/") else usual, 303)


def own_path(address: str) -> str | None:
    """A path of this application, never another site: `//elsewhere` and `/\\elsewhere` are addresses too."""
    if not address.startswith("/") or address[1:2] in ("/", "\\") or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if not parts.scheme and not parts.netloc and not parts.path.startswith("/sign-in") else None


def let_come_back(grants: Iterable[Grant]) -> None:
    """After the commit: the portal is told that these devices have a visit to go on with. Without Redis nobody signs in
    anyway, and when it comes back every device is looked for in the tables."""
    lives = {grant.device_mac: grant.ends_at - now() for grant in grants if grant.ends_at > now()}
    with suppress(Unavailable):
        ReturningDevices(resources().redis).remember(lives)
