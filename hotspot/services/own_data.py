"""What is kept about one visit, for whoever made it: nothing of another visit, and nothing that an address book could
use. Card numbers, codes, names and whole addresses are not shown: the page may be read over a shoulder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hotspot.models import (
    AccessPoint,
    Announcement,
    AnnouncementView,
    Device,
    Grant,
    RememberedDevice,
    WifiSession,
)
from hotspot.policy.contacts import mask_address, mask_number
from hotspot.sealing import Vault
from hotspot.services.allowances import VIEWS_KEPT
from hotspot.services.passes import request_of_grant
from hotspot.services.proving import sent_to
from hotspot.settings import Settings
from hotspot.values import Way, normalise_called_station

REQUESTS_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class ConnectionKept:
    started_at: datetime
    ended_at: datetime | None
    time_online: timedelta
    upload_octets: int
    download_octets: int
    local_address: str
    site: str
    access_point: str
    """Its name; empty where it has none."""
    erased_at: datetime | None
    """None while it lasts."""


@dataclass(frozen=True, slots=True)
class AnnouncementKept:
    shown_at: datetime
    title: str
    """Empty where there was none to show."""
    to_the_end: bool
    was_followed: bool
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class OwnData:
    """Detached: outlives its transaction."""

    device_mac: str
    device_family: str
    device_language: str
    device_first_seen_at: datetime
    device_last_seen_at: datetime
    device_erased_at: datetime
    """Unless it comes back."""
    site_id: int
    site: str
    way: Way
    by_itself: bool
    """The device was let in because it is remembered."""
    contact: str
    """Masked; empty where none is kept, or where no part of it is fit to be shown."""
    terms_version: int
    language: str
    began_at: datetime
    ends_at: datetime
    erased_at: datetime
    """The visit itself."""
    request_erased_at: datetime | None
    """Of the request for a pass, where there was one."""
    remembered_until: datetime | None
    connections: Sequence[ConnectionKept]
    announcements: Sequence[AnnouncementKept]


def show_own_data(db: Session, grant_id: UUID, now: datetime, settings: Settings, vault: Vault) -> OwnData | None:
    """Erasing is done each night: what is given here as erased at a moment goes in the night that follows."""
    grant = db.get(Grant, grant_id)
    if grant is None:
        return None
    life = settings.connection_data_life
    device = db.get_one(Device, grant.device_mac)
    connections = _connections(db, grant, life)
    request = request_of_grant(db, grant.id)
    ends = [each.erased_at for each in connections if each.erased_at is not None]
    return OwnData(
        device_mac=device.mac,
        device_family=device.family,
        device_language=device.language,
        device_first_seen_at=device.first_seen_at,
        device_last_seen_at=device.last_seen_at,
        device_erased_at=device.last_seen_at + life,
        site_id=grant.site_id,
        site=grant.site.name,
        way=grant.way,
        by_itself=grant.by_mac,
        contact=_contact(grant, vault) or (sent_to(request, vault) if request and _is_maskable(request.way) else ""),
        terms_version=grant.terms_version,
        language=grant.language,
        began_at=grant.created_at,
        ends_at=grant.ends_at,
        erased_at=max([grant.ends_at + life, *ends]),
        request_erased_at=request.created_at + REQUESTS_KEPT if request else None,
        remembered_until=_remembered_until(db, grant, now),
        connections=connections,
        announcements=_announcements(db, grant, now),
    )


def _connections(db: Session, grant: Grant, life: timedelta) -> list[ConnectionKept]:
    sessions = db.scalars(
        select(WifiSession)
        .options(joinedload(WifiSession.counter), joinedload(WifiSession.site))
        .where(WifiSession.grant_id == grant.id)
        .order_by(WifiSession.started_at, WifiSession.id)
    ).all()
    points = db.execute(
        select(AccessPoint.nas_id, AccessPoint.called_station_id, AccessPoint.name).where(
            AccessPoint.nas_id.in_({each.nas_id for each in sessions})
        )
    )
    names = {(nas_id, station): name for nas_id, station, name in points}
    return [
        ConnectionKept(
            started_at=each.started_at,
            ended_at=each.ended_at,
            time_online=timedelta(seconds=each.counter.session_seconds if each.counter else 0),
            upload_octets=each.counter.upload_octets if each.counter else 0,
            download_octets=each.counter.download_octets if each.counter else 0,
            local_address=each.framed_ip or "",
            site=each.site.name,
            access_point=names.get((each.nas_id, normalise_called_station(each.called_station_id)), ""),
            erased_at=None if each.ended_at is None else each.ended_at + life,
        )
        for each in sessions
    ]


def _announcements(db: Session, grant: Grant, now: datetime) -> list[AnnouncementKept]:
    turns = db.scalars(
        select(AnnouncementView)
        .options(joinedload(AnnouncementView.announcement).selectinload(Announcement.texts))
        .where(
            AnnouncementView.device_mac == grant.device_mac,
            AnnouncementView.shown_at > now - VIEWS_KEPT,
            AnnouncementView.grant_id == grant.id,
        )
        .order_by(AnnouncementView.shown_at)
    )
    return [
        AnnouncementKept(
            shown_at=each.shown_at,
            title=_title(each.announcement, grant.language),
            to_the_end=each.completed_at is not None,
            was_followed=each.followed_at is not None,
            erased_at=each.shown_at + VIEWS_KEPT,
        )
        for each in turns
    ]


def _title(announcement: Announcement | None, language: str) -> str:
    titles = {each.language: each.title for each in announcement.texts} if announcement else {}
    return titles.get(language) or next(iter(titles.values()), "")


def _contact(grant: Grant, vault: Vault) -> str:
    if grant.visitor is None or not _is_maskable(grant.visitor.way):
        return ""
    contact = vault.open(grant.visitor.contact_sealed)
    return mask_number(contact) if grant.visitor.way is Way.SMS_CODE else mask_address(contact)


def _is_maskable(way: Way) -> bool:
    """Of a sponsored visitor a name is kept, of an identity provider's a pseudonym: half of those helps nobody."""
    return way in (Way.EMAIL_CODE, Way.SMS_CODE)


def _remembered_until(db: Session, grant: Grant, now: datetime) -> datetime | None:
    """As the person of this visit alone."""
    if grant.patron_id is None and grant.voucher_id is None:
        return None
    until: datetime | None = db.scalar(
        select(RememberedDevice.expires_at).where(
            RememberedDevice.device_mac == grant.device_mac,
            RememberedDevice.offer_id == grant.offer_id,
            RememberedDevice.expires_at > now,
            RememberedDevice.patron_id == grant.patron_id
            if grant.patron_id is not None
            else RememberedDevice.voucher_id == grant.voucher_id,
        )
    )
    return until
