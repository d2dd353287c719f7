"""What really happened, as nobody but the simulator can know: each session, each record of it that the server answered,
each announcement, each wait. Moments are Unix times of the town."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Told:
    """What one accounting record said."""

    status: int
    seconds: int
    download_octets: int
    upload_octets: int
    cause: int | None = None
    answered: bool = False


@dataclass(slots=True)
class TrueSession:
    nas_identifier: str
    site: str
    mac: str
    acct_session_id: str
    user_name: str
    class_hex: str
    started_at: float
    session_timeout: int
    """As last told."""
    announcement_every: int = 0
    ended_at: float | None = None
    cause: str = ""
    download_octets: int = 0
    upload_octets: int = 0
    limit_at: float | None = None
    """When the earliest promise of the town says that it ends."""
    limited_by: str = ""
    octets_over: int | None = None
    """Beyond what its visit may use; None: that is not limited."""
    told: list[Told] = field(default_factory=list)
    changed: int = 0
    """By a CoA."""
    left_at: float | None = None
    """When the phone walked away; its gateway counts on until it has noticed."""
    crashed: bool = False
    """The gateway fell over: what was not told by then is lost."""

    def span(self, since: float, moment: float, *, present: bool = False) -> tuple[float, float]:
        """(from, to) within these moments; nothing if `to` is earlier. `present`: only while the phone was there."""
        end = min(self.ended_at if self.ended_at is not None else moment, moment)
        if present and self.left_at is not None:
            end = min(end, self.left_at)
        return max(self.started_at, since), end

    @property
    def acceptable(self) -> list[Told]:
        """What the server may hold: the last record that it answered, or a later one whose answer was lost."""
        at = next((at for at in range(len(self.told) - 1, -1, -1) if self.told[at].answered), 0)
        return self.told[at:]


@dataclass(slots=True)
class Occasion:
    """A device has come to the portal of a place with announcements."""

    mac: str
    happened_at: float
    every: float
    connected: float | None
    """Seconds of connection since its last view; None: it has seen none yet."""
    present: float | None
    """The same without what gateways counted after it had walked away."""
    shown: bool = False
    completed: bool = False
    ahead: bool = False
    """It had asked for it before its time."""
    by_form: bool = False
    """It was asked to sign in, although its visit was not over."""
    unheard: bool = False
    """The end of one of its sessions has not reached the server."""


@dataclass(slots=True)
class SignIn:
    mac: str
    happened_at: float
    seconds: float
    """Of ours, that machines took: pages and RADIUS, without what is waited or read."""
    outcome: str
    """`online`, else what stood in the way."""
    pages: int = 0


@dataclass
class Truth:
    began_at: float
    interim_interval: int
    speed: float = 1.0
    sessions: list[TrueSession] = field(default_factory=list)
    occasions: list[Occasion] = field(default_factory=list)
    sign_ins: list[SignIn] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Whatever is only counted: packets lost, mishaps, pages."""
    worst_lateness: float = 0.0
    """Seconds of the town by which the simulator did something later than it should have."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of ours until RADIUS answered, by what was asked; whatever was repeated included."""
    facts: list[tuple[str, float]] = field(default_factory=list)
    """Seconds by which the RFC 8908 answer was off, and the like: (name, value)."""
    ended_at: float = 0.0
    seconds_of_ours: float = 0.0

    def write(self, path: Path) -> None:
        plain = asdict(replace(self, counts=Counter())) | {"counts": dict(self.counts)}  # asdict spoils a Counter
        path.write_text(json.dumps(plain), encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """ValueError or TypeError or KeyError if the file is no truth."""
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    sessions = [
        TrueSession(**session | {"told": [Told(**told) for told in session["told"]]}) for session in given["sessions"]
    ]
    return Truth(
        **given
        | {
            "sessions": sessions,
            "occasions": [Occasion(**each) for each in given["occasions"]],
            "sign_ins": [SignIn(**each) for each in given["sign_ins"]],
            "counts": Counter(given["counts"]),
            "facts": [(name, value) for name, value in given["facts"]],
        }
    )
