"""The two tables of accounting, a statement each for a whole batch, on PostgreSQL and on SQLite by the same rules.

Raw SQL, because this is where the time of the RADIUS door goes: PostgreSQL takes a batch as a handful of arrays.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from hotspot.db import as_array
from hotspot.values import TerminateCause


@dataclass(slots=True)
class SessionRow:
    """Both rows of one Wi-Fi session, as a batch leaves them."""

    key: str
    """The id, as 32 hexadecimal digits."""
    nas_id: int
    site_id: int
    grant_id: UUID | None
    acct_session_id: str
    user_name: str
    device_mac: str
    calling_station_id: str
    called_station_id: str
    framed_ip: str | None
    started_at: datetime
    ended_at: datetime | None
    terminate_cause: TerminateCause | None
    upload_octets: int
    download_octets: int
    session_seconds: int
    is_wide: bool
    """The wide row is written whether or not there is one already."""


def _grown(column: str, greatest: str) -> str:
    """`hotspot.services.accounting.grown` in SQL: integer division is the same in both."""
    return f"""CASE
        WHEN excluded.session_seconds > kept.session_seconds
         AND excluded.{column} > 0 AND excluded.{column} < kept.{column} AND excluded.{column} < 4294967296
        THEN kept.{column} / 4294967296 * 4294967296 + excluded.{column} + CASE
            WHEN kept.{column} / 4294967296 * 4294967296 + excluded.{column} < kept.{column} THEN 4294967296
            ELSE 0 END
        ELSE {greatest}(kept.{column}, excluded.{column}) END"""


def _counters(values: str, greatest: str) -> str:
    return f"""
    INSERT INTO wifi_session_counters AS kept (id, upload_octets, download_octets, session_seconds, updated_at)
    {values}
    ON CONFLICT (id) DO UPDATE SET
        upload_octets = {_grown("upload_octets", greatest)},
        download_octets = {_grown("download_octets", greatest)},
        session_seconds = {greatest}(kept.session_seconds, excluded.session_seconds),
        updated_at = {greatest}(kept.updated_at, excluded.updated_at)
    """


def _sessions(values: str, least: str) -> str:
    """A closed session stays closed. Silence was our guess: the NAS's own Stop replaces it."""
    is_open = "(kept.ended_at IS NULL OR kept.terminate_cause = 'silence')"
    return f"""
    INSERT INTO wifi_sessions AS kept (
        id, nas_id, site_id, grant_id, acct_session_id, user_name, device_mac, calling_station_id,
        called_station_id, framed_ip, started_at, ended_at, terminate_cause)
    {values}
    ON CONFLICT (id) DO UPDATE SET
        started_at = {least}(kept.started_at, excluded.started_at),
        grant_id = COALESCE(kept.grant_id, excluded.grant_id),
        framed_ip = COALESCE(excluded.framed_ip, kept.framed_ip),
        ended_at = CASE WHEN {is_open} THEN COALESCE(excluded.ended_at, kept.ended_at) ELSE kept.ended_at END,
        terminate_cause = CASE WHEN {is_open} THEN COALESCE(excluded.terminate_cause, kept.terminate_cause)
            ELSE kept.terminate_cause END
    """


_PG_UPSERT_COUNTERS = _counters(
    """SELECT each.*, CAST(%(now)s AS timestamptz) FROM unnest(
        CAST(%(ids)s AS uuid[]), CAST(%(upload)s AS bigint[]), CAST(%(download)s AS bigint[]),
        CAST(%(seconds)s AS integer[])) AS each""",
    "GREATEST",
)
_PG_COUNTERS = f"""
    WITH heard AS ({_PG_UPSERT_COUNTERS} RETURNING kept.id, kept.xmax = 0 AS is_new)
    SELECT id FROM heard WHERE is_new
"""  # noqa: S608 - made of constants
"""xmax is 0 in a row that was inserted, and set in one that was updated."""

