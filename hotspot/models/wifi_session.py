"""WifiSession: one accounting session as the NAS reports it. Admission: one answer to an Access-Request.

Retention: connection data, one year from the connection (CPCE L34-1).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.grant import Grant
from hotspot.models.nas import Nas
from hotspot.models.site import Site
from hotspot.values import RefusalReason, TerminateCause


class WifiSession(Base):
    """The wide row: written at Start and at Stop. What an Interim-Update brings is in its WifiSessionCounter."""

    __tablename__ = "wifi_sessions"
    __table_args__ = (
        CheckConstraint("ended_at >= started_at", name="ends_after_it_begins"),
        Index(
            "ix_wifi_sessions_live",
            "site_id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        # sessions come in the order of time: a summary of each stretch of the table is enough, and is never in the way
        Index("ix_wifi_sessions_started_at", "started_at", postgresql_using="brin"),
        Index("ix_wifi_sessions_grant_id", "grant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """A digest of what identifies the session on the air: `hotspot.services.accounting.session_key`."""
    nas_id: Mapped[int] = mapped_column(ForeignKey("nases.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id", ondelete="SET NULL"))
    """None when the NAS returned no Class that we gave."""
    acct_session_id: Mapped[str] = mapped_column(String(253))
    """Byte for byte as the NAS sent it: a Disconnect-Request must repeat it."""
    user_name: Mapped[str] = mapped_column(String(253))
    """The one-time login's name: a pseudonym."""
    device_mac: Mapped[str] = mapped_column(String(12))
    calling_station_id: Mapped[str] = mapped_column(String(253))
    """Byte for byte as the NAS sent it."""
    called_station_id: Mapped[str] = mapped_column(String(253))
    framed_ip: Mapped[str | None] = mapped_column(String(45))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    terminate_cause: Mapped[TerminateCause | None] = mapped_column(TextEnum(TerminateCause))

    nas: Mapped[Nas] = relationship()
    site: Mapped[Site] = relationship()
    grant: Mapped[Grant | None] = relationship()
    counter: Mapped[WifiSessionCounter] = relationship(
        primaryjoin="WifiSession.id == foreign(WifiSessionCounter.id)", viewonly=True
    )


class WifiSessionCounter(Base):
    """The narrow row: what grows with every Interim-Update. No index but the key, so that updates stay in place."""

    __tablename__ = "wifi_session_counters"
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The WifiSession's. No foreign key: it would cost a look-up per interim."""
    upload_octets: Mapped[int] = mapped_column(BigInteger)
    download_octets: Mapped[int] = mapped_column(BigInteger)
    session_seconds: Mapped[int]
    """Acct-Session-Time."""
    updated_at: Mapped[datetime]
    """When we last heard of the session."""


class Admission(Base):
    """One answer to an Access-Request."""

    __tablename__ = "admissions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """A digest of the request: a retransmission, on whichever process or node, is the same row."""
    happened_at: Mapped[datetime] = mapped_column(index=True)
    nas_id: Mapped[int]
    """No foreign key: it would cost a look-up for each answer, and an answer stays true of a NAS that is gone."""
    grant_id: Mapped[UUID | None]
    device_mac: Mapped[str | None] = mapped_column(String(12))
    refusal: Mapped[RefusalReason | None] = mapped_column(TextEnum(RefusalReason))
    """None: admitted."""
