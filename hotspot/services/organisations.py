"""Organisations, and the terms of use that their visitors accept. The first one is made on the command line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Organisation, Terms
from hotspot.models.organisation import DEEPEST
from hotspot.services import audit
from hotspot.services.staff import Scope
from hotspot.wording import LANGUAGES

LONGEST_NAME = 200
LONGEST_TERMS = 50_000


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """What visitors of an organisation accept: `of` it, or of one above it; None: the short ones that come with the
    portal."""

    version: int
    texts: Mapping[str, str]
    of: Organisation | None


def create_organisation(
    db: Session,
    *,
    name: str,
    contact: str,
    parent: Organisation | None,
    now: datetime,
    by: Scope | Literal["system"] = "system",
) -> Organisation:
    """`contact`: where a citizen writes about data and access. Without terms of its own it has its parent's, or the
    short ones that come with the portal."""
    name, contact = _checked(db, name, contact, None)
    if parent is not None and len(parent.line) >= DEEPEST:
        raise InvalidInput("Organisations stand inside one another ten deep at most.", field="parent_id")
    made = Organisation(name=name, contact=contact, parent=parent, created_at=now)
    db.add(made)
    db.flush()
    audit.note(db, by, "organisation.created", name, {}, now, organisation_id=made.id)
    return made


def add_organisation(db: Session, by: Scope, parent_id: int, name: str, contact: str, now: datetime) -> Organisation:
    """Below one that is theirs: staff make none beside their own."""
    parent = get_organisation(db, by, parent_id)
    return create_organisation(db, name=name, contact=contact, parent=parent, now=now, by=by)


def change_organisation(
    db: Session, by: Scope, organisation_id: int, name: str, contact: str, now: datetime
) -> Organisation:
    """Not the one above it: its offers, terms and identity providers may come from there."""
    found = get_organisation(db, by, organisation_id)
    name, contact = _checked(db, name, contact, found.id)
    pairs = {"name": [found.name, name], "contact": [found.contact, contact]}
    changes = {each: pair for each, pair in pairs.items() if pair[0] != pair[1]}
    found.name, found.contact = name, contact
    db.flush()
    if changes:
        audit.note(db, by, "organisation.changed", name, changes, now, organisation_id=found.id)
    return found


def get_organisation(db: Session, scope: Scope, organisation_id: int) -> Organisation:
    """NotFound for somebody else's, as for one that does not exist."""
    if organisation_id not in scope.organisation_ids:
        raise NotFound("organisation")
    return db.get_one(Organisation, organisation_id)


def list_organisations(db: Session, scope: Scope) -> Sequence[tuple[Organisation, int]]:
    """One's own, and below each those that stand in it, by name; with how deep that is."""
    children: dict[int | None, list[Organisation]] = {}
    for each in db.scalars(
        select(Organisation).where(Organisation.id.in_(scope.organisation_ids)).order_by(func.lower(Organisation.name))
    ):
        children.setdefault(None if each.id == scope.organisation_id else each.parent_id, []).append(each)

    def walk(above: int | None, depth: int) -> Iterator[tuple[Organisation, int]]:
        for each in children.get(above, ()):
            yield each, depth
            yield from walk(each.id, depth + 1)

    return list(walk(None, 0))


def terms_in_force(db: Session, organisation: Organisation) -> TermsInForce:
    for each in organisation.line:
        version, texts = latest_terms(db, each)
        if texts:
            return TermsInForce(version, texts, each)
    return TermsInForce(0, {}, None)


def publish_own_terms(
    db: Session, by: Scope, organisation_id: int, texts: Mapping[str, str], seen: int, now: datetime
) -> int:
    """`seen`: the version that the form began with. Whoever publishes meanwhile is not overwritten unread."""
    organisation = get_organisation(db, by, organisation_id)
    db.refresh(organisation, with_for_update=True)
    latest, known = latest_terms(db, organisation)
    if latest != seen:
        raise Conflict("Somebody has published other terms meanwhile: read them first.")
    if {language: text.strip() for language, text in texts.items()} == known:
        raise Conflict("These are the terms that hold already.")
    return publish_terms(db, organisation, texts, now, by)


def latest_terms(db: Session, organisation: Organisation) -> tuple[int, dict[str, str]]:
    """Of its own; 0 and nothing where it has none."""
    rows = db.execute(
        select(Terms.version, Terms.language, Terms.text).where(Terms.organisation_id == organisation.id)
    ).all()
    latest = max((row.version for row in rows), default=0)
    return latest, {row.language: row.text for row in rows if row.version == latest}


def _checked(db: Session, name: str, contact: str, own_id: int | None) -> tuple[str, str]:
    name, contact = name.strip(), contact.strip()
    for field, text in (("name", name), ("contact", contact)):
        if len(text) > LONGEST_NAME or not text.isprintable():
            raise InvalidInput("At most 200 characters, on one line.", field=field)
    if not name:
        raise InvalidInput("An organisation has a name.", field="name")
    if any(each != own_id for each in db.scalars(select(Organisation.id).where(Organisation.name == name))):
        raise Conflict("There is already an organisation with this name.", field="name")
    return name, contact


def publish_terms(
    db: Session,
    organisation: Organisation,
    texts: Mapping[str, str],
    now: datetime,
    by: Scope | Literal["system"] = "system",
) -> int:
    """The next version, by language. A version is never changed: grants cite the one that was accepted."""
    for language, text in texts.items():
        if language not in LANGUAGES:
            raise InvalidInput("This language is not spoken here.", field=language)
        if not text.strip() or len(text) > LONGEST_TERMS or "\0" in text:
            raise InvalidInput("The terms are a text of at most 50,000 characters.", field=language)
    if not texts:
        raise InvalidInput("The terms need a text in at least one language.")
    latest = select(func.max(Terms.version)).where(Terms.organisation_id == organisation.id)
    version = (db.scalar(latest) or 0) + 1
    for language, text in texts.items():
        db.add(
            Terms(
                organisation_id=organisation.id, version=version, language=language, text=text.strip(), created_at=now
            )
        )
    db.flush()
    facts = {"version": version}
    audit.note(db, by, "terms.published", organisation.name, facts, now, organisation_id=organisation.id)
    return version
