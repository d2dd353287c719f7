"""What becomes of a datagram: every rule by which one is discarded, answered again or asked about."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.models import MessageAuthenticatorMode
from hotspot.services.accounting import AccountingKind
from hotspot.services.radius_clients import RadiusClients, over_radsec
from hotspot.values import TerminateCause
from radius.authenticity import Chap, NoProof, Pap
from radius.messages import (
    Accept,
    AccessRequest,
    AccountingRequest,
    Acknowledge,
    DiscardReason,
    Door,
    Reject,
    StatusServer,
)
from radius.protocol import AnswerAgain, Ask, Discard, Exchange, RadiusProtocol
from tests.radius.clients import client
from tests.radius.packets import (
    SECRET,
    VECTORS,
    accounting,
    attributes_of,
    hidden_password,
    integer,
    is_authentic_reply,
    packet,
    signed,
    status,
    vector,
)

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SOURCE = ("192.0.2.1", 40_000)
AUTH, ACCT = Door.AUTHENTICATION, Door.ACCOUNTING
REQUIRED, AUTO, OPTIONAL = MessageAuthenticatorMode


def protocol(**overrides: Any) -> RadiusProtocol:
    return RadiusProtocol(RadiusClients([("192.0.2.0/24", client(**overrides))]))


def asked(step: object) -> Exchange:
    assert isinstance(step, Ask), step
    return step.exchange


PAP = [(1, b"a-login"), (2, hidden_password(b"a password")), (31, b"02-00-00-00-00-01")]
CHAP = [(1, b"a-login"), (3, b"\x05" + bytes(16)), (31, b"02-00-00-00-00-01")]
START = status(1)


# ---- whose it is ----


def test_a_stranger_is_discarded() -> None:
    assert protocol().receive(signed(1, PAP), ("198.51.100.1", 1), AUTH, NOW) == Discard(DiscardReason.UNKNOWN_NAS)


def test_a_packet_that_is_not_well_formed_is_discarded_with_its_nas() -> None:
    step = protocol().receive(signed(1, PAP)[:-1], SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.LENGTH_WRONG, nas_id=1)


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5, 11, 13, 40, 43, 52, 255])
def test_only_what_belongs_to_the_authentication_port_is_taken_there(code: int) -> None:
    step = protocol().receive(signed(code, PAP), SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.CODE_NOT_FOR_THIS_PORT, nas_id=1)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 5, 11, 13, 40, 43, 52, 255])
def test_only_what_belongs_to_the_accounting_port_is_taken_there(code: int) -> None:
    step = protocol().receive(signed(code, PAP), SOURCE, ACCT, NOW)

    assert step == Discard(DiscardReason.CODE_NOT_FOR_THIS_PORT, nas_id=1)


# ---- is it authentic ----


@pytest.mark.parametrize(
    ("mode", "seen", "is_taken"),
    [
        pytest.param(REQUIRED, False, False, id="required"),
        pytest.param(AUTO, False, True, id="auto, never seen"),
        pytest.param(AUTO, True, False, id="auto, seen before"),
        pytest.param(OPTIONAL, True, True, id="optional"),
    ],
)
def test_an_access_request_without_a_message_authenticator(
    mode: MessageAuthenticatorMode, seen: bool, is_taken: bool
) -> None:
    spoken = protocol(message_authenticator=mode, message_authenticator_seen=seen)

    step = spoken.receive(packet(1, PAP), SOURCE, AUTH, NOW)

    assert isinstance(step, Ask) if is_taken else step == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_MISSING, 1)


def test_auto_requires_it_once_it_has_been_seen_and_says_so_outward() -> None:
    spoken = protocol(message_authenticator=AUTO)

    asked(spoken.receive(signed(1, PAP, identifier=1), SOURCE, AUTH, NOW))

    assert spoken.latched == {1}
    assert spoken.receive(packet(1, PAP, identifier=2), SOURCE, AUTH, NOW) == Discard(
        DiscardReason.MESSAGE_AUTHENTICATOR_MISSING, 1
    )


def test_a_wrong_one_does_not_latch_auto() -> None:
    spoken = protocol(message_authenticator=AUTO)

    spoken.receive(signed(1, PAP, secret=b"another"), SOURCE, AUTH, NOW)

    assert spoken.latched == set()


@pytest.mark.parametrize("mode", [REQUIRED, AUTO, OPTIONAL])
def test_a_wrong_message_authenticator_is_discarded_in_every_mode(mode: MessageAuthenticatorMode) -> None:
    step = protocol(message_authenticator=mode).receive(signed(1, PAP, secret=b"another"), SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, nas_id=1)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([*PAP, (80, bytes(15))], id="15 octets"),
        pytest.param([*PAP, (80, b"")], id="none"),
        pytest.param([*PAP, (80, bytes(17))], id="17 octets"),
    ],
)
def test_a_message_authenticator_of_another_length_is_discarded(attributes: list[tuple[int, bytes]]) -> None:
    step = protocol().receive(packet(1, attributes), SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED, nas_id=1)


def test_two_message_authenticators_are_discarded_even_if_one_is_right() -> None:
    step = protocol().receive(signed(1, [(80, bytes(16)), *PAP]), SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED, nas_id=1)


def test_it_may_stand_first_last_or_between() -> None:
    blank = packet(1, [(80, bytes(16)), *PAP])
    first = blank[:22] + hmac.digest(SECRET, blank, "md5") + blank[38:]

    asked(protocol().receive(first, SOURCE, AUTH, NOW))


@pytest.mark.parametrize("is_proxy", [False, True])
def test_proxy_state_without_a_message_authenticator_is_for_declared_proxies(is_proxy: bool) -> None:
    spoken = protocol(message_authenticator=OPTIONAL, is_proxy=is_proxy)

    step = spoken.receive(packet(1, [*PAP, (33, b"state")]), SOURCE, AUTH, NOW)

    assert isinstance(step, Ask) if is_proxy else step == Discard(DiscardReason.PROXY_STATE_UNPROTECTED, 1)


@pytest.mark.parametrize("mode", [REQUIRED, AUTO, OPTIONAL])
def test_eap_is_never_believed_without_a_message_authenticator(mode: MessageAuthenticatorMode) -> None:
    step = protocol(message_authenticator=mode).receive(packet(1, [(79, b"\2\0\0\4")]), SOURCE, AUTH, NOW)

    assert step == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_MISSING, nas_id=1)


@pytest.mark.parametrize("door", [AUTH, ACCT])
def test_status_server_is_never_believed_without_a_message_authenticator(door: Door) -> None:
    spoken = protocol(message_authenticator=OPTIONAL)

    assert spoken.receive(packet(12, []), SOURCE, door, NOW) == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_MISSING, 1)
    assert asked(spoken.receive(signed(12, []), SOURCE, door, NOW)).request == StatusServer()


def test_an_accounting_request_by_another_secret_is_discarded() -> None:
    step = protocol().receive(accounting(START, secret=b"another"), SOURCE, ACCT, NOW)

    assert step == Discard(DiscardReason.REQUEST_AUTHENTICATOR_WRONG, nas_id=1)


def test_an_accounting_request_needs_no_message_authenticator_but_a_right_one_if_any() -> None:
    spoken = protocol()

    asked(spoken.receive(accounting(START, identifier=1), SOURCE, ACCT, NOW))
    asked(spoken.receive(accounting(START, identifier=2, message_authenticator=True), SOURCE, ACCT, NOW))
    wrong = spoken.receive(accounting([*START, (80, bytes(16))], identifier=3), SOURCE, ACCT, NOW)
    assert wrong == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, nas_id=1)


# ---- what it asks ----


def test_pap_is_read_with_its_password_in_clear() -> None:
    request = asked(protocol().receive(signed(1, PAP), SOURCE, AUTH, NOW)).request

    assert request == AccessRequest("a-login", "02-00-00-00-00-01", "", None, Pap(b"a password"))


@pytest.mark.parametrize("challenge", [None, b"sixteen octets!!", b"short"], ids=["authenticator", "sixteen", "short"])
def test_chap_takes_its_challenge_from_the_attribute_or_else_the_authenticator(challenge: bytes | None) -> None:
    attributes = CHAP if challenge is None else [*CHAP, (60, challenge)]

    request = asked(protocol().receive(signed(1, attributes), SOURCE, AUTH, NOW)).request

    assert isinstance(request, AccessRequest)
    assert request.proof == Chap(b"\x05", bytes(16), bytes(range(16)) if challenge is None else challenge)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param([*PAP, CHAP[1]], DiscardReason.TWO_PASSWORDS, id="PAP and CHAP"),
        pytest.param([(2, b"")], DiscardReason.PASSWORD_MALFORMED, id="no octets of PAP"),
        pytest.param([(2, bytes(17))], DiscardReason.PASSWORD_MALFORMED, id="PAP not a multiple of 16"),
        pytest.param([(2, bytes(144))], DiscardReason.PASSWORD_MALFORMED, id="PAP over 128"),
        pytest.param([(3, bytes(16))], DiscardReason.PASSWORD_MALFORMED, id="CHAP too short"),
        pytest.param([(3, bytes(18))], DiscardReason.PASSWORD_MALFORMED, id="CHAP too long"),
    ],
)
def test_a_password_that_cannot_be_one_is_discarded(attributes: list[tuple[int, bytes]], reason: DiscardReason) -> None:
    assert protocol().receive(signed(1, attributes), SOURCE, AUTH, NOW) == Discard(reason, nas_id=1)


def test_a_method_that_we_do_not_offer_is_asked_about_and_proves_nothing() -> None:
    """An Access-Reject tells the citizen at once; silence would look like a fault."""
    request = asked(protocol().receive(signed(1, [(1, b"a-login")]), SOURCE, AUTH, NOW)).request

    assert isinstance(request, AccessRequest)
    assert request.proof == NoProof()


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param(START[1:], DiscardReason.STATUS_TYPE_MISSING, id="no status type"),
        pytest.param([START[0], *START[2:]], DiscardReason.SESSION_ID_MISSING, id="no session id"),
        pytest.param([(40, b"\1"), START[1]], DiscardReason.ATTRIBUTE_MALFORMED, id="status type of one octet"),
        pytest.param([*START, (46, b"\0\0\1")], DiscardReason.ATTRIBUTE_MALFORMED, id="time of three octets"),
    ],
)
def test_an_accounting_request_that_cannot_be_kept_is_discarded(
    attributes: list[tuple[int, bytes]], reason: DiscardReason
) -> None:
    assert protocol().receive(accounting(attributes), SOURCE, ACCT, NOW) == Discard(reason, nas_id=1)


@pytest.mark.parametrize("kind", [9, 14, 15, 999])
def test_a_status_type_that_is_about_no_session_is_asked_about_without_a_kind(kind: int) -> None:
    request = asked(protocol().receive(accounting([(40, integer(kind))]), SOURCE, ACCT, NOW)).request

    assert isinstance(request, AccountingRequest)
    assert request.kind is None


def test_gigawords_count_wraps_of_the_octets() -> None:
    more = [(42, integer(5)), (52, integer(2)), (43, integer(2**32 - 1)), (53, integer(1)), (46, integer(60))]

    request = asked(protocol().receive(accounting(status(3, more=more)), SOURCE, ACCT, NOW)).request

    assert isinstance(request, AccountingRequest)
    assert (request.input_octets, request.output_octets) == (2 * 2**32 + 5, 2 * 2**32 - 1)


@pytest.mark.parametrize(
    ("number", "cause"),
    [(1, TerminateCause.USER_REQUEST), (6, TerminateCause.ADMIN_RESET), (11, TerminateCause.NAS_REBOOT)]
    + [(number, TerminateCause.OTHER) for number in (0, 12, 18, 22, 4_000_000_000)],
)
def test_terminate_causes_are_named(number: int, cause: TerminateCause) -> None:
    step = protocol().receive(accounting(status(2, more=[(49, integer(number))])), SOURCE, ACCT, NOW)

    request = asked(step).request
    assert isinstance(request, AccountingRequest)
    assert request.terminate_cause is cause


# ---- the answers ----


def test_an_accept_is_authentic_and_begins_with_its_message_authenticator() -> None:
    spoken, request = protocol(), signed(1, PAP)

    answer = spoken.answer(asked(spoken.receive(request, SOURCE, AUTH, NOW)), Accept([("Session-Timeout", 60)]))

    assert (answer[0], answer[1]) == (2, request[1])
    assert is_authentic_reply(answer, request)
    assert [number for number, _ in attributes_of(answer)] == [80, 27]


def test_even_a_request_without_one_gets_a_message_authenticator() -> None:
    spoken, request = protocol(message_authenticator=OPTIONAL), packet(1, PAP)

    answer = spoken.answer(asked(spoken.receive(request, SOURCE, AUTH, NOW)), Reject([("Reply-Message", "non")]))

    assert answer[0] == 3
    assert is_authentic_reply(answer, request)
    assert [number for number, _ in attributes_of(answer)] == [80, 18]


@pytest.mark.parametrize("has_one", [False, True])
def test_an_accounting_response_has_a_message_authenticator_if_the_request_had_one(has_one: bool) -> None:
    spoken, request = protocol(), accounting(START, message_authenticator=has_one)

    answer = spoken.answer(asked(spoken.receive(request, SOURCE, ACCT, NOW)), Acknowledge())

    assert answer[0] == 5
    assert is_authentic_reply(answer, request)
    assert len(attributes_of(answer)) == has_one


@pytest.mark.parametrize("door", [AUTH, ACCT])
def test_status_server_is_answered_as_its_port_answers(door: Door) -> None:
    spoken, request = protocol(), signed(12, [])
    exchange = asked(spoken.receive(request, SOURCE, door, NOW))

    answer = spoken.answer(exchange, Accept([]) if door is AUTH else Acknowledge())

    assert is_authentic_reply(answer, request)
    assert [number for number, _ in attributes_of(answer)] == [80]


def test_proxy_states_come_back_unchanged_and_in_order() -> None:
    spoken = protocol()
    states = [(33, b"second"), (33, b""), (33, b"first"), (33, bytes(253))]
    request = signed(1, [states[0], *PAP, *states[1:]])

    answer = spoken.answer(asked(spoken.receive(request, SOURCE, AUTH, NOW)), Accept([]))

    assert attributes_of(answer)[1:] == states
    assert is_authentic_reply(answer, request)


# ---- asked again ----


def test_a_retransmission_gets_the_same_answer_without_being_asked_about_again() -> None:
    spoken, request = protocol(), signed(1, PAP)
    answer = spoken.answer(asked(spoken.receive(request, SOURCE, AUTH, NOW)), Accept([]))

    assert spoken.receive(request, SOURCE, AUTH, NOW + timedelta(seconds=12)) == AnswerAgain(answer, 1)


def test_a_retransmission_is_met_with_silence_while_the_first_is_in_work() -> None:
    spoken, request = protocol(), signed(1, PAP)
    spoken.receive(request, SOURCE, AUTH, NOW)

    assert spoken.receive(request, SOURCE, AUTH, NOW) == Discard(DiscardReason.ALREADY_IN_WORK, nas_id=1)


def test_what_could_not_be_kept_is_asked_about_anew() -> None:
    spoken, request = protocol(), accounting(START)
    spoken.leave_unanswered(asked(spoken.receive(request, SOURCE, ACCT, NOW)))

    asked(spoken.receive(request, SOURCE, ACCT, NOW))


@pytest.mark.parametrize(
    ("again", "source", "door"),
    [
        pytest.param(signed(12, [], identifier=8), SOURCE, AUTH, id="another identifier"),
        pytest.param(signed(12, [], authenticator=bytes(16)), SOURCE, AUTH, id="another authenticator"),
        pytest.param(signed(12, []), ("192.0.2.1", 40_001), AUTH, id="another port"),
        pytest.param(signed(12, []), ("192.0.2.2", 40_000), AUTH, id="another address"),
        pytest.param(signed(12, []), SOURCE, ACCT, id="our other port"),
    ],
)
def test_anything_else_is_another_request(again: bytes, source: tuple[str, int], door: Door) -> None:
    spoken = protocol()
    spoken.answer(asked(spoken.receive(signed(12, []), SOURCE, AUTH, NOW)), Accept([]))

    asked(spoken.receive(again, source, door, NOW))


def test_a_forged_copy_with_the_same_header_is_not_answered_again() -> None:
    spoken, request = protocol(), signed(1, PAP)
    spoken.answer(asked(spoken.receive(request, SOURCE, AUTH, NOW)), Accept([]))

    assert spoken.receive(request[:-1] + b"\0", SOURCE, AUTH, NOW) == Discard(
        DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, nas_id=1
    )


# ---- what real access points sent ----

FROM_NAS = [each for each in VECTORS if each["request_hex"] is None]


@pytest.mark.parametrize("captured", FROM_NAS, ids=lambda each: str(each["name"]))
def test_every_captured_request_is_asked_about(captured: dict[str, Any]) -> None:
    datagram = bytes.fromhex(captured["hex"])
    mode = REQUIRED if captured["checks"]["message_authenticator_ok"] else OPTIONAL
    spoken = protocol(secret=captured["secret"].encode(), message_authenticator=mode)

    exchange = asked(spoken.receive(datagram, SOURCE, AUTH if datagram[0] == 1 else ACCT, NOW))

    names = {each["name"]: each["value"] for each in captured["decoded"]["attributes"]}
    request = exchange.request
    assert isinstance(request, AccessRequest | AccountingRequest)
    assert request.user_name == names.get("User-Name", "")
    assert request.calling_station_id == names.get("Calling-Station-Id", "")


@pytest.mark.parametrize("captured", FROM_NAS, ids=lambda each: str(each["name"]))
def test_every_captured_request_is_discarded_by_name_when_forged_or_cut(captured: dict[str, Any]) -> None:
    datagram = bytes.fromhex(captured["hex"])
    door = AUTH if datagram[0] == 1 else ACCT
    unknown = protocol(secret=b"not the secret")
    spoken = protocol(secret=captured["secret"].encode())

    assert isinstance(unknown.receive(datagram, SOURCE, door, NOW), Discard)
    for at in range(20, len(datagram)):
        assert spoken.receive(datagram[:at], SOURCE, door, NOW) == Discard(DiscardReason.LENGTH_WRONG, nas_id=1)
        forged = datagram[:at] + bytes((datagram[at] ^ 1,)) + datagram[at + 1 :]
        assert isinstance(spoken.receive(forged, SOURCE, door, NOW), Discard)


@pytest.mark.parametrize(
    "captured", [each for each in VECTORS if each["request_hex"]], ids=lambda each: str(each["name"])
)
def test_a_reply_is_no_request(captured: dict[str, Any]) -> None:
    spoken = protocol(secret=captured["secret"].encode())

    step = spoken.receive(bytes.fromhex(captured["hex"]), SOURCE, ACCT, NOW)

    assert step == Discard(DiscardReason.CODE_NOT_FOR_THIS_PORT, nas_id=1)


def test_coovachilli_counts_from_the_clients_view() -> None:
    captured = vector("coovachilli-1.8-acct-interim-update-gigawords")
    spoken = protocol(secret=captured["secret"].encode())

    request = asked(spoken.receive(bytes.fromhex(captured["hex"]), SOURCE, ACCT, NOW)).request

    assert isinstance(request, AccountingRequest)
    assert request.kind is AccountingKind.INTERIM
    assert (request.input_octets, request.output_octets) == (2**32 + 4_403_299, 63_580_105)
    assert request.vendor_integers["ChilliSpot-Acct-View-Point"] == 2
    assert request.classes == (b"lab-class-alice",)


# ---- whatever comes ----


@given(st.binary(max_size=400), st.sampled_from(Door))
def test_no_datagram_makes_it_fall_over(datagram: bytes, door: Door) -> None:
    assert isinstance(protocol(message_authenticator=OPTIONAL).receive(datagram, SOURCE, door, NOW), Discard | Ask)


ATTRIBUTE_LISTS = st.lists(
    st.tuples(st.integers(1, 255).filter(lambda each: each != 80), st.binary(max_size=40)), max_size=10
)


@given(ATTRIBUTE_LISTS, st.sampled_from(Door), st.booleans())
def test_no_authentic_packet_makes_it_fall_over(
    attributes: list[tuple[int, bytes]], door: Door, has_status: bool
) -> None:
    """An access point that is ours may still be mad."""
    spoken = protocol()
    if door is AUTH:
        datagram = signed(1, attributes)
    else:
        datagram = accounting([*([(40, integer(3))] if has_status else []), *attributes])

    step = spoken.receive(datagram, SOURCE, door, NOW)

    if isinstance(step, Ask):
        spoken.answer(step.exchange, Acknowledge() if door is ACCT else Accept([]))


@given(
    st.sampled_from(FROM_NAS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5),
    st.integers(0, 400),
)
def test_no_mutation_of_a_real_packet_makes_it_fall_over(
    captured: dict[str, Any], changes: list[tuple[int, int]], length: int
) -> None:
    datagram = bytearray.fromhex(captured["hex"])
    for at, octet in changes:
        datagram[at % len(datagram)] = octet

    protocol(secret=captured["secret"].encode()).receive(bytes(datagram[:length]), SOURCE, ACCT, NOW)


# ---- over RadSec ----


def over_tls(spoken: RadiusProtocol, octets: bytes, connection: str = "radsec/1", secret: bytes = b"radsec") -> object:
    return spoken.receive_of(over_radsec(client(secret=secret)), octets, (connection, 0), Door.RADSEC, NOW)


TLS_PAP = [(1, b"a-login"), (2, hidden_password(b"a password", secret=b"radsec")), (33, b"state")]


def test_one_connection_takes_requests_of_each_kind() -> None:
    spoken = protocol()

    asked(over_tls(spoken, packet(1, TLS_PAP, identifier=1)))
    asked(over_tls(spoken, accounting(START, identifier=2, secret=b"radsec")))
    exchange = asked(over_tls(spoken, signed(12, [], identifier=3, secret=b"radsec")))
    assert exchange.is_for_authentication  # Status-Server is answered with Access-Accept


@pytest.mark.parametrize("code", [0, 2, 3, 5, 11, 13, 40, 43, 52, 255])
def test_no_other_code_is_taken_over_tls(code: int) -> None:
    step = over_tls(protocol(), signed(code, [], secret=b"radsec"))

    assert step == Discard(DiscardReason.CODE_NOT_FOR_THIS_PORT, nas_id=1)


def test_over_tls_a_message_authenticator_may_be_missing_but_not_wrong() -> None:
    request = asked(over_tls(protocol(), packet(1, TLS_PAP))).request
    assert isinstance(request, AccessRequest)
    assert request.proof == Pap(b"a password")

    wrong = over_tls(protocol(), signed(1, TLS_PAP, secret=b"another"))
    assert wrong == Discard(DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, nas_id=1)


def test_the_secret_over_tls_is_radsec_whatever_that_of_the_nas() -> None:
    step = over_tls(protocol(), accounting(START), secret=SECRET)

    assert step == Discard(DiscardReason.REQUEST_AUTHENTICATOR_WRONG, nas_id=1)


def test_identifiers_are_each_connections_own() -> None:
    spoken, request = protocol(), packet(1, TLS_PAP)

    first = asked(over_tls(spoken, request))
    second = asked(over_tls(spoken, request, connection="radsec/2"))

    assert first.request_key == second.request_key  # the same question, after a broken connection
    assert over_tls(spoken, request) == Discard(DiscardReason.ALREADY_IN_WORK, nas_id=1)


def test_another_request_over_tls_has_another_key() -> None:
    spoken = protocol()

    first = asked(over_tls(spoken, packet(1, TLS_PAP)))
    second = asked(over_tls(spoken, packet(1, TLS_PAP, authenticator=bytes(16))))

    assert first.request_key != second.request_key


def test_an_answer_over_tls_is_signed_with_its_secret() -> None:
    spoken, request = protocol(), packet(1, TLS_PAP)

    answer = spoken.answer(asked(over_tls(spoken, request)), Accept([]))

    assert is_authentic_reply(answer, request, b"radsec")
    assert attributes_of(answer)[1:] == [(33, b"state")]
