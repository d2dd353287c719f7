"""Libraries' own systems as staff change them: their secrets kept, their cards checked, nothing of somebody else's."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.library_systems.libraries import settings_class
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.adapters.library_systems.sip2_settings import Sip2Settings
from hotspot.db import Database
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import AuditEntry, LibrarySystem, Offer
from hotspot.sealing import Vault
from hotspot.services import library_systems as systems
from hotspot.services.library_settings import WHERE, print_settings, read_settings, tell, tell_changes
from hotspot.services.library_systems import SystemDraft
from hotspot.services.staff import Scope, find_scope
from hotspot.values import LibrarySystemKind, Way
from tests import factories

SIP2 = LibrarySystemKind.SIP2
HUSH, WHISPER = "hush-hush", "a whisper"
ENTERED = {"host": "ils.example", "user": "parvis", "password": HUSH, "terminal_password": WHISPER}
MONTH = timedelta(days=30)


def read(
    entered: Mapping[str, Any] | None = None, kept: ConnectionSettings | None = None, **options: Any
) -> Sip2Settings:
    settings = read_settings(SIP2, {**ENTERED, **(entered or {})}, kept, **options)
    assert isinstance(settings, Sip2Settings)
    return settings


class Town:
    """A commune with a library, and its administrator; another town's."""

    def __init__(self, db: Session, now: datetime, vault: Vault) -> None:
        self.db, self.now, self.vault = db, now, vault
        self.site = factories.make_site(db)
        self.organisation = self.site.organisation
        self.by = scope_of(db, factories.make_staff(db, organisation=self.organisation))
        self.stranger = scope_of(db, factories.make_staff(db))

    def add(self, name: str = "Catalogue", trusted_for: timedelta = MONTH, **entered: Any) -> LibrarySystem:
        draft = SystemDraft(name, read(entered), trusted_for)
        return systems.create_system(self.db, self.by, self.organisation.id, SIP2, draft, self.now, self.vault)

    def change(self, system: LibrarySystem, trusted_for: timedelta = MONTH, **entered: Any) -> LibrarySystem:
        kept = systems.find_settings(system, self.vault)
        draft = SystemDraft(system.name, read(entered, kept), trusted_for)
        return systems.change_system(self.db, self.by, system.id, draft, self.now, self.vault)

    def offer(self, **fields: Any) -> Offer:
        return factories.make_offer(self.db, site=self.site, **{"way": Way.LIBRARY_CARD, **fields})

    def last_entry(self) -> AuditEntry:
        return self.db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first() or pytest.fail("no entry")


def scope_of(db: Session, member: Any) -> Scope:
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


@pytest.fixture
def town(any_database: Database, now: datetime, vault: Vault) -> Iterator[Town]:
    with any_database.transaction() as db:
        yield Town(db, now, vault)


# ---- settings ----


def test_an_empty_secret_is_the_one_that_is_kept() -> None:
    settings = read({"password": "", "terminal_password": "", "location": "DESK"}, read())
    assert settings.password.get_secret_value() == HUSH
    assert settings.terminal_password.get_secret_value() == WHISPER
    assert settings.location == "DESK"


def test_a_secret_that_is_typed_replaces_the_one_that_is_kept() -> None:
    assert read({"password": "another"}, read()).password.get_secret_value() == "another"


def test_a_secret_can_be_forgotten() -> None:
    settings = read({"terminal_password": ""}, read(), forgotten={"terminal_password"})
    assert settings.terminal_password.get_secret_value() == ""


def test_one_that_is_needed_cannot() -> None:
    with pytest.raises(ValidationError):
        read({"password": ""}, read(), forgotten={"password"})


@pytest.mark.parametrize("elsewhere", [{"host": "evil.example"}, {"port": "6002"}, {"tls": True}, {"tls_name": "a.b"}])
def test_a_kept_secret_goes_nowhere_else(elsewhere: dict[str, Any]) -> None:
    """An administrator who may not see it could have it sent to a machine of their own."""
    with pytest.raises(InvalidInput) as raised:
        read({**elsewhere, "password": "", "terminal_password": ""}, read())
    assert raised.value.field == "password"
    assert read({**elsewhere, "terminal_password": "new"}, read()).password.get_secret_value() == HUSH


@pytest.mark.parametrize("kind", LibrarySystemKind)
def test_of_every_kind_that_has_secrets_it_is_known_what_says_where_they_go(kind: LibrarySystemKind) -> None:
    made = settings_class(kind)
    places = [name for name in made.model_fields if name in WHERE]
    assert places
    looks_like_one = ("host", "port", "address", "server", "url", "tls", "ca_pem", "security", "unencrypted")
    assert [name for name in made.model_fields if any(each in name for each in looks_like_one)] == places


