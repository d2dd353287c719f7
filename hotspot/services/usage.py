"""What has been used, by hour and site, for the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from hotspot.models import Site, UsageHour, WifiSession, WifiSessionCounter
from hotspot.services.staff import Scope


def roll_up(db: Session, since: datetime, now: datetime) -> None:
    """Count again every hour from the one that holds `since` until `now`. Repeating it does no harm.

    A Wi-Fi session counts in the hour in which it began, and grows there until it ends.
    """
    first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    counter = WifiSessionCounter
    hour = _hour_of_start(db).label("hour_at")
    counted = (
        select(
            WifiSession.site_id,
            hour,
            func.count().label("wifi_sessions"),
            func.count(WifiSession.device_mac.distinct()).label("devices"),
            func.coalesce(func.sum(counter.session_seconds), 0).label("seconds"),
            func.coalesce(func.sum(counter.upload_octets), 0).label("upload_octets"),
            func.coalesce(func.sum(counter.download_octets), 0).label("download_octets"),
        )
        .outerjoin(counter, counter.id == WifiSession.id)
        .where(WifiSession.started_at >= first, WifiSession.started_at <= now)
        .group_by(WifiSession.site_id, hour)
    )
    columns = [column.name for column in UsageHour.__table__.columns]
    db.execute(delete(UsageHour).where(UsageHour.hour_at >= first))
    insert: Any = sqlite_insert if _is_sqlite(db) else postgresql_insert
    statement = insert(UsageHour).from_select(columns, counted)
    if not _is_sqlite(db):  # another worker may have written the same hour meanwhile; SQLite has one writer at a time
        newer = {name: statement.excluded[name] for name in columns[2:]}
        statement = statement.on_conflict_do_update(index_elements=columns[:2], set_=newer)
    db.execute(statement)


def rolled_up_until(db: Session) -> datetime | None:
    """The last hour that was counted; None if none ever was."""
    return db.scalar(select(func.max(UsageHour.hour_at)))


def _is_sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"


def _hour_of_start(db: Session) -> ColumnElement[Any]:
    """The hour in which a Wi-Fi session began (UTC), as each database stores a moment."""
    if _is_sqlite(db):
        return func.strftime("%Y-%m-%d %H:00:00.000000", WifiSession.started_at)
    utc: ColumnElement[str] = literal_column("'UTC'")  # not a parameter: GROUP BY must see the very same expression
    truncated = func.date_trunc(literal_column("'hour'"), func.timezone(utc, WifiSession.started_at))
    return func.timezone(utc, truncated)


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums of hourly roll-ups; nobody can be told from them."""

    wifi_sessions: int = 0
    seconds: int = 0
    upload_octets: int = 0
    download_octets: int = 0

    @property
    def octets(self) -> int:
        return self.upload_octets + self.download_octets

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.wifi_sessions + other.wifi_sessions,
            self.seconds + other.seconds,
            self.upload_octets + other.upload_octets,
            self.download_octets + other.download_octets,
        )


_SUMS = (
    func.sum(UsageHour.wifi_sessions),
    func.sum(UsageHour.seconds),
    func.sum(UsageHour.upload_octets),
    func.sum(UsageHour.download_octets),
)


def figures_by_day(
    db: Session, scope: Scope, zone: ZoneInfo, now: datetime, days: int = 30
) -> Sequence[tuple[date, Figures]]:
    """The last `days` local days, today included, in order; a day without use is there with zeros."""
    last = now.astimezone(zone).date()
    first = last - timedelta(days=days - 1)
    found = {first + timedelta(days=at): Figures() for at in range(days)}
    rows = db.execute(
        select(UsageHour.hour_at, *_SUMS)
        .where(UsageHour.site_id.in_(scope.site_ids), UsageHour.hour_at >= _midnight(first, zone))
        .group_by(UsageHour.hour_at)
    )
    for hour_at, *sums in rows:
        day = hour_at.astimezone(zone).date()
        if day in found:
            found[day] += Figures(*map(int, sums))
    return list(found.items())


def figures_by_site(
    db: Session, scope: Scope, zone: ZoneInfo, now: datetime, days: int = 30
) -> Sequence[tuple[str, Figures]]:
    """Over the same days, each site of the scope, also those without use; the most used first."""
    since = _midnight(now.astimezone(zone).date() - timedelta(days=days - 1), zone)
    rows = db.execute(
        select(Site.name, *(func.coalesce(each, 0) for each in _SUMS))
        .outerjoin(UsageHour, (UsageHour.site_id == Site.id) & (UsageHour.hour_at >= since))
        .where(Site.id.in_(scope.site_ids))
        .group_by(Site.id, Site.name)
    )
    found = [(name, Figures(*map(int, sums))) for name, *sums in rows]
    return sorted(found, key=lambda each: (-each[1].wifi_sessions, each[0].casefold()))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
