"""The audit log: who changed what. Written in the transaction of the change: neither stands without the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.models import AuditEntry

if TYPE_CHECKING:
    from hotspot.services.staff import Scope

PAGE = 50


def note(
    db: Session,
    by: Scope | Literal["system"],
    action: str,
    subject: str,
    facts: Mapping[str, Any],
    now: datetime,
    *,
    organisation_id: int | None = None,
) -> None:
    """`organisation_id` is whose log it stands in: the subject's, so a commune reads what its metropolis did to it.
    Without one it is the staff member's own. Never put a secret, a code or a citizen's name in `subject` or `facts`.
    """
    actor = by if isinstance(by, str) else by.email
    if organisation_id is None:
        if isinstance(by, str):
            raise ValueError("the system belongs to no organisation: name one")
        organisation_id = by.organisation_id
    db.add(
        AuditEntry(
            organisation_id=organisation_id,
            happened_at=now,
            actor=actor,
            action=action,
            subject=subject[:200],
            facts=dict(facts),
        )
    )


@dataclass(frozen=True, slots=True)
class AuditPage:
    entries: Sequence[AuditEntry]
    older_than: int | None
    """The id to go on from; None on the last page."""


def read_audit(db: Session, scope: Scope, *, action: str = "", before: int | None = None) -> AuditPage:
    """The newest first, PAGE at a time, of one action or of all."""
    query = select(AuditEntry).where(AuditEntry.organisation_id.in_(scope.organisation_ids))
    if action:
        query = query.where(AuditEntry.action == action)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    entries = db.scalars(query.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
    shown = entries[:PAGE]
    return AuditPage(shown, shown[-1].id if len(entries) > PAGE else None)


def audited_actions(db: Session, scope: Scope) -> Sequence[str]:
    """What can be filtered by: the actions that have happened."""
    return db.scalars(
        select(AuditEntry.action)
        .where(AuditEntry.organisation_id.in_(scope.organisation_ids))
        .distinct()
        .order_by(AuditEntry.action)
    ).all()
