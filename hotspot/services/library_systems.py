"""Libraries' own systems as staff see and change them, and the offers whose cards they check. Settings are sealed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.adapters.library_systems.libraries import settings_class
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import LibrarySystem, Offer, Patron
from hotspot.sealing import Vault
from hotspot.services import audit
from hotspot.services.library_settings import print_settings, tell, tell_changes
from hotspot.services.staff import Scope
from hotspot.values import LibrarySystemKind, Way

LONGEST_TRUST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class SystemDraft:
    """What staff say of a system."""

    name: str
    settings: ConnectionSettings
    trusted_for: timedelta


@dataclass(frozen=True, slots=True)
class AwaySystem:
    """For the banner."""

    system_id: int
    name: str
    since: datetime
    trusted_for: timedelta
    """Nothing where no PIN is kept."""


def list_systems(db: Session, scope: Scope) -> Sequence[LibrarySystem]:
    return db.scalars(
        _live(scope).options(joinedload(LibrarySystem.organisation)).order_by(func.lower(LibrarySystem.name))
    ).all()


def away_systems(db: Session, scope: Scope) -> Sequence[AwaySystem]:
    """One query for every page of the staff: by organisation, most of which have none."""
    rows = db.execute(
        select(
            LibrarySystem.id,
            LibrarySystem.name,
            LibrarySystem.away_since,
            LibrarySystem.trusted_for,
            LibrarySystem.asks_pin,
        )
        .where(
            LibrarySystem.organisation_id.in_(scope.organisation_ids),
            LibrarySystem.away_since.is_not(None),
            LibrarySystem.retired_at.is_(None),
        )
        .order_by(LibrarySystem.away_since)
    )
    return [
        AwaySystem(number, name, since, trust if asks_pin else timedelta(0))
        for number, name, since, trust, asks_pin in rows
        if since is not None
    ]


def last_confirmations(db: Session, systems: Collection[LibrarySystem]) -> Mapping[int, datetime]:
    """When each last said yes to a reader."""
    rows = db.execute(
        select(Patron.library_system_id, func.max(Patron.confirmed_at))
        .where(Patron.library_system_id.in_([each.id for each in systems]), Patron.confirmed_at.is_not(None))
        .group_by(Patron.library_system_id)
    )
    return {system_id: at for system_id, at in rows if system_id is not None and at is not None}


def get_system(db: Session, scope: Scope, system_id: int) -> LibrarySystem:
    """NotFound for somebody else's and for a retired one, as for one that does not exist."""
    system = db.scalar(
        _live(scope).where(LibrarySystem.id == system_id).options(joinedload(LibrarySystem.organisation))
    )
    if system is None:
        raise NotFound("library system")
    return system


def find_settings(system: LibrarySystem, vault: Vault) -> ConnectionSettings | None:
    """None where what was kept by an older version no longer fits: it has to be entered again."""
    try:
        return settings_class(system.kind).model_validate_json(vault.open(system.settings_sealed))
    except ValidationError:
        return None


def create_system(
    db: Session,
    by: Scope,
    organisation_id: int,
    kind: LibrarySystemKind,
    draft: SystemDraft,
    now: datetime,
    vault: Vault,
) -> LibrarySystem:
    if organisation_id not in by.organisation_ids:
        raise NotFound("organisation")
    _check(db, organisation_id, draft, system_id=None)
    system = LibrarySystem(organisation_id=organisation_id, kind=kind, created_at=now)
    _apply(system, draft, vault)
    db.add(system)
    db.flush()
    facts = {"system_kind": kind.value, "trusted_days": draft.trusted_for.days} | tell(draft.settings)
    _note(db, by, "library_system.created", system, facts, now)
    return system


def change_system(
    db: Session, by: Scope, system_id: int, draft: SystemDraft, now: datetime, vault: Vault
) -> LibrarySystem:
    """Connections that were made with the settings of before are closed at the next card."""
    system = get_system(db, by, system_id)
    _check(db, system.organisation_id, draft, system_id=system.id)
    plain = {
        "name": (system.name, draft.name),
        "trusted_days": (system.trusted_for.days, draft.trusted_for.days),
    }
    changes: dict[str, Any] = {name: [old, new] for name, (old, new) in plain.items() if old != new}
    kept = find_settings(system, vault)
    changes |= tell(draft.settings) if kept is None else tell_changes(kept, draft.settings)
    _apply(system, draft, vault)
    system.examined_at = None
    system.revision = LibrarySystem.revision + 1
    db.flush()
    if not (system.trusted_for and system.asks_pin):
        _forget_pins(db, system)
    _note(db, by, "library_system.changed", system, changes, now)
    return system


