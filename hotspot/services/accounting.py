"""A batch of accounting records -> WifiSessions. Repeats and late packets do no harm; counters only grow."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from hotspot.models import Nas, WifiSession, WifiSessionCounter
from hotspot.services.accounting_rows import REUSED_AFTER, SessionRow, end_all, write_rows
from hotspot.values import MacAddress, TerminateCause

_WRAP = 2**32
_MOST_OCTETS = 2**62
_MOST_SECONDS = 2**31 - 1
_SAME_BEGINNING = timedelta(minutes=2)
"""By so much the moments from which two reports of one session count may differ."""
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


def packed(record: AccountingRecord) -> list[Any]:
    """As JSON can hold it, until `unpacked` makes the same record of it."""
    values: list[Any] = list(record)
    values[_HAPPENED_AT] = record.happened_at.timestamp()
    values[_GRANT_ID] = record.grant_id.hex if record.grant_id else None
    return values


def unpacked(values: Sequence[Any]) -> AccountingRecord:
    """What `packed` made. ValueError or TypeError if it is not that."""
    read = AccountingRecord(*values)
    return read._replace(
        kind=AccountingKind(read.kind),
        happened_at=datetime.fromtimestamp(values[_HAPPENED_AT], UTC),
        device_mac=None if read.device_mac is None else MacAddress(read.device_mac),
        grant_id=None if read.grant_id is None else UUID(values[_GRANT_ID]),
        terminate_cause=None if read.terminate_cause is None else TerminateCause(read.terminate_cause),
    )


_HAPPENED_AT = AccountingRecord._fields.index("happened_at")
_GRANT_ID = AccountingRecord._fields.index("grant_id")


class KnownSessions:
    """Sessions whose wide row this process has written: their Interim-Updates touch the narrow table only.

    Bounded: when it is full it begins anew, and each session's next report is written whole once more.
    """

    MOST = 200_000

    def __init__(self) -> None:
        self._written: dict[str, tuple[str, datetime]] = {}

    def __len__(self) -> int:
        return len(self._written)

    def find(self, key: str, started_at: datetime) -> str | None:
        """The key of the row that a report belongs to, if that is known to be there."""
        written = self._written.get(key)
        if written is None or abs(started_at - written[1]) > _SAME_BEGINNING:
            return None
        return written[0]

    def note(self, key: str, row: SessionRow) -> None:
        """`key` is what the packets say; the row may have another, where the NAS has used its id before."""
        if len(self._written) >= self.MOST:
            self._written.clear()
        self._written[key] = (row.key, row.started_at)


def session_key(record: AccountingRecord) -> UUID:
    """The Wi-Fi session that a record is about.

    Acct-Session-Id alone is not unique: NASes begin anew after a restart. Each login has a name of its own.
    """
    return UUID(bytes=_digest(record))


def record(db: Session, records: Sequence[AccountingRecord], now: datetime, known: KnownSessions | None = None) -> None:
    """Write the batch: one statement on PostgreSQL, unless an On or Off divides it.

    Each statement can stand alone, and all of them be done again: `Database.at_once` will do.
    """
    for ends_all, group in groupby(records, key=lambda each: each.kind in ENDS_ALL):
        if ends_all:
            # after Accounting-On and -Off no session of that NAS is left (RFC 2866 section 5.1)
            end_all(db, [(each.nas_id, each.happened_at) for each in group])
        else:
            _write(db, group, now, known)


def close_silent(db: Session, now: datetime, stale_after: timedelta) -> int:
    """End live Wi-Fi sessions without news for so long, as of the last news; how many.

    Silence is our guess, so one that was closed for it and has spoken since is live again first, or was ended by the
    restart that its NAS has reported.
    """
    rebooted_at = (
        select(Nas.rebooted_at)
        .where(Nas.id == WifiSession.nas_id, Nas.rebooted_at >= WifiSession.started_at)
        .scalar_subquery()
    )
    heard_at = select(WifiSessionCounter.updated_at).where(WifiSessionCounter.id == WifiSession.id).scalar_subquery()
    last_news = func.coalesce(heard_at, WifiSession.started_at)
    db.execute(
        update(WifiSession)
        .where(
            WifiSession.terminate_cause == TerminateCause.SILENCE,
            WifiSession.started_at > now - _LONGEST_OUTAGE,
            heard_at > WifiSession.ended_at,
        )
        .values(ended_at=rebooted_at, terminate_cause=case((rebooted_at.is_not(None), TerminateCause.NAS_REBOOT)))
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


def _write(db: Session, records: Iterable[AccountingRecord], now: datetime, known: KnownSessions | None) -> None:
    """Fold the reports by session and write them. What the tables hold against that is written once more, as it must
    be: under the next key of an id that is used again, or whole where a row was missing."""
    waiting = [_row(each, known) for each in records]
    said = {id(row): row.key for row in waiting}
    while waiting:
        batch, waiting = _folded(waiting)
        unwritten = write_rows(db, batch, now)
        for row in batch:
            if row.key in unwritten.reused:
                row.key = _next_key(row.key)
                waiting.append(row)
            elif row.key in unwritten.lost:
                row.is_wide = True
                waiting.append(row)
            elif known is not None and row.is_wide and row.ended_at is None:
                known.note(said[id(row)], row)


def _folded(rows: Sequence[SessionRow]) -> tuple[list[SessionRow], list[SessionRow]]:
    """(a row for each key, in the order of the keys, so that two processes lock them alike; those of a later session
    under an id that is used again, and reports whose octets only the tables can add up)."""
    folded: dict[str, SessionRow] = {}
    later: list[SessionRow] = []
    apart: set[str] = set()
    for row in sorted(rows, key=_moment) if len(rows) > 1 else rows:
        kept = folded.setdefault(row.key, row)
        if kept is row:
            continue
        if kept.ended_at is not None and row.started_at > kept.ended_at + REUSED_AFTER:
            row.key = _next_key(row.key)
            later.append(row)
        elif row.key in apart or _may_hide_a_wrap(kept, row):
            apart.add(row.key)
            later.append(row)
        else:
            _fold(kept, row)
    return [folded[key] for key in sorted(folded)], later


def _moment(row: SessionRow) -> datetime:
    return row.happened_at


def _next_key(key: str) -> str:
    return blake2b(bytes.fromhex(key), digest_size=16).hexdigest()


def _digest(record: AccountingRecord) -> bytes:
    device = record.device_mac or record.calling_station_id
    named = f"{record.nas_id}\0{record.acct_session_id}\0{device}\0{record.user_name}"
    return blake2b(named.encode(), digest_size=16).digest()


def _row(record: AccountingRecord, known: KnownSessions | None) -> SessionRow:
    seconds = min(record.session_seconds, _MOST_SECONDS)
    started_at = record.happened_at - timedelta(seconds=seconds)
    key, stops = _digest(record).hex(), record.kind is AccountingKind.STOP
    written = known.find(key, started_at) if known is not None and record.kind is AccountingKind.INTERIM else None
    return SessionRow(
        key=written or key,
        nas_id=record.nas_id,
        site_id=record.site_id,
        grant_id=record.grant_id,
        acct_session_id=record.acct_session_id,
        user_name=record.user_name,
        device_mac=record.device_mac or "",
        calling_station_id=record.calling_station_id,
        called_station_id=record.called_station_id,
        framed_ip=record.framed_ip,
        started_at=started_at,
        ended_at=record.happened_at if stops else None,
        terminate_cause=(record.terminate_cause or TerminateCause.OTHER) if stops else None,
        happened_at=record.happened_at,
        upload_octets=min(record.upload_octets, _MOST_OCTETS),
        download_octets=min(record.download_octets, _MOST_OCTETS),
        session_seconds=seconds,
        is_wide=written is None,
    )


def _may_hide_a_wrap(kept: SessionRow, new: SessionRow) -> bool:
    """Two readings that a NAS without Gigawords may have made. Against the tables each must be seen: the last alone may
    be more than 4 GiB from what they hold."""
    counters = (kept.upload_octets, new.upload_octets), (kept.download_octets, new.download_octets)
    return any(one != other and min(one, other) > 0 and max(one, other) < _WRAP for one, other in counters)


def _fold(kept: SessionRow, new: SessionRow) -> None:
    """Two rows of one session in a batch become one, by the rules that the tables follow."""
    kept.upload_octets = max(kept.upload_octets, new.upload_octets)
    kept.download_octets = max(kept.download_octets, new.download_octets)
    kept.session_seconds = max(kept.session_seconds, new.session_seconds)
    kept.is_wide = kept.is_wide or new.is_wide
    kept.started_at = min(kept.started_at, new.started_at)
    kept.happened_at = max(kept.happened_at, new.happened_at)
    kept.grant_id = kept.grant_id or new.grant_id
    kept.framed_ip = new.framed_ip or kept.framed_ip
    if kept.ended_at is None:
        kept.ended_at, kept.terminate_cause = new.ended_at, new.terminate_cause
