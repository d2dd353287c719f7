"""RADIUS, in turns: FreeRADIUS with PostgreSQL, FreeRADIUS with no database, ours with one process and with two."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median

from benchmarks import freeradius
from benchmarks.load import LANES, Requests, fire
from benchmarks.ours import Town
from benchmarks.packets import Status, Visitor, access_request, accounting_request
from benchmarks.servers import PostgreSql, cpu_seconds, free_port, postgresql, python, redis_server
from hotspot.adapters.one_time_login import OneTimeLogin

FREERADIUS_SQL = "FreeRADIUS + PostgreSQL"
FREERADIUS_ALONE = "FreeRADIUS, no database"
OURS = "Parvis, 1 process"
OURS_TWICE = "Parvis, 2 processes"
SYSTEMS = (FREERADIUS_SQL, FREERADIUS_ALONE, OURS, OURS_TWICE)

LOGIN = "Access-Request (PAP, written down)"
INTERIM = "Interim-Update"
START_STOP = "Start + Stop"
MIX = "hotspot mix (login, Start, 6 Interim, Stop)"
SCENARIOS = (LOGIN, INTERIM, START_STOP, MIX)
TIMED_ALONE = (LOGIN, INTERIM)

_DEVICES = 10_000
_LIVE = 2_000
"""Wi-Fi sessions that the Interim-Updates are about."""
_ALONE = 200
"""Requests sent one at a time, for the latency of a lone one."""
_GROUP = 50
_FASTEST = 30_000
"""Logins made for each second of a run: one that uses them up ends early."""
_MIX = (None, Status.START, *[Status.INTERIM] * 6, Status.STOP)
"""What one visit sends; None is its login."""


@dataclass(frozen=True)
class System:
    name: str
    auth_port: int
    acct_port: int
    pids: Sequence[int]
    """Of the server and of everything that it rests on."""


@dataclass
class Measures:
    """One system in one scenario: a value for each round."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    lone_ms: list[float] = field(default_factory=list)
    """The latency of a request that is alone, p50."""
    repeated: int = 0
    lost: int = 0


Results = dict[tuple[str, str], Measures]
"""By system and scenario."""


def run(folder: Path, *, rounds: int, seconds: float, say: Callable[[str], None]) -> tuple[Results, float]:
    """The results, and what the generator reaches with a plain echo."""
    results: Results = {(system, scenario): Measures() for system in SYSTEMS for scenario in SCENARIOS}
    with ExitStack() as stack:
        say("RADIUS: starting PostgreSQL, Redis, FreeRADIUS twice, and ours")
        server = stack.enter_context(postgresql(folder / "postgresql"))
        redis_url, redis_pid = stack.enter_context(redis_server(folder / "redis"))
        town = Town(folder, server, redis_url, _DEVICES)
        crowd = _Crowd(town, rounds, int(seconds * _FASTEST))
        systems = stack.enter_context(_systems(folder, server, redis_pid, town, crowd))
        echo = _echo(folder, crowd.everybody()[: crowd.size], rounds, seconds)
        for number in range(rounds):
            for scenario in SCENARIOS:
                for system in systems:
                    server.settle()
                    _measure(system, scenario, crowd, number, seconds, results[system.name, scenario])
                say(f"round {number + 1} of {rounds}, {scenario}: " + _so_far(results, scenario))
    return results, echo


def _so_far(results: Results, scenario: str) -> str:
    return ", ".join(f"{results[system, scenario].rates[-1]:,.0f}/s" for system in SYSTEMS)


class _Crowd:
    """The visitors of each round. One-time logins are used once: our two systems get each their own."""

    def __init__(self, town: Town, rounds: int, size: int) -> None:
        self.town, self.size = town, size
        made = [[town.visitors(size, f"{number}{half}") for half in range(2)] for number in range(rounds)]
        self.made: list[list[tuple[list[Visitor], list[OneTimeLogin]]]] = made

    def everybody(self) -> list[Visitor]:
        return [each for halves in self.made for visitors, _ in halves for each in visitors]

    def of(self, system: str, number: int) -> tuple[list[Visitor], list[OneTimeLogin]]:
        return self.made[number][1 if system == OURS_TWICE else 0]


