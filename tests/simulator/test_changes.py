"""Disconnect-Request and CoA-Request, as measured."""

import socket

import pytest
from pyrad.packet import CoAACK, CoANAK, CoAPacket, CoARequest, DisconnectACK, DisconnectNAK, DisconnectRequest

from simulator.access_point import STOP, AccessPoint
from simulator.phones import Phone
from simulator.radius import _DICTIONARY
from tests.simulator.lab import SECRET, HandClock, RadiusServer, log_on


@pytest.fixture
def online(gate: AccessPoint, phone: Phone, server: RadiusServer) -> Phone:
    server.accepts(Session_Timeout=3600, Idle_Timeout=900)
    log_on(gate, phone)
    return phone


def ask(gate: AccessPoint, code: int, *, secret: str = SECRET, **attributes: str | int) -> CoAPacket | None:
    """The answer, or None for silence."""
    request = CoAPacket(code, secret=secret.encode(), dict=_DICTIONARY, **attributes)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        sock.sendto(request.RequestPacket(), ("127.0.0.1", gate.coa_port))
        try:
            reply = request.CreateReply(packet=sock.recv(4096))
        except TimeoutError:
            return None
    assert request.VerifyReply(reply)
    return reply


def code_of(reply: CoAPacket | None) -> int | None:
    return None if reply is None else reply.code


def test_disconnect_by_user_name(gate: AccessPoint, online: Phone, server: RadiusServer) -> None:
    reply = ask(gate, DisconnectRequest, User_Name="alice")
    assert reply is not None
    assert reply.code == DisconnectACK
    assert list(reply.keys()) == []
    assert server.record(STOP)["Acct-Terminate-Cause"] == [6]
    assert online.connection is None


def test_disconnect_by_user_name_and_session(gate: AccessPoint, online: Phone) -> None:
    assert online.connection is not None
    session_id = online.connection.acct_session_id
    reply = ask(gate, DisconnectRequest, User_Name="alice", Acct_Session_Id=session_id)
    assert code_of(reply) == DisconnectACK


@pytest.mark.parametrize(
    "attributes",
    [{"User_Name": "bob"}, {"User_Name": "Alice"}, {"User_Name": "alice", "Acct_Session_Id": "1"}],
    ids=["unknown", "other case", "other session"],
)
def test_who_is_not_on_gets_a_nak(gate: AccessPoint, online: Phone, attributes: dict[str, str]) -> None:
    assert code_of(ask(gate, DisconnectRequest, **attributes)) == DisconnectNAK
    assert online.connection is not None


def test_no_user_name_no_answer(gate: AccessPoint, online: Phone) -> None:
    assert online.connection is not None
    session_id = online.connection.acct_session_id
    assert ask(gate, DisconnectRequest, Acct_Session_Id=session_id) is None
    assert online.connection is not None


def test_another_secret_no_answer(gate: AccessPoint, online: Phone) -> None:
    assert ask(gate, DisconnectRequest, secret="guess", User_Name="alice") is None
    assert online.connection is not None


def test_another_address_no_answer(gate: AccessPoint, online: Phone) -> None:
    request = CoAPacket(DisconnectRequest, secret=SECRET.encode(), dict=_DICTIONARY, User_Name="alice")
    assert gate.on_change(request.RequestPacket(), "127.0.0.2") is None


def test_a_coa_clears_what_it_does_not_carry(gate: AccessPoint, online: Phone) -> None:
    reply = ask(gate, CoARequest, User_Name="alice", Idle_Timeout=60)
    assert code_of(reply) == CoAACK
    assert online.connection is not None
    assert (online.connection.limits.session_timeout, online.connection.limits.idle_timeout) == (0, 60)


def test_a_new_session_timeout_counts_from_the_start(
    gate: AccessPoint, online: Phone, server: RadiusServer, hand_clock: HandClock
) -> None:
    hand_clock.seconds += 8
    ask(gate, CoARequest, User_Name="alice", Session_Timeout=3)
    gate.tick()
    assert server.record(STOP)["Acct-Terminate-Cause"] == [5]


@pytest.mark.parametrize(
    "attributes", [{"ChilliSpot_Session_State": 2}, {"ChilliSpot_Config": "logout"}], ids=["state", "config"]
)
def test_a_coa_can_log_out(
    gate: AccessPoint, online: Phone, server: RadiusServer, attributes: dict[str, str | int]
) -> None:
    assert code_of(ask(gate, CoARequest, User_Name="alice", **attributes)) == CoAACK
    assert server.record(STOP)["Acct-Terminate-Cause"] == [1]


def test_a_coa_for_nobody_gets_a_nak(gate: AccessPoint, online: Phone) -> None:
    assert code_of(ask(gate, CoARequest, User_Name="bob", Session_Timeout=60)) == CoANAK
