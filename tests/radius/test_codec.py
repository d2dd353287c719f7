"""Bytes to values and back: strict where RFC 2865 is, and never an exception for what came from outside."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius.codec import MalformedAttribute, Packet, encode, encode_proxy_states, parse, readable
from radius.messages import DiscardReason
from tests.radius.packets import AUTHENTICATOR, VECTORS, attribute, integer, packet, vendor


def parsed(octets: bytes) -> Packet:
    found = parse(octets)
    assert isinstance(found, Packet)
    return found


def header(length: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBH", 1, 7, length) + AUTHENTICATOR + body


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        pytest.param(b"", DiscardReason.PACKET_TOO_SHORT, id="nothing"),
        pytest.param(header(20)[:19], DiscardReason.PACKET_TOO_SHORT, id="a header cut short"),
        pytest.param(header(19), DiscardReason.LENGTH_WRONG, id="length under 20"),
        pytest.param(header(0), DiscardReason.LENGTH_WRONG, id="length nought"),
        pytest.param(header(26, b"\x01\x06ab"), DiscardReason.LENGTH_WRONG, id="length beyond the datagram"),
        pytest.param(header(4097, bytes(4077)), DiscardReason.LENGTH_WRONG, id="length over 4096"),
        pytest.param(header(21, b"\x01"), DiscardReason.ATTRIBUTE_MALFORMED, id="a type without a length"),
        pytest.param(header(22, b"\x01\x00"), DiscardReason.ATTRIBUTE_MALFORMED, id="attribute length nought"),
        pytest.param(header(22, b"\x01\x01"), DiscardReason.ATTRIBUTE_MALFORMED, id="attribute length one"),
        pytest.param(header(24, b"\x01\x05ab"), DiscardReason.ATTRIBUTE_MALFORMED, id="past the end by one"),
        pytest.param(header(24, b"\x01\x05abc"), DiscardReason.ATTRIBUTE_MALFORMED, id="past Length into the padding"),
        pytest.param(header(25, b"\x01\x04ab\x02"), DiscardReason.ATTRIBUTE_MALFORMED, id="one octet too many"),
        pytest.param(header(422, b"\x01\x02" * 201), DiscardReason.TOO_MANY_ATTRIBUTES, id="201 attributes"),
    ],
)
def test_a_malformed_packet_is_named(datagram: bytes, reason: DiscardReason) -> None:
    assert parse(datagram) is reason


def test_octets_after_length_are_padding() -> None:
    found = parsed(header(24, b"\x01\x04ab") + b"\x02\xffwhatever")

    assert found.octets == header(24, b"\x01\x04ab")
    assert found.text(1) == "ab"


def test_the_longest_packet_is_read() -> None:
    body = attribute(25, bytes(253)) * 15 + attribute(25, bytes(249))

    assert len(parsed(header(4096, body)).all(25)) == 16


def test_two_hundred_attributes_are_read() -> None:
    assert len(parsed(header(420, b"\x01\x02" * 200)).all(1)) == 200


@pytest.mark.parametrize("captured", VECTORS, ids=lambda each: str(each["name"]))
def test_every_captured_packet_reads_as_the_recorder_read_it(captured: dict) -> None:  # type: ignore[type-arg]
    found = parsed(bytes.fromhex(captured["hex"]))

    assert (found.code, found.identifier) == (captured["decoded"]["code"], captured["decoded"]["id"])
    for each in captured["decoded"]["attributes"]:
        if isinstance(each["type"], int) and isinstance(each["value"], int):
            assert integer(each["value"]) in found.all(each["type"])
        elif isinstance(each["type"], int) and not each["value"].startswith("0x") and "." not in each["value"]:
            assert each["value"].encode() in found.all(each["type"])


def test_attributes_of_one_number_keep_their_order() -> None:
    found = parsed(packet(1, [(33, b"b"), (1, b"x"), (33, b"a"), (33, b"c")]))

    assert found.all(33) == [b"b", b"a", b"c"]
    assert encode_proxy_states(found) == b"\x21\x03b\x21\x03a\x21\x03c"


@pytest.mark.parametrize("value", [b"", b"\0\0\1", b"\0\0\0\0\1"], ids=["empty", "three octets", "five octets"])
def test_a_number_of_another_size_than_four_octets_cannot_be_read(value: bytes) -> None:
    found = parsed(packet(4, [(40, value)]))

    with pytest.raises(MalformedAttribute):
        found.number(40)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param(b"hotel", "hotel", id="plain"),
        pytest.param("médiathèque".encode(), "médiathèque", id="UTF-8"),
        pytest.param(b"caf\xe9", "caf\\xe9", id="not UTF-8"),
        pytest.param(b"a\0b", "a\\x00b", id="NUL"),
        pytest.param(b"\xff" * 253, ("\\xff" * 64)[:253], id="as long as a column"),
    ],
)
def test_any_octets_become_text_that_a_database_keeps(octets: bytes, text: str) -> None:
    assert readable(octets) == text


def test_vendor_integers_are_named_and_the_rest_is_passed_over() -> None:
    found = parsed(
        packet(
            4,
            [
                vendor(14559, 8, b"1.8"),
                vendor(14559, 10, integer(2)),
                vendor(14988, 17, b"\1\2"),
                vendor(99999, 1, integer(1)),
                (26, b"\0\0"),
                (26, integer(14559) + b"\x0a\x09\0\0\0\1"),
            ],
        )
    )

    assert found.vendor_integers() == {"ChilliSpot-Acct-View-Point": 2}


def test_attributes_are_written_by_their_printed_names() -> None:
    written = encode([("Session-Timeout", 3600), ("Reply-Message", "é"), ("WISPr-Bandwidth-Max-Up", 512_000)])

    assert written == (
        b"\x1b\x06\x00\x00\x0e\x10" + b"\x12\x04\xc3\xa9" + b"\x1a\x0c\x00\x00\x37\x2a\x07\x06\x00\x07\xd0\x00"
    )


def test_octets_that_look_like_hexadecimal_text_stay_octets() -> None:
    assert encode([("Class", b"0x41")]) == b"\x19\x060x41"


@pytest.mark.parametrize(
    "given_",
    [
        pytest.param(("Reply-Message", "x" * 254), id="longer than an attribute"),
        pytest.param(("WISPr-Redirection-URL", "x" * 248), id="longer than a vendor's attribute"),
        pytest.param(("Session-Timeout", 2**32), id="more than 32 bits"),
    ],
)
def test_what_does_not_fit_is_refused_and_not_cut(given_: tuple[str, str | int | bytes]) -> None:
    with pytest.raises(ValueError, match=r"fit|range|253"):
        encode([given_])


@given(st.binary(max_size=300))
def test_no_octets_make_the_parser_fall_over(octets: bytes) -> None:
    parse(octets)


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=253)), max_size=12))
def test_what_was_put_together_is_found_again(attributes: list[tuple[int, bytes]]) -> None:
    found = parsed(packet(1, attributes))

    for number in {number for number, _ in attributes}:
        assert found.all(number) == [value for kind, value in attributes if kind == number]
    found.vendor_integers()
    for number in found.first:
        found.text(number)
        found.address(number, number)
