"""Devices that are remembered: by whom, for how long, and how they are forgotten. Letting one in is in
`mac_authentication.py`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from secrets import token_bytes
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, false, func, select
from sqlalchemy.orm import Session, joinedload

from hotspot.errors import Conflict
from hotspot.models import Grant, OfferSite, Patron, RememberedDevice, Voucher
from hotspot.services import audit
from hotspot.services.patrons import get_patron
from hotspot.services.staff import Scope

MOST_REMEMBERED = 5
"""Devices of one person at a time."""


def remember_device(db: Session, grant: Grant, now: datetime) -> RememberedDevice | None:
    """The grant's device, for whoever the grant is for. None if that is not offered, or if MOST_REMEMBERED others are
    there: which of them to forget is for the person to say."""
    life = grant.offer.remember_for
    if life is None or not _is_offered(grant):
        return None
    _lock_person(db, grant)
    others = _whose(grant) & (RememberedDevice.device_mac != grant.device_mac)
    if count_remembered(db, others, now) >= MOST_REMEMBERED:
        return None
    expires_at = now + life
    if grant.voucher is not None and grant.voucher.ends_at is not None:
        expires_at = min(expires_at, grant.voucher.ends_at)
    facts: dict[str, Any] = {
        "patron_id": grant.patron_id,
        "voucher_id": grant.voucher_id,
        "terms_version": grant.terms_version,
        "language": grant.language,
        "created_at": now,
        "expires_at": expires_at,
    }
    known = db.scalar(
        select(RememberedDevice).where(
            RememberedDevice.device_mac == grant.device_mac, RememberedDevice.offer_id == grant.offer_id
        )
    )
    if known is None:
        known = RememberedDevice(device_mac=grant.device_mac, offer_id=grant.offer_id, **facts)
        db.add(known)
    else:  # from now on, for so long again; perhaps in other hands, to which an older token must not lead
        for name, value in (facts | {"return_secret": token_bytes(16)}).items():
            setattr(known, name, value)
    db.flush()
    return known


@dataclass(frozen=True, slots=True)
class RememberedWith:
    """What the person who has a grant sees of it."""

    devices: Sequence[RememberedDevice]
    """All of theirs, the newest first."""
    is_offered: bool
    this_one: RememberedDevice | None
    """The grant's own device, under its offer."""

    @property
    def is_full(self) -> bool:
        return len({each.device_mac for each in self.devices}) >= MOST_REMEMBERED


def remembered_with(db: Session, grant: Grant, now: datetime) -> RememberedWith:
    devices = db.scalars(
        select(RememberedDevice)
        .where(_whose(grant), RememberedDevice.expires_at > now)
        .options(joinedload(RememberedDevice.device))
        .order_by(RememberedDevice.created_at.desc(), RememberedDevice.id.desc())
    ).all()
    this_one = (each for each in devices if (each.device_mac, each.offer_id) == (grant.device_mac, grant.offer_id))
    return RememberedWith(devices, _is_offered(grant), next(this_one, None))


