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


def mix(one: str, other: str, share: float) -> str:
    """`share` of the other in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(each + (far - each) * share):02x}" for each, far in pairs)


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(each / 255) for each in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
