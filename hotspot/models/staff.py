"""StaffMember and Role: who may do what in the staff application."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.organisation import Organisation
from hotspot.models.site import Site


class Role(StrEnum):
    LIBRARIAN = "librarian"
    """Own sites: vouchers, who is online; no connection history."""
    ADMINISTRATOR = "administrator"
    """Own organisation and what is below it."""


class StaffMember(Base):
    __tablename__ = "staff_members"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case."""
    password_hash: Mapped[str] = mapped_column(String(200))
    """argon2id."""
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    language: Mapped[str] = mapped_column(String(8), default="fr")
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    session_key: Mapped[str] = mapped_column(String(32))
    """In the browser's cookie; changed to sign the person out everywhere (new password, retired)."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    sites: Mapped[list[Site]] = relationship(secondary="staff_sites")


class StaffSite(Base):
    """The sites of a librarian."""

    __tablename__ = "staff_sites"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True)
