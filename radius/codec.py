"""Bytes to values and back. The only module that imports pyrad, and that for its dictionary: names, numbers, types.

Its packet objects are not used: they accept attributes that run past the end, and cost several times as much.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop

from pyrad.dictionary import Dictionary
from pyrad.tools import EncodeAttr

from radius.messages import DiscardReason

HEADER_LENGTH = 20
LONGEST = 4096
MOST_ATTRIBUTES = 200
"""A real request has some thirty. 4096 octets have room for two thousand empty ones, which anybody can send and which
would keep us busy a hundred times as long as a real one, before it shows that they are forged."""
PROXY_STATE = 33
VENDOR_SPECIFIC = 26
MESSAGE_AUTHENTICATOR = 80

_dictionary = Dictionary(*(str(path) for path in sorted((Path(__file__).parent / "dictionary").glob("dictionary.*"))))
_vendor_ids: dict[str, int] = {
    name: _dictionary.vendors.GetForward(name) for name in ("", *_dictionary.vendors.forward)
}

_specs: dict[str, tuple[int, int, str]] = {
    name: (_vendor_ids[attribute.vendor], attribute.code, attribute.type)
    for name, attribute in _dictionary.attributes.items()
}
"""Name -> (vendor, number, type); vendor 0 is none."""

_vendor_integer_names: dict[tuple[int, int], str] = {
    (vendor, number): name for name, (vendor, number, kind) in _specs.items() if vendor and kind == "integer"
}


class MalformedAttribute(Exception):
    """An attribute that we need cannot be read."""


class Packet:
    """A well-formed packet. Attributes are cut out once; what they mean is read only where it is needed."""

    __slots__ = ("authenticator", "code", "first", "identifier", "message_authenticator_at", "more", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.code = octets[0]
        self.identifier = octets[1]
        self.authenticator = octets[4:20]
        self.first: dict[int, bytes] = {}
        """By number, the first attribute of that number."""
        self.more: list[tuple[int, bytes]] = []
        """Those that followed one of the same number, in order."""
        self.message_authenticator_at = 0
        """Where the value of the first Message-Authenticator begins; 0 if there is none."""

    def all(self, number: int) -> list[bytes]:
        if number not in self.first:
            return []
        return [self.first[number], *[value for kind, value in self.more if kind == number]]

    def octets_of(self, number: int) -> bytes | None:
        return self.first.get(number)

    def text(self, number: int) -> str:
        value = self.first.get(number)
        return "" if value is None else readable(value)

    def number(self, number: int) -> int | None:
        value = self.first.get(number)
        if value is None:
            return None
        if len(value) != 4:
            raise MalformedAttribute(number)
        return int.from_bytes(value)

    def address(self, ipv4: int, ipv6: int) -> str | None:
        """An address, or None: one of the wrong length is no reason to lose the packet."""
        value = self.first.get(ipv4)
        if value is not None and len(value) == 4:
            return inet_ntop(AF_INET, value)
        value = self.first.get(ipv6)
        return inet_ntop(AF_INET6, value) if value is not None and len(value) == 16 else None

    def vendor_octets(self, vendor: int, number: int) -> bytes | None:
        """The first of these of that vendor, as octets (RFC 2865 section 5.26)."""
        for value in self.all(VENDOR_SPECIFIC):
            if int.from_bytes(value[:4]) == vendor:
                for kind, octets in _sub_attributes(value):
                    if kind == number:
                        return octets
        return None

    def vendor_integers(self) -> Mapping[str, int]:
        """Vendor attributes that are integers, by the names of our dictionaries."""
        found: dict[str, int] = {}
        for value in self.all(VENDOR_SPECIFIC):
            found.update(_integers_of(value))
        return found


def parse(datagram: bytes) -> Packet | DiscardReason:
    """RFC 2865 sections 3 and 5: Length from 20 to 4096 and not beyond the datagram, attributes that exactly fill it.

    Octets after Length are padding.
    """
    if len(datagram) < HEADER_LENGTH:
        return DiscardReason.PACKET_TOO_SHORT
    length = datagram[2] << 8 | datagram[3]
    if not HEADER_LENGTH <= length <= LONGEST or length > len(datagram):
        return DiscardReason.LENGTH_WRONG
    octets = datagram if length == len(datagram) else datagram[:length]
    packet = Packet(octets)
    first, more = packet.first, packet.more
    at = HEADER_LENGTH
    for _ in range(MOST_ATTRIBUTES):
        if at == length:
            break
        end = at + octets[at + 1] if at + 1 < length else 0
        if end < at + 2 or end > length:
            return DiscardReason.ATTRIBUTE_MALFORMED
        kind = octets[at]
        if kind in first:
            more.append((kind, octets[at + 2 : end]))
        else:
            first[kind] = octets[at + 2 : end]
            if kind == MESSAGE_AUTHENTICATOR:
                packet.message_authenticator_at = at + 2
        at = end
    return packet if at == length else DiscardReason.TOO_MANY_ATTRIBUTES


def readable(value: bytes) -> str:
    """Text as a database can keep it: what is not UTF-8, and NUL, as escapes; 253 characters at most."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\x00")[:253] if "\0" in text or len(text) > 253 else text


@lru_cache(maxsize=4096)
def _integers_of(value: bytes) -> tuple[tuple[str, int], ...]:
    """Of one Vendor-Specific attribute (RFC 2865 section 5.26). One in another format than the advised has none."""
    vendor = int.from_bytes(value[:4])
    return tuple(
        (name, int.from_bytes(octets))
        for number, octets in _sub_attributes(value)
        if len(octets) == 4 and (name := _vendor_integer_names.get((vendor, number)))
    )


def _sub_attributes(value: bytes) -> Iterator[tuple[int, bytes]]:
    at = 4
    while at + 2 <= len(value):
        end = at + value[at + 1]
        if end < at + 2 or end > len(value):
            return
        yield value[at], value[at + 2 : end]
        at = end


def encode(attributes: Iterable[tuple[str, str | int | bytes]]) -> bytes:
    """Attributes by their printed names, in order. ValueError for one that does not fit, KeyError for no such name."""
    return b"".join(
        [_encode_number(name, value) if type(value) is int else _encode(name, value) for name, value in attributes]
    )


def encode_proxy_states(packet: Packet) -> bytes:
    """All of them, unchanged and in order (RFC 2865 section 5.33)."""
    return b"".join(bytes((PROXY_STATE, len(value) + 2)) + value for value in packet.all(PROXY_STATE))


def _encode(name: str, value: str | int | bytes) -> bytes:
    vendor, number, kind = _specs[name]
    # pyrad reads octets that begin with "0x" as hexadecimal text: octets are octets here
    octets: bytes = value if isinstance(value, bytes) else EncodeAttr(kind, value)
    length = len(octets) + 2
    if length > (249 if vendor else 255):
        raise ValueError(f"{name} does not fit: {len(octets)} octets")
    plain = bytes((number, length)) + octets
    return plain if not vendor else struct.pack("!BBI", VENDOR_SPECIFIC, length + 6, vendor) + plain


_encode_number = lru_cache(maxsize=4096)(_encode)
"""The same few limits go out again and again."""
