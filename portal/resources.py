"""What the views work with, built once by `create_app`."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Generic, TypeVar

from flask import current_app
from redis import Redis

from hotspot.adapters.identity_attempts import IdentityAttempts
from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.last_arrival import LastArrivals
from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.library_systems.libraries import Libraries
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.adapters.openid.known_providers import KnownProviders
from hotspot.adapters.rate_limit import RateLimits
from hotspot.adapters.refusal_memory import RefusalMemory
from hotspot.adapters.returning_devices import ReturningDevices
from hotspot.adapters.survey_turns import SurveyTurns
from hotspot.db import Database
from hotspot.sealing import Vault
from hotspot.services.announcing import Rotation
from hotspot.services.arriving import Place
from hotspot.services.offers import SiteShown
from hotspot.settings import Settings
from portal.drawn_page import DrawnPage

Known = TypeVar("Known")

_KEEP_SECONDS = 2.0
"""A change by staff is seen within this time."""


class Memory(Generic[Known]):
    """What is the same for every visitor of a site, kept for two seconds: a crowd costs one look at the tables.

    Holds a few entries per site; emptied when strangers make it grow.
    """

    def __init__(self, size: int = 4096) -> None:
        self._entries: dict[Hashable, tuple[float, Known]] = {}
        self._size = size

    def get(self, key: Hashable, load: Callable[[], Known]) -> Known:
        entry = self._entries.get(key)
        if entry is not None and entry[0] > monotonic():
            return entry[1]
        value = load()
        if len(self._entries) >= self._size:
            self._entries.clear()
        self._entries[key] = (monotonic() + _KEEP_SECONDS, value)
        return value


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A place, and its redirect secret in the clear: opening one costs more than checking a signature with it."""

    place: Place
    redirect_secret: str = field(repr=False)


@dataclass(frozen=True)
class Resources:
    settings: Settings
    database: Database
    redis: "Redis"
    clock: Callable[[], datetime]
    vault: Vault
    logins: OneTimeLogins
    limits: RateLimits
    last_arrivals: LastArrivals
    last_refusals: LastRefusals
    refusals: RefusalMemory
    returning: ReturningDevices
    known: KnownDevices
    libraries: Libraries
    identity_attempts: IdentityAttempts
    survey_turns: SurveyTurns
    identity_providers: KnownProviders = field(default_factory=KnownProviders)
    places: Memory[KnownPlace | None] = field(default_factory=Memory)
    gateways: Memory[tuple[str, str] | None] = field(default_factory=Memory)
    """By the address that a browser's requests come from: the NAS that it stands behind."""
    rotations: Memory[Rotation] = field(default_factory=Memory)
    """By site and day: what may be shown there."""
    sites: Memory[SiteShown] = field(default_factory=Memory)
    pages: Memory[DrawnPage] = field(default_factory=lambda: Memory(size=512))
    """Welcome pages without their arrival token."""


def resources() -> Resources:
    made: Resources = current_app.extensions["parvis"]
    return made