def test_what_is_sealed_can_be_read_again() -> None:
    settings = read()
    assert Sip2Settings.model_validate_json(print_settings(settings)) == settings


def test_the_log_is_told_no_secret_and_no_long_text() -> None:
    told = json.dumps([tell(read()), tell_changes(read(), read({"password": "a-new-one"}))])
    assert HUSH not in told
    assert WHISPER not in told
    assert "a-new-one" not in told
    assert tell_changes(read(), read({"password": "a-new-one"})) == {"Password of our SIP2 account": "changed"}


def test_the_log_is_told_an_address_without_what_may_be_a_key() -> None:
    settings = read_settings(
        LibrarySystemKind.HTTP,
        {"address": "https://ils.example/check?key=s3cret", "headers": "X-Key: s3cret", "no_statuses": "404"},
    )
    assert "https://ils.example/check" in tell(settings).values()
    assert "s3cret" not in json.dumps(tell(settings))


def test_two_addresses_that_differ_in_a_key_alone_have_changed() -> None:
    one, other = (
        read_settings(LibrarySystemKind.HTTP, {"address": f"https://ils.example/?key={key}", "no_statuses": "404"})
        for key in "ab"
    )
    assert list(tell_changes(one, other).values()) == ["changed"]


# ---- systems ----


def test_settings_are_sealed_and_read_by_the_connection(town: Town) -> None:
    system = town.add()
    assert HUSH.encode() not in system.settings_sealed
    assert systems.find_settings(system, town.vault) == read()
    assert (system.revision, system.asks_pin, system.trusted_for) == (1, True, MONTH)


def test_making_one_is_in_the_log_without_secrets(town: Town) -> None:
    town.add(trusted_for=timedelta(days=7))
    entry = town.last_entry()
    assert (entry.action, entry.subject, entry.organisation_id) == (
        "library_system.created",
        "Catalogue",
        town.organisation.id,
    )
    assert entry.facts == {
        "system_kind": "sip2",
        "trusted_days": 7,
        "SIP2 server": "ils.example",
        "Name of our SIP2 account": "parvis",
    }


def test_a_change_counts_and_is_in_the_log(town: Town) -> None:
    system = town.change(town.add(), location="DESK", password="", terminal_password="")
    town.db.refresh(system)
    assert system.revision == 2
    assert town.last_entry().facts == {"Location code (CP)": ["", "DESK"]}


def test_a_card_alone_is_enough_where_the_settings_say_so(town: Town) -> None:
    system = town.add(card_only=True)
    assert not system.asks_pin
    assert town.change(system, card_only=False).asks_pin


def test_a_change_makes_the_last_test_void_but_not_its_alarm(town: Town) -> None:
    system = town.add()
    system.examined_at, system.ignores_pins = town.now, True
    town.change(system, location="DESK")
    assert (system.examined_at, system.ignores_pins) == (None, True)


@pytest.mark.parametrize("changed", [{"trusted_for": timedelta(0)}, {"card_only": True}])
def test_pins_that_are_no_longer_to_be_trusted_are_forgotten_at_once(town: Town, changed: dict[str, Any]) -> None:
    system = town.add()
    patron = factories.make_patron(town.db, organisation=town.organisation, library_system_id=system.id)
    of_file = factories.make_patron(town.db, organisation=town.organisation)
    town.change(system, **changed)
    town.db.refresh(patron)
    town.db.refresh(of_file)
    assert patron.pin_hash is None
    assert of_file.pin_hash is not None


def test_two_of_one_name_are_a_conflict(town: Town) -> None:
    town.add()
    with pytest.raises(Conflict):
        town.add()
    retired = town.add("Other")
    systems.retire_system(town.db, town.by, retired.id, town.now, town.vault)
    town.add("Other")


@pytest.mark.parametrize("trusted_for", [timedelta(days=-1), timedelta(days=366)])
def test_nobody_is_trusted_for_less_than_nothing_or_more_than_a_year(town: Town, trusted_for: timedelta) -> None:
    with pytest.raises(InvalidInput):
        town.add(trusted_for=trusted_for)


def test_a_retired_one_forgets_our_account_and_the_pins(town: Town) -> None:
    system = town.add()
    patron = factories.make_patron(town.db, organisation=town.organisation, library_system_id=system.id)
    systems.retire_system(town.db, town.by, system.id, town.now, town.vault)
    town.db.refresh(patron)
    assert (town.vault.open(system.settings_sealed), patron.pin_hash) == ("{}", None)
    assert list(systems.list_systems(town.db, town.by)) == []
    with pytest.raises(NotFound):
        systems.get_system(town.db, town.by, system.id)


