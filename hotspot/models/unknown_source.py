"""UnknownSource: something that speaks RADIUS to us and is no NAS of ours. What it says of itself proves nothing."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base, TextEnum


class SourceKind(StrEnum):
    ADDRESS = "address"
    CERTIFICATE = "certificate"
    """RadSec: a client certificate that belongs to no NAS."""


class UnknownSource(Base):
    __tablename__ = "unknown_sources"
    __table_args__ = (UniqueConstraint("kind", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(TextEnum(SourceKind))
    source: Mapped[str] = mapped_column(String(253))
    """The address, or the name in the certificate."""
    address: Mapped[str] = mapped_column(String(45))
    """Where it last came from: for a certificate too."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    packets: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[int | None]
    """RADIUS Code of a packet of it; None if that was not RADIUS."""
    door: Mapped[str] = mapped_column(String(20), default="")
    """Which port it knocked at: authentication, accounting, radsec."""
    nas_identifier: Mapped[str] = mapped_column(String(100), default="")
    """Claimed."""
    called_station_id: Mapped[str] = mapped_column(String(100), default="")
    """Claimed."""
    vendor: Mapped[str] = mapped_column(String(40), default="")
    """The brand that its attributes look like, a key of `hotspot.vendors.VENDORS`, or empty."""
    ignored_at: Mapped[datetime | None]
    """Staff do not want to be told of it."""
