"""The two tables of accounting, one statement for a whole batch, on PostgreSQL and on SQLite by the same rules.

Raw SQL, because this is where the time of the RADIUS door goes: PostgreSQL takes a batch as a handful of arrays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from hotspot.db import as_array, as_text_array
from hotspot.values import TerminateCause


@dataclass(slots=True)
class SessionRow:
    """Both rows of one Wi-Fi session, as a batch leaves them."""

    key: str
    """The id, as 32 hexadecimal digits."""
    nas_id: int
    site_id: int
    grant_id: UUID | None
    """From Class: perhaps of no grant that there is."""
    acct_session_id: str
    user_name: str
    device_mac: str
    calling_station_id: str
    called_station_id: str
    framed_ip: str | None
    started_at: datetime
    ended_at: datetime | None
    terminate_cause: TerminateCause | None
    happened_at: datetime
    """The last that was reported of it."""
    upload_octets: int
    download_octets: int
    session_seconds: int
    is_wide: bool
    """The wide row is written whether or not there is one already."""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """What a batch could not simply be added to."""

    reused: frozenset[str] = frozenset()
    """Wide: the session of this key was over before this one began. The NAS has given its id again."""
    lost: frozenset[str] = frozenset()
    """Narrow: there was no counter, so the wide row must be missing too."""


REUSED_AFTER = timedelta(seconds=60)
"""A Start that comes late after its own Stop is nearer to it than that; one after a reboot of the NAS is not."""


def _grown(column: str, greatest: str) -> str:
    """A counter after two reports, in whichever order they came. It only grows: if the later one is lower, and not
    nought, it has wrapped at 2**32 unseen, since the NAS sends no Gigawords."""
    new, old = f"excluded.{column}", f"kept.{column}"

    def wrapped(later: str, earlier: str) -> str:
        return f"{later} + ({earlier} - {later} + 4294967295) / 4294967296 * 4294967296"

    return f"""CASE
        WHEN excluded.session_seconds > kept.session_seconds AND {new} > 0 AND {new} < {old} AND {new} < 4294967296
        THEN {wrapped(new, old)}
        WHEN excluded.session_seconds < kept.session_seconds AND {old} > 0 AND {old} < {new} AND {old} < 4294967296
        THEN {wrapped(old, new)}
        ELSE {greatest}({old}, {new}) END"""


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
    """A closed session stays closed. That it was silent, or live until a restart, is what we concluded: the NAS's own
    Stop replaces it."""
    is_open = """(kept.ended_at IS NULL OR kept.terminate_cause = 'silence' OR (kept.terminate_cause = 'nas_reboot'
            AND (excluded.terminate_cause <> 'nas_reboot' OR excluded.ended_at < kept.ended_at)))"""
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


def _session_values(each: str) -> str:
    """The grant: by Class where that names one that there is, else the device's latest on this NAS that was live.

    The end: the NAS's own Stop, else the reboot that it has reported since."""
    return f"""
        {each}.id, {each}.nas_id, {each}.site_id,
        COALESCE(
            (SELECT grants.id FROM grants WHERE grants.id = {each}.grant_id),
            (SELECT grants.id FROM grants
             WHERE grants.device_mac = {each}.device_mac AND grants.nas_id = {each}.nas_id
               AND grants.ends_at > {each}.started_at
               AND ({each}.ended_at IS NULL OR grants.created_at <= {each}.ended_at)
             ORDER BY grants.created_at DESC LIMIT 1)),
        {each}.acct_session_id, {each}.user_name, {each}.device_mac, {each}.calling_station_id,
        {each}.called_station_id, {each}.framed_ip, {each}.started_at,
        COALESCE({each}.ended_at,
            (SELECT nases.rebooted_at FROM nases
             WHERE nases.id = {each}.nas_id AND nases.rebooted_at > {each}.happened_at)),
        COALESCE({each}.terminate_cause,
            (SELECT 'nas_reboot' FROM nases
             WHERE nases.id = {each}.nas_id AND nases.rebooted_at > {each}.happened_at))
    """  # noqa: S608 - made of constants


_COLUMNS = """id, nas_id, site_id, grant_id, acct_session_id, user_name, device_mac, calling_station_id,
    called_station_id, framed_ip, started_at, ended_at, terminate_cause, happened_at"""

