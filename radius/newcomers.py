"""How many may knock at the RadSec door: new connections in a window of time, handshakes at once, of one address.

A handshake costs a millisecond or so of the thread that also answers UDP. No socket, no clock.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Generic, TypeVar

WINDOW = timedelta(milliseconds=100)
MOST_NEW = 10
"""Taken in one window: the others wait in the kernel."""
MOST_HANDSHAKES = 256
MOST_HANDSHAKES_FROM_ONE = 32
"""Of one address. Several access points may stand behind it."""

Newcomer = TypeVar("Newcomer")


class Newcomers(Generic[Newcomer]):
    """Connections whose handshake is not over."""

    def __init__(self) -> None:
        self._window_began_at: datetime | None = None
        self._new = 0
        self._address_of: dict[Newcomer, str] = {}  # the oldest first
        self._from: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._address_of)

    def begins_window(self, now: datetime) -> bool:
        """Is the last one over? Also if the clock has been set back."""
        began = self._window_began_at
        if began is not None and timedelta(0) <= now - began < WINDOW:
            return False
        self._window_began_at, self._new = now, 0
        return True

    @property
    def has_room_in_window(self) -> bool:
        return self._new < MOST_NEW

    def take(self) -> None:
        """One has come, whatever becomes of it."""
        self._new += 1

    def has_room_for(self, address: str) -> bool:
        return self._from[address] < MOST_HANDSHAKES_FROM_ONE

    def who_gives_way(self) -> Newcomer | None:
        """To the next one."""
        return next(iter(self._address_of)) if len(self._address_of) >= MOST_HANDSHAKES else None

    def add(self, newcomer: Newcomer, address: str) -> None:
        self._address_of[newcomer] = address
        self._from[address] += 1

    def forget(self, newcomer: Newcomer) -> None:
        """Its handshake is over, well or not; or was long since."""
        address = self._address_of.pop(newcomer, None)
        if address is not None:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]