def test_one_that_checks_cards_cannot_be_retired(town: Town) -> None:
    system, offer = town.add(), town.offer()
    systems.attach_offers(town.db, town.by, system.id, [offer.id], town.now)
    with pytest.raises(Conflict):
        systems.retire_system(town.db, town.by, system.id, town.now, town.vault)
    offer.retired_at = town.now
    systems.retire_system(town.db, town.by, system.id, town.now, town.vault)


def test_somebody_elses_is_not_there(town: Town) -> None:
    system = town.add()
    for attempt in (
        lambda: systems.get_system(town.db, town.stranger, system.id),
        lambda: systems.retire_system(town.db, town.stranger, system.id, town.now, town.vault),
        lambda: systems.attach_offers(town.db, town.stranger, system.id, [], town.now),
        lambda: systems.create_system(
            town.db, town.stranger, town.organisation.id, SIP2, SystemDraft("X", read(), MONTH), town.now, town.vault
        ),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert list(systems.list_systems(town.db, town.stranger)) == []


def test_settings_that_no_longer_fit_are_entered_again(town: Town) -> None:
    system = factories.make_library_system(town.db, organisation=town.organisation)
    assert systems.find_settings(system, town.vault) is None
    town.change(system)
    assert systems.find_settings(system, town.vault) == read()


# ---- whose cards ----


def test_offers_are_attached_and_let_go(town: Town) -> None:
    system, one, other = town.add(), town.offer(), town.offer()
    systems.attach_offers(town.db, town.by, system.id, [one.id], town.now)
    systems.attach_offers(town.db, town.by, system.id, [other.id], town.now)
    assert (one.library_system_id, other.library_system_id) == (None, system.id)
    assert town.last_entry().facts == {"offers": [[one.name], [other.name]]}


def test_the_offers_of_another_system_stay_with_it(town: Town) -> None:
    system, other = town.add(), town.add("Other")
    offer = town.offer(library_system_id=other.id)
    systems.attach_offers(town.db, town.by, system.id, [], town.now)
    assert offer.library_system_id == other.id


def test_only_live_card_offers_of_its_own_organisation_are_attached(town: Town) -> None:
    system = town.add()
    for offer in (
        town.offer(way=Way.ONE_TAP),
        town.offer(retired_at=town.now),
        factories.make_offer(town.db, way=Way.LIBRARY_CARD),
    ):
        with pytest.raises(NotFound):
            systems.attach_offers(town.db, town.by, system.id, [offer.id], town.now)
        assert offer.library_system_id is None


def test_one_that_ignores_pins_checks_cards_only_where_that_was_understood(town: Town) -> None:
    system, offer = town.add(), town.offer()
    system.ignores_pins = True
    with pytest.raises(InvalidInput):
        systems.attach_offers(town.db, town.by, system.id, [offer.id], town.now)
    assert offer.library_system_id is None
    systems.attach_offers(town.db, town.by, system.id, [offer.id], town.now, understood=True)
    assert offer.library_system_id == system.id
    assert town.last_entry().facts["ignores_pins"] == "understood"


def test_letting_go_of_an_offer_needs_no_understanding(town: Town) -> None:
    system = town.add()
    offer = town.offer(library_system_id=system.id)
    system.ignores_pins = True
    systems.attach_offers(town.db, town.by, system.id, [], town.now)
    assert offer.library_system_id is None


# ---- away ----


def test_those_that_are_away_are_told_to_their_own_staff(town: Town) -> None:
    system = town.add()
    town.add("Well")
    assert systems.away_systems(town.db, town.by) == []
    system.away_since = town.now
    assert [(each.name, each.since, each.trusted_for) for each in systems.away_systems(town.db, town.by)] == [
        ("Catalogue", town.now, MONTH)
    ]
    assert systems.away_systems(town.db, town.stranger) == []


def test_where_no_pin_is_kept_nobody_is_said_to_get_in(town: Town) -> None:
    system = town.add(card_only=True)
    system.away_since = town.now
    assert [each.trusted_for for each in systems.away_systems(town.db, town.by)] == [timedelta(0)]


def test_the_last_yes_to_a_reader_is_known(town: Town) -> None:
    system, other = town.add(), town.add("Other")
    for days in (3, 1, 2):
        at = town.now - timedelta(days=days)
        factories.make_patron(town.db, organisation=town.organisation, library_system_id=system.id, confirmed_at=at)
    assert systems.last_confirmations(town.db, [system, other]) == {system.id: town.now - timedelta(days=1)}
