"""Readers whom a library's own system knows: asked before the transaction, written down in it, and let in again on what
was kept while the system is away.

Nobody waits for a library inside of a transaction: a door calls `check_card` first, and hands on what came of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.adapters.library_systems.libraries import Away, Connection, Libraries
from hotspot.models import Grant, LibrarySystem, Offer, OfferSite, Patron, ReaderRule, Site
from hotspot.passwords import hash_password, is_password
from hotspot.policy.readers import Block, Reader, Rule, decide_reader
from hotspot.sealing import Vault
from hotspot.values import RefusalReason, Refuse

AWAY_VISIT = timedelta(days=1)
"""The longest that a grant lasts which was given while the system was away."""


@dataclass(frozen=True, slots=True)
class CheckedCard:
    """A card that a library's own system was asked about."""

    system_id: int
    card_number: str
    """As typed."""
    pin: str = field(repr=False)
    reader: Reader | None = None
    away: Away | None = None
    """It gave no answer. Without this, no reader means no such card, or the wrong PIN."""
    pin_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identified:
    """A reader who may be online."""

    patron: Patron
    offer: Offer
    """The one that was chosen, or the one that a rule gives in its place."""
    unconfirmed: bool = False
    born_on: date | None = None
    """As the system has just said: it is not kept."""


def connection_of(system: LibrarySystem, vault: Vault) -> Connection:
    settings = vault.open(system.settings_sealed)
    return Connection(
        system.id, system.revision, system.kind, settings, keeps_pins=bool(system.trusted_for) and system.asks_pin
    )


def connection_for(db: Session, system_id: int, vault: Vault) -> Connection:
    return connection_of(db.get_one(LibrarySystem, system_id), vault)


def connections_away(db: Session, vault: Vault) -> Sequence[Connection]:
    """Of the systems that gave no sound answer when they were last asked."""
    away = select(LibrarySystem).where(LibrarySystem.away_since.is_not(None), LibrarySystem.retired_at.is_(None))
    return [connection_of(system, vault) for system in db.scalars(away)]


def note_answering(db: Session, connection: Connection) -> None:
    """It is there again, though no reader has come meanwhile."""
    this_one = (LibrarySystem.id == connection.system_id) & (LibrarySystem.revision == connection.revision)
    db.execute(update(LibrarySystem).where(this_one).values(away_since=None, away_because=""))


def check_card(libraries: Libraries, connection: Connection, card_number: str, pin: str) -> CheckedCard:
    """Outside of any transaction: takes as long as the library does, within its patience."""
    typed = card_number.strip()
    try:
        reader = libraries.ask(connection, typed, pin)
    except Away as away:
        return CheckedCard(connection.system_id, typed, pin, away=away)
    pin_hash = hash_password(pin) if reader is not None and connection.keeps_pins and pin else None
    return CheckedCard(connection.system_id, typed, pin, reader, pin_hash=pin_hash)


def identify_reader(db: Session, card: CheckedCard, offer: Offer, site: Site, now: datetime) -> Identified | Refuse:
    """The patron's row is locked, so that two devices of one person cannot both be the last one allowed."""
    if card.system_id != offer.library_system_id:  # staff have changed that meanwhile
        return Refuse(RefusalReason.LIBRARY_AWAY)
    system = db.get_one(LibrarySystem, card.system_id)
    _note_state(system, card.away, now)
    if card.away is not None:
        return _recalled(db, system, card, offer, site, now)
    if card.reader is None:
        return Refuse(RefusalReason.UNKNOWN_CARD_OR_PIN)
    given = given_offer(db, card.reader, offer, site, now)
    if isinstance(given, Refuse):
        if given.reason is not RefusalReason.OFFER_NOT_HERE:  # which says something of the site, not of them
            _forget_pin(db, system, card.reader)
        return given
    patron = _written_down(db, system, card, card.reader, now)
    return (
        Refuse(RefusalReason.CARD_BLOCKED) if patron.blocked else Identified(patron, given, born_on=card.reader.born_on)
    )


def given_offer(db: Session, reader: Reader, offer: Offer, site: Site, now: datetime) -> Offer | Refuse:
    """What the rules of the offer's organisation make of this reader, here and today."""
    decided = decide_reader(reader, _rules(db, offer.organisation_id), now.astimezone(site.hours.zone).date())
    if decided is None or decided == offer.id:
        return offer
    if isinstance(decided, Refuse):
        return decided
    return _offer_at(db, decided, site) or Refuse(RefusalReason.OFFER_NOT_HERE)


