"""Runs a plan against an installation until the day is over, or somebody has seen enough."""

import asyncio
import random
import signal
import time
from collections import Counter, deque
from collections.abc import Callable

from simulator.fleet.clock import FleetClock
from simulator.fleet.config import FleetConfig
from simulator.fleet.gateway import Gateway
from simulator.fleet.phone import VirtualPhone
from simulator.fleet.plan import GatewayPlan, Mishap, Plan
from simulator.fleet.radius_port import Line
from simulator.fleet.truth import Truth

PROGRESS_EVERY = 5.0
"""Seconds of ours."""


def places_of(config: FleetConfig) -> list[list[float]]:
    """For `make_plan`: how much each place attracts."""
    return [
        [config.sites[gateway.site_of[place.called_station_id]].share for place in gateway.pocket.places]
        for gateway in config.gateways
    ]


async def run_fleet(
    config: FleetConfig,
    plan: Plan,
    *,
    loses: float = 0.002,
    repeats: float = 0.002,
    tell: Callable[[str], None] = lambda _line: None,
) -> Truth:
    """`loses`, `repeats`: shares of datagrams, each way. SIGINT ends the day early, in good order."""
    clock = FleetClock(config.gateways[0].pocket)
    truth = Truth(clock.now(), config.interim_interval, clock.speed)
    rng = random.Random(len(plan.phones))
    gateways = [
        Gateway(each, clock, truth, Line(truth.counts, loses, repeats, rng=random.Random(rng.getrandbits(32))))
        for each in config.gateways
    ]
    for gateway in gateways:
        await gateway.start()
    began, enough = time.monotonic(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, enough.set)
    vouchers = {name: deque(site.vouchers) for name, site in config.sites.items()}
    phones = [VirtualPhone(each, config, gateways, clock, truth, vouchers) for each in plan.phones]
    lives = [asyncio.create_task(phone.live(truth.began_at)) for phone in phones]
    fates = [
        asyncio.create_task(_befall(gateway, each, clock, truth))
        for gateway, each in zip(gateways, plan.gateways, strict=True)
    ]
    watcher = asyncio.create_task(_watch(gateways, clock, truth, lives, tell))
    try:
        seconds = (truth.began_at + plan.seconds - clock.now()) / clock.speed
        await asyncio.wait({asyncio.create_task(enough.wait())}, timeout=max(0.0, seconds))
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        await _end(lives, [*fates, watcher], truth)
    for gateway in gateways:
        gateway.line.is_down = False
    truth.ended_at = clock.now()
    await asyncio.gather(*(gateway.stop() for gateway in gateways))
    truth.seconds_of_ours = time.monotonic() - began
    return truth


async def _end(lives: list[asyncio.Task[None]], others: list[asyncio.Task[None]], truth: Truth) -> None:
    """A phone that has fallen over by a mistake of ours is a result, too."""
    for task in [*lives, *others]:
        task.cancel()
    for outcome in await asyncio.gather(*lives, return_exceptions=True):
        if isinstance(outcome, Exception):
            truth.counts[f"phones that fell over: {outcome!r}"] += 1
    await asyncio.gather(*others, return_exceptions=True)


async def _befall(gateway: Gateway, plan: GatewayPlan, clock: FleetClock, truth: Truth) -> None:
    for moment, mishap, length in plan.mishaps:
        await clock.sleep_until(truth.began_at + moment)
        truth.counts[f"gateways: {mishap}"] += 1
        match mishap:
            case Mishap.REBOOT:
                await gateway.reboot(length)
            case Mishap.CRASH:
                await gateway.crash(length)
            case Mishap.SILENCE:
                await gateway.be_silent(length)


async def _watch(
    gateways: list[Gateway],
    clock: FleetClock,
    truth: Truth,
    lives: list[asyncio.Task[None]],
    tell: Callable[[str], None],
) -> None:
    while True:
        await asyncio.sleep(PROGRESS_EVERY)
        minutes = int((clock.now() - truth.began_at) / 60)
        here = sum(1 for life in lives if not life.done())
        outcomes = Counter(each.outcome == "online" for each in truth.sign_ins[-500:])
        tell(
            f"{minutes // 60:d} h {minutes % 60:02d}  online {sum(each.online for each in gateways)}"
            f"  phones {here}  sessions {len(truth.sessions)}  sign-ins {len(truth.sign_ins)}"
            f" ({outcomes[False]} of the last {outcomes.total()} failed)"
            f"  announcements {truth.counts['announcements completed']}"
        )
