"""A picture from a stranger is read here with suspicion: few readers, only a size that we can hold, drawings apart.

What becomes of it is for `logo.py` and `announcement_picture.py`: each writes it anew, so nothing of the file is kept.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, ImageOps

from hotspot.errors import InvalidInput
from hotspot.message_ids import mark as _
from hotspot.printing.drawing import draw_svg, looks_like_svg

MOST_PIXELS = 16_000_000
"""What a file may unfold to."""

_WHAT_READERS_RAISE = (
    *(OSError, EOFError, SyntaxError, struct.error, zlib.error),
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError),
)
"""Of a damaged file; the last few where a camera's note is of another type than it says."""
_NOT_A_PICTURE = _("This file is not a picture that can be read, or it is damaged.")
_TOO_MANY_PIXELS = _("This picture has too many pixels: 16 million at the most.")


def open_picture(contents: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Upright, in RGBA; the first picture of several. InvalidInput says what is wrong with the file."""
    if not contents:
        raise InvalidInput("Choose a file.")
    return read_picture(draw_svg(contents) if looks_like_svg(contents) else contents, formats)


def read_picture(contents: bytes, formats: tuple[str, ...]) -> Image.Image:
    """No drawing. Only these readers are let near it."""
    try:
        with Image.open(BytesIO(contents), formats=formats) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise InvalidInput(_TOO_MANY_PIXELS)
            opened.load()
            turned = ImageOps.exif_transpose(opened)
            return turned.convert("RGBA")
    except InvalidInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput(_TOO_MANY_PIXELS) from error
    except _WHAT_READERS_RAISE as error:
        raise InvalidInput(_NOT_A_PICTURE) from error


def without_rim(picture: Image.Image) -> Image.Image:
    """Cut to what is drawn: nobody sees the rim, and it would make the rest small. A drawing always has one, unless it
    is a square."""
    box = picture.getchannel("A").getbbox()
    return picture.crop(box) if box else picture.crop((0, 0, 0, 0))


def on_white(picture: Image.Image) -> Image.Image:
    """Without transparency, and without whatever was noted in the file."""
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


@contextmanager
def naming(field: str) -> Iterator[None]:
    """What is wrong with a picture is said beside this part of the form."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(error.problem, field=field, **error.facts) from error
