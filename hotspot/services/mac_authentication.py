"""A NAS asks about a device by its address alone: is it in the middle of a visit, or does its person want it to be let
in without typing? Nothing is proven by an address; docs/radius.md says what that means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import Grant
from hotspot.models.grant import ENDED_EARLY
from hotspot.sealing import Vault
from hotspot.services.arriving import find_live_grant
from hotspot.services.remembering import find_remembered
from hotspot.services.signing_in import Entered, Remembered, SignInRequest, enter, enter_again
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """Where a NAS has seen which device."""

    nas_id: int
    site_id: int
    device_mac: MacAddress


def admit_device(db: Session, seen: DeviceSeen, now: datetime, *, vault: Vault, settings: Settings) -> Entered | Refuse:
    """A visit that is not over goes on. Else all rules of a sign-in hold, but that nothing is typed."""
    grant = find_live_grant(db, seen.device_mac, seen.site_id, now, settings)
    if grant is not None:
        return enter_again(db, grant, now, settings)
    remembered = find_remembered(db, seen.device_mac, seen.site_id, now)
    if remembered is None:
        return Refuse(RefusalReason.DEVICE_NOT_REMEMBERED)
    request = SignInRequest(
        nas_id=seen.nas_id,
        site_id=seen.site_id,
        device_mac=seen.device_mac,
        offer_id=remembered.offer_id,
        credential=Remembered(remembered),
        terms_version=remembered.terms_version,
        language=remembered.language,
    )
    entered = enter(db, request, now, vault=vault, settings=settings)
    if not isinstance(entered, Refuse):
        remembered.last_used_at = now
    return entered


def visits_ended_early(db: Session, since: datetime) -> Sequence[tuple[int, str]]:
    """Site and device of each grant that somebody has ended since then: a card was blocked, a voucher withdrawn. What
    `KnownDevices` knows of them is to be forgotten before the database is away."""
    rows = db.execute(select(Grant.site_id, Grant.device_mac).where(ENDED_EARLY, Grant.ends_at >= since))
    return [(site_id, device_mac) for site_id, device_mac in rows]
