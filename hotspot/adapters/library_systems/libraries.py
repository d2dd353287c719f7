"""The connections of this process to library systems: made when first asked for, guarded while a system is away.

After failures in a row a system is left alone for a moment, and asked again by one request at a time: whoever comes
meanwhile is told at once that it is away. At most half of the threads wait for one system: the others serve everybody
else.
"""

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from structlog import get_logger

from hotspot.adapters.library_systems.library_system import ConnectionSettings, LibrarySystem, Outcome, Unreadable
from hotspot.errors import Unavailable
from hotspot.policy.readers import Reader
from hotspot.values import LibrarySystemKind

log = get_logger()

FAILURES = 2
"""In a row; then it is away."""
REST = 5.0
"""Seconds for which it is left alone then."""

_CLASSES: Mapping[LibrarySystemKind, tuple[str, str, str]] = {
    LibrarySystemKind.SIP2: ("sip2", "Sip2Settings", "Sip2"),
    LibrarySystemKind.KOHA_REST: ("koha_rest", "KohaRestSettings", "KohaRest"),
    LibrarySystemKind.KOHA_ILSDI: ("koha_ilsdi", "KohaIlsDiSettings", "KohaIlsDi"),
    LibrarySystemKind.LDAP: ("ldap_directory", "LdapSettings", "LdapDirectory"),
    LibrarySystemKind.HTTP: ("http_connector", "HttpSettings", "HttpConnector"),
}
"""Module, settings, system. Imported when first used: a village without any does not keep them in memory."""


def settings_class(kind: LibrarySystemKind) -> type[ConnectionSettings]:
    module, settings, _ = _CLASSES[kind]
    made: type[ConnectionSettings] = getattr(import_module(f"{__package__}.{module}"), settings)
    return made


def open_library(kind: LibrarySystemKind, settings: str) -> LibrarySystem:
    """`settings`: the JSON of its settings class."""
    module, _, system = _CLASSES[kind]
    make: Callable[[Any], LibrarySystem] = getattr(import_module(f"{__package__}.{module}"), system)
    return make(settings_class(kind).model_validate_json(settings))


OpenOne = Callable[[LibrarySystemKind, str], LibrarySystem]


@dataclass(frozen=True, slots=True)
class Connection:
    """Which system, and how it is reached."""

    system_id: int
    revision: int
    kind: LibrarySystemKind
    settings: str = field(repr=False)
    """JSON of the settings class of its kind, secrets included."""
    keeps_pins: bool
    """For when it is away."""


def answers(connection: Connection, within: timedelta) -> bool:
    """Is it there, without a card? On a connection of its own: what others know of the system is not touched."""
    try:
        system = open_library(connection.kind, connection.settings)
    except ValueError:  # settings that cannot be read: nobody can ask it
        return False
    try:
        return all(finding.outcome is not Outcome.WRONG for finding in system.examine("", "", within))
    finally:
        system.close()


class Away(Unavailable):
    """The system gives no sound answer. `is_certain`: not only this once."""

    def __init__(self, because: str, *, is_certain: bool) -> None:
        super().__init__("library")
        self.because = because
        self.is_certain = is_certain


class Libraries:
    """All of it may be called by several threads."""

    def __init__(
        self,
        patience: timedelta,
        threads: int,
        open_one: OpenOne = open_library,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._patience = patience
        self._most_waiting = max(1, threads // 2)
        self._open_one = open_one
        self._clock = clock
        self._lock = threading.Lock()
        self._guarded: dict[int, _Guarded] = {}

    def ask(self, connection: Connection, card_number: str, pin: str) -> Reader | None:
        """None: no such card, or the wrong PIN. Away (Unavailable) within the patience."""
        return self._of(connection).ask(card_number, pin, self._patience)

    def close(self) -> None:
        with self._lock:
            guarded, self._guarded = self._guarded, {}
        for each in guarded.values():
            each.close()

    def _of(self, connection: Connection) -> "_Guarded":
        outdated = None
        with self._lock:
            known = self._guarded.get(connection.system_id)
            if known is None or known.revision != connection.revision:
                outdated = known
                known = _Guarded(connection, self._most_waiting, self._open_one, self._clock)
                self._guarded[connection.system_id] = known
        if outdated is not None:
            outdated.close()
        return known


class _Guarded:
    def __init__(
        self,
        connection: Connection,
        most_waiting: int,
        open_one: OpenOne,
        clock: Callable[[], float],
    ) -> None:
        self.revision = connection.revision
        self._connection = connection
        self._open_one = open_one
        self._clock = clock
        self._room = threading.BoundedSemaphore(most_waiting)
        self._lock = threading.Lock()
        self._system: LibrarySystem | None = None
        self._failures = 0
        self._because = ""
        self._rests_until = 0.0

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        began = monotonic()
        self._wait_for_its_turn(within)
        try:
            left = within - timedelta(seconds=monotonic() - began)
            if left <= timedelta(0):
                raise _too_many()
            reader = self._opened().ask(card_number, pin, left)
        except Away:
            raise
        except Unreadable as error:  # it answers: who has a sound record is not kept out with this one
            self._failures = 0
            log.warning("library_record_unreadable", system=self._connection.system_id, because=error.because)
            raise Away(error.because, is_certain=False) from error
        except Unavailable as error:
            raise self._failed(error.__cause__ or error, str(error.__cause__ or "")) from error
        except Exception as error:  # a fault of ours, or settings that are none: as good as away, and said so
            at = traceback.extract_tb(error.__traceback__)[-1]  # without the error's text, which may quote a card
            fault = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}"
            log.error("library_not_asked", system=self._connection.system_id, fault=fault)
            raise self._failed(error, "") from error
        finally:
            self._room.release()
        self._failures = 0
        return reader

    def close(self) -> None:
        with self._lock:
            system, self._system = self._system, None
        if system is not None:
            system.close()

    def _wait_for_its_turn(self, within: timedelta) -> None:
        with self._lock:
            if self._failures >= FAILURES:
                if self._clock() < self._rests_until:
                    raise Away(self._because, is_certain=True)
                self._rests_until = self._clock() + max(REST, within.total_seconds())  # this one tries for all others
        if not self._room.acquire(timeout=within.total_seconds()):
            raise _too_many()

    def _opened(self) -> LibrarySystem:
        with self._lock:
            if self._system is None:
                self._system = self._open_one(self._connection.kind, self._connection.settings)
            return self._system

    def _failed(self, cause: BaseException, said: str) -> Away:
        """`said`: is shown to staff; without it, what kind of failure it is."""
        with self._lock:
            self._failures += 1
            self._because = (said or type(cause).__name__)[:200]
            is_certain = self._failures >= FAILURES
            if is_certain:
                self._rests_until = self._clock() + REST
        log.warning("library_away", system=self._connection.system_id, because=type(cause).__name__)
        return Away(self._because, is_certain=is_certain)


def _too_many() -> Away:
    """It may be well, and only slow: nothing is said of it."""
    return Away("too many wait for it", is_certain=False)
