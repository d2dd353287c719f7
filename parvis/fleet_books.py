"""The server's books beside the truth of the virtual phones: every session, to the octet. Changes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import Nas, WifiSession, WifiSessionCounter
from hotspot.values import TerminateCause
from simulator.fleet.truth import Told, TrueSession, Truth

_BEFORE = 5
"""Seconds by which a session may be said to have begun before the run: whole seconds are told."""
_STOP = 2
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Booked:
    """One session as it stands in the tables."""

    grant_id: UUID | None
    started_at: float
    ended_at: float | None
    cause: TerminateCause | None
    seconds: int
    download_octets: int
    upload_octets: int


def compare_books(db: Session, truth: Truth) -> Counter[str]:
    """How many sessions were compared, and how many errors of each kind there are."""
    counts: Counter[str] = Counter({"sessions compared": len(truth.sessions)})
    booked = _read_books(db, truth)
    for session in truth.sessions:
        counts.update(_errors(session, booked.pop(_key(session), []), truth.interim_interval))
    counts["error: a session that never was"] = sum(map(len, booked.values()))
    return +counts


def _key(session: TrueSession) -> Key:
    return session.nas_identifier, session.acct_session_id, session.mac, session.user_name


def _read_books(db: Session, truth: Truth) -> dict[Key, list[Booked]]:
    counter = WifiSessionCounter
    rows = db.execute(
        select(Nas.nas_identifier, WifiSession, counter)
        .join(Nas, Nas.id == WifiSession.nas_id)
        .outerjoin(counter, counter.id == WifiSession.id)
        .where(
            Nas.nas_identifier.in_({each.nas_identifier for each in truth.sessions}),
            WifiSession.started_at > datetime.fromtimestamp(truth.began_at - _BEFORE, UTC),
        )
    )
    books: dict[Key, list[Booked]] = {}
    for nas_identifier, session, counted in rows:
        key = (nas_identifier, session.acct_session_id, session.device_mac.lower(), session.user_name)
        books.setdefault(key, []).append(
            Booked(
                session.grant_id,
                session.started_at.timestamp(),
                session.ended_at.timestamp() if session.ended_at else None,
                session.terminate_cause,
                counted.session_seconds if counted else 0,
                counted.download_octets if counted else 0,
                counted.upload_octets if counted else 0,
            )
        )
    return books


def _errors(session: TrueSession, booked: list[Booked], tolerance: int) -> Iterable[str]:
    if not any(each.answered for each in session.told):
        yield "sessions of which the server has answered nothing"
        return
    if len(booked) != 1:
        yield "error: a session that is not there" if not booked else "error: a session that is there twice"
        return
    [row] = booked
    if not any(_says(row, each) for each in session.acceptable):
        yield "error: other counters than were told"
    if row.grant_id is None or row.grant_id.hex not in session.class_hex:
        yield "error: of another grant"
    if abs(row.started_at - session.started_at) > tolerance:
        yield "error: another beginning"
    yield from _errors_of_end(session, row, tolerance)


def _errors_of_end(session: TrueSession, row: Booked, tolerance: int) -> Iterable[str]:
    last = session.told[-1]
    if last.status != _STOP or not last.answered:
        if session.ended_at is not None and row.ended_at is None:
            yield "sessions still open, whose Stop was not answered"
    elif row.ended_at is None:
        yield "error: still open after its Stop"
    elif row.cause is None or row.cause.value != session.cause.lower().replace("-", "_"):
        yield f"error: ended as {row.cause}, not as {session.cause}"
    elif session.ended_at is not None and abs(row.ended_at - session.ended_at) > tolerance:
        yield "error: another end"


def _says(row: Booked, told: Told) -> bool:
    return (row.seconds, row.download_octets, row.upload_octets) == (
        told.seconds,
        told.download_octets,
        told.upload_octets,
    )
