"""An announcement's picture as it comes in, good and hostile; what is kept of it is a light JPEG of ours."""

from contextlib import suppress
from io import BytesIO
from random import Random

import pytest
from PIL import Image

from hotspot.errors import InvalidInput
from hotspot.printing.announcement_picture import HEAVIEST, HIGHEST, LARGEST_FILE, WIDEST, read_announcement_picture
from tests.hotspot.pictures import a_bomb, a_picture, noise

pytestmark = pytest.mark.integration  # drawings are drawn in a process apart


def opened(octets: bytes) -> Image.Image:
    picture = Image.open(BytesIO(octets))
    picture.load()
    return picture


def written(picture: Image.Image, form: str, **options: object) -> bytes:
    to = BytesIO()
    picture.save(to, form, **options)
    return to.getvalue()


@pytest.mark.parametrize(
    "contents",
    [
        a_picture(),
        a_picture(form="JPEG"),
        a_picture(form="JPEG", mode="CMYK"),
        a_picture(form="WEBP"),
        a_picture(mode="P"),
        a_picture(mode="LA"),
        a_picture(mode="I;16"),
    ],
    ids=["png", "jpeg", "jpeg cmyk", "webp", "palette", "grey with alpha", "sixteen bits"],
)
def test_a_picture_becomes_a_jpeg_of_its_size(contents: bytes) -> None:
    kept = read_announcement_picture(contents)

    assert (kept.type, kept.width, kept.height) == ("image/jpeg", 240, 120)
    assert opened(kept.octets).format == "JPEG"
    assert opened(kept.octets).mode == "RGB"
    assert opened(kept.octets).size == (240, 120)


@pytest.mark.parametrize("size", [(3000, 1000), (900, 2600), (960, 1200)])
def test_the_worst_picture_there_is_still_becomes_light(size: tuple[int, int]) -> None:
    kept = read_announcement_picture(written(noise(size), "JPEG", quality=60))

    assert len(kept.octets) <= HEAVIEST
    assert (kept.width, kept.height) == opened(kept.octets).size
    assert kept.width <= WIDEST
    assert kept.height <= HIGHEST
    assert kept.width / kept.height == pytest.approx(size[0] / size[1], rel=0.02)


def test_what_is_seen_through_becomes_white_and_a_rim_of_it_is_cut_off() -> None:
    picture = Image.new("RGBA", (200, 200), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (50, 50, 150, 70))
    picture.paste((0, 0, 255, 255), (50, 130, 150, 150))

    kept = read_announcement_picture(written(picture, "PNG"))

    assert (kept.width, kept.height) == (100, 100)
    assert opened(kept.octets).getpixel((50, 50)) == (255, 255, 255)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_of_a_picture_that_moves_the_first_one_is_kept(form: str) -> None:
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("#00ff00", "#ff0000", "#0000ff")]

    kept = read_announcement_picture(written(frames[0], form, save_all=True, append_images=frames[1:], duration=100))

    red, green, blue = opened(kept.octets).getpixel((40, 40))  # type: ignore[misc]
    assert green > 200
    assert max(red, blue) < 60


def test_a_photograph_is_turned_upright_and_forgets_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    exif[0x010E] = "Jean Secret"
    exif.get_ifd(0x8825)[1] = "N"
    sideways = written(Image.new("RGB", (200, 100), "red"), "JPEG", exif=exif, comment=b"Secret", dpi=(300, 300))

    kept = read_announcement_picture(sideways)

    assert (kept.width, kept.height) == (100, 200)
    assert b"Secret" not in kept.octets
    assert b"Exif" not in kept.octets
    assert not opened(kept.octets).getexif()


def test_a_drawing_is_drawn_once() -> None:
    kept = read_announcement_picture(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><path fill="#c8102e" d="M0 0h20v10H0z"/></svg>'
    )

    assert (kept.width, kept.height) == (WIDEST, WIDEST // 2)
    assert b"svg" not in kept.octets


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "Choose a file."),
        (b"x" * (LARGEST_FILE + 1), "too large"),
        (b"%PDF-1.7", "not a picture"),
        (b"<html><script>x</script></html>", "not a picture"),
        (a_picture(form="GIF", mode="P"), "not a picture"),
        (a_picture()[:300], "not a picture"),
        (a_picture(form="JPEG")[:500], "not a picture"),
        (a_picture(form="WEBP")[:200], "not a picture"),
        (a_bomb(5_000), "too many pixels"),
        (a_bomb(60_000), "too many pixels"),
        (a_picture((60, 200)), "too small"),
        (a_picture((700, 100)), "long and thin"),
        (written(Image.new("RGBA", (100, 100)), "PNG"), "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "not accepted"),
    ],
    ids=[
        "empty",
        "huge",
        "pdf",
        "page",
        "gif",
        "cut png",
        "cut jpeg",
        "cut webp",
        "bomb",
        "great bomb",
        "tiny",
        "thin",
        "nothing",
        "script",
    ],
)
def test_what_is_no_picture_is_refused_by_name(contents: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refused:
        read_announcement_picture(contents)
    assert refused.value.field == "image"


def test_a_cameras_note_of_another_type_than_it_says_is_refused() -> None:
    notes = Image.Exif()
    notes[0x0112], notes[0x011A] = 6, 1.5  # turned; the resolution, a rational
    rational, text = b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x02"
    contents = written(Image.new("RGB", (200, 150)), "JPEG", exif=notes)
    assert rational in contents
    with pytest.raises(InvalidInput, match="not a picture that can be read"):
        read_announcement_picture(contents.replace(rational, text))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_picture_is_refused_or_read_and_nothing_else(form: str) -> None:
    chance, whole = Random(7), a_picture((90, 70), form=form)
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(InvalidInput):
            assert len(read_announcement_picture(bytes(damaged)).octets) <= HEAVIEST