_PG_TOLD = """unnest(
    CAST(%(ids)s AS uuid[]), CAST(%(upload)s AS bigint[]), CAST(%(download)s AS bigint[]),
    CAST(%(seconds)s AS integer[])) AS told (id, upload_octets, download_octets, session_seconds)"""

_PG_NARROW = f"""
    WITH counted AS (
        {_counters(f"SELECT told.*, CAST(%(now)s AS timestamptz) FROM {_PG_TOLD}", "GREATEST")}
        RETURNING kept.id, kept.xmax = 0 AS is_new)
    SELECT id, FALSE FROM counted WHERE is_new
"""  # noqa: S608 - made of constants
"""xmax is 0 in a row that was inserted, and set in one that was updated."""

_PG_WIDE = f"""
    WITH reported AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(%(wide)s AS uuid[]), CAST(%(nases)s AS integer[]), CAST(%(sites)s AS integer[]),
            CAST(%(grants)s AS uuid[]), CAST(%(acct_session_ids)s AS text[]), CAST(%(user_names)s AS text[]),
            CAST(%(macs)s AS text[]), CAST(%(calling)s AS text[]), CAST(%(called)s AS text[]),
            CAST(%(ips)s AS text[]), CAST(%(started)s AS timestamptz[]), CAST(%(ended)s AS timestamptz[]),
            CAST(%(causes)s AS text[]), CAST(%(happened)s AS timestamptz[])) AS each ({_COLUMNS})
    ), reused AS MATERIALIZED (
        SELECT reported.id FROM reported JOIN wifi_sessions AS old ON old.id = reported.id
        WHERE old.ended_at < reported.started_at - interval '{REUSED_AFTER.seconds} seconds'
    ), counted AS (
        {
    _counters(
        f'''SELECT told.*, CAST(%(now)s AS timestamptz) FROM {_PG_TOLD}
            WHERE NOT EXISTS (SELECT FROM reused WHERE reused.id = told.id)''',
        "GREATEST",
    )
}
        RETURNING kept.id, kept.xmax = 0 AS is_new
    ), written AS (
        {
    _sessions(
        f'''SELECT {_session_values("reported")} FROM reported
            WHERE NOT EXISTS (SELECT FROM reused WHERE reused.id = reported.id)''',
        "LEAST",
    )
}
    )
    SELECT id, TRUE FROM reused
    UNION ALL (SELECT id, FALSE FROM counted WHERE is_new EXCEPT SELECT id, FALSE FROM reported)
"""  # noqa: S608 - made of constants

_PG_END_ALL = """
    WITH rebooted AS MATERIALIZED (
        SELECT nas_id, max(at) AS at FROM unnest(
            CAST(%(nases)s AS integer[]), CAST(%(moments)s AS timestamptz[])) AS each (nas_id, at) GROUP BY nas_id
    ), noted AS (
        UPDATE nases SET rebooted_at = GREATEST(nases.rebooted_at, rebooted.at)
        FROM rebooted WHERE nases.id = rebooted.nas_id
    )
    UPDATE wifi_sessions SET ended_at = rebooted.at, terminate_cause = 'nas_reboot'
    FROM rebooted
    WHERE wifi_sessions.nas_id = rebooted.nas_id AND wifi_sessions.ended_at IS NULL
      AND wifi_sessions.started_at <= rebooted.at
"""
"""One look through what is live, for all the NASes of a power cut."""

_SQLITE_KNOWN = "SELECT id FROM wifi_session_counters WHERE id IN (SELECT value FROM json_each(?))"
_SQLITE_REUSED = f"""
    SELECT old.id FROM wifi_sessions AS old JOIN json_each(?) AS told ON old.id = told.key
    WHERE julianday(old.ended_at) < julianday(told.value) - {REUSED_AFTER.seconds} / 86400.0
"""  # noqa: S608
_SQLITE_COUNTERS = _counters("VALUES (?, ?, ?, ?, ?)", "max")
_SQLITE_SESSIONS = _sessions(
    f"""SELECT {_session_values("reported")}
    FROM (SELECT {", ".join(f"? AS {name.strip()}" for name in _COLUMNS.split(","))}) AS reported WHERE TRUE""",  # noqa: S608
    "min",
)
_SQLITE_END_ALL = """
    UPDATE wifi_sessions SET ended_at = :at, terminate_cause = 'nas_reboot'
    WHERE nas_id = :nas_id AND ended_at IS NULL AND started_at <= :at
"""
_SQLITE_REBOOTED = "UPDATE nases SET rebooted_at = max(coalesce(rebooted_at, :at), :at) WHERE id = :nas_id"


