"""SIP2 as octets: the printed vectors, every bad habit of writing, and anything at all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.adapters.library_systems import sip2_messages as sip2
from hotspot.adapters.library_systems.sip2_messages import (
    Answer,
    BadChecksum,
    Dialect,
    Lines,
    NotSip2,
    Patron,
    Resend,
    SessionEnd,
    Sip2Error,
    Status,
    Unsendable,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLAIN = Dialect()
UNCHECKED = Dialect(error_detection=False)
STATUS = b"98YYYNYN01000320260101    1200002.00AOINST|BXYYYYYYYYYYYNYYYY|"
PATRON = b"64YY Y          00120240417    083058000000000000000200000000"
"""Its head is from a live log: flags 1, 2 and 4, the date, two fines."""


def sealed(body: bytes, sequence: int = 1) -> bytes:
    octets = body + b"AY%dAZ" % sequence
    return octets + b"%04X" % (-sum(octets) % 65536)


def read(line: bytes, dialect: Dialect = PLAIN) -> Answer:
    return sip2.read_answer(line, dialect)


def patron(fields: bytes, dialect: Dialect = UNCHECKED, head: bytes = PATRON) -> Patron:
    says = read(head + fields, dialect).says
    assert isinstance(says, Patron)
    return says


def status(line: bytes) -> Status:
    says = read(line, UNCHECKED).says
    assert isinstance(says, Status)
    return says


# what we send


def test_the_requests_are_those_of_live_logs() -> None:
    assert sip2.seal(sip2.sc_status(), PLAIN, 2) == b"9900302.00AY2AZFCA4\r"
    assert sip2.seal(sip2.sc_status(), PLAIN, 0) == b"9900302.00AY0AZFCA6\r"
    assert sip2.seal(sip2.login("OV", "OV", "WES"), PLAIN, 1) == b"9300CNOV|COOV|CPWES|AY1AZF86B\r"


def test_a_request_for_patron_information_is_the_vector_but_for_its_language() -> None:
    body = sip2.patron_information(Dialect("INST", "term"), "12345", "1234", NOON)

    assert body == "6300220260101    120000          AOINST|AA12345|ACterm|AD1234|"
    assert sip2.seal(body.replace("002", "001", 1), PLAIN, 1).endswith(b"AY1AZF067\r")


def test_a_request_for_the_patron_status_has_no_summary() -> None:
    assert sip2.patron_status(PLAIN, "1", "2", NOON) == "2300220260101    120000AO|AA1|AC|AD2|"


def test_the_end_of_a_session_has_no_language() -> None:
    assert sip2.end_session(PLAIN, "1", "2", NOON) == "3520260101    120000AO|AA1|AC|AD2|"


def test_a_login_without_a_place_says_none() -> None:
    assert sip2.login("me", "secret", "") == "9300CNme|COsecret|"


def test_the_range_of_items_is_sent_where_it_is_wanted() -> None:
    assert sip2.patron_information(Dialect(item_range=True), "1", "2", NOON).endswith("AD2|BP|BQ|")


def test_without_error_detection_there_is_neither_number_nor_checksum() -> None:
    assert sip2.seal(sip2.sc_status(), UNCHECKED, 3) == b"9900302.00\r"
    assert sip2.resend(UNCHECKED) == b"97\r"


def test_a_line_may_have_to_end_with_two_characters() -> None:
    assert sip2.seal("99", Dialect(crlf=True, error_detection=False), 0) == b"99\r\n"


def test_asking_again_has_a_checksum_and_no_number() -> None:
    assert sip2.resend(PLAIN) == b"97AZFEF5\r"


@pytest.mark.parametrize(
    ("encoding", "octets"), [("auto", "é".encode()), ("utf-8", "é".encode()), ("latin-1", b"\xe9"), ("cp850", b"\x82")]
)
def test_letters_are_written_as_the_server_reads_them(encoding: sip2.Encoding, octets: bytes) -> None:
    dialect = Dialect(encoding=encoding)

    line = sip2.seal(sip2.login("é", "x", ""), dialect, 0)

    assert b"CN" + octets + b"|" in line
    assert (sum(line[:-5]) + int(line[-5:-1], 16)) % 65536 == 0


@pytest.mark.parametrize(
    "typed",
    ["1|AD", "1\r", "1\n99", "1\0", "1\t", "1\x1b", "1\x7f", "1\x85", "1\u2028", "1\ud800", "é" * 200],
    ids=ascii,
)
def test_what_would_break_a_message_is_not_sent(typed: str) -> None:
    assert not sip2.can_be_sent(typed, PLAIN)


@pytest.mark.parametrize("typed", ["1|BLY", "1\r99", "1\n"], ids=ascii)
def test_no_request_is_made_of_what_would_break_it(typed: str) -> None:
    with pytest.raises(Unsendable):
        sip2.patron_information(PLAIN, typed, "1234", NOON)
    with pytest.raises(Unsendable):
        sip2.patron_status(PLAIN, "1234", typed, NOON)


def test_a_letter_that_the_encoding_lacks_is_not_sent() -> None:
    assert not sip2.can_be_sent("Ω", Dialect(encoding="latin-1"))
    with pytest.raises(Unsendable):
        sip2.seal("Ω", Dialect(encoding="latin-1"), 0)


@given(st.text(), st.text(), st.sampled_from(["auto", "utf-8", "latin-1", "cp850"]))
def test_what_can_be_sent_is_one_line_with_the_fields_it_should_have(
    card: str, pin: str, encoding: sip2.Encoding
) -> None:
    dialect = Dialect(encoding=encoding)
    if sip2.can_be_sent(card, dialect) and sip2.can_be_sent(pin, dialect):
        line = sip2.seal(sip2.patron_information(dialect, card, pin, NOON), dialect, 7)
        parts = line.removesuffix(b"\r").split(b"|")

        assert not set(line[:-1]) & {*range(32), 127}
        assert [part[:2] for part in parts[1:]] == [b"AA", b"AC", b"AD", b"AY"]


# what we read


def test_a_login_is_accepted_or_not() -> None:
    assert read(b"941AY1AZFDFC") == Answer(sip2.Login(True), 1)
    assert read(b"940", UNCHECKED) == Answer(sip2.Login(False), None)


def test_a_status_says_what_the_server_can_do() -> None:
    assert status(STATUS) == Status(True, timedelta(seconds=1), 3, "2.00", "INST", "YYYYYYYYYYYNYYYY")


def test_an_unknown_timeout_is_none() -> None:
    says = status(STATUS.replace(b"010003", b"999999"))

    assert (says.timeout, says.retries) == (None, None)


def test_a_number_may_be_padded_with_blanks() -> None:
    says = status(STATUS.replace(b"010003", b" 10 3 "))

    assert (says.timeout, says.retries) == (timedelta(seconds=1), 3)


def test_what_is_supported_is_asked_by_its_place() -> None:
    says = status(b"98YYYNYN01000320260101    1200002.00BXYNNNNNNN|")

    assert [says.offers(1), says.offers(8), says.offers(9)] == [True, False, None]


def test_a_patron_is_read_from_a_live_answer() -> None:
    says = patron(b"AOINST|AA12345|AEA. Reader|BLY|CQY|AFone|AFtwo|PCADULT|")

    assert says.flags == {1, 2, 4}
    assert says.said_on == date(2024, 4, 17)
    assert (says.is_valid, says.is_pin_right) == (True, True)
    assert (says.first("AA"), says.all("AF"), says.first("ZZ", "PC")) == ("12345", ("one", "two"), "ADULT")


def test_the_short_answer_has_the_same_fields() -> None:
    head = b"24    Y         00120260101    120000"

    says = patron(b"CQY|BLY|AE|AA1|", head=head)

    assert says.flags == {5}
    assert (says.first("AA"), says.is_pin_right) == ("1", True)


def test_fields_come_in_any_order_and_unknown_ones_do_no_harm() -> None:
    says = patron(b"CQY|ZZ?|XK|x|BLY||AFBLN|AA1|")

    assert (says.is_valid, says.is_pin_right, says.first("AA")) == (True, True, "1")


@pytest.mark.parametrize("fields", [b"BLY|", b"BLY|CQ|", b"BLY|CQ |", b"BLY|CQN|", b"BLY|CQ1|", b"CQYes|", b"XCQY|"])
def test_nothing_but_yes_is_a_yes(fields: bytes) -> None:
    assert not patron(fields).is_pin_right


def test_a_name_that_brings_fields_of_its_own_is_no_yes() -> None:
    assert not patron(b"AEMallory|CQY|BLY|CQN|").is_pin_right


def test_who_somebody_is_does_not_show_when_an_answer_is_printed() -> None:
    assert "Reader" not in repr(patron(b"AEA. Reader|"))


def test_a_session_is_ended_or_not() -> None:
    assert read(b"36Y20260101    120000AO|AA1|", UNCHECKED).says == SessionEnd(True)
    assert read(b"36N20260101    120000", UNCHECKED).says == SessionEnd(False)


def test_a_server_may_ask_again() -> None:
    assert read(b"96AZFEF6").says == Resend()


# how servers write


def test_a_checksum_may_lack_its_leading_zero_or_have_a_blank_for_it() -> None:
    long = PATRON + b"AE" + b"z" * 460 + b"|"
    total = next(
        each for more in range(300) if int((each := sealed(long + b"AF" + b"~" * more + b"|"))[-4:], 16) < 0x1000
    )
    digits = total[-4:].lstrip(b"0")

    assert len(digits) < 4
    for written in (digits, b" " + digits, digits.rjust(4), digits.ljust(4), digits.lower(), total[-4:] + b" "):
        assert read(total[:-4] + written).sequence == 1


def test_a_field_may_end_after_the_checksum() -> None:
    assert read(sealed(b"941") + b"|").sequence == 1
    body = b"941AY4|AZ"
    assert read(body + b"%04X" % (-sum(body) % 65536)).sequence == 4


def test_a_checksum_may_come_without_a_number() -> None:
    body = b"941AZ"
    assert read(body + b"%04X" % (-sum(body) % 65536)).sequence is None


def test_an_answer_may_have_no_checksum_at_all() -> None:
    assert read(b"941") == Answer(sip2.Login(True), None)


def test_a_wrong_checksum_is_told_apart() -> None:
    with pytest.raises(BadChecksum):
        read(sealed(b"941").replace(b"941", b"940"))


def test_a_wrong_checksum_is_overlooked_without_error_detection() -> None:
    assert read(b"941AY1AZ0000", UNCHECKED).says == sip2.Login(True)


def test_a_name_that_looks_like_a_checksum_is_none() -> None:
    assert patron(b"CQY|AEGAZA|", PLAIN).first("AE") == "GAZA"
    assert patron(b"CQY|AEGAZA", PLAIN).first("AE") == "GAZA"


def test_the_checksum_is_that_of_the_octets_not_of_the_letters() -> None:
    for name in ("é".encode(), b"\xe9"):
        assert read(sealed(PATRON + b"AE" + name + b"|")).says.first("AE") == "é"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("encoding", "octets"), [("latin-1", b"\xe9"), ("cp850", b"\x82"), ("utf-8", "é".encode()), ("auto", b"\xe9")]
)
def test_letters_are_read_in_the_encoding_of_the_server(encoding: sip2.Encoding, octets: bytes) -> None:
    assert patron(b"AE" + octets + b"|", replace(UNCHECKED, encoding=encoding)).first("AE") == "é"


@pytest.mark.parametrize(
    "line", [b"", b"9", b"66", b"None", b"94", b"98YYY", b"64", b"login: ", b"\xff\xfb\x01"], ids=repr
)
def test_what_is_no_answer_is_named_so(line: bytes) -> None:
    with pytest.raises(NotSip2):
        read(line)


@given(
    st.binary(max_size=300)
    | st.sampled_from([b"94", b"98", b"24", b"64", b"36", b"96"]).flatmap(
        lambda code: st.binary(max_size=200).map(lambda rest: code + rest)
    ),
    st.booleans(),
)
def test_no_line_breaks_the_reader(line: bytes, error_detection: bool) -> None:
    for one in (line, sealed(line), line + b"|AZ" + line):
        try:
            answer = read(one, Dialect(error_detection=error_detection))
        except Sip2Error:
            continue
        if isinstance(answer.says, Patron):
            answer.says.first("AA")


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Z][A-Z0-9]", fullmatch=True),
            st.text(st.characters(exclude_characters="|", exclude_categories=["Cc", "Cs", "Zl", "Zp"])),
        )
    ),
    st.integers(0, 9),
)
def test_what_was_written_is_read_again(fields: list[tuple[str, str]], sequence: int) -> None:
    fields = [each for each in fields if each[0] not in ("AY", "AZ")]
    body = PATRON.decode() + "".join(f"{tag}{value}|" for tag, value in fields)

    answer = read(sip2.seal(body, PLAIN, sequence).rstrip(b"\r"))

    assert answer.sequence == sequence
    assert isinstance(answer.says, Patron)
    assert [each for each in answer.says.fields if each[0] != "AY"] == fields


# lines


def cut(*octets: bytes) -> list[bytes]:
    lines, found = Lines(), []
    for each in octets:
        lines.feed(each)
        while (line := lines.next()) is not None:
            found.append(line)
    return found


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r\n", b"\r\0"], ids=repr)
def test_a_line_ends_as_the_server_likes(end: bytes) -> None:
    assert cut(b"\n941" + end + b"940" + end) == [b"941", b"940"]


def test_a_line_may_arrive_octet_by_octet() -> None:
    assert cut(*(bytes([each]) for each in b"\n941AY1AZFDFC\r\n96\r")) == [b"941AY1AZFDFC", b"96"]


def test_nothing_waits_when_only_the_end_of_a_line_is_left() -> None:
    lines = Lines()
    lines.feed(b"941\r\n")
    assert lines.next() == b"941"
    assert lines.is_empty
    lines.feed(b"9")
    assert not lines.is_empty


@pytest.mark.parametrize("octets", [b"x" * 20_000, b"x" * 20_000 + b"\r"], ids=["without an end", "with one"])
def test_a_line_has_a_longest_length(octets: bytes) -> None:
    with pytest.raises(NotSip2, match="16384"):
        cut(octets)


@given(st.lists(st.binary(max_size=40)))
def test_lines_are_the_same_however_they_arrive(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    lines = [line.strip(b"\0") for line in whole.replace(b"\n", b"\r").split(b"\r")[:-1] if line.strip(b" \0")]

    assert cut(*pieces) == cut(whole) == lines
