"""Disconnect- and CoA-Requests without a socket: their octets, their repeats, and which answers count."""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hotspot.models import WishKind
from hotspot.services.wish_queue import Answer, Outcome, TakenWish
from radius.authenticity import SharedSecret
from radius.changes import LONGEST_ATTEMPT, MOST_PACKETS, ChangeClient, Repeat, ReplyDiscarded, build_request
from radius.messages import Code
from tests.factories import NOW
from tests.radius.packets import SECRET, VECTORS, attribute, attributes_of, integer

PLACE = ("192.0.2.7", 3799)
WISH = TakenWish(
    wish_id=1,
    lease=NOW + timedelta(seconds=45),
    tries=1,
    kind=WishKind.DISCONNECT,
    nas_id=1,
    attributes=[("User-Name", "a-login"), ("Acct-Session-Id", "0000002a")],
    secret=SECRET,
    address=PLACE[0],
    port=PLACE[1],
)
CAPTURED = [each for each in VECTORS if "disconnect-" in each["name"] or "coa-" in each["name"]]


@pytest.fixture
def client() -> ChangeClient:
    return ChangeClient(lambda: 0.0)


def reply(request: bytes, code: int, attributes: bytes = b"", *, sign: bool = False, secret: bytes = SECRET) -> bytes:
    return SharedSecret(secret).reply(code, request[1], request[4:20], attributes, sign=sign)


def test_a_request_is_signed_twice_as_rfc_5176_says() -> None:
    request = build_request(Code.DISCONNECT_REQUEST, 9, WISH, SharedSecret(SECRET), NOW)

    blank = request[:4] + bytes(16) + request[20:22] + bytes(16) + request[38:]
    assert request[:4] == bytes((40, 9)) + len(request).to_bytes(2)
    assert request[22:38] == hmac.digest(SECRET, blank, "md5")
    assert request[4:20] == hashlib.md5(request[:4] + bytes(16) + request[20:] + SECRET).digest()
    assert attributes_of(request)[1:] == [
        (1, b"a-login"),
        (44, b"0000002a"),
        (55, integer(int(NOW.timestamp()))),
    ]


@pytest.mark.parametrize("captured", CAPTURED, ids=[each["name"] for each in CAPTURED])
def test_what_real_access_servers_answered_is_authentic_and_understood(captured: dict[str, Any]) -> None:
    """Their requests were made by another client: put in the place of ours, the captured answer must fit."""
    asked, answered = bytes.fromhex(captured["request_hex"]), bytes.fromhex(captured["hex"])
    kind = WishKind.CHANGE if asked[0] == Code.COA_REQUEST else WishKind.DISCONNECT
    client = ChangeClient(lambda: 0.0)
    wish = replace(WISH, kind=kind)
    client._last_identifier[PLACE] = (asked[1] - 1) % 256
    client.begin(wish, PLACE, captured["secret"].encode(), NOW)
    client._open[PLACE, asked[1]].packet = asked

    outcome = client.receive(answered, PLACE)

    is_ack = captured["decoded"]["code_name"].endswith("ACK")
    cause = 503 if captured["name"] == "hostapd-2.10-driver-wired-disconnect-nak-ma" else None
    assert outcome == Outcome(wish, Answer.ACCEPTED if is_ack else Answer.REFUSED, cause)


def test_a_repeat_has_the_same_octets_and_comes_ever_later(client: ChangeClient) -> None:
    packet = client.begin(WISH, PLACE, SECRET, NOW)
    sent_after = []
    now, outcome = NOW, None
    while outcome is None:
        now = client.next_at() or now
        for step in client.turn(now):
            if isinstance(step, Repeat):
                assert step == Repeat(PLACE, packet)
                sent_after.append((now - NOW).total_seconds())
            else:
                outcome = step

    assert sent_after == [2, 6, 14]
    assert outcome == Outcome(WISH, Answer.NONE)
    assert len(client) == 0
    assert now - NOW <= LONGEST_ATTEMPT * 1.1
    assert len(sent_after) < MOST_PACKETS


def test_the_next_attempt_has_its_own_identifier_time_and_authenticators(client: ChangeClient) -> None:
    first = client.begin(WISH, PLACE, SECRET, NOW)
    client.receive(reply(first, Code.DISCONNECT_NAK), PLACE)
    second = client.begin(WISH, PLACE, SECRET, NOW + timedelta(minutes=1))

    assert second[1] == first[1] + 1
    assert second[4:20] != first[4:20]
    assert second[22:38] != first[22:38]