def write_rows(db: Session, rows: Sequence[SessionRow], now: datetime) -> Unwritten:
    """Counters for all, the wide row where it is asked for; what of it stays to be done."""
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        return _write_postgresql(connection, rows, now)
    return _write_sqlite(connection, rows, now)


def end_all(db: Session, reboots: Sequence[tuple[int, datetime]]) -> None:
    """(NAS, moment): no session that had begun there is left. A later report of one finds the reboot noted."""
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        arrays = {
            "nases": as_array(str(nas_id) for nas_id, _ in reboots),
            "moments": as_array(at.isoformat() for _, at in reboots),
        }
        connection.exec_driver_sql(_PG_END_ALL, arrays)
        return
    told = [{"nas_id": nas_id, "at": _sqlite_moment(at)} for nas_id, at in reboots]
    connection.exec_driver_sql(_SQLITE_END_ALL, told)
    connection.exec_driver_sql(_SQLITE_REBOOTED, told)


def _write_postgresql(connection: Connection, rows: Sequence[SessionRow], now: datetime) -> Unwritten:
    wide = [row for row in rows if row.is_wide]
    values: dict[str, Any] = {
        "now": now,
        "ids": as_array(row.key for row in rows),
        "upload": as_array(str(row.upload_octets) for row in rows),
        "download": as_array(str(row.download_octets) for row in rows),
        "seconds": as_array(str(row.session_seconds) for row in rows),
    }
    if wide:
        values |= {
            "wide": as_array(row.key for row in wide),
            "nases": as_array(str(row.nas_id) for row in wide),
            "sites": as_array(str(row.site_id) for row in wide),
            "grants": as_array(row.grant_id.hex if row.grant_id else "NULL" for row in wide),
            "acct_session_ids": as_text_array(row.acct_session_id for row in wide),
            "user_names": as_text_array(row.user_name for row in wide),
            "macs": as_text_array(row.device_mac for row in wide),
            "calling": as_text_array(row.calling_station_id for row in wide),
            "called": as_text_array(row.called_station_id for row in wide),
            "ips": as_text_array(row.framed_ip for row in wide),
            "started": as_array(row.started_at.isoformat() for row in wide),
            "ended": as_array(row.ended_at.isoformat() if row.ended_at else "NULL" for row in wide),
            "causes": as_array(row.terminate_cause or "NULL" for row in wide),
            "happened": as_array(row.happened_at.isoformat() for row in wide),
        }
    told = connection.exec_driver_sql(_PG_WIDE if wide else _PG_NARROW, values).all()
    if not told:
        return Unwritten()
    return Unwritten(
        reused=frozenset(key.hex for key, is_reused in told if is_reused),
        lost=frozenset(key.hex for key, is_reused in told if not is_reused),
    )


def _write_sqlite(connection: Connection, rows: Sequence[SessionRow], now: datetime) -> Unwritten:
    """Looked up first: the write lock is ours already."""
    wide = {row.key: row for row in rows if row.is_wide}
    narrow = [row.key for row in rows if not row.is_wide]
    lost = set(narrow) - _keys(connection, _SQLITE_KNOWN, narrow)
    reused = _keys(connection, _SQLITE_REUSED, {key: _sqlite_moment(row.started_at) for key, row in wide.items()})
    at = _sqlite_moment(now)
    counted = [row for row in rows if row.key not in reused and row.key not in lost]
    if counted:
        connection.exec_driver_sql(
            _SQLITE_COUNTERS,
            [(row.key, row.upload_octets, row.download_octets, row.session_seconds, at) for row in counted],
        )
    written = [_sqlite_values(row) for row in wide.values() if row.key not in reused]
    if written:
        connection.exec_driver_sql(_SQLITE_SESSIONS, written)
    return Unwritten(frozenset(reused), frozenset(lost))


def _keys(connection: Connection, query: str, asked: Sequence[str] | dict[str, str]) -> set[str]:
    return {key for (key,) in connection.exec_driver_sql(query, (json.dumps(asked),))} if asked else set()


def _sqlite_values(row: SessionRow) -> tuple[Any, ...]:
    return (
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
        _sqlite_moment(row.happened_at),
    )


def _sqlite_moment(moment: datetime) -> str:
    """As `hotspot.db.UtcDateTime` keeps it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
