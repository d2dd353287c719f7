"""Colours that people choose, and the ink that can be read on them (WCAG 2.2, 1.4.3)."""

import re

BLACK, WHITE = "#000000", "#ffffff"
READABLE = 4.5
"""The least contrast of text and its ground."""

_COLOUR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def parse_colour(text: str) -> str | None:
    """`#rrggbb` in lower case; None for anything else."""
    found = _COLOUR.fullmatch(text.strip())
    if found is None:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * each for each in digits))


def ink_on(colour: str) -> str:
    """White where it can be read, else black: one of the two always can."""
    return WHITE if contrast(colour, WHITE) >= READABLE else BLACK


def ink_like(colour: str) -> str:
    """The colour itself as ink on white paper; black where it is too pale for that."""
    return colour if contrast(colour, WHITE) >= READABLE else BLACK


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
