"""People who have used up what their offer allows in a day or a week, over devices and sites, and are still online.

Two steps, because most have not: sums by the database first, nearly exact; then `usage_of` for the few that are over.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Float, Row, case, cast, func, or_, select
from sqlalchemy.orm import Session

from hotspot.models import Grant, OfferAllowance, WifiSession, WifiSessionCounter, WishReason
from hotspot.policy.allowances import what_is_left
from hotspot.policy.opening_hours import Hours, local_day, local_week
from hotspot.services.allowances import is_of_person, terms_of, usage_of
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason, Refuse

_AT_ONCE = 10_000
"""Parameters of one statement: SQLite takes 32,766. On PostgreSQL each statement may read a table once."""
_NONE = (None, None, None)
T = TypeVar("T")
_PEOPLE = (Grant.patron_id, Grant.visitor_id, Grant.voucher_id, Grant.device_mac)
"""A grant is of the first that it names."""


def overdrawn(
    db: Session, heard: Sequence[Row[*tuple[Any, ...]]], now: datetime, settings: Settings
) -> Iterable[tuple[UUID, WishReason]]:
    """Of live sessions that were heard of: those of their people, on all devices, that are to end."""
    groups: dict[tuple[int, str], dict[tuple[Any, int], UUID]] = {}
    for each in heard:
        kind, person = next(
            (at, person)
            for at, person in enumerate((each.patron_id, each.visitor_id, each.voucher_id, each.device_mac))
            if person is not None
        )
        groups.setdefault((kind, each.time_zone), {})[person, each.offer_id] = each.grant_id
    limits = _limits(db, {each.offer_id for each in heard})
    found: dict[UUID, WishReason] = {}
    for (kind, time_zone), grants in groups.items():
        for person, offer_id in _probably(db, kind, list(grants), limits, _began(time_zone, now), now):
            grant = db.get_one(Grant, grants[person, offer_id])
            found |= dict.fromkeys(*_to_end(db, grant, now, settings))
    return found.items()


def of_yesterday(db: Session, heard: Sequence[Row[*tuple[Any, ...]]], now: datetime) -> list[UUID]:
    """Live sessions whose gateway counts what is left of a volume of a day or a week that is over by now."""
    limits = _limits(db, {each.offer_id for each in heard})
    by_volume = {
        key for key, each in limits.items() if (each.octets, each.upload_octets, each.download_octets) != _NONE
    }
    began = {time_zone: _began(time_zone, now) for time_zone in {each.time_zone for each in heard}}
    return [
        each.id
        for each in heard
        if any(
            each.started_at < moment and (each.offer_id, period) in by_volume
            for period, moment in began[each.time_zone].items()
        )
    ]


def in_parts(many: Sequence[T]) -> Iterator[Sequence[T]]:
    return (many[at : at + _AT_ONCE] for at in range(0, len(many), _AT_ONCE))


def _limits(db: Session, offer_ids: set[int]) -> dict[tuple[int, Period], OfferAllowance]:
    allowances = db.scalars(select(OfferAllowance).where(OfferAllowance.offer_id.in_(offer_ids)))
    return {(each.offer_id, each.period): each for each in allowances}


def _began(time_zone: str, now: datetime) -> dict[Period, datetime]:
    hours = Hours(ZoneInfo(time_zone))
    return {Period.DAY: local_day(hours, now)[0], Period.WEEK: local_week(hours, now)[0]}


def _probably(
    db: Session,
    kind: int,
    people: Sequence[tuple[Any, int]],
    limits: dict[tuple[int, Period], OfferAllowance],
    began: dict[Period, datetime],
    now: datetime,
) -> Iterable[tuple[Any, int]]:
    """(person, offer) whose sums reach a limit. What was given at the desk is not taken off yet."""
    wanted = set(people)
    column, counter = _PEOPLE[kind], WifiSessionCounter
    of_guests = [each.is_(None) for each in _PEOPLE[:3]] if column is Grant.device_mac else []
    sums: list[ColumnElement[Any]] = [
        func.sum(part)
        for moment in (began[Period.DAY], began[Period.WEEK])
        for part in _since(moment, int((now - moment).total_seconds()))
    ]
    for some in in_parts(people):
        rows = db.execute(
            select(column, Grant.offer_id, *sums)
            .join(WifiSession, WifiSession.grant_id == Grant.id)
            .join(counter, counter.id == WifiSession.id)
            .where(
                column.in_({person for person, _ in some}),
                *of_guests,
                Grant.ends_at > began[Period.WEEK],
                or_(WifiSession.ended_at.is_(None), WifiSession.ended_at > began[Period.WEEK]),
            )
            .group_by(column, Grant.offer_id)
        )
        for person, offer_id, *used in rows:
            periods = ((Period.DAY, used[:3]), (Period.WEEK, used[3:]))
            if (person, offer_id) in wanted and any(
                _reaches(limits.get((offer_id, period)), *amounts) for period, amounts in periods
            ):
                wanted.discard((person, offer_id))
                yield person, offer_id


def _since(began: datetime, elapsed: int) -> Sequence[ColumnElement[Any]]:
    """Seconds, upload and download of a session since that moment, so many seconds ago."""
    counter = WifiSessionCounter
    seconds = counter.session_seconds
    over_it = (WifiSession.started_at < began) & (seconds > elapsed)

    def part(amount: ColumnElement[Any] | Any, of_longer: ColumnElement[Any] | Any) -> ColumnElement[Any]:
        return case((WifiSession.ended_at <= began, 0), (over_it, of_longer), else_=amount)

    octets = (counter.upload_octets, counter.download_octets)
    return [part(seconds, elapsed), *(part(each, cast(each, Float) * elapsed / seconds) for each in octets)]


def _reaches(allowed: OfferAllowance | None, seconds: float, upload: float, download: float) -> bool:
    if allowed is None:
        return False
    time = None if allowed.time is None else allowed.time.total_seconds()
    used = (
        (time, seconds),
        (allowed.octets, upload + download),
        (allowed.upload_octets, upload),
        (allowed.download_octets, download),
    )
    return any(limit is not None and amount >= limit for limit, amount in used)


def _to_end(db: Session, grant: Grant, now: datetime, settings: Settings) -> tuple[Sequence[UUID], WishReason]:
    """Every live session of its person under its offer, if it is really over; and why."""
    allowances = [each for each in terms_of(grant, settings, now).allowances if each.period is not Period.VISIT]
    left = what_is_left(allowances, usage_of(db, grant, now, settings), now, timedelta(0))
    if not isinstance(left, Refuse):
        return (), WishReason.TIME_USED_UP
    by_time = left.reason is RefusalReason.TIME_USED_UP
    theirs = is_of_person(grant) & (Grant.offer_id == grant.offer_id)
    live = db.scalars(
        select(WifiSession.id)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(theirs, WifiSession.ended_at.is_(None))
    ).all()
    return live, WishReason.TIME_USED_UP if by_time else WishReason.VOLUME_USED_UP
