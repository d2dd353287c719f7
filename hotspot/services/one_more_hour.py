"""One more hour for whoever stands at the desk: of a voucher with the visits that go by it, or of a visit without one.

Counted from its end, or from now if that is over; never beyond the closing of the site. Running connections are
lengthened where the gateway can; elsewhere they end when they would have, and the visitor comes back with one tap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, NotFound
from hotspot.models import DeskActionKind, Grant, Site, Voucher
from hotspot.policy.opening_hours import closing_time
from hotspot.policy.voucher_use import AN_HOUR, one_more_hour
from hotspot.services import audit, vouchers
from hotspot.services.desk_actions import GrantBefore, note_about_grant, note_about_vouchers, packed
from hotspot.services.disconnecting import lengthen_sessions_of_grant
from hotspot.services.staff import Scope
from hotspot.values import RefusalReason

STILL_AT_THE_DESK = timedelta(hours=12)
"""What has been over for longer is not begun again: whoever comes another day gets another pass."""
_BY_ITSELF = (RefusalReason.GRANT_ENDED, RefusalReason.SITE_CLOSED)
"""How a visit ends that nobody has ended."""


@dataclass(frozen=True, slots=True)
class HourGiven:
    ends_at: datetime
    site: Site
    """Whose time it is told in."""
    grants: Sequence[Grant]
    """That are longer now."""
    sessions: int
    """Running connections whose gateway is asked."""


def can_be_lengthened(voucher: Voucher, now: datetime) -> bool:
    """Whether the site closes first is not asked here."""
    return voucher.voided_at is None and voucher.ends_at is not None and voucher.ends_at > now - STILL_AT_THE_DESK


def grant_can_be_lengthened(grant: Grant, now: datetime) -> bool:
    return grant.ends_because in _BY_ITSELF and grant.ends_at > now - STILL_AT_THE_DESK


def give_hour_to_voucher(
    db: Session, by: Scope, batch_id: int, number: int, now: datetime, *, seen: datetime | None = None
) -> HourGiven:
    """`seen`: the end that stood beside the button. If it is another by now, the button was pressed twice, or by two
    people, and the second hour is not given."""
    batch = vouchers.get_batch(db, by, batch_id)
    voucher = vouchers.voucher_of(batch, number)
    db.refresh(voucher, with_for_update=True)
    if voucher.voided_at is not None:
        raise Conflict("This voucher is void.")
    if voucher.ends_at is None:
        raise Conflict("Nobody has used this voucher yet: its time begins with its first use.")
    _check(voucher.ends_at, seen, now)
    ended_with_it = Grant.ends_at >= min(now, voucher.ends_at)
    grants = _lock(db, (Grant.voucher_id == voucher.id) & ended_with_it)
    site = grants[-1].site if grants else batch.site
    before, ends_at = voucher.ends_at, one_more_hour(voucher.ends_at, _closing(site, now), now)
    voucher.ends_at = ends_at
    changed = _lengthen(grants, ends_at, now)
    if ends_at == before and not changed:
        raise _closes_first(site, now)
    sessions = _ask(db, by, changed, now)
    note_about_vouchers(
        db,
        by,
        DeskActionKind.HOUR_GIVEN,
        batch,
        now,
        number=number,
        voucher=[voucher.id, before.isoformat(), ends_at.isoformat()],
        grants=packed(changed),
    )
    facts = {"number": number, "until": _local(ends_at, site)}
    subject = f"{batch.site.name} #{batch.id}"
    audit.note(db, by, "voucher.hour_given", subject, facts, now, organisation_id=batch.site.organisation_id)
    return HourGiven(ends_at, site, [grant for _, grant in changed], sessions)


def give_hour_to_grant(
    db: Session, by: Scope, grant_id: UUID, now: datetime, *, seen: datetime | None = None
) -> HourGiven:
    """The visit of a reader, or of a guest. One by voucher goes with its voucher."""
    grant = db.scalar(select(Grant).where(Grant.id == grant_id, Grant.site_id.in_(by.site_ids)))
    if grant is None or grant.voucher_id is not None:
        raise NotFound("visit")
    db.refresh(grant, with_for_update=True)
    if grant.ends_because not in _BY_ITSELF:
        raise Conflict("This visit was ended by somebody: sign in again.")
    _check(grant.ends_at, seen, now)
    _closing(grant.site, now)
    changed = _lengthen([grant], max(grant.ends_at, now) + AN_HOUR, now)
    if not changed:
        raise _closes_first(grant.site, now)
    sessions = _ask(db, by, changed, now)
    note_about_grant(db, by, DeskActionKind.HOUR_GIVEN, grant, now, grants=packed(changed))
    facts = {"until": _local(grant.ends_at, grant.site)}
    audit.note(db, by, "grant.hour_given", grant.site.name, facts, now, organisation_id=grant.site.organisation_id)
    return HourGiven(grant.ends_at, grant.site, [grant], sessions)


def _check(ends_at: datetime, seen: datetime | None, now: datetime) -> None:
    if seen is not None and seen != ends_at:
        raise Conflict("It has changed since this page was shown: look at its end before you give another hour.")
    if ends_at <= now - STILL_AT_THE_DESK:
        raise Conflict("Its time has been over for long: print a new pass.")


def _lock(db: Session, which: ColumnElement[bool]) -> Sequence[Grant]:
    """Those that nobody has ended, the latest last."""
    grants = select(Grant).where(which, Grant.ends_because.in_(_BY_ITSELF)).order_by(Grant.created_at, Grant.id)
    return db.scalars(grants.with_for_update(of=Grant)).all()


def _lengthen(grants: Sequence[Grant], ends_at: datetime, now: datetime) -> list[tuple[GrantBefore, Grant]]:
    """Those that this makes longer, and what they were. Each ends when its own site closes. What their person has used
    up of a day or a week does not eat it: the latest carries that for all of them."""
    changed = []
    for grant in grants:
        before = GrantBefore.of(grant)
        closes_at = closing_time(grant.site.hours, now)
        if closes_at is not None and min(ends_at, closes_at) > grant.ends_at:
            grant.ends_at = min(ends_at, closes_at)
            grant.ends_because = RefusalReason.SITE_CLOSED if closes_at < ends_at else RefusalReason.GRANT_ENDED
        if grant.time_allowed is not None:
            grant.time_allowed += AN_HOUR
        if grant is grants[-1] and any(each.time is not None for each in grant.offer.allowances):
            grant.extra_time += AN_HOUR
        if GrantBefore.of(grant) != before:
            changed.append((before, grant))
    return changed


def _ask(db: Session, by: Scope, changed: Sequence[tuple[GrantBefore, Grant]], now: datetime) -> int:
    db.flush()
    return sum(lengthen_sessions_of_grant(db, grant.id, by, now) for _, grant in changed)


def _closing(site: Site, now: datetime) -> datetime:
    closes_at = closing_time(site.hours, now)
    if closes_at is None:
        raise Conflict("%(site)s is closed now: no time can be given.", site=site.name)
    return closes_at


def _closes_first(site: Site, now: datetime) -> Conflict:
    return Conflict(
        "%(site)s closes at %(time)s: it lasts until then already.",
        site=site.name,
        time=_local(_closing(site, now), site),
    )


def _local(moment: datetime, site: Site) -> str:
    return f"{moment.astimezone(ZoneInfo(site.time_zone)):%H:%M}"
