"""What the worker does each minute, and that one job that fails does not stop the others."""

import threading
from datetime import datetime, timedelta

from redis import Redis
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import UsageHour, WifiSession
from hotspot.settings import Settings
from hotspot.values import TerminateCause
from parvis.schedule import Job, Schedule
from parvis.worker import jobs_of, work_until
from tests import factories


def _job(settings: Settings, database: Database, name: str) -> Job:
    return next(job for job in jobs_of(settings, database) if job.name == name)


def test_a_silent_session_is_closed(settings: Settings, database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = factories.make_wifi_session(
            db, started_at=now - timedelta(hours=2), updated_at=now - timedelta(hours=1)
        )
        session_id = session.id

    _job(settings, database, "close_silent_sessions").work(now)

    with database.reading() as db:
        assert db.get_one(WifiSession, session_id).terminate_cause is TerminateCause.SILENCE


def test_the_first_roll_up_counts_the_whole_past(settings: Settings, database: Database, now: datetime) -> None:
    long_ago = now - timedelta(days=20)
    with database.transaction() as db:
        factories.make_wifi_session(db, started_at=long_ago)

    _job(settings, database, "roll_up_usage").work(now)

    with database.reading() as db:
        hours = db.scalars(select(UsageHour.hour_at)).all()
    assert hours == [long_ago.replace(minute=0, second=0, microsecond=0)]


def test_after_a_stop_of_the_worker_the_missed_hours_are_counted(
    settings: Settings, database: Database, now: datetime
) -> None:
    job = _job(settings, database, "roll_up_usage")
    with database.transaction() as db:
        factories.make_wifi_session(db, started_at=now)
    job.work(now)
    with database.transaction() as db:
        factories.make_wifi_session(db, started_at=now + timedelta(days=3))

    job.work(now + timedelta(days=6))

    with database.reading() as db:
        assert len(db.scalars(select(UsageHour.hour_at)).all()) == 2


def test_a_job_that_fails_does_not_keep_the_next_from_being_done(redis: "Redis", now: datetime) -> None:
    stopped = threading.Event()
    done = []

    def fails(_now: datetime) -> None:
        raise RuntimeError("no")

    def works(_now: datetime) -> None:
        done.append("second")
        stopped.set()

    minute = timedelta(minutes=1)
    jobs = [Job("first", minute, minute, fails), Job("second", minute, minute, works)]
    work_until(stopped, jobs, Schedule(redis), lambda: now)

    assert done == ["second"]
