"""decide_admission: what is left, by examples and by properties that hold for every grant."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.admission import MIN_STAY, GrantTerms, decide_admission
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.values import Admit, Period, RefusalReason, Refuse
from tests.factories import NOW

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TERMS = GrantTerms(grant_id=UUID(int=7), ends_at=NOW + 2 * HOUR)


def visit(**limits: Any) -> dict[str, Any]:
    return {"allowances": (Allowance(Period.VISIT, **limits),)}


def used(**amounts: Any) -> Usage:
    return Usage(visit=Used(**amounts))


lengths = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3))
octets = st.integers(min_value=0, max_value=2**40)
terms = st.builds(
    GrantTerms,
    grant_id=st.just(UUID(int=7)),
    ends_at=st.timedeltas(min_value=-HOUR, max_value=timedelta(days=3)).map(lambda ahead: NOW + ahead),
    ends_because=st.sampled_from([RefusalReason.GRANT_ENDED, RefusalReason.SITE_CLOSED]),
    allowances=st.tuples(st.builds(Allowance, st.just(Period.VISIT), st.none() | lengths, st.none() | octets)),
    longest_session=st.timedeltas(min_value=MIN_STAY, max_value=timedelta(days=1)),
)
usages = st.builds(Usage, visit=st.builds(Used, lengths, octets, octets))


@pytest.mark.parametrize(
    ("change", "usage", "left"),
    [
        pytest.param({}, Usage(), 2 * HOUR, id="until the grant ends"),
        pytest.param(visit(time=HOUR), used(time=20 * MINUTE), 40 * MINUTE, id="less what was used"),
        pytest.param(visit(time=5 * HOUR), used(time=HOUR), 2 * HOUR, id="the end comes before the allowance"),
        pytest.param({"longest_session": HOUR}, Usage(), HOUR, id="the longest session we give"),
        pytest.param({"ends_at": NOW + MINUTE}, Usage(), MINUTE, id="exactly the least"),
        pytest.param({"ends_at": NOW + timedelta(seconds=90.9)}, Usage(), timedelta(seconds=90), id="whole seconds"),
        pytest.param(visit(time=HOUR), used(time=59 * MINUTE), MINUTE, id="the last minute"),
    ],
)
def test_session_timeout_is_the_least_of_what_is_left(change: dict, usage: Usage, left: timedelta) -> None:
    answer = decide_admission(replace(TERMS, **change), usage, NOW)
    assert isinstance(answer, Admit)
    assert answer.session_timeout == left


@pytest.mark.parametrize(
    ("change", "usage", "reason"),
    [
        pytest.param({"ends_at": NOW}, Usage(), RefusalReason.GRANT_ENDED, id="ended"),
        pytest.param(
            {"ends_at": NOW + timedelta(seconds=59)}, Usage(), RefusalReason.GRANT_ENDED, id="too short to stay"
        ),
        pytest.param(
            {"ends_at": NOW, "ends_because": RefusalReason.SITE_CLOSED}, Usage(), RefusalReason.SITE_CLOSED, id="closed"
        ),
        pytest.param(visit(time=HOUR), used(time=HOUR), RefusalReason.TIME_USED_UP, id="time"),
        pytest.param(visit(time=HOUR), used(time=9 * HOUR), RefusalReason.TIME_USED_UP, id="more than allowed"),
        pytest.param(visit(octets=10), used(download_octets=10), RefusalReason.VOLUME_USED_UP, id="volume"),
        pytest.param(visit(octets=10), used(download_octets=99), RefusalReason.VOLUME_USED_UP, id="more volume"),
        pytest.param(
            {"ends_at": NOW} | visit(time=HOUR), used(time=HOUR), RefusalReason.GRANT_ENDED, id="the end is named first"
        ),
    ],
)
def test_what_is_used_up_is_refused_by_its_name(change: dict, usage: Usage, reason: RefusalReason) -> None:
    assert decide_admission(replace(TERMS, **change), usage, NOW) == Refuse(reason)


def test_what_the_grant_says_is_passed_on() -> None:
    generous = replace(TERMS, upload_kbps=2000, download_kbps=10_000, idle_timeout=5 * MINUTE, **visit(octets=100))
    assert decide_admission(generous, used(download_octets=40), NOW) == Admit(
        grant_id=TERMS.grant_id,
        session_timeout=2 * HOUR,
        idle_timeout=5 * MINUTE,
        interim_interval=5 * MINUTE,
        upload_kbps=2000,
        download_kbps=10_000,
        octets_left=60,
        because=RefusalReason.GRANT_ENDED,
    )


@given(terms, usages)
def test_a_session_is_never_shorter_than_a_minute_nor_longer_than_what_is_left(asked: GrantTerms, usage: Usage) -> None:
    answer = decide_admission(asked, usage, NOW)
    if isinstance(answer, Refuse):
        return
    assert timedelta(seconds=60) <= answer.session_timeout <= asked.longest_session
    assert NOW + answer.session_timeout <= asked.ends_at
    (allowed,) = asked.allowances
    if allowed.time is not None:
        assert usage.visit.time + answer.session_timeout <= allowed.time
    if allowed.octets is not None:
        assert answer.octets_left is not None
        assert 0 < answer.octets_left <= allowed.octets


def generosity(answer: Admit | Refuse) -> tuple[timedelta, float]:
    if isinstance(answer, Refuse):
        return timedelta(0), 0.0
    return answer.session_timeout, float("inf") if answer.octets_left is None else answer.octets_left


@given(terms, usages, lengths, octets)
def test_more_allowance_never_gives_less(asked: GrantTerms, usage: Usage, time: timedelta, volume: int) -> None:
    before = generosity(decide_admission(asked, usage, NOW))
    richer = [
        replace(asked, ends_at=asked.ends_at + time),
        replace(asked, longest_session=asked.longest_session + time),
    ]
    (allowed,) = asked.allowances
    more = []
    if allowed.time is not None:
        more += [replace(allowed, time=allowed.time + time), replace(allowed, time=None)]
    if allowed.octets is not None:
        more += [replace(allowed, octets=allowed.octets + volume), replace(allowed, octets=None)]
    richer += [replace(asked, allowances=(each,)) for each in more]
    for each in richer:
        after = generosity(decide_admission(each, usage, NOW))
        assert all(new >= old for old, new in zip(before, after, strict=True))


@given(terms, usages, lengths, octets)
def test_more_use_never_gives_more(asked: GrantTerms, usage: Usage, time: timedelta, volume: int) -> None:
    before = generosity(decide_admission(asked, usage, NOW))
    after = generosity(decide_admission(asked, usage.after(Used(time, volume)), NOW))
    assert all(new <= old for old, new in zip(before, after, strict=True))


@given(terms, usages, lengths)
def test_waiting_never_gives_more(asked: GrantTerms, usage: Usage, wait: timedelta) -> None:
    before = generosity(decide_admission(asked, usage, NOW))
    after = generosity(decide_admission(asked, usage, NOW + wait))
    assert after[0] <= before[0]
