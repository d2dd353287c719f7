"""A logo as it comes in, good and hostile; what is kept of it is a small PNG of ours."""

from contextlib import suppress
from io import BytesIO
from random import Random

import pytest
from PIL import Image, PngImagePlugin

from hotspot.errors import InvalidInput
from hotspot.printing import drawing
from hotspot.printing.logo import HEAVIEST, LARGEST_FILE, LARGEST_SIDE, for_thermal_printers, read_logo, size_of
from tests.hotspot.pictures import a_bomb, a_picture

pytestmark = pytest.mark.integration  # drawings are drawn in a process apart

SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SHIELD = '<path fill="#c8102e" d="M0 0h40v30a20 20 0 0 1-40 0z"/>'


def svg(inside: str, attributes: str = 'viewBox="0 0 120 60"') -> bytes:
    return f'<?xml version="1.0"?><svg {SVG} {attributes}>{inside}</svg>'.encode()


def opened(logo: bytes) -> Image.Image:
    picture = Image.open(BytesIO(logo))
    picture.load()
    return picture


@pytest.mark.parametrize(
    "contents",
    [
        a_picture(),
        a_picture(form="JPEG"),
        a_picture(form="JPEG", mode="CMYK"),
        a_picture(mode="P"),
        a_picture(mode="L"),
        a_picture(mode="1"),
        a_picture(mode="LA"),
        a_picture(mode="I;16"),
    ],
    ids=["png", "jpeg", "jpeg cmyk", "palette", "grey", "bits", "grey with alpha", "sixteen bits"],
)
def test_a_picture_becomes_a_png(contents: bytes) -> None:
    logo = read_logo(contents)

    assert opened(logo).format == "PNG"
    assert size_of(logo) == (240, 120)


def test_a_large_picture_is_made_smaller_and_stays_light() -> None:
    noise = Image.frombytes("RGB", (1400, 900), Random(1).randbytes(1400 * 900 * 3))
    written = BytesIO()
    noise.save(written, "JPEG", quality=60)

    logo = read_logo(written.getvalue())

    assert max(size_of(logo)) == LARGEST_SIDE
    assert len(logo) < 4 * HEAVIEST  # noise is the worst there is; a logo is nothing like it


def test_an_empty_rim_is_cut_off() -> None:
    picture = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    picture.paste((200, 16, 46, 255), (100, 150, 300, 250))
    written = BytesIO()
    picture.save(written, "PNG")

    assert size_of(read_logo(written.getvalue())) == (200, 100)


