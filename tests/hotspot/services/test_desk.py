"""Passes from the desk: how long they are good, for how many, and taking them back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import InvalidInput, NotFound
from hotspot.models import AuditEntry, SessionWish, VoucherBatch
from hotspot.sealing import Vault
from hotspot.services import desk
from hotspot.services.one_more_hour import give_hour_to_voucher
from hotspot.settings import Settings
from hotspot.values import RefusalReason
from tests import factories
from tests.hotspot.services.desk_of_a_library import PHONE, TABLET, Library

HOUR = timedelta(hours=1)


@pytest.fixture
def library(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Iterator[Library]:
    with any_database.transaction() as db:
        yield Library(db, now, vault, settings)


def test_a_pass_is_good_until_closing_on_the_day_of_its_first_use(library: Library) -> None:
    voucher = library.a_pass()
    library.now += timedelta(days=1)
    grant = library.uses(voucher)
    assert grant.ends_at == voucher.ends_at == library.at(19)


def test_a_pass_for_the_day_outlasts_the_lunch_break(library: Library) -> None:
    library.open_from_to(9, 12, 14, 18)
    voucher = library.a_pass()
    morning = library.uses(voucher)
    assert (morning.ends_at, morning.ends_because) == (library.at(12), RefusalReason.SITE_CLOSED)
    library.now = library.at(14)
    assert library.uses(voucher).ends_at == library.at(18)


def test_a_pass_for_some_hours_counts_them_from_its_first_use(library: Library) -> None:
    voucher = library.a_pass(valid_for=3 * HOUR)
    library.now = library.at(11)
    assert library.uses(voucher).ends_at == voucher.ends_at == library.at(14)
    library.now = library.at(14)
    assert library.refusal(voucher) is RefusalReason.VOUCHER_USED


def test_a_visit_ends_at_closing_and_what_is_left_of_the_hours_stays(library: Library) -> None:
    library.open_from_to(9, 12, 14, 18)
    voucher = library.a_pass(valid_for=5 * HOUR)
    assert library.uses(voucher).ends_at == library.at(12)
    library.now = library.at(14)
    assert library.uses(voucher).ends_at == library.at(15)


def test_a_pass_until_a_date_ends_each_day_at_closing_and_works_the_next(library: Library) -> None:
    last_day = library.at(23) + timedelta(days=2)
    voucher = library.a_pass(until=last_day)
    assert library.uses(voucher).ends_at == library.at(19)
    assert voucher.ends_at == last_day
    library.now += timedelta(days=1)
    assert library.uses(voucher).ends_at == library.at(19)
    library.now = last_day
    library.open_from_to(0, 0)
    assert library.refusal(voucher) is RefusalReason.VOUCHER_USED


def test_nobody_begins_with_a_pass_after_its_date(library: Library) -> None:
    voucher = library.a_pass(until=library.at(12))
    assert voucher.batch.expires_at == library.at(12)
    library.now = library.at(12)
    assert library.refusal(voucher) is RefusalReason.VOUCHER_EXPIRED


def test_what_was_printed_goes_before_what_the_offer_says(library: Library) -> None:
    library.offer.visit_time, library.offer.devices_at_once = HOUR, 5
    voucher = library.a_pass(valid_for=3 * HOUR, devices=1)
    assert library.uses(voucher).ends_at == library.at(13)
    assert library.refusal(voucher, TABLET) is RefusalReason.VOUCHER_USED


def test_a_pass_is_for_as_many_devices_as_were_asked_for(library: Library) -> None:
    voucher = library.a_pass(devices=2)
    for mac in (PHONE, TABLET):
        library.uses(voucher, mac)
    assert library.refusal(voucher, factories.parse_mac("020000000003")) is RefusalReason.TOO_MANY_DEVICES  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "closes_at"),
    [
        (datetime(2026, 3, 29, 8, tzinfo=UTC), datetime(2026, 3, 29, 17, tzinfo=UTC)),
        (datetime(2026, 10, 25, 8, tzinfo=UTC), datetime(2026, 10, 25, 18, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
def test_closing_is_at_seven_on_the_wall_when_the_clocks_have_changed(
    library: Library, day: datetime, closes_at: datetime
) -> None:
    voucher = library.a_pass(expires_at=day + timedelta(days=30))
    library.now = day
    assert library.uses(voucher).ends_at == closes_at


def test_a_night_that_is_an_hour_short_ends_at_midnight_all_the_same(library: Library) -> None:
    """Open until two in the morning: the pass for the day is over at midnight, whatever the clocks do then."""
    library.open_from_to(10, 2)
    library.now = datetime(2026, 3, 28, 20, tzinfo=UTC)
    voucher = library.a_pass()
    assert library.uses(voucher).ends_at == datetime(2026, 3, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"valid_for": timedelta(0)}, "hours"),
        ({"valid_for": timedelta(days=31)}, "hours"),
        ({"until": factories.NOW}, "until"),
        ({"valid_for": HOUR, "until": factories.NOW + HOUR}, "length"),
        ({"devices": 0}, "devices"),
        ({"devices": 21}, "devices"),
        ({"count": 0}, "count"),
        ({"count": 201}, "count"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_not_printed(library: Library, wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        library.prints(**wanted)
    assert refused.value.field == field
    assert library.db.scalars(select(VoucherBatch)).all() == []


def test_whom_it_is_for_stands_in_no_log(library: Library) -> None:
    voucher = library.a_pass(label="Madame Martin")
    library.uses(voucher)
    library.open_from_to(9, 20)
    library.gives_hour(voucher)
    library.voids(voucher)
    library.undoes()
    written = " ".join(f"{each.subject} {each.facts}" for each in library.db.scalars(select(AuditEntry)))
    assert "Martin" not in written
    assert library.audited() == [
        "voucher_batch.created",
        "voucher.hour_given",
        "voucher.voided",
        "voucher.void_undone",
    ]


def test_the_staff_of_another_site_can_do_nothing_with_it(library: Library) -> None:
    voucher = library.a_pass()
    stranger = library.staff_at(factories.make_site(library.db, organisation=library.site.organisation))
    with pytest.raises(NotFound):
        desk.void_pass(library.db, stranger, voucher.batch_id, 1, library.now)
    with pytest.raises(NotFound):
        give_hour_to_voucher(library.db, stranger, voucher.batch_id, 1, library.now)
    with pytest.raises(NotFound):
        library.undoes(by=stranger)
    assert list(desk.passes_of_late(library.db, stranger, library.now)) == []


def test_the_desk_lists_what_was_printed_of_late_and_what_can_be_done_with_it(library: Library) -> None:
    library.a_pass()
    library.now += timedelta(hours=24)
    used, _ = library.a_pass(), library.prints(count=3)
    grant = library.uses(used)
    factories.make_wifi_session(library.db, grant=grant)
    many, one = desk.passes_of_late(library.db, library.librarian, library.now)
    assert (many.only, many.counts.unused, many.live, many.can_be_lengthened) == (None, 3, 0, False)
    assert (one.only, one.counts.used, one.live, one.can_be_lengthened) == (used, 1, 1, True)
    assert many.can_be_voided
    assert one.can_be_voided


def test_voiding_ends_the_live_connection(library: Library) -> None:
    voucher = library.a_pass()
    factories.make_wifi_session(library.db, grant=library.uses(voucher))
    library.now += HOUR
    library.voids(voucher)
    assert library.wishes() == [("disconnect", "voucher_void")]
    assert library.refusal(voucher) is RefusalReason.VOUCHER_VOID


def test_a_whole_batch_is_voided_and_made_good_again(library: Library) -> None:
    vouchers = library.prints(count=3)
    grant = library.uses(vouchers[0])
    end = grant.ends_at
    library.now += HOUR
    assert desk.void_passes(library.db, library.librarian, vouchers[0].batch_id, library.now) == 3
    undone = library.undoes()
    assert undone.count == 3
    assert grant.ends_at == end
    assert [voucher.voided_at for voucher in vouchers] == [None] * 3
    assert library.db.scalars(select(SessionWish)).all() == []
