"""Scheduled work is done once in each slot, whoever does it."""

import threading
from datetime import datetime, timedelta

import pytest
from redis import Redis

from hotspot.errors import Unavailable
from parvis.schedule import Job, Outcome, Schedule

MINUTE = timedelta(minutes=1)


class _Work:
    def __init__(self) -> None:
        self.done_at: list[datetime] = []

    def __call__(self, now: datetime) -> None:
        self.done_at.append(now)


@pytest.fixture
def work() -> _Work:
    return _Work()


@pytest.fixture
def job(work: _Work) -> Job:
    return Job("sweep", MINUTE, MINUTE, work)


def test_a_job_is_done_once_in_its_slot(redis: "Redis", job: Job, work: _Work, now: datetime) -> None:
    schedule = Schedule(redis)

    outcomes = [schedule.run_if_due(job, now + timedelta(seconds=at)) for at in (0, 5, 59)]

    assert outcomes == [Outcome.DONE, Outcome.NOT_OURS, Outcome.NOT_OURS]
    assert work.done_at == [now]


def test_it_is_done_again_in_the_next_slot(redis: "Redis", job: Job, work: _Work, now: datetime) -> None:
    schedule = Schedule(redis)

    schedule.run_if_due(job, now)
    schedule.run_if_due(job, now + MINUTE)

    assert work.done_at == [now, now + MINUTE]


def test_two_workers_at_the_same_moment_do_it_once(redis: "Redis", now: datetime) -> None:
    together = threading.Barrier(2)
    done: list[datetime] = []

    def worker() -> None:
        schedule = Schedule(redis)
        for minute in range(20):
            together.wait()
            schedule.run_if_due(Job("sweep", MINUTE, MINUTE, done.append), now + minute * MINUTE)

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert done == [now + minute * MINUTE for minute in range(20)]


def test_a_job_that_another_worker_is_at_is_left_to_it(redis: "Redis", work: _Work, now: datetime) -> None:
    schedule = Schedule(redis)
    seen = []

    def long_work(at: datetime) -> None:
        seen.append(schedule.run_if_due(Job("sweep", MINUTE, MINUTE, work), at))

    schedule.run_if_due(Job("sweep", MINUTE, MINUTE, long_work), now)

    assert seen == [Outcome.NOT_OURS]
    assert work.done_at == []


def test_a_job_that_fails_is_tried_again_in_the_same_slot(redis: "Redis", job: Job, work: _Work, now: datetime) -> None:
    def fails(_now: datetime) -> None:
        raise RuntimeError("no")

    schedule = Schedule(redis)
    with pytest.raises(RuntimeError):
        schedule.run_if_due(Job("sweep", MINUTE, MINUTE, fails), now)

    assert schedule.run_if_due(job, now + timedelta(seconds=5)) is Outcome.DONE
    assert len(work.done_at) == 1


def test_what_a_dead_worker_held_is_taken_over_when_its_lease_has_run_out(
    redis: "Redis", job: Job, work: _Work, now: datetime
) -> None:
    redis.set("job:sweep:lease", "a worker that died", px=60_000)
    schedule = Schedule(redis)
    assert schedule.run_if_due(job, now) is Outcome.NOT_OURS

    redis.delete("job:sweep:lease")

    assert schedule.run_if_due(job, now) is Outcome.DONE


def test_a_lease_that_has_become_anothers_is_not_released(redis: "Redis", now: datetime) -> None:
    def outlives_its_lease(_now: datetime) -> None:
        redis.set("job:sweep:lease", "another worker")

    Schedule(redis).run_if_due(Job("sweep", MINUTE, MINUTE, outlives_its_lease), now)

    assert redis.get("job:sweep:lease") == b"another worker"


def test_nothing_is_done_when_redis_is_away(job: Job, work: _Work, now: datetime) -> None:
    away = Redis.from_url("unix:///nowhere/redis.sock")

    with pytest.raises(Unavailable, match="redis"):
        Schedule(away).run_if_due(job, now)

    assert work.done_at == []
