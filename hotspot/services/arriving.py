"""A browser arrives from an access point: which NAS, at which site, and what we already know of the device there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.errors import NotFound
from hotspot.models import AccessPoint, Grant, Nas, NasAddress
from hotspot.policy.admission import decide_admission, is_over
from hotspot.policy.opening_hours import LOOK_AHEAD
from hotspot.services.allowances import once_open, terms_of, usage_of
from hotspot.settings import Settings
from hotspot.values import USED_UP, Admit, Refuse


@dataclass(frozen=True, slots=True)
class Place:
    """Where a redirect says that it comes from, as far as we know the NAS. Detached: may outlive its transaction."""

    nas_id: int
    vendor: str
    login_hosts: str
    redirect_secret_sealed: bytes | None
    site_id: int


def find_place(db: Session, vendor: str, nas_identifier: str, called_station_id: str) -> Place | None:
    """The site is the access point's; where that is not known, the NAS's own. None for a NAS that we do not know."""
    found = db.execute(
        select(
            Nas.id,
            Nas.vendor,
            Nas.login_hosts,
            Nas.redirect_secret_sealed,
            Nas.site_id,
            AccessPoint.site_id.label("access_point_site_id"),
        )
        .outerjoin(AccessPoint, (AccessPoint.nas_id == Nas.id) & (AccessPoint.called_station_id == called_station_id))
        .where(Nas.vendor == vendor, Nas.nas_identifier == nas_identifier)
    ).one_or_none()
    if found is None:
        return None
    site_id = found.site_id if found.access_point_site_id is None else found.access_point_site_id
    return Place(found.id, found.vendor, found.login_hosts, found.redirect_secret_sealed, site_id)


def get_redirect_secret(db: Session, nas_id: int) -> bytes | None:
    """Sealed; None where the NAS has none."""
    found = db.execute(select(Nas.redirect_secret_sealed).where(Nas.id == nas_id)).one_or_none()
    if found is None:
        raise NotFound("nas")
    sealed: bytes | None = found.redirect_secret_sealed
    return sealed


def find_nas_address(db: Session, nas_id: int) -> tuple[str, str] | None:
    """(vendor, login hosts), for the way back to a NAS from a page that knows nothing else."""
    found = db.execute(select(Nas.vendor, Nas.login_hosts).where(Nas.id == nas_id)).one_or_none()
    return None if found is None else (found.vendor, found.login_hosts)


def find_nas_behind(db: Session, address: str) -> tuple[str, str] | None:
    """(vendor, login hosts) of the NAS whose packets come from this address; of nested networks, the smallest."""
    try:
        asked = ip_address(address)
    except ValueError:
        return None
    rows = db.execute(select(NasAddress.network, Nas.vendor, Nas.login_hosts).join(Nas))
    around = [(ip_network(network), vendor, hosts) for network, vendor, hosts in rows]
    holding = [each for each in around if each[0].version == asked.version and asked in each[0]]
    if not holding:
        return None
    _, vendor, hosts = max(holding, key=lambda each: each[0].prefixlen)
    return vendor, hosts


def find_live_grant(db: Session, device_mac: str, site_id: int, now: datetime, settings: Settings) -> Grant | None:
    """The device's latest grant at this site that still has something left: it may continue without a form, if need
    be after an announcement."""
    decided = _decided(db, device_mac, site_id, now, settings)
    return next((grant for grant, decision in decided if not is_over(decision)), None)


def find_used_up(db: Session, device_mac: str, site_id: int, now: datetime, settings: Settings) -> Refuse | None:
    """Why a device without a live grant has none, if it has one that would go on, but for what has been used."""
    decisions = (decision for _, decision in _decided(db, device_mac, site_id, now, settings))
    return next((each for each in decisions if isinstance(each, Refuse) and each.reason in USED_UP), None)


def _decided(
    db: Session, device_mac: str, site_id: int, now: datetime, settings: Settings
) -> Iterator[tuple[Grant, Admit | Refuse]]:
    """Of the device's grants here that have not ended, the latest first."""
    grants = db.scalars(
        select(Grant)
        .where(Grant.device_mac == device_mac, Grant.site_id == site_id, Grant.ends_at > now)
        .order_by(Grant.created_at.desc())
        .limit(5)
    )
    for grant in grants:
        decision = decide_admission(terms_of(grant, settings, now), usage_of(db, grant, now, settings), now)
        yield grant, once_open(decision, grant.site.hours)


def lives_of_devices(db: Session, now: datetime) -> dict[str, timedelta]:
    """Every device with a grant that lasts, and how much longer: no grant is longer than LOOK_AHEAD."""
    last = func.max(Grant.ends_at, type_=Grant.ends_at.type)
    rows = db.execute(
        select(Grant.device_mac, last)
        .where(Grant.created_at > now - LOOK_AHEAD - timedelta(days=1), Grant.ends_at > now)
        .group_by(Grant.device_mac)
    )
    return {device_mac: ends_at - now for device_mac, ends_at in rows}
