"""Grant: leave for one device to be online until `ends_at`, under one offer. Class in every Access-Accept cites it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.offer import Offer
from hotspot.models.patron import Patron
from hotspot.models.site import Site
from hotspot.models.visitor import Visitor
from hotspot.models.voucher import Voucher
from hotspot.values import RefusalReason, Way

ENDED_EARLY = text("ends_because <> 'grant_ended' AND ends_because <> 'site_closed'")
"""Somebody ended it: few are."""


class Grant(Base):
    """Copies what its offer allowed at the time: changing the offer changes no grant already given."""

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("ends_at > created_at", name="ends_after_it_begins"),
        Index("ix_grants_live_patron", "patron_id", "ends_at", postgresql_where=text("patron_id IS NOT NULL")),
        Index("ix_grants_live_voucher", "voucher_id", "ends_at", postgresql_where=text("voucher_id IS NOT NULL")),
        Index("ix_grants_live_visitor", "visitor_id", "ends_at", postgresql_where=text("visitor_id IS NOT NULL")),
        Index("ix_grants_device_mac_created_at", "device_mac", "created_at"),
        Index("ix_grants_created_at", "created_at"),
        Index("ix_grants_ended_early", "ends_at", postgresql_where=ENDED_EARLY, sqlite_where=ENDED_EARLY),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id"))
    device_mac: Mapped[str] = mapped_column(ForeignKey("devices.mac"))
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="SET NULL"))
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("vouchers.id", ondelete="SET NULL"))
    way: Mapped[Way] = mapped_column(TextEnum(Way))
    terms_version: Mapped[int]
    """The version of the terms that was accepted with it."""
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """The earliest of the offer's time and the closing of the site; brought forward when the grant is ended."""
    ends_because: Mapped[RefusalReason] = mapped_column(TextEnum(RefusalReason), default=RefusalReason.GRANT_ENDED)
    """Why it ends then: what a visitor who comes back is told."""
    time_allowed: Mapped[timedelta | None]
    octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    upload_kbps: Mapped[int | None]
    download_kbps: Mapped[int | None]
    idle_timeout: Mapped[timedelta]
    by_mac: Mapped[bool] = mapped_column(default=False)
    """Given to a remembered device, named by its NAS (MAC authentication: an address can be forged) or by its return
    token: nobody typed anything. `way` says how its person once signed in."""
    unconfirmed: Mapped[bool] = mapped_column(default=False)
    """Given on a PIN that the library's system had accepted before, while it was away."""
    visitor_id: Mapped[int | None] = mapped_column(ForeignKey("visitors.id", ondelete="SET NULL"))
    """Of a pass that somebody got by themselves. None during the opening: nothing has been proven yet."""
    upload_octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    download_octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    announcement_every: Mapped[timedelta | None]
    """None also for whoever is spared announcements: `hotspot/policy/announcements.py`."""
    announcement_length: Mapped[timedelta] = mapped_column(default=timedelta(seconds=10))
    extra_time: Mapped[timedelta] = mapped_column(default=timedelta(0))
    """Given at the desk, on top of what its offer allows in a day and a week. `time_allowed` has it already."""

    offer: Mapped[Offer] = relationship()
    site: Mapped[Site] = relationship()
    patron: Mapped[Patron | None] = relationship()
    voucher: Mapped[Voucher | None] = relationship(back_populates="grants")
    visitor: Mapped[Visitor | None] = relationship()
