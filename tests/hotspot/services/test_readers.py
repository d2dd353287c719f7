"""Readers of a library's own system sign in: confirmed, refused by a rule, or recalled while the system is away."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.adapters.library_systems.libraries import FAILURES
from hotspot.db import Database
from hotspot.models import Grant, LibrarySystem, Offer, OpeningInterval, Patron, ReaderRule
from hotspot.policy.readers import Block, Reader
from hotspot.sealing import Vault
from hotspot.services.offers import NO_TERMS
from hotspot.services.readers import CheckedCard, check_card, connection_of
from hotspot.services.remembering import remember_device
from hotspot.services.retention import forget
from hotspot.services.signing_in import LibraryCard, Remembered, SignedIn, SignInRequest, sign_in
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories
from tests.library import PlayedLibrary

PHONE = MacAddress("020000000001")
CAMILLE = Reader("2590", category="Adulte", expires_on=date(2027, 1, 1))
YEAR = timedelta(days=365)


class Town:
    """A library whose cards are checked by `played`."""

    def __init__(self, db: Session, now: datetime, vault: Vault, settings: Settings) -> None:
        self.db, self.now, self.vault, self.settings = db, now, vault, settings
        self.played = PlayedLibrary()
        self.played.knows(CAMILLE, "1234")
        self.libraries = self.played.libraries()
        self.site = factories.make_site(db)
        self.nas = factories.make_nas(db, site=self.site)
        self.system = factories.make_library_system(db, organisation=self.site.organisation)
        self.offer = self.make_offer()

    def make_offer(self, **overrides: Any) -> Offer:
        fields = {"way": Way.LIBRARY_CARD, "library_system_id": self.system.id, "visit_time": None} | overrides
        return factories.make_offer(self.db, site=self.site, **fields)

    def rule(self, **fields: Any) -> ReaderRule:
        return factories.make_reader_rule(self.db, organisation=self.site.organisation, **fields)

    def check(self, card_number: str = "2590", pin: str = "1234") -> CheckedCard:
        return check_card(self.libraries, connection_of(self.system, self.vault), card_number, pin)

    def sign_in(self, card_number: str = "2590", pin: str = "1234", **changed: Any) -> Grant | Refuse:
        request = SignInRequest(
            nas_id=self.nas.id,
            site_id=self.site.id,
            device_mac=PHONE,
            offer_id=self.offer.id,
            credential=self.check(card_number, pin),
            terms_version=1,
            language="fr",
        )
        answer = sign_in(self.db, replace(request, **changed), self.now, vault=self.vault, settings=self.settings)
        return answer.grant if isinstance(answer, SignedIn) else answer

    def goes_away(self) -> None:
        self.played.is_away = True
        for _ in range(FAILURES):
            self.check()

    def patron(self) -> Patron | None:
        return self.db.scalar(select(Patron).execution_options(populate_existing=True))


@pytest.fixture
def town(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Iterator[Town]:
    with any_database.transaction() as db:
        yield Town(db, now, vault, settings)


def granted(answer: Grant | Refuse) -> Grant:
    assert isinstance(answer, Grant), answer
    return answer


def refusal(answer: Grant | Refuse) -> RefusalReason:
    assert isinstance(answer, Refuse), answer
    return answer.reason


def test_a_reader_whom_the_system_confirms_gets_a_grant(town: Town) -> None:
    grant = granted(town.sign_in(" 2590 "))
    patron = town.patron()
    assert patron is not None
    assert grant.patron is patron
    assert not grant.unconfirmed
    assert (patron.card_number, patron.category, patron.expires_on) == ("2590", "Adulte", date(2027, 1, 1))
    assert patron.confirmed_at == town.now


def test_nothing_is_kept_of_a_reader_but_what_an_absence_asks_for(town: Town) -> None:
    town.played.knows(replace(CAMILLE, born_on=date(2010, 1, 1), home_library="CAP"), "1234")
    town.sign_in()
    patron = town.patron()
    assert patron is not None
    assert (patron.name, patron.born_on, patron.home_library, patron.owes) == ("", None, "", None)
    assert patron.pin_hash is not None
    assert "1234" not in patron.pin_hash


def test_signing_in_again_makes_no_second_person(town: Town) -> None:
    town.sign_in()
    town.sign_in(device_mac=MacAddress("020000000002"))
    assert town.db.scalar(select(func.count(Patron.id))) == 1


def test_the_same_number_in_a_file_and_in_a_system_is_two_people(town: Town) -> None:
    of_file = factories.make_patron(town.db, organisation=town.site.organisation, card_number="2590", pin="9999")
    grant = granted(town.sign_in())
    assert grant.patron is not of_file
    plain = town.make_offer(library_system_id=None, devices_at_once=2)
    credential = LibraryCard("2590", "9999")
    assert granted(town.sign_in(offer_id=plain.id, credential=credential)).patron is of_file


def test_a_card_of_a_system_is_never_looked_for_in_the_file(town: Town) -> None:
    factories.make_patron(town.db, organisation=town.site.organisation, card_number="2590", pin="9999")
    assert refusal(town.sign_in(credential=LibraryCard("2590", "9999"))) is RefusalReason.LIBRARY_AWAY


def test_a_card_that_another_system_has_checked_opens_nothing(town: Town) -> None:
    other = factories.make_library_system(town.db, organisation=town.site.organisation)
    offer = town.make_offer(library_system_id=other.id)
    assert refusal(town.sign_in(offer_id=offer.id)) is RefusalReason.LIBRARY_AWAY


@pytest.mark.parametrize("typed", [("2590", "4321"), ("9999", "1234"), ("", "1234"), ("2590", "")])
def test_a_wrong_card_or_pin_is_refused(town: Town, typed: tuple[str, str]) -> None:
    assert refusal(town.sign_in(*typed)) is RefusalReason.UNKNOWN_CARD_OR_PIN
    assert town.patron() is None


def test_an_expired_card_is_refused_with_its_day(town: Town) -> None:
    town.played.knows(replace(CAMILLE, expires_on=date(2026, 3, 3)), "1234")
    assert town.sign_in() == Refuse(RefusalReason.CARD_EXPIRED, day=date(2026, 3, 3))
    assert town.patron() is None


def test_a_rule_gives_another_offer_than_the_one_that_was_chosen(town: Town) -> None:
    for_the_young = town.make_offer(time_allowed=timedelta(hours=1), by_rule_only=True)
    town.rule(age_below=15, offer_id=for_the_young.id)
    town.played.knows(replace(CAMILLE, born_on=date(2015, 1, 1)), "1234")
    grant = granted(town.sign_in())
    assert (grant.offer, grant.time_allowed) == (for_the_young, timedelta(hours=1))


def test_a_rules_offer_that_is_not_to_be_had_here_is_refused(town: Town) -> None:
    elsewhere = factories.make_offer(town.db, way=Way.LIBRARY_CARD)
    town.rule(offer_id=elsewhere.id)
    assert refusal(town.sign_in()) is RefusalReason.OFFER_NOT_HERE


def test_a_rule_refuses_in_its_own_words(town: Town) -> None:
    words = {"fr": "Réservé aux adultes."}
    town.rule(categories=["Jeune"], sentences=words)
    town.played.knows(replace(CAMILLE, category="jeune"), "1234")
    assert town.sign_in() == Refuse(RefusalReason.READER_NOT_ENTITLED, own_words=words)


def test_rules_hold_for_cards_of_a_file_as_well(town: Town) -> None:
    plain = town.make_offer(library_system_id=None)
    town.rule(categories=["Jeune"], sentences={"fr": "Réservé aux adultes."})
    factories.make_patron(town.db, organisation=town.site.organisation, card_number="77", category="Jeune")
    answer = town.sign_in(offer_id=plain.id, credential=LibraryCard("77", factories.PIN))
    assert refusal(answer) is RefusalReason.READER_NOT_ENTITLED


def test_a_card_that_staff_have_blocked_stays_blocked_whatever_the_system_says(town: Town) -> None:
    town.sign_in()
    patron = town.patron()
    assert patron is not None
    patron.blocked = True
    assert refusal(town.sign_in()) is RefusalReason.CARD_BLOCKED
    town.goes_away()
    assert refusal(town.sign_in()) is RefusalReason.CARD_BLOCKED


# ---- the system is away ----


def test_who_was_confirmed_lately_gets_in_for_a_day_and_is_marked(town: Town) -> None:
    town.sign_in()
    town.goes_away()
    town.now += timedelta(days=20)
    grant = granted(town.sign_in(device_mac=MacAddress("020000000002")))
    assert grant.unconfirmed
    assert grant.patron is town.patron()
    assert grant.ends_at <= town.now + timedelta(days=1)


def test_a_site_that_never_closes_gives_no_more_than_a_day_meanwhile(town: Town) -> None:
    offer = town.make_offer(visit_time=timedelta(days=7))
    town.sign_in()
    town.goes_away()
    grant = granted(town.sign_in(offer_id=offer.id))
    assert grant.ends_at == town.now + timedelta(days=1)


@pytest.mark.parametrize("typed", [("2590", "4321"), ("9999", "1234"), ("2590", ""), ("", "")])
def test_an_unknown_card_and_a_wrong_pin_are_told_the_same(town: Town, typed: tuple[str, str]) -> None:
    town.sign_in()
    town.goes_away()
    assert refusal(town.sign_in(*typed)) is RefusalReason.LIBRARY_AWAY


def test_who_was_confirmed_too_long_ago_waits(town: Town) -> None:
    town.sign_in()
    town.goes_away()
    town.now += town.system.trusted_for + timedelta(seconds=1)
    assert refusal(town.sign_in()) is RefusalReason.LIBRARY_AWAY


def test_the_last_pin_counts_not_an_older_one(town: Town) -> None:
    town.sign_in()
    town.played.readers.clear()
    town.played.knows(CAMILLE, "5678")
    town.sign_in(pin="5678")
    town.goes_away()
    assert refusal(town.sign_in()) is RefusalReason.LIBRARY_AWAY
    assert isinstance(town.sign_in(pin="5678"), Grant)


def test_a_user_name_is_recalled_as_well_as_the_card(town: Town) -> None:
    town.played.knows(CAMILLE, "1234", typed="camille")
    town.sign_in("camille")
    town.goes_away()
    assert isinstance(town.sign_in("camille"), Grant)
    assert isinstance(town.sign_in("2590"), Grant)


def test_whom_the_system_has_refused_since_is_not_recalled(town: Town) -> None:
    town.sign_in()
    town.played.knows(replace(CAMILLE, blocks=frozenset({Block.OWES})), "1234")
    assert refusal(town.sign_in()) is RefusalReason.CARD_OWES
    town.goes_away()
    assert refusal(town.sign_in()) is RefusalReason.LIBRARY_AWAY


def test_a_site_without_what_a_rule_gives_takes_nothing_from_them(town: Town) -> None:
    town.sign_in()
    elsewhere = factories.make_offer(
        town.db, site=factories.make_site(town.db, organisation=town.site.organisation), way=Way.LIBRARY_CARD
    )
    town.rule(offer_id=elsewhere.id)
    assert refusal(town.sign_in()) is RefusalReason.OFFER_NOT_HERE
    patron = town.patron()
    assert patron is not None
    assert patron.confirmed_at is not None


def test_a_remembered_device_of_somebody_whom_the_system_has_refused_since_stays_outside(town: Town) -> None:
    town.offer.remember_for = timedelta(days=30)
    device = remember_device(town.db, granted(town.sign_in()), town.now)
    assert device is not None
    device.terms_version = NO_TERMS
    town.now += timedelta(days=2)
    town.played.knows(replace(CAMILLE, blocks=frozenset({Block.LOST})), "1234")
    assert refusal(town.sign_in()) is RefusalReason.CARD_LOST
    assert refusal(town.sign_in(credential=Remembered(device))) is RefusalReason.DEVICE_NOT_REMEMBERED
    town.played.knows(CAMILLE, "1234")
    granted(town.sign_in())
    town.now += timedelta(days=2)
    assert granted(town.sign_in(credential=Remembered(device))).by_mac


def test_a_card_that_expires_meanwhile_is_refused(town: Town) -> None:
    town.played.knows(replace(CAMILLE, expires_on=date(2026, 3, 12)), "1234")
    town.sign_in()
    town.goes_away()
    town.now += timedelta(days=3)
    assert refusal(town.sign_in()) is RefusalReason.CARD_EXPIRED


def test_the_offer_that_a_rule_gave_is_given_again(town: Town) -> None:
    for_the_young = town.make_offer(time_allowed=timedelta(hours=1), by_rule_only=True)
    town.rule(age_below=15, offer_id=for_the_young.id)
    town.played.knows(replace(CAMILLE, born_on=date(2015, 1, 1)), "1234")
    town.sign_in()
    town.goes_away()
    town.now += timedelta(days=1)
    assert granted(town.sign_in()).offer is for_the_young


def test_a_system_that_trusts_nobody_keeps_no_pin(town: Town) -> None:
    town.system.trusted_for = timedelta(0)
    town.sign_in()
    patron = town.patron()
    assert patron is not None
    assert patron.pin_hash is None
    town.goes_away()
    assert refusal(town.sign_in()) is RefusalReason.LIBRARY_AWAY


def test_staff_see_since_when_and_why_until_it_is_back(town: Town) -> None:
    town.played.is_away = True
    town.sign_in()
    assert town.system.away_since is None, "once may be chance"
    town.sign_in()
    assert (town.system.away_since, town.system.away_because) == (town.now, "connection refused")
    since, town.now = town.now, town.now + timedelta(minutes=1)
    town.sign_in()
    assert town.system.away_since == since
    town.played.is_away = False
    town.libraries = town.played.libraries()
    town.sign_in()
    assert (town.system.away_since, town.system.away_because) == (None, "")


# ---- forgetting ----


def test_a_pin_is_forgotten_when_it_is_trusted_no_longer(town: Town) -> None:
    town.sign_in()
    town.sign_in("2590")
    forget(town.db, town.now + town.system.trusted_for - timedelta(days=1), YEAR)
    kept = town.patron()
    assert kept is not None
    assert kept.pin_hash is not None
    forget(town.db, town.now + town.system.trusted_for, YEAR)
    kept = town.patron()
    assert kept is not None
    assert kept.pin_hash is None


def test_a_systems_reader_is_forgotten_a_year_after_the_last_time(town: Town) -> None:
    grant = granted(town.sign_in())
    of_file = factories.make_patron(town.db, organisation=town.site.organisation)
    forget(town.db, grant.ends_at + YEAR - timedelta(days=1), YEAR)
    assert town.db.scalar(select(func.count(Patron.id))) == 2
    forget(town.db, grant.ends_at + YEAR + timedelta(days=1), YEAR)
    assert town.patron() is of_file


def test_hours_hold_for_readers_too(town: Town) -> None:
    town.site.opening_intervals = [OpeningInterval(weekday=6, opens_at=town.now.time(), closes_at=town.now.time())]
    town.db.flush()
    assert refusal(town.sign_in()) is RefusalReason.SITE_CLOSED
    assert town.db.get_one(LibrarySystem, town.system.id).away_since is None
