"""RADIUS, in turns: FreeRADIUS with PostgreSQL, FreeRADIUS with no database, ours with one process and with two."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks import freeradius, ours
from benchmarks.fleet import Fleet
from benchmarks.ledger import Ledger, Turn
from benchmarks.load import LANES, Lane, Outcome, Ports, fire, wait_alone
from benchmarks.ours import Town
from benchmarks.packets import Step, Visitor, access_request, accounting_request
from benchmarks.profiling import profiled
from benchmarks.servers import (
    PostgreSql,
    awake,
    cpu_seconds,
    family,
    free_port,
    memory,
    postgresql,
    put_to_sleep,
    python,
    redis_server,
    wait_until_idle,
    wake,
)

FREERADIUS_SQL = "FreeRADIUS + PostgreSQL"
FREERADIUS_READING = "the same, logins not written down"
FREERADIUS_ALONE = "FreeRADIUS, no database"
OURS = "Parvis, 1 process"
OURS_TWICE = "Parvis, 2 processes"
SYSTEMS = (FREERADIUS_SQL, FREERADIUS_READING, FREERADIUS_ALONE, OURS, OURS_TWICE)
WHOLE = tuple(system for system in SYSTEMS if system != FREERADIUS_READING)

LOGIN = "login (PAP)"
LOGIN_CHAP = "login (CHAP)"
INTERIM = "Interim-Update"
START_STOP = "Start + Stop"
MIX = "hotspot mix (login, Start, 6 Interim, Stop)"
SCENARIOS = (LOGIN, LOGIN_CHAP, INTERIM, START_STOP, MIX)
QUICK = tuple(scenario for scenario in SCENARIOS if scenario != LOGIN_CHAP)
LOGINS = (LOGIN, LOGIN_CHAP)
TIMED_ALONE = (LOGIN, INTERIM)

_SAYS = {
    LOGIN: (Step.PAP,),
    LOGIN_CHAP: (Step.CHAP,),
    INTERIM: (Step.INTERIM,),
    START_STOP: (Step.START, Step.STOP),
    MIX: (Step.PAP, Step.START, *[Step.INTERIM] * 6, Step.STOP),
}
"""What each visit says."""
_LIVE = 10_000
"""Wi-Fi sessions that the Interim-Updates are about."""
_ALONE = 200
"""Requests sent one at a time, for the latency of a lone one."""
_BEYOND = LANES * 2**16
"""Where the numbers of their visitors begin."""
_GROUP = 50
_FASTEST = {FREERADIUS_SQL: 15_000, FREERADIUS_READING: 20_000}
_FASTEST_OF_OTHERS = 65_000
"""Requests made for each second of a run: one that uses them up ends early."""


@dataclass(frozen=True)
class System:
    name: str
    ports: Ports
    pids: Sequence[int]
    """Of its own processes: they get time only while it is measured."""
    rests_on: Sequence[int]
    """Those of PostgreSQL and Redis."""
    redis: Sequence[int]
    ledger: Ledger | None
    """None if it keeps nothing."""


@dataclass
class Measures:
    """One system in one scenario: a value for each round."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    """For each request, databases included, until all was written down."""
    behind: list[float] = field(default_factory=list)
    """Seconds of work left after the last answer."""
    lone_ms: list[float] = field(default_factory=list)
    """The latency of each request that was alone."""
    repeated: int = 0
    lost: int = 0
    answered: int = 0
    stored: int = 0
    """Of those answered: found in its database afterwards."""


@dataclass
class Memory:
    """The most that was seen after a measurement, in octets."""

    rss: int = 0
    pss: int = 0
    backends: int = 0
    """PSS of the processes of PostgreSQL that serve its connections."""
    redis: int = 0
    """PSS."""


@dataclass
class Results:
    measures: dict[tuple[str, str], Measures] = field(default_factory=dict)
    """By system and scenario."""
    memory: dict[str, Memory] = field(default_factory=dict)
    """By system."""
    echo: float = 0.0
    """What the generator reaches with a plain echo, per second."""
    generator_us: float = 0.0
    """And what each request costs it."""


def run(
    folder: Path,
    *,
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
    scenarios: Sequence[str] = SCENARIOS,
    profile: Path | None = None,
) -> Results:
    results = Results()
    with ExitStack() as stack:
        say("RADIUS: starting PostgreSQL, Redis, FreeRADIUS twice, and ours")
        fleet = Fleet()
        server = stack.enter_context(postgresql(folder / "postgresql"))
        redis_url, redis_pid = stack.enter_context(redis_server(folder / "redis"))
        town = Town(folder, server, redis_url, fleet)
        systems = stack.enter_context(_systems(folder, server, redis_pid, town))
        stage = _Stage(town, server, seconds, profile)
        say("RADIUS: beginning the Wi-Fi sessions that the Interim-Updates are about")
        for system in systems:
            stage.begin_live(system)
        results.echo, results.generator_us = _echo(folder, stage)
        for number in range(rounds):
            for scenario in scenarios:
                for system in systems:
                    if system.name in (WHOLE if scenario not in LOGINS else SYSTEMS):
                        stage.measure(system, scenario, number, results)
                say(f"round {number + 1} of {rounds}, {scenario}: " + _so_far(results, scenario))
    return results


def _so_far(results: Results, scenario: str) -> str:
    found = [results.measures.get((system, scenario)) for system in SYSTEMS]
    return ", ".join(f"{each.rates[-1]:,.0f}/s" for each in found if each)


@contextmanager
def _systems(folder: Path, server: PostgreSql, redis_pid: int, town: Town) -> Iterator[list[System]]:
    with ExitStack() as stack:
        started = []

        def add(name: str, ports: Ports, pids: Sequence[int], ledger: Ledger | None = None, redis: int = 0) -> None:
            held = [redis] if redis else []
            rests_on = [server.pid, *held] if ledger else []
            started.append(System(name, ports, pids, rests_on, held, ledger))

        place = _place(folder, FREERADIUS_SQL)
        ports, reading = _ports(), Ports(free_port(), free_port())
        pid = stack.enter_context(freeradius.with_postgresql(place, server, town.fleet, ports, reading.auth))
        ledger = Ledger(server, freeradius.DATABASE, freeradius.SESSIONS, freeradius.LOGINS)
        add(FREERADIUS_SQL, ports, [pid], ledger)
        add(FREERADIUS_READING, reading, [pid], ledger)
        place, ports = _place(folder, FREERADIUS_ALONE), _ports()
        add(FREERADIUS_ALONE, ports, [stack.enter_context(freeradius.without_database(place, town.fleet, ports))])
        for name, processes in ((OURS, 1), (OURS_TWICE, 2)):
            place, ports = _place(folder, name), _ports()
            pids = stack.enter_context(town.radius(place, processes, ports))
            ledger = Ledger(server, ours.DATABASES[processes - 1], ours.SESSIONS, ours.LOGINS)
            add(name, ports, pids, ledger, redis_pid)
        everybody = sorted({pid for system in started for pid in system.pids})
        for system in started:
            wait_until_idle(system.pids)
        put_to_sleep(everybody)
        try:
            yield started
        finally:
            wake(everybody)  # a stopped process does not hear that it is to end


def _place(folder: Path, name: str) -> Path:
    place = folder / name.replace(" ", "-").replace(",", "")
    place.mkdir()
    return place


def _ports() -> Ports:
    return Ports(free_port(), free_port())


class _Stage:
    """Where each measurement is made: fresh visitors, requests made beforehand, the answers checked afterwards."""

    def __init__(self, town: Town, server: PostgreSql, seconds: float, profile: Path | None) -> None:
        self._town, self._server, self._seconds, self._profile = town, server, seconds, profile
        self._labels = count()
        self._live: dict[str, tuple[str, list[Visitor]]] = {}

    def begin_live(self, system: System) -> None:
        label = self._label()
        visitors = self.visitors(system, range(_LIVE), label, with_logins=False)
        self._live[system.name] = (label, visitors)
        if system.ledger and system.name != FREERADIUS_READING:
            with awake(system.pids):
                fire(_packed(_dealt(visitors, (Step.START,))), system.ports, seconds=60)

    def visitors(self, system: System, numbers: Sequence[int], label: str, *, with_logins: bool) -> list[Visitor]:
        """Those with a single-use login have it stored now."""
        if not (with_logins and system.name in (OURS, OURS_TWICE)):
            return [self._town.fleet.visitor(each, label) for each in numbers]
        logins = [self._town.login(each) for each in numbers]
        self._town.store(logins)
        return [
            self._town.fleet.visitor(each, label, (login.user_name, login.password))
            for each, login in zip(numbers, logins, strict=True)
        ]

    def measure(self, system: System, scenario: str, number: int, results: Results) -> None:
        label, plans, alone = self._plans(system, scenario, number)
        lanes = _packed(plans)
        into = results.measures.setdefault((system.name, scenario), Measures())
        kept = results.memory.setdefault(system.name, Memory())
        everything = [*system.pids, *system.rests_on]
        self._server.settle()
        with awake(system.pids):
            wait_until_idle(everything)
            logins_before = system.ledger.count_logins() if system.ledger else 0
            before = cpu_seconds(everything)
            with profiled(self._profile, system.pids if system.name == OURS else (), scenario, self._seconds):
                outcome = fire(lanes, system.ports, seconds=self._seconds)
            behind = wait_until_idle(everything)
            spent = cpu_seconds(everything) - before
            _weigh(system, kept, self._server)
            self._verify(system, scenario, plans, outcome, label, logins_before, into)
            if alone:
                wait_until_idle(everything)
                into.lone_ms += wait_alone(_packed([alone])[0], system.ports)
        into.rates.append(outcome.rate)
        into.cpu_us.append(spent / outcome.replies * 1e6)
        into.behind.append(behind)
        into.repeated += outcome.repeated
        into.lost += len(outcome.lost)

    def _verify(
        self,
        system: System,
        scenario: str,
        plans: Sequence[Sequence[Turn]],
        outcome: Outcome,
        label: str,
        logins_before: int,
        into: Measures,
    ) -> None:
        if outcome.refused:
            raise RuntimeError(f"{system.name} refused {outcome.refused} of {outcome.replies} in: {scenario}")
        if system.ledger and system.name != FREERADIUS_READING:
            into.answered += outcome.replies
            answered = _answered(plans, outcome)
            into.stored += system.ledger.count_stored(answered, label, logins_before)

    def _plans(self, system: System, scenario: str, number: int) -> tuple[str, list[list[Turn]], list[Turn]]:
        """What each NAS says; and what is said alone afterwards."""
        most = int(self._seconds * _FASTEST.get(system.name, _FASTEST_OF_OTHERS))
        if scenario == INTERIM:
            label, live = self._live[system.name]
            times = -(-most // _LIVE)
            begin = 1 + (times + 1) * number  # counters grow from round to round
            plans = _dealt(live, _SAYS[scenario] * times, group=_LIVE, begin=begin)
            return label, plans, [Turn(who, Step.INTERIM, begin + times) for who in live[: _ALONE * LANES : LANES]]
        label, numbers = self._label(), [*range(most // len(_SAYS[scenario]))]
        lone = range(0, _ALONE * LANES if scenario in TIMED_ALONE else 0, LANES)  # all of one speaker
        numbers += [_BEYOND + each for each in lone]
        visitors = self.visitors(system, numbers, label, with_logins=scenario != START_STOP)
        plans = _dealt(visitors[: len(visitors) - len(lone)], _SAYS[scenario])
        return label, plans, [Turn(who, _SAYS[scenario][0], 0) for who in visitors[len(visitors) - len(lone) :]]

    def interims(self) -> list[Lane]:
        """Some, for one who does not read them."""
        visitors = self._live[FREERADIUS_ALONE][1]
        return _packed(_dealt(visitors, _SAYS[INTERIM] * 20, group=_LIVE))

    def _label(self) -> str:
        return f"{next(self._labels):04x}"


def _answered(plans: Sequence[Sequence[Turn]], outcome: Outcome) -> Iterator[Turn]:
    for lane, (plan, sent) in enumerate(zip(plans, outcome.sent, strict=True)):
        yield from (turn for place, turn in enumerate(plan[:sent]) if (lane, place) not in outcome.lost)


def _weigh(system: System, into: Memory, server: PostgreSql) -> None:
    rss, pss = memory(family(system.pids))
    into.rss, into.pss = max(into.rss, rss), max(into.pss, pss)
    if system.ledger:
        into.backends = max(into.backends, memory(server.backends(system.ledger.database))[1])
    into.redis = max(into.redis, memory(family(system.redis))[1])


def _dealt(
    visitors: Sequence[Visitor], steps: Sequence[Step], *, group: int = _GROUP, begin: int = 0
) -> list[list[Turn]]:
    """What each NAS says, in groups of visitors, so that one's Stop is sent well after the answer to the Start."""
    return [
        [
            Turn(who, each, 0 if each.is_login or each is Step.START else begin + turn)
            for at in range(0, len(lane), group)
            for turn, each in enumerate(steps)
            for who in lane[at : at + group]
        ]
        for lane in (visitors[number::LANES] for number in range(LANES))
    ]


def _packed(plans: Sequence[Sequence[Turn]]) -> list[Lane]:
    return [Lane(plan[0].visitor.speaker, _pack(plan)) for plan in plans]


def _pack(plan: Sequence[Turn]) -> list[bytes]:
    identifiers = {True: count(), False: count()}
    packets = []
    for who, step, seconds in plan:
        identifier = next(identifiers[step.is_login]) % 256
        if step.is_login:
            packets.append(access_request(who, identifier, step))
        else:
            packets.append(accounting_request(who, identifier, step, seconds))
    return packets


def _echo(folder: Path, stage: _Stage) -> tuple[float, float]:
    """What the generator reaches when the other side does nothing, and its own processor time for each request."""
    ports = Ports(free_port(), free_port())
    lanes = stage.interims()
    with python("benchmarks.echo", str(ports.acct), log=folder / "echo.log"):
        time.sleep(0.5)
        outcomes = [fire(lanes, ports, seconds=1, echo=True) for _ in range(3)]
    return median(each.rate for each in outcomes), median(each.own_us for each in outcomes)
