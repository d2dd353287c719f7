"""LibrarySystem: where the cards of some offers are checked. ReaderRule: what follows from a reader's record."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.organisation import Organisation
from hotspot.values import LibrarySystemKind

USUAL_TRUST = timedelta(days=30)


class LibrarySystem(Base):
    __tablename__ = "library_systems"
    __table_args__ = (CheckConstraint("trusted_for >= 0", name="trusted_for_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[LibrarySystemKind] = mapped_column(TextEnum(LibrarySystemKind))
    settings_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON of the settings class of its kind."""
    revision: Mapped[int] = mapped_column(default=1)
    """Counts changes of the settings: connections made with older ones are closed."""
    asks_pin: Mapped[bool] = mapped_column(default=True)
    """False where the library lets a card in without one."""
    trusted_for: Mapped[timedelta] = mapped_column(default=USUAL_TRUST)
    """While the system is away, readers whom it has confirmed within this time get in on the PIN that it accepted then.
    Nothing: nobody does, and no PIN is kept, not even hashed."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    away_since: Mapped[datetime | None]
    """Since when it has given no sound answer; None while it does."""
    away_because: Mapped[str] = mapped_column(String(200), default="")
    """For staff: technical, in the system's own language."""
    examined_at: Mapped[datetime | None]
    """When staff last tested it with a card."""
    ignores_pins: Mapped[bool] = mapped_column(default=False)
    """At the last test it took a wrong PIN for right: any card number gets in."""

    organisation: Mapped[Organisation] = relationship()


class ReaderRule(Base):
    """Of an organisation's rules the first that fits a reader decides. `hotspot/policy/readers.py` says what fits."""

    __tablename__ = "reader_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    categories: Mapped[list[str]] = mapped_column(JSON)
    home_libraries: Mapped[list[str]] = mapped_column(JSON)
    age_from: Mapped[int | None]
    """Years."""
    age_below: Mapped[int | None]
    owes_above: Mapped[Decimal | None] = mapped_column(Numeric(9, 2))
    expired: Mapped[bool] = mapped_column(default=False)
    blocks: Mapped[list[str]] = mapped_column(JSON)
    """Names of `Block`."""
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"))
    """What the reader gets; none: a refusal."""
    sentences: Mapped[dict[str, str]] = mapped_column(JSON)
    """The refusal in the library's own words, by language."""
