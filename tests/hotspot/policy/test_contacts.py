"""Mail addresses, telephone numbers and names as people, and others, type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.contacts import (
    NumberProblem,
    expand_countries,
    is_host_of,
    mask_address,
    mask_number,
    parse_domain,
    parse_mail_address,
    parse_name,
    parse_number,
)
from hotspot.settings import Settings

SERVED = expand_countries(Settings.model_fields["sms_countries"].default)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" marie@example.org ", "marie@example.org"),
        ("Marie.Dupont@Example.ORG", "Marie.Dupont@example.org"),
        ("marie@example.org.", "marie@example.org"),
        ("marie@müller.de", "marie@xn--mller-kva.de"),
        ("marie@ville。fr", "marie@ville.fr"),
        ("o'neill+wifi@example.org", "o'neill+wifi@example.org"),
    ],
)
def test_an_address_is_read_as_it_can_be_sent_to(typed: str, address: str) -> None:
    read = parse_mail_address(typed)
    assert read is not None
    assert read.address == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "marie",
        "@example.org",
        "marie@",
        "marie@example",
        "marie@example.org\r\nBcc: victim@example.org",
        "marie@example.org\nSubject: hello",
        "marie@example.org\0",
        "marie@exam\u200bple.org",
        "marie dupont@example.org",
        "<marie@example.org>",
        "marie@example.org, other@example.org",
        '"marie dupont"@example.org',
        "märie@example.org",
        "victim%example.org@relay.org",
        "relay.org!victim@example.org",
        "marie@[192.0.2.1]",
        "marie@192.0.2.1",
        "marie@-example.org",
        "marie@exa_mple.org",
        "marie@xn--zzzzzz.de",
        "marie@example.org@evil.org",
        ".marie@example.org",
        "m..arie@example.org",
        "m" * 65 + "@example.org",
        "marie@" + "e" * 250 + ".org",
        "m" * 100_000,
    ],
)
def test_what_is_no_plain_address_is_none(typed: str) -> None:
    assert parse_mail_address(typed) is None


def test_spellings_of_one_mailbox_are_one_person() -> None:
    spellings = ("Marie+1@Example.org", "marie@example.org", "MARIE+work@EXAMPLE.ORG")
    assert {read.key for typed in spellings if (read := parse_mail_address(typed))} == {"marie@example.org"}


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_and_what_is_read_is_one_line_of_ascii(typed: str) -> None:
    read = parse_mail_address(typed)
    if read is not None:
        assert read.address.isascii()
        assert read.address.isprintable()
        assert " " not in read.address
    parse_number(typed, SERVED)
    name = parse_name(typed)
    assert name is None or name.isprintable()


@pytest.mark.parametrize(
    ("address", "shown"),
    [("marie@example.org", "m…@example.org"), ("marie@xn--mller-kva.de", "m…@müller.de")],
)
def test_an_address_is_masked_for_the_screen(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033 6 12 34 56 78", "+33612345678"),
        ("٠٦١٢٣٤٥٦٧٨", "+33612345678"),
        ("0696 12 34 56", "+596696123456"),
        ("0690 12 34 56", "+590690123456"),
        ("0694 12 34 56", "+594694123456"),
        ("0692 12 34 56", "+262692123456"),
        ("+687 75 12 34", "+687751234"),
        ("+49 1512 3456789", "+4915123456789"),
    ],
)
def test_a_mobile_number_is_read_as_e164(typed: str, number: str) -> None:
    assert parse_number(typed, SERVED) == number


@pytest.mark.parametrize(
    "typed",
    [
        "0899 70 00 00",
        "0 800 12 34 56",
        "09 70 12 34 56",
        "01 45 67 89 01",
        "+870 773 111 632",
        "+882 13 123456",
        "+44 7700 900123",
        "+1 202 555 0123",
        "+1 900 555 0123",
        "+39 899 123 456",
    ],
    ids=["premium", "free", "box", "line", "inmarsat", "network", "british", "american", "900", "italian premium"],
)
def test_premium_satellite_and_foreign_numbers_are_not_served(typed: str) -> None:
    assert parse_number(typed, SERVED) is NumberProblem.NOT_SERVED


@pytest.mark.parametrize("typed", ["", "12", "112", "hello", "0612345678 ext 5", "06123\r\n45678;x", "0" * 33, "+" * 9])
def test_what_is_no_number_is_said_to_be_none(typed: str) -> None:
    assert parse_number(typed, SERVED) is NumberProblem.UNREADABLE


def test_only_the_countries_of_the_setting_are_served() -> None:
    assert parse_number("+49 1512 3456789", frozenset(["FR"])) is NumberProblem.NOT_SERVED


@pytest.mark.parametrize(
    ("number", "shown"), [("+33612345678", "+33 6 •• •• •• 78"), ("+4915123456789", "+49 1••• •••••89")]
)
def test_a_number_is_masked_for_the_screen(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@pytest.mark.parametrize("typed", ["Jeanne d’Arc", "J. Dupont", "Ana-María", "李明", "محمد علي", "N'Guyen Thị"])
def test_names_of_many_scripts_are_taken(typed: str) -> None:
    assert parse_name(f"  {typed} ") is not None


@pytest.mark.parametrize(
    "typed",
    ["", "x", "evil.com", "http://x", "Free access 3", "a\u202eb", "<b>Jean</b>", "n@me", "é" * 61, "...", "Jean\0"],
)
def test_what_could_be_a_link_or_a_trick_is_no_name(typed: str) -> None:
    assert parse_name(typed) is None


def test_a_name_of_several_lines_becomes_one() -> None:
    assert parse_name("Jean\r\nSubject:") is None
    assert parse_name("Jean\r\nDupont") == "Jean Dupont"


@pytest.mark.parametrize(
    ("address", "is_host"),
    [
        ("maire@ville.fr", True),
        ("maire@VILLE.fr", True),
        ("maire@evil.ville.fr", False),
        ("maire@ville.fr.evil.org", False),
        ("maire@xville.fr", False),
        ("maire@vi1le.fr", False),
        ("maire@villе.fr", False),
    ],
    ids=["same", "capitals", "below", "before", "longer", "digit", "cyrillic"],
)
def test_a_host_has_exactly_the_domain(address: str, is_host: bool) -> None:
    read = parse_mail_address(address)
    assert read is not None
    assert is_host_of(read, ["ville.fr"]) is is_host


@pytest.mark.parametrize(
    "text", ["", "fr", "ville", "ville..fr", "192.0.2.1", "ville.fr/x", "vi lle.fr", "a" * 300 + ".fr"]
)
def test_what_is_no_domain_is_none(text: str) -> None:
    assert parse_domain(text) is None
