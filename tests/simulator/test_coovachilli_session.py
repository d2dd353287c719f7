"""From logon to Stop with CoovaChilli, over real datagrams."""

import time

import pytest
from pyrad.packet import AccessReject

from simulator.access_point import ACCOUNTING_OFF, ACCOUNTING_ON, INTERIM, START, STOP, AccessPoint
from simulator.brand import SILENCE
from simulator.coovachilli_redirect import login_key
from simulator.phones import Phone
from simulator.radius import readable
from tests.simulator.lab import HandClock, MakeGate, RadiusServer, location, log_on, parameters


def test_chap_goes_to_the_server_as_measured(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_on(gate, phone)
    request = server.logins[0]
    assert request.VerifyChapPasswd("secret")
    assert request[60] == [login_key(phone.challenge, "uamsecret")]
    assert [name for name, _ in readable(request)] == [
        "ChilliSpot-Version",
        "User-Name",
        "CHAP-Challenge",
        "CHAP-Password",
        "Service-Type",
        "Acct-Session-Id",
        "Framed-IP-Address",
        "NAS-Port-Type",
        "NAS-Port",
        "NAS-Port-Id",
        "Calling-Station-Id",
        "Called-Station-Id",
        "NAS-IP-Address",
        "NAS-Identifier",
        "WISPr-Location-ID",
        "WISPr-Location-Name",
        "WISPr-Logoff-URL",
        "Message-Authenticator",
    ]
    assert request.verify_message_authenticator()


def test_pap_goes_to_the_server_in_the_clear(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    gate.capture(phone, "http://probe/")
    key = login_key(phone.challenge, "uamsecret")
    hidden = bytes(a ^ b for a, b in zip(b"motdepasse".ljust(16, b"\0"), key, strict=True)).hex()
    log_on(gate, phone, response="", password=hidden)
    request = server.logins[0]
    assert request.PwDecrypt(request["User-Password"][0]) == "motdepasse"


def test_success_without_a_redirection_tells_the_portal(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts(Session_Timeout=3600, Reply_Message="Bonjour à tous")
    found = parameters(log_on(gate, phone))
    assert (found["res"], found["uid"], found["timeleft"]) == ("success", "alice", "3600")
    assert found["reply"] == "Bonjour à tous"
    assert "challenge" not in found


def test_success_goes_bare_to_the_redirection(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts(WISPr_Redirection_URL="http://portail.example/online/x")
    assert location(log_on(gate, phone)) == "http://portail.example/online/x"


def test_a_reject_brings_a_new_challenge(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.answer = lambda _: (AccessReject, {"Reply-Message": "Non"})
    gate.capture(phone, "http://probe/")
    before = phone.challenge.hex()
    found = parameters(log_on(gate, phone))
    assert (found["res"], found["reason"], found["reply"]) == ("failed", "reject", "Non")
    assert found["challenge"] != before
    assert phone.connection is None


def test_the_redirection_of_a_reject_sticks_to_the_next_accept(
    gate: AccessPoint, phone: Phone, server: RadiusServer
) -> None:
    server.answer = lambda _: (AccessReject, {"WISPr-Redirection-URL": "http://p/refused"})
    assert location(log_on(gate, phone)) == "http://p/refused"
    server.accepts()
    assert location(log_on(gate, phone)) == "http://p/refused"
    assert phone.connection is not None


def test_a_silent_server_gets_the_same_datagram_five_times(
    gate: AccessPoint, phone: Phone, server: RadiusServer
) -> None:
    began = time.monotonic()
    found = parameters(log_on(gate, phone))
    took = time.monotonic() - began
    assert (found["res"], found["reason"]) == ("failed", "timeout")
    assert len(server.datagrams) == 5
    assert len(set(server.datagrams)) == 1
    assert 0.45 < took < 1.5


def test_an_answer_with_another_secret_is_no_answer(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    def forged(request: object) -> tuple[int, dict[str, str | int | bytes]]:
        request.secret = b"another"  # type: ignore[attr-defined]
        return 2, {}

    server.answer = forged
    assert parameters(log_on(gate, phone))["reason"] == "timeout"


def test_a_logon_that_cannot_be_read_is_not_answered(gate: AccessPoint, phone: Phone) -> None:
    assert gate.brand.answer(gate, phone, "/logon", {"username": "alice"}) == SILENCE
    assert log_on(gate, phone, response="zz") == SILENCE


def test_a_challenge_of_twenty_minutes_is_not_even_asked_about(
    gate: AccessPoint, phone: Phone, hand_clock: HandClock, server: RadiusServer
) -> None:
    gate.capture(phone, "http://probe/")
    hand_clock.seconds += 1201
    found = parameters(log_on(gate, phone))
    assert (found["res"], found["reason"]) == ("failed", "other")
    assert server.logins == []


def test_who_is_on_already_is_told_so(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_on(gate, phone)
    assert parameters(log_on(gate, phone))["res"] == "already"


def test_start_names_session_and_class(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts(Class=b"0123")
    session_id = phone.acct_session_id
    log_on(gate, phone)
    start = server.record(START)
    assert start[25] == [b"0123"]
    assert start["Acct-Session-Id"] == [session_id]
    assert start["ChilliSpot-Acct-View-Point"] == [2]
    assert "Acct-Delay-Time" not in start
    assert "Acct-Input-Octets" not in start


def test_what_the_phone_downloads_is_input(
    gate: AccessPoint, phone: Phone, server: RadiusServer, hand_clock: HandClock
) -> None:
    server.accepts(Acct_Interim_Interval=60)
    log_on(gate, phone)
    gate.download(phone)
    hand_clock.seconds += 61
    gate.tick()
    interim = server.record(INTERIM)
    assert interim["Acct-Input-Octets"][0] > 10_000_000
    assert interim["Acct-Output-Octets"][0] < interim["Acct-Input-Octets"][0] / 5
    assert interim["Acct-Session-Time"] == [61]


@pytest.mark.parametrize(
    ("accepted", "own", "expected"),
    [(60, 0, 60), (59, 0, 300), (0, 0, 300), (300, 15, 15)],
    ids=["obeyed", "too short", "none", "the NAS's own wins"],
)
def test_interim_interval(
    make_gate: MakeGate, server: RadiusServer, hand_clock: HandClock, accepted: int, own: int, expected: int
) -> None:
    gate = make_gate(interim_every=own)
    phone = gate.phone("020000000001")
    server.accepts(Acct_Interim_Interval=accepted)
    log_on(gate, phone)
    hand_clock.seconds += expected - 1
    gate.tick()
    assert not [each for each in server.records if each["Acct-Status-Type"] == [INTERIM]]
    hand_clock.seconds += 1
    gate.tick()
    server.record(INTERIM)


@pytest.mark.parametrize(
    ("limit", "cause"),
    [
        ({"Session_Timeout": 25}, 5),
        ({"ChilliSpot_Max_Total_Octets": 300_000}, 5),
        ({"ChilliSpot_Max_Input_Octets": 300_000}, 5),
        ({"ChilliSpot_Max_Output_Octets": 30_000}, 5),
        ({"WISPr_Session_Terminate_Time": "2001-01-01T00:00:00+01:00"}, 5),
    ],
    ids=["time", "volume", "download", "upload", "moment"],
)
def test_a_limit_ends_the_session(
    gate: AccessPoint,
    phone: Phone,
    server: RadiusServer,
    hand_clock: HandClock,
    limit: dict[str, str | int | bytes],
    cause: int,
) -> None:
    server.accepts(**limit)
    log_on(gate, phone)
    hand_clock.seconds += 60
    gate.tick()
    assert server.record(STOP)["Acct-Terminate-Cause"] == [cause]
    assert phone.connection is None


def test_a_sleeping_phone_is_idle(gate: AccessPoint, phone: Phone, server: RadiusServer, hand_clock: HandClock) -> None:
    server.accepts(Idle_Timeout=15)
    log_on(gate, phone)
    phone.asleep = True
    hand_clock.seconds += 15
    gate.tick()
    assert server.record(STOP)["Acct-Terminate-Cause"] == [4]


def test_speed_limits_are_obeyed(gate: AccessPoint, phone: Phone, server: RadiusServer, hand_clock: HandClock) -> None:
    server.accepts(WISPr_Bandwidth_Max_Down=8_000_000, ChilliSpot_Bandwidth_Max_Down=1000)
    log_on(gate, phone)
    gate.download(phone)
    hand_clock.seconds += 10
    gate.tick()
    assert phone.connection is not None
    assert 1_200_000 < phone.connection.download_octets <= 1_250_000


def test_more_than_four_gigabytes_are_told_in_gigawords(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_on(gate, phone)
    assert phone.connection is not None
    phone.connection.download_octets = 2**32 + 711_616_589
    gate.log_off(phone, "User-Request")
    stop = server.record(STOP)
    assert (stop["Acct-Input-Gigawords"], stop["Acct-Input-Octets"]) == ([1], [711_616_589])
    assert stop["Acct-Terminate-Cause"] == [1]


def test_walking_away_ends_the_session(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_on(gate, phone)
    gate.move(phone, 1)
    stop = server.record(STOP)
    assert stop["Acct-Terminate-Cause"] == [2]
    assert stop["Called-Station-Id"] == ["02-00-00-00-00-FE"]


def test_it_says_when_it_starts_and_when_it_stops(make_gate: MakeGate, server: RadiusServer) -> None:
    gate = make_gate()
    server.accepts()
    log_on(gate, gate.phone("020000000001"))
    server.record(START)
    gate.stop()
    statuses = [each["Acct-Status-Type"][0] for each in server.records]
    assert statuses == [ACCOUNTING_ON, START, STOP, ACCOUNTING_OFF]
    assert server.records[2]["Acct-Terminate-Cause"] == [11]
    assert server.records[3]["Calling-Station-Id"] == ["00-00-00-00-00-00"]


def test_stopping_is_quick_although_nobody_answers(make_gate: MakeGate, server: RadiusServer) -> None:
    gate = make_gate()
    server.accepts()
    server.answers_accounting = False
    for number in range(3):
        log_on(gate, gate.phone(f"02000000000{number}"))
    began = time.monotonic()
    gate.stop()
    assert time.monotonic() - began < 2


def test_accounting_leaves_from_the_port_for_changes(gate: AccessPoint, server: RadiusServer) -> None:
    server.record(ACCOUNTING_ON)
    assert gate.coa_port > 0
