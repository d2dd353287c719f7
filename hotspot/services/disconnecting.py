"""Staff end connections: one, all of a voucher, of a patron, of a site. And, for services: lengthen those of a grant.

Ending a connection leaves the visit as it is: the device may come back and go on. With `visits_too` the grants end as
well, and it is refused, also if it was remembered. Only wishes are noted here: a connection is over when its gateway
has said so.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, NotFound
from hotspot.models import Grant, Patron, Site, Voucher, WifiSession, WishKind, WishReason
from hotspot.services import audit, vouchers
from hotspot.services.ending_grants import end_grants
from hotspot.services.patrons import get_patron
from hotspot.services.remembering import forget_devices_on
from hotspot.services.sites import get_site
from hotspot.services.staff import Scope
from hotspot.services.wishes import ask


def get_live_session(db: Session, scope: Scope, wifi_session_id: UUID) -> WifiSession:
    """NotFound at a site of somebody else; Conflict once it is over."""
    session = db.get(WifiSession, wifi_session_id)
    if session is None or session.site_id not in scope.site_ids:
        raise NotFound("connection")
    if session.ended_at is not None:
        raise Conflict("This connection has already ended.")
    return session


def end_session(db: Session, by: Scope, wifi_session_id: UUID, now: datetime, *, visits_too: bool) -> WifiSession:
    session = get_live_session(db, by, wifi_session_id)
    count = _end(db, by, WifiSession.id == session.id, now, visits_too=visits_too)
    _note(db, by, session.site, count, now, visits_too=visits_too)
    return session


def end_sessions_of_site(db: Session, by: Scope, site_id: int, now: datetime, *, visits_too: bool) -> int:
    """How many are being ended now."""
    site = get_site(db, by, site_id)
    count = _end(db, by, WifiSession.site_id == site.id, now, visits_too=visits_too)
    _note(db, by, site, count, now, visits_too=visits_too)
    return count


def end_sessions_of_voucher(
    db: Session, by: Scope, batch_id: int, number: int, now: datetime, *, visits_too: bool
) -> int:
    batch = vouchers.get_batch(db, by, batch_id)
    grants = select(Grant.id).where(Grant.voucher_id == vouchers.voucher_of(batch, number).id)
    count = _end(db, by, WifiSession.grant_id.in_(grants), now, visits_too=visits_too)
    _note(db, by, batch.site, count, now, visits_too=visits_too, voucher=f"{batch_id}-{number}")
    return count


def end_sessions_of_patron(db: Session, by: Scope, patron_id: int, now: datetime, *, visits_too: bool) -> int:
    """Those at the staff member's own sites."""
    whose = _of_patron(by, get_patron(db, by, patron_id))
    by_site = db.execute(select(WifiSession.site_id, func.count()).where(_is_live(whose)).group_by(WifiSession.site_id))
    for site_id, count in by_site.all():
        _note(db, by, db.get_one(Site, site_id), count, now, visits_too=visits_too)
    return _end(db, by, whose, now, visits_too=visits_too)


def lengthen_sessions_of_grant(db: Session, grant_id: UUID, by: Scope | Literal["system"], now: datetime) -> int:
    """The grant allows something else than when its sessions began: give them what it allows when the wish is sent.

    How many are asked. A gateway that does not take it ends the session as it would have done.
    """
    return ask(db, WifiSession.grant_id == grant_id, WishKind.CHANGE, WishReason.LENGTHENED, by, now, again=True)


def live_sessions_of_vouchers(db: Session, batch_id: int) -> dict[int, int]:
    """Voucher id -> how many of its connections are live; one without any is left out."""
    rows = db.execute(
        select(Grant.voucher_id, func.count())
        .join(WifiSession, WifiSession.grant_id == Grant.id)
        .join(Voucher, Voucher.id == Grant.voucher_id)
        .where(Voucher.batch_id == batch_id, WifiSession.ended_at.is_(None))
        .group_by(Grant.voucher_id)
    )
    return {voucher_id: count for voucher_id, count in rows if voucher_id is not None}


def count_live_sessions_of_patron(db: Session, scope: Scope, patron: Patron) -> int:
    """At the staff member's own sites."""
    return db.scalar(select(func.count(WifiSession.id)).where(_is_live(_of_patron(scope, patron)))) or 0


def _of_patron(scope: Scope, patron: Patron) -> ColumnElement[bool]:
    grants = select(Grant.id).where(Grant.patron_id == patron.id)
    return WifiSession.grant_id.in_(grants) & WifiSession.site_id.in_(scope.site_ids)


def _is_live(whose: ColumnElement[bool]) -> ColumnElement[bool]:
    return whose & WifiSession.ended_at.is_(None)


def _end(db: Session, by: Scope, whose: ColumnElement[bool], now: datetime, *, visits_too: bool) -> int:
    """How many connections."""
    live = db.execute(select(WifiSession.id, WifiSession.grant_id).where(_is_live(whose))).all()
    if visits_too:
        grant_ids = {grant_id for _, grant_id in live if grant_id is not None}
        end_grants(db, grant_ids, by, now)
        forget_devices_on(db, grant_ids)
    of_these = WifiSession.id.in_([session_id for session_id, _ in live])
    why = WishReason.ENDED_BY_STAFF if visits_too else WishReason.STAFF
    ask(db, of_these, WishKind.DISCONNECT, why, by, now, again=True)
    return len(live)


def _note(
    db: Session, by: Scope, site: Site, count: int, now: datetime, *, visits_too: bool, voucher: str = ""
) -> None:
    """No citizen is named: staff are answerable for how many, where and when."""
    facts: dict[str, object] = {"connections": count, "visits_too": "yes" if visits_too else "no"}
    if voucher:
        facts["voucher"] = voucher
    audit.note(db, by, "wifi_session.ended", site.name, facts, now, organisation_id=site.organisation_id)
