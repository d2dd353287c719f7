"""The first thing of an installation: an organisation, and its terms of use. For the command line."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput
from hotspot.models import Organisation, Terms
from hotspot.services import audit
from hotspot.wording import LANGUAGES

_LONGEST_NAME = 200
_LONGEST_TERMS = 50_000


def create_organisation(
    db: Session, *, name: str, contact: str, parent: Organisation | None, now: datetime
) -> Organisation:
    """`contact`: where a citizen writes about data and access. Without terms of its own it has its parent's, or the
    short ones that come with the portal."""
    name, contact = name.strip(), contact.strip()
    for field, text in (("name", name), ("contact", contact)):
        if len(text) > _LONGEST_NAME or not text.isprintable():
            raise InvalidInput("At most 200 characters, on one line.", field=field)
    if not name:
        raise InvalidInput("An organisation has a name.", field="name")
    if db.scalar(select(Organisation.id).where(Organisation.name == name)) is not None:
        raise Conflict("There is already an organisation with this name.")
    made = Organisation(name=name, contact=contact, parent=parent, created_at=now)
    db.add(made)
    db.flush()
    audit.note(db, "system", "organisation.created", name, {}, now, organisation_id=made.id)
    return made


def publish_terms(db: Session, organisation: Organisation, texts: Mapping[str, str], now: datetime) -> int:
    """The next version, by language. A version is never changed: grants cite the one that was accepted."""
    for language, text in texts.items():
        if language not in LANGUAGES:
            raise InvalidInput("This language is not spoken here.", field=language)
        if not text.strip() or len(text) > _LONGEST_TERMS or "\0" in text:
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
    audit.note(db, "system", "terms.published", organisation.name, facts, now, organisation_id=organisation.id)
    return version
