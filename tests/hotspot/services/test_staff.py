"""Staff accounts: the lock, the scope, making and changing one. On both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry, Role, StaffMember
from hotspot.services.staff import (
    create_staff,
    find_scope,
    organisation_subtree,
    reset_password,
    retire_staff,
    sign_in_staff,
)
from tests.factories import PASSWORD, make_organisation, make_site, make_staff

WRONG = "not the password at all"


def fail(db: Session, member: StaffMember, now: datetime, times: int = 1) -> None:
    for _ in range(times):
        assert sign_in_staff(db, member.email, WRONG, now) is None


@pytest.mark.integration
def test_five_failures_lock_for_a_minute_and_each_further_one_doubles_it(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        member = make_staff(db)
        locks = []
        fail(db, member, now, times=4)
        assert member.locked_until is None
        for _ in range(9):
            fail(db, member, now)
            assert member.locked_until is not None
            locks.append(int((member.locked_until - now) / timedelta(minutes=1)))
            now = member.locked_until

    assert locks == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_locked_account_refuses_the_right_password_until_then(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        member = make_staff(db)
        fail(db, member, now, times=5)

        assert sign_in_staff(db, member.email, PASSWORD, now + timedelta(seconds=59)) is None
        assert sign_in_staff(db, member.email, PASSWORD, now + timedelta(seconds=60)) is not None


def test_trying_while_locked_makes_the_lock_no_longer(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        member = make_staff(db)
        fail(db, member, now, times=20)

        assert sign_in_staff(db, member.email, PASSWORD, now + timedelta(minutes=1)) is not None


def test_the_right_password_forgets_the_failures(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        member = make_staff(db)
        fail(db, member, now, times=4)
        sign_in_staff(db, member.email, PASSWORD, now)
        fail(db, member, now, times=4)

        assert member.locked_until is None


@pytest.mark.parametrize("password", ["", "x" * 100_000, PASSWORD + "x", "\x00", "é" * 50])
def test_any_other_password_is_wrong(database: Database, now: datetime, password: str) -> None:
    with database.transaction() as db:
        assert sign_in_staff(db, make_staff(db).email, password, now) is None


@pytest.mark.integration
def test_a_scope_is_the_organisation_with_all_below_it(any_database: Database) -> None:
    with any_database.transaction() as db:
        metropolis = make_organisation(db)
        commune = make_organisation(db, parent=metropolis)
        district = make_organisation(db, parent=commune)
        make_organisation(db, parent=metropolis)
        sites = [make_site(db, organisation=each) for each in (metropolis, commune, district)]
        member = make_staff(db, organisation=commune)

        scope = find_scope(db, member.id, member.session_key)

        assert scope is not None
        assert scope.organisation_ids == {commune.id, district.id}
        assert scope.site_ids == {sites[1].id, sites[2].id}
        assert len(organisation_subtree(db, metropolis.id)) == 4


def test_a_librarian_has_the_sites_given_while_they_are_the_organisations(database: Database) -> None:
    with database.transaction() as db:
        site = make_site(db)
        make_site(db, organisation=site.organisation)
        moved_away = make_site(db)
        member = make_staff(db, role=Role.LIBRARIAN, sites=(site, moved_away))

        scope = find_scope(db, member.id, member.session_key)

        assert scope is not None
        assert scope.site_ids == {site.id}


def test_another_session_key_has_no_scope(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        member = make_staff(db)
        old = member.session_key
        reset_password(db, member.email, "quite another password", now)

        assert find_scope(db, member.id, old) is None
        assert find_scope(db, member.id, member.session_key) is not None
        assert sign_in_staff(db, member.email, "quite another password", now) is not None


def test_a_retired_account_is_nobodys(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        member = make_staff(db)
        retire_staff(db, member.email, now)

        assert find_scope(db, member.id, member.session_key) is None
        assert sign_in_staff(db, member.email, PASSWORD, now) is None
        with pytest.raises(NotFound):
            reset_password(db, member.email, PASSWORD, now)


def test_an_account_is_made_and_written_in_the_log(database: Database, now: datetime) -> None:
    with database.transaction() as db:
        site = make_site(db)
        create_staff(
            db,
            organisation_id=site.organisation_id,
            email=" Camille@Commune.TEST ",
            password="a long enough one",
            role=Role.LIBRARIAN,
            now=now,
            site_ids=[site.id],
        )

        assert sign_in_staff(db, "camille@commune.test", "a long enough one", now) is not None
        entry = db.query(AuditEntry).one()
        assert (entry.action, entry.subject, entry.facts) == (
            "staff.created",
            "camille@commune.test",
            {"role": "librarian"},
        )


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"email": "camille"}, InvalidInput),
        ({"email": "a b@c.test"}, InvalidInput),
        ({"email": "a@" + "b" * 260}, InvalidInput),
        ({"password": "short"}, InvalidInput),
        ({"password": "x" * 201}, InvalidInput),
        ({"role": Role.LIBRARIAN}, InvalidInput),
        ({"organisation_id": 999}, NotFound),
        ({"site_ids": [999]}, NotFound),
        ({"email": "taken@commune.test"}, Conflict),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    database: Database, now: datetime, overrides: dict[str, object], error: type[Exception]
) -> None:
    with database.transaction() as db:
        organisation = make_organisation(db)
        make_staff(db, organisation=organisation, email="taken@commune.test")
        fields = {
            "organisation_id": organisation.id,
            "email": "camille@commune.test",
            "password": "a long enough one",
            "role": Role.ADMINISTRATOR,
            "now": now,
        }

        with pytest.raises(error):
            create_staff(db, **fields | overrides)  # type: ignore[arg-type]


def test_a_site_of_another_organisation_cannot_be_given(database: Database, now: datetime) -> None:
    with database.transaction() as db, pytest.raises(NotFound):
        create_staff(
            db,
            organisation_id=make_organisation(db).id,
            email="camille@commune.test",
            password="a long enough one",
            role=Role.LIBRARIAN,
            now=now,
            site_ids=[make_site(db).id],
        )
