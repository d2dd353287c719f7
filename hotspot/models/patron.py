"""Patron: a person that the library knows by a card. The only row where a person has a name."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base


class Patron(Base):
    """Kept while the card is in the library's file."""

    __tablename__ = "patrons"
    __table_args__ = (UniqueConstraint("organisation_id", "card_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    card_number: Mapped[str] = mapped_column(String(64))
    """Text: leading zeros and the letters of a Codabar card count."""
    pin_hash: Mapped[str] = mapped_column(String(200))
    """argon2id."""
    name: Mapped[str] = mapped_column(String(200), default="")
    category: Mapped[str] = mapped_column(String(64), default="")
    expires_on: Mapped[date | None]
    """The last day on which the card is good."""
    blocked: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    born_on: Mapped[date | None]
    home_library: Mapped[str] = mapped_column(String(64), default="")
    owes: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    """In the library's currency; None if its file does not say."""
