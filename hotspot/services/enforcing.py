"""Live sessions that should be over: their grant has ended, their site is closed, what they may use is used up, or an
announcement is overdue.

Gateways are told these limits at sign-in and mostly end sessions themselves; what is still live a moment later was not
told (two devices share what is left, a site closes earlier than it used to), does not count, or has lost its Stop.

Every run looks at whoever was heard of lately: each session reports within one interim, so that a cut comes within one
interim of its limit, and a run costs the same however many are online in silence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from hotspot.models import (
    AnnouncementView,
    Grant,
    OfferAllowance,
    OpeningException,
    OpeningInterval,
    Site,
    WifiSession,
    WifiSessionCounter,
    WishKind,
    WishReason,
)
from hotspot.models.site import as_hours
from hotspot.policy.allowances import time_once
from hotspot.policy.announcements import Zone
from hotspot.policy.opening_hours import closing_time
from hotspot.services.allowances import VIEWS_KEPT
from hotspot.services.overdrawing import in_parts, of_yesterday, overdrawn
from hotspot.services.wishes import ask
from hotspot.settings import Settings
from hotspot.values import RefusalReason

AFTER_THE_END = timedelta(seconds=60)
"""A Session-Timeout given at the last minute, and its Stop repeated on the way, are over by then."""
AFTER_THE_REPORT = timedelta(seconds=20)
"""A gateway that counts for itself has ended the session by then, and its Stop has come. Less where each reports so
often that there is always one that is younger."""
LATELY = timedelta(seconds=60)
"""Three runs: one that failed, or came late, overlooks nobody. After a longer pause each is seen at its next report."""

_REASONS = {
    RefusalReason.SITE_CLOSED: WishReason.SITE_CLOSED,
    RefusalReason.CARD_BLOCKED: WishReason.CARD_BLOCKED,
    RefusalReason.VOUCHER_VOID: WishReason.VOUCHER_VOID,
    RefusalReason.ENDED_BY_STAFF: WishReason.ENDED_BY_STAFF,
}
"""Of a grant's end; any other is GRANT_ENDED. A Start that came after its grant was withdrawn is found so too."""

Found = Iterable[tuple[UUID, WishReason]]
Span = tuple[datetime, timedelta]
Heard = Row[*tuple[Any, ...]]
"""What `_heard_of_lately` reads."""


def enforce(db: Session, now: datetime, settings: Settings) -> int:
    """Note a wish for each, once for one cause; how many new ones. Whose gateway still counts the volume of yesterday
    is to be told today's."""
    heard = _heard_of_lately(db, now, min(AFTER_THE_REPORT, settings.interim_interval / 2))
    with_periods = [each for each in heard if each.has_periods]
    for ids in in_parts(of_yesterday(db, with_periods, now)):
        ask(db, WifiSession.id.in_(ids), WishKind.CHANGE, WishReason.LENGTHENED, "system", now)
    found: dict[WishReason, list[UUID]] = {}
    for session_id, why in (
        *_of_ended_grants(db, now),
        *_of_closed_sites(db, now),
        *_of_used_up_visits(db, heard),
        *overdrawn(db, with_periods, now, settings),
        *_of_overdue_announcements(db, heard, now),
    ):
        found.setdefault(why, []).append(session_id)
    return sum(
        ask(db, WifiSession.id.in_(ids), WishKind.DISCONNECT, why, "system", now)
        for why, every in found.items()
        for ids in in_parts(every)
    )


