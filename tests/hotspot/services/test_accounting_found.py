"""What the model of tests/radius/test_accounting_model.py found, as small as it gets, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.services.accounting import AccountingRecord, close_silent
from hotspot.values import TerminateCause
from tests.hotspot.services.test_accounting import INTERIM, NOW, OFF, ON, STALE_AFTER, START, STOP, Town

UNSEEN = 4_000_000_000, 1_000
"""Octets of two reports of a NAS without Gigawords: 2**32 + 1,000 in truth."""


@pytest.fixture
def town(any_database: Database) -> Town:
    return Town(any_database)


def restart(town: Town, minutes: float) -> AccountingRecord:
    return AccountingRecord(ON, town.nas_id, NOW + timedelta(minutes=minutes))


def worker_looks(town: Town, minutes: float) -> None:
    with town.database.transaction() as db:
        close_silent(db, NOW + timedelta(minutes=minutes), STALE_AFTER)


def hears(town: Town, minutes: float, *records: AccountingRecord) -> None:
    town.hears(*records, now=NOW + timedelta(minutes=minutes))


def ending(town: Town) -> tuple[Any, ...]:
    kept = town.session()
    minutes = None if kept.ended_at is None else (kept.ended_at - NOW).total_seconds() / 60
    return minutes, kept.terminate_cause


# ---- restarts ----


@pytest.mark.parametrize("kind", [START, INTERIM])
def test_a_session_first_heard_of_after_the_restart_that_ended_it_is_over(town: Town, kind: Any) -> None:
    hears(town, 9, restart(town, 9))

    hears(town, 10, town.says(kind, 5 if kind is INTERIM else 0))

    assert ending(town) == (9, TerminateCause.NAS_REBOOT)


def test_a_stop_that_the_off_overtook_says_when_and_why(town: Town) -> None:
    hears(town, 1, town.says(START))
    hears(town, 9, AccountingRecord(OFF, town.nas_id, NOW + timedelta(minutes=9)))

    hears(town, 10, town.says(STOP, 8, terminate_cause=TerminateCause.IDLE_TIMEOUT))

    assert ending(town) == (8, TerminateCause.IDLE_TIMEOUT)


def test_a_restart_ends_a_session_that_was_silent_and_has_spoken_since(town: Town) -> None:
    hears(town, 0, town.says(START))
    worker_looks(town, 16)
    hears(town, 17, town.says(INTERIM, 17))

    hears(town, 18, restart(town, 18))
    worker_looks(town, 19)

    assert ending(town) == (18, TerminateCause.NAS_REBOOT)


def test_a_late_packet_of_before_the_restart_opens_nothing(town: Town) -> None:
    hears(town, 0, town.says(START))
    worker_looks(town, 16)
    hears(town, 17, restart(town, 17))

    hears(town, 18, town.says(INTERIM, 10))
    worker_looks(town, 19)

    ended_after, _ = ending(town)
    assert ended_after is not None
    assert ended_after <= 17


# ---- silence ----


def test_a_session_that_spoke_once_more_before_the_worker_looked_ended_with_that(town: Town) -> None:
    hears(town, 0, town.says(START))
    worker_looks(town, 16)
    hears(town, 17, town.says(INTERIM, 17))

    worker_looks(town, 40)

    assert ending(town) == (17, TerminateCause.SILENCE)


# ---- unseen wraps ----


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
def test_a_wrap_shows_when_the_older_report_comes_second_too(town: Town, together: bool) -> None:
    before, after = (town.says(INTERIM, 5 * at, download_octets=octets) for at, octets in enumerate(UNSEEN, start=1))

    for batch in [[after, before]] if together else [[after], [before]]:
        hears(town, 10, *batch)

    assert town.counted() == (0, 2**32 + 1_000, 600)


def test_a_wrap_within_a_batch_counts_beside_those_before_it(town: Town) -> None:
    for at, octets in enumerate(UNSEEN, start=1):
        hears(town, 5 * at, town.says(INTERIM, 5 * at, download_octets=octets))

    hears(town, 20, *(town.says(INTERIM, 10 + 5 * at, download_octets=octets) for at, octets in enumerate(UNSEEN, 1)))

    assert town.counted() == (0, 2 * 2**32 + 1_000, 1200)


def test_a_batch_may_lead_further_than_a_wrap_from_what_is_kept(town: Town) -> None:
    steps = [3_000_000_000, 4_900_000_000, 6_900_000_000, 8_500_000_000]
    first, *others = (
        town.says(INTERIM, 5 * at, download_octets=total % 2**32) for at, total in enumerate(steps, start=1)
    )
    hears(town, 5, first)

    hears(town, 20, *others)

    assert town.counted() == (0, 8_500_000_000, 1200)
