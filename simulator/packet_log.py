"""The last RADIUS packets, for people who want to see what an access point says."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

LENGTH = 40


@dataclass(frozen=True, slots=True)
class Noted:
    number: int
    at: datetime
    kind: str
    """A key of `wording.PACKETS`."""
    mac: str
    attributes: tuple[tuple[str, str], ...]
    detail: str


class PacketLog:
    def __init__(self) -> None:
        self._noted: deque[Noted] = deque(maxlen=LENGTH)
        self._lock = threading.Lock()
        self._numbers = count(1)

    def note(self, kind: str, mac: str = "", attributes: Sequence[tuple[str, str]] = (), detail: str = "") -> None:
        with self._lock:
            noted = Noted(next(self._numbers), datetime.now().astimezone(), kind, mac, tuple(attributes), detail)
            self._noted.append(noted)

    def latest_first(self) -> list[Noted]:
        with self._lock:
            return list(reversed(self._noted))
