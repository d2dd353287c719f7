"""A library that is asked over SIP2: what is made of its answers, whatever its habits, and never later than asked."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.adapters.library_systems import sip2_connection, sip2_pool
from hotspot.adapters.library_systems.library_system import LibrarySystem
from hotspot.adapters.library_systems.sip2 import Sip2
from hotspot.adapters.library_systems.sip2_messages import Patron
from hotspot.adapters.library_systems.sip2_reader import reader_of, unread_dates
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.errors import Unavailable
from hotspot.policy.readers import Block, Reader
from tests.fixtures.sip2 import (
    HANG_UP,
    SILENCE,
    STATUS,
    Caller,
    Sip2Server,
    a_sip2_server,
    own_patron,
    patron,
    sealed,
    short_patron,
)
from tests.radius.tls_peers import Town

CARD, PIN = "20261001", "1234"
SOON = timedelta(seconds=0.3)
"""For what is to be given up."""
LATER = timedelta(seconds=20)
"""For what is to work, on a machine that is busy with something else."""

Ask = Callable[..., Reader | None]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only nice to have gets all the time it needs: a busy machine costs no connection."""
    monkeypatch.setattr(sip2_connection, "_GOODBYE_TAKES", 20)
    monkeypatch.setattr(sip2_pool, "_CHECK_TAKES", 20)


@pytest.fixture
def server() -> Iterator[Sip2Server]:
    with a_sip2_server() as started:
        yield started


