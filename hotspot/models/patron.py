"""Patron: a person that the library knows by a card. The only row where a person has a name."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base
from hotspot.models.library_system import LibrarySystem

_OF_FILE = text("library_system_id IS NULL")


class Patron(Base):
    """Of the library's file, and kept while the card is in it; or confirmed by the library's own system, and kept for a
    year from the last time. A card number is one person's within a file or a system only."""

    __tablename__ = "patrons"
    __table_args__ = (
        UniqueConstraint("library_system_id", "card_number"),
        Index(
            "ix_patrons_of_file",
            "organisation_id",
            "card_number",
            unique=True,
            postgresql_where=_OF_FILE,
            sqlite_where=_OF_FILE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    card_number: Mapped[str] = mapped_column(String(64))
    """Text: leading zeros and the letters of a Codabar card count."""
    pin_hash: Mapped[str | None] = mapped_column(String(200))
    """argon2id. Of a system's reader: the PIN that it accepted last, kept for when it is away, and no longer than it is
    to be trusted for that."""
    name: Mapped[str] = mapped_column(String(200), default="")
    """Only from a file."""
    category: Mapped[str] = mapped_column(String(64), default="")
    expires_on: Mapped[date | None]
    """The last day on which the card is good."""
    blocked: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    born_on: Mapped[date | None]
    """Only from a file: of a system's reader nothing is kept but what its absence asks for."""
    home_library: Mapped[str] = mapped_column(String(64), default="")
    owes: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    library_system_id: Mapped[int | None] = mapped_column(ForeignKey("library_systems.id"))
    """None: from the library's file."""
    also_typed: Mapped[str] = mapped_column(String(64), default="")
    """What was typed in place of the card number, where the system takes a user name too."""
    confirmed_at: Mapped[datetime | None]
    """When the system last said yes."""

    library_system: Mapped[LibrarySystem | None] = relationship()
