"""Announcements: a device's turn begins, is completed after its time, its link is followed; and each is counted once.

A turn is a row; its id, stamped, is the token that the page carries. Whoever reloads, replays or forges counts nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.models import (
    Announcement,
    AnnouncementDay,
    AnnouncementView,
    Campaign,
    CampaignSite,
    Device,
    Grant,
    Site,
    WifiSession,
)
from hotspot.policy.announcements import Candidate, ShownToday, Zone, choose
from hotspot.services.allowances import announcement_every, zone_of
from hotspot.values import CampaignKind

TURN_LIFE = timedelta(minutes=30)
"""A page that was left open for longer begins anew."""

_MAY_BE_SHOWN = (
    Announcement.retired_at.is_(None)
    & Announcement.texts.any()
    & Campaign.paused_at.is_(None)
    & Campaign.ended_at.is_(None)
)
"""What has no words is not shown: its page would have nothing to say."""


ACCOUNTING_COMES_WITHIN = timedelta(days=1)
"""Also where it had to wait for the database."""

Where = tuple[int, int, date]
"""Announcement, site, day."""


class Completion(StrEnum):
    DONE = "done"
    ALREADY = "already"
    """Pressed twice, or replayed: it counts nothing, and keeps nobody out."""
    TOO_EARLY = "too_early"
    UNKNOWN = "unknown"
    """Of no turn of this device, or of one that is too old."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What may be shown at a site today, and how often each was, everywhere. The same for every visitor: it may be kept
    for a few seconds."""

    day: date
    candidates: Sequence[Candidate]
    displays: Mapping[int, int]
    views: Mapping[int, int]


def load_rotation(db: Session, site: Site, now: datetime) -> Rotation:
    """Of campaigns that are neither paused nor ended, of the site's organisation and of those above it."""
    day = now.astimezone(site.hours.zone).date()
    rows = db.execute(
        select(
            Announcement.id,
            Campaign.id,
            Campaign.kind,
            Campaign.starts_on,
            Campaign.ends_on,
            Campaign.from_time,
            Campaign.until_time,
            Campaign.weight,
            Campaign.most_per_device,
            Campaign.most_per_day,
        )
        .join(Campaign, Campaign.id == Announcement.campaign_id)
        .where(*_running_at(site, day))
    ).all()
    candidates = [Candidate(*tuple(row)) for row in rows]
    counted = db.execute(
        select(AnnouncementDay.announcement_id, func.sum(AnnouncementDay.displays), func.sum(AnnouncementDay.views))
        .where(AnnouncementDay.day == day)
        .group_by(AnnouncementDay.announcement_id)
    ).all()
    displays = {announcement_id: int(count) for announcement_id, count, _ in counted}
    return Rotation(day, candidates, displays, {announcement_id: int(count) for announcement_id, _, count in counted})


def _running_at(site: Site, day: date) -> Sequence[ColumnElement[bool]]:
    everywhere = ~select(CampaignSite.campaign_id).where(CampaignSite.campaign_id == Campaign.id).exists()
    here = select(CampaignSite.campaign_id).where(CampaignSite.site_id == site.id)
    return (
        _MAY_BE_SHOWN,
        Campaign.starts_on <= day,
        or_(Campaign.ends_on.is_(None), Campaign.ends_on >= day),
        Campaign.organisation_id.in_([each.id for each in site.organisation.line]),
        or_(Campaign.id.in_(here), everywhere),
    )


def is_anything_to_show(db: Session, grant: Grant, now: datetime) -> bool:
    """The town's own news always can be: only without any is everything looked at, while somebody signs in."""
    if zone_of(grant).is_free:
        return False
    day = now.astimezone(grant.site.hours.zone).date()
    news = select(Announcement.id).join(Campaign, Campaign.id == Announcement.campaign_id).limit(1)
    news = news.where(Campaign.kind == CampaignKind.MUNICIPAL, *_running_at(grant.site, day))
    if db.scalar(news) is not None:
        return True
    return _choose(db, grant, load_rotation(db, grant.site, now), now) is not None