@pytest.fixture
def make(server: Sip2Server) -> Iterator[Callable[..., Sip2]]:
    made: list[Sip2] = []

    def make(**more: Any) -> Sip2:
        made.append(Sip2(settings(server.port, **more)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def ask(make: Callable[..., Sip2]) -> Ask:
    """One card, on a new connection."""
    return lambda within=LATER, **more: make(**more).ask(CARD, PIN, within)


def settings(port: int, **more: Any) -> Sip2Settings:
    account = {"host": "127.0.0.1", "port": port, "user": "parvis", "password": "hush", "institution": "VDL"}
    return Sip2Settings(**account | more)


def test_it_is_a_library_system(make: Callable[..., Sip2]) -> None:
    system: LibrarySystem = make()

    assert system.ask(CARD, PIN, LATER) == Reader(CARD, category=CARD)


def test_a_card_is_asked_about_after_a_login_and_a_status(ask: Ask, server: Sip2Server) -> None:
    ask()

    assert server.codes() == ["93", "99", "63", "35"]
    assert server.heard[0].startswith(b"9300CNparvis|COhush|AY0AZ")
    assert b"          AOVDL|AA20261001|AC|AD1234|AY2AZ" in server.heard[2]


# yes and no


@pytest.mark.parametrize(
    "accepted", [b"BLY|CQN|", b"BLN|CQY|", b"BLY|CQ|", b"BLY|CQ |", b"BLY|", b"CQY|", b"", b"BLY|CQX|"]
)
def test_only_two_plain_yeses_are_a_yes(ask: Ask, server: Sip2Server, accepted: bytes) -> None:
    server.answers[b"63"] = patron(accepted=accepted)

    assert ask() is None


@pytest.mark.parametrize("pin", ["", " ", "\t", "\u00a0", "\u200b", "\ufeff", "0", " 0 "], ids=ascii)
def test_a_pin_that_is_as_good_as_empty_is_never_sent(make: Callable[..., Sip2], server: Sip2Server, pin: str) -> None:
    server.answers[b"63"] = patron()

    assert make().ask(CARD, pin, LATER) is None
    assert not server.opened


@pytest.mark.parametrize(
    ("card", "pin"),
    [
        ("", PIN),
        ("  ", PIN),
        (CARD + "|BLY", PIN),
        (CARD, "x|ADy"),
        (CARD, "12\r99"),
        ("1\n2", PIN),
        (CARD, "12\0"),
        ("1" * 300, PIN),
        (CARD, "\ud800"),
    ],
    ids=ascii,
)
def test_what_could_be_more_than_a_card_or_a_pin_never_leaves(
    make: Callable[..., Sip2], server: Sip2Server, card: str, pin: str
) -> None:
    assert make().ask(card, pin, LATER) is None
    assert not server.opened


def test_a_pin_that_the_encoding_lacks_is_wrong(make: Callable[..., Sip2], server: Sip2Server) -> None:
    assert make(encoding="latin-1").ask(CARD, "Ω", LATER) is None
    assert not server.opened


def test_a_card_alone_is_enough_only_where_that_is_set(make: Callable[..., Sip2], server: Sip2Server) -> None:
    server.answers[b"63"] = patron(accepted=b"BLY|")

    assert make(card_only=True).ask(CARD, "typed all the same", LATER) == Reader(CARD)
    assert b"|AD|" in server.heard[2]


def test_a_card_that_does_not_exist_is_refused_without_a_pin_too(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(accepted=b"BLN|")

    assert ask(card_only=True) is None


# what a reader is


def test_the_record_says_what_rules_ask_for(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = patron("PCÉtudiant|PB19900131|PA20270831|AQCENTRE|BHEUR|BV12.50|AFHello|".encode("latin-1"))

    assert ask() == Reader(
        CARD, "Étudiant", "CENTRE", date(1990, 1, 31), date(2027, 8, 31), frozenset(), Decimal("12.50")
    )


def test_the_number_is_the_one_that_the_library_gives_back(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(card=b"0042")
    assert ask() == Reader("0042")
    server.answers[b"63"] = patron(card=b"")
    assert ask() == Reader(CARD)


def test_vendors_have_fields_of_their_own(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(b"XK31/01/1990|XPNETWORK|XL01.09.2027|XHNorth|PCno|")

    fields = {"birth_field": "XK", "category_field": "XP", "expiry_field": "PA, XL", "home_library_field": "xh"}
    assert ask(**fields, date_form="dmy") == Reader(CARD, "NETWORK", "North", date(1990, 1, 31), date(2027, 9, 1))


@pytest.mark.parametrize(
    ("written", "form", "day"),
    [
        ("20270831", "ymd", date(2027, 8, 31)),
        ("20270831    235900", "dmy", date(2027, 8, 31)),
        ("2027-08-31", "ymd", date(2027, 8, 31)),
        ("2027-08-31T00:00:00", "ymd", date(2027, 8, 31)),
        ("31/08/2027", "dmy", date(2027, 8, 31)),
        ("8/31/2027", "mdy", date(2027, 8, 31)),
        ("31/08/2027", "ymd", None),
        ("20270231", "ymd", None),
        ("00000000", "ymd", None),
        ("never", "ymd", None),
        ("202708311", "ymd", None),
        ("٢٠٢٧٠٨٣١", "ymd", None),
    ],
)
def test_a_date_is_read_or_it_is_none(ask: Ask, server: Sip2Server, written: str, form: str, day: date | None) -> None:
    server.answers[b"63"] = patron(f"BW{written}|".encode())

    reader = ask(date_form=form)

    assert reader is not None
    assert reader.expires_on == day


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12.50", "12.50"),
        ("12,5", "12.5"),
        ("0", "0"),
        ("EUR 7.00", "7.00"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234", "1234"),
        ("1234567", "1234567"),
        ("-3.20", "-3.20"),
        ("", None),
        ("none", None),
        ("٣", None),
    ],
)
def test_what_is_owed_is_a_number_or_none(ask: Ask, server: Sip2Server, written: str, amount: str | None) -> None:
    server.answers[b"63"] = patron(f"BV{written}|".encode())

    reader = ask()

    assert reader is not None
    assert reader.owes == (amount and Decimal(amount))


@pytest.mark.parametrize(
    ("flags", "fields", "blocks"),
    [
        (b"", b"", set()),
        (b"    Y", b"", {Block.LOST}),
        (b"YYYYY", b"", {Block.LOST}),
        (b"Y", b"", set()),
        (b"Y    Y", b"", set()),
        (b"YYYY", b"", {Block.BLOCKED}),
        (b"YYYY      Y", b"", {Block.OWES}),
        (b"Y     Y    Y", b"", {Block.OVERDUE, Block.OWES}),
        (b"YYYY", b"PA20250101|", set()),
        (b"YYYY", b"PA20260310|", {Block.BLOCKED}),
    ],
    ids=[
        "fine",
        "lost",
        "lost, as Koha says it",
        "cannot borrow more",
        "has too many",
        "restricted",
        "owes, as Koha says it",
        "overdue and owes",
        "expired, as Koha says it",
        "good until today",
    ],
)
def test_flags_are_blocks(ask: Ask, server: Sip2Server, flags: bytes, fields: bytes, blocks: set[Block]) -> None:
    server.answers[b"63"] = patron(fields, flags=flags)

    reader = ask()

    assert reader is not None
    assert reader.blocks == blocks


def test_which_flags_block_is_a_setting(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = patron(flags=b"Y   Y")

    reader = ask(lost_flags="", blocked_flags="9, 1+5")

    assert reader is not None
    assert reader.blocks == {Block.BLOCKED}


@given(st.lists(st.tuples(st.sampled_from(["AA", "PA", "PB", "PC", "BV", "BW", "AQ"]), st.text(max_size=40))))
def test_no_record_is_too_odd_to_be_read(fields: list[tuple[str, str]]) -> None:
    for form in ("ymd", "dmy", "mdy"):
        odd = settings(6001, date_form=form)
        record = Patron(frozenset({1, 5}), None, tuple(fields))

        assert reader_of(record, CARD, odd).card_number
        assert len(unread_dates(record, odd)) <= 3


# habits of writing


def unpadded(body: bytes, sequence: bytes) -> Iterable[bytes]:
    """A checksum below 0x1000 without its zero: the answer is lengthened until it is."""
    yield _short_sum(body, sequence).replace(b"AZ0", b"AZ") + b"\r"


def blank_padded(body: bytes, sequence: bytes) -> Iterable[bytes]:
    yield _short_sum(body, sequence).replace(b"AZ0", b"AZ ") + b"\r"


def _short_sum(body: bytes, sequence: bytes) -> bytes:
    if body[:2] not in (b"64", b"98"):
        return sealed(body, sequence)
    padded = body + b"AF" + b"~" * 400
    return next(line for more in range(200) if (line := sealed(padded + b"z" * more + b"|", sequence))[-4:-3] == b"0")


HABITS: dict[str, Callable[[bytes, bytes], Iterable[bytes]]] = {
    "LF in front": lambda body, sequence: [b"\n" + sealed(body, sequence) + b"\r"],
    "CR LF": lambda body, sequence: [sealed(body, sequence) + b"\r\n"],
    "CR, and LF later": lambda body, sequence: [sealed(body, sequence) + b"\r", b"\n"],
    "LF": lambda body, sequence: [sealed(body, sequence) + b"\n"],
    "octet by octet": lambda body, sequence: [bytes([each]) for each in sealed(body, sequence) + b"\r"],
    "in two pieces": lambda body, sequence: (
        [body[:40], sealed(body, sequence)[40:] + b"\r"] if len(body) > 40 else [sealed(body, sequence) + b"\r"]
    ),
    "checksum without its zero": unpadded,
    "checksum with a blank": blank_padded,
    "checksum in small letters": lambda body, sequence: [
        sealed(body, sequence)[:-4] + sealed(body, sequence)[-4:].lower() + b"\r"
    ],
    "no checksum": lambda body, _: [body + b"\r"],
    "everything twice": lambda body, sequence: [(sealed(body, sequence) + b"\r") * 2],
    "everything twice, without numbers": lambda body, _: [(body + b"\r") * 2],
    "an old answer first": lambda body, sequence: [
        sealed(patron(card=b"666"), b"%d" % ((int(sequence) + 5) % 10)) + b"\r" + sealed(body, sequence) + b"\r"
    ],
    "a remark in Latin-1": lambda body, sequence: (
        [sealed(body + b"AFr\xe9serv\xe9|", sequence) + b"\r"] if b"|" in body else [sealed(body, sequence) + b"\r"]
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_each_card_gets_its_own_answer_whatever_the_habit(
    make: Callable[..., Sip2], server: Sip2Server, habit: str
) -> None:
    server.write = HABITS[habit]
    system = make(connections=1)

    for card in ("101", "102", "103"):
        assert system.ask(card, PIN, LATER) == Reader(card, category=card)
        assert system.ask(card, "9999", LATER) is None


def test_nothing_is_looked_at_where_error_detection_is_off(ask: Ask, server: Sip2Server) -> None:
    server.write = lambda body, _: [body + b"AY7AZ0000\r"]

    assert ask(error_detection=False) == Reader(CARD, category=CARD)
    assert server.heard[1] == b"9900302.00"


def test_answers_that_name_no_request_are_not_trusted_with_a_second_card(
    make: Callable[..., Sip2], server: Sip2Server
) -> None:
    server.write = lambda body, _: [body + b"\r"]
    system = make()

    system.ask("101", PIN, LATER)
    system.ask("102", PIN, LATER)

    assert server.opened == 2


def test_a_damaged_answer_is_asked_for_again(ask: Ask, server: Sip2Server) -> None:
    good: list[bytes] = []

    def spoil_the_first(body: bytes, sequence: bytes) -> Iterable[bytes]:
        if body[:2] == b"64" and not good:
            good.append(sealed(body, sequence))
            return [good[0].replace(b"BLY", b"BLN") + b"\r"]
        return [sealed(body, sequence) + b"\r"]

    server.write = spoil_the_first
    server.answers[b"97"] = lambda _: good[0]

    assert ask() == Reader(CARD, category=CARD)
    assert server.codes() == ["93", "99", "63", "97", "35"]


def test_answers_that_stay_damaged_are_none(ask: Ask, server: Sip2Server) -> None:
    server.write = lambda body, sequence: [body + b"AY" + sequence + b"AZ0000\r"]

    with pytest.raises(Unavailable, match="library"):
        ask()


def test_a_server_may_ask_for_a_message_again(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = lambda request: b"96" if server.codes().count("63") < 2 else own_patron(request)

    assert ask() == Reader(CARD, category=CARD)
    assert server.heard[2] == server.heard[3]


def test_a_server_may_not_ask_again_for_ever(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = b"96"

    with pytest.raises(Unavailable):
        ask()
    assert server.codes().count("63") == 2 * 3


# habits of speaking


def test_a_server_that_has_no_patron_information_is_asked_for_the_status(ask: Ask, server: Sip2Server) -> None:
    server.answers |= {b"99": STATUS.replace(b"BXYNNNYYYY", b"BXYNNNYYYN"), b"23": short_patron(b"BHEUR|BV3|")}

    assert ask() == Reader(CARD, owes=Decimal(3))
    assert "63" not in server.codes()


def test_how_a_card_is_asked_about_can_be_set(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"23"] = short_patron()

    assert ask(inquiry="status") == Reader(CARD)


def test_a_server_that_says_little_of_itself_is_asked_for_all(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"99"] = STATUS.partition(b"AO")[0]

    assert ask() == Reader(CARD, category=CARD)
    assert server.codes() == ["93", "99", "63"]


def test_the_dialect_is_that_of_the_settings(ask: Ask, server: Sip2Server) -> None:
    ask(item_range=True, terminal_password="term", location="DESK", institution="Médiathèque", encoding="cp850")

    assert b"|CPDESK|" in server.heard[0]
    assert b"AOM\x82diath\x8aque|AA20261001|ACterm|AD1234|BP|BQ|AY" in server.heard[2]


def test_the_end_of_a_session_can_be_left_out(ask: Ask, server: Sip2Server) -> None:
    ask(end_session=False)

    assert "35" not in server.codes()


@pytest.mark.parametrize("answer", [HANG_UP, b"36N20260310    100000", b"nonsense"], ids=repr)
def test_what_goes_wrong_at_the_end_of_a_session_takes_nothing_back(
    make: Callable[..., Sip2], server: Sip2Server, answer: bytes
) -> None:
    server.answers[b"35"] = answer
    system = make()

    assert [system.ask(card, PIN, LATER) for card in ("1", "2")] == [Reader("1", "1"), Reader("2", "2")]


def test_no_account_is_named_where_none_is_needed(ask: Ask, server: Sip2Server) -> None:
    assert ask(login="none", user="", password="") == Reader(CARD, category=CARD)
    assert server.codes()[0] == "99"


def prompting(answer: bytes) -> Callable[[Caller], None]:
    def greet(caller: Caller) -> None:
        caller.say(b"\xff\xfb\x01\xff\xfb\x03Koha SIP\r\nlogin: ")
        name = caller.line()
        caller.say(b"\r\npass")
        caller.say(b"word: ")
        is_right = (name, caller.line()) == (b"parvis", b"hush")
        for piece in (answer[:6], answer[6:]):
            caller.say(piece if is_right else b"Invalid login\r\nlogin: ")

    return greet


def test_telnet_asks_for_name_and_password(ask: Ask, server: Sip2Server) -> None:
    server.greet = prompting(b"Login OK.  Initiating SIP\r\n")

    assert ask(login="telnet") == Reader(CARD, category=CARD)
    assert server.codes() == ["99", "63", "35"]


def test_a_wrong_password_over_telnet_is_trouble_with_the_library(ask: Ask, server: Sip2Server) -> None:
    server.greet = prompting(b"Login OK.\r\n")

    with pytest.raises(Unavailable):
        ask(login="telnet", password="wrong")
    assert not server.heard


def test_telnet_prompts_without_end_are_given_up(ask: Ask, server: Sip2Server) -> None:
    server.greet = lambda caller: caller.say(b"welcome " * 2000)

    with pytest.raises(Unavailable):
        ask(login="telnet")


# trouble


@pytest.mark.parametrize(
    "answers",
    [
        {b"93": b"940"},
        {b"93": HANG_UP},
        {b"99": b"98N" + STATUS[3:]},
        {b"99": b"98YY"},
        {b"99": HANG_UP},
        {b"63": HANG_UP},
        {b"63": b"None"},
        {b"63": b"66"},
        {b"63": b"64 too short"},
    ],
    ids=repr,
)
def test_no_sound_answer_is_trouble_with_the_library(ask: Ask, server: Sip2Server, answers: dict[bytes, bytes]) -> None:
    server.answers |= answers

    with pytest.raises(Unavailable, match="library"):
        ask()


def test_a_refused_account_is_not_tried_twice(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"93"] = b"940"

    with pytest.raises(Unavailable):
        ask()
    assert server.codes() == ["93"]


def test_trouble_names_neither_card_nor_pin(ask: Ask, server: Sip2Server) -> None:
    server.answers[b"63"] = lambda request: b"what? " + request

    with pytest.raises(Unavailable) as caught:
        ask()

    told = repr([caught.value, caught.value.__cause__])
    assert not any(each in told for each in (CARD, PIN, "hush"))


def test_nobody_there_is_trouble_with_the_library(ask: Ask, server: Sip2Server) -> None:
    server.stop()

    with pytest.raises(Unavailable):
        ask()


@pytest.mark.parametrize("code", [b"93", b"99", b"63"], ids=repr)
def test_silence_is_given_up_in_time(ask: Ask, server: Sip2Server, code: bytes) -> None:
    server.answers[code] = SILENCE

    with pytest.raises(Unavailable):
        ask(SOON)


def test_the_end_of_a_session_is_not_waited_for(
    make: Callable[..., Sip2], server: Sip2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip2_connection, "_GOODBYE_TAKES", 0.1)
    server.answers[b"35"] = SILENCE

    assert make().ask(CARD, PIN, LATER) == Reader(CARD, category=CARD)


def test_answers_of_another_number_are_given_up_in_time(ask: Ask, server: Sip2Server) -> None:
    server.write = lambda body, sequence: [sealed(body, b"%d" % ((int(sequence) + 1) % 10)) + b"\r"]

    with pytest.raises(Unavailable):
        ask(SOON)


def test_an_answer_that_drips_is_given_up_in_time(ask: Ask, server: Sip2Server) -> None:
    dripped: list[bytes] = []

    def drip(body: bytes, sequence: bytes) -> Iterator[bytes]:
        for each in b"x" * 2000:  # a hundred seconds of them
            if server.stopping.wait(0.05):
                return
            dripped.append(bytes([each]))
            yield dripped[-1]

    server.write = drip

    with pytest.raises(Unavailable):
        ask(SOON)
    assert len(dripped) < 2000


def test_a_line_without_an_end_is_given_up_at_once(ask: Ask, server: Sip2Server) -> None:
    server.write = lambda body, _: (b"x" * 1000 for _ in range(1000))

    with pytest.raises(Unavailable):
        ask()


def test_a_server_that_only_listens_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for more in ({}, {"tls": True}, {"login": "telnet"}):
            with closing(Sip2(settings(listener.getsockname()[1], **more))) as system, pytest.raises(Unavailable):
                system.ask(CARD, PIN, SOON)


def test_a_name_that_nobody_resolves_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved, asked = threading.Event(), []

    def resolve(*asked_for: object, **_: object) -> list[object]:
        asked.append(asked_for)
        resolved.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    system = Sip2(settings(6001, host="sip2.library.test"))

    for _ in range(3):
        with pytest.raises(Unavailable):
            system.ask(CARD, PIN, SOON)
    resolved.set()
    assert len(asked) == 1


@pytest.mark.parametrize("host", ["nobody.invalid", "x" * 70 + ".test"])
def test_a_name_that_is_none_is_trouble_with_the_library(host: str) -> None:
    with pytest.raises(Unavailable):
        Sip2(settings(6001, host=host)).ask(CARD, PIN, LATER)


# connections


def test_a_connection_is_used_again(make: Callable[..., Sip2], server: Sip2Server) -> None:
    system = make()

    for card in range(25):
        assert system.ask(str(card), PIN, LATER) == Reader(str(card), category=str(card))

    assert server.opened == 1
    assert server.codes().count("93") == 1


def test_a_line_that_was_closed_meanwhile_is_replaced(make: Callable[..., Sip2], server: Sip2Server) -> None:
    system = make()
    system.ask(CARD, PIN, LATER)

    server.hang_up()

    assert system.ask(CARD, PIN, LATER) == Reader(CARD, category=CARD)
    assert server.opened == 2


def test_a_line_that_is_closed_under_the_question_is_replaced(make: Callable[..., Sip2], server: Sip2Server) -> None:
    server.answers[b"63"] = lambda request: HANG_UP if server.codes().count("63") == 2 else own_patron(request)
    system = make()

    for card in ("1", "2"):
        assert system.ask(card, PIN, LATER) == Reader(card, category=card)
    assert server.opened == 2


def test_an_old_connection_is_asked_how_it_is(
    make: Callable[..., Sip2], server: Sip2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip2_pool, "_TRUSTED_FOR", 0)
    system = make()

    system.ask(CARD, PIN, LATER)
    system.ask(CARD, PIN, LATER)

    assert server.codes() == ["93", "99", "63", "35", "99", "63", "35"]


def test_an_old_connection_that_says_nothing_is_replaced(
    make: Callable[..., Sip2], server: Sip2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip2_pool, "_TRUSTED_FOR", 0)
    monkeypatch.setattr(sip2_pool, "_CHECK_TAKES", 0.1)
    server.answers[b"99"] = lambda _: SILENCE if server.codes().count("99") == 2 else STATUS
    system = make()

    for _ in range(2):
        assert system.ask(CARD, PIN, LATER) == Reader(CARD, category=CARD)
    assert server.opened == 2


def test_empty_lines_without_end_make_a_connection_useless(make: Callable[..., Sip2], server: Sip2Server) -> None:
    def flood(body: bytes, sequence: bytes) -> Iterator[bytes]:
        yield sealed(body, sequence) + b"\r"
        while body[:2] == b"36" and not server.stopping.is_set():
            yield b"\r\n" * 1000

    server.write = flood
    system = make(connections=1)

    for card in ("1", "2"):
        assert system.ask(card, PIN, LATER) == Reader(card, category=card)


def test_what_is_said_unasked_makes_a_connection_useless(make: Callable[..., Sip2], server: Sip2Server) -> None:
    said = threading.Event()

    def add_something(body: bytes, sequence: bytes) -> Iterator[bytes]:
        yield sealed(body, sequence) + b"\r"
        if body[:2] == b"36":
            yield sealed(patron(card=b"666"), sequence) + b"\r"
            said.set()

    server.write = add_something
    system = make(connections=1)

    for card in ("1", "2"):
        assert system.ask(card, PIN, LATER) == Reader(card, category=card)
        assert said.wait(20)
        said.clear()


def test_an_unused_connection_is_closed_before_the_server_does(make: Callable[..., Sip2], server: Sip2Server) -> None:
    make(idle_seconds=1).ask(CARD, PIN, LATER)

    assert server.closed_one.wait(20)


def test_there_are_never_more_connections_than_the_server_allows(make: Callable[..., Sip2], server: Sip2Server) -> None:
    server.answers[b"63"] = lambda request: HANG_UP if request.endswith(b"7") else own_patron(request)
    system = make(connections=3)

    def one(card: int) -> Reader | None:
        try:
            return system.ask(str(card), PIN, LATER)
        except Unavailable:
            return None

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(200)))

    assert server.most_open <= 3
    assert sum(answer is not None for answer in answers) > 150
    assert all(answer in (None, Reader(str(card), category=str(card))) for card, answer in enumerate(answers))


def test_who_waits_for_a_connection_gives_up_in_time(make: Callable[..., Sip2], server: Sip2Server) -> None:
    asked, answered = threading.Event(), threading.Event()

    def wait(request: bytes) -> bytes:
        asked.set()
        answered.wait(20)
        return own_patron(request)

    server.answers[b"63"] = wait
    system = make(connections=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(system.ask, CARD, PIN, LATER)
        assert asked.wait(20)
        with pytest.raises(Unavailable):
            system.ask(CARD, PIN, SOON)
        answered.set()
        assert first.result() == Reader(CARD, category=CARD)


def test_closing_closes_what_is_kept(make: Callable[..., Sip2], server: Sip2Server) -> None:
    system = make()
    system.ask(CARD, PIN, LATER)

    system.close()

    assert server.closed_one.wait(20)


# TLS


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def tls_context(town: Town) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = town.certificate("sip2.library.test", is_server=True)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.fixture
def tls_server(tls_context: ssl.SSLContext) -> Iterator[Sip2Server]:
    with a_sip2_server(tls_context) as started:
        yield started


def over_tls(port: int, town: Town | None, **more: Any) -> Sip2:
    authority = Path(town.authority.certificate).read_text() if town else ""
    return Sip2(settings(port, tls=True, tls_ca=authority, **more))


def test_a_card_goes_over_tls_to_a_server_that_can_be_trusted(tls_server: Sip2Server, town: Town) -> None:
    with closing(over_tls(tls_server.port, town, tls_name="sip2.library.test")) as system:
        for card in ("1", "2"):
            assert system.ask(card, PIN, LATER) == Reader(card, category=card)
    assert tls_server.opened == 1


@pytest.mark.parametrize(("pasted", "name"), [(False, "sip2.library.test"), (True, ""), (True, "other.test")])
def test_no_card_goes_to_a_server_that_cannot_be_trusted(
    tls_server: Sip2Server, town: Town, pasted: bool, name: str
) -> None:
    system = over_tls(tls_server.port, town if pasted else None, tls_name=name)

    with closing(system), pytest.raises(Unavailable):
        system.ask(CARD, PIN, LATER)
    assert not tls_server.heard


def test_no_card_goes_in_clear_where_tls_is_set(server: Sip2Server, town: Town) -> None:
    with closing(over_tls(server.port, town)) as system, pytest.raises(Unavailable):
        system.ask(CARD, PIN, SOON)
    assert not any(b"hush" in each or b"AA" in each for each in server.heard)
