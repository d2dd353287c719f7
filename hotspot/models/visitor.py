"""Visitor: a person whom we know by what was proven: a mail address, a telephone number, a host, an identity."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base, TextEnum
from hotspot.values import Way


class Visitor(Base):
    """Written when something was proven, never before: anybody can type anybody's address."""

    __tablename__ = "visitors"
    __table_args__ = (UniqueConstraint("organisation_id", "way", "contact_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    way: Mapped[Way] = mapped_column(TextEnum(Way))
    contact_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    """`Vault.digest` of what makes it the same person: finds the row without opening any."""
    contact_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The address or number itself; for a sponsored visitor the name, and who answers for it."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
