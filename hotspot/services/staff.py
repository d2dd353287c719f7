"""Staff members: who signs in, what they may see, and how an account is made or given a new password.

`Scope` is the one place where the rows of a staff member's organisation and sites are told from everybody else's.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Organisation, Role, Site, StaffMember, StaffSite
from hotspot.passwords import hash_password, is_password
from hotspot.services import audit

FAILURES_BEFORE_LOCK = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
"""argon2 reads all of it: an endless one would be a way to keep us busy."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A staff member, and what is theirs to see: the organisation with all below it; a librarian's own sites."""

    staff_id: int
    email: str
    role: Role
    language: str
    organisation_id: int
    organisation_name: str
    organisation_ids: frozenset[int]
    site_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    staff_id: int
    session_key: str


def sign_in_staff(db: Session, email: str, password: str, now: datetime) -> SignedInStaff | None:
    """None for a wrong password, an unknown address, a retired or a locked account: never told apart, nor by time.

    Five failures in a row lock the account for a minute; each further one doubles that, up to an hour.
    """
    member = db.scalar(
        select(StaffMember)
        .where(StaffMember.email == email.strip().lower(), StaffMember.retired_at.is_(None))
        .with_for_update()
    )
    right = is_password(password[:LONGEST_PASSWORD], member.password_hash if member else None)
    if member is None or (member.locked_until is not None and member.locked_until > now):
        return None
    if right:
        member.failed_sign_ins, member.locked_until = 0, None
        return SignedInStaff(member.id, member.session_key)
    member.failed_sign_ins += 1
    over = member.failed_sign_ins - FAILURES_BEFORE_LOCK
    if over >= 0:
        member.locked_until = now + min(FIRST_LOCK * 2 ** min(over, 10), LONGEST_LOCK)
        audit.note(db, "system", "staff.locked", member.email, {}, now, organisation_id=member.organisation_id)
    return None


def find_scope(db: Session, staff_id: int, session_key: str) -> Scope | None:
    """None once the account is retired or its password was changed: such a browser is signed out."""
    member = db.get(StaffMember, staff_id)
    if member is None or member.retired_at is not None or not secrets.compare_digest(member.session_key, session_key):
        return None
    organisations = organisation_subtree(db, member.organisation_id)
    sites = select(Site.id).where(Site.organisation_id.in_(organisations))
    if member.role is not Role.ADMINISTRATOR:
        sites = sites.join(StaffSite, StaffSite.site_id == Site.id).where(StaffSite.staff_id == member.id)
    return Scope(
        staff_id=member.id,
        email=member.email,
        role=member.role,
        language=member.language,
        organisation_id=member.organisation_id,
        organisation_name=member.organisation.name,
        organisation_ids=organisations,
        site_ids=frozenset(db.scalars(sites)),
    )


def organisation_subtree(db: Session, organisation_id: int) -> frozenset[int]:
    """The organisation and all below it."""
    tree = select(Organisation.id).where(Organisation.id == organisation_id).cte("subtree", recursive=True)
    tree = tree.union(select(Organisation.id).where(Organisation.parent_id == tree.c.id))
    return frozenset(db.scalars(select(tree.c.id)))


def create_staff(
    db: Session,
    *,
    organisation_id: int,
    email: str,
    password: str,
    role: Role,
    now: datetime,
    site_ids: Iterable[int] = (),
    language: str = "fr",
) -> StaffMember:
    """For the command line. A librarian needs at least one site, of the organisation or below it."""
    address = email.strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise InvalidInput("This is not an e-mail address.", field="email")
    _check_password(password)
    if db.scalar(select(StaffMember.id).where(StaffMember.email == address)) is not None:
        raise Conflict("There is already an account with this address.", email=address)
    if db.get(Organisation, organisation_id) is None:
        raise NotFound("organisation")
    wanted = frozenset(site_ids)
    organisations = organisation_subtree(db, organisation_id)
    sites = db.scalars(select(Site).where(Site.id.in_(wanted), Site.organisation_id.in_(organisations))).all()
    if len(sites) != len(wanted):
        raise NotFound("site")
    if role is Role.LIBRARIAN and not sites:
        raise InvalidInput("A librarian needs at least one site.", field="sites")
    member = StaffMember(
        organisation_id=organisation_id,
        email=address,
        password_hash=hash_password(password),
        role=role,
        language=language,
        session_key=secrets.token_hex(16),
        created_at=now,
        sites=list(sites),
    )
    db.add(member)
    db.flush()
    audit.note(db, "system", "staff.created", address, {"role": role.value}, now, organisation_id=organisation_id)
    return member


def reset_password(db: Session, email: str, password: str, now: datetime) -> None:
    """For the command line: a new password, the lock lifted, every browser signed out."""
    member = _get_by_email(db, email)
    _check_password(password)
    member.password_hash = hash_password(password)
    member.session_key = secrets.token_hex(16)
    member.failed_sign_ins, member.locked_until = 0, None
    audit.note(db, "system", "staff.password_reset", member.email, {}, now, organisation_id=member.organisation_id)


def retire_staff(db: Session, email: str, now: datetime) -> None:
    """The account can no longer sign in, and is signed out where it is."""
    member = _get_by_email(db, email)
    member.retired_at, member.session_key = now, secrets.token_hex(16)
    audit.note(db, "system", "staff.retired", member.email, {}, now, organisation_id=member.organisation_id)


def set_language(db: Session, scope: Scope, language: str) -> None:
    db.get_one(StaffMember, scope.staff_id).language = language


def _get_by_email(db: Session, email: str) -> StaffMember:
    member = db.scalar(select(StaffMember).where(StaffMember.email == email.strip().lower()))
    if member is None or member.retired_at is not None:
        raise NotFound("staff member")
    return member


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput("A password has between 12 and 200 characters.", field="password")
