"""UsageHour: hourly roll-ups. Statistics without identifiers: kept without limit."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotspot.db import Base


class UsageHour(Base):
    """What the Wi-Fi sessions that began in one hour at one site came to."""

    __tablename__ = "usage_hours"

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(primary_key=True)
    """The hour's beginning (UTC)."""
    wifi_sessions: Mapped[int]
    devices: Mapped[int]
    """Distinct within the hour."""
    seconds: Mapped[int] = mapped_column(BigInteger)
    upload_octets: Mapped[int] = mapped_column(BigInteger)
    download_octets: Mapped[int] = mapped_column(BigInteger)
