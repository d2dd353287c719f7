"""What the RADIUS processes learn of each NAS, written down: one statement for each table, however many were heard.

Raw SQL, as in accounting_rows: ten thousand NASes must cost one round trip. Several processes write; times only grow,
counts are added up, and all lock in the order of the ids.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hotspot.db import as_array, sqlite_moment
from hotspot.models import Nas, RadiusListener

SHORTEST_SILENCE = timedelta(minutes=30)
"""What is shorter says nothing about how long a NAS is usually silent."""
LISTENS_WITHIN = timedelta(minutes=1)
"""A RADIUS process says every ten seconds that it is there."""
_GONE_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Heard:
    """What some seconds taught about one NAS. A moment is None where there was no such packet."""

    first_at: datetime | None = None
    """The first authentic packet of these seconds, and the last."""
    last_at: datetime | None = None
    address: str | None = None
    auth_at: datetime | None = None
    accounting_at: datetime | None = None
    interim_at: datetime | None = None
    wrong_secret_at: datetime | None = None
    clock_offset_seconds: int | None = None
    requests: int = 0
    repeats: int = 0


class DiscardKey(NamedTuple):
    nas_id: int
    hour_at: datetime
    reason: str


def note_message_authenticator(db: Session, nas_ids: Iterable[int]) -> None:
    """From now on AUTO requires it of them."""
    db.execute(
        update(Nas)
        .where(Nas.id.in_(list(nas_ids)), Nas.message_authenticator_seen.is_(False))
        .values(message_authenticator_seen=True, revision=Nas.revision + 1)
    )


def note_listener(db: Session, name: str, started_at: datetime, now: datetime) -> None:
    """This RADIUS process is there. Those that have not said so for an hour are forgotten."""
    listener = db.get(RadiusListener, name)
    if listener is None:
        db.execute(delete(RadiusListener).where(RadiusListener.seen_at < now - _GONE_AFTER))
        db.add(RadiusListener(name=name, started_at=started_at, seen_at=now))
    else:
        listener.started_at, listener.seen_at = started_at, now


def listening_since(db: Session, now: datetime) -> datetime | None:
    """Since when a RADIUS process has been there without a break; None if there is none."""
    return db.scalar(select(func.min(RadiusListener.started_at)).where(RadiusListener.seen_at > now - LISTENS_WITHIN))


def note_heard(db: Session, heard: Mapping[int, Heard], now: datetime) -> None:
    """A NAS that was deleted meanwhile is passed over."""
    spoke = sorted((nas_id, each) for nas_id, each in heard.items() if each.last_at is not None)
    if spoke:
        _write_silences(db, spoke, listening_since(db, now) or now)
        _write_last(db, spoke)
    if heard:
        _write_states(db, sorted(heard.items()), now)


def note_discards(db: Session, discards: Mapping[DiscardKey, int]) -> None:
    if not discards:
        return
    rows = sorted(discards.items())
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            _PG_DISCARDS,
            {
                "ids": as_array(str(key.nas_id) for key, _ in rows),
                "hours": as_array(key.hour_at.isoformat() for key, _ in rows),
                "reasons": as_array(key.reason for key, _ in rows),
                "numbers": as_array(str(number) for _, number in rows),
            },
        )
        return
    connection.exec_driver_sql(
        _SQLITE_DISCARDS,
        [(key.nas_id, sqlite_moment(key.hour_at), key.reason, number, key.nas_id) for key, number in rows],
    )


_DISCARDS = """
    INSERT INTO nas_discards AS kept (nas_id, hour_at, reason, number)
    {values}
    ON CONFLICT (nas_id, hour_at, reason) DO UPDATE SET number = kept.number + excluded.number
"""
_PG_DISCARDS = _DISCARDS.format(
    values="""
    SELECT each.* FROM unnest(
        CAST(%(ids)s AS integer[]), CAST(%(hours)s AS timestamptz[]), CAST(%(reasons)s AS text[]),
        CAST(%(numbers)s AS integer[])) AS each (nas_id, hour_at, reason, number)
    JOIN nases ON nases.id = each.nas_id ORDER BY each.nas_id, each.hour_at, each.reason"""
)
_SQLITE_DISCARDS = _DISCARDS.format(values="SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM nases WHERE id = ?)")

_PG_SILENCES = """
    INSERT INTO nas_silences (nas_id, began_at, ended_at)
    SELECT nases.id, GREATEST(nases.last_packet_at, %(since)s), each.first_at
    FROM unnest(CAST(%(ids)s AS integer[]), CAST(%(firsts)s AS timestamptz[])) AS each (nas_id, first_at)
    JOIN nases ON nases.id = each.nas_id
    WHERE nases.last_packet_at IS NOT NULL
        AND each.first_at - GREATEST(nases.last_packet_at, %(since)s) >= make_interval(secs => %(shortest)s)
    ON CONFLICT DO NOTHING
"""
_SQLITE_SILENCES = """
    INSERT INTO nas_silences (nas_id, began_at, ended_at)
    SELECT nases.id, max(nases.last_packet_at, :since), json_extract(each.value, '$[1]')
    FROM json_each(:firsts) AS each JOIN nases ON nases.id = json_extract(each.value, '$[0]')
    WHERE nases.last_packet_at IS NOT NULL
        AND CAST(strftime('%s', json_extract(each.value, '$[1]')) AS integer)
        - CAST(strftime('%s', max(nases.last_packet_at, :since)) AS integer) >= :shortest
    ON CONFLICT DO NOTHING
