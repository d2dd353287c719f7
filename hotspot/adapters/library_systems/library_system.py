"""What a library's own system is asked, and what it answers. Each kind of system has one class, in a module beside it.

A class is made from its settings, kept as long as those stand, and used by several threads at once. It decides
nothing: whether a card that is blocked or has expired may use the Wi-Fi is for `hotspot/policy/readers.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from hotspot.errors import Unavailable
from hotspot.policy.readers import Reader


class Step(StrEnum):
    """What a connection is examined for, in this order. Not every kind of system has every step."""

    REACHED = "reached"
    """Host and port answer."""
    TRUSTED = "trusted"
    """TLS: its certificate is right for the host."""
    LET_IN = "let_in"
    """Our own account is accepted."""
    SPEAKS = "speaks"
    """It answers in the protocol that was chosen, and offers what is needed."""
    INSTITUTION = "institution"
    """It knows the institution code."""
    CARD = "card"
    """The card of the examination is known, with its PIN."""
    WRONG_PIN = "wrong_pin"
    """The same card with another PIN is refused. A system that accepts it lets anybody in: dangerous."""
    NO_PIN = "no_pin"
    """A card without PIN is refused."""


class Outcome(StrEnum):
    WELL = "well"
    DOUBTFUL = "doubtful"
    """It works, and somebody should look at it."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of an examination. Its sentence for people is in `hotspot/library_wording.py`."""

    step: Step
    outcome: Outcome
    detail: str = ""
    """What the other side, or the machine, said: technical, in its own language, without any card, PIN or password."""


class ConnectionSettings(BaseModel):
    """What staff enter for one system. Each field has a title and, where it helps, a description: message ids, shown by
    the form that is made from this class. Types: str, SecretStr, int, float, bool, Literal, HttpUrl."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Unreadable(Unavailable):
    """Of one reader: the system answers, and their record cannot be read. It says nothing of other readers."""

    def __init__(self, because: str) -> None:
        """`because`: which part of a record, never what stands in it."""
        super().__init__("library")
        self.because = because


class LibrarySystem(Protocol):
    def ask(self, card_number: str, pin: str, within: timedelta) -> Reader | None:
        """The reader; None if there is no such card or the PIN is wrong: the two are not told apart.

        An empty card number or PIN is None without asking, unless the settings say that cards have no PIN. Unavailable(
        "library") when there is no sound answer `within` that time, whoever is to blame; Unreadable where that is this
        reader's record alone.
        """
        ...

    def examine(self, card_number: str, pin: str, within: timedelta) -> Sequence[Finding]:
        """For staff who set it up; raises nothing. Steps after the first WRONG one are left out. Without a card the
        steps that need one are left out."""
        ...

    def close(self) -> None: ...
