"""Whoever can run the command line runs the installation: every organisation and every site is theirs to see."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database, open_database
from hotspot.errors import InvalidInput, NotFound
from hotspot.models import LibrarySystem, Organisation, Role, Site
from hotspot.services.staff import Scope
from hotspot.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.dispose()


def operator_scope(db: Session) -> Scope:
    """Written down as `system` in the audit log."""
    return Scope(
        staff_id=0,
        email="system",
        role=Role.ADMINISTRATOR,
        language="en",
        organisation_id=0,
        organisation_name="",
        organisation_ids=frozenset(db.scalars(select(Organisation.id))),
        site_ids=frozenset(db.scalars(select(Site.id))),
    )


def get_organisation(db: Session, name: str | None) -> Organisation:
    """By name or number; without one, the only one there is, or the only one at the top of the tree."""
    if name is not None:
        wanted = Organisation.id == int(name) if name.isdecimal() else Organisation.name == name
        found = db.scalars(select(Organisation).where(wanted)).all()
    else:
        found = db.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).all()
    if not found:
        raise NotFound("organisation")
    if len(found) > 1:
        raise InvalidInput("There are several organisations: name one with --organisation.")
    return found[0]


def get_site(db: Session, name: str) -> Site:
    """By name or number."""
    wanted = Site.id == int(name) if name.isdecimal() else Site.name == name
    found = db.scalars(select(Site).where(wanted)).all()
    if not found:
        raise NotFound("site")
    if len(found) > 1:
        raise InvalidInput(f"There are several sites called {name}: give its number.")
    return found[0]


def get_library_system(db: Session, organisation: Organisation, name: str) -> LibrarySystem:
    """By name or number, of this organisation and not retired."""
    wanted = LibrarySystem.id == int(name) if name.isdecimal() else LibrarySystem.name == name
    found = db.scalar(
        select(LibrarySystem).where(
            wanted, LibrarySystem.organisation_id == organisation.id, LibrarySystem.retired_at.is_(None)
        )
    )
    if found is None:
        raise NotFound("library system of this organisation")
    return found
