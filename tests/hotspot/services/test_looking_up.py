"""The desk's question, in the tables: what is found for whom, and what is said of a reader."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import ReaderRule
from hotspot.policy.voucher_codes import VoucherCode
from hotspot.sealing import Vault
from hotspot.services.looking_up import (
    AboutCard,
    Elsewhere,
    code_in,
    find_patron,
    find_voucher,
    is_known_device,
    show_card,
    show_device,
    show_voucher,
)
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way
from tests import factories
from tests.hotspot.services.desk_of_a_library import PHONE, TABLET, Library

HOUR = timedelta(hours=1)


@pytest.fixture
def library(any_database: Database, now: datetime, vault: Vault, settings: Settings) -> Iterator[Library]:
    with any_database.transaction() as db:
        yield Library(db, now, vault, settings)


def card(library: Library, number: str, **options: Any) -> AboutCard:
    return show_card(library.db, library.librarian, number, library.now, library.settings, **options)


def a_reader(library: Library, **overrides: Any) -> Any:
    return factories.make_patron(library.db, organisation=library.site.organisation, **overrides)


def test_a_code_is_read_from_whatever_a_scanner_types() -> None:
    code = factories._next_code()
    assert code_in(f"http://localhost/v/{code}") == code_in(code) == code
    for nonsense in ("", "/", "http://[", "http://localhost/v/", f"http://localhost/v/{code}x", "a/" * 3000):
        assert code_in(nonsense) is None


def test_a_voucher_is_found_by_those_of_its_site(library: Library, vault: Vault) -> None:
    _, second = library.prints(count=2)
    code = VoucherCode(vault.open(second.code_sealed))
    beside = library.staff_at(factories.make_site(library.db, organisation=library.site.organisation))
    stranger = library.staff_at(factories.make_site(library.db))
    assert find_voucher(library.db, library.librarian, code, vault) == (second.batch_id, 2)
    assert find_voucher(library.db, beside, code, vault) == Elsewhere("Médiathèque")
    assert find_voucher(library.db, stranger, code, vault) is None


def test_a_voucher_says_who_has_it_and_whether_another_can(library: Library) -> None:
    voucher = library.a_pass(devices=2)
    factories.make_wifi_session(library.db, grant=library.uses(voucher))
    library.uses(voucher, TABLET)
    about = show_voucher(library.db, library.librarian, voucher.batch_id, 1, library.now, library.settings)
    assert {visit.grant.device_mac: visit.wifi_session_id is not None for visit in about.visits} == {
        PHONE: True,
        TABLET: False,
    }
    assert about.is_full
    assert about.verdict.reason is None


def test_a_lock_is_told_only_where_it_is_in_the_way(library: Library) -> None:
    voucher = library.a_pass()
    shut_until = library.now + HOUR
    about = show_voucher(
        library.db, library.librarian, voucher.batch_id, 1, library.now, library.settings, shut_until=shut_until
    )
    assert about.verdict.refusal is not None
    assert (about.verdict.reason, about.verdict.refusal.again_at) == (RefusalReason.TOO_MANY_ATTEMPTS, shut_until)
    library.voids(voucher)
    about = show_voucher(
        library.db, library.librarian, voucher.batch_id, 1, library.now, library.settings, shut_until=shut_until
    )
    assert about.verdict.reason is RefusalReason.VOUCHER_VOID


def test_a_card_is_judged_by_the_offers_of_the_staffs_own_sites(library: Library) -> None:
    patron = a_reader(library)
    assert card(library, patron.card_number).verdict.reason is RefusalReason.OFFER_NOT_HERE
    factories.make_offer(library.db, site=library.site, way=Way.LIBRARY_CARD)
    assert card(library, patron.card_number).verdict.reason is None
    library.now = library.at(20)
    closed = card(library, patron.card_number).verdict
    assert closed.refusal is not None
    assert (closed.reason, closed.refusal.again_at) == (RefusalReason.SITE_CLOSED, library.at(9) + timedelta(days=1))


def test_a_rule_of_the_library_answers_in_its_own_words(library: Library) -> None:
    factories.make_offer(library.db, site=library.site, way=Way.LIBRARY_CARD)
    child = a_reader(library, category="Enfant", born_on=date(2018, 1, 1))
    sentence = {"fr": "Le Wi-Fi est pour les plus de dix ans."}
    library.db.add(
        ReaderRule(
            organisation_id=library.site.organisation_id,
            position=1,
            name="Enfants",
            categories=["Enfant"],
            home_libraries=[],
            blocks=[],
            sentences=sentence,
        )
    )
    library.db.flush()
    refusal = card(library, child.card_number).verdict.refusal
    assert refusal is not None
    assert refusal.own_words == sentence


def test_a_reader_of_the_librarys_own_system_is_known_from_the_last_time(library: Library) -> None:
    system = factories.make_library_system(library.db, organisation=library.site.organisation)
    factories.make_offer(library.db, site=library.site, way=Way.LIBRARY_CARD, library_system_id=system.id)
    seen = a_reader(library, library_system_id=system.id, also_typed="camille", confirmed_at=library.now)
    assert find_patron(library.db, library.librarian, "camille") == seen
    about = card(library, seen.card_number)
    assert (about.verdict.reason, about.is_asked_elsewhere, about.is_own) == (None, True, True)
    assert card(library, "777").patron is None
    assert card(library, "").patron is None


def test_a_card_of_another_town_is_not_known(library: Library) -> None:
    elsewhere = factories.make_patron(library.db)
    assert find_patron(library.db, library.librarian, elsewhere.card_number) is None


def test_a_device_is_known_for_the_day_at_the_staffs_own_sites(library: Library) -> None:
    stranger = library.staff_at(factories.make_site(library.db))
    grant = library.uses(library.a_pass(valid_for=HOUR))
    assert is_known_device(library.db, library.librarian, PHONE, library.now)
    assert not is_known_device(library.db, stranger, PHONE, library.now)
    assert not show_device(library.db, stranger, PHONE, library.now, library.settings).visits
    library.now = grant.ends_at + HOUR
    verdict = show_device(library.db, library.librarian, PHONE, library.now, library.settings).verdict
    assert (verdict.reason, verdict.since) == (RefusalReason.GRANT_ENDED, grant.ends_at)
    library.now = grant.ends_at + 12 * HOUR
    assert not is_known_device(library.db, library.librarian, PHONE, library.now)
