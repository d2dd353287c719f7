"""What leaves the pocket has the attributes of a real CoovaChilli's packets, in their order."""

import json
from pathlib import Path

import pytest
from pyrad.packet import AcctPacket, Packet

from simulator.access_point import ACCOUNTING_OFF, ACCOUNTING_ON, INTERIM, START, STOP, AccessPoint
from simulator.phones import Phone
from tests.simulator.lab import HandClock, RadiusServer, log_on

VECTORS = Path(__file__).parent.parent / "vectors"


def captured(name: str) -> list[str]:
    decoded = json.loads((VECTORS / f"coovachilli-1.8-{name}.json").read_text())["decoded"]
    return [each["name"] for each in decoded["attributes"]]


def sent(packet: Packet) -> list[str]:
    return list(packet.keys())


@pytest.fixture
def records(gate: AccessPoint, phone: Phone, server: RadiusServer, hand_clock: HandClock) -> dict[str, AcctPacket]:
    """One of each kind, as the server got them."""
    server.accepts(Class=b"grant", Chargeable_User_Identity=b"cui", Acct_Interim_Interval=60)
    log_on(gate, phone)
    hand_clock.seconds += 60
    gate.tick()
    server.record(INTERIM)
    gate.stop()
    kinds = {"on": ACCOUNTING_ON, "start": START, "interim": INTERIM, "stop": STOP, "off": ACCOUNTING_OFF}
    return {name: server.record(status) for name, status in kinds.items()}


@pytest.mark.parametrize(
    ("kind", "capture"),
    [
        ("start", "acct-start"),
        ("interim", "acct-interim-update"),
        ("stop", "acct-stop-nas-reboot"),
        ("on", "acct-accounting-on"),
        ("off", "acct-accounting-off"),
    ],
)
def test_accounting(records: dict[str, AcctPacket], kind: str, capture: str) -> None:
    assert sent(records[kind]) == captured(capture)


def test_access_request(gate: AccessPoint, phone: Phone, server: RadiusServer) -> None:
    server.accepts()
    log_on(gate, phone)
    assert sent(server.logins[0]) == captured("access-request-chap-ma")
