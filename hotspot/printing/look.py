"""What makes paper an organisation's own: its colour and its logo, each inherited from the nearest one above."""

from dataclasses import dataclass

from hotspot.models import Organisation


@dataclass(frozen=True, slots=True)
class Look:
    colour: str = ""
    """#rrggbb; empty for black and greys."""
    logo: bytes | None = None
    """A PNG that we wrote (`logo.py`)."""


NO_LOOK = Look()


def look_of(organisation: Organisation) -> Look:
    return Look(
        colour=next((each.colour for each in organisation.line if each.colour), ""),
        logo=next((each.logo for each in organisation.line if each.logo), None),
    )
