"""Who is online now: the live Wi-Fi sessions of a staff member's sites. No card, no login, no history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.models import (
    Device,
    Grant,
    Nas,
    Offer,
    SessionWish,
    Site,
    WifiSession,
    WifiSessionCounter,
    WishKind,
    WishState,
)
from hotspot.services.staff import Scope
from hotspot.values import Way

MOST_SHOWN = 300
"""Rows of one page; the totals count everybody."""
LATELY = timedelta(minutes=15)
MOST_ENDED = 20


@dataclass(frozen=True, slots=True)
class OnlineNow:
    """One live Wi-Fi session. `device_mac` is for those who may see devices."""

    wifi_session_id: UUID
    site_name: str
    time_zone: str
    nas_name: str
    offer_name: str
    """Empty where the NAS returned no Class of ours."""
    way: Way | None
    started_at: datetime
    time_online: timedelta
    upload_octets: int
    download_octets: int
    heard_at: datetime | None
    """When the NAS last reported it."""
    device_family: str
    device_mac: str


@dataclass(frozen=True, slots=True)
class Online:
    """Who is online: the newest first, MOST_SHOWN at most, and the totals over all."""

    sessions: Sequence[OnlineNow]
    total: int
    upload_octets: int
    download_octets: int


def who_is_online(db: Session, scope: Scope, now: datetime, *, site_id: int | None = None) -> Online:
    """At the sites of the scope, or at one of them."""
    sites = scope.site_ids if site_id is None else scope.site_ids & {site_id}
    live = (WifiSession.ended_at.is_(None), WifiSession.site_id.in_(sites))
    counter = WifiSessionCounter
    total, upload, download = db.execute(
        select(
            func.count(WifiSession.id),
            func.coalesce(func.sum(counter.upload_octets), 0),
            func.coalesce(func.sum(counter.download_octets), 0),
        )
        .outerjoin(counter, counter.id == WifiSession.id)
        .where(*live)
    ).one()
    rows = db.execute(
        select(WifiSession, Site.name, Site.time_zone, Nas.name, Offer.name, Grant.way, Device.family, counter)
        .join(Site, Site.id == WifiSession.site_id)
        .join(Nas, Nas.id == WifiSession.nas_id)
        .outerjoin(Grant, Grant.id == WifiSession.grant_id)
        .outerjoin(Offer, Offer.id == Grant.offer_id)
        .outerjoin(Device, Device.mac == WifiSession.device_mac)
        .outerjoin(counter, counter.id == WifiSession.id)
        .where(*live)
        .order_by(WifiSession.started_at.desc(), WifiSession.id)
        .limit(MOST_SHOWN)
    )
    sessions = [
        OnlineNow(
            wifi_session_id=session.id,
            site_name=site_name,
            time_zone=time_zone,
            nas_name=nas_name,
            offer_name=offer_name or "",
            way=way,
            started_at=session.started_at,
            time_online=max(now - session.started_at, timedelta()),
            upload_octets=counted.upload_octets if counted else 0,
            download_octets=counted.download_octets if counted else 0,
            heard_at=counted.updated_at if counted else None,
            device_family=family or "",
            device_mac=session.device_mac,
        )
        for session, site_name, time_zone, nas_name, offer_name, way, family, counted in rows
    ]
    return Online(sessions, total, int(upload), int(download))


@dataclass(frozen=True, slots=True)
class LatelyEnded:
    """A connection that somebody wished to end, and that did."""

    site_name: str
    time_zone: str
    device_family: str
    wish: SessionWish


def lately_ended(db: Session, scope: Scope, now: datetime, *, site_id: int | None = None) -> Sequence[LatelyEnded]:
    """What was asked for in the last quarter of an hour and has been confirmed: the newest first."""
    sites = scope.site_ids if site_id is None else scope.site_ids & {site_id}
    rows = db.execute(
        select(SessionWish, Site.name, Site.time_zone, Device.family)
        .join(WifiSession, WifiSession.id == SessionWish.wifi_session_id)
        .join(Site, Site.id == WifiSession.site_id)
        .outerjoin(Device, Device.mac == WifiSession.device_mac)
        .where(
            SessionWish.asked_at > now - LATELY,
            SessionWish.kind == WishKind.DISCONNECT,
            SessionWish.state == WishState.CONFIRMED,
            WifiSession.site_id.in_(sites),
        )
        .order_by(SessionWish.asked_at.desc(), SessionWish.id.desc())
        .limit(MOST_ENDED)
    )
    return [LatelyEnded(site_name, zone, family or "", wish) for wish, site_name, zone, family in rows]
