"""What a site offers, and whose terms and contact it goes by."""

import pytest

from hotspot.db import Database
from hotspot.errors import NotFound
from hotspot.services.offers import NO_TERMS, current_terms, show_site
from hotspot.values import Way
from tests import factories


def test_offers_stand_in_their_order_and_retired_ones_are_gone(any_database: Database, now: object) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        second = factories.make_offer(db, site=site, position=2)
        first = factories.make_offer(db, site=site, position=1, way=Way.VOUCHER)
        factories.make_offer(db, site=site, retired_at=now)
        factories.make_offer(db)
        shown = show_site(db, site.id)
    assert [offer.id for offer in shown.offers] == [first.id, second.id]
    assert shown.offers[0].way is Way.VOUCHER


def test_what_is_shown_outlives_its_transaction(database: Database) -> None:
    with database.transaction() as db:
        site = factories.make_site(db)
        name = site.organisation.name
        shown = show_site(db, site.id)
    assert (shown.organisation, shown.hours.week, shown.contact) == (name, {}, "wifi@commune.test")


def test_the_latest_terms_count_in_all_their_languages(any_database: Database) -> None:
    with any_database.transaction() as db:
        town = factories.make_organisation(db)
        for version in (1, 2):
            for language in ("fr", "en"):
                factories.make_terms(
                    db, organisation=town, version=version, language=language, text=f"{language} {version}"
                )
        assert current_terms(db, town) == (2, {"fr": "fr 2", "en": "en 2"})


def test_a_commune_goes_by_the_terms_and_contact_of_its_metropolis(database: Database) -> None:
    with database.transaction() as db:
        metropolis = factories.make_organisation(db, contact="metropolis@town.test")
        commune = factories.make_organisation(db, parent=metropolis, contact="")
        factories.make_terms(db, organisation=metropolis, version=5)
        shown = show_site(db, factories.make_site(db, organisation=commune).id)
    assert (shown.terms_version, shown.contact) == (5, "metropolis@town.test")


def test_an_organisation_without_terms_has_none(database: Database) -> None:
    with database.transaction() as db:
        assert current_terms(db, factories.make_organisation(db)) == (NO_TERMS, {})


def test_an_unknown_site_is_not_found(database: Database) -> None:
    with database.reading() as db, pytest.raises(NotFound):
        show_site(db, 999)
