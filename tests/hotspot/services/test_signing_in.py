"""A citizen signs in: what a grant is made of, when it is continued, and every refusal with its reason."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import Device, Grant, Nas, Offer, OpeningInterval, Patron, Site, Voucher
from hotspot.sealing import Vault
from hotspot.services.signing_in import (
    Credential,
    LibraryCard,
    OneTap,
    SignedIn,
    SignInRequest,
    VoucherCodeGiven,
    sign_in,
    sign_in_again,
)
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

PHONE, TABLET = MacAddress("020000000001"), MacAddress("020000000002")
TWO_HOURS = timedelta(hours=2)


class Library:
    """A site with one NAS; `offer` adds a way in, `sign_in` tries it."""

    def __init__(self, db: Session, now: datetime, vault: Vault, settings: Settings) -> None:
        self.db, self.now, self.vault, self.settings = db, now, vault, settings
        self.site = factories.make_site(db)
        self.nas = factories.make_nas(db, site=self.site)

    def offer(self, way: Way, **overrides: Any) -> Offer:
        return factories.make_offer(self.db, site=self.site, way=way, **overrides)

    def patron(self, **overrides: Any) -> Patron:
        return factories.make_patron(self.db, organisation=self.site.organisation, **overrides)

    def voucher(self, offer: Offer, **overrides: Any) -> Voucher:
        return factories.make_voucher(self.db, offer=offer, **overrides)

    def open_from_to(self, opens_at: int, closes_at: int) -> None:
        self.site.opening_intervals = [
            OpeningInterval(weekday=day, opens_at=time(opens_at), closes_at=time(closes_at)) for day in range(7)
        ]
        self.db.flush()

    def sign_in(self, offer: Offer, credential: Credential, **changed: Any) -> SignedIn | Refuse:
        request = SignInRequest(
            nas_id=self.nas.id,
            site_id=self.site.id,
            device_mac=PHONE,
            offer_id=offer.id,
            credential=credential,
            terms_version=1,
            language="fr",
            device_family="android",
        )
        return sign_in(self.db, replace(request, **changed), self.now, vault=self.vault, settings=self.settings)

    def let_in(self, offer: Offer, credential: Credential, **changed: Any) -> SignedIn:
        answer = self.sign_in(offer, credential, **changed)
        assert isinstance(answer, SignedIn), answer
        return answer

    def grants(self) -> int:
        return self.db.scalar(select(func.count()).select_from(Grant)) or 0


@pytest.fixture
def library(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Any:
    with any_database.transaction() as db:
        yield Library(db, now, vault, settings)


def card(patron: Patron, pin: str = factories.PIN) -> LibraryCard:
    return LibraryCard(patron.card_number, pin)


def code(voucher: Voucher) -> VoucherCodeGiven:
    return VoucherCodeGiven(factories.VAULT.open(voucher.code_sealed))


def test_a_grant_copies_what_its_offer_allows(library: Library) -> None:
    offer = library.offer(
        Way.ONE_TAP, time_allowed=timedelta(hours=1), octets_allowed=10**9, upload_kbps=1000, download_kbps=8000
    )
    signed_in = library.let_in(offer, OneTap(), terms_version=7, language="en")
    grant, login = signed_in.grant, signed_in.login
    assert (grant.time_allowed, grant.octets_allowed) == (timedelta(hours=1), 10**9)
    assert (grant.upload_kbps, grant.download_kbps, grant.terms_version, grant.language) == (1000, 8000, 7, "en")
    assert (grant.ends_at, grant.ends_because) == (library.now + TWO_HOURS, RefusalReason.GRANT_ENDED)
    assert (login.nas_id, login.device_mac, login.terms.grant_id) == (library.nas.id, PHONE, grant.id)
    assert library.db.get_one(Device, PHONE).family == "android"


def test_a_grant_ends_when_its_site_closes(library: Library) -> None:
    library.open_from_to(9, 11)  # it is ten in Paris
    grant = library.let_in(library.offer(Way.ONE_TAP), OneTap()).grant
    assert (grant.ends_at, grant.ends_because) == (library.now + timedelta(hours=1), RefusalReason.SITE_CLOSED)


def test_without_a_visit_time_a_grant_lasts_until_closing(library: Library) -> None:
    library.open_from_to(9, 19)
    grant = library.let_in(library.offer(Way.ONE_TAP, visit_time=None), OneTap()).grant
    assert grant.ends_at == library.now + timedelta(hours=9)


def test_a_card_is_found_by_its_number_without_the_spaces_around_it(library: Library) -> None:
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    signed_in = library.let_in(offer, LibraryCard(f"  {patron.card_number} ", factories.PIN))
    assert signed_in.grant.patron is patron


def test_a_first_use_redeems_a_voucher(library: Library) -> None:
    offer = library.offer(Way.VOUCHER)
    voucher = library.voucher(offer)
    grant = library.let_in(offer, code(voucher)).grant
    assert (voucher.redeemed_at, voucher.ends_at, grant.voucher) == (library.now, grant.ends_at, voucher)


def test_a_device_that_comes_back_continues_its_grant(library: Library) -> None:
    for offer, credential in (
        (library.offer(Way.ONE_TAP), OneTap()),
        (one := library.offer(Way.VOUCHER), code(library.voucher(one))),
        (library.offer(Way.LIBRARY_CARD), card(library.patron())),
    ):
        before = library.grants()
        first = library.let_in(offer, credential)
        library.now += timedelta(minutes=10)
        second = library.let_in(offer, credential)
        assert second.grant is first.grant
        assert second.login.user_name != first.login.user_name
        assert library.grants() == before + 1


def test_a_voucher_for_two_devices_ends_for_both_at_once(library: Library) -> None:
    offer = library.offer(Way.VOUCHER, devices_at_once=2)
    voucher = library.voucher(offer)
    first = library.let_in(offer, code(voucher)).grant
    library.now += timedelta(hours=1)
    second = library.let_in(offer, code(voucher), device_mac=TABLET).grant
    assert (second.id != first.id, second.ends_at) == (True, first.ends_at)


def test_a_person_may_change_devices_when_the_first_visit_is_over(library: Library) -> None:
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    library.let_in(offer, card(patron))
    assert library.sign_in(offer, card(patron), device_mac=TABLET) == Refuse(RefusalReason.TOO_MANY_DEVICES)
    library.now += TWO_HOURS
    assert isinstance(library.sign_in(offer, card(patron), device_mac=TABLET), SignedIn)


def test_who_signs_out_makes_room_for_the_next_device(library: Library) -> None:
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    first = library.let_in(offer, card(patron)).grant
    factories.make_wifi_session(library.db, grant=first, ended_at=library.now)
    assert isinstance(library.sign_in(offer, card(patron), device_mac=TABLET), SignedIn)


def test_a_device_that_comes_back_finds_its_place_taken(library: Library) -> None:
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    first = library.let_in(offer, card(patron)).grant
    factories.make_wifi_session(library.db, grant=first, ended_at=library.now)
    library.let_in(offer, card(patron), device_mac=TABLET)
    again = sign_in_again(library.db, first, library.nas.id, library.now, library.settings)
    assert again == Refuse(RefusalReason.TOO_MANY_DEVICES)


def test_two_devices_that_come_back_at_once_do_not_both_get_the_one_place(library: Library) -> None:
    """Each with a grant from before, and with the login in hand before its Wi-Fi session begins."""
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    visits = []
    for device_mac in (PHONE, TABLET):
        visits.append(library.let_in(offer, card(patron), device_mac=device_mac).grant)
        library.now += timedelta(minutes=5)
        factories.make_wifi_session(library.db, grant=visits[-1], ended_at=library.now, updated_at=library.now)
    library.now += timedelta(minutes=5)

    answers = [sign_in_again(library.db, each, library.nas.id, library.now, library.settings) for each in visits]

    assert isinstance(answers[0], SignedIn)
    assert answers[1] == Refuse(RefusalReason.TOO_MANY_DEVICES)
    assert library.sign_in(offer, card(patron), device_mac=TABLET) == Refuse(RefusalReason.TOO_MANY_DEVICES)
    library.now += timedelta(minutes=3)  # the first never used its login
    again = sign_in_again(library.db, visits[1], library.nas.id, library.now, library.settings)
    assert isinstance(again, SignedIn)


def test_a_login_never_used_keeps_no_place(library: Library) -> None:
    offer, patron = library.offer(Way.LIBRARY_CARD), library.patron()
    library.let_in(offer, card(patron))
    library.now += timedelta(minutes=3)
    assert isinstance(library.sign_in(offer, card(patron), device_mac=TABLET), SignedIn)


def test_guests_do_not_count_against_each_other(library: Library) -> None:
    offer = library.offer(Way.ONE_TAP)
    library.let_in(offer, OneTap())
    assert isinstance(library.sign_in(offer, OneTap(), device_mac=TABLET), SignedIn)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"expires_on": date(2026, 3, 9)}, RefusalReason.CARD_EXPIRED),
        ({"blocked": True}, RefusalReason.CARD_BLOCKED),
        ({"pin": "other"}, RefusalReason.UNKNOWN_CARD_OR_PIN),
        ({"pin": "other", "blocked": True}, RefusalReason.UNKNOWN_CARD_OR_PIN),
        ({"expires_on": date(2026, 3, 10)}, None),
    ],
    ids=["expired", "blocked", "wrong pin", "blocked, told to its owner only", "good until tonight"],
)
def test_a_card(library: Library, overrides: dict[str, Any], reason: RefusalReason | None) -> None:
    answer = library.sign_in(library.offer(Way.LIBRARY_CARD), card(library.patron(**overrides)))
    assert (answer.reason if isinstance(answer, Refuse) else None) == reason
    assert library.grants() == (0 if reason else 1)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"voided_at": factories.NOW}, RefusalReason.VOUCHER_VOID),
        ({"redeemed_at": factories.NOW - TWO_HOURS, "ends_at": factories.NOW}, RefusalReason.VOUCHER_USED),
        ({"redeemed_at": factories.NOW, "ends_at": factories.NOW + TWO_HOURS}, None),
    ],
    ids=["void", "its time is over", "begun and not over"],
)
def test_a_voucher(library: Library, overrides: dict[str, Any], reason: RefusalReason | None) -> None:
    offer = library.offer(Way.VOUCHER)
    answer = library.sign_in(offer, code(library.voucher(offer, **overrides)))
    assert (answer.reason if isinstance(answer, Refuse) else None) == reason


def test_a_voucher_of_another_offer_is_unknown(library: Library) -> None:
    elsewhere = library.voucher(library.offer(Way.VOUCHER))
    assert library.sign_in(library.offer(Way.VOUCHER), code(elsewhere)) == Refuse(RefusalReason.VOUCHER_UNKNOWN)


def test_a_voucher_out_of_date_still_serves_a_visit_that_it_began(library: Library) -> None:
    offer = library.offer(Way.VOUCHER)
    batch = factories.make_voucher_batch(library.db, offer=offer, expires_at=library.now + timedelta(minutes=5))
    voucher = library.voucher(offer, batch=batch)
    library.let_in(offer, code(voucher))
    library.now += timedelta(minutes=10)
    assert isinstance(library.sign_in(offer, code(voucher)), SignedIn)
    unused = library.voucher(offer, batch=batch)
    assert library.sign_in(offer, code(unused)) == Refuse(RefusalReason.VOUCHER_EXPIRED)


def test_without_the_terms_nothing_is_looked_at(library: Library) -> None:
    answer = library.sign_in(library.offer(Way.ONE_TAP), OneTap(), terms_version=None)
    assert answer == Refuse(RefusalReason.TERMS_NOT_ACCEPTED)


def test_a_closed_site_says_when_it_opens(library: Library) -> None:
    library.open_from_to(14, 18)
    answer = library.sign_in(library.offer(Way.ONE_TAP), OneTap())
    assert answer == Refuse(RefusalReason.SITE_CLOSED, again_at=library.now + timedelta(hours=4))


def test_an_offer_of_another_way_site_or_time_is_not_here(library: Library) -> None:
    elsewhere = factories.make_offer(library.db, site=factories.make_site(library.db))
    retired = library.offer(Way.ONE_TAP, retired_at=library.now)
    other_way = library.offer(Way.VOUCHER)
    for offer in (elsewhere, retired, other_way):
        assert library.sign_in(offer, OneTap()) == Refuse(RefusalReason.OFFER_NOT_HERE)


def test_a_visit_shorter_than_a_minute_is_refused(library: Library) -> None:
    answer = library.sign_in(library.offer(Way.ONE_TAP, visit_time=timedelta(seconds=59)), OneTap())
    assert answer == Refuse(RefusalReason.GRANT_ENDED)


def test_no_voucher_is_used_up_for_less_than_a_minute(library: Library) -> None:
    offer = library.offer(Way.VOUCHER, visit_time=timedelta(seconds=30))
    voucher = library.voucher(offer)
    assert library.sign_in(offer, code(voucher)) == Refuse(RefusalReason.GRANT_ENDED)
    assert (voucher.redeemed_at, library.grants()) == (None, 0)


def test_a_device_is_noted_once_and_keeps_its_first_day(library: Library) -> None:
    library.let_in(library.offer(Way.ONE_TAP), OneTap())
    library.now += TWO_HOURS
    library.let_in(library.offer(Way.ONE_TAP), OneTap(), language="en")
    library.db.expire_all()
    device = library.db.scalars(select(Device)).one()
    assert (device.first_seen_at, device.last_seen_at, device.language) == (factories.NOW, library.now, "en")


def test_what_was_used_travels_with_the_login(library: Library) -> None:
    offer = library.offer(Way.ONE_TAP, time_allowed=timedelta(hours=1))
    grant = library.let_in(offer, OneTap()).grant
    factories.make_wifi_session(library.db, grant=grant, nas=library.nas, session_seconds=600, download_octets=5)
    again = sign_in_again(library.db, grant, library.nas.id, library.now, library.settings)
    assert isinstance(again, SignedIn)
    assert (again.login.usage.visit.time, again.login.usage.visit.octets) == (timedelta(minutes=10), 5)


def test_a_grant_is_bound_to_the_nas_where_the_device_is_now(library: Library) -> None:
    other_nas: Nas = factories.make_nas(library.db, site=library.site)
    grant = library.let_in(library.offer(Way.ONE_TAP), OneTap()).grant
    again = sign_in_again(library.db, grant, other_nas.id, library.now, library.settings)
    assert isinstance(again, SignedIn)
    assert again.login.nas_id == other_nas.id


def test_a_card_works_at_every_site_of_its_organisation_that_offers_it(library: Library) -> None:
    branch: Site = factories.make_site(library.db, organisation=library.site.organisation)
    offer = library.offer(Way.LIBRARY_CARD)
    patron = library.patron()
    library.site = branch
    assert library.sign_in(offer, card(patron)) == Refuse(RefusalReason.OFFER_NOT_HERE)
    offer.sites.append(branch)
    library.db.flush()
    assert isinstance(library.sign_in(offer, card(patron)), SignedIn)