def retire_system(db: Session, by: Scope, system_id: int, now: datetime, vault: Vault) -> LibrarySystem:
    """It is no longer asked, and our account there and the PINs kept for it are forgotten. Its offers go first: what
    should check their cards then is not for us to guess."""
    system = get_system(db, by, system_id)
    if offers_of(db, system):
        raise Conflict("It still checks the cards of offers: choose for these first what checks them.")
    system.retired_at, system.settings_sealed = now, vault.seal("{}")
    system.away_since, system.away_because = None, ""
    system.revision = LibrarySystem.revision + 1
    db.flush()
    _forget_pins(db, system)
    _note(db, by, "library_system.retired", system, {}, now)
    return system


def card_offers(db: Session, organisation_id: int) -> Sequence[Offer]:
    """Those whose cards a system of this organisation can check, and that a rule can give: not retired."""
    return db.scalars(
        select(Offer)
        .where(Offer.organisation_id == organisation_id, Offer.way == Way.LIBRARY_CARD, Offer.retired_at.is_(None))
        .options(selectinload(Offer.sites), joinedload(Offer.library_system))
        .order_by(Offer.position, Offer.id)
    ).all()


def offers_of(db: Session, system: LibrarySystem) -> Sequence[Offer]:
    """Those whose cards it checks."""
    return [each for each in card_offers(db, system.organisation_id) if each.library_system_id == system.id]


def attach_offers(
    db: Session, by: Scope, system_id: int, offer_ids: Collection[int], now: datetime, *, understood: bool = False
) -> LibrarySystem:
    """It checks the cards of these offers, and of no others. `understood`: of a system that ignores PINs, that anybody
    gets in who types a card number."""
    system = get_system(db, by, system_id)
    offers = card_offers(db, system.organisation_id)
    if not set(offer_ids) <= {each.id for each in offers}:
        raise NotFound("offer")
    added = [each for each in offers if each.id in offer_ids and each.library_system_id != system.id]
    if added and system.ignores_pins and not understood:
        raise InvalidInput("Tick that you have understood this, or choose no offer.", field="understood")
    before = [each.name for each in offers if each.library_system_id == system.id]
    for offer in offers:
        if offer.id in offer_ids:
            offer.library_system_id = system.id
        elif offer.library_system_id == system.id:
            offer.library_system_id = None
    db.flush()
    after = [each.name for each in offers if each.id in offer_ids]
    if before != after:
        facts: dict[str, Any] = {"offers": [before, after]}
        if added and system.ignores_pins:
            facts["ignores_pins"] = "understood"
        _note(db, by, "library_system.changed", system, facts, now)
    return system


def _live(scope: Scope) -> Select[LibrarySystem]:
    return select(LibrarySystem).where(
        LibrarySystem.organisation_id.in_(scope.organisation_ids), LibrarySystem.retired_at.is_(None)
    )


def _check(db: Session, organisation_id: int, draft: SystemDraft, system_id: int | None) -> None:
    if not timedelta(0) <= draft.trusted_for <= LONGEST_TRUST:
        raise InvalidInput("Between 0 and 365 days.", field="trusted_days")
    twin = db.scalar(
        select(LibrarySystem.id).where(
            LibrarySystem.organisation_id == organisation_id,
            LibrarySystem.name == draft.name,
            LibrarySystem.retired_at.is_(None),
            LibrarySystem.id != (system_id or 0),
        )
    )
    if twin is not None:
        raise Conflict("There is already a library system with this name.", field="name")


def _apply(system: LibrarySystem, draft: SystemDraft, vault: Vault) -> None:
    system.name, system.trusted_for = draft.name, draft.trusted_for
    system.settings_sealed = vault.seal(print_settings(draft.settings))
    system.asks_pin = not getattr(draft.settings, "card_only", False)


def _forget_pins(db: Session, system: LibrarySystem) -> None:
    db.execute(update(Patron).where(Patron.library_system_id == system.id).values(pin_hash=None))


def _note(db: Session, by: Scope, action: str, system: LibrarySystem, facts: Mapping[str, Any], now: datetime) -> None:
    audit.note(db, by, action, system.name, facts, now, organisation_id=system.organisation_id)
