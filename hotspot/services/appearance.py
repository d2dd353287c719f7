"""An organisation's colour and logo, on its paper and at the head of its pages; each inherited from above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.errors import InvalidInput, NotFound
from hotspot.models import Organisation, Site
from hotspot.policy.colours import parse_colour
from hotspot.printing.look import Look, look_of
from hotspot.services import audit
from hotspot.services.staff import Scope


@dataclass(frozen=True, slots=True)
class Appearance:
    organisation: Organisation
    look: Look
    """With what is inherited."""
    has_logo: bool
    """Of its own."""
    colour_from: str
    """The name of the organisation above that the colour comes from; empty for none, or for its own."""
    logo_from: str
    site_name: str
    """One of its sites, to show what paper looks like; its own name if it has none."""


def organisations_dressed(db: Session, scope: Scope) -> Sequence[Organisation]:
    return db.scalars(
        select(Organisation).where(Organisation.id.in_(scope.organisation_ids)).order_by(func.lower(Organisation.name))
    ).all()


def get_appearance(db: Session, scope: Scope, organisation_id: int) -> Appearance:
    organisation = _get(db, scope, organisation_id)
    above = organisation.line[1:]
    site = db.scalar(select(Site.name).where(Site.organisation_id == organisation_id).order_by(Site.id).limit(1))
    own_logo = bool(organisation.logo)
    return Appearance(
        organisation=organisation,
        look=look_of(organisation),
        has_logo=own_logo,
        colour_from="" if organisation.colour else next((each.name for each in above if each.colour), ""),
        logo_from="" if own_logo else next((each.name for each in above if each.logo), ""),
        site_name=site or organisation.name,
    )


def change_appearance(
    db: Session, by: Scope, organisation_id: int, *, colour: str, logo: bytes | None, now: datetime
) -> Organisation:
    """An empty colour is that of the organisation above. No logo: the one that is there stays."""
    organisation = _get(db, by, organisation_id)
    chosen = parse_colour(colour) if colour.strip() else ""
    if chosen is None:
        raise InvalidInput("A colour is written as # and six digits from 0 to f: #0b5c60.", field="colour")
    changes: dict[str, object] = {}
    if chosen != organisation.colour:
        changes["colour"] = [organisation.colour, chosen]
        organisation.colour = chosen
    if logo is not None:
        changes["logo"] = "changed"
        organisation.logo = logo
    if changes:
        _note(db, by, organisation, changes, now)
    return organisation


def remove_logo(db: Session, by: Scope, organisation_id: int, now: datetime) -> Organisation:
    organisation = _get(db, by, organisation_id)
    if organisation.logo is not None:
        organisation.logo = None
        _note(db, by, organisation, {"logo": "removed"}, now)
    return organisation


def _get(db: Session, scope: Scope, organisation_id: int) -> Organisation:
    """NotFound for somebody else's, as for one that does not exist."""
    organisation = db.get(Organisation, organisation_id) if organisation_id in scope.organisation_ids else None
    if organisation is None:
        raise NotFound("organisation")
    return organisation


def _note(db: Session, by: Scope, organisation: Organisation, changes: dict[str, object], now: datetime) -> None:
    audit.note(
        db, by, "organisation.appearance_changed", organisation.name, changes, now, organisation_id=organisation.id
    )
