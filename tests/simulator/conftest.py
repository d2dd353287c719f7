"""An access point whose time the test holds, and its RADIUS server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from simulator.access_point import AccessPoint
from simulator.phones import Phone
from simulator.pocket import make_access_point
from tests.simulator.lab import CONFIG, HandClock, MakeGate, RadiusServer


@pytest.fixture
def server() -> Iterator[RadiusServer]:
    started = RadiusServer()
    yield started
    started.close()


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def make_gate(server: RadiusServer, hand_clock: HandClock) -> Iterator[MakeGate]:
    gates = []

    def make(**changes: object) -> AccessPoint:
        gate = make_access_point(replace(CONFIG, **{**server.ports(), **changes}), clock=hand_clock)
        gate.start(ticking=False)
        gates.append(gate)
        return gate

    yield make
    for gate in gates:
        gate.stop()


@pytest.fixture
def gate(make_gate: MakeGate) -> AccessPoint:
    return make_gate()


@pytest.fixture
def phone(gate: AccessPoint) -> Phone:
    return gate.phone("020000000001")
