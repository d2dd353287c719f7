"""RememberedDevice: a device whose person asked that it be let in again without typing, until `expires_at`."""

from __future__ import annotations

from datetime import datetime
from secrets import token_bytes

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base
from hotspot.models.device import Device
from hotspot.models.offer import Offer
from hotspot.models.patron import Patron
from hotspot.models.voucher import Voucher


class RememberedDevice(Base):
    """Good at every site of its offer, for the person who asked: of a card or of a voucher, never both."""

    __tablename__ = "remembered_devices"
    __table_args__ = (
        UniqueConstraint("device_mac", "offer_id"),
        CheckConstraint("(patron_id IS NULL) <> (voucher_id IS NULL)", name="of_one_person"),
        CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_mac: Mapped[str] = mapped_column(ForeignKey("devices.mac"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("vouchers.id", ondelete="CASCADE"), index=True)
    terms_version: Mapped[int]
    """The version of the terms that was accepted when it was remembered: with a newer one the portal is met again."""
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """When it was last let in by its address alone, or by its return token."""
    return_secret: Mapped[bytes | None] = mapped_column(LargeBinary(16), default=lambda: token_bytes(16))
    """In the device's return token: it is known again when its address has changed. None: from before there was one."""

    device: Mapped[Device] = relationship()
    offer: Mapped[Offer] = relationship()
    patron: Mapped[Patron | None] = relationship()
    voucher: Mapped[Voucher | None] = relationship()
