"""PassRequest: one try to get a pass for the day by oneself, from the form to the grant."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.device import Device
from hotspot.models.grant import Grant
from hotspot.models.offer import Offer
from hotspot.models.site import Site
from hotspot.models.visitor import Visitor
from hotspot.values import Way


class PassState(StrEnum):
    WAITING = "waiting"
    """For the code, the link or the host's word, until `expires_at`."""
    PROVEN = "proven"
    """We know the visitor; the device has yet to come and be let in, until `expires_at`."""
    GRANTED = "granted"
    REFUSED = "refused"
    """By the host."""
    DEAD = "dead"
    """Too many wrong codes."""
    REPLACED = "replaced"
    """The device has asked anew."""


class PassRequest(Base):
    """Kept for two days: it also tells who has had the pass of the day."""

    __tablename__ = "pass_requests"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
        Index("ix_pass_requests_device_mac_created_at", "device_mac", "created_at"),
        Index("ix_pass_requests_visitor_id_granted_at", "visitor_id", "granted_at"),
        Index("ix_pass_requests_grant_id", "grant_id"),
        Index("ix_pass_requests_created_at", "created_at"),
        {"sqlite_autoincrement": True},  # links in mails name a request: no later one may have its number
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id"))
    device_mac: Mapped[str] = mapped_column(ForeignKey("devices.mac"))
    way: Mapped[Way] = mapped_column(TextEnum(Way))
    contact_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """As of a Visitor: what was typed, proven or not. None where an identity provider will tell."""
    contact_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    host_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The mail address of the host who is asked."""
    visitor_id: Mapped[int | None] = mapped_column(ForeignKey("visitors.id", ondelete="SET NULL"))
    """None until something was proven."""
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id", ondelete="SET NULL"))
    """The opening, where there is one; the pass, once it is GRANTED."""
    terms_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[PassState] = mapped_column(TextEnum(PassState), default=PassState.WAITING)
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """`Vault.digest` of the code, bound to this request."""
    tries: Mapped[int] = mapped_column(default=0)
    """Wrong codes."""
    sends: Mapped[int] = mapped_column(default=0)
    """Codes that were sent; only the last one counts."""
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    """When it was proven, or the host refused."""
    granted_at: Mapped[datetime | None]

    offer: Mapped[Offer] = relationship()
    site: Mapped[Site] = relationship()
    device: Mapped[Device] = relationship()
    visitor: Mapped[Visitor | None] = relationship()
    grant: Mapped[Grant | None] = relationship()
