"""CoovaChilli's `macauth`: a phone that connects is asked about by its address, as the captured packets show."""

from dataclasses import replace

import pytest
from pyrad.packet import AccessReject

from simulator.access_point import START, AccessPoint
from simulator.config import ConfigError
from simulator.radius import readable
from tests.radius.packets import vector
from tests.simulator.lab import CONFIG, MakeGate, RadiusServer


@pytest.fixture
def gate(make_gate: MakeGate) -> AccessPoint:
    return make_gate(macauth=True)


def test_it_asks_as_the_real_one_does(gate: AccessPoint, server: RadiusServer) -> None:
    server.accepts()
    phone = gate.phone("020000000002")

    gate.connect(phone)

    captured = vector("coovachilli-1.8-access-request-pap-mac-ma")["decoded"]["attributes"]
    assert [name for name, _ in readable(server.logins[0])] == [each["name"] for each in captured]
    assert server.logins[0]["User-Name"] == ["02-00-00-00-00-02"]
    assert server.logins[0]["Service-Type"] == [2]


def test_an_accept_puts_it_online_without_a_page(gate: AccessPoint, server: RadiusServer) -> None:
    server.accepts(Session_Timeout=600, Class=b"grant")
    phone = gate.phone("020000000002")

    gate.connect(phone)

    assert phone.connection is not None
    assert server.record(START)["User-Name"] == ["02-00-00-00-00-02"]


def test_a_reject_leaves_it_at_the_portal_and_is_not_asked_for_twice(gate: AccessPoint, server: RadiusServer) -> None:
    server.answer = lambda _request: (AccessReject, {})
    phone = gate.phone("020000000002")

    gate.connect(phone)
    gate.connect(phone)

    assert phone.connection is None
    assert len(server.logins) == 1


def test_it_is_asked_again_where_the_phone_walks(gate: AccessPoint, server: RadiusServer) -> None:
    server.answer = lambda _request: (AccessReject, {})
    phone = gate.phone("020000000002")
    gate.connect(phone)

    gate.move(phone, 1)
    gate.connect(phone)

    assert len(server.logins) == 2


def test_without_it_nobody_asks(make_gate: MakeGate, server: RadiusServer) -> None:
    gate = make_gate()

    gate.connect(gate.phone("020000000002"))

    assert server.logins == []


def test_the_other_brand_has_none_here() -> None:
    with pytest.raises(ConfigError):
        replace(CONFIG, brand="mikrotik", macauth=True)
