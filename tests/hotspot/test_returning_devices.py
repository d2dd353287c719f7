"""Hints of who may have been here, on a real Redis."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis

from hotspot.adapters.redis import open_redis
from hotspot.adapters.returning_devices import Hint, ReturningDevices
from hotspot.errors import Unavailable
from hotspot.settings import Settings

HERE, ELSEWHERE = "020000000001", "020000000002"
HOUR = timedelta(hours=1)


@pytest.fixture
def returning(redis: "Redis") -> ReturningDevices:
    return ReturningDevices(redis)


def test_while_redis_knows_nothing_anybody_may_have_been_here(returning: ReturningDevices) -> None:
    returning.remember({HERE: HOUR})
    assert returning.look_up(HERE) == Hint(perhaps=True, is_complete=False)
    assert returning.look_up(ELSEWHERE) == Hint(perhaps=True, is_complete=False)


def test_once_it_knows_all_a_new_device_is_told_from_one_that_returns(returning: ReturningDevices) -> None:
    returning.fill({HERE: HOUR})
    assert returning.look_up(HERE) == Hint(perhaps=True, is_complete=True)
    assert returning.look_up(ELSEWHERE) == Hint(perhaps=False, is_complete=True)


def test_the_longest_grant_counts(returning: ReturningDevices) -> None:
    short = timedelta(milliseconds=100)
    returning.fill({HERE: short, ELSEWHERE: short})
    returning.remember({HERE: HOUR})
    returning.remember({HERE: short})
    time.sleep(0.2)
    assert returning.look_up(HERE).perhaps
    assert not returning.look_up(ELSEWHERE).perhaps


def test_many_are_written_in_batches(returning: ReturningDevices, redis: "Redis") -> None:
    returning.fill({f"{number:012x}": HOUR for number in range(2500)})
    assert len(redis.keys("returning:*")) == 2500


def test_one_asker_at_a_time_fills_it(returning: ReturningDevices) -> None:
    assert [returning.may_fill() for _ in range(3)] == [True, False, False]


def test_without_redis_it_says_so(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": "unix:///nowhere/redis.sock"})
    returning = ReturningDevices(open_redis(away))
    calls: list[Callable[[], object]] = [
        lambda: returning.look_up(HERE),
        lambda: returning.remember({HERE: HOUR}),
        returning.may_fill,
        lambda: returning.fill({}),
    ]
    for call in calls:
        with pytest.raises(Unavailable, match="redis"):
            call()
