"""what_is_left: allowances of a visit, a day and a week, alone and together; and what midnight does to them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.allowances import Allowance, Left, Octets, Usage, Used, what_is_left
from hotspot.values import Period, RefusalReason, Refuse
from tests.factories import NOW

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MIDNIGHT = NOW + 14 * HOUR
"""In Paris."""
MONDAY = MIDNIGHT + 5 * 24 * HOUR


def visit(**limits: Any) -> Allowance:
    return Allowance(Period.VISIT, **limits)


def day(**limits: Any) -> Allowance:
    return Allowance(Period.DAY, renews_at=MIDNIGHT, **limits)


def week(**limits: Any) -> Allowance:
    return Allowance(Period.WEEK, renews_at=MONDAY, **limits)


def left(usage: Usage, *allowances: Allowance, **changed: Any) -> Left | Refuse:
    return what_is_left(allowances, usage, **{"now": NOW, "least": MINUTE} | changed)


lengths = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3))
amounts = st.integers(min_value=0, max_value=2**40)
uses = st.builds(Used, lengths, amounts, amounts)
usages = st.builds(Usage, uses, uses, uses)
renewals = {
    Period.VISIT: st.none(),
    Period.DAY: st.timedeltas(min_value=timedelta(seconds=1), max_value=25 * HOUR).map(NOW.__add__),
    Period.WEEK: st.timedeltas(min_value=timedelta(seconds=1), max_value=169 * HOUR).map(NOW.__add__),
}
several = st.tuples(
    *(
        st.builds(
            Allowance,
            st.just(period),
            st.none() | lengths,
            st.none() | amounts,
            st.none() | amounts,
            st.none() | amounts,
            renews_at,
        )
        for period, renews_at in renewals.items()
    )
)


@pytest.mark.parametrize(
    ("usage", "allowances", "expected"),
    [
        pytest.param(Usage(), [], Left(None, Octets()), id="no allowance limits nothing"),
        pytest.param(Usage(), [visit()], Left(None, Octets()), id="nor does one without limits"),
        pytest.param(
            Usage(visit=Used(HOUR / 2, 3, 4)),
            [visit(time=HOUR, octets=10, upload_octets=5, download_octets=9)],
            Left(HOUR / 2, Octets(3, 2, 5)),
            id="each direction for itself, and both together",
        ),
        pytest.param(
            Usage(visit=Used(10 * MINUTE), day=Used(30 * MINUTE), week=Used(HOUR)),
            [visit(time=HOUR), day(time=2 * HOUR), week(time=100 * MINUTE)],
            Left(40 * MINUTE, Octets()),
            id="of three times the least",
        ),
        pytest.param(
            Usage(visit=Used(HOUR, 1, 1), day=Used(HOUR, 10, 10), week=Used(HOUR, 40, 40)),
            [visit(octets=50), day(octets=60), week(upload_octets=45)],
            Left(None, Octets(both=40, upload=5)),
            id="of three volumes the least",
        ),
        pytest.param(
            Usage(day=Used(-HOUR)), [day(time=HOUR)], Left(2 * HOUR, Octets()), id="an hour that was given at the desk"
        ),
    ],
)
def test_what_is_left_is_the_least_of_what_each_period_leaves(
    usage: Usage, allowances: list[Allowance], expected: Left
) -> None:
    assert left(usage, *allowances) == expected


@pytest.mark.parametrize(
    ("usage", "allowances", "refusal"),
    [
        pytest.param(
            Usage(visit=Used(HOUR)), [visit(time=HOUR)], Refuse(RefusalReason.TIME_USED_UP), id="a visit never renews"
        ),
        pytest.param(
            Usage(day=Used(HOUR)), [day(time=HOUR)], Refuse(RefusalReason.TIME_USED_UP, MIDNIGHT), id="the day's time"
        ),
        pytest.param(
            Usage(week=Used(0 * HOUR, 7, 0)),
            [week(upload_octets=7)],
            Refuse(RefusalReason.VOLUME_USED_UP, MONDAY),
            id="the week's upload",
        ),
        pytest.param(
            Usage(day=Used(0 * HOUR, 0, 7)),
            [day(download_octets=7, upload_octets=9)],
            Refuse(RefusalReason.VOLUME_USED_UP, MIDNIGHT),
            id="the day's download",
        ),
        pytest.param(
            Usage(day=Used(HOUR - timedelta(seconds=59))),
            [day(time=HOUR)],
            Refuse(RefusalReason.TIME_USED_UP, MIDNIGHT),
            id="less than the least",
        ),
        pytest.param(
            Usage(day=Used(HOUR), week=Used(5 * HOUR)),
            [day(time=HOUR), week(time=5 * HOUR)],
            Refuse(RefusalReason.TIME_USED_UP, MONDAY),
            id="day and week: what renews last says when",
        ),
        pytest.param(
            Usage(visit=Used(HOUR), day=Used(HOUR)),
            [visit(time=HOUR), day(time=HOUR)],
            Refuse(RefusalReason.TIME_USED_UP),
            id="visit and day: never",
        ),
        pytest.param(
            Usage(day=Used(HOUR), week=Used(HOUR, 9, 0)),
            [day(time=HOUR), week(octets=9)],
            Refuse(RefusalReason.VOLUME_USED_UP, MONDAY),
            id="the reason is that of what renews last",
        ),
    ],
)
def test_what_is_used_up_says_when_it_begins_anew(usage: Usage, allowances: list[Allowance], refusal: Refuse) -> None:
    assert left(usage, *allowances) == refusal


@pytest.mark.parametrize(
    ("before_midnight", "used", "expected"),
    [
        (30 * MINUTE, 0 * HOUR, 30 * MINUTE + 2 * HOUR),
        (30 * MINUTE, 90 * MINUTE, 30 * MINUTE + 2 * HOUR),
        (30 * MINUTE, 91 * MINUTE, 29 * MINUTE),
        (3 * HOUR, 0 * HOUR, 2 * HOUR),
    ],
    ids=["all of it left", "just enough for this day", "a minute short of midnight", "used up long before"],
)
def test_what_lasts_until_midnight_goes_on_with_the_next_days(
    before_midnight: timedelta, used: timedelta, expected: timedelta
) -> None:
    answer = left(Usage(day=Used(used)), day(time=2 * HOUR), now=MIDNIGHT - before_midnight)
    assert answer == Left(expected, Octets())


def test_after_midnight_a_session_has_what_it_was_promised_before() -> None:
    """Told 2 h 30 min half an hour before midnight, it has 1 h 30 min left an hour after it."""
    tomorrow = replace(day(time=2 * HOUR), renews_at=MIDNIGHT + 24 * HOUR)
    answer = left(Usage(day=Used(30 * MINUTE)), tomorrow, now=MIDNIGHT + 30 * MINUTE)
    assert answer == Left(90 * MINUTE, Octets())


@given(usages, several)
def test_what_is_left_is_positive_or_it_is_refused(usage: Usage, allowances: tuple[Allowance, ...]) -> None:
    answer = left(usage, *allowances)
    if isinstance(answer, Refuse):
        assert answer.again_at is None or answer.again_at > NOW
        return
    assert answer.time is None or answer.time >= MINUTE
    assert all(each is None or each > 0 for each in (answer.octets.both, answer.octets.upload, answer.octets.download))


@given(usages, several)
def test_the_order_of_the_allowances_makes_no_difference(usage: Usage, allowances: tuple[Allowance, ...]) -> None:
    forth, back = left(usage, *allowances), left(usage, *reversed(allowances))
    if isinstance(forth, Refuse) and isinstance(back, Refuse):
        assert forth.again_at == back.again_at
    else:
        assert forth == back


@given(usages, several, st.timedeltas(min_value=timedelta(0), max_value=23 * HOUR))
def test_nobody_is_promised_more_than_is_there_when_the_time_has_come(
    usage: Usage, allowances: tuple[Allowance, ...], online: timedelta
) -> None:
    """Asked again in mid-session, as much is left as there was less what has gone by: over midnight too."""
    before = left(usage, *allowances)
    if isinstance(before, Refuse) or before.time is None or online > before.time - MINUTE:
        return
    after = left(_later(usage, allowances, online), *_renewed(allowances, online), now=NOW + online)
    assert isinstance(after, Left)
    assert after.time is not None
    assert after.time >= before.time - online


def _later(usage: Usage, allowances: tuple[Allowance, ...], online: timedelta) -> Usage:
    """As accounting has it: what was used after a renewal alone counts for the new period."""
    parts = {}
    for each in allowances:
        since = None if each.renews_at is None else NOW + online - each.renews_at
        if since is not None and since >= timedelta(0):
            parts[each.period.value] = Used(since)
        else:
            parts[each.period.value] = usage.of(each.period) + Used(online)
    return replace(usage, **parts)


def _renewed(allowances: tuple[Allowance, ...], online: timedelta) -> list[Allowance]:
    return [
        replace(each, renews_at=each.renews_at + timedelta(days=1 if each.period is Period.DAY else 7))
        if each.renews_at is not None and each.renews_at <= NOW + online
        else each
        for each in allowances
    ]
