"""The table: ratios first, and beside them what they are made of."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import freeradius, radius
from benchmarks.radius import Results
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
    echo: float
    web: WebResults | None
    vouchers: VoucherResults | None

    def text(self) -> str:
        parts = ["\n".join(self._machine())]
        if self.web is not None:
            parts.append("### Portal\n\n" + _table(("What", "Measured", "Goal"), _web_rows(self.web)))
        if self.vouchers is not None:
            parts.append("### Vouchers\n\n" + _table(("What", "Measured", "Goal"), _voucher_rows(self.vouchers)))
        if self.radius is not None:
            parts += [
                "### RADIUS: requests answered per second, as a ratio\n\n" + _table(*_ratios(self.radius)),
                "### RADIUS: what the ratios are made of\n\n" + _table(*_rates(self.radius, self.echo)),
                "### RADIUS: processor time and latency\n\n" + _table(*_costs(self.radius)),
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


def _ratios(results: Results) -> tuple[Row, list[Row]]:
    header = (
        "Scenario",
        "1 process ÷ FR+PG",
        "2 processes ÷ FR+PG",
        "1 process ÷ FR alone",
        "2 processes ÷ FR alone",
        "Goal",
    )
    rows = []
    for scenario in radius.SCENARIOS:
        rate = {system: median(results[system, scenario].rates) for system in radius.SYSTEMS}
        ours = (radius.OURS, radius.OURS_TWICE)
        ratios = [
            rate[each] / rate[other] for other in (radius.FREERADIUS_SQL, radius.FREERADIUS_ALONE) for each in ours
        ]
        rows.append((scenario, *(f"{ratio:.2f}" for ratio in ratios), _GOALS[scenario]))
    return header, rows


def _short(results: Results) -> tuple[Row, list[Row]]:
    """Rate, processor time, and the ratio to FreeRADIUS with PostgreSQL."""
    rows: list[Row] = []
    for scenario in radius.SCENARIOS:
        measured = [results[system, scenario] for system in radius.SYSTEMS]
        least = median(measured[0].rates)
        cells = (
            f"{median(each.rates):,.0f}/s {median(each.cpu_us):.0f} µs {median(each.rates) / least:.1f}x"
            for each in measured
        )
        rows.append((scenario.partition(" (")[0], *cells))
    for scenario in radius.TIMED_ALONE:
        waited = (f"{median(results[system, scenario].lone_ms):.2f} ms" for system in radius.SYSTEMS)
        rows.append((f"lone {scenario.partition(' (')[0]}", *waited))
    return ("", *radius.SYSTEMS), rows


_GOALS = {
    radius.LOGIN: "≥ 6 FR+PG, ≥ 1 FR alone",
    radius.INTERIM: "≥ 5 (1), ≥ 7 (2) FR+PG; ≥ 0.8 (2) FR alone",
    radius.START_STOP: "≥ 4 FR+PG",
    radius.MIX: "≥ 6 FR+PG, ≥ 0.7 FR alone",
}


def _rates(results: Results, echo: float) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (scenario, *(f"{median(results[system, scenario].rates):,.0f}/s" for system in radius.SYSTEMS))
        for scenario in radius.SCENARIOS
    ]
    rows.append((f"the generator against a plain echo: {echo:,.0f}/s", *("" for _ in radius.SYSTEMS)))
    for what in ("repeated", "lost"):
        totals = (
            sum(getattr(results[system, scenario], what) for scenario in radius.SCENARIOS) for system in radius.SYSTEMS
        )
        rows.append((f"requests {what}, all runs", *(f"{total:,}" for total in totals)))
    return ("Scenario", *radius.SYSTEMS), rows


def _costs(results: Results) -> tuple[Row, list[Row]]:
    rows: list[Row] = []
    for scenario in radius.SCENARIOS:
        spent = [median(results[system, scenario].cpu_us) for system in radius.SYSTEMS]
        rows.append((f"CPU per request, databases included: {scenario}", *(f"{each:,.0f} µs" for each in spent)))
    for scenario in radius.TIMED_ALONE:
        waited = [median(results[system, scenario].lone_ms) for system in radius.SYSTEMS]
        rows.append((f"p50 of a lone request: {scenario}", *(f"{each:.2f} ms" for each in waited)))
    return ("What", *radius.SYSTEMS), rows


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


def _voucher_rows(vouchers: VoucherResults) -> list[Row]:
    return [
        (f"{SHEET:,} vouchers as a PDF with two QR codes each", f"{median(vouchers.sheet_seconds):.1f} s", "≤ 10 s"),
        ("a code read, and found in the table", f"{median(vouchers.check_ms):.2f} ms", "≤ 1 ms"),
    ]


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
