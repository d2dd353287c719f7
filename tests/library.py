"""A library's own system that a test plays: readers, and what goes wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import sleep

from hotspot.adapters.library_systems.libraries import Libraries
from hotspot.adapters.library_systems.library_system import Finding, Unreadable
from hotspot.errors import Unavailable
from hotspot.policy.readers import Reader


@dataclass
class PlayedLibrary:
    readers: dict[tuple[str, str], Reader] = field(default_factory=dict)
    """By what is typed: card and PIN."""
    is_away: bool = False
    unreadable: str | None = None
    """A card whose record cannot be read."""
    fault: Exception | None = None
    """Of ours."""
    takes: float = 0.0
    """Seconds."""
    asked: list[str] = field(default_factory=list)
    is_closed: bool = False

    def knows(self, reader: Reader, pin: str, typed: str | None = None) -> Reader:
        self.readers[typed or reader.card_number, pin] = reader
        return reader

    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        self.asked.append(card_number)
        sleep(min(self.takes, within.total_seconds()))
        if self.is_away or self.takes > within.total_seconds():
            raise Unavailable("library") from OSError("connection refused")
        if self.fault is not None:
            raise self.fault
        if card_number == self.unreadable:
            raise Unreadable("expiry is not a date")
        return self.readers.get((card_number, pin))

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        return ()

    def close(self) -> None:
        self.is_closed = True

    def libraries(self, patience: timedelta = timedelta(seconds=1), **others: Callable[[], float]) -> Libraries:
        return Libraries(patience, 4, lambda _kind, _settings: self, **others)