def begin_turn(db: Session, grant: Grant, rotation: Rotation, now: datetime) -> AnnouncementView | None:
    """The turn that the device has begun, or a new one, whose display is counted. None: there is nothing to show, or
    nothing may be shown to whom this grant is for."""
    if announcement_every(grant) is None:
        return None
    db.scalars(select(Device).where(Device.mac == grant.device_mac).with_for_update()).one()  # one page at a time
    begun = find_turn(db, grant, now)
    if begun is not None:
        return begun
    chosen = _choose(db, grant, rotation, now)
    if chosen is not None and not _may_still_be_shown(db, chosen):  # paused since the rotation was read
        rotation = load_rotation(db, grant.site, now)
        chosen = _choose(db, grant, rotation, now)
    if chosen is None:
        return None
    turn = _turn(grant, rotation.day, now)
    turn.announcement_id, turn.ready_at = chosen.announcement_id, now + grant.announcement_length
    db.add(turn)
    db.flush()
    _count(db, (chosen.announcement_id, turn.site_id, turn.day), displays=1)
    return turn


def find_turn(db: Session, grant: Grant, now: datetime) -> AnnouncementView | None:
    """That this device has begun at this site, and can still complete."""
    return db.scalar(
        select(AnnouncementView)
        .join(Announcement, Announcement.id == AnnouncementView.announcement_id)
        .join(Campaign, Campaign.id == Announcement.campaign_id)
        .where(
            _is_open(grant.device_mac, now),
            AnnouncementView.site_id == grant.site_id,
            _MAY_BE_SHOWN,
        )
        .order_by(AnnouncementView.shown_at.desc())
        .limit(1)
    )


def pass_turn(db: Session, grant: Grant, now: datetime) -> None:
    """There is nothing to show: the cycle begins anew all the same. Where there is no cycle, nothing is noted."""
    if announcement_every(grant) is None:
        return
    turn = _turn(grant, now.astimezone(grant.site.hours.zone).date(), now)
    turn.ready_at = turn.completed_at = now
    db.add(turn)
    db.flush()


def complete_turn(db: Session, turn_id: UUID, device_mac: str, now: datetime) -> Completion:
    """By the one request of however many. It is counted once its gateway reports the device online: `count_views`."""
    done = db.execute(
        update(AnnouncementView)
        .where(AnnouncementView.id == turn_id, _is_open(device_mac, now), AnnouncementView.ready_at <= now)
        .values(completed_at=now)
        .execution_options(synchronize_session=False)
    )
    turn = db.get(AnnouncementView, turn_id, populate_existing=True)
    if turn is None or turn.device_mac != device_mac:
        return Completion.UNKNOWN
    if done.rowcount:  # type: ignore[attr-defined]
        return Completion.DONE
    if turn.completed_at is not None:
        return Completion.ALREADY
    return Completion.TOO_EARLY if turn.ready_at > now >= turn.shown_at else Completion.UNKNOWN


def count_views(db: Session, now: datetime) -> int:
    """Those that were completed by a device which has been online with that grant since, and what was clicked of them.
    How many. A browser can make up the address of a device, and its redirect; its gateway's accounting it cannot."""
    was_online = (
        select(WifiSession.id)
        .where(
            WifiSession.grant_id == AnnouncementView.grant_id,
            WifiSession.device_mac == AnnouncementView.device_mac,
            or_(WifiSession.ended_at.is_(None), WifiSession.ended_at >= AnnouncementView.completed_at),
        )
        .exists()
    )
    rows = db.execute(
        update(AnnouncementView)
        .where(
            AnnouncementView.completed_at > now - ACCOUNTING_COMES_WITHIN,
            AnnouncementView.counted_at.is_(None),
            AnnouncementView.announcement_id.is_not(None),
            was_online,
        )
        .values(counted_at=now)
        .returning(
            AnnouncementView.announcement_id,
            AnnouncementView.site_id,
            AnnouncementView.day,
            AnnouncementView.followed_at,
        )
        .execution_options(synchronize_session=False)
    ).all()
    views: Counter[Where] = Counter()
    clicks: Counter[Where] = Counter()
    for announcement_id, site_id, day, followed_at in rows:
        if announcement_id is not None:
            views[announcement_id, site_id, day] += 1
            clicks[announcement_id, site_id, day] += followed_at is not None
    for where in sorted(views):  # in one order: a click that is counted meanwhile waits, and is not waited for
        _count(db, where, views=views[where], clicks=clicks[where])
    return len(rows)


