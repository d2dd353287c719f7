"""Was every answer true? What a server acknowledged is looked for in its own database afterwards."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.packets import DOWNLOAD, Step, Visitor
from benchmarks.servers import PostgreSql

_PATIENCE = 15.0
"""Seconds that a server has for what it writes behind its answers."""


class Turn(NamedTuple):
    """One request: whose, what it says, and how long the session has lasted."""

    visitor: Visitor
    step: Step
    seconds: int


class Kept(NamedTuple):
    """A Wi-Fi session as a database has it."""

    seconds: int
    download_octets: int
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where one server keeps its books."""

    server: PostgreSql
    database: str
    sessions: str
    """SQL for session id, seconds, download octets, whether it has ended, of those whose id is LIKE the argument."""
    logins: str
    """SQL for how many logins were ever written down."""

    def count_logins(self) -> int:
        with self.server.connect(self.database) as connection:
            found = connection.execute(self.logins.encode()).fetchone()
        return int(found[0]) if found else 0

    def find_sessions(self, label: str) -> dict[str, Kept]:
        with self.server.connect(self.database) as connection:
            rows = connection.execute(self.sessions.encode(), (label + "%",))
            return {name: Kept(int(seconds), int(octets), ended) for name, seconds, octets, ended in rows}

    def count_stored(self, answered: Iterable[Turn], label: str, logins_before: int) -> int:
        """How many of the answered requests are in the database, at the latest a little later."""
        asked, give_up = list(answered), time.monotonic() + _PATIENCE
        logins = sum(turn.step.is_login for turn in asked)
        while True:
            written = min(logins, self.count_logins() - logins_before)
            kept = self.find_sessions(label) if logins < len(asked) else {}
            stored = written + sum(is_kept(turn, kept) for turn in asked if not turn.step.is_login)
            if stored == len(asked) or time.monotonic() > give_up:
                return stored
            time.sleep(0.2)


def is_kept(turn: Turn, sessions: Mapping[str, Kept]) -> bool:
    """Its session is there, has lasted at least so long, has the octets that belong to that, and has ended if it
    said so."""
    kept = sessions.get(turn.visitor.session_id)
    if kept is None or kept.seconds < turn.seconds or kept.download_octets != kept.seconds * DOWNLOAD:
        return False
    return kept.has_ended or turn.step is not Step.STOP