def find_remembered(db: Session, device_mac: str, site_id: int, now: datetime) -> RememberedDevice | None:
    """As whom this device may come back at this site: the last one who asked for it."""
    return db.scalar(
        select(RememberedDevice)
        .join(OfferSite, OfferSite.offer_id == RememberedDevice.offer_id)
        .where(
            RememberedDevice.device_mac == device_mac,
            RememberedDevice.expires_at > now,
            OfferSite.site_id == site_id,
        )
        .order_by(RememberedDevice.created_at.desc(), RememberedDevice.id.desc())
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class ReturnKey:
    """What a device's return token says, once it is known to be ours."""

    device_id: int
    secret: bytes = field(repr=False)


def find_returning(db: Session, key: ReturnKey, site_id: int, now: datetime) -> RememberedDevice | None:
    """Which remembered device this is, whatever its address is today, if it may come back at this site."""
    device = db.scalar(
        select(RememberedDevice)
        .join(OfferSite, OfferSite.offer_id == RememberedDevice.offer_id)
        .where(RememberedDevice.id == key.device_id, RememberedDevice.expires_at > now, OfferSite.site_id == site_id)
    )
    return device if device is not None and compare_digest(device.return_secret or b"", key.secret) else None


def is_remembered(db: Session, key: ReturnKey, now: datetime) -> bool:
    """At any site."""
    device = db.get(RememberedDevice, key.device_id)
    return device is not None and device.expires_at > now and compare_digest(device.return_secret or b"", key.secret)


def move_to_address(db: Session, device: RememberedDevice, device_mac: str, now: datetime) -> None:
    """It has another address since: what was remembered of that one under this offer gives way."""
    device.last_used_at = now
    if device.device_mac == device_mac:
        return
    in_the_way = (RememberedDevice.device_mac == device_mac) & (RememberedDevice.offer_id == device.offer_id)
    _delete(db, in_the_way)
    device.device_mac = device_mac
    db.flush()


def forget_devices(db: Session, grant: Grant, device_id: int | None = None) -> int:
    """One, or all, of those of the person who has this grant; how many. Another person's are as if they were not."""
    which = _whose(grant) if device_id is None else _whose(grant) & (RememberedDevice.id == device_id)
    return _delete(db, which)


def forget_former_person(db: Session, grant: Grant) -> None:
    """The device is in other hands now: it must not come back as the person who had it remembered."""
    if grant.patron_id is not None or grant.voucher_id is not None:
        another = RememberedDevice.patron_id.is_distinct_from(grant.patron_id) | (
            RememberedDevice.voucher_id.is_distinct_from(grant.voucher_id)
        )
        _delete(db, (RememberedDevice.device_mac == grant.device_mac) & another)


def forget_devices_on(db: Session, grant_ids: Collection[UUID]) -> None:
    """Staff have ended these visits: who comes back has to sign in."""
    macs = select(Grant.device_mac).where(Grant.id.in_(grant_ids))
    _delete(db, RememberedDevice.device_mac.in_(macs))


def count_remembered(db: Session, which: ColumnElement[bool], now: datetime) -> int:
    """Devices; one that is remembered twice counts once."""
    counted = select(func.count(RememberedDevice.device_mac.distinct())).where(which, RememberedDevice.expires_at > now)
    return db.scalar(counted) or 0


def count_of_patron(db: Session, patron: Patron, now: datetime) -> int:
    return count_remembered(db, RememberedDevice.patron_id == patron.id, now)


def forget_at_the_desk(db: Session, scope: Scope, which: ColumnElement[bool], now: datetime) -> int:
    """Of a voucher, or one device, whose person asks for it. The audit log says how many, not whose."""
    forgotten = _delete(db, which)
    if not forgotten:
        raise Conflict("No device is remembered.")
    audit.note(db, scope, "desk.devices_forgotten", "", {"devices": forgotten}, now)
    return forgotten


def forget_devices_of_patron(db: Session, scope: Scope, patron_id: int, now: datetime) -> Patron:
    patron = get_patron(db, scope, patron_id)
    forgotten = _delete(db, RememberedDevice.patron_id == patron.id)
    if not forgotten:
        raise Conflict("No device of this card is remembered.")
    facts: dict[str, object] = {"devices": forgotten}
    subject = f"patron {patron.id}"
    audit.note(db, scope, "patron.devices_forgotten", subject, facts, now, organisation_id=patron.organisation_id)
    return patron


def _is_offered(grant: Grant) -> bool:
    """A device that was let in by its address alone cannot make that last longer: then it would never end."""
    is_of_somebody = grant.patron_id is not None or grant.voucher_id is not None
    return grant.offer.remember_for is not None and is_of_somebody and not grant.by_mac


def _lock_person(db: Session, grant: Grant) -> None:
    """So that two devices of one person cannot both be the last one allowed."""
    if grant.patron_id is not None:
        db.get_one(Patron, grant.patron_id, with_for_update=True)
    elif grant.voucher_id is not None:
        db.get_one(Voucher, grant.voucher_id, with_for_update={"of": Voucher})


def _whose(grant: Grant) -> ColumnElement[bool]:
    if grant.patron_id is not None:
        return RememberedDevice.patron_id == grant.patron_id
    if grant.voucher_id is not None:
        return RememberedDevice.voucher_id == grant.voucher_id
    return false()


def _delete(db: Session, which: ColumnElement[bool]) -> int:
    result = db.execute(delete(RememberedDevice).where(which), execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101 - what a DELETE returns
    return result.rowcount
