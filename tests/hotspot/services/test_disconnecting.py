"""Staff end connections at their own sites, and what that does to the visit; withdrawing leave cuts who is online."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, NotFound
from hotspot.models import AuditEntry, Grant, RememberedDevice, Role, SessionWish, WifiSession, WishKind, WishReason
from hotspot.services import disconnecting
from hotspot.services.patrons import block_patron
from hotspot.services.remembering import remember_device
from hotspot.services.staff import Scope, find_scope
from hotspot.services.vouchers import void_batch, void_voucher
from hotspot.values import RefusalReason, Way
from tests import factories


def scope_at(db: Session, *sessions: WifiSession) -> Scope:
    """A librarian of these sessions' sites."""
    sites = tuple({session.site for session in sessions})
    member = factories.make_staff(db, sites=sites, role=Role.LIBRARIAN)
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


def online(db: Session, **grant: object) -> WifiSession:
    return factories.make_wifi_session(db, grant=factories.make_grant(db, **grant))  # type: ignore[arg-type]


def reasons(db: Session) -> list[tuple[WishKind, WishReason]]:
    return [(each.kind, each.why) for each in db.scalars(select(SessionWish).order_by(SessionWish.id))]


def test_ending_a_connection_leaves_the_visit(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = online(db)
        scope = scope_at(db, session)
        before = db.scalars(select(Grant.ends_at)).one()
        disconnecting.end_session(db, scope, session.id, now, visits_too=False)

        wish = db.scalars(select(SessionWish)).one()
        assert (wish.why, wish.asked_by) == (WishReason.STAFF, scope.email)
        assert db.scalars(select(Grant.ends_at)).one() == before


@pytest.mark.parametrize("visits_too", [True, False])
def test_a_device_whose_visit_was_ended_has_to_sign_in_again(
    any_database: Database, now: datetime, visits_too: bool
) -> None:
    """Else its access point would let it in by its address at once."""
    with any_database.transaction() as db:
        offer = factories.make_offer(db, way=Way.LIBRARY_CARD, remember_for=timedelta(days=30))
        grants = [
            factories.make_grant(
                db,
                offer=offer,
                device_mac=mac,
                patron=factories.make_patron(db, organisation=offer.organisation),
            )
            for mac in ("020000000001", "020000000002")
        ]
        assert all(remember_device(db, grant, now) for grant in grants)
        session = factories.make_wifi_session(db, grant=grants[0])
        disconnecting.end_session(db, scope_at(db, session), session.id, now, visits_too=visits_too)

        left = set(db.scalars(select(RememberedDevice.device_mac)))
        assert left == ({"020000000002"} if visits_too else {"020000000001", "020000000002"})


def test_ending_the_visit_ends_its_other_connections_too(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = online(db)
        factories.make_wifi_session(db, grant=session.grant)
        disconnecting.end_session(db, scope_at(db, session), session.id, now, visits_too=True)

        assert reasons(db) == [(WishKind.DISCONNECT, WishReason.ENDED_BY_STAFF)] * 2
        assert session.grant is not None
        assert session.grant.ends_because is RefusalReason.ENDED_BY_STAFF


def test_the_audit_log_says_where_and_names_nobody(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = online(db)
        disconnecting.end_session(db, scope_at(db, session), session.id, now, visits_too=False)
        entry = db.scalars(select(AuditEntry)).one()

    assert (entry.action, entry.subject) == ("wifi_session.ended", session.site.name)
    assert entry.facts == {"connections": 1, "visits_too": "no"}


def test_what_is_elsewhere_is_not_there(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        theirs, mine = online(db), online(db)
        scope = scope_at(db, mine)
        for wifi_session_id in (theirs.id, uuid4()):
            with pytest.raises(NotFound):
                disconnecting.end_session(db, scope, wifi_session_id, now, visits_too=True)
        with pytest.raises(NotFound):
            disconnecting.end_sessions_of_site(db, scope, theirs.site_id, now, visits_too=True)
        assert reasons(db) == []


def test_what_is_over_cannot_be_ended(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = online(db)
        session.ended_at = now
        with pytest.raises(Conflict):
            disconnecting.end_session(db, scope_at(db, session), session.id, now, visits_too=False)


def test_a_whole_site_is_ended_with_those_of_no_grant(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = online(db)
        factories.make_wifi_session(db, nas=session.nas)
        online(db)
        count = disconnecting.end_sessions_of_site(db, scope_at(db, session), session.site_id, now, visits_too=True)
        assert count == 2
        assert len(reasons(db)) == 2


def test_all_connections_of_a_voucher_are_ended(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        voucher = factories.make_voucher(db, offer=factories.make_offer(db, way=Way.VOUCHER))
        session = online(db, voucher=voucher, offer=voucher.batch.offer)
        factories.make_wifi_session(db, grant=session.grant)
        scope = scope_at(db, session)
        assert disconnecting.live_sessions_of_vouchers(db, voucher.batch_id) == {voucher.id: 2}
        assert disconnecting.end_sessions_of_voucher(db, scope, voucher.batch_id, 1, now, visits_too=False) == 2
        assert reasons(db) == [(WishKind.DISCONNECT, WishReason.STAFF)] * 2


def test_all_connections_of_a_patron_at_own_sites_are_ended(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = online(db)
        patron = factories.make_patron(db, organisation=session.site.organisation)
        assert session.grant is not None
        session.grant.patron = patron
        online(db, patron=patron)
        scope = scope_at(db, session)
        assert disconnecting.end_sessions_of_patron(db, scope, patron.id, now, visits_too=False) == 1


def test_voiding_a_voucher_cuts_who_is_online_with_it(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        voucher = factories.make_voucher(db, offer=factories.make_offer(db, way=Way.VOUCHER))
        session = online(db, voucher=voucher, offer=voucher.batch.offer)
        void_voucher(db, scope_at(db, session), voucher.batch_id, 1, now)
        assert reasons(db) == [(WishKind.DISCONNECT, WishReason.VOUCHER_VOID)]


def test_voiding_a_batch_cuts_who_is_online_with_any_of_it(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        batch = factories.make_voucher_batch(db, offer=factories.make_offer(db, way=Way.VOUCHER))
        first, second, other = (factories.make_voucher(db, batch=each) for each in (batch, batch, None))
        session = online(db, voucher=first, offer=batch.offer)
        online(db, voucher=second, offer=batch.offer)
        online(db, voucher=other, offer=other.batch.offer)
        void_batch(db, scope_at(db, session), batch.id, now)
        assert reasons(db) == [(WishKind.DISCONNECT, WishReason.VOUCHER_VOID)] * 2


def test_blocking_a_card_cuts_who_is_online_with_it(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        session = online(db)
        patron = factories.make_patron(db, organisation=session.site.organisation)
        assert session.grant is not None
        session.grant.patron = patron
        db.flush()
        block_patron(db, scope_at(db, session), patron.id, now)
        assert reasons(db) == [(WishKind.DISCONNECT, WishReason.CARD_BLOCKED)]


def test_the_sessions_of_a_grant_are_lengthened(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        session = online(db)
        factories.make_wifi_session(db, grant=session.grant, ended_at=now)
        assert session.grant_id is not None
        assert disconnecting.lengthen_sessions_of_grant(db, session.grant_id, "system", now) == 1
        assert reasons(db) == [(WishKind.CHANGE, WishReason.LENGTHENED)]
