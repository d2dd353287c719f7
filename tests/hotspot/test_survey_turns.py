"""At most once for each device and month: a mark in Redis that names nobody and holds no answer."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from redis import Redis

from hotspot.adapters.survey_turns import SurveyTurns
from hotspot.errors import Unavailable
from hotspot.sealing import Vault
from tests.fixtures.redis import redis_that_is_away

MAC, OTHER_MAC = "020000000001", "020000000002"
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
VISIT, OTHER_VISIT = UUID(int=1), UUID(int=2)
LIFE = timedelta(days=21)


@pytest.fixture
def turns(redis: "Redis", vault: Vault) -> SurveyTurns:
    return SurveyTurns(redis, vault.digest)


def test_a_page_that_reloads_shows_it_again_and_another_visit_does_not(turns: SurveyTurns) -> None:
    assert turns.may_show(MAC, MARCH, VISIT, LIFE)
    assert turns.may_show(MAC, MARCH, VISIT, LIFE)
    assert not turns.may_show(MAC, MARCH, OTHER_VISIT, LIFE)


def test_another_device_and_another_month_have_turns_of_their_own(turns: SurveyTurns) -> None:
    assert turns.may_show(MAC, MARCH, VISIT, LIFE)
    assert turns.may_show(OTHER_MAC, MARCH, OTHER_VISIT, LIFE)
    assert turns.may_show(MAC, APRIL, OTHER_VISIT, LIFE)


def test_it_is_settled_once_and_not_shown_again(turns: SurveyTurns) -> None:
    turns.may_show(MAC, MARCH, VISIT, LIFE)
    assert turns.settle(MAC, MARCH, VISIT)
    assert not turns.settle(MAC, MARCH, VISIT)
    assert not turns.may_show(MAC, MARCH, VISIT, LIFE)


def test_who_was_not_shown_it_settles_nothing(turns: SurveyTurns) -> None:
    assert not turns.settle(MAC, MARCH, VISIT)
    turns.may_show(MAC, MARCH, VISIT, LIFE)
    assert not turns.settle(MAC, MARCH, OTHER_VISIT)
    assert turns.settle(MAC, MARCH, VISIT)


def test_the_mark_lasts_until_the_month_is_over_also_when_it_is_settled(turns: SurveyTurns, redis: "Redis") -> None:
    turns.may_show(MAC, MARCH, VISIT, LIFE)
    (key,) = redis.keys("*")
    for _ in range(2):
        assert 0 < redis.pttl(key) <= LIFE.total_seconds() * 1000
        turns.settle(MAC, MARCH, VISIT)


def test_the_mark_names_neither_device_nor_visit_and_tells_no_answer(turns: SurveyTurns, redis: "Redis") -> None:
    turns.may_show(MAC, MARCH, VISIT, LIFE)
    turns.may_show(MAC, APRIL, VISIT, LIFE)
    march, april = redis.keys("*")
    assert march != april
    stored = march + april + redis.get(march) + redis.get(april)
    for name in (MAC, "02-00-00-00-00-01", str(VISIT), VISIT.hex):
        assert name.encode() not in stored.lower()
    turns.settle(MAC, MARCH, VISIT)
    assert sorted(len(redis.get(key)) for key in (march, april)) == [0, 32]


def test_in_the_last_moment_of_a_month_it_is_still_a_turn(turns: SurveyTurns) -> None:
    assert turns.may_show(MAC, MARCH, VISIT, timedelta(0))


def test_when_redis_is_away_nobody_is_asked_and_nobody_thanked(vault: Vault) -> None:
    turns = SurveyTurns(redis_that_is_away(), vault.digest)
    assert not turns.may_show(MAC, MARCH, VISIT, LIFE)
    with pytest.raises(Unavailable):
        turns.settle(MAC, MARCH, VISIT)
