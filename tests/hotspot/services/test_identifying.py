"""From the ten minutes to the pass, on both databases: who is let in, once, and who has an offer that leads there."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hotspot.adapters.openid.provider import Proof
from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput
from hotspot.models import Grant, IdentityProvider, Offer, PassRequest, Site, Visitor
from hotspot.sealing import Vault
from hotspot.services.identifying import find_identifying, open_to_identify, settle
from hotspot.services.making_offers import OfferDraft, create_offer
from hotspot.services.passes import OPENING, PassAsk, get_request
from hotspot.services.signing_in import SignedIn
from hotspot.settings import Settings
from hotspot.values import MacAddress, RefusalReason, Refuse, Way
from tests import factories

PHONE, TABLET = MacAddress("020000000001"), MacAddress("020000000002")
MARIE = Proof("https://provider.test", "marie", "token")
HOUR = timedelta(hours=1)


@pytest.fixture
def ask(any_database: Database) -> PassAsk:
    """At a site whose offer leads to a provider, for two hours."""
    with any_database.transaction() as db:
        site = factories.make_site(db)
        nas = factories.make_nas(db, site=site)
        provider = factories.make_identity_provider(db, organisation=site.organisation)
        offer = factories.make_offer(db, site=site, way=Way.OPENID_CONNECT, identity_provider_id=provider.id)
        return PassAsk(nas.id, site.id, PHONE, offer.id, 0, "fr", "android")


def opened(db: Session, ask: PassAsk, now: datetime, vault: Vault, settings: Settings) -> SignedIn:
    answer = open_to_identify(db, ask, now, vault, settings)
    assert isinstance(answer, SignedIn)
    return answer


def test_minutes_first_and_the_pass_by_the_proof(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        grant = opened(db, ask, now, vault, settings).grant
        assert (grant.ends_at, grant.ends_because) == (now + OPENING, RefusalReason.IDENTITY_AWAITED)
        waiting = find_identifying(db, grant.id, now)
        assert waiting is not None

        full = settle(db, waiting.request_id, MARIE, now, vault, settings)

        assert isinstance(full, Grant)
        assert (full.id, full.ends_at) == (grant.id, now + 2 * HOUR)
        assert find_identifying(db, grant.id, now) is None


def test_the_button_pressed_twice_opens_once(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        first, second = (opened(db, ask, now, vault, settings).grant for _ in range(2))

        assert first.id == second.id
        assert len(db.scalars(select(Grant)).all()) == 1


def test_a_proof_for_a_request_that_was_made_anew_is_stale(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        grant = opened(db, ask, now, vault, settings).grant
        first = find_identifying(db, grant.id, now)
        opened(db, ask, now, vault, settings)
        assert first is not None

        answer = settle(db, first.request_id, MARIE, now, vault, settings)

        assert answer == Refuse(RefusalReason.IDENTITY_STALE)
        assert db.scalars(select(Visitor)).all() == []


def test_a_proof_counts_once(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        waiting = find_identifying(db, opened(db, ask, now, vault, settings).grant.id, now)
        assert waiting is not None
        settle(db, waiting.request_id, MARIE, now, vault, settings)

        again = settle(db, waiting.request_id, replace(MARIE, subject="paul"), now, vault, settings)

        assert again == Refuse(RefusalReason.IDENTITY_STALE)
        assert len(db.scalars(select(Visitor)).all()) == 1


def test_who_was_identified_and_not_let_in_need_not_go_there_again(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    """Another device of the person was online; it is signed out now."""
    with any_database.transaction() as db:
        first = opened(db, ask, now, vault, settings).grant
        waiting = find_identifying(db, first.id, now)
        assert waiting is not None
        settle(db, waiting.request_id, MARIE, now, vault, settings)
        session = factories.make_wifi_session(db, grant=first)
        on_tablet = replace(ask, device_mac=TABLET)
        tablet = find_identifying(db, opened(db, on_tablet, now, vault, settings).grant.id, now)
        assert tablet is not None
        refused = settle(db, tablet.request_id, MARIE, now, vault, settings)
        assert refused == Refuse(RefusalReason.TOO_MANY_DEVICES)

        session.ended_at = now
        first.created_at = now - HOUR
        db.flush()
        later = now + timedelta(minutes=15)
        answer = open_to_identify(db, on_tablet, later, vault, settings)

        assert isinstance(answer, SignedIn)
        assert answer.grant.visitor_id == first.visitor_id


def test_requests_of_other_ways_are_not_settled_by_a_proof(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        waiting = find_identifying(db, opened(db, ask, now, vault, settings).grant.id, now)
        assert waiting is not None
        request = get_request(db, waiting.request_id)
        assert request is not None
        request.way = Way.EMAIL_CODE
        db.flush()

        assert settle(db, request.id, MARIE, now, vault, settings) == Refuse(RefusalReason.IDENTITY_STALE)
        assert settle(db, 999_999, MARIE, now, vault, settings) == Refuse(RefusalReason.IDENTITY_STALE)


def test_a_subject_of_another_provider_is_another_person(
    any_database: Database, ask: PassAsk, now: datetime, vault: Vault, settings: Settings
) -> None:
    with any_database.transaction() as db:
        for proof, device in ((MARIE, PHONE), (replace(MARIE, issuer="https://elsewhere.test"), TABLET)):
            on_device = replace(ask, device_mac=device)
            waiting = find_identifying(db, opened(db, on_device, now, vault, settings).grant.id, now)
            assert waiting is not None
            settle(db, waiting.request_id, proof, now, vault, settings)

        assert len(db.scalars(select(Visitor)).all()) == 2


# ---- offers that lead to a provider ----


def draft(provider_id: int | None, way: Way = Way.OPENID_CONNECT) -> OfferDraft:
    return OfferDraft("Avec mon compte", way, visit_time=HOUR, identity_provider_id=provider_id)


def test_a_commune_offers_the_provider_of_its_metropolis(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        metropolis = factories.make_organisation(db)
        commune = factories.make_organisation(db, parent=metropolis)
        provider = factories.make_identity_provider(db, organisation=metropolis)
        site = factories.make_site(db, organisation=commune)

        assert create_offer(db, commune, [site], draft(provider.id), now).identity_provider == provider


def test_nobody_offers_the_provider_of_another_town(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        theirs = factories.make_identity_provider(db)

        with pytest.raises(InvalidInput):
            create_offer(db, site.organisation, [site], draft(theirs.id), now)


@pytest.mark.parametrize("provider_id", [None, 999])
def test_an_offer_of_this_way_needs_a_provider(any_database: Database, now: datetime, provider_id: int | None) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)

        with pytest.raises(InvalidInput):
            create_offer(db, site.organisation, [site], draft(provider_id), now)


def test_no_other_way_has_one(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        provider = factories.make_identity_provider(db, organisation=site.organisation)

        with pytest.raises(InvalidInput):
            create_offer(db, site.organisation, [site], draft(provider.id, Way.ONE_TAP), now)


def test_a_provider_that_does_not_know_us_yet_is_not_offered(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        nobody = {"client_id": "", "client_secret_sealed": None}
        provider = factories.make_identity_provider(db, organisation=site.organisation, **nobody)

        with pytest.raises(Conflict):
            create_offer(db, site.organisation, [site], draft(provider.id), now)


def test_the_database_itself_wants_both_or_neither(any_database: Database) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        with pytest.raises(IntegrityError), db.begin_nested():
            factories.make_offer(db, site=site, way=Way.OPENID_CONNECT)
        with pytest.raises(IntegrityError), db.begin_nested():
            factories.make_identity_provider(db, organisation=site.organisation, client_secret_sealed=None)
        assert db.scalars(select(Offer)).all() == []
        assert db.scalars(select(IdentityProvider)).all() == []
        assert db.scalars(select(PassRequest)).all() == []
        assert len(db.scalars(select(Site)).all()) == 1