@pytest.mark.parametrize(
    ("code", "attributes", "expected"),
    [
        (Code.DISCONNECT_ACK, b"", (Answer.ACCEPTED, None)),
        (Code.DISCONNECT_NAK, attribute(101, integer(503)), (Answer.REFUSED, 503)),
        (Code.DISCONNECT_NAK, b"", (Answer.REFUSED, None)),
        (Code.DISCONNECT_NAK, attribute(101, b"\1"), (Answer.REFUSED, None)),
    ],
    ids=["yes", "no, and why", "no", "no, and a broken why"],
)
@pytest.mark.parametrize("sign", [False, True], ids=["bare", "signed"])
def test_an_answer_is_heard_once(
    client: ChangeClient, code: Code, attributes: bytes, expected: tuple[Answer, int | None], sign: bool
) -> None:
    answer = reply(client.begin(WISH, PLACE, SECRET, NOW), code, attributes, sign=sign)

    assert client.receive(answer, PLACE) == Outcome(WISH, *expected)
    assert client.receive(answer, PLACE) is ReplyDiscarded.NOT_ASKED


def test_an_answer_with_another_secret_is_not_believed(client: ChangeClient) -> None:
    request = client.begin(WISH, PLACE, SECRET, NOW)

    assert client.receive(reply(request, 41, secret=b"a guess"), PLACE) is ReplyDiscarded.NOT_AUTHENTIC
    assert client.receive(reply(request, 41), PLACE) == Outcome(WISH, Answer.ACCEPTED)


def test_an_answer_whose_message_authenticator_is_wrong_is_not_believed(client: ChangeClient) -> None:
    request = client.begin(WISH, PLACE, SECRET, NOW)
    forged = SharedSecret(SECRET).reply(41, request[1], request[4:20], attribute(80, bytes(16)), sign=False)

    assert client.receive(forged, PLACE) is ReplyDiscarded.NOT_AUTHENTIC


@pytest.mark.parametrize("place", [("192.0.2.8", 3799), ("192.0.2.7", 3800)], ids=["address", "port"])
def test_an_answer_from_elsewhere_counts_for_nothing(client: ChangeClient, place: tuple[str, int]) -> None:
    request = client.begin(WISH, PLACE, SECRET, NOW)

    assert client.receive(reply(request, 41), place) is ReplyDiscarded.NOT_ASKED


@pytest.mark.parametrize("code", [2, 5, 40, 44, 45])
def test_an_answer_to_another_question_counts_for_nothing(client: ChangeClient, code: int) -> None:
    request = client.begin(WISH, PLACE, SECRET, NOW)

    assert client.receive(reply(request, code), PLACE) is ReplyDiscarded.NOT_ASKED


@pytest.mark.parametrize("datagram", [b"", b"\x29", bytes(20), b"\x29\0\0\x16" + bytes(18)], ids=range(4))
def test_what_is_no_packet_is_malformed(client: ChangeClient, datagram: bytes) -> None:
    client.begin(WISH, PLACE, SECRET, NOW)

    assert client.receive(datagram, PLACE) is ReplyDiscarded.MALFORMED


def test_no_more_than_256_are_under_way_to_one_place(client: ChangeClient) -> None:
    identifiers = {client.begin(WISH, PLACE, SECRET, NOW)[1] for _ in range(256)}

    assert len(identifiers) == 256
    with pytest.raises(BlockingIOError):
        client.begin(WISH, PLACE, SECRET, NOW)
    assert client.begin(WISH, ("192.0.2.8", 3799), SECRET, NOW)


def test_where_nothing_is_lost_nothing_is_repeated(client: ChangeClient) -> None:
    client.begin(WISH, ("radsec", 1), b"radsec", NOW, repeats=False)

    assert client.turn(NOW + timedelta(seconds=29)) == []
    assert client.turn(NOW + LONGEST_ATTEMPT) == [Outcome(WISH, Answer.NONE)]


def test_what_could_not_be_sent_is_forgotten(client: ChangeClient, now: datetime) -> None:
    client.forget(PLACE, client.begin(WISH, PLACE, SECRET, now))

    assert len(client) == 0
    assert client.next_at() is None


def test_a_name_that_fits_in_no_packet_leaves_nothing_under_way(client: ChangeClient) -> None:
    with pytest.raises(ValueError, match="253"):
        client.begin(replace(WISH, attributes=[("User-Name", "x" * 254)]), PLACE, SECRET, NOW)
    assert len(client) == 0
