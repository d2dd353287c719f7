"""What the worker does each minute, and that one job that fails does not stop the others."""

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path

from redis import Redis
from sqlalchemy import select

from hotspot.adapters.known_devices import KnownDevices
from hotspot.db import Database
from hotspot.models import LibrarySystem, UsageHour, WifiSession
from hotspot.policy.allowances import Usage
from hotspot.services.allowances import terms_of
from hotspot.settings import Settings
from hotspot.values import RefusalReason, TerminateCause
from parvis.schedule import Job, Schedule
from parvis.worker import jobs_of, work_until
from simulator.library import LibraryServer
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


def test_a_visit_that_staff_ended_is_known_no_longer_in_an_outage(
    settings: Settings, any_database: Database, redis: "Redis", now: datetime
) -> None:
    known = KnownDevices(redis)
    with any_database.transaction() as db:
        offer = factories.make_offer(db)
        site_id = offer.sites[0].id
        for mac in ("020000000001", "020000000002"):
            grant = factories.make_grant(db, offer=offer, device_mac=mac)
            known.remember(site_id, mac, terms_of(grant, settings, now), Usage(), now)
        grant.ends_at, grant.ends_because = now + timedelta(seconds=1), RefusalReason.CARD_BLOCKED

    _job(settings, any_database, "forget_visits_ended_early").work(now)

    assert known.find(site_id, "020000000001") is not None
    assert known.find(site_id, "020000000002") is None


def test_a_library_that_is_back_is_noticed_though_no_reader_comes(
    settings: Settings, database: Database, now: datetime, tmp_path: Path
) -> None:
    file = tmp_path / "library.json"
    file.write_text(json.dumps({"user": "parvis", "password": "hush", "readers": []}))
    with LibraryServer(file, port=0) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with database.transaction() as db:
            away = {"away_since": now - timedelta(hours=1), "away_because": "no answer in time"}
            factories.make_library_system(db, **away)  # looked at first: without a host it can only be skipped
            ids = [
                factories.make_library_system(
                    db,
                    settings_sealed=factories.VAULT.seal(
                        json.dumps({"host": "127.0.0.1", "port": port, "user": "parvis", "password": "hush"})
                    ),
                    **away,
                ).id
                for port in (server.server_address[1], 1)
            ]

        _job(settings, database, "look_for_libraries").work(now)
        server.shutdown()

    with database.reading() as db:
        back, gone = (db.get_one(LibrarySystem, system_id) for system_id in ids)
    assert (back.away_since, back.away_because) == (None, "")
    assert gone.away_since == away["away_since"]
