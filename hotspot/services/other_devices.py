"""The other devices of the same person that are online now, and signing one of them out from here.

Only for somebody known by a card or by what was proven. A guest is the device itself, a voucher may be in several
hands, and a device that was let in by its address alone may be somebody else's: they see none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from hotspot.models import Device, Grant, Site, WifiSession, WishKind, WishReason, WishState
from hotspot.services.wishes import ask, latest_wishes

_UNDER_WAY = (WishState.WAITING, WishState.SENT, WishState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class OtherDevice:
    """One connection."""

    wifi_session_id: UUID
    family: str
    site: str
    started_at: datetime
    is_ending: bool
    """Its end has been asked for."""


def devices_online(db: Session, grant: Grant, now: datetime) -> Sequence[OtherDevice]:
    rows = db.execute(
        select(WifiSession.id, WifiSession.started_at, Device.family, Site.name)
        .join(Device, Device.mac == WifiSession.device_mac)
        .join(Site, Site.id == WifiSession.site_id)
        .where(_theirs(grant, now))
        .order_by(WifiSession.started_at, WifiSession.id)
    ).all()
    wishes = latest_wishes(db, [row.id for row in rows])
    ending = {
        session_id
        for session_id, wish in wishes.items()
        if wish.kind is WishKind.DISCONNECT and wish.state in _UNDER_WAY
    }
    return [OtherDevice(row.id, row.family, row.name, row.started_at, row.id in ending) for row in rows]


def sign_out_other(db: Session, grant: Grant, wifi_session_id: UUID, now: datetime) -> bool:
    """Its visit stays, for coming back. False where nothing is asked: for a connection that is not this person's, that
    is over, or whose end is being asked for."""
    meant = _theirs(grant, now) & (WifiSession.id == wifi_session_id)
    return ask(db, meant, WishKind.DISCONNECT, WishReason.SIGNED_OUT, "system", now, again=True) > 0


def _theirs(grant: Grant, now: datetime) -> ColumnElement[bool]:
    """Live connections of the other devices. The page of a visit that is over, in the history of some browser, is no
    key to them."""
    if grant.by_mac or grant.ends_at <= now:
        return false()
    if grant.patron_id is not None:
        is_of_person = Grant.patron_id == grant.patron_id
    elif grant.visitor_id is not None:
        is_of_person = Grant.visitor_id == grant.visitor_id
    else:
        return false()
    others = WifiSession.device_mac != grant.device_mac
    return WifiSession.ended_at.is_(None) & others & WifiSession.grant_id.in_(select(Grant.id).where(is_of_person))
