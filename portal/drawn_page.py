"""A page that is the same for everybody but for one token, drawn and compressed once.

The compressed page is a gzip file (RFC 1952) of three deflate pieces (RFC 1951): what stands before the first token,
that token, and the rest. The rest is compressed with the token in view, and says of each further one only "the same
again, so many octets back": it fits any token of the same length.
"""

import gzip
import zlib

_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
"""No name, no time, no system (RFC 1952 section 2.3)."""
_LEVEL = 6
_SMALL = (zlib.DEFLATED, -9, 1)
"""For the token alone: a window of 512 octets, little memory, quickly made."""


class DrawnPage:
    def __init__(self, html: str, place_of_token: str) -> None:
        self._parts = html.encode().split(place_of_token.encode())
        self._pieces: dict[int, tuple[bytes, bytes] | None] = {}
        """By the length of the token: what comes before it and after it."""

    def plain(self, token: bytes) -> bytes:
        return token.join(self._parts)

    def compressed(self, token: bytes) -> bytes:
        plain = self.plain(token)
        if len(token) not in self._pieces:
            self._pieces[len(token)] = self._compress_around(len(token))
        pieces = self._pieces[len(token)]
        if pieces is None:
            return gzip.compress(plain, _LEVEL, mtime=0)
        return _composed(pieces, token, plain)

    def _compress_around(self, length: int) -> tuple[bytes, bytes] | None:
        """None where the rest does not fit every token; then pages are compressed one by one."""
        stand_ins = self._stand_ins(length)
        if stand_ins is None or len(self._parts) == 1:
            return None
        one, other = stand_ins
        press = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
        before = press.compress(self._parts[0]) + press.flush(zlib.Z_SYNC_FLUSH)
        press.compress(one)
        press.flush(zlib.Z_SYNC_FLUSH)
        after = press.compress(one.join(self._parts[1:])) + press.flush(zlib.Z_FINISH)
        pieces = (_HEADER + before, after)
        plain = self.plain(other)
        return pieces if _unpacked(_composed(pieces, other, plain)) == plain else None

    def _stand_ins(self, length: int) -> tuple[bytes, bytes] | None:
        """Two tokens of octets that are not in the page, different everywhere. No three in a row stand twice in the
        first: the page holds nothing of it, nor it of itself, but all of it again."""
        page = set(b"".join(self._parts))
        first, *rest = [octet for octet in range(256) if octet not in page]
        one = bytes(rest + rest[::-1])[:length]
        return (one, bytes([first]) * length) if len(one) == length else None


def _composed(pieces: tuple[bytes, bytes], token: bytes, plain: bytes) -> bytes:
    press = zlib.compressobj(_LEVEL, *_SMALL)
    middle = press.compress(token) + press.flush(zlib.Z_SYNC_FLUSH)
    check = zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    return pieces[0] + middle + pieces[1] + check


def _unpacked(compressed: bytes) -> bytes | None:
    try:
        return gzip.decompress(compressed)
    except (OSError, zlib.error):
        return None
