"""A phone's day: it must give the others their turn, whatever has become of it."""

import asyncio

import pytest

from simulator.config import Place, PocketConfig
from simulator.fleet.clock import FleetClock
from simulator.fleet.phone import VirtualPhone


@pytest.mark.parametrize(("is_awake", "waits"), [(False, True), (True, False)], ids=["asleep", "awake"])
def test_after_a_failure_only_a_phone_that_is_awake_tries_at_once(*, is_awake: bool, waits: bool) -> None:
    clock = FleetClock(PocketConfig("http://127.0.0.1/hotspot", "secret", "g1", (Place("Square", "02-00"),)))

    async def wait() -> bool:
        phone = VirtualPhone.__new__(VirtualPhone)
        phone._clock, phone._over, phone._is_awake = clock, asyncio.Event(), is_awake
        moment = clock.now() + 0.05
        await phone._wait_until(moment, retry=True)
        return clock.now() >= moment

    assert asyncio.run(wait()) is waits
