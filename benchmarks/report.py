"""The table: ratios first, and beside them what they are made of."""

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import freeradius, radius
from benchmarks.announcements import CHOICE, FEW, LOADING, MANY, ROUND_TRIP, TURN, AnnouncementResults
from benchmarks.load import p50_p99
from benchmarks.radius import Measures, Results
from benchmarks.sign_ins import ONE_TAP, SignInResults
from benchmarks.vouchers import SHEET, VoucherResults
from benchmarks.web import WebResults
from tests.fixtures.postgresql import find_programs

Row = tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What one run came to."""

    rounds: int
    seconds: float
    load: float
    """One-minute load average before the start: near 0 on a machine that has nothing else to do."""
    radius: Results | None
    web: WebResults | None
    vouchers: VoucherResults | None
    sign_ins: SignInResults | None = None
    announcements: AnnouncementResults | None = None

    def text(self) -> str:
        parts = ["\n".join(self._machine())]
        if self.web is not None:
            parts.append("### Portal\n\n" + _table(("What", "Measured", "Goal"), _web_rows(self.web)))
        if self.sign_ins is not None:
            parts.append(
                "### Sign-ins\n\n" + _table(("Way", "Beside one tap", "Per second"), _sign_in_rows(self.sign_ins))
            )
        if self.vouchers is not None:
            parts.append("### Vouchers\n\n" + _table(("What", "Measured", "Goal"), _voucher_rows(self.vouchers)))
        if self.announcements is not None:
            header = ("What", f"{FEW} campaigns", f"{MANY} campaigns", f"{MANY} beside one round trip", "Goal")
            parts.append("### Announcements\n\n" + _table(header, _announcement_rows(self.announcements)))
        if self.radius is not None:
            parts += [
                "### RADIUS: requests answered per second, as a ratio\n\n" + _table(*_ratios(self.radius)),
                "### RADIUS: what the ratios are made of\n\n" + _table(*_rates(self.radius)),
                "### RADIUS: processor time and latency\n\n" + _table(*_costs(self.radius)),
                "### RADIUS: memory\n\n" + _table(*_memory(self.radius)),
                "### RADIUS: answered, and found in the database afterwards\n\n" + _table(*_stored(self.radius)),
            ]
        return "\n\n".join(parts) + "\n"

    def in_short(self) -> str:
        """For a terminal: what RADIUS came to, else everything."""
        return self.text() if self.radius is None else _table(*_short(self.radius))

    def _machine(self) -> Iterable[str]:
        yield f"{datetime.now(UTC):%-d %B %Y}: {_processor()}, {os.cpu_count()} of its threads, shared by load"
        yield f"generator, servers and databases. Medians of {self.rounds} interleaved rounds of {self.seconds:g} s."
        yield f"Load average before the start: {self.load:.1f}. {_versions()}"
        if self.load > 0.5:
            yield "The machine had other work: the ratios lean on whoever had more processes to be given time."


@dataclass(frozen=True)
class Goal:
    """How many times as many requests per second as another system; None where a number of processes has no goal."""

    scenario: str
    beside: str
    one: float | None
    two: float | None


GOALS = (
    *(
        Goal(scenario, other, least, least)
        for scenario in radius.LOGINS
        for other, least in ((radius.FREERADIUS_SQL, 6), (radius.FREERADIUS_READING, 6), (radius.FREERADIUS_ALONE, 1))
    ),
    Goal(radius.INTERIM, radius.FREERADIUS_SQL, 5, 7),
    Goal(radius.INTERIM, radius.FREERADIUS_ALONE, None, 0.8),
    Goal(radius.START_STOP, radius.FREERADIUS_SQL, 4, 4),
    Goal(radius.MIX, radius.FREERADIUS_SQL, 6, 6),
    Goal(radius.MIX, radius.FREERADIUS_ALONE, 0.7, 0.7),
)
_OURS = (radius.OURS, radius.OURS_TWICE)


def verdict(met: Sequence[bool]) -> str:
    """For one process and for two, or for as many as have a goal."""
    if all(met):
        return "met"
    return "short" if not any(met) else f"met with {met.index(True) + 1}"


def _ratios(results: Results) -> tuple[Row, list[Row]]:
    rows: list[Row] = []
    for goal in GOALS:
        other = median(results.measures[goal.beside, goal.scenario].rates)
        found = [median(results.measures[system, goal.scenario].rates) / other for system in _OURS]
        least = (goal.one, goal.two)
        met = [ratio >= each for ratio, each in zip(found, least, strict=True) if each is not None]
        asked = dict.fromkeys("-" if each is None else f"≥ {each:g}" for each in least)
        rows.append((goal.scenario, goal.beside, *(f"{ratio:.2f}" for ratio in found), " / ".join(asked), verdict(met)))
    return ("Scenario", "Beside", "1 process", "2 processes", "Goal", ""), rows


def _rates(results: Results) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (scenario, *(_of(results, system, scenario, lambda each: f"{median(each.rates):,.0f}/s") for system in _ALL))
        for scenario in radius.SCENARIOS
    ]
    for what in ("repeated", "lost"):
        totals = (
            sum(getattr(each, what) for (of, _), each in results.measures.items() if of == system) for system in _ALL
        )
        rows.append((f"requests {what}, all runs", *(f"{total:,}" for total in totals)))
    rows.append((_generator(results), *("" for _ in _ALL)))
    return ("Scenario", *_ALL), rows


_ALL = radius.SYSTEMS


def _generator(results: Results) -> str:
    return f"generator with an echo: {results.echo:,.0f}/s, {results.generator_us:.1f} µs"


def _of(results: Results, system: str, scenario: str, told: Callable[[Measures], str]) -> str:
    measures = results.measures.get((system, scenario))
    return told(measures) if measures else ""


def _stored(results: Results) -> tuple[Row, list[Row]]:
    """What was answered, and of that what was found in the database afterwards."""

    def told(measures: Measures) -> str:
        if not measures.answered:
            return "keeps none"
        return f"answered {measures.answered:,}, stored {measures.stored:,}"

    rows: list[Row] = [
        (scenario, *(_of(results, system, scenario, told) for system in _ALL)) for scenario in radius.SCENARIOS
    ]
    rows += [
        (
            f"s of work left behind the last answer: {scenario}",
            *(_of(results, system, scenario, lambda each: f"{median(each.behind):.1f}") for system in _ALL),
        )
        for scenario in radius.SCENARIOS
    ]
    return ("Scenario", *_ALL), rows


def _costs(results: Results) -> tuple[Row, list[Row]]:
    rows: list[Row] = []
    for scenario in radius.SCENARIOS:
        spent = [_of(results, system, scenario, lambda each: f"{median(each.cpu_us):,.0f} µs") for system in _ALL]
        most = _MOST_CPU.get(scenario)
        met = [median(results.measures[system, scenario].cpu_us) <= most for system in _OURS] if most else []
        rows.append((f"CPU: {scenario}", *spent, f"≤ {most} µs" if most else "", verdict(met) if most else ""))
    for scenario, p50 in _LONGEST_WAIT.items():
        waits = [_of(results, system, scenario, _waits) for system in _ALL]
        met = [p50_p99(results.measures[system, scenario].lone_ms)[0] <= p50 for system in _OURS]
        rows.append((f"lone {scenario}, p50 / p99", *waits, f"p50 ≤ {p50} ms", verdict(met)))
    return ("What", *_ALL, "Goal", ""), rows


def _waits(measures: Measures) -> str:
    return "{:.2f} / {:.2f} ms".format(*p50_p99(measures.lone_ms))


_MOST_CPU = {radius.LOGIN: 50, radius.LOGIN_CHAP: 50, radius.INTERIM: 100, radius.START_STOP: 100}
_LONGEST_WAIT = {radius.LOGIN: 1, radius.INTERIM: 3}
"""Milliseconds, p50."""


def _memory(results: Results) -> tuple[Row, list[Row]]:
    systems = [system for system in _ALL if system != radius.FREERADIUS_READING]
    kept = [results.memory[system] for system in systems]
    rows: list[Row] = [
        ("its own processes, RSS", *(_mb(each.rss) for each in kept)),
        ("its own processes, PSS", *(_mb(each.pss) for each in kept)),
        ("its connections' processes in PostgreSQL, PSS", *(_mb(each.backends) for each in kept)),
        ("Redis, PSS", *(_mb(each.redis) for each in kept)),
        ("together, PSS", *(_mb(each.pss + each.backends + each.redis) for each in kept)),
    ]
    return ("Memory, the most seen after a run", *systems), rows


def _mb(octets: int) -> str:
    return f"{octets / 2**20:,.0f} MB" if octets else "-"


def _short(results: Results) -> tuple[Row, list[Row]]:
    """Rate, processor time, and the ratio to FreeRADIUS with PostgreSQL."""
    rows: list[Row] = []
    for scenario in radius.QUICK:
        least = median(results.measures[radius.FREERADIUS_SQL, scenario].rates)

        def told(each: Measures, least: float = least) -> str:
            rate = median(each.rates)
            return f"{rate:,.0f}/s {median(each.cpu_us):.0f} µs {rate / least:.1f}x"

        rows.append((scenario.partition(" (")[0], *(_of(results, system, scenario, told) for system in _ALL)))
    rows += [
        (f"lone {scenario}", *(_of(results, system, scenario, _waits) for system in _ALL))
        for scenario in radius.TIMED_ALONE
    ]
    rows += [
        (
            f"not stored: {scenario.partition(' (')[0]}",
            *(_of(results, system, scenario, _missing) for system in _ALL),
        )
        for scenario in radius.QUICK
    ]
    memory = (results.memory[system] for system in _ALL)
    rows.append(("PSS own + PG + Redis", *(f"{_mb(m.pss)} + {_mb(m.backends)} + {_mb(m.redis)}" for m in memory)))
    rows.append((_generator(results), *("" for _ in _ALL)))
    return ("", *_ALL), rows


def _missing(measures: Measures) -> str:
    lost = f", {measures.lost} lost" if measures.lost else ""
    return f"{measures.answered - measures.stored:,} of {measures.answered:,}{lost}" if measures.answered else "-"


def _web_rows(web: WebResults) -> list[Row]:
    portal, empty = median(web.portal_rates), median(web.empty_rates)
    return [
        ("first page, compressed, with everything in it", f"{web.compressed:,} octets", "≤ 14,336"),
        ("first page, uncompressed", f"{web.plain:,} octets", ""),
        ("further requests that it makes", f"{web.further}", "0"),
        ("requests/s beside an empty Flask view, same server", f"{portal / empty:.2f}", "≥ 0.60"),
        ("first page", f"{portal:,.0f}/s", ""),
        ("empty view", f"{empty:,.0f}/s", ""),
        ("load", web.tool, ""),
    ]


def _sign_in_rows(results: SignInResults) -> list[Row]:
    tap = median(results.rates[ONE_TAP])
    return [
        (way, f"{median(rates) / tap:.2f}", f"{median(rates):,.0f}/s") for way, rates in results.rates.items() if rates
    ]


def _voucher_rows(vouchers: VoucherResults) -> list[Row]:
    return [
        (f"{SHEET:,} vouchers as a PDF with two QR codes each", f"{median(vouchers.sheet_seconds):.1f} s", "≤ 10 s"),
        ("a code read, and found in the table", f"{median(vouchers.check_ms):.2f} ms", "≤ 1 ms"),
    ]


def _announcement_rows(announcements: AnnouncementResults) -> list[Row]:
    """A round trip is the same with any number of campaigns."""
    trip = median(announcements.round_trip_ms)
    rows = [(ROUND_TRIP, f"{trip:.2f} ms", f"{trip:.2f} ms", "1.0", "")]
    for what, goal in ((CHOICE, "≤ 1 ms"), (LOADING, ""), (TURN, "")):
        few, many = (median(announcements.ms[what, size]) for size in (FEW, MANY))
        rows.append((what, f"{few:.2f} ms", f"{many:.2f} ms", f"{many / trip:.1f}", goal))
    return rows


def _table(header: Row, rows: Sequence[Row]) -> str:
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]

    def line(row: Row) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _versions() -> str:
    told = [f"Linux {platform.release()}, Python {platform.python_version()}"]
    if freeradius.is_installed():
        told.append(f"FreeRADIUS {freeradius.version()}")
    answer = subprocess.run([find_programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    told.append(answer.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL").split(" (")[0])
    return ", ".join(told) + "."
