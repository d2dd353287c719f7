"""Undo at the desk: by the same person, once, within ten minutes, and only what is still as it was left."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import Conflict, NotFound
from hotspot.models import OfferAllowance, SessionWish, WishState
from hotspot.sealing import Vault
from hotspot.services import vouchers
from hotspot.services.desk_actions import own_actions
from hotspot.services.enforcing import enforce
from hotspot.services.one_more_hour import give_hour_to_grant
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason
from tests import factories
from tests.hotspot.services.desk_of_a_library import PHONE, TABLET, Library

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def library(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Iterator[Library]:
    with any_database.transaction() as db:
        yield Library(db, now, vault, settings)


def test_undoing_a_print_voids_what_nobody_has_used(library: Library) -> None:
    first, *others = library.prints(count=3)
    grant = library.uses(first)
    end = grant.ends_at
    assert library.undoes().count == 2
    assert first.voided_at is None
    assert grant.ends_at == end
    assert all(each.voided_at == library.now for each in others)


def test_a_print_of_which_all_is_used_is_not_undone(library: Library) -> None:
    library.uses(library.a_pass())
    with pytest.raises(Conflict, match="left unused"):
        library.undoes()


def test_undoing_a_voiding_gives_back_the_old_end(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    library.now += MINUTE
    library.voids(voucher)
    assert grant.ends_because is RefusalReason.VOUCHER_VOID
    library.now += MINUTE
    undone = library.undoes()
    assert (voucher.voided_at, voucher.ends_at) == (None, library.at(12))
    assert (grant.ends_at, grant.ends_because) == (library.at(12), RefusalReason.GRANT_ENDED)
    assert list(undone.grants) == [grant]
    assert library.uses(voucher) is grant


def test_undoing_an_hour_takes_it_back_from_the_day_too(library: Library) -> None:
    library.offer.allowances = [OfferAllowance(period=Period.DAY, time=HOUR)]
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    library.gives_hour(voucher)
    assert grant.extra_time == HOUR
    library.undoes()
    assert grant.extra_time == timedelta(0)
    library.gives_hour(voucher)
    assert grant.extra_time == HOUR


def test_whoever_was_not_cut_yet_stays_online(library: Library) -> None:
    """The wish that would be sent again in a minute is withdrawn."""
    voucher = library.a_pass()
    factories.make_wifi_session(library.db, grant=library.uses(voucher))
    library.now += MINUTE
    library.voids(voucher)
    wish = library.db.scalars(select(SessionWish)).one()
    wish.state, wish.due_at = WishState.NO_ANSWER, library.now + MINUTE
    library.undoes()
    library.now += 3 * MINUTE
    assert library.wishes() == []
    assert enforce(library.db, library.now, library.settings) == 0


def test_a_wish_that_was_met_stays_on_record(library: Library) -> None:
    voucher = library.a_pass()
    factories.make_wifi_session(library.db, grant=library.uses(voucher))
    library.now += MINUTE
    library.voids(voucher)
    wish = library.db.scalars(select(SessionWish)).one()
    wish.state, wish.due_at = WishState.ACCEPTED, None
    library.undoes()
    assert library.wishes() == [("disconnect", "voucher_void")]


def test_undoing_an_hour_takes_it_back(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR, devices=2)
    grant = library.uses(voucher)
    factories.make_wifi_session(library.db, grant=grant)
    library.gives_hour(voucher)
    since = library.uses(voucher, TABLET)
    assert since.ends_at == library.at(13)
    library.now += MINUTE
    library.undoes()
    assert voucher.ends_at == grant.ends_at == since.ends_at == library.at(12)
    assert set(library.wishes()) == {("change", "lengthened")}


def test_an_hour_that_was_given_after_the_end_is_over_when_it_is_taken_back(library: Library) -> None:
    voucher = library.a_pass(valid_for=HOUR)
    grant = library.uses(voucher)
    library.now = library.at(11, 30)
    library.gives_hour(voucher)
    factories.make_wifi_session(library.db, grant=grant, started_at=library.now)
    library.now += MINUTE
    library.undoes()
    assert grant.ends_at == voucher.ends_at == library.at(11)
    assert ("disconnect", "grant_ended") in library.wishes()


def test_time_online_is_taken_back_with_the_hour(library: Library) -> None:
    library.offer.time_allowed = HOUR
    voucher = library.a_pass()
    grant = library.uses(voucher)
    library.gives_hour(voucher)
    library.undoes()
    assert grant.time_allowed == HOUR


def test_the_hour_of_a_readers_visit_is_taken_back(library: Library) -> None:
    grant = factories.make_grant(library.db, nas=library.nas, site=library.site)
    end = grant.ends_at
    give_hour_to_grant(library.db, library.librarian, grant.id, library.now)
    library.undoes()
    assert grant.ends_at == end


def test_a_visit_that_staff_ended_meanwhile_stays_over(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    library.gives_hour(voucher)
    library.now += MINUTE
    grant.ends_at, grant.ends_because = library.now, RefusalReason.ENDED_BY_STAFF
    library.undoes()
    assert (grant.ends_at, voucher.ends_at) == (library.now, library.at(12))


def test_nothing_is_undone_twice(library: Library) -> None:
    voucher = library.a_pass()
    library.voids(voucher)
    library.undoes()
    with pytest.raises(Conflict, match="undone already"):
        library.undoes()


def test_what_somebody_else_did_is_not_undone(library: Library) -> None:
    library.a_pass()
    with pytest.raises(Conflict, match="Only the person"):
        library.undoes(by=library.staff_at(library.site))


def test_after_ten_minutes_it_is_too_late(library: Library) -> None:
    library.a_pass()
    library.now += timedelta(minutes=10)
    with pytest.raises(Conflict, match="ten minutes"):
        library.undoes()


def test_the_last_thing_is_undone_first(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    library.uses(voucher)
    library.gives_hour(voucher)
    hour = library.last_action()
    library.now += MINUTE
    library.voids(voucher)
    with pytest.raises(Conflict, match="undo that first"):
        library.undoes(action=hour)
    library.undoes()
    library.undoes(action=hour)
    assert (voucher.voided_at, voucher.ends_at) == (None, library.at(12))


def test_what_was_done_with_another_pass_of_the_batch_does_not_matter(library: Library) -> None:
    first, second = library.prints(count=2)
    library.voids(first)
    voided = library.last_action()
    library.voids(second)
    library.undoes(action=voided)
    assert (first.voided_at, second.voided_at) == (None, library.now)


def test_a_pass_of_a_batch_that_was_taken_back_is_not_made_good(library: Library) -> None:
    first, _ = library.prints(count=2)
    printed = library.last_action()
    library.voids(first)
    voided = library.last_action()
    library.undoes(action=printed)
    with pytest.raises(Conflict):
        library.undoes(action=voided)


def test_another_voiding_from_elsewhere_keeps_an_hour_from_being_undone(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    library.uses(voucher, PHONE)
    library.gives_hour(voucher)
    vouchers.void_batch(library.db, library.librarian, voucher.batch_id, library.now)
    with pytest.raises(Conflict):
        library.undoes()


def test_a_desk_without_rights_there_finds_nothing(library: Library) -> None:
    library.a_pass()
    stranger = library.staff_at(factories.make_site(library.db))
    with pytest.raises(NotFound):
        library.undoes(by=stranger)


def test_everybody_sees_what_they_can_still_undo(library: Library) -> None:
    voucher, _ = library.prints(count=2)
    library.now += 5 * MINUTE
    library.voids(voucher)
    seen = own_actions(library.db, library.librarian, library.now)
    assert [each.kind.value for each in seen] == ["voided", "printed"]
    assert own_actions(library.db, library.staff_at(library.site), library.now) == []
    library.now += 5 * MINUTE
    assert [each.kind.value for each in own_actions(library.db, library.librarian, library.now)] == ["voided"]


def test_a_print_of_which_nothing_is_left_to_take_back_is_not_offered(library: Library) -> None:
    library.uses(library.a_pass())
    assert own_actions(library.db, library.librarian, library.now) == []


def test_all_of_it_is_in_the_audit_log(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    library.uses(voucher)
    library.gives_hour(voucher)
    library.undoes()
    library.voids(voucher)
    library.undoes()
    library.a_pass()
    library.undoes()
    assert library.audited() == [
        "voucher_batch.created",
        "voucher.hour_given",
        "voucher.hour_undone",
        "voucher.voided",
        "voucher.void_undone",
        "voucher_batch.created",
        "voucher_batch.print_undone",
    ]