def find_link(db: Session, turn_id: UUID) -> AnnouncementView | None:
    """The turn, if its announcement leads somewhere, was shown to the end, and may still be shown there."""
    turn = db.scalar(_with_link().where(AnnouncementView.id == turn_id))
    return None if turn is None or Zone(turn.site.kind, turn.site.is_wifi4eu).is_free else turn


def find_last_link(db: Session, grant: Grant) -> AnnouncementView | None:
    """Of the announcement that was last seen with this grant. None where its site has become free of announcements."""
    if zone_of(grant).is_free:
        return None
    return db.scalar(
        _with_link()
        .where(AnnouncementView.device_mac == grant.device_mac, AnnouncementView.grant_id == grant.id)
        .order_by(AnnouncementView.completed_at.desc())
        .limit(1)
    )


def follow_link(db: Session, turn_id: UUID, now: datetime) -> str | None:
    """Where it leads; counted the first time. None: nowhere, as far as `find_link` knows."""
    turn = find_link(db, turn_id)
    if turn is None or turn.announcement is None:
        return None
    first = db.execute(
        update(AnnouncementView)
        .where(AnnouncementView.id == turn_id, AnnouncementView.followed_at.is_(None))
        .values(followed_at=now)
        .returning(AnnouncementView.counted_at)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if first is not None and first.counted_at is not None:  # else it is counted with its view
        _count(db, (turn.announcement.id, turn.site_id, turn.day), clicks=1)
    return turn.announcement.link


def _with_link() -> Select[AnnouncementView]:
    return (
        select(AnnouncementView)
        .join(Announcement, Announcement.id == AnnouncementView.announcement_id)
        .join(Campaign, Campaign.id == Announcement.campaign_id)
        .where(AnnouncementView.completed_at.is_not(None), Announcement.link != "", _MAY_BE_SHOWN)
    )


def _is_open(device_mac: str, now: datetime) -> ColumnElement[bool]:
    return (
        (AnnouncementView.device_mac == device_mac)
        & AnnouncementView.completed_at.is_(None)
        & (AnnouncementView.shown_at > now - TURN_LIFE)
    )


def _may_still_be_shown(db: Session, chosen: Candidate) -> bool:
    found = select(Announcement.id).join(Campaign).where(Announcement.id == chosen.announcement_id, _MAY_BE_SHOWN)
    return db.scalar(found) is not None


def _turn(grant: Grant, day: date, now: datetime) -> AnnouncementView:
    return AnnouncementView(
        id=uuid4(), site_id=grant.site_id, grant_id=grant.id, device_mac=grant.device_mac, day=day, shown_at=now
    )


def _choose(db: Session, grant: Grant, rotation: Rotation, now: datetime) -> Candidate | None:
    seen = db.execute(
        select(AnnouncementView.announcement_id, AnnouncementView.completed_at)
        .where(
            AnnouncementView.device_mac == grant.device_mac,
            AnnouncementView.day == rotation.day,
            AnnouncementView.announcement_id.is_not(None),
        )
        .order_by(AnnouncementView.shown_at)
    ).all()
    by_device: dict[int, int] = {}
    for announcement_id, completed_at in seen:
        if completed_at is not None and announcement_id is not None:
            by_device[announcement_id] = by_device.get(announcement_id, 0) + 1
    last = seen[-1].announcement_id if seen else None
    shown = ShownToday(rotation.displays, rotation.views, by_device, last)
    return choose(rotation.candidates, shown, zone_of(grant), now.astimezone(grant.site.hours.zone))


def _count(db: Session, where: Where, *, displays: int = 0, views: int = 0, clicks: int = 0) -> None:
    announcement_id, site_id, day = where
    more = {"displays": displays, "views": views, "clicks": clicks}
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(AnnouncementDay).values(announcement_id=announcement_id, site_id=site_id, day=day, **more)
    kept = AnnouncementDay.__table__.c
    grown = {name: kept[name] + count for name, count in more.items()}
    db.execute(statement.on_conflict_do_update(index_elements=["announcement_id", "site_id", "day"], set_=grown))
