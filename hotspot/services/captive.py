"""What a gateway's own devices may ask of themselves by their address (RFC 8908), without a token.

Anybody can name an address, so what is found says whether that device is online, and for how long: not whose it is, not
at which site of a gateway with several.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hotspot.models import Grant, Nas, WifiSession
from hotspot.values import MacAddress


@dataclass(frozen=True, slots=True)
class Gateway:
    nas_id: int
    site_id: int
    """Its own."""


def find_gateway(db: Session, nas_identifier: str) -> Gateway | None:
    """Two brands may have one name: then it is the older one."""
    if not nas_identifier.isprintable() or len(nas_identifier) > 253:
        return None
    found = db.execute(
        select(Nas.id, Nas.site_id).where(Nas.nas_identifier == nas_identifier).order_by(Nas.id).limit(1)
    ).one_or_none()
    return None if found is None else Gateway(found.id, found.site_id)


def find_grant_behind(db: Session, gateway: Gateway, device_mac: MacAddress, now: datetime) -> UUID | None:
    """The device's latest grant that was given at this gateway, or has a session there that runs."""
    running = select(WifiSession.id).where(
        WifiSession.grant_id == Grant.id, WifiSession.nas_id == gateway.nas_id, WifiSession.ended_at.is_(None)
    )
    return db.scalar(
        select(Grant.id)
        .where(
            Grant.device_mac == device_mac,
            Grant.ends_at > now,
            or_(Grant.nas_id == gateway.nas_id, running.exists()),
        )
        .order_by(Grant.created_at.desc())
        .limit(1)
    )
