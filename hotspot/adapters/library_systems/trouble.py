"""Why there is no sound answer from a library's system."""

from collections.abc import Iterable

from hotspot.adapters.library_systems.library_system import Step

_LONGEST_DETAIL = 180


class Trouble(Exception):
    """No sound answer: at which step, and what the other side or the machine said; no card, PIN or password."""

    def __init__(self, step: Step, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.detail = detail


class RecordTrouble(Trouble):
    """One reader's record cannot be read: the answer is sound but for that. The detail names no value of it."""


def shown(text: str, hidden: Iterable[str] = ()) -> str:
    """What the other side said, on one line and short, with stars for the card, PIN or password that it may repeat."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for each in sorted({each for each in hidden if each}, key=len, reverse=True):
        line = line.replace(each, "***")
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"
