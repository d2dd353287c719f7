"""An organisation's logo: whatever picture comes in, a small PNG that we wrote ourselves comes out.

Nothing of the file itself is kept: neither what a camera or a drawing program noted in it, nor anything that it could
run or fetch. A drawing (SVG) is checked in `drawing.py` and drawn here once.
"""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageOps

from hotspot.errors import InvalidInput
from hotspot.message_ids import mark as _
from hotspot.printing.drawing import draw_svg, looks_like_svg

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_SIDE = 1_000
"""Pixels: 600 to the inch at 42 mm."""
MOST_PIXELS = 16_000_000
"""What a file may unfold to."""
SMALLEST_SIDE = 16
HEAVIEST = 200 * 1024
"""Octets of what is kept; above it colours are counted down to 256."""


_NOT_A_PICTURE = _("This file is not a picture that can be read. A logo is a PNG, a JPEG or an SVG.")
_TOO_MANY_PIXELS = _("This picture has too many pixels: 16 million at the most.")


def read_logo(contents: bytes) -> bytes:
    """The PNG to keep. InvalidInput says what is wrong with the file."""
    if not contents:
        raise InvalidInput("Choose a file.", field="logo")
    if len(contents) > LARGEST_FILE:
        raise InvalidInput("This file is too large: a logo has at most 2 MB.", field="logo")
    picture = _open(draw_svg(contents) if looks_like_svg(contents) else contents)
    picture = _without_rim(picture)
    if min(picture.size) < SMALLEST_SIDE:
        raise InvalidInput("This picture is too small, or empty: 16 pixels at the least.", field="logo")
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    if max(picture.size) > 12 * min(picture.size):
        raise InvalidInput("This picture is too long and thin for a logo.", field="logo")
    written = _as_png(picture)
    return written if len(written) <= HEAVIEST else _as_png(picture.quantize(256, Image.Quantize.FASTOCTREE))


def for_thermal_printers(logo: bytes) -> bytes:
    """Black where it is dark, white elsewhere: a grey would come out as specks."""
    picture = _open(logo)
    grey = ImageOps.autocontrast(_on_white(picture).convert("L"))
    grey.thumbnail((480, 240), Image.Resampling.LANCZOS)
    return _as_png(grey.point([0] * 150 + [255] * 106).convert("1"))


def size_of(logo: bytes) -> tuple[int, int]:
    """Width and height in pixels, of one that we wrote."""
    with Image.open(BytesIO(logo), formats=("PNG",)) as opened:
        return opened.size


def _open(contents: bytes) -> Image.Image:
    """Only two readers are let near it, and only a size that we can hold; the first picture of several."""
    try:
        with Image.open(BytesIO(contents), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise InvalidInput(_TOO_MANY_PIXELS, field="logo")
            opened.load()
            turned = ImageOps.exif_transpose(opened)
            return turned.convert("RGBA")
    except InvalidInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput(_TOO_MANY_PIXELS, field="logo") from error
    except (OSError, ValueError, SyntaxError, OverflowError, EOFError, struct.error, zlib.error) as error:
        raise InvalidInput(_NOT_A_PICTURE, field="logo") from error


def _without_rim(picture: Image.Image) -> Image.Image:
    """Cut to what is drawn: a rim that nobody sees would make the logo small on paper."""
    box = picture.getchannel("A").getbbox()
    return picture.crop(box) if box else picture.crop((0, 0, 0, 0))


def _on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def _as_png(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()
