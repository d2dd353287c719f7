"""AuditEntry: who did what, when. It only grows: the migration forbids UPDATE and DELETE in the database itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    happened_at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(254))
    """The staff member's e-mail address, or `system`. Text, so that it outlives the account."""
    action: Mapped[str] = mapped_column(String(64))
    """`voucher_batch.created`: what it was about, then what was done."""
    subject: Mapped[str] = mapped_column(String(200), default="")
    """Which one: a name that staff know, never a secret, a code or a citizen's name."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
