"""An organisation's logo: whatever picture comes in, a small PNG that we wrote ourselves comes out.

Nothing of the file itself is kept: neither what a camera or a drawing program noted in it, nor anything that it could
run or fetch. It is read in `pictures.py`; a drawing (SVG) is checked in `drawing.py` and drawn once.
"""

from io import BytesIO

from PIL import Image, ImageOps

from hotspot.errors import InvalidInput
from hotspot.printing.pictures import naming, on_white, open_picture, read_picture, without_rim

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_SIDE = 1_000
"""Pixels: 600 to the inch at 42 mm."""
SMALLEST_SIDE = 16
HEAVIEST = 200 * 1024
"""Octets of what is kept; above it colours are counted down to 256."""

_FORMATS = ("PNG", "JPEG")


def read_logo(contents: bytes) -> bytes:
    """The PNG to keep. InvalidInput says what is wrong with the file."""
    with naming("logo"):
        return _written(contents)


def _written(contents: bytes) -> bytes:
    if len(contents) > LARGEST_FILE:
        raise InvalidInput("This file is too large: a logo has at most 2 MB.")
    picture = without_rim(open_picture(contents, _FORMATS))
    if min(picture.size) < SMALLEST_SIDE:
        raise InvalidInput("This picture is too small, or empty: 16 pixels at the least.")
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    if max(picture.size) > 12 * min(picture.size):
        raise InvalidInput("This picture is too long and thin for a logo.")
    written = _as_png(picture)
    return written if len(written) <= HEAVIEST else _as_png(picture.quantize(256, Image.Quantize.FASTOCTREE))


def for_thermal_printers(logo: bytes) -> bytes:
    """Black where it is dark, white elsewhere: a grey would come out as specks."""
    picture = read_picture(logo, _FORMATS)
    grey = ImageOps.autocontrast(on_white(picture).convert("L"))
    grey.thumbnail((480, 240), Image.Resampling.LANCZOS)
    return _as_png(grey.point([0] * 150 + [255] * 106).convert("1"))


def size_of(logo: bytes) -> tuple[int, int]:
    """Width and height in pixels, of one that we wrote."""
    with Image.open(BytesIO(logo), formats=("PNG",)) as opened:
        return opened.size


def _as_png(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()
