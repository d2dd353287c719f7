"""The time of the town, which may pass faster than ours. What machines need (a network, a database) does not shrink."""

import asyncio
from collections.abc import Callable

from simulator.config import PocketConfig


class FleetClock:
    def __init__(self, pocket: PocketConfig) -> None:
        self._pocket = pocket
        self.speed = pocket.time_speed if pocket.time_epoch else 1.0

    def now(self) -> float:
        """Unix time in the town."""
        return self._pocket.wall()

    async def sleep(self, seconds: float) -> None:
        """Of the town."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def sleep_until(self, moment: float) -> None:
        await self.sleep(moment - self.now())

    def call_at(self, moment: float, what: Callable[[], None]) -> asyncio.TimerHandle:
        delay = max(0.0, moment - self.now()) / self.speed
        return asyncio.get_running_loop().call_later(delay, what)
