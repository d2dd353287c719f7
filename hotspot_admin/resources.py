"""What `create_app` was given, for the views: settings, database, Redis, vault and clock. And who is asking."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_login import current_user
from redis import Redis

from hotspot.db import Database
from hotspot.sealing import Vault
from hotspot.services.staff import Scope
from hotspot.settings import Settings

_KEY = "parvis"


@dataclass(frozen=True)
class Resources:
    settings: Settings
    database: Database
    redis: "Redis"
    vault: Vault
    clock: Callable[[], datetime]


def keep(resources: Resources) -> tuple[str, Resources]:
    """The entry of `app.extensions`."""
    return _KEY, resources


def resources() -> Resources:
    kept: Resources = current_app.extensions[_KEY]
    return kept


def now() -> datetime:
    return resources().clock()


def scope() -> Scope:
    """The signed-in staff member's. Only behind `@requires`."""
    theirs: Scope = current_user.scope
    return theirs
