"""Offers as staff make and change them: whose they are, what they may say, in which order they stand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Conflict, HotspotError, InvalidInput, NotFound
from hotspot.models import AuditEntry, Offer, OfferAllowance
from hotspot.services import changing_offers as offers
from hotspot.services.making_offers import AllowanceDraft, OfferDraft
from hotspot.services.staff import Scope, find_scope
from hotspot.values import Period, Way
from tests import factories

HOUR = timedelta(hours=1)


class Town:
    def __init__(self, db: Session, now: datetime) -> None:
        self.db, self.now = db, now
        self.site = factories.make_site(db, name="Square")
        self.organisation = self.site.organisation
        self.hall = factories.make_site(db, organisation=self.organisation, name="Hall")
        self.elsewhere = factories.make_site(db)
        self.by = scope_of(db, factories.make_staff(db, organisation=self.organisation))
        self.stranger = scope_of(db, factories.make_staff(db))

    def add(self, name: str = "Free", way: Way = Way.ONE_TAP, **fields: Any) -> Offer:
        draft = OfferDraft(name, way, **fields)
        return offers.add_offer(self.db, self.by, self.organisation.id, [self.site.id], draft, self.now)

    def change(self, offer: Offer, draft: OfferDraft, *sites: int, **more: Any) -> Offer:
        return offers.change_offer(self.db, self.by, offer.id, sites or [self.site.id], draft, self.now, **more)

    def names(self) -> list[str]:
        return [each.name for each in offers.list_offers(self.db, self.by) if each.retired_at is None]

    def entries(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self.db.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(each.action, each.actor, each.facts) for each in rows]


def scope_of(db: Session, member: Any) -> Scope:
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


@pytest.fixture
def town(any_database: Database, now: datetime) -> Iterator[Town]:
    with any_database.transaction() as db:
        yield Town(db, now)


DRAFT = OfferDraft(
    "Long",
    Way.ONE_TAP,
    visit_time=3 * HOUR,
    time_allowed=HOUR,
    octets_allowed=5_000_000,
    upload_octets_allowed=1_000_000,
    download_octets_allowed=4_000_000,
    upload_kbps=1000,
    download_kbps=2000,
    devices_at_once=2,
    idle_timeout=timedelta(minutes=5),
    allowances=[AllowanceDraft(Period.DAY, time=2 * HOUR), AllowanceDraft(Period.WEEK, octets=10**9)],
    announcement_every=timedelta(minutes=30),
    announcement_length=timedelta(seconds=15),
)


def kept(offer: Offer) -> dict[str, Any]:
    names = (
        "visit_time",
        "time_allowed",
        "octets_allowed",
        "upload_octets_allowed",
        "download_octets_allowed",
        "upload_kbps",
        "download_kbps",
        "devices_at_once",
        "idle_timeout",
        "announcement_every",
        "announcement_length",
    )
    return {name: getattr(offer, name) for name in names}


def rows(offer: Offer) -> list[tuple[Period, timedelta | None, int | None]]:
    return sorted((each.period, each.time, each.octets) for each in offer.allowances)


def test_an_offer_is_kept_as_it_was_said(town: Town) -> None:
    made = offers.add_offer(town.db, town.by, town.organisation.id, [town.site.id], DRAFT, town.now)
    town.db.expire(made)
    assert kept(made) == {name: getattr(DRAFT, name) for name in kept(made)}
    assert rows(made) == [(Period.DAY, 2 * HOUR, None), (Period.WEEK, None, 10**9)]


def test_a_changed_offer_is_as_a_new_one_of_that_draft(town: Town) -> None:
    offer = town.add(allowances=[AllowanceDraft(Period.DAY, octets=7), AllowanceDraft(Period.WEEK, time=HOUR)])
    town.change(offer, replace(DRAFT, allowances=[AllowanceDraft(Period.DAY, time=HOUR)]), town.hall.id)
    town.db.expire(offer)
    assert (offer.name, [site.name for site in offer.sites]) == ("Long", ["Hall"])
    assert kept(offer) == {name: getattr(DRAFT, name) for name in kept(offer)}
    assert rows(offer) == [(Period.DAY, HOUR, None)]
    assert len(town.db.scalars(select(OfferAllowance)).all()) == 1


def test_the_log_has_what_was_before_and_after(town: Town) -> None:
    offer = town.add(visit_time=HOUR)
    day = [AllowanceDraft(Period.DAY, time=2 * HOUR + timedelta(minutes=30), upload_octets=5_000_000)]
    town.change(offer, OfferDraft("Free", Way.ONE_TAP, allowances=day), town.hall.id)
    (created, actor, made), (changed, _, changes) = town.entries()
    assert (created, changed, actor) == ("offer.created", "offer.changed", town.by.email)
    assert made == {
        "way": "one_tap",
        "name": "Free",
        "sites": ["Square"],
        "visit_time": "1 h",
        "devices_at_once": 1,
    }
    assert changes == {
        "sites": [["Square"], ["Hall"]],
        "visit_time": ["1 h", ""],
        "per_day": ["", "2 h 30 min · ↑ 5 MB"],
    }


def test_saving_what_is_there_already_is_no_entry(town: Town) -> None:
    offer = town.add()
    town.change(offer, OfferDraft("Free", Way.ONE_TAP))
    assert [action for action, _, _ in town.entries()] == ["offer.created"]


def test_neither_way_nor_identity_provider_is_changed(town: Town) -> None:
    provider = factories.make_identity_provider(town.db, organisation=town.organisation)
    offer = town.add(way=Way.OPENID_CONNECT, identity_provider_id=provider.id)
    town.change(offer, OfferDraft("Other", Way.ONE_TAP))
    assert (offer.name, offer.way, offer.identity_provider) == ("Other", Way.OPENID_CONNECT, provider)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "name"),
    ({"visit_time": timedelta(0)}, "visit-time"),
    ({"devices_at_once": 0}, "devices"),
    ({"octets_allowed": 2**53 + 1}, "volume"),
    ({"idle_timeout": timedelta(days=400)}, "idle-timeout"),
    ({"allowances": [AllowanceDraft(Period.DAY, time=25 * HOUR)]}, "day-time"),
    ({"announcement_every": timedelta(minutes=4)}, "announcement-every"),
    ({"remember_for": timedelta(days=3)}, "remember-days"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=[field for _, field in WRONG])
def test_a_wrong_change_is_named_and_nothing_of_it_is_kept(town: Town, wrong: dict[str, Any], field: str) -> None:
    offer = town.add(visit_time=HOUR)
    with pytest.raises(InvalidInput) as refused:
        town.change(offer, replace(DRAFT, **wrong), town.hall.id)
    assert refused.value.field == field
    assert not town.db.dirty
    assert (offer.name, offer.visit_time, offer.sites) == ("Free", HOUR, [town.site])


def test_two_live_offers_of_an_organisation_have_not_the_same_name(town: Town) -> None:
    gone, other = town.add("One"), town.add("Two")
    with pytest.raises(Conflict):
        town.change(other, OfferDraft("One", Way.ONE_TAP))
    offers.withdraw_offer(town.db, town.by, gone.id, town.now)
    assert town.change(other, OfferDraft("One", Way.ONE_TAP)).name == "One"


@pytest.mark.parametrize("sites", [[], ["elsewhere"], ["site", "elsewhere"]])
def test_an_offer_holds_at_sites_of_its_organisation(town: Town, sites: list[str]) -> None:
    numbers = [getattr(town, each).id for each in sites]
    with pytest.raises(InvalidInput) as refused:
        offers.add_offer(town.db, town.by, town.organisation.id, numbers, DRAFT, town.now)
    assert refused.value.field == "site"


def test_a_metropolis_makes_an_offer_for_the_sites_of_its_communes(town: Town) -> None:
    below = factories.make_organisation(town.db, parent=town.organisation)
    site = factories.make_site(town.db, organisation=below)
    by = scope_of(town.db, factories.make_staff(town.db, organisation=town.organisation))
    made = offers.add_offer(town.db, by, town.organisation.id, [site.id], DRAFT, town.now)
    assert made.sites == [site]
    assert offers.choices_of(town.db, by, below.id).sites == [site]


def test_a_strangers_offer_is_not_there(town: Town) -> None:
    offer = town.add()
    tries = [
        lambda by: offers.get_offer(town.db, by, offer.id),
        lambda by: offers.change_offer(town.db, by, offer.id, [town.site.id], DRAFT, town.now),
        lambda by: offers.move_offer(town.db, by, offer.id, 1, town.now),
        lambda by: offers.withdraw_offer(town.db, by, offer.id, town.now),
        lambda by: offers.choices_of(town.db, by, town.organisation.id),
        lambda by: offers.add_offer(town.db, by, town.organisation.id, [town.site.id], DRAFT, town.now),
    ]
    for each in tries:
        with pytest.raises(NotFound):
            each(town.stranger)
    assert list(offers.list_offers(town.db, town.stranger)) == []


def test_a_library_system_of_somebody_else_checks_no_card_here(town: Town) -> None:
    theirs = factories.make_library_system(town.db)
    offer = town.add(way=Way.LIBRARY_CARD)
    with pytest.raises(NotFound):
        town.change(offer, OfferDraft("Free", Way.LIBRARY_CARD), library_system_id=theirs.id)


def test_a_system_that_ignores_pins_stays_where_it_is_and_goes_nowhere_else(town: Town) -> None:
    system = factories.make_library_system(town.db, organisation=town.organisation)
    draft = OfferDraft("Cards", Way.LIBRARY_CARD)
    checked = town.change(town.add(way=Way.LIBRARY_CARD), draft, library_system_id=system.id)
    system.ignores_pins = True
    town.db.flush()
    assert town.change(checked, replace(draft, name="Readers"), library_system_id=system.id).library_system is system
    with pytest.raises(InvalidInput):
        town.change(town.add("Other", Way.LIBRARY_CARD), replace(draft, name="Other"), library_system_id=system.id)


def test_a_new_offer_stands_last_and_moves_step_by_step(town: Town) -> None:
    one, _, three = (town.add(name) for name in ("one", "two", "three"))
    assert town.names() == ["one", "two", "three"]
    offers.move_offer(town.db, town.by, three.id, -1, town.now)
    assert town.names() == ["one", "three", "two"]
    offers.move_offer(town.db, town.by, one.id, 9, town.now)
    assert town.names() == ["three", "two", "one"]
    assert town.entries()[-1][2] == {"position": 3}


def test_offers_at_one_position_are_told_apart_by_a_move(town: Town) -> None:
    for name in ("one", "two", "three"):
        factories.make_offer(town.db, site=town.site, name=name, position=1)
    last = offers.list_offers(town.db, town.by)[-1]
    offers.move_offer(town.db, town.by, last.id, -1, town.now)
    assert town.names() == ["one", "three", "two"]


def test_a_retired_offer_is_listed_last_and_changed_no_more(town: Town) -> None:
    offer, _ = town.add("one"), town.add("two")
    offers.withdraw_offer(town.db, town.by, offer.id, town.now)
    assert [each.name for each in offers.list_offers(town.db, town.by)] == ["two", "one"]
    for again in (offers.withdraw_offer, lambda db, by, number, now: offers.move_offer(db, by, number, 1, now)):
        with pytest.raises(HotspotError):
            again(town.db, town.by, offer.id, town.now)


def test_the_rules_that_give_an_offer_are_known(town: Town) -> None:
    offer = town.add(way=Way.LIBRARY_CARD)
    rule = factories.make_reader_rule(town.db, organisation=town.organisation, offer_id=offer.id)
    factories.make_reader_rule(town.db, organisation=town.organisation)
    assert offers.rules_that_give(town.db, offer) == [rule]
