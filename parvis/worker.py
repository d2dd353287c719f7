"""The worker process: roll-ups, stale sessions and alarms each minute, forgetting each night; mails and text messages
as they come; and its status page."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram

from hotspot.adapters.known_devices import KnownDevices
from hotspot.adapters.library_systems.libraries import answers
from hotspot.adapters.redis import open_redis
from hotspot.clock import clock_of
from hotspot.db import Database, open_database
from hotspot.errors import Unavailable
from hotspot.health import StatusServer, check_health
from hotspot.sealing import Vault
from hotspot.services.accounting import close_silent
from hotspot.services.announcing import count_views
from hotspot.services.enforcing import enforce
from hotspot.services.mac_authentication import visits_ended_early
from hotspot.services.nas_alarms import watch_nases
from hotspot.services.passes import lengthen_late_starts
from hotspot.services.readers import connections_away, note_answering
from hotspot.services.retention import forget
from hotspot.services.usage import roll_up, rolled_up_until
from hotspot.settings import Settings
from parvis.postman import carry_until
from parvis.schedule import Job, Outcome, Schedule

log = structlog.get_logger()

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
LIBRARY_PATIENCE = timedelta(seconds=5)
"""For one library system that is asked whether it is there."""
LOOK_EVERY = 5.0
"""Seconds between two looks at what is due."""

_runs = Counter("parvis_job_runs", "Scheduled jobs done by this worker", ["job", "outcome"])
_seconds = Histogram("parvis_job_seconds", "How long they took", ["job"], buckets=(0.01, 0.1, 0.5, 1, 2, 5, 10, 60))
_last_done = Gauge("parvis_job_last_done_timestamp_seconds", "When this worker last did the job", ["job"])
_silent_nases = Gauge("parvis_nases_silent", "NASes that have been silent for longer than is usual for them")


def jobs_of(settings: Settings, database: Database) -> list[Job]:
    """What there is to do, and how often."""

    def close_silent_sessions(now: datetime) -> None:
        with database.transaction() as db:
            close_silent(db, now, settings.stale_after)

    def end_what_is_used_up(now: datetime) -> None:
        with database.transaction() as db:
            asked = enforce(db, now, settings)
            lengthen_late_starts(db, now)
        if asked:
            log.info("sessions_to_end", asked=asked)

    def count_announcements(now: datetime) -> None:
        with database.transaction() as db:
            count_views(db, now)

    def roll_up_usage(now: datetime) -> None:
        with database.transaction() as db:
            counted = rolled_up_until(db)
            # sessions that began so long ago may still have grown; after a stop of the worker, all since its last hour
            since = _EVER if counted is None else min(counted, now) - settings.longest_session - settings.stale_after
            roll_up(db, since, now)

    def watch(now: datetime) -> None:
        with database.transaction() as db:
            _silent_nases.set(watch_nases(db, settings, now))

    known = KnownDevices(open_redis(settings))

    def forget_visits_ended_early(now: datetime) -> None:
        with database.reading() as db:
            ended = visits_ended_early(db, now - timedelta(hours=1))
        known.forget(ended)

    def forget_what_is_over(now: datetime) -> None:
        with database.transaction() as db:
            erased = forget(db, now, settings.connection_data_life)
        if erased:
            log.info("forgotten", **erased)

    minute = timedelta(minutes=1)
    return [
        Job("close_silent_sessions", minute, timedelta(minutes=5), close_silent_sessions),
        # more often than anybody reports: the report that shows it must have been followed by the Stop, or not
        Job("end_what_is_used_up", timedelta(seconds=20), timedelta(minutes=5), end_what_is_used_up),
        Job("forget_visits_ended_early", minute, timedelta(minutes=5), forget_visits_ended_early),
        Job("count_announcements", minute, timedelta(minutes=5), count_announcements),
        Job("roll_up_usage", minute, timedelta(minutes=5), roll_up_usage),
        Job("watch_nases", minute, timedelta(minutes=5), watch),
        Job("look_for_libraries", minute, timedelta(minutes=5), lambda _now: look_for_libraries(database, settings)),
        Job("forget_what_is_over", timedelta(days=1), timedelta(hours=1), forget_what_is_over),
    ]


def look_for_libraries(database: Database, settings: Settings) -> None:
    """Those that were away: staff are not to be told so until the next reader happens to come."""
    vault = Vault(settings.secret_key.get_secret_value())
    with database.reading() as db:
        away = connections_away(db, vault)
    for connection in away:
        if answers(connection, LIBRARY_PATIENCE):
            with database.transaction() as db:
                note_answering(db, connection)


def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; a job under way is finished first."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    database, redis, clock = open_database(settings), open_redis(settings), clock_of(settings)
    status = StatusServer(settings.listen_host, settings.worker_status_port, lambda: check_health(database, redis))
    status.start()
    postman = threading.Thread(target=carry_until, args=(stopped, database, settings, clock), name="postman")
    postman.start()
    log.info("worker_started")
    try:
        work_until(stopped, jobs_of(settings, database), Schedule(redis), clock, LOOK_EVERY / settings.time_speed)
    finally:
        stopped.set()
        postman.join()
        status.stop()
        database.dispose()


def work_until(
    stopped: threading.Event,
    jobs: Sequence[Job],
    schedule: Schedule,
    clock: Callable[[], datetime],
    look_every: float = LOOK_EVERY,
) -> None:
    while not stopped.is_set():
        for job in jobs:
            if not stopped.is_set():
                _try(job, schedule, clock())
        stopped.wait(look_every)


def _try(job: Job, schedule: Schedule, now: datetime) -> None:
    """One job that fails must not keep the others from being done: it is logged, counted and tried again."""
    began = time.perf_counter()
    try:
        outcome = schedule.run_if_due(job, now)
    except Unavailable as error:
        log.warning("job_put_off", job=job.name, unavailable=error.dependency)
        _runs.labels(job.name, "put_off").inc()
    except Exception:
        log.exception("job_failed", job=job.name)
        _runs.labels(job.name, "failed").inc()
    else:
        if outcome is Outcome.DONE:
            _runs.labels(job.name, "done").inc()
            _seconds.labels(job.name).observe(time.perf_counter() - began)
            _last_done.labels(job.name).set_to_current_time()
