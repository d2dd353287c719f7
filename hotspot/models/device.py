"""Device: what a Calling-Station-Id names. Not a person: phones change their address."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base


class Device(Base):
    __tablename__ = "devices"

    mac: Mapped[str] = mapped_column(String(12), primary_key=True)
    """`hotspot.values.MacAddress`."""
    family: Mapped[str] = mapped_column(String(40), default="")
    """android, ios, windows, …: from the browser's own words, for figures only."""
    language: Mapped[str] = mapped_column(String(8), default="")
    """The last language that the portal was read in."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
