"""One pass for each person and device a day: asked for, opened, proven, granted, shared, refused."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    Grant,
    Offer,
    OfferAllowance,
    OpeningInterval,
    PassRequest,
    PassState,
    SessionWish,
    Site,
    Visitor,
    WishKind,
)
from hotspot.sealing import Vault
from hotspot.services.passes import (
    MOST_IN_VAIN,
    OPENING,
    Contact,
    PassAsk,
    begin_request,
    enter,
    find_waiting,
    grant_pass,
    lengthen_late_starts,
    open_for_a_while,
    prove,
)
from hotspot.services.signing_in import SignedIn
from hotspot.settings import Settings
from hotspot.values import MacAddress, Period, RefusalReason, Refuse, Way
from tests import factories

PHONE, TABLET = MacAddress("020000000001"), MacAddress("020000000002")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MARIE, PAUL = Contact("marie@example.org", "marie@example.org"), Contact("paul@example.org", "paul@example.org")


class Square:
    """A site with one offer of passes by mail, and a clock that tests move."""

    def __init__(self, db: Session, now: datetime, vault: Vault, settings: Settings) -> None:
        self.db, self.now, self.vault, self.settings = db, now, vault, settings
        self.site = factories.make_site(db)
        self.nas = factories.make_nas(db, site=self.site)
        self.offer = self.make_offer()

    def make_offer(self, **overrides: Any) -> Offer:
        fields: dict[str, Any] = {"way": Way.EMAIL_CODE, "visit_time": None}
        return factories.make_offer(self.db, site=self.site, **fields | overrides)

    def another_site(self) -> Site:
        site = factories.make_site(self.db, organisation=self.site.organisation)
        self.offer.sites.append(site)
        self.db.flush()
        return site

    def ask(self, contact: Contact | None = MARIE, **changed: Any) -> PassRequest | Refuse:
        ask = PassAsk(
            nas_id=self.nas.id,
            site_id=self.site.id,
            device_mac=PHONE,
            offer_id=self.offer.id,
            terms_version=1,
            language="fr",
            device_family="ios",
        )
        ask = replace(ask, **changed)
        way = self.db.get_one(Offer, ask.offer_id).way
        return begin_request(self.db, ask, way, contact, self.now, life=10 * MINUTE, vault=self.vault)

    def asked(self, contact: Contact | None = MARIE, **changed: Any) -> PassRequest:
        request = self.ask(contact, **changed)
        assert isinstance(request, PassRequest), request
        return request

    def open(self, request: PassRequest) -> Grant | None:
        return open_for_a_while(self.db, request, self.now, self.settings)

    def prove(self, request: PassRequest, contact: Contact | None = None) -> Grant | Refuse:
        prove(self.db, request, self.now, self.vault, contact)
        return grant_pass(self.db, request, self.now, self.settings)

    def passed(self, contact: Contact = MARIE, **changed: Any) -> Grant:
        """All the way."""
        grant = self.prove(self.asked(contact, **changed))
        assert isinstance(grant, Grant), grant
        return grant

    def count(self, table: Any) -> int:
        return self.db.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def square(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Any:
    with any_database.transaction() as db:
        yield Square(db, now, vault, settings)


# ---- asking ----


def test_nobody_is_known_before_something_is_proven(square: Square) -> None:
    request = square.asked()
    assert (request.state, request.visitor_id, square.count(Visitor)) == (PassState.WAITING, None, 0)
    assert request.contact_sealed is not None
    assert b"marie" not in request.contact_sealed


def test_without_the_terms_nothing_is_asked(square: Square) -> None:
    assert square.ask(terms_version=None) == Refuse(RefusalReason.TERMS_NOT_ACCEPTED)
    assert square.count(PassRequest) == 0


def test_at_a_closed_place_it_says_when_it_opens(square: Square) -> None:
    square.site.opening_intervals = [OpeningInterval(weekday=2, opens_at=time(9), closes_at=time(18))]
    square.db.flush()
    assert square.ask() == Refuse(RefusalReason.SITE_CLOSED, again_at=datetime(2026, 3, 11, 8, tzinfo=UTC))


@pytest.mark.parametrize("wrong", ["retired", "elsewhere", "another way"])
def test_an_offer_that_is_not_here_gives_nothing(square: Square, wrong: str) -> None:
    match wrong:
        case "retired":
            square.offer.retired_at = square.now
        case "elsewhere":
            square.offer.sites = [factories.make_site(square.db)]
        case _:
            square.offer = square.make_offer(way=Way.ONE_TAP)
    square.db.flush()
    ask = PassAsk(square.nas.id, square.site.id, PHONE, square.offer.id, 1, "fr")
    answer = begin_request(square.db, ask, Way.EMAIL_CODE, MARIE, square.now, life=HOUR, vault=square.vault)
    assert answer == Refuse(RefusalReason.OFFER_NOT_HERE)


def test_the_same_contact_once_more_is_the_same_request(square: Square) -> None:
    assert square.asked().id == square.asked().id


def test_another_contact_takes_the_place_of_the_first(square: Square) -> None:
    first, second = square.asked(), square.asked(PAUL)
    square.db.refresh(first)
    assert (first.state, second.state) == (PassState.REPLACED, PassState.WAITING)
    found = find_waiting(square.db, PHONE, square.site.id, square.now)
    assert found is not None
    assert found.id == second.id


def test_a_request_is_waited_for_until_it_expires(square: Square) -> None:
    square.asked()
    assert find_waiting(square.db, PHONE, square.site.id, square.now + 9 * MINUTE) is not None
    assert find_waiting(square.db, PHONE, square.site.id, square.now + 10 * MINUTE) is None
    assert find_waiting(square.db, TABLET, square.site.id, square.now) is None


# ---- the opening ----


def test_the_opening_lasts_ten_minutes_and_says_why_it_ends(square: Square) -> None:
    grant = square.open(square.asked())
    assert grant is not None
    assert (grant.ends_at, grant.ends_because) == (square.now + OPENING, RefusalReason.PROOF_AWAITED)
    assert grant.visitor_id is None


def test_there_is_one_opening_a_day_for_a_device(square: Square) -> None:
    square.open(square.asked())
    square.now += HOUR
    assert square.open(square.asked()) is None
    assert square.open(square.asked(device_mac=TABLET)) is not None
    square.now = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)  # half past midnight
    assert square.open(square.asked()) is not None


def test_openings_that_lead_to_nothing_are_not_given_without_end(square: Square) -> None:
    """Somebody who changes the address of the device, and invents one of mail, for ten minutes after ten minutes."""
    over = {"offer": square.offer, "nas": square.nas, "way": Way.EMAIL_CODE, "created_at": square.now - 30 * MINUTE}
    for number in range(MOST_IN_VAIN):
        factories.make_grant(square.db, device_mac=f"0200000100{number:02x}", ends_at=square.now - 20 * MINUTE, **over)
    request = square.asked()
    assert square.open(request) is None
    square.now += 31 * MINUTE
    assert square.open(request) is not None


def test_a_mistyped_address_does_not_cost_the_opening(square: Square) -> None:
    first = square.open(square.asked(PAUL))
    square.now += MINUTE
    assert first is not None
    assert square.open(square.asked()) is first
    assert square.count(Grant) == 1


def test_an_opening_ends_when_the_place_closes(square: Square) -> None:
    square.site.opening_intervals = [OpeningInterval(weekday=1, opens_at=time(9), closes_at=time(10, 5))]
    square.db.flush()
    grant = square.open(square.asked())
    assert grant is not None
    assert grant.ends_at == square.now + 5 * MINUTE


def test_there_is_no_opening_of_less_than_a_minute(square: Square) -> None:
    square.site.opening_intervals = [OpeningInterval(weekday=1, opens_at=time(9), closes_at=time(10, 0, 50))]
    square.db.flush()
    assert square.open(square.asked()) is None


# ---- the pass ----


def test_the_opening_becomes_the_pass_and_its_session_is_lengthened(square: Square) -> None:
    request = square.asked()
    opening = square.open(request)
    assert opening is not None
    factories.make_wifi_session(square.db, grant=opening)
    square.now += 3 * MINUTE
    grant = square.prove(request)
    assert grant is opening
    assert (opening.ends_at, opening.ends_because) == (
        datetime(2026, 3, 10, 23, tzinfo=UTC),
        RefusalReason.GRANT_ENDED,
    )
    assert opening.visitor_id == request.visitor_id
    wish = square.db.scalars(select(SessionWish)).one()
    assert (wish.kind, wish.asked_by) == (WishKind.CHANGE, "system")


def test_an_opening_that_is_over_becomes_the_pass_all_the_same(square: Square) -> None:
    request = square.asked()
    square.open(request)
    square.now += 9 * MINUTE
    request.expires_at += 10 * MINUTE
    square.now += 5 * MINUTE
    grant = square.prove(request)
    assert isinstance(grant, Grant)
    assert grant.ends_at > square.now + HOUR


def test_a_session_that_began_late_is_lengthened_once(square: Square) -> None:
    """Its Start reached us after the code did."""
    request = square.asked()
    opening = square.open(request)
    square.now += MINUTE
    square.prove(request)
    assert lengthen_late_starts(square.db, square.now) == 0
    factories.make_wifi_session(square.db, grant=opening)
    assert lengthen_late_starts(square.db, square.now + MINUTE) == 1
    assert lengthen_late_starts(square.db, square.now + 2 * MINUTE) == 0


def test_a_session_that_began_with_its_pass_is_left_alone(square: Square) -> None:
    factories.make_wifi_session(square.db, grant=square.passed())
    assert lengthen_late_starts(square.db, square.now + MINUTE) == 0


def test_without_an_opening_the_device_is_let_in_with_the_pass(square: Square) -> None:
    request = square.asked()
    prove(square.db, request, square.now, square.vault)
    signed_in = enter(square.db, request, square.nas.id, square.now, square.settings)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.grant.visitor_id == request.visitor_id
    assert request.state is PassState.GRANTED


def test_asked_again_it_is_the_same_pass(square: Square) -> None:
    request = square.asked()
    assert square.prove(request) is grant_pass(square.db, request, square.now, square.settings)
    assert square.count(Grant) == 1


def test_asked_for_anew_while_it_lasts_it_is_the_same_pass(square: Square) -> None:
    grant = square.passed()
    assert grant_pass(square.db, square.asked(), square.now + 30 * MINUTE, square.settings) is grant


def test_it_ends_at_closing_time(square: Square) -> None:
    square.site.opening_intervals = [OpeningInterval(weekday=1, opens_at=time(9), closes_at=time(18))]
    square.db.flush()
    assert square.passed().ends_at == datetime(2026, 3, 10, 17, tzinfo=UTC)


def test_after_the_midday_break_it_goes_on_without_a_code(square: Square) -> None:
    square.site.opening_intervals = [
        OpeningInterval(weekday=1, opens_at=time(9), closes_at=time(12)),
        OpeningInterval(weekday=1, opens_at=time(13), closes_at=time(18)),
    ]
    square.db.flush()
    assert square.passed().ends_at == datetime(2026, 3, 10, 11, tzinfo=UTC)
    square.now = datetime(2026, 3, 10, 12, 5, tzinfo=UTC)
    again = square.asked()
    assert again.state is PassState.PROVEN
    signed_in = enter(square.db, again, square.nas.id, square.now, square.settings)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.grant.ends_at == datetime(2026, 3, 10, 17, tzinfo=UTC)


def test_at_a_second_site_it_goes_on_without_a_code_and_not_for_longer(square: Square) -> None:
    square.offer.visit_time = 2 * HOUR
    first = square.passed()
    square.now += HOUR
    second = square.asked(site_id=square.another_site().id)
    assert second.state is PassState.PROVEN
    grant = grant_pass(square.db, second, square.now, square.settings)
    assert isinstance(grant, Grant)
    assert (grant.id != first.id, grant.ends_at) == (True, first.ends_at)


TOMORROW = datetime(2026, 3, 10, 23, tzinfo=UTC)
"""Midnight in Paris."""


def test_a_device_has_one_pass_a_day(square: Square) -> None:
    square.offer.visit_time = HOUR
    square.passed()
    square.now += HOUR
    assert square.ask(PAUL) == Refuse(RefusalReason.PASS_USED_TODAY, again_at=TOMORROW)
    square.now = TOMORROW
    assert square.asked().state is PassState.WAITING


def test_another_offer_is_no_second_pass(square: Square) -> None:
    square.offer.visit_time = HOUR
    square.passed()
    other = square.make_offer(way=Way.SMS_CODE)
    assert square.ask(offer_id=other.id) == Refuse(RefusalReason.PASS_USED_TODAY, again_at=TOMORROW)


def test_a_person_has_one_pass_a_day_and_learns_it_after_the_proof_only(square: Square) -> None:
    square.offer.visit_time = HOUR
    square.passed()
    square.now += HOUR
    request = square.asked(device_mac=TABLET)
    assert request.state is PassState.WAITING
    assert square.prove(request) == Refuse(RefusalReason.PASS_USED_TODAY, again_at=TOMORROW)


def test_the_next_pass_is_there_when_the_place_opens_the_next_day(square: Square) -> None:
    square.site.opening_intervals = [
        OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(18)) for day in (1, 3)
    ]
    square.offer.visit_time = HOUR
    square.passed()
    square.now += HOUR
    assert square.ask() == Refuse(RefusalReason.PASS_USED_TODAY, again_at=datetime(2026, 3, 12, 8, tzinfo=UTC))


def test_a_second_device_of_a_person_shares_the_pass(square: Square) -> None:
    square.offer.visit_time, square.offer.devices_at_once = 2 * HOUR, 2
    square.offer.time_allowed, square.offer.octets_allowed = HOUR, 1000
    first = square.passed()
    octets = {"download_octets": 300, "upload_octets": 100}
    factories.make_wifi_session(
        square.db, grant=first, session_seconds=1200, ended_at=square.now + 20 * MINUTE, **octets
    )
    square.now += HOUR
    second = square.passed(device_mac=TABLET)
    assert second.ends_at == first.ends_at
    assert (second.time_allowed, second.octets_allowed) == (40 * MINUTE, 600)


def test_what_is_used_up_is_used_up_on_every_device(square: Square) -> None:
    square.offer.time_allowed = HOUR
    first = square.passed()
    factories.make_wifi_session(square.db, grant=first, session_seconds=3600, ended_at=square.now + HOUR)
    square.now += HOUR
    assert square.prove(square.asked(device_mac=TABLET)) == Refuse(RefusalReason.TIME_USED_UP, again_at=TOMORROW)


def test_a_person_has_so_many_devices_at_once(square: Square) -> None:
    factories.make_wifi_session(square.db, grant=square.passed())
    request = square.asked(device_mac=TABLET)
    opening = square.open(request)
    assert square.prove(request) == Refuse(RefusalReason.TOO_MANY_DEVICES)
    assert opening is not None
    assert opening.ends_because is RefusalReason.PROOF_AWAITED


def test_a_pass_that_staff_have_ended_is_not_given_again(square: Square) -> None:
    grant = square.passed()
    grant.ends_at, grant.ends_because = square.now + MINUTE, RefusalReason.ENDED_BY_STAFF
    square.now += HOUR
    assert square.ask() == Refuse(RefusalReason.ENDED_BY_STAFF, again_at=TOMORROW)


def test_an_opening_that_staff_have_ended_becomes_no_pass(square: Square) -> None:
    request = square.asked()
    opening = square.open(request)
    assert opening is not None
    opening.ends_at, opening.ends_because = square.now + MINUTE, RefusalReason.ENDED_BY_STAFF
    assert square.prove(request) == Refuse(RefusalReason.ENDED_BY_STAFF, again_at=TOMORROW)


def test_a_proof_waits_an_hour_for_its_device(square: Square) -> None:
    request = square.asked()
    prove(square.db, request, square.now, square.vault)
    square.now += HOUR
    assert grant_pass(square.db, request, square.now, square.settings) == Refuse(RefusalReason.CODE_EXPIRED)


def test_a_visitor_is_known_again_and_apart_from_others(square: Square) -> None:
    first = square.passed()
    other = square.passed(PAUL, device_mac=TABLET)
    square.now = TOMORROW + HOUR
    assert square.passed().visitor_id == first.visitor_id != other.visitor_id
    assert first.visitor is not None
    assert first.visitor.last_seen_at == square.now
    assert square.vault.open(first.visitor.contact_sealed) == "marie@example.org"


def test_what_an_identity_provider_says_is_enough(square: Square) -> None:
    request = square.asked(None)
    assert square.open(request) is not None
    grant = square.prove(request, Contact("https://idp.example 4711", "Marie Dupont"))
    assert isinstance(grant, Grant)
    assert grant.visitor is not None
    assert square.vault.open(grant.visitor.contact_sealed) == "Marie Dupont"


# ---- the edges of days ----


@pytest.mark.parametrize(
    ("evening", "again_at"),
    [
        (datetime(2026, 3, 28, 21, 30, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (datetime(2026, 3, 29, 20, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 25, 21, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
    ids=["before the spring night", "the day of 23 hours", "the day of 25 hours"],
)
def test_the_next_day_begins_at_local_midnight(square: Square, evening: datetime, again_at: datetime) -> None:
    square.offer.visit_time = HOUR
    square.now = evening
    square.passed()
    square.now += 61 * MINUTE
    assert square.ask() == Refuse(RefusalReason.PASS_USED_TODAY, again_at=again_at)


def test_an_opening_before_midnight_becomes_the_pass_of_the_new_day(square: Square) -> None:
    square.now = datetime(2026, 3, 10, 22, 55, tzinfo=UTC)
    request = square.asked()
    opening = square.open(request)
    assert opening is not None
    assert opening.ends_at == TOMORROW
    square.now = TOMORROW + 3 * MINUTE
    grant = square.prove(request)
    assert isinstance(grant, Grant)
    assert grant.ends_at == TOMORROW + 24 * HOUR


def test_a_week_that_is_used_up_begins_anew_on_monday(square: Square) -> None:
    square.offer.allowances = [OfferAllowance(period=Period.WEEK, time=HOUR)]
    first = square.passed()
    factories.make_wifi_session(square.db, grant=first, session_seconds=3600, ended_at=square.now + HOUR)
    square.now += HOUR
    refused = square.prove(square.asked(device_mac=TABLET))
    assert refused == Refuse(RefusalReason.TIME_USED_UP, again_at=datetime(2026, 3, 15, 23, tzinfo=UTC))


def test_half_a_minute_before_midnight_no_pass_is_used_up(square: Square) -> None:
    square.now = TOMORROW - timedelta(seconds=30)
    request = square.asked()
    assert isinstance(square.prove(request), Refuse)
    assert request.granted_at is None
