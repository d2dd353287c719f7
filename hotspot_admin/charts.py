"""A column chart as numbers: where each bar and line stands. The template draws it as SVG, without a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from hotspot.scales import round_up

WIDTH, HEIGHT = 720, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 18, 30
"""Room around the bars for the scale and the days."""
LINES = 4


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    value: int
    x: float
    y: float
    width: float
    height: float
    is_labelled: bool
    """Every seventh from the last: one label a week fits on a telephone. Of more than ten weeks, fewer."""


@dataclass(frozen=True, slots=True)
class Line:
    value: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    left: int
    right: int
    floor: float
    bars: Sequence[Bar]
    lines: Sequence[Line]


def columns(values: Sequence[tuple[date, int]]) -> Chart:
    """At least one value. The scale ends at a round number at or above the largest."""
    top = round_up(max(value for _, value in values))
    room = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / len(values)
    floor = float(HEIGHT - BOTTOM)
    every = 7 * ceil(len(values) / 70)
    bars = [
        Bar(
            day=day,
            value=value,
            x=round(LEFT + at * step + step * 0.15, 2),
            y=round(floor - room * value / top, 2),
            width=round(step * 0.7, 2),
            height=round(room * value / top, 2),
            is_labelled=(len(values) - 1 - at) % every == 0,
        )
        for at, (day, value) in enumerate(values)
    ]
    lines = [Line(top * at // LINES, round(floor - room * at / LINES, 2)) for at in range(LINES + 1)]
    return Chart(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, floor, bars, lines)
