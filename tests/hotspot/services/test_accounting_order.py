"""In what order, how often and in which batches records come makes no difference: properties, and what they found."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import WifiSession, WifiSessionCounter
from hotspot.services.accounting import AccountingRecord
from tests.hotspot.services.test_accounting import INTERIM, START, STOP, Town, grown

TWO_GIB = 2**31
WRAP = 2**32


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


class Reading(NamedTuple):
    """A counter and when it was read."""

    seconds: int
    octets: int


def fold(kept: Reading, new: Reading) -> Reading:
    """As the tables do it."""
    if kept.seconds == new.seconds:
        return Reading(kept.seconds, max(kept.octets, new.octets))
    earlier, later = sorted((kept, new))
    return Reading(later.seconds, grown(earlier.octets, later.octets))


def readings(amounts: Sequence[int], *, wrap: int = 2**64) -> list[Reading]:
    """One every minute; never nought, which says that nothing is counted."""
    totals = [sum(amounts[: at + 1]) for at in range(len(amounts))]
    return [Reading(60 * at, total % wrap or 1) for at, total in enumerate(totals, start=1)]


@given(st.data(), st.lists(st.integers(1, 2**36), min_size=1, max_size=8))
def test_with_gigawords_any_order_comes_to_the_last_reading(data: st.DataObject, amounts: list[int]) -> None:
    """Repeats included."""
    read = readings(amounts)
    order = data.draw(st.permutations(read + read))

    assert reduce(fold, order) == read[-1]


@given(st.data(), st.lists(st.integers(1, TWO_GIB - 2), min_size=1, max_size=12))
def test_without_gigawords_a_reading_may_overtake_one_other(data: st.DataObject, amounts: list[int]) -> None:
    read = readings(amounts, wrap=WRAP)
    order = list(read)
    for at in range(0, len(order) - 1, 2):
        if data.draw(st.booleans()):
            order[at], order[at + 1] = order[at + 1], order[at]

    _, octets = reduce(fold, order, Reading(0, 0))

    assert octets % WRAP == read[-1].octets
    assert abs(octets - sum(amounts)) < 2  # readings() never says nought


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[list[int]]]:
    """(session, kind, octets so far) in the order of happening, and batches of their numbers: each at least once."""
    told = []
    for session in range(draw(st.integers(1, 3))):
        amounts = draw(st.lists(st.integers(0, 2**34), min_size=1, max_size=4))
        told += [(session, at, sum(amounts[: at + 1])) for at in range(len(amounts))]
        if draw(st.booleans()):
            told.append((session, -1, sum(amounts) + WRAP))
    numbers = list(range(len(told)))
    order = draw(st.permutations(numbers + draw(st.lists(st.sampled_from(numbers), max_size=6))))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    return told, [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories())
def test_any_order_and_any_batches_leave_the_same_rows(
    town: Town, story: tuple[list[tuple[int, int, int]], list[list[int]]]
) -> None:
    told, batches = story
    records = [_record(town, *said) for said in told]
    town.forgets()
    for each in records:
        town.hears(each)
    expected = _rows(town)

    town.forgets()
    for batch in batches:
        town.hears(*(records[at] for at in batch))

    assert _rows(town) == expected


def _record(town: Town, session: int, number: int, octets: int) -> AccountingRecord:
    """Number 0 is the Start, -1 the Stop."""
    kind, minutes = {0: (START, 0), -1: (STOP, 60)}.get(number, (INTERIM, 5 * number))
    return town.says(
        kind,
        minutes,
        acct_session_id=f"{session}",
        upload_octets=octets if number else 0,
        framed_ip="10.1.0.2",
    )


def _rows(town: Town) -> list[tuple[Any, ...]]:
    rows = select(
        WifiSession.acct_session_id,
        WifiSession.started_at,
        WifiSession.ended_at,
        WifiSession.terminate_cause,
        WifiSession.grant_id,
        WifiSession.framed_ip,
        WifiSessionCounter.upload_octets,
        WifiSessionCounter.session_seconds,
    ).outerjoin(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
    with town.database.reading() as db:
        return [tuple(row) for row in db.execute(rows.order_by(WifiSession.acct_session_id))]
