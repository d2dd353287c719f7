"""A page that is compressed once and given each visitor's token."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.drawn_page import DrawnPage

PLACE = "0f" * 16
TOKEN = "eyJhbGciOiJIUzI1NiJ9-_" * 8
FORM = '<form method="post"><input type="hidden" name="arrival" value="{}"><button>Connect</button></form>\n'
PAGE = "<h1>Médiathèque</h1>\n" * 20 + f'<a href="?arrival={PLACE}&amp;lang=en">English</a>\n' + FORM.format(PLACE) * 3


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(PAGE, id="four tokens"),
        pytest.param(PLACE, id="only the token"),
        pytest.param(f"{PLACE}{PLACE}", id="one after the other"),
        pytest.param("<p>no token</p>", id="none"),
        pytest.param(f"<p>{''.join(map(chr, range(0x800)))}</p>{PLACE}", id="hardly an octet to spare"),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, TOKEN[::-1], "x" * 300, "y", "z" * 900])
def test_unpacked_it_is_the_page_with_the_token(html: str, token: str) -> None:
    drawn = DrawnPage(html, PLACE)
    expected = html.replace(PLACE, token)
    assert drawn.plain(token.encode()).decode() == expected
    assert gzip.decompress(drawn.compressed(token.encode())).decode() == expected


@given(
    parts=st.lists(st.text(alphabet="<>abcé \n", max_size=60), min_size=2, max_size=6),
    tokens=st.lists(st.text(alphabet="abc<>xyz-_", min_size=1, max_size=80), min_size=2, max_size=4),
)
def test_each_visitor_gets_their_own(parts: list[str], tokens: list[str]) -> None:
    drawn = DrawnPage(PLACE.join(parts), PLACE)
    for token in tokens:
        assert gzip.decompress(drawn.compressed(token.encode())).decode() == token.join(parts)


def test_it_is_one_gzip_file_that_weighs_no_more_than_usual() -> None:
    compressed = DrawnPage(PAGE, PLACE).compressed(TOKEN.encode())
    reader = zlib.decompressobj(31)
    reader.decompress(compressed)
    assert reader.eof
    assert not reader.unused_data
    assert len(compressed) <= len(gzip.compress(PAGE.replace(PLACE, TOKEN).encode(), 6)) + 32