def reader_of(patron: Patron) -> Reader:
    """What is kept of them, as rules want it."""
    return Reader(
        card_number=patron.card_number,
        category=patron.category,
        home_library=patron.home_library,
        born_on=patron.born_on,
        expires_on=patron.expires_on,
        owes=patron.owes,
    )


def _recalled(
    db: Session, system: LibrarySystem, card: CheckedCard, offer: Offer, site: Site, now: datetime
) -> Identified | Refuse:
    """The same answer, after the same time, for a card that was never seen and for a PIN that is not that of then."""
    patron = db.scalar(
        select(Patron)
        .where(
            Patron.library_system_id == system.id,
            (Patron.card_number == card.card_number) | (Patron.also_typed == card.card_number),
            Patron.confirmed_at > now - system.trusted_for,
        )
        .order_by(Patron.card_number != card.card_number, Patron.id)
        .limit(1)
        .with_for_update(of=Patron)
    )
    if not is_password(card.pin, patron.pin_hash if patron else None) or patron is None or not card.card_number:
        return Refuse(RefusalReason.LIBRARY_AWAY)
    if patron.blocked:
        return Refuse(RefusalReason.CARD_BLOCKED)
    given = given_offer(db, reader_of(patron), _last_offer(db, patron, site) or offer, site, now)
    return given if isinstance(given, Refuse) else Identified(patron, given, unconfirmed=True)


def _last_offer(db: Session, patron: Patron, site: Site) -> Offer | None:
    """That a rule once gave them: what it asked for may not be known here."""
    last = db.scalar(
        select(Grant.offer_id).where(Grant.patron_id == patron.id).order_by(Grant.created_at.desc()).limit(1)
    )
    offer = None if last is None else _offer_at(db, last, site)
    return offer if offer is not None and offer.by_rule_only else None


def _written_down(db: Session, system: LibrarySystem, card: CheckedCard, reader: Reader, now: datetime) -> Patron:
    """Nothing but what is needed while the system is away: no name, no birthday."""
    typed = card.card_number if card.card_number != reader.card_number else ""
    facts: dict[str, Any] = {
        "category": reader.category[:64],
        "expires_on": reader.expires_on,
        "pin_hash": card.pin_hash,
        "also_typed": typed[:64],
        "confirmed_at": now,
        "updated_at": now,
    }
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(Patron).values(
        organisation_id=system.organisation_id,
        library_system_id=system.id,
        card_number=reader.card_number[:64],
        name="",
        blocked=False,
        created_at=now,
        **facts,
    )
    db.execute(statement.on_conflict_do_update(index_elements=["library_system_id", "card_number"], set_=facts))
    return db.scalars(
        select(Patron)
        .where(Patron.library_system_id == system.id, Patron.card_number == reader.card_number[:64])
        .with_for_update(of=Patron)
        .execution_options(populate_existing=True)
    ).one()


def _forget_pin(db: Session, system: LibrarySystem, reader: Reader) -> None:
    """Whom the system knows and the rules refuse does not get in while it is away either, nor by a device that is
    remembered."""
    this_one = (Patron.library_system_id == system.id) & (Patron.card_number == reader.card_number[:64])
    db.execute(update(Patron).where(this_one).values(pin_hash=None, confirmed_at=None))


def _note_state(system: LibrarySystem, away: Away | None, now: datetime) -> None:
    if away is None:
        if system.away_since is not None:
            system.away_since, system.away_because = None, ""
    elif away.is_certain and system.away_since is None:
        system.away_since, system.away_because = now, away.because


def _offer_at(db: Session, offer_id: int, site: Site) -> Offer | None:
    return db.scalar(
        select(Offer)
        .join(OfferSite, OfferSite.offer_id == Offer.id)
        .where(Offer.id == offer_id, OfferSite.site_id == site.id, Offer.retired_at.is_(None))
    )


def _rules(db: Session, organisation_id: int) -> list[Rule]:
    rows = db.scalars(
        select(ReaderRule)
        .where(ReaderRule.organisation_id == organisation_id)
        .order_by(ReaderRule.position, ReaderRule.id)
    )
    return [rule_of(row) for row in rows]


def rule_of(row: ReaderRule) -> Rule:
    return Rule(
        offer_id=row.offer_id,
        sentences=row.sentences,
        categories=frozenset(row.categories),
        home_libraries=frozenset(row.home_libraries),
        age_from=row.age_from,
        age_below=row.age_below,
        owes_above=row.owes_above,
        expired=row.expired,
        blocks=frozenset(map(Block, row.blocks)),
    )