"""


def _write_silences(db: Session, spoke: Sequence[tuple[int, Heard]], since: datetime) -> None:
    """Before `_write_last`: a silence lasts from the last packet that is written down to the first of these seconds.
    While nobody listened, before `since`, nothing is known of it."""
    connection = db.connection()
    shortest = int(SHORTEST_SILENCE.total_seconds())
    firsts = [(nas_id, each.first_at) for nas_id, each in spoke if each.first_at is not None]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            _PG_SILENCES,
            {
                "ids": as_array(str(nas_id) for nas_id, _ in firsts),
                "firsts": as_array(at.isoformat() for _, at in firsts),
                "since": since,
                "shortest": shortest,
            },
        )
        return
    rows = json.dumps([(nas_id, sqlite_moment(at)) for nas_id, at in firsts])
    connection.exec_driver_sql(_SQLITE_SILENCES, {"firsts": rows, "since": sqlite_moment(since), "shortest": shortest})


_PG_LAST = """
    WITH each AS (
        SELECT nases.id, heard.last_at, heard.address
        FROM unnest(CAST(%(ids)s AS integer[]), CAST(%(lasts)s AS timestamptz[]), CAST(%(addresses)s AS text[]))
            AS heard (nas_id, last_at, address)
        JOIN nases ON nases.id = heard.nas_id ORDER BY nases.id FOR NO KEY UPDATE OF nases)
    UPDATE nases SET last_packet_at = each.last_at, last_address = COALESCE(each.address, nases.last_address)
    FROM each
    WHERE nases.id = each.id AND (nases.last_packet_at IS NULL OR nases.last_packet_at < each.last_at)
"""
_SQLITE_LAST = """
    UPDATE nases SET last_packet_at = ?, last_address = COALESCE(?, last_address)
    WHERE id = ? AND (last_packet_at IS NULL OR last_packet_at < ?)
"""


def _write_last(db: Session, spoke: Sequence[tuple[int, Heard]]) -> None:
    connection = db.connection()
    lasts = [(nas_id, each.last_at, each.address) for nas_id, each in spoke if each.last_at is not None]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            _PG_LAST,
            {
                "ids": as_array(str(nas_id) for nas_id, _, _ in lasts),
                "lasts": as_array(at.isoformat() for _, at, _ in lasts),
                "addresses": [address for _, _, address in lasts],
            },
        )
        return
    rows = [(sqlite_moment(at), address, nas_id, sqlite_moment(at)) for nas_id, at, address in lasts]
    connection.exec_driver_sql(_SQLITE_LAST, rows)


_MOMENTS = ("last_auth_at", "last_accounting_at", "last_interim_at", "wrong_secret_at")


def _states(values: str, greatest: str) -> str:
    """The later moment; the newer offset; counts begin anew each day."""
    later = ", ".join(
        f"{name} = COALESCE({greatest}(kept.{name}, excluded.{name}), kept.{name}, excluded.{name})"
        for name in _MOMENTS
    )
    counts = ", ".join(
        f"{name} = excluded.{name} + CASE WHEN kept.counted_on = excluded.counted_on THEN kept.{name} ELSE 0 END"
        for name in ("requests", "repeats")
    )
    return f"""
    INSERT INTO nas_states AS kept (
        nas_id, {", ".join(_MOMENTS)}, clock_offset_seconds, counted_on, requests, repeats)
    {values}
    ON CONFLICT (nas_id) DO UPDATE SET {later},
        clock_offset_seconds = COALESCE(excluded.clock_offset_seconds, kept.clock_offset_seconds),
        {counts}, counted_on = excluded.counted_on
    """


_PG_STATES = _states(
    """
    SELECT each.nas_id, each.auth_at, each.accounting_at, each.interim_at, each.wrong_at, each.clock_offset,
        CAST(%(day)s AS date), each.requests, each.repeats
    FROM unnest(
        CAST(%(ids)s AS integer[]), CAST(%(auths)s AS timestamptz[]), CAST(%(accountings)s AS timestamptz[]),
        CAST(%(interims)s AS timestamptz[]), CAST(%(wrongs)s AS timestamptz[]), CAST(%(offsets)s AS integer[]),
        CAST(%(requests)s AS integer[]), CAST(%(repeats)s AS integer[]))
        AS each (nas_id, auth_at, accounting_at, interim_at, wrong_at, clock_offset, requests, repeats)
    JOIN nases ON nases.id = each.nas_id ORDER BY each.nas_id""",
    "GREATEST",
)
_SQLITE_STATES = _states("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM nases WHERE id = ?)", "max")


def _write_states(db: Session, heard: Sequence[tuple[int, Heard]], now: datetime) -> None:
    connection = db.connection()
    day = now.astimezone(UTC).date()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            _PG_STATES,
            {
                "day": day,
                "ids": as_array(str(nas_id) for nas_id, _ in heard),
                "auths": as_array(_or_null(each.auth_at) for _, each in heard),
                "accountings": as_array(_or_null(each.accounting_at) for _, each in heard),
                "interims": as_array(_or_null(each.interim_at) for _, each in heard),
                "wrongs": as_array(_or_null(each.wrong_secret_at) for _, each in heard),
                "offsets": as_array(
                    "NULL" if each.clock_offset_seconds is None else str(each.clock_offset_seconds) for _, each in heard
                ),
                "requests": as_array(str(each.requests) for _, each in heard),
                "repeats": as_array(str(each.repeats) for _, each in heard),
            },
        )
        return
    connection.exec_driver_sql(
        _SQLITE_STATES,
        [
            (
                nas_id,
                *(
                    None if at is None else sqlite_moment(at)
                    for at in (each.auth_at, each.accounting_at, each.interim_at, each.wrong_secret_at)
                ),
                each.clock_offset_seconds,
                day.isoformat(),
                each.requests,
                each.repeats,
                nas_id,
            )
            for nas_id, each in heard
        ],
    )


def _or_null(at: datetime | None) -> str:
    return "NULL" if at is None else at.isoformat()
