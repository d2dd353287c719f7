"""Offer: one way in at some sites, with its allowance; and the terms that go with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.identity_provider import IdentityProvider
from hotspot.models.library_system import LibrarySystem
from hotspot.models.organisation import Organisation
from hotspot.models.site import Site
from hotspot.values import Period, Way


class Terms(Base):
    """One version of the terms of use, in one language. A version is never changed, only followed by another."""

    __tablename__ = "terms"
    __table_args__ = (UniqueConstraint("organisation_id", "version", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    version: Mapped[int]
    language: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Offer(Base):
    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint("visit_time > 0", name="visit_time_positive"),
        CheckConstraint("devices_at_once > 0", name="devices_at_once_positive"),
        CheckConstraint("remember_for > 0", name="remember_for_positive"),
        CheckConstraint("octets_allowed > 0", name="octets_allowed_positive"),
        CheckConstraint("upload_kbps > 0 AND download_kbps > 0", name="speeds_positive"),
        CheckConstraint("upload_octets_allowed > 0 AND download_octets_allowed > 0", name="directions_positive"),
        CheckConstraint("announcement_every > 0 AND announcement_length > 0", name="announcements_positive"),
        CheckConstraint(
            "(way = 'openid_connect') = (identity_provider_id IS NOT NULL)", name="openid_connect_by_a_provider"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    way: Mapped[Way] = mapped_column(TextEnum(Way))
    visit_time: Mapped[timedelta | None]
    """How long a grant lasts from sign-in; none means until the site closes that day."""
    time_allowed: Mapped[timedelta | None]
    """Time online within the grant."""
    octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    upload_kbps: Mapped[int | None]
    download_kbps: Mapped[int | None]
    idle_timeout: Mapped[timedelta | None]
    """None takes the installation's."""
    devices_at_once: Mapped[int] = mapped_column(default=1)
    """A person's devices online at the same time; the devices that one voucher is good for."""
    position: Mapped[int] = mapped_column(default=0)
    """Where it stands on the portal page."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    remember_for: Mapped[timedelta | None]
    """How long a device may be remembered, if its person wants that; none: it is not offered."""
    library_system_id: Mapped[int | None] = mapped_column(ForeignKey("library_systems.id"))
    """Where its cards are checked; none: in the library's file."""
    by_rule_only: Mapped[bool] = mapped_column(default=False)
    """Not shown on the portal: a reader gets it by a rule."""
    sponsor_domains: Mapped[str] = mapped_column(String(1000), default="")
    """Domains whose mail addresses may be named as hosts: ASCII, lower case, separated by spaces."""
    identity_provider_id: Mapped[int | None] = mapped_column(ForeignKey("identity_providers.id"))
    """Who vouches for the visitor: of OpenID Connect, and of no other way."""

    upload_octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    download_octets_allowed: Mapped[int | None] = mapped_column(BigInteger)
    """Of a visit, each for itself; `octets_allowed` is both together."""
    announcement_every: Mapped[timedelta | None]
    """An announcement after so much connection time; none: no announcement."""
    announcement_length: Mapped[timedelta] = mapped_column(default=timedelta(seconds=10))
    """For how long one is shown before the visitor may go on."""

    organisation: Mapped[Organisation] = relationship()
    allowances: Mapped[list[OfferAllowance]] = relationship(
        back_populates="offer", cascade="all, delete-orphan", order_by="OfferAllowance.period"
    )
    """Of a day and of a week. Not copied into grants: what is changed holds for everybody at once."""
    library_system: Mapped[LibrarySystem | None] = relationship()
    sites: Mapped[list[Site]] = relationship(secondary="offer_sites")
    identity_provider: Mapped[IdentityProvider | None] = relationship()


class OfferAllowance(Base):
    """What a person may use in a local day or week, over devices and sites, under one offer."""

    __tablename__ = "offer_allowances"
    __table_args__ = (
        CheckConstraint("period IN ('day', 'week')", name="day_or_week"),
        CheckConstraint("time > 0", name="time_positive"),
        CheckConstraint("octets > 0 AND upload_octets > 0 AND download_octets > 0", name="octets_positive"),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[Period] = mapped_column(TextEnum(Period), primary_key=True)
    time: Mapped[timedelta | None]
    octets: Mapped[int | None] = mapped_column(BigInteger)
    """Upload and download together."""
    upload_octets: Mapped[int | None] = mapped_column(BigInteger)
    download_octets: Mapped[int | None] = mapped_column(BigInteger)

    offer: Mapped[Offer] = relationship(back_populates="allowances")


class OfferSite(Base):
    """Where an offer holds."""

    __tablename__ = "offer_sites"

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True)