def test_nothing_that_was_noted_in_the_file_is_kept() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Jean Secret")
    written = BytesIO()
    Image.new("RGB", (64, 64), "red").save(written, "PNG", pnginfo=told)

    assert b"Secret" not in read_logo(written.getvalue() + b"<script>Secret</script>")


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "Choose a file."),
        (b"x" * (LARGEST_FILE + 1), "too large"),
        (b"GIF89a" + bytes(40), "not a picture"),
        (b"%PDF-1.7", "not a picture"),
        (b"<html><body>x</body></html>", "not a picture"),
        (a_picture()[:300], "not a picture"),
        (a_picture(form="JPEG")[:500], "not a picture"),
        (a_picture(form="GIF", mode="P"), "not a picture"),
        (a_picture((8, 8)), "too small"),
        (a_picture((1000, 40)), "long and thin"),
    ],
    ids=["empty", "huge", "gif head", "pdf", "page", "cut png", "cut jpeg", "gif", "tiny", "thin"],
)
def test_what_is_no_logo_is_refused_by_name(contents: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refused:
        read_logo(contents)
    assert refused.value.field == "logo"


@pytest.mark.parametrize("side", [5_000, 12_000, 60_000])
def test_a_picture_that_unfolds_is_refused_before_it_does(side: int) -> None:
    with pytest.raises(InvalidInput, match="too many pixels"):
        read_logo(a_bomb(side))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_damaged_picture_is_refused_or_read_and_nothing_else(form: str) -> None:
    chance, whole = Random(7), a_picture((60, 40), form=form)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(InvalidInput):
            assert size_of(read_logo(bytes(damaged)))


def test_a_drawing_becomes_a_png_of_its_shape() -> None:
    logo = read_logo(svg(SHIELD + '<path fill="#1d3557" d="M60 15h60v6h-60z"/>'))

    width, height = size_of(logo)
    assert width == LARGEST_SIDE
    assert width / height == pytest.approx(120 / 50, rel=0.02)
    assert opened(logo).getpixel((20, 20)) == (200, 16, 46, 255)


def test_what_drawing_programs_write_is_accepted() -> None:
    clip = '<defs><rect id="r" width="60" height="60"/></defs><clipPath id="c"><use xlink:href="#r"/></clipPath>'
    style = "<style>.a{fill:#c8102e;clip-path:url(#c)}</style>"
    notes = '<metadata><x>me</x></metadata><sodipodi:namedview xmlns:sodipodi="http://sodipodi.example"/>'
    doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    inside = style + clip + notes + '<rect class="a" width="120" height="60"/>'
    written = f'<?xml version="1.0" encoding="utf-8"?>{doctype}<svg {SVG} viewBox="0 0 120 60">{inside}</svg>'

    width, height = size_of(read_logo(b"\xef\xbb\xbf" + written.encode()))

    assert width == pytest.approx(height, abs=2)  # clipped to a square


@pytest.mark.parametrize(
    ("inside", "part"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("<foreignObject><b/></foreignObject>", "<foreignObject>"),
        ('<image href="https://example.org/x.png"/>', "<image>"),
        ('<image xlink:href="file:///etc/passwd"/>', "<image>"),
        ('<filter id="f"><feImage href="x"/></filter>', "<filter>"),
        ('<a href="https://example.org"><path d="M0 0"/></a>', "<a>"),
        ('<use href="https://example.org/x.svg#a"/>', "href="),
        ('<use xlink:href="file:///etc/passwd#a"/>', "href="),
        ('<path onload="alert(1)" d="M0 0"/>', "onload"),
        ("<style>@import 'https://example.org/x.css';</style>", "@import"),
        ("<style>.a{fill:url(https://example.org/x)}</style>", "url("),
        ("<style>.a{fill:u\\72l(x)}</style>", "72l"),
        ('<path fill="url( \'https://example.org\')" d="M0 0"/>', "url("),
        ('<path style="fill:URL(data:x)" d="M0 0"/>', "URL("),
        ("<animate/>", "<animate>"),
    ],
)
def test_a_drawing_that_runs_or_reaches_out_is_refused_by_name(inside: str, part: str) -> None:
    with pytest.raises(InvalidInput, match="not accepted") as refused:
        read_logo(svg(SHIELD + inside))
    assert part in str(refused.value.facts["part"])


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (svg("<text>Ville</text>"), "turn it into paths"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("")[21:], "not accepted"),
        (b"<svg><path></svg>", "not well-formed"),
        (svg("").decode().encode("utf-16"), "not a picture"),
        ("<svg>é</svg>".encode("latin-1"), "UTF-8"),
        (b'<?xml version="1.0"?><html/>', "cannot be drawn"),
        (svg("<g>" * 200 + "</g>" * 200), "too many parts"),
        (svg("<path/>" * 20_001), "too many parts"),
        (svg(""), "too small, or empty"),
        (svg(SHIELD, 'width="0" height="0"'), "cannot be drawn"),
    ],
    ids=["text", "entity", "broken", "utf-16", "latin-1", "page", "deep", "many", "empty", "no size"],
)
def test_a_drawing_that_cannot_be_drawn_is_refused_by_name(contents: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_logo(contents)


def test_a_drawing_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern is filled with the one before it, a hundred times over."""
    monkeypatch.setattr(drawing, "PATIENCE", 1.0)
    tiles = '<pattern id="p0" width=".01" height=".01"><circle r="1"/></pattern>' + "".join(
        f'<pattern id="p{at}" width=".1" height=".1">'
        + f'<rect width="9" height="9" fill="url(#p{at - 1})"/>' * 40
        + "</pattern>"
        for at in range(1, 60)
    )

    with pytest.raises(InvalidInput, match=r"takes too long|cannot be drawn"):
        read_logo(svg(f'<defs>{tiles}</defs><rect width="99" height="50" fill="url(#p59)"/>'))


def test_for_thermal_printers_there_is_black_and_white() -> None:
    drawn = opened(for_thermal_printers(read_logo(a_picture())))

    assert drawn.mode == "1"
    assert {drawn.getpixel((60, 60)), drawn.getpixel((200, 5))} == {0, 255}
