"""What a grant allows, and what its person has used of it, from accounting: in whatever order its packets have come.

A session that is still live is taken to go on until now, unless it has been silent for too long: what it has not yet
reported is as good as used. Time that two sessions of one device share counts once: when a phone walks from one gateway
to another, the first one counts on until it has noticed. Of a session that spans midnight the time is exact; its octets
are spread evenly over it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hotspot.models import AnnouncementView, Grant, Offer, Site, WifiSession, WifiSessionCounter
from hotspot.policy.admission import MIN_STAY, GrantTerms, announcement_due_in
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.policy.announcements import Zone, is_spared
from hotspot.policy.opening_hours import LOOK_AHEAD, Hours, closing_time, local_day, local_week, next_opening
from hotspot.settings import Settings
from hotspot.values import Admit, Period, RefusalReason, Refuse

VIEWS_KEPT = timedelta(days=2)
"""A device that comes back after longer sees an announcement first."""


def terms_of(grant: Grant, settings: Settings, now: datetime) -> GrantTerms:
    """Its offer's allowances of a day and a week and its site's hours are those of now, all else is the grant's own."""
    hours = grant.site.hours
    closes_at = closing_time(hours, now)
    closing = now if closes_at is None else closes_at
    closes_first = closing < grant.ends_at
    return GrantTerms(
        grant_id=grant.id,
        ends_at=closing if closes_first else grant.ends_at,
        ends_because=RefusalReason.SITE_CLOSED if closes_first else grant.ends_because,
        again_at=next_opening(hours, closing) if closes_first and closing - now < MIN_STAY else None,
        allowances=tuple(_allowances(grant, hours, now)),
        announcement_every=announcement_every(grant),
        upload_kbps=grant.upload_kbps,
        download_kbps=grant.download_kbps,
        idle_timeout=grant.idle_timeout,
        interim_interval=settings.interim_interval,
        longest_session=settings.longest_session,
    )


def copied_from(offer: Offer, site: Site, age: int | None, settings: Settings) -> dict[str, Any]:
    """What a new grant keeps of its offer, by column: changing the offer changes no grant already given. `age`: of its
    person, in years, if that is known."""
    spared = is_spared(Zone(site.kind, site.is_wifi4eu), offer.way, age)
    return {
        "time_allowed": offer.time_allowed,
        "octets_allowed": offer.octets_allowed,
        "upload_octets_allowed": offer.upload_octets_allowed,
        "download_octets_allowed": offer.download_octets_allowed,
        "upload_kbps": offer.upload_kbps,
        "download_kbps": offer.download_kbps,
        "idle_timeout": offer.idle_timeout or settings.idle_timeout,
        "announcement_every": None if spared else offer.announcement_every,
        "announcement_length": offer.announcement_length,
        "extra_time": timedelta(0),
    }


def announcement_every(grant: Grant) -> timedelta | None:
    """None where its site has become free of announcements since."""
    return None if zone_of(grant).is_free else grant.announcement_every


def zone_of(grant: Grant) -> Zone:
    return Zone(grant.site.kind, grant.site.is_wifi4eu)


def usage_of(db: Session, grant: Grant, now: datetime, settings: Settings) -> Usage:
    """Also of a grant that is not in the tables yet: its person may have used something all the same."""
    hours, stale_after = grant.site.hours, settings.stale_after
    day = week = Used()
    if grant.offer.allowances:
        (day_began, _), (week_began, _) = local_day(hours, now), local_week(hours, now)
        theirs = (Grant.offer_id == grant.offer_id) & is_of_person(grant) & (Grant.ends_at > week_began)
        parts = _parts(db, theirs & (WifiSession.started_at > week_began - LOOK_AHEAD), now, stale_after)
        given = _extra_times(db, theirs)
        day = _sum_since(parts, day_began) + _without(given, day_began)
        week = _sum_since(parts, week_began) + _without(given, week_began)
    return Usage(
        visit=_sum_since(_parts(db, Grant.id == grant.id, now, stale_after), None),
        day=day,
        week=week,
        since_announcement=_since_announcement(db, grant, now, stale_after),
    )


def once_open(decision: Admit | Refuse, hours: Hours) -> Admit | Refuse:
    """What begins anew at midnight is there when the site opens."""
    if isinstance(decision, Admit) or decision.again_at is None:
        return decision
    return replace(decision, again_at=next_opening(hours, decision.again_at) or decision.again_at)


def is_announcement_due(db: Session, grant: Grant, now: datetime, settings: Settings) -> bool:
    due_in = announcement_due_in(terms_of(grant, settings, now), usage_of(db, grant, now, settings))
    return due_in is not None and due_in < MIN_STAY


def _allowances(grant: Grant, hours: Hours, now: datetime) -> Iterable[Allowance]:
    visit = Allowance(
        Period.VISIT,
        grant.time_allowed,
        grant.octets_allowed,
        grant.upload_octets_allowed,
        grant.download_octets_allowed,
    )
    if visit != Allowance(Period.VISIT):
        yield visit
    for each in grant.offer.allowances:
        _, renews_at = local_day(hours, now) if each.period is Period.DAY else local_week(hours, now)
        yield Allowance(each.period, each.time, each.octets, each.upload_octets, each.download_octets, renews_at)


