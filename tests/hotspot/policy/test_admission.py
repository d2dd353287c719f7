"""decide_admission: what is left, by examples and by properties that hold for every grant."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.policy.admission import MIN_STAY, GrantTerms, announcement_due_in, decide_admission, is_over
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.values import Admit, Period, RefusalReason, Refuse
from tests.factories import NOW
from tests.hotspot.policy.test_allowances import MIDNIGHT, MONDAY, amounts, lengths, several, uses

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TERMS = GrantTerms(grant_id=UUID(int=7), ends_at=NOW + 2 * HOUR)


def visit(**limits: Any) -> dict[str, Any]:
    return {"allowances": (Allowance(Period.VISIT, **limits),)}


def used(**amounts: Any) -> Usage:
    return Usage(visit=Used(**amounts))


terms = st.builds(
    GrantTerms,
    grant_id=st.just(UUID(int=7)),
    ends_at=st.timedeltas(min_value=-HOUR, max_value=timedelta(days=3)).map(lambda ahead: NOW + ahead),
    ends_because=st.sampled_from([RefusalReason.GRANT_ENDED, RefusalReason.SITE_CLOSED]),
    allowances=several,
    announcement_every=st.none() | st.timedeltas(min_value=5 * MINUTE, max_value=24 * HOUR),
    longest_session=st.timedeltas(min_value=MIN_STAY, max_value=timedelta(days=1)),
)
usages = st.builds(Usage, uses, uses, uses, st.none() | lengths)


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


@pytest.mark.parametrize(
    ("allowance", "again_at"),
    [(Period.DAY, MIDNIGHT), (Period.WEEK, MONDAY), (Period.VISIT, None)],
)
def test_an_allowance_that_is_used_up_says_when_it_begins_anew(allowance: Period, again_at: object) -> None:
    limited = replace(TERMS, allowances=(Allowance(allowance, HOUR, renews_at=again_at),))
    everywhere = Usage(Used(HOUR), Used(HOUR), Used(HOUR))
    assert decide_admission(limited, everywhere, NOW) == Refuse(RefusalReason.TIME_USED_UP, again_at=again_at)


WITH_ANNOUNCEMENTS = replace(TERMS, announcement_every=30 * MINUTE)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        pytest.param(None, None, id="it has seen none yet"),
        pytest.param(30 * MINUTE, None, id="due"),
        pytest.param(29 * MINUTE + timedelta(seconds=1), None, id="due in less than a minute"),
        pytest.param(29 * MINUTE, MINUTE, id="due in a minute"),
        pytest.param(0 * MINUTE, 30 * MINUTE, id="just seen"),
    ],
)
def test_an_announcement_ends_the_session_when_it_is_due(since: timedelta | None, expected: timedelta | None) -> None:
    answer = decide_admission(WITH_ANNOUNCEMENTS, Usage(since_announcement=since), NOW)
    if expected is None:
        assert answer == Refuse(RefusalReason.ANNOUNCEMENT_DUE)
        assert not is_over(answer)
    else:
        assert isinstance(answer, Admit)
        assert (answer.session_timeout, answer.because) == (expected, RefusalReason.ANNOUNCEMENT_DUE)


def test_nobody_sees_an_announcement_for_nothing() -> None:
    over = replace(WITH_ANNOUNCEMENTS, **visit(time=HOUR))
    assert decide_admission(over, used(time=HOUR), NOW) == Refuse(RefusalReason.TIME_USED_UP)


@given(terms, usages)
def test_a_session_is_never_shorter_than_a_minute_nor_longer_than_what_is_left(asked: GrantTerms, usage: Usage) -> None:
    answer = decide_admission(asked, usage, NOW)
    if isinstance(answer, Refuse):
        return
    assert timedelta(seconds=60) <= answer.session_timeout <= asked.longest_session
    assert answer.session_timeout.microseconds == 0
    assert NOW + answer.session_timeout <= asked.ends_at
    if asked.announcement_every is not None:
        assert usage.since_announcement is not None
        assert usage.since_announcement + answer.session_timeout <= asked.announcement_every
    for allowed in asked.allowances:
        _fits(allowed, usage.of(allowed.period), answer)


def _fits(allowed: Allowance, used: Used, answer: Admit) -> None:
    """To the allowance, or until it is renewed and then to that of one more period."""
    if allowed.time is not None:
        left = allowed.time - used.time
        renewed = allowed.renews_at is not None and allowed.renews_at - NOW <= left
        most = allowed.renews_at - NOW + allowed.time if renewed and allowed.renews_at is not None else left
        assert answer.session_timeout <= most
    limits = (
        (allowed.octets, used.octets, answer.octets_left),
        (allowed.upload_octets, used.upload_octets, answer.upload_octets_left),
        (allowed.download_octets, used.download_octets, answer.download_octets_left),
    )
    for most, spent, left_over in limits:
        if most is not None:
            assert left_over is not None
            assert 0 < left_over <= most - spent


def generosity(answer: Admit | Refuse) -> tuple[timedelta, float, float, float]:
    if isinstance(answer, Refuse):
        return timedelta(0), 0.0, 0.0, 0.0
    octets = (answer.octets_left, answer.upload_octets_left, answer.download_octets_left)
    both, upload, download = (float("inf") if each is None else float(each) for each in octets)
    return answer.session_timeout, both, upload, download


@given(terms, usages, lengths, amounts)
def test_more_allowance_never_gives_less(asked: GrantTerms, usage: Usage, time: timedelta, volume: int) -> None:
    before = generosity(decide_admission(asked, usage, NOW))
    richer = [
        replace(asked, ends_at=asked.ends_at + time),
        replace(asked, longest_session=asked.longest_session + time),
        replace(asked, announcement_every=None),
    ]
    if asked.announcement_every is not None:
        richer.append(replace(asked, announcement_every=asked.announcement_every + time))
    for at, allowed in enumerate(asked.allowances):
        more = [replace(allowed, time=None if allowed.time is None else allowed.time + time)]
        for name in ("octets", "upload_octets", "download_octets"):
            limit = getattr(allowed, name)
            more += [replace(allowed, **{name: None if limit is None else limit + volume})]
        more += [replace(allowed, **{name: None}) for name in ("time", "octets", "upload_octets", "download_octets")]
        others = asked.allowances
        richer += [replace(asked, allowances=(*others[:at], each, *others[at + 1 :])) for each in more]
    for each in richer:
        after = generosity(decide_admission(each, usage, NOW))
        assert all(new >= old for old, new in zip(before, after, strict=True))


@given(terms, usages, lengths, amounts, amounts)
def test_more_use_never_gives_more(
    asked: GrantTerms, usage: Usage, time: timedelta, upload: int, download: int
) -> None:
    before = generosity(decide_admission(asked, usage, NOW))
    after = generosity(decide_admission(asked, usage.after(Used(time, upload, download)), NOW))
    assert all(new <= old for old, new in zip(before, after, strict=True))


@given(terms, usages, lengths)
def test_waiting_never_gives_more_than_what_is_renewed_meanwhile(
    asked: GrantTerms, usage: Usage, wait: timedelta
) -> None:
    asked = replace(asked, allowances=tuple(replace(each, renews_at=None) for each in asked.allowances))
    before = generosity(decide_admission(asked, usage, NOW))
    after = generosity(decide_admission(asked, usage, NOW + wait))
    assert after[0] <= before[0]


@given(terms, usages)
def test_a_yes_has_nothing_due(asked: GrantTerms, usage: Usage) -> None:
    due_in = announcement_due_in(asked, usage)
    if isinstance(decide_admission(asked, usage, NOW), Admit):
        assert due_in is None or due_in >= MIN_STAY
