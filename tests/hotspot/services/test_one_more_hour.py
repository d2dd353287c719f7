"""One more hour: of a pass with its visits, of a reader's visit; never beyond closing, never by mistake twice."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import Conflict, NotFound
from hotspot.models import AuditEntry, Grant, OfferAllowance
from hotspot.policy.admission import decide_admission
from hotspot.sealing import Vault
from hotspot.services.one_more_hour import give_hour_to_grant
from hotspot.services.signing_in import SignedIn
from hotspot.settings import Settings
from hotspot.values import Admit, Period, RefusalReason, Way
from tests import factories
from tests.hotspot.services.desk_of_a_library import PHONE, TABLET, Library

HOUR = timedelta(hours=1)


@pytest.fixture
def library(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Iterator[Library]:
    with any_database.transaction() as db:
        yield Library(db, now, vault, settings)


def a_readers_visit(library: Library, **overrides: object) -> Grant:
    offer = factories.make_offer(library.db, site=library.site, way=Way.LIBRARY_CARD)
    patron = factories.make_patron(library.db, organisation=library.site.organisation)
    return factories.make_grant(library.db, offer=offer, nas=library.nas, patron=patron, **overrides)  # type: ignore[arg-type]


def test_a_pass_and_its_visit_last_an_hour_longer(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    factories.make_wifi_session(library.db, grant=grant)
    given = library.gives_hour(voucher)
    assert voucher.ends_at == grant.ends_at == given.ends_at == library.at(13)
    assert (given.sessions, library.wishes()) == (1, [("change", "lengthened")])


def test_two_devices_of_one_pass_both_get_it(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR, devices=2)
    grants = [library.uses(voucher, mac) for mac in (PHONE, TABLET)]
    given = library.gives_hour(voucher)
    assert [grant.ends_at for grant in grants] == [library.at(13)] * 2
    assert {grant.device_mac for grant in given.grants} == {PHONE, TABLET}


def test_what_is_over_begins_again_for_an_hour_from_now(library: Library) -> None:
    voucher = library.a_pass(valid_for=HOUR)
    grant = library.uses(voucher)
    library.now = library.at(11, 30)
    assert library.refusal(voucher) is RefusalReason.VOUCHER_USED
    library.gives_hour(voucher)
    assert grant.ends_at == library.at(12, 30)
    assert library.uses(voucher) is grant


def test_it_never_goes_beyond_closing(library: Library) -> None:
    library.open_from_to(9, 13)
    voucher = library.a_pass(valid_for=timedelta(hours=2, minutes=30))
    grant = library.uses(voucher)
    given = library.gives_hour(voucher)
    assert given.ends_at == grant.ends_at == library.at(13)
    with pytest.raises(Conflict, match=r"closes at") as refused:
        library.gives_hour(voucher)
    assert refused.value.facts == {"site": "Médiathèque", "time": "13:00"}


def test_a_closed_site_gives_nothing(library: Library) -> None:
    voucher = library.a_pass()
    library.uses(voucher)
    library.now = library.at(19)
    with pytest.raises(Conflict, match="is closed now"):
        library.gives_hour(voucher)
    assert voucher.ends_at == library.at(19)


def test_an_hour_of_time_online_comes_with_it(library: Library) -> None:
    library.offer.time_allowed = HOUR
    voucher = library.a_pass()
    grant = library.uses(voucher)
    given = library.gives_hour(voucher)  # the day is theirs already; the time online was not
    assert (grant.time_allowed, given.ends_at) == (2 * HOUR, library.at(19))


@pytest.mark.parametrize("period", [Period.DAY, Period.WEEK])
def test_a_day_or_week_that_is_used_up_does_not_eat_it(library: Library, period: Period) -> None:
    """One hour for the pass, however many devices it is good for."""
    library.offer.allowances = [OfferAllowance(period=period, time=HOUR)]
    voucher = library.a_pass(devices=2)
    grants = [library.uses(voucher, mac) for mac in (PHONE, TABLET)]
    factories.make_wifi_session(library.db, grant=grants[0], session_seconds=3600, ended_at=library.now + HOUR)
    library.now += HOUR
    assert library.refusal(voucher) is RefusalReason.TIME_USED_UP
    library.gives_hour(voucher)
    signed_in = library.tries(voucher)
    assert isinstance(signed_in, SignedIn)
    assert sum((grant.extra_time for grant in grants), start=timedelta(0)) == HOUR
    left = decide_admission(signed_in.login.terms, signed_in.login.usage, library.now)
    assert isinstance(left, Admit)
    assert left.session_timeout == HOUR


def test_where_no_day_is_limited_nothing_is_noted_for_it(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    library.gives_hour(voucher)
    assert grant.extra_time == timedelta(0)


def test_a_button_that_is_pressed_twice_gives_one_hour(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    library.uses(voucher)
    seen = voucher.ends_at
    library.gives_hour(voucher, seen=seen)
    with pytest.raises(Conflict, match="has changed"):
        library.gives_hour(voucher, seen=seen)
    assert voucher.ends_at == library.at(13)


def test_who_asks_again_knowingly_gets_another_hour(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    for _ in range(2):
        library.gives_hour(voucher, seen=voucher.ends_at)
    assert voucher.ends_at == grant.ends_at == library.at(14)


def test_an_unused_a_void_and_a_long_finished_pass_get_nothing(library: Library) -> None:
    unused, void, finished = (library.a_pass() for _ in range(3))
    library.voids(void)
    library.uses(finished)
    library.now += timedelta(days=1)
    for voucher in (unused, void, finished):
        with pytest.raises(Conflict):
            library.gives_hour(voucher)


def test_a_visit_that_staff_have_ended_stays_over(library: Library) -> None:
    voucher = library.a_pass(valid_for=2 * HOUR)
    grant = library.uses(voucher)
    grant.ends_at, grant.ends_because = library.at(10, 30), RefusalReason.ENDED_BY_STAFF
    library.now = library.at(11)
    assert library.gives_hour(voucher).grants == []
    assert grant.ends_at == library.at(10, 30)


def test_yesterdays_device_gets_no_hour_of_today(library: Library) -> None:
    voucher = library.a_pass(until=library.at(23) + timedelta(days=3))
    first = library.uses(voucher)
    library.now += timedelta(days=1)
    with pytest.raises(Conflict, match="closes at"):
        library.gives_hour(voucher)
    assert first.ends_at < library.now


def test_a_readers_visit_lasts_an_hour_longer(library: Library) -> None:
    grant = a_readers_visit(library)
    factories.make_wifi_session(library.db, grant=grant)
    give_hour_to_grant(library.db, library.librarian, grant.id, library.now, seen=grant.ends_at)
    assert grant.ends_at == library.at(13)
    assert library.wishes() == [("change", "lengthened")]
    entry = library.db.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject, entry.facts) == ("grant.hour_given", "Médiathèque", {"until": "13:00"})


def test_a_visit_of_a_blocked_card_gets_nothing(library: Library) -> None:
    grant = a_readers_visit(library, ends_because=RefusalReason.CARD_BLOCKED)
    with pytest.raises(Conflict, match="ended by somebody"):
        give_hour_to_grant(library.db, library.librarian, grant.id, library.now)


def test_a_visit_elsewhere_and_one_by_voucher_are_not_found(library: Library) -> None:
    elsewhere = factories.make_grant(library.db)
    by_voucher = library.uses(library.a_pass())
    for grant_id in (elsewhere.id, by_voucher.id, uuid4()):
        with pytest.raises(NotFound):
            give_hour_to_grant(library.db, library.librarian, grant_id, library.now)


def test_an_hour_on_the_night_the_clocks_change_is_an_hour(library: Library) -> None:
    """Open all night; the clocks go from two to three."""
    library.open_from_to(0, 0)
    library.now = datetime.fromisoformat("2026-03-29T00:30+00:00")
    voucher = library.a_pass(valid_for=HOUR)
    library.uses(voucher)
    assert library.gives_hour(voucher).ends_at == library.now + 2 * HOUR