def _heard_of_lately(db: Session, now: datetime, wait: timedelta) -> Sequence[Heard]:
    """Live sessions of grants that limit something and have not ended."""
    heard_at = WifiSessionCounter.updated_at
    has_periods = select(OfferAllowance.offer_id).where(OfferAllowance.offer_id == Grant.offer_id).exists()
    limits = (
        Grant.time_allowed,
        Grant.octets_allowed,
        Grant.upload_octets_allowed,
        Grant.download_octets_allowed,
        Grant.announcement_every,
    )
    return db.execute(
        select(
            WifiSession.id,
            WifiSession.started_at,
            WifiSession.grant_id,
            *limits,
            has_periods.label("has_periods"),
            Grant.offer_id,
            Grant.patron_id,
            Grant.visitor_id,
            Grant.voucher_id,
            Grant.device_mac,
            Site.kind,
            Site.is_wifi4eu,
            Site.time_zone,
        )
        .join(Grant, Grant.id == WifiSession.grant_id)
        .join(Site, Site.id == Grant.site_id)
        .join(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
        .where(
            WifiSession.ended_at.is_(None),
            Grant.ends_at > now - AFTER_THE_END,
            heard_at > now - wait - LATELY,
            heard_at <= now - wait,
            or_(*(each.is_not(None) for each in limits), has_periods),
        )
    ).all()


def _of_ended_grants(db: Session, now: datetime) -> Found:
    rows = db.execute(
        select(WifiSession.id, Grant.ends_because)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(WifiSession.ended_at.is_(None), Grant.ends_at <= now - AFTER_THE_END)
    )
    return [(session_id, _REASONS.get(because, WishReason.GRANT_ENDED)) for session_id, because in rows]


def _of_closed_sites(db: Session, now: datetime) -> Found:
    """A day was made shorter, or an exception entered, after their grants were given."""
    running = (
        select(WifiSession.id, Grant.site_id)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(WifiSession.ended_at.is_(None), Grant.ends_at > now - AFTER_THE_END)
    )
    sites = select(Site.id, Site.time_zone).where(Site.id.in_(running.with_only_columns(Grant.site_id)))
    zones = dict(db.execute(sites).all())
    week = _by_site(db.execute(select(OpeningInterval.__table__).where(OpeningInterval.site_id.in_(zones))).all())
    days = [now.date() + timedelta(days=offset) for offset in (-2, -1, 0, 1, 2)]
    unlike = select(OpeningException.__table__).where(
        OpeningException.site_id.in_(zones), OpeningException.day.in_(days)
    )
    exceptions = _by_site(db.execute(unlike).all())
    closed = []
    for site_id in week.keys() | exceptions.keys():
        hours = as_hours(zones[site_id], week.get(site_id, ()), exceptions.get(site_id, ()))
        if all(closing_time(hours, moment) is None for moment in (now, now - AFTER_THE_END)):
            closed.append(site_id)
    return [
        (session_id, WishReason.SITE_CLOSED)
        for ids in in_parts(closed)
        for session_id, _ in db.execute(running.where(Grant.site_id.in_(ids)))
    ]


def _by_site(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.site_id, []).append(row)
    return found


def _of_used_up_visits(db: Session, heard: Sequence[Heard]) -> Found:
    """By what has been reported, live sessions and past ones together. Sums are quick, but count twice what two
    gateways count of one device: where they say that the time is used up, it is looked at once more."""
    limited = {
        each.grant_id: each
        for each in heard
        if any(limit is not None for limit in (each.time_allowed, *_octet_limits(each)))
    }
    why: dict[UUID, WishReason] = {}
    long: list[UUID] = []
    for grant_ids in in_parts(list(limited)):
        counter = WifiSessionCounter
        sums = db.execute(
            select(
                Grant.id,
                func.sum(counter.session_seconds),
                func.sum(counter.upload_octets),
                func.sum(counter.download_octets),
            )
            .join(WifiSession, WifiSession.grant_id == Grant.id)
            .join(counter, counter.id == WifiSession.id)
            .where(Grant.id.in_(grant_ids))
            .group_by(Grant.id)
        )
        for grant_id, seconds, upload, download in sums:
            allowed = limited[grant_id]
            volumes = zip((upload + download, upload, download), _octet_limits(allowed), strict=True)
            if any(limit is not None and octets >= limit for octets, limit in volumes):
                why[grant_id] = WishReason.VOLUME_USED_UP
            elif allowed.time_allowed is not None and seconds >= allowed.time_allowed.total_seconds():
                long.append(grant_id)
    for grant_id, time in _times_of_visits(db, long).items():
        if time >= limited[grant_id].time_allowed:
            why[grant_id] = WishReason.TIME_USED_UP
    live = (
        select(WifiSession.id, Grant.id)
        .join(Grant, Grant.id == WifiSession.grant_id)
        .where(WifiSession.ended_at.is_(None))
    )
    return [
        (session_id, why[grant_id])
        for grant_ids in in_parts(list(why))
        for session_id, grant_id in db.execute(live.where(Grant.id.in_(grant_ids)))
    ]


def _times_of_visits(db: Session, grant_ids: Sequence[UUID]) -> Mapping[UUID, timedelta]:
    spans: dict[Any, list[Span]] = {}
    for ids in in_parts(grant_ids):
        rows = db.execute(
            select(WifiSession.grant_id, WifiSession.started_at, WifiSessionCounter.session_seconds)
            .join(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
            .where(WifiSession.grant_id.in_(ids))
        )
        for grant_id, started_at, seconds in rows:
            spans.setdefault(grant_id, []).append((started_at, timedelta(seconds=seconds)))
    return {grant_id: time_once(each) for grant_id, each in spans.items()}


def _octet_limits(grant: Heard) -> tuple[int | None, int | None, int | None]:
    return grant.octets_allowed, grant.upload_octets_allowed, grant.download_octets_allowed


def _of_overdue_announcements(db: Session, heard: Sequence[Heard], now: datetime) -> Found:
    """Their gateway was told when the next one comes, and has gone on. Connection time, as reported."""
    waiting = [
        each for each in heard if each.announcement_every is not None and not Zone(each.kind, each.is_wifi4eu).is_free
    ]
    spans: dict[str, list[Span]] = {}
    for devices in in_parts(sorted({each.device_mac for each in waiting})):
        for device_mac, span in _since_announcements(db, devices, now):
            spans.setdefault(device_mac, []).append(span)
    return [
        (each.id, WishReason.ANNOUNCEMENT_DUE)
        for each in waiting
        if time_once(spans.get(each.device_mac, ())) >= each.announcement_every
    ]


def _since_announcements(db: Session, devices: Sequence[str], now: datetime) -> Iterator[tuple[str, Span]]:
    """(device, when) of each session that has gone on since the device last saw one."""
    last = (
        select(
            AnnouncementView.device_mac,
            func.max(AnnouncementView.completed_at, type_=AnnouncementView.completed_at.type).label("seen_at"),
        )
        .where(
            AnnouncementView.device_mac.in_(devices),
            AnnouncementView.shown_at > now - VIEWS_KEPT,
            AnnouncementView.completed_at.is_not(None),
        )
        .group_by(AnnouncementView.device_mac)
        .subquery()
    )
    rows = db.execute(
        select(last.c.device_mac, last.c.seen_at, WifiSession.started_at, WifiSessionCounter.session_seconds)
        .join(Grant, Grant.device_mac == last.c.device_mac)
        .join(WifiSession, WifiSession.grant_id == Grant.id)
        .join(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
        .where(
            Grant.announcement_every.is_not(None),
            Grant.ends_at > last.c.seen_at,
            or_(WifiSession.ended_at.is_(None), WifiSession.ended_at > last.c.seen_at),
        )
    )
    for device_mac, seen_at, started_at, seconds in rows:
        began_at = max(seen_at, started_at)
        yield device_mac, (began_at, max(started_at + timedelta(seconds=seconds) - began_at, timedelta(0)))
