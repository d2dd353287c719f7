"""What makes paper an organisation's own: its colour and its logo, each inherited from the nearest one above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotspot.models import Organisation


@dataclass(frozen=True, slots=True)
class Look:
    colour: str = ""
    """#rrggbb; empty for black and greys."""
    logo: bytes | None = None
    """A PNG that we wrote (`logo.py`)."""


def look_of(organisation: Organisation) -> Look:
    chain = list(upwards(organisation))
    return Look(
        colour=next((each.colour for each in chain if each.colour), ""),
        logo=next((each.logo for each in chain if each.logo), None),
    )


def upwards(organisation: Organisation) -> Iterator[Organisation]:
    """Itself, then each parent."""
    at: Organisation | None = organisation
    while at is not None:
        yield at
        at = at.parent
