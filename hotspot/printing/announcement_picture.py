"""An announcement's picture: whatever comes in, a light JPEG that we wrote ourselves comes out.

JPEG, because every mini-browser of a captive portal shows it; at most 40 kB, because a page that waits in a square full
of people is the same for all of them.
"""

from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from hotspot.errors import InvalidInput
from hotspot.printing.pictures import naming, on_white, open_picture, without_rim

LARGEST_FILE = 5 * 1024 * 1024
WIDEST, HIGHEST = 960, 1_200
"""Pixels: twice what the page gives it on a telephone."""
SMALLEST_SIDE = 64
HEAVIEST = 40_000
"""Octets of what is kept."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_QUALITIES = (85, 75, 65, 55, 45)
"""Below the last, a smaller picture looks better than a poorer one."""
_SMALLER = 0.8
_THINNEST = 6


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept, and shown."""

    octets: bytes = field(repr=False)
    width: int
    height: int
    type: str = "image/jpeg"


def read_announcement_picture(contents: bytes) -> Picture:
    """InvalidInput says what is wrong with the file."""
    with naming("image"):
        if len(contents) > LARGEST_FILE:
            raise InvalidInput("This file is too large: a picture has at most 5 MB.")
        picture = without_rim(open_picture(contents, _FORMATS))
        if min(picture.size) < SMALLEST_SIDE:
            raise InvalidInput("This picture is too small, or empty: 64 pixels at the least.")
        if max(picture.size) > _THINNEST * min(picture.size):
            raise InvalidInput("This picture is too long and thin for an announcement.")
        picture.thumbnail((WIDEST, HIGHEST), Image.Resampling.LANCZOS)
        return _light(on_white(picture))


def _light(picture: Image.Image) -> Picture:
    """The best of it that is light enough. Ends: of one pixel a JPEG has less than a thousand octets."""
    while True:
        for quality in _QUALITIES:
            written = BytesIO()
            picture.save(written, "JPEG", quality=quality, optimize=True, progressive=True)
            if written.tell() <= HEAVIEST:
                return Picture(written.getvalue(), *picture.size)
        width, height = picture.size
        picture = picture.resize(
            (max(1, int(width * _SMALLER)), max(1, int(height * _SMALLER))), Image.Resampling.LANCZOS
        )