_PG_SESSIONS = _sessions(
    """SELECT * FROM unnest(
        CAST(%(ids)s AS uuid[]), CAST(%(nases)s AS integer[]), CAST(%(sites)s AS integer[]),
        CAST(%(grants)s AS uuid[]), CAST(%(acct_session_ids)s AS text[]), CAST(%(user_names)s AS text[]),
        CAST(%(macs)s AS text[]), CAST(%(calling)s AS text[]), CAST(%(called)s AS text[]), CAST(%(ips)s AS text[]),
        CAST(%(started)s AS timestamptz[]), CAST(%(ended)s AS timestamptz[]), CAST(%(causes)s AS text[]))""",
    "LEAST",
)

_PG_GRANTS = "SELECT id FROM grants WHERE id = ANY(CAST(%(ids)s AS uuid[]))"
_SQLITE_GRANTS = "SELECT id FROM grants WHERE id IN (SELECT value FROM json_each(?))"
_SQLITE_KNOWN = "SELECT id FROM wifi_session_counters WHERE id IN (SELECT value FROM json_each(?))"
_SQLITE_COUNTERS = _counters("VALUES (?, ?, ?, ?, ?)", "max")
_SQLITE_SESSIONS = _sessions("VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "min")


def write_counters(db: Session, rows: Sequence[SessionRow], now: datetime) -> set[str]:
    """The keys of those that had no counter yet."""
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        new = connection.exec_driver_sql(
            _PG_COUNTERS,
            {
                "now": now,
                "ids": as_array(row.key for row in rows),
                "upload": as_array(str(row.upload_octets) for row in rows),
                "download": as_array(str(row.download_octets) for row in rows),
                "seconds": as_array(str(row.session_seconds) for row in rows),
            },
        )
        return {key.hex for (key,) in new}
    keys = json.dumps([row.key for row in rows])
    known = {key for (key,) in connection.exec_driver_sql(_SQLITE_KNOWN, (keys,))}  # the write lock is ours already
    at = _sqlite_moment(now)
    connection.exec_driver_sql(
        _SQLITE_COUNTERS,
        [(row.key, row.upload_octets, row.download_octets, row.session_seconds, at) for row in rows],
    )
    return {row.key for row in rows if row.key not in known}


def write_sessions(db: Session, rows: Sequence[SessionRow]) -> None:
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            _PG_SESSIONS,
            {
                "ids": as_array(row.key for row in rows),
                "nases": as_array(str(row.nas_id) for row in rows),
                "sites": as_array(str(row.site_id) for row in rows),
                "grants": as_array(row.grant_id.hex if row.grant_id else "NULL" for row in rows),
                "acct_session_ids": [row.acct_session_id for row in rows],
                "user_names": [row.user_name for row in rows],
                "macs": [row.device_mac for row in rows],
                "calling": [row.calling_station_id for row in rows],
                "called": [row.called_station_id for row in rows],
                "ips": [row.framed_ip for row in rows],
                "started": as_array(row.started_at.isoformat() for row in rows),
                "ended": as_array(row.ended_at.isoformat() if row.ended_at else "NULL" for row in rows),
                "causes": as_array(row.terminate_cause or "NULL" for row in rows),
            },
        )
        return
    connection.exec_driver_sql(
        _SQLITE_SESSIONS,
        [
            (
                row.key,
                row.nas_id,
                row.site_id,
                row.grant_id.hex if row.grant_id else None,
                row.acct_session_id,
                row.user_name,
                row.device_mac,
                row.calling_station_id,
                row.called_station_id,
                row.framed_ip,
                _sqlite_moment(row.started_at),
                None if row.ended_at is None else _sqlite_moment(row.ended_at),
                row.terminate_cause,
            )
            for row in rows
        ],
    )


def grants_that_exist(db: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Of the ids that came back in Class, those of a grant that there is."""
    connection = db.connection()
    named = [each.hex for each in ids]
    if connection.dialect.name == "postgresql":
        return {key for (key,) in connection.exec_driver_sql(_PG_GRANTS, {"ids": as_array(named)})}
    return {UUID(key) for (key,) in connection.exec_driver_sql(_SQLITE_GRANTS, (json.dumps(named),))}


def _sqlite_moment(moment: datetime) -> str:
    """As `hotspot.db.UtcDateTime` keeps it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
