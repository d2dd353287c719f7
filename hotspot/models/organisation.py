"""Organisation: a commune or a metropolis; a tree."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base

DEEPEST = 10
"""Organisations inside organisations: more than this is a circle."""


class Organisation(Base):
    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("parent_id IS NULL OR parent_id <> id", name="not_its_own_parent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(String(200), default="")
    """Where a citizen writes about data and access: an e-mail address or a page."""
    created_at: Mapped[datetime]
    colour: Mapped[str] = mapped_column(String(7), default="")
    """#rrggbb, on paper and at the head of its pages; empty: as the organisation above."""
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """A PNG that we wrote (`hotspot/printing/logo.py`); none: as the organisation above. Read when it is asked for."""

    parent: Mapped[Organisation | None] = relationship(back_populates="children", remote_side=[id])
    children: Mapped[list[Organisation]] = relationship(back_populates="parent")

    @property
    def line(self) -> list[Organisation]:
        """Itself, then the one above it, and so on."""
        line = [self]
        while len(line) < DEEPEST and (parent := line[-1].parent) is not None:
            line.append(parent)
        return line
