"""The tables say what was measured and whether it reaches the goal."""

from collections.abc import Sequence

import pytest

from benchmarks import radius
from benchmarks.announcements import CHOICE, AnnouncementResults
from benchmarks.radius import Measures, Memory, Results
from benchmarks.report import Report, verdict


def results(ours: float, theirs: float) -> Results:
    rates = {system: ours if system in (radius.OURS, radius.OURS_TWICE) else theirs for system in radius.SYSTEMS}
    made = Results(memory={system: Memory(rss=2**20, pss=2**20) for system in radius.SYSTEMS})
    for scenario in radius.SCENARIOS:
        for system in radius.SYSTEMS if scenario in radius.LOGINS else radius.WHOLE:
            made.measures[system, scenario] = Measures([rates[system]], [40.0], [0.0], [0.5, 0.5], answered=9, stored=8)
    return made


def rows(report: str, *cells: str) -> list[str]:
    return [line for line in report.splitlines() if all(cell in line for cell in cells)]


@pytest.mark.parametrize(
    ("met", "said"), [([True, True], "met"), ([False, True], "met with 2"), ([True, False], "met with 1")]
)
def test_a_goal_is_met_with_one_process_or_with_two(met: Sequence[bool], said: str) -> None:
    assert verdict(met) == said


def test_a_goal_that_neither_reaches_is_short() -> None:
    assert verdict([False, False]) == "short"


def test_each_ratio_stands_beside_its_goal() -> None:
    report = Report(1, 1.0, 0.0, results(6_500, 1_000), None, None).text()

    (interim,) = rows(report, radius.INTERIM, radius.FREERADIUS_SQL, "≥ 5 / ≥ 7")
    assert interim.count("6.50") == 2
    assert interim.rstrip(" |").endswith("met with 1")


def test_what_was_answered_stands_beside_what_was_stored() -> None:
    report = Report(1, 1.0, 0.0, results(1_000, 1_000), None, None).text()

    assert rows(report, radius.MIX, "answered 9, stored 8")


def test_an_announcement_with_many_campaigns_stands_beside_a_round_trip() -> None:
    shown = AnnouncementResults(round_trip_ms=[0.5])
    for means in shown.ms.values():
        means.append(2.0)

    report = Report(1, 1.0, 0.0, None, None, None, announcements=shown).text()

    assert rows(report, CHOICE, "2.00 ms", "4.0", "≤ 1 ms")
