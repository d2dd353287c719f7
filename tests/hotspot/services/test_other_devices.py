"""Which other devices of a person are online, and signing one of them out: never anybody else's."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import Grant, SessionWish, WifiSession, WishKind, WishReason, WishState
from hotspot.services.other_devices import devices_online, sign_out_other
from tests import factories

PHONE, TABLET, LAPTOP = "020000000001", "020000000002", "020000000003"


def a_visit(db: Session, mac: str, **overrides: Any) -> Grant:
    grant = factories.make_grant(db, device_mac=mac, **overrides)
    factories.make_wifi_session(db, grant=grant)
    return grant


def online(db: Session, grant: Grant, now: datetime) -> list[UUID]:
    return [each.wifi_session_id for each in devices_online(db, grant, now)]


def session_of(db: Session, grant: Grant) -> UUID:
    return db.scalars(select(WifiSession.id).where(WifiSession.grant_id == grant.id)).one()


@pytest.mark.parametrize("known_by", ["patron", "visitor"])
def test_a_person_sees_the_other_devices_wherever_they_are(
    any_database: Database, now: datetime, known_by: str
) -> None:
    with any_database.transaction() as db:
        person = {known_by: factories.make_patron(db) if known_by == "patron" else factories.make_visitor(db)}
        here, there = a_visit(db, PHONE, **person), a_visit(db, TABLET, **person)
        a_visit(db, LAPTOP)
        found = devices_online(db, here, now)
        assert [(each.wifi_session_id, each.site, each.is_ending) for each in found] == [
            (session_of(db, there), there.site.name, False)
        ]


def test_one_that_is_signed_out_is_asked_to_leave_and_said_to(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        patron = factories.make_patron(db)
        here, there = a_visit(db, PHONE, patron=patron), a_visit(db, TABLET, patron=patron)
        assert sign_out_other(db, here, session_of(db, there), now)
        assert not sign_out_other(db, here, session_of(db, there), now)
        wish = db.scalars(select(SessionWish)).one()
        assert (wish.wifi_session_id, wish.kind, wish.why) == (
            session_of(db, there),
            WishKind.DISCONNECT,
            WishReason.SIGNED_OUT,
        )
        assert [each.is_ending for each in devices_online(db, here, now)] == [True]
        wish.state, wish.due_at = WishState.NO_ANSWER, None
        assert [each.is_ending for each in devices_online(db, here, now)] == [False]
        assert there.ends_at > now


@pytest.mark.parametrize(
    "kind", ["guest", "voucher", "by address", "visit over", "another person", "itself", "over", "none"]
)
def test_nothing_else_is_seen_or_signed_out(any_database: Database, now: datetime, kind: str) -> None:
    with any_database.transaction() as db:
        patron = factories.make_patron(db)
        mine: dict[str, Any] = {"patron": patron}
        theirs: dict[str, Any] = {"patron": patron}
        match kind:
            case "guest":
                mine = theirs = {}
            case "voucher":
                mine = theirs = {"voucher": factories.make_voucher(db)}
            case "by address":
                mine["by_mac"] = True
            case "visit over":
                mine |= {"created_at": now - timedelta(hours=3), "ends_at": now}
            case "another person":
                theirs = {"patron": factories.make_patron(db)}
        here = a_visit(db, PHONE, **mine)
        there = a_visit(db, PHONE if kind == "itself" else TABLET, **theirs)
        if kind == "over":
            db.get_one(WifiSession, session_of(db, there)).ended_at = now
            db.flush()
        assert online(db, here, now) == ([session_of(db, there)] if kind == "none" else [])
        assert not sign_out_other(db, here, uuid4() if kind == "none" else session_of(db, there), now)
        assert not db.scalars(select(SessionWish)).all()
