"""A wish of the core through `python -m radius` to the pocket access point, which obeys as measured, and back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from hotspot.db import Database
from hotspot.models import ChangeRecord, Grant, Nas, SessionWish, StaffMember, WifiSession, WishKind, WishState
from hotspot.services.disconnecting import end_session, lengthen_sessions_of_grant
from hotspot.services.staff import Scope, find_scope
from hotspot.settings import Settings
from hotspot.values import RefusalReason, TerminateCause
from simulator.access_point import AccessPoint
from simulator.phones import Phone
from simulator.pocket import make_access_point
from tests import factories
from tests.radius.conftest import RadiusProcess, given_login
from tests.simulator.lab import CONFIG, chap, log_on

PATIENCE = 15.0


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


@dataclass(frozen=True)
class Hotspot:
    """A pocket access point that asks our process, with one phone online."""

    database: Database
    gate: AccessPoint
    phone: Phone
    session: WifiSession
    staff: Scope

    def wish(self) -> SessionWish:
        with self.database.reading() as db:
            return db.scalars(select(SessionWish)).one()

    def record(self, kind: WishKind) -> ChangeRecord | None:
        with self.database.reading() as db:
            return db.get(ChangeRecord, (self.session.nas_id, kind))

    def end(self, *, visits_too: bool = False) -> None:
        with self.database.transaction() as db:
            end_session(db, self.staff, self.session.id, datetime.now(UTC), visits_too=visits_too)


@contextmanager
def a_hotspot(process: RadiusProcess, settings: Settings, **changes: object) -> Iterator[Hotspot]:
    config = replace(
        CONFIG, secret=factories.RADIUS_SECRET, auth_port=process.auth_port, acct_port=process.acct_port, **changes
    )
    gate = make_access_point(config)
    gate.start()
    try:
        with process.database.transaction() as db:
            db.execute(update(Nas).values(coa_port=gate.coa_port, vendor=config.brand))
            site = db.get_one(Nas, process.nas_id).site
            member = factories.make_staff(db, organisation=site.organisation, sites=(site,))
        login, phone = given_login(process, settings), gate.phone(factories.DEVICE_MAC)
        if config.brand == "coovachilli":
            gate.capture(phone, "http://probe/")
            log_on(gate, phone, username=login.user_name, response=chap(phone, login.password))
        else:
            query = {"username": login.user_name, "password": login.password}
            gate.brand.answer(gate, phone, "/login", query)
        wait_until(lambda: _session(process.database) is not None)
        session = _session(process.database)
        assert session is not None
        yield Hotspot(process.database, gate, phone, session, _scope(process.database, member))
    finally:
        gate.stop()


def _session(database: Database) -> WifiSession | None:
    with database.reading() as db:
        return db.scalars(select(WifiSession)).one_or_none()


def _scope(database: Database, member: StaffMember) -> Scope:
    with database.reading() as db:
        scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


@pytest.fixture
def hotspot(any_radius_process: RadiusProcess, settings: Settings) -> Iterator[Hotspot]:
    with a_hotspot(any_radius_process, settings) as started:
        yield started


def test_staff_end_a_connection_and_its_stop_confirms_it(hotspot: Hotspot) -> None:
    hotspot.end()

    wait_until(lambda: hotspot.wish().state is WishState.CONFIRMED)
    session, wish, record = _session(hotspot.database), hotspot.wish(), hotspot.record(WishKind.DISCONNECT)
    assert hotspot.phone.connection is None
    assert session is not None
    assert session.terminate_cause is TerminateCause.ADMIN_RESET
    assert (wish.tries, wish.error_cause, wish.due_at) == (1, None, None)
    assert wish.answered_at is not None
    assert record is not None
    assert record.accepted_at is not None


def test_a_visit_that_staff_end_is_over_too(hotspot: Hotspot) -> None:
    hotspot.end(visits_too=True)

    wait_until(lambda: hotspot.wish().state is WishState.CONFIRMED)
    with hotspot.database.reading() as db:
        grant = db.scalars(select(Grant)).one()
    assert grant.ends_because is RefusalReason.ENDED_BY_STAFF
    assert grant.ends_at <= datetime.now(UTC) + timedelta(seconds=1)  # not before it began


def test_a_session_is_lengthened_with_all_its_limits(hotspot: Hotspot) -> None:
    connection = hotspot.phone.connection
    assert connection is not None
    before = connection.limits
    with hotspot.database.transaction() as db:
        grant = db.scalars(select(Grant)).one()
        grant.ends_at += timedelta(hours=1)
        lengthen_sessions_of_grant(db, grant.id, hotspot.staff, datetime.now(UTC))

    wait_until(lambda: hotspot.wish().state is WishState.ACCEPTED)
    after = connection.limits
    assert 3590 <= after.session_timeout - before.session_timeout <= 3610
    assert replace(after, session_timeout=before.session_timeout) == before


def test_a_gateway_that_has_lost_the_session_says_that_it_is_gone(hotspot: Hotspot) -> None:
    hotspot.phone.connection = None  # forgotten without a Stop, as after a loss of power

    hotspot.end()

    wait_until(lambda: hotspot.wish().state is WishState.GONE)
    record = hotspot.record(WishKind.DISCONNECT)
    assert record is not None
    assert record.refused_at is not None


def test_mikrotik_finds_the_session_by_its_names(radius_process: RadiusProcess, settings: Settings) -> None:
    with a_hotspot(radius_process, settings, brand="mikrotik", chap=False) as hotspot:
        hotspot.end()

        wait_until(lambda: hotspot.wish().state is WishState.CONFIRMED)
        assert hotspot.phone.connection is None
