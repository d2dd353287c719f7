"""Where the scale of a chart ends, on a page and on paper."""


def round_up(value: int) -> int:
    """The next of 4, 8, 20, 40, 80, 200, …: each is divided by the lines without a remainder."""
    scale = 1
    while True:
        for first in (4, 8, 20):
            if value <= first * scale:
                return first * scale
        scale *= 10
