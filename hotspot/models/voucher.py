"""Voucher: a printed code exchanged for a grant. VoucherBatch: one printing of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base
from hotspot.models.offer import Offer
from hotspot.models.site import Site
from hotspot.policy.voucher_use import Validity, VoucherLife

if TYPE_CHECKING:
    from hotspot.models.grant import Grant


class VoucherBatch(Base):
    __tablename__ = "voucher_batches"
    __table_args__ = (
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
        CheckConstraint("valid_for > 0", name="valid_for_positive"),
        CheckConstraint("devices > 0", name="devices_positive"),
        CheckConstraint("until >= expires_at", name="until_after_first_use"),
        CheckConstraint("valid_for IS NULL OR until IS NULL", name="one_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_members.id", ondelete="SET NULL"))
    label: Mapped[str] = mapped_column(String(200), default="")
    """Who it is for, in the words of the desk: perhaps a person's name. Erased some days after its last use."""
    size: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The last moment at which one of them can first be used."""
    valid_for: Mapped[timedelta | None]
    """From its first use, whatever the offer says; a grant ends at closing all the same, and another can follow."""
    until: Mapped[datetime | None]
    """Likewise, until this moment. With neither it is as long as the offer says."""
    devices: Mapped[int | None]
    """At once, whatever the offer says."""

    site: Mapped[Site] = relationship()
    offer: Mapped[Offer] = relationship()
    vouchers: Mapped[list[Voucher]] = relationship(
        back_populates="batch", cascade="all, delete-orphan", order_by="Voucher.id"
    )

    @property
    def validity(self) -> Validity | None:
        """What was chosen when it was printed. None: as the offer says."""
        chosen = Validity(self.valid_for, self.until)
        return None if chosen == Validity() else chosen

    @property
    def devices_at_once(self) -> int:
        return self.devices or self.offer.devices_at_once


class Voucher(Base):
    __tablename__ = "vouchers"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("voucher_batches.id", ondelete="CASCADE"), index=True)
    code_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """`Vault.digest` of the code: finds it in one look-up."""
    code_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The code itself, so that a sheet can be printed again."""
    redeemed_at: Mapped[datetime | None]
    """When it was first used."""
    ends_at: Mapped[datetime | None]
    """Set at first use: no grant of this voucher lasts longer."""
    voided_at: Mapped[datetime | None]

    batch: Mapped[VoucherBatch] = relationship(back_populates="vouchers")
    grants: Mapped[list[Grant]] = relationship(back_populates="voucher")

    @property
    def life(self) -> VoucherLife:
        return VoucherLife(self.batch.expires_at, self.redeemed_at, self.ends_at, self.voided_at)
