"""A library's own system examined for whoever sets it up, and what today's rules make of the card that was tried.

Card and PIN of the test are handed on to the system and kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy.orm import Session

from hotspot.adapters.library_systems.libraries import Connection, OpenOne, open_library
from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.adapters.library_systems.library_system import LibrarySystem as LibrarySystemAsked
from hotspot.errors import Unavailable
from hotspot.models import LibrarySystem, Offer
from hotspot.policy.readers import Reader
from hotspot.services import audit
from hotspot.services.library_systems import card_offers, get_system
from hotspot.services.readers import given_offer
from hotspot.services.staff import Scope
from hotspot.values import Refuse

PATIENCE = timedelta(seconds=6)
"""For the examination; its page is there within eight seconds."""
PATIENCE_FOR_THE_RECORD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Examined:
    findings: Sequence[Finding]
    reader: Reader | None = field(default=None, repr=False)
    """Of the card that was tried, if it is good."""

    @property
    def outcome(self) -> Outcome:
        """The worst of them."""
        found = {each.outcome for each in self.findings}
        return next((each for each in (Outcome.WRONG, Outcome.DOUBTFUL) if each in found), Outcome.WELL)

    @property
    def ignores_pins(self) -> bool | None:
        """None: that was not tried to the end."""
        tried = {each.step: each.outcome for each in self.findings if each.step in (Step.WRONG_PIN, Step.NO_PIN)}
        if Outcome.WRONG in tried.values():
            return True
        return False if tried.get(Step.WRONG_PIN) is Outcome.WELL else None

    @property
    def card_is_known(self) -> bool:
        return any(each.step is Step.CARD and each.outcome is not Outcome.WRONG for each in self.findings)


@dataclass(frozen=True, slots=True)
class RuledOffer:
    """What somebody with this card would get who chooses the offer at these sites today."""

    offer: Offer
    sites: Sequence[str]
    given: Offer | Refuse


def examine(connection: Connection, card_number: str, pin: str, open_one: OpenOne = open_library) -> Examined:
    """Outside of any transaction: takes as long as the system does, eight seconds at most."""
    system = open_one(connection.kind, connection.settings)
    try:
        examined = Examined(system.examine(card_number, pin, PATIENCE))
        if not examined.card_is_known:
            return examined
        return Examined(examined.findings, _record(system, card_number, pin))
    finally:
        system.close()


def note_examination(
    db: Session, by: Scope, connection: Connection, examined: Examined, *, with_card: bool, now: datetime
) -> LibrarySystem:
    """Whether it looks at PINs counts as long as its settings stand. One that says yes to a card is not away."""
    system = get_system(db, by, connection.system_id)
    if system.revision == connection.revision:
        if examined.ignores_pins is not None:
            system.ignores_pins = examined.ignores_pins
        if with_card and examined.ignores_pins is not None:
            system.examined_at = now
        if examined.card_is_known:
            system.away_since, system.away_because = None, ""
    facts = {"outcome": examined.outcome.value, "with_card": "yes" if with_card else "no"}
    if examined.ignores_pins:
        facts["ignores_pins"] = "yes"
    audit.note(db, by, "library_system.tested", system.name, facts, now, organisation_id=system.organisation_id)
    return system


def apply_rules(db: Session, system: LibrarySystem, reader: Reader, now: datetime) -> list[RuledOffer]:
    """For each offer whose cards it checks and that can be chosen; sites with the same answer together."""
    ruled = []
    for offer in card_offers(db, system.organisation_id):
        if offer.library_system_id != system.id or offer.by_rule_only:
            continue
        answers = [(site.name, given_offer(db, reader, offer, site, now)) for site in offer.sites]
        answers.sort(key=lambda each: (_key(each[1]), each[0]))
        for _, same in groupby(answers, key=lambda each: _key(each[1])):
            sites = list(same)
            ruled.append(RuledOffer(offer, [name for name, _ in sites], sites[0][1]))
    return ruled


def _key(given: Offer | Refuse) -> str:
    return f"refused {given.reason} {given.day}" if isinstance(given, Refuse) else f"given {given.id}"


def _record(system: LibrarySystemAsked, card_number: str, pin: str) -> Reader | None:
    """None if it is gone since a moment ago: the findings stand."""
    try:
        return system.ask(card_number, pin, PATIENCE_FOR_THE_RECORD)
    except Unavailable:
        return None
