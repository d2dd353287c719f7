"""Pictures made for a test."""

import struct
import zlib
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw


def a_picture(size: tuple[int, int] = (240, 120), form: str = "PNG", mode: str = "RGB") -> bytes:
    """A red disc on a blue bar."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, size[1] // 3, size[0], 2 * size[1] // 3), fill="#1d3557")
    pen.ellipse((0, 0, size[1] - 1, size[1] - 1), fill="#c8102e")
    written = BytesIO()
    picture.convert(mode).save(written, form)
    return written.getvalue()


def a_logo() -> bytes:
    return a_picture()


def a_bomb(side: int) -> bytes:
    """A PNG that says of itself that it has so many pixels on a side."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def noise(size: tuple[int, int]) -> Image.Image:
    """What weighs most when it is written."""
    return Image.frombytes("RGB", size, Random(1).randbytes(size[0] * size[1] * 3))
