"""Pictures made for a test."""

from io import BytesIO

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
