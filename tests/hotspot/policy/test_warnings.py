"""What can end a visit, in its order; and what is said beforehand."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.admission import GrantTerms, decide_admission
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.policy.warnings import EndAhead, ends_ahead, warnings
from hotspot.values import Admit, Period, RefusalReason
from tests.factories import NOW

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
UNUSED = Usage()


def terms(
    *allowances: Allowance,
    ends_in: timedelta = 2 * HOUR,
    because: RefusalReason = RefusalReason.GRANT_ENDED,
    every: timedelta | None = None,
) -> GrantTerms:
    return GrantTerms(UUID(int=1), NOW + ends_in, because, allowances=allowances, announcement_every=every)


def visit(used: timedelta = timedelta(0), *, upload: int = 0, download: int = 0) -> Usage:
    spent = Used(used, upload, download)
    return Usage(visit=spent, day=spent, week=spent, since_announcement=used)


def said(of: GrantTerms, usage: Usage = UNUSED) -> list[tuple[RefusalReason, object]]:
    return [
        (each.reason, each.octets if each.after is None else each.after)
        for each in warnings(ends_ahead(of, usage, NOW))
    ]


def test_of_a_visit_with_hours_left_nothing_is_said() -> None:
    assert said(terms()) == []


@pytest.mark.parametrize("because", [RefusalReason.SITE_CLOSED, RefusalReason.GRANT_ENDED], ids=str)
def test_ten_minutes_before_it_ends_it_is_said(because: RefusalReason) -> None:
    assert said(terms(ends_in=10 * MINUTE, because=because)) == []
    assert said(terms(ends_in=10 * MINUTE - timedelta(seconds=1), because=because)) == [
        (because, 10 * MINUTE - timedelta(seconds=1))
    ]


def test_the_minutes_to_read_a_mail_are_no_warning() -> None:
    assert said(terms(ends_in=8 * MINUTE, because=RefusalReason.PROOF_AWAITED)) == []


@pytest.mark.parametrize(
    ("allowed", "used", "left"),
    [
        (HOUR, 49 * MINUTE, None),
        (HOUR, 51 * MINUTE, 9 * MINUTE),
        (10 * HOUR, 9 * HOUR - MINUTE, None),
        (10 * HOUR, 9 * HOUR, HOUR),
        (HOUR, 2 * HOUR, timedelta(0)),
    ],
    ids=["enough", "minutes are left", "less than nine tenths", "nine tenths", "too much"],
)
def test_time_that_is_nearly_used_up_is_said(allowed: timedelta, used: timedelta, left: timedelta | None) -> None:
    expected = [] if left is None else [(RefusalReason.TIME_USED_UP, left)]
    assert said(terms(Allowance(Period.VISIT, allowed)), visit(used)) == expected


def test_what_is_renewed_before_it_is_used_up_is_not_said() -> None:
    today = Allowance(Period.DAY, HOUR, renews_at=NOW + 5 * MINUTE)
    assert said(terms(today), visit(52 * MINUTE)) == []


def test_what_will_not_come_to_pass_is_not_said() -> None:
    of_the_week = Allowance(Period.WEEK, 20 * HOUR, renews_at=NOW + timedelta(days=3))
    assert said(terms(of_the_week, ends_in=HOUR), visit(18 * HOUR + 30 * MINUTE)) == []


def test_volumes_are_said_by_what_is_left_of_the_least() -> None:
    allowance = Allowance(Period.VISIT, octets=1000, upload_octets=100, download_octets=900)
    assert said(terms(allowance), visit(upload=10, download=880)) == [(RefusalReason.VOLUME_USED_UP, 20)]
    assert said(terms(allowance), visit(upload=10, download=2000)) == [(RefusalReason.VOLUME_USED_UP, 0)]


def test_an_announcement_is_said_two_minutes_ahead_and_hides_nothing() -> None:
    both = terms(ends_in=9 * MINUTE, every=30 * MINUTE)
    assert said(both, visit(29 * MINUTE)) == [
        (RefusalReason.ANNOUNCEMENT_DUE, MINUTE),
        (RefusalReason.GRANT_ENDED, 9 * MINUTE),
    ]
    assert said(terms(every=30 * MINUTE), visit(28 * MINUTE)) == []


def test_no_announcement_is_said_that_comes_after_the_end() -> None:
    assert said(terms(ends_in=MINUTE, every=30 * MINUTE), visit(28 * MINUTE + MINUTE / 2)) == [
        (RefusalReason.GRANT_ENDED, MINUTE)
    ]


def test_the_soonest_comes_first_and_volumes_come_last() -> None:
    found = ends_ahead(
        terms(Allowance(Period.DAY, HOUR, octets=10, renews_at=NOW + 9 * HOUR), every=30 * MINUTE), visit(), NOW
    )
    assert [each.reason for each in found] == [
        RefusalReason.ANNOUNCEMENT_DUE,
        RefusalReason.TIME_USED_UP,
        RefusalReason.GRANT_ENDED,
        RefusalReason.VOLUME_USED_UP,
    ]
    assert found[3] == EndAhead(RefusalReason.VOLUME_USED_UP, octets=10, period=Period.DAY)


LENGTHS = st.integers(0, 200).map(lambda minutes: minutes * MINUTE)


@given(
    ends_in=LENGTHS,
    allowed=st.none() | LENGTHS,
    octets=st.none() | st.integers(0, 100),
    used=LENGTHS,
    volume=st.integers(0, 100),
    every=st.none() | LENGTHS,
)
def test_the_first_end_is_when_a_session_that_is_let_in_now_would_end(
    ends_in: timedelta,
    allowed: timedelta | None,
    octets: int | None,
    used: timedelta,
    volume: int,
    every: timedelta | None,
) -> None:
    of = terms(Allowance(Period.DAY, allowed, octets, renews_at=NOW + 3 * HOUR), ends_in=ends_in, every=every)
    usage = visit(used, download=volume)

    found = ends_ahead(of, usage, NOW)

    assert found[0].after is not None
    assert all(each.after is None or each.after >= timedelta(0) for each in found)
    assert all(each.octets is None or each.octets >= 0 for each in found)
    decision = decide_admission(of, usage, NOW)
    if isinstance(decision, Admit):
        assert found[0].after == decision.session_timeout
