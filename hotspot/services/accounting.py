"""A batch of accounting records -> WifiSessions. Repeats and late packets do no harm; counters only grow."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from hotspot.models import Grant, WifiSession, WifiSessionCounter
from hotspot.services.accounting_rows import SessionRow, grants_that_exist, write_counters, write_sessions
from hotspot.values import MacAddress, TerminateCause

_WRAP = 2**32
_MOST_OCTETS = 2**62
_MOST_SECONDS = 2**31 - 1
_LONGEST_OUTAGE = timedelta(days=2)
"""A session that began earlier than this and was closed as silent stays closed, whatever comes."""


class AccountingKind(StrEnum):
    """Acct-Status-Type (RFC 2866 section 5.1)."""

    START = "start"
    INTERIM = "interim"
    STOP = "stop"
    ON = "on"
    OFF = "off"


ENDS_ALL = (AccountingKind.ON, AccountingKind.OFF)


class AccountingRecord(NamedTuple):
    """An authentic Accounting-Request, in the core's words: upload and download are the citizen's.

    A named tuple, since one is made for every packet: a frozen dataclass of this size takes three times as long.
    """

    kind: AccountingKind
    nas_id: int
    happened_at: datetime
    """Arrival less Acct-Delay-Time, or Event-Timestamp where that can be trusted (UTC)."""
    site_id: int = 0
    """Where the access point stands. Not needed for On and Off."""
    acct_session_id: str = ""
    user_name: str = ""
    calling_station_id: str = ""
    called_station_id: str = ""
    device_mac: MacAddress | None = None
    framed_ip: str | None = None
    grant_id: UUID | None = None
    """From Class; None if it held nothing that could be a grant of ours."""
    upload_octets: int = 0
    download_octets: int = 0
    session_seconds: int = 0
    terminate_cause: TerminateCause | None = None


def session_key(record: AccountingRecord) -> UUID:
    """The Wi-Fi session that a record is about.

    Acct-Session-Id alone is not unique: NASes begin anew after a restart. Each login has a name of its own.
    """
    return UUID(bytes=_digest(record))


def record(db: Session, records: Sequence[AccountingRecord], now: datetime) -> None:
    """Write the batch: one statement for each table, unless an On or Off divides it."""
    for ends_all, group in groupby(records, key=lambda each: each.kind in ENDS_ALL):
        if ends_all:
            _end_all(db, group)
        else:
            _write(db, group, now)


def close_silent(db: Session, now: datetime, stale_after: timedelta) -> int:
    """End live Wi-Fi sessions without news for so long, as of the last news; how many.

    Silence is our guess, so one that was closed for it and has spoken since is live again first.
    """
    heard_at = select(WifiSessionCounter.updated_at).where(WifiSessionCounter.id == WifiSession.id).scalar_subquery()
    last_news = func.coalesce(heard_at, WifiSession.started_at)
    db.execute(
        update(WifiSession)
        .where(
            WifiSession.terminate_cause == TerminateCause.SILENCE,
            WifiSession.started_at > now - _LONGEST_OUTAGE,
            heard_at > WifiSession.ended_at,
            heard_at >= now - stale_after,
        )
        .values(ended_at=None, terminate_cause=None)
        .execution_options(synchronize_session=False)
    )
    closed = db.execute(
        update(WifiSession)
        .where(WifiSession.ended_at.is_(None), last_news < now - stale_after)
        .values(
            ended_at=case((last_news > WifiSession.started_at, last_news), else_=WifiSession.started_at),
            terminate_cause=TerminateCause.SILENCE,
        )
        .execution_options(synchronize_session=False)
    )
    return int(closed.rowcount)  # type: ignore[attr-defined]


def _end_all(db: Session, records: Iterable[AccountingRecord]) -> None:
    """After Accounting-On and -Off no session of that NAS is left (RFC 2866 section 5.1)."""
    for each in records:
        db.execute(
            update(WifiSession)
            .where(
                WifiSession.nas_id == each.nas_id,
                WifiSession.ended_at.is_(None),
                WifiSession.started_at <= each.happened_at,
            )
            .values(ended_at=each.happened_at, terminate_cause=TerminateCause.NAS_REBOOT)
            .execution_options(synchronize_session=False)
        )


def _write(db: Session, records: Iterable[AccountingRecord], now: datetime) -> None:
    """Counters for all. The wide row at Start and Stop; and at an Interim whose Start never came, which shows in that
    its counter is new."""
    folded: dict[str, SessionRow] = {}
    for each in records:
        key = _digest(each).hex()
        known = folded.get(key)
        if known is None:
            folded[key] = _row(key, each)
        else:
            _fold(known, _row(key, each))
    rows = [folded[key] for key in sorted(folded)]  # two processes must lock in the same order
    fresh = write_counters(db, rows, now)
    wide = [row for row in rows if row.is_wide or row.key in fresh]
    if wide:
        _find_grants(db, wide)
        write_sessions(db, wide)


def _digest(record: AccountingRecord) -> bytes:
    device = record.device_mac or record.calling_station_id
    named = f"{record.nas_id}\0{record.acct_session_id}\0{device}\0{record.user_name}"
    return blake2b(named.encode(), digest_size=16).digest()


def _row(key: str, record: AccountingRecord) -> SessionRow:
    stops = record.kind is AccountingKind.STOP
    seconds = min(record.session_seconds, _MOST_SECONDS)
    return SessionRow(
        key=key,
        nas_id=record.nas_id,
        site_id=record.site_id,
        grant_id=record.grant_id,
        acct_session_id=record.acct_session_id,
        user_name=record.user_name,
        device_mac=record.device_mac or "",
        calling_station_id=record.calling_station_id,
        called_station_id=record.called_station_id,
        framed_ip=record.framed_ip,
        started_at=record.happened_at - timedelta(seconds=seconds),
        ended_at=record.happened_at if stops else None,
        terminate_cause=(record.terminate_cause or TerminateCause.OTHER) if stops else None,
        upload_octets=min(record.upload_octets, _MOST_OCTETS),
        download_octets=min(record.download_octets, _MOST_OCTETS),
        session_seconds=seconds,
        is_wide=record.kind is not AccountingKind.INTERIM,
    )


def _fold(kept: SessionRow, new: SessionRow) -> None:
    """Two rows of one session in a batch become one, by the rules that the tables follow."""
    is_newer = new.session_seconds > kept.session_seconds
    kept.upload_octets = grown(kept.upload_octets, new.upload_octets, is_newer=is_newer)
    kept.download_octets = grown(kept.download_octets, new.download_octets, is_newer=is_newer)
    kept.session_seconds = max(kept.session_seconds, new.session_seconds)
    kept.is_wide = kept.is_wide or new.is_wide
    kept.started_at = min(kept.started_at, new.started_at)
    kept.grant_id = kept.grant_id or new.grant_id
    kept.framed_ip = new.framed_ip or kept.framed_ip
    if kept.ended_at is None:
        kept.ended_at, kept.terminate_cause = new.ended_at, new.terminate_cause


def grown(kept: int, reported: int, *, is_newer: bool) -> int:
    """A counter only grows. One that is lower in a newer report, and not nought, has wrapped at 2**32 unseen: the NAS
    sends no Gigawords."""
    if not (is_newer and 0 < reported < min(kept, _WRAP)):
        return max(kept, reported)
    whole = kept - kept % _WRAP + reported
    return whole if whole >= kept else whole + _WRAP


def _find_grants(db: Session, rows: Sequence[SessionRow]) -> None:
    """By Class where that names a grant that there is, else the device's latest grant on this NAS that was live."""
    named = {row.grant_id for row in rows if row.grant_id is not None}
    exist = grants_that_exist(db, named) if named else set()
    nameless = [row for row in rows if row.grant_id not in exist]
    for row in nameless:
        row.grant_id = None
    macs = {row.device_mac for row in nameless if row.device_mac}
    if not macs:
        return
    by_device: dict[tuple[int, str], list[SessionRow]] = {}
    for row in nameless:
        by_device.setdefault((row.nas_id, row.device_mac), []).append(row)
    grants = (
        select(Grant.id, Grant.nas_id, Grant.device_mac, Grant.created_at, Grant.ends_at)
        .where(Grant.device_mac.in_(macs), Grant.ends_at > min(row.started_at for row in nameless))
        .order_by(Grant.created_at)
    )
    for grant in db.execute(grants):
        for row in by_device.get((grant.nas_id, grant.device_mac), ()):
            if grant.ends_at > row.started_at and (row.ended_at is None or grant.created_at <= row.ended_at):
                row.grant_id = grant.id
