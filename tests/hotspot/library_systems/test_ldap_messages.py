"""LDAP's octets: those of the standards' examples, whatever comes in, and filters as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.adapters.library_systems import ldap_messages as ldap
from hotspot.adapters.library_systems.ldap_filter import parse_filter
from hotspot.adapters.library_systems.ldap_messages import Malformed, Result, octets, tlv


def test_a_bind_as_it_goes_over_the_wire() -> None:
    assert ldap.request(1, ldap.bind("cn=a", "b")).hex() == "30110201016" + "00c020103" + "0404636e3d61" + "800162"


def test_start_tls_names_its_operation() -> None:
    assert ldap.request(1, ldap.start_tls()).hex() == "301d02010177188016" + b"1.3.6.1.4.1.1466.20037".hex()


@pytest.mark.parametrize(
    ("value", "octets_of_it"), [(0, "020100"), (127, "02017f"), (128, "02020080"), (-129, "0202ff7f")]
)
def test_a_whole_number(value: int, octets_of_it: str) -> None:
    assert ldap.integer(value).hex() == octets_of_it


@pytest.mark.parametrize(("length", "header"), [(127, "047f"), (128, "048180"), (256, "04820100")])
def test_a_length_of_several_octets(length: int, header: str) -> None:
    assert octets(b"x" * length)[: len(header) // 2].hex() == header


@given(st.binary(max_size=300))
def test_whatever_comes_in_is_read_or_malformed(noise: bytes) -> None:
    for read in (ldap.length_of_first, ldap.read_message, ldap.read_result, ldap.read_entry):
        try:
            read(noise)
        except Malformed:
            continue


@given(st.text(max_size=50), st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=200)))
def test_an_entry_is_read_as_it_was_written_and_never_when_it_is_cut(dn: str, given: dict[str, bytes]) -> None:
    pairs = [tlv(0x30, octets(name), tlv(0x31, octets(value))) for name, value in given.items()]
    try:
        whole = ldap.request(7, tlv(0x64, octets(dn), tlv(0x30, *pairs)))
    except UnicodeEncodeError:
        return  # a lone surrogate: nobody writes that

    message = ldap.read_message(whole)
    entry = ldap.read_entry(message.content)
    assert (message.message_id, entry.dn) == (7, dn)
    assert {name: values[0] for name, values in entry.attributes.items()} == given
    assert ldap.length_of_first(whole) == len(whole)
    with pytest.raises(Malformed):
        ldap.read_message(whole[:-1])


@pytest.mark.parametrize(
    ("text", "data"), [("…, data 52e, v4563", "52e"), ("data 0000052E", ""), ("data 00000533,", "533"), ("", "")]
)
def test_what_active_directory_adds(text: str, data: str) -> None:
    assert Result(49, text).ad_data == data


def test_a_result_has_the_name_of_the_standard() -> None:
    assert [Result(code, "").name for code in (0, 49, 8, 123)] == [
        "success", "invalidCredentials", "strongerAuthRequired", "result 123",
    ]  # fmt: skip


# Filters. On the left as RFC 4515 writes them, on the right as RFC 4511 section 4.5.1.7 encodes them


def equal(attribute: str, value: bytes, tag: int = 0xA3) -> bytes:
    return tlv(tag, octets(attribute), octets(value))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("(uid={card})", equal("uid", b"C")),
        (" (uid=a{card}z) ", equal("uid", b"aCz")),
        ("(&(o=x)(uid={card}))", tlv(0xA0, equal("o", b"x"), equal("uid", b"C"))),
        ("(|(uid={card})(mail={card}))", tlv(0xA1, equal("uid", b"C"), equal("mail", b"C"))),
        ("(!(uid={card}))", tlv(0xA2, equal("uid", b"C"))),
        ("(&(sn=*)(uid={card}))", tlv(0xA0, octets("sn", 0x87), equal("uid", b"C"))),
        ("(uid>={card})", equal("uid", b"C", 0xA5)),
        ("(uid<={card})", equal("uid", b"C", 0xA6)),
        ("(uid~={card})", equal("uid", b"C", 0xA8)),
        (r"(cn=\2a\28{card}\c3\a9)", equal("cn", b"*(C\xc3\xa9")),
        ("(cn=é={card})", equal("cn", "é=C".encode())),
        (
            "(mail=a*b*{card}@*.fr)",
            tlv(
                0xA4,
                octets("mail"),
                tlv(0x30, octets("a", 0x80), octets("b", 0x81), octets("C@", 0x81), octets(".fr", 0x82)),
            ),
        ),
        ("(mail=*{card})", tlv(0xA4, octets("mail"), tlv(0x30, octets("C", 0x82)))),
        ("(uid:2.5.13.5:={card})", tlv(0xA9, octets("2.5.13.5", 0x81), octets("uid", 0x82), octets("C", 0x83))),
        ("(cn:dn:={card})", tlv(0xA9, octets("cn", 0x82), octets("C", 0x83), tlv(0x84, b"\xff"))),
        ("(:1.2.3:={card})", tlv(0xA9, octets("1.2.3", 0x81), octets("C", 0x83))),
    ],
)  # fmt: skip
def test_a_filter(text: str, encoded: bytes) -> None:
    assert parse_filter(text)("C") == encoded


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_a_card_number_is_one_value_whatever_it_is(card: str) -> None:
    condition = parse_filter("(&(objectClass=person)(uid={card}))")

    assert condition(card) == tlv(0xA0, equal("objectClass", b"person"), equal("uid", card.encode()))


@pytest.mark.parametrize(
    "text",
    ["", "uid={card}", "(uid={card}", "(uid={card}))", "(uid=x)", "()", "(&)({card}", "(!(a={card})(b=c))",
     "(a b={card})", "(=x{card})", r"(cn=\2{card})", r"(cn=\zz{card})", "(" * 5000 + "{card}",
     "(!" * 30 + "(a={card})" + ")" * 30,
     "(cn:={card})x", "(:={card})", "(cn:dn={card})", "(cn>=*{card})", "(cn=a\x00{card})", "((uid={card}))"],
)  # fmt: skip
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_filter(text)