@contextmanager
def _systems(folder: Path, server: PostgreSql, redis_pid: int, town: Town, crowd: _Crowd) -> Iterator[Sequence[System]]:
    with ExitStack() as stack:
        started = []
        for name in SYSTEMS:
            auth, acct = free_port(), free_port()
            place = folder / name.replace(" ", "-").replace(",", "")
            place.mkdir()
            match name:
                case _ if name == FREERADIUS_SQL:
                    known = freeradius.with_postgresql(place, server, crowd.everybody(), auth, acct)
                    pids = [stack.enter_context(known), server.pid]
                case _ if name == FREERADIUS_ALONE:
                    known = freeradius.without_database(place, crowd.everybody(), auth, acct)
                    pids = [stack.enter_context(known)]
                case _:
                    ours = town.radius(place, 1 if name == OURS else 2, auth, acct)
                    pids = [*stack.enter_context(ours), server.pid, redis_pid]
            started.append(System(name, auth, acct, pids))
        yield started


def _measure(system: System, scenario: str, crowd: _Crowd, number: int, seconds: float, into: Measures) -> None:
    visitors, logins = crowd.of(system.name, number)
    shoot = partial(fire, auth_port=system.auth_port, acct_port=system.acct_port)
    if scenario in (LOGIN, MIX) and system.name in (OURS, OURS_TWICE):
        crowd.town.store(logins)
    if scenario == INTERIM:
        shoot(_packed([_grouped(lane, (Status.START,)) for lane in _dealt(visitors[:_LIVE])]), seconds=60)
    requests = _packed(_plans(scenario, visitors))
    before, outcome = cpu_seconds(system.pids), shoot(requests, seconds=seconds)
    spent = cpu_seconds(system.pids) - before
    if outcome.refused:
        raise RuntimeError(f"{system.name} refused {outcome.refused} of {outcome.replies} in: {scenario}")
    into.rates.append(outcome.rate)
    into.cpu_us.append(spent / outcome.replies * 1e6)
    into.repeated += outcome.repeated
    into.lost += outcome.lost
    if scenario in _LONE:
        alone = shoot(_packed([_LONE[scenario](visitors)]), seconds=60, per_lane=1)
        into.lone_ms.append(alone.latency_ms()[0])
    time.sleep(0.2)


Step = tuple[Visitor, Status | None, int]
"""Whose, what (None: a login), and how long the session has lasted."""


def _plans(scenario: str, visitors: Sequence[Visitor]) -> list[list[Step]]:
    """What each source port says."""
    match scenario:
        case _ if scenario == LOGIN:
            return [_grouped(lane, (None,)) for lane in _dealt(visitors[_ALONE : -len(visitors) // 3])]
        case _ if scenario == INTERIM:
            each = len(visitors) // LANES
            return [
                [(who, Status.INTERIM, 300 + at) for at, who in enumerate(islice(cycle(lane), each))]
                for lane in _dealt(visitors[:_LIVE])
            ]
        case _ if scenario == START_STOP:
            # those of the interims have begun already
            return [_grouped(lane, (Status.START, Status.STOP)) for lane in _dealt(visitors[_LIVE:])]
        case _:
            return [_grouped(lane, _MIX) for lane in _dealt(visitors[-len(visitors) // 3 :])]


def _dealt(visitors: Sequence[Visitor]) -> list[Sequence[Visitor]]:
    return [visitors[lane::LANES] for lane in range(LANES)]


def _grouped(visitors: Sequence[Visitor], kinds: Sequence[Status | None]) -> list[Step]:
    """In groups, so that a visitor's Stop is sent well after the answer to the Start."""
    return [
        (who, kind, 300 * turn)
        for at in range(0, len(visitors), _GROUP)
        for turn, kind in enumerate(kinds)
        for who in visitors[at : at + _GROUP]
    ]


_LONE: dict[str, Callable[[Sequence[Visitor]], list[Step]]] = {
    LOGIN: lambda visitors: [(who, None, 0) for who in visitors[:_ALONE]],
    INTERIM: lambda visitors: [(who, Status.INTERIM, 90_000) for who in visitors[:_ALONE]],
}


def _packed(plans: Sequence[Sequence[Step]]) -> list[Requests]:
    return [_pack(plan) for plan in plans]


def _pack(plan: Sequence[Step]) -> Requests:
    identifiers = {True: count(), False: count()}
    packets = []
    for who, kind, seconds in plan:
        identifier = next(identifiers[kind is None]) % 256
        if kind is None:
            packets.append(access_request(who, identifier))
        else:
            packets.append(accounting_request(who, identifier, kind, seconds))
    return packets


def _echo(folder: Path, visitors: Sequence[Visitor], rounds: int, seconds: float) -> float:
    """What the generator reaches when the other side does nothing."""
    port = free_port()
    requests = _packed(_plans(INTERIM, visitors))
    with python("benchmarks.echo", str(port), log=folder / "echo.log"):
        time.sleep(0.5)
        return median(
            fire(requests, auth_port=port, acct_port=port, seconds=seconds, echo=True).rate for _ in range(rounds)
        )