def is_of_person(grant: Grant) -> ColumnElement[bool]:
    """Patron, visitor or voucher; a guest is the device."""
    if grant.patron_id is not None:
        return Grant.patron_id == grant.patron_id
    if grant.visitor_id is not None:
        return Grant.visitor_id == grant.visitor_id
    if grant.voucher_id is not None:
        return Grant.voucher_id == grant.voucher_id
    nobody = Grant.patron_id.is_(None) & Grant.visitor_id.is_(None) & Grant.voucher_id.is_(None)
    return (Grant.device_mac == grant.device_mac) & nobody


class _Part:
    """One session: of which device, from when, how long, how much."""

    __slots__ = ("began_at", "device_mac", "used")

    def __init__(self, device_mac: str, began_at: datetime, used: Used) -> None:
        self.device_mac, self.began_at, self.used = device_mac, began_at, used

    def since(self, moment: datetime | None) -> Used:
        before = timedelta(0) if moment is None else moment - self.began_at
        if before <= timedelta(0):
            return self.used
        time = self.used.time - before
        if time <= timedelta(0):
            return Used()
        share = time / self.used.time
        return Used(time, round(self.used.upload_octets * share), round(self.used.download_octets * share))


def _parts(db: Session, whose: ColumnElement[bool], now: datetime, stale_after: timedelta) -> list[_Part]:
    counter = WifiSessionCounter
    rows = db.execute(
        select(
            WifiSession.device_mac,
            WifiSession.started_at,
            WifiSession.ended_at,
            counter.session_seconds,
            counter.upload_octets,
            counter.download_octets,
            counter.updated_at,
        )
        .join(Grant, Grant.id == WifiSession.grant_id)
        .join(counter, counter.id == WifiSession.id)
        .where(whose)
    )
    parts = []
    for device_mac, started_at, ended_at, seconds, upload, download, heard_at in rows:
        time = timedelta(seconds=seconds)
        if ended_at is None:  # from its beginning, not from its last report: a late one may have come after a later one
            time = max(time, min(now, heard_at + stale_after) - started_at)
        parts.append(_Part(device_mac, started_at, Used(time, upload, download)))
    return parts


def _sum_since(parts: Iterable[_Part], moment: datetime | None) -> Used:
    """Octets of every session; of time what sessions of one device share only once."""
    several = list(parts)
    total = sum((each.since(moment) for each in several), start=Used())
    return replace(total, time=total.time - _shared_time(several, moment))


def _shared_time(parts: Iterable[_Part], moment: datetime | None) -> timedelta:
    shared = timedelta(0)
    counted_until: dict[str, datetime] = {}
    for each in sorted(parts, key=lambda part: part.began_at):
        ends_at = each.began_at + each.used.time
        began_at = each.began_at if moment is None else max(each.began_at, moment)
        counted = counted_until.get(each.device_mac, began_at)
        shared += max(min(counted, ends_at) - began_at, timedelta(0))
        counted_until[each.device_mac] = max(counted, ends_at)
    return shared


def _extra_times(db: Session, whose: ColumnElement[bool]) -> list[tuple[datetime, timedelta]]:
    rows = db.execute(select(Grant.created_at, Grant.extra_time).where(whose, Grant.extra_time > timedelta(0)))
    return [(created_at, extra) for created_at, extra in rows]


def _without(given: Iterable[tuple[datetime, timedelta]], since: datetime) -> Used:
    """What was given at the desk is as if that much had not been used."""
    return Used(-sum((extra for created_at, extra in given if created_at >= since), start=timedelta(0)))


def _since_announcement(db: Session, grant: Grant, now: datetime, stale_after: timedelta) -> timedelta | None:
    if announcement_every(grant) is None:
        return None
    last = db.scalar(
        select(func.max(AnnouncementView.completed_at, type_=AnnouncementView.completed_at.type)).where(
            AnnouncementView.device_mac == grant.device_mac, AnnouncementView.shown_at > now - VIEWS_KEPT
        )
    )
    if last is None:
        return None
    return _connected_since(db, grant, last, now, stale_after)


def connected_since(db: Session, grant: Grant, moment: datetime, now: datetime, settings: Settings) -> timedelta:
    """Connection time of the grant's device that counts towards its next announcement."""
    return _connected_since(db, grant, moment, now, settings.stale_after)


def _connected_since(db: Session, grant: Grant, moment: datetime, now: datetime, stale_after: timedelta) -> timedelta:
    on_grants_with_any = (Grant.device_mac == grant.device_mac) & Grant.announcement_every.is_not(None)
    recent = WifiSession.started_at > moment - LOOK_AHEAD
    return _sum_since(_parts(db, on_grants_with_any & recent, now, stale_after), moment).time
