"""Campaign: announcements of one advertiser, or of the town; when, where and how often they are shown; what came of it.

Retention: a view names a device for two days, for the cycle and the caps; counts by day name nobody.
"""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.grant import Grant
from hotspot.models.organisation import Organisation
from hotspot.models.site import Site
from hotspot.values import CampaignKind


class Campaign(Base):
    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ends_after_it_begins"),
        CheckConstraint("(from_time IS NULL) = (until_time IS NULL)", name="both_times_or_none"),
        CheckConstraint("weight BETWEEN 1 AND 100", name="weight_in_range"),
        CheckConstraint("most_per_device > 0 AND most_per_day > 0", name="caps_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[CampaignKind] = mapped_column(TextEnum(CampaignKind))
    advertiser: Mapped[str] = mapped_column(String(200), default="")
    """Named beside a commercial announcement: whoever pays for it must be known as such."""
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    """The last day, local time of each site."""
    from_time: Mapped[time | None]
    until_time: Mapped[time | None]
    """Local; at or before `from_time` it is on the next day."""
    weight: Mapped[int] = mapped_column(default=10)
    """Its share beside the others."""
    most_per_device: Mapped[int | None]
    """Views in a day."""
    most_per_day: Mapped[int | None]
    """Views by all devices."""
    created_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """For good, whatever its last day."""

    organisation: Mapped[Organisation] = relationship()
    sites: Mapped[list[Site]] = relationship(secondary="campaign_sites", order_by="Site.name")
    """None: every site of its organisation and of those below it."""
    announcements: Mapped[list[Announcement]] = relationship(back_populates="campaign", order_by="Announcement.id")


class CampaignSite(Base):
    """Where a campaign is shown."""

    __tablename__ = "campaign_sites"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True)


class Announcement(Base):
    """One picture, with its words in each language, and where it leads."""

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    image: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """A WebP or JPEG that we wrote, 40 kB at the most; none: words alone."""
    image_type: Mapped[str] = mapped_column(String(20), default="")
    """`image/jpeg`, say."""
    image_width: Mapped[int] = mapped_column(default=0)
    image_height: Mapped[int] = mapped_column(default=0)
    link: Mapped[str] = mapped_column(String(500), default="")
    """An https or http address; empty: it leads nowhere."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    """It is shown no more; it stays, because counts cite it."""

    campaign: Mapped[Campaign] = relationship(back_populates="announcements")
    texts: Mapped[list[AnnouncementText]] = relationship(
        back_populates="announcement", cascade="all, delete-orphan", order_by="AnnouncementText.language"
    )


class AnnouncementText(Base):
    __tablename__ = "announcement_texts"

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(String(600), default="")
    image_text: Mapped[str] = mapped_column(String(250), default="")
    """What the picture shows, for who does not see it: required where there is one."""

    announcement: Mapped[Announcement] = relationship(back_populates="texts")


class AnnouncementView(Base):
    """One turn of one device: displayed, and completed once it was really shown for its time. Its id is the token that
    the page carries, stamped: it counts once."""

    __tablename__ = "announcement_views"
    __table_args__ = (
        Index("ix_announcement_views_device_mac_shown_at", "device_mac", "shown_at"),
        Index(
            "ix_announcement_views_open",
            "device_mac",
            postgresql_where=text("completed_at IS NULL"),
            sqlite_where=text("completed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    announcement_id: Mapped[int | None] = mapped_column(ForeignKey("announcements.id"))
    """None: there was nothing to show; the turn is over all the same."""
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grants.id", ondelete="SET NULL"))
    device_mac: Mapped[str] = mapped_column(String(12))
    day: Mapped[date]
    """At the site."""
    shown_at: Mapped[datetime] = mapped_column(index=True)
    ready_at: Mapped[datetime]
    """From when on it may be completed: its time is held here, not in the browser."""
    completed_at: Mapped[datetime | None]
    followed_at: Mapped[datetime | None]
    """When its link was first followed."""
    counted_at: Mapped[datetime | None]
    """When its gateway had reported that the device is online: an address that was made up never is."""

    announcement: Mapped[Announcement | None] = relationship()
    site: Mapped[Site] = relationship()
    grant: Mapped[Grant | None] = relationship()


class AnnouncementDay(Base):
    """What was counted of one announcement at one site on one local day. Names nobody."""

    __tablename__ = "announcement_days"

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    displays: Mapped[int] = mapped_column(default=0)
    views: Mapped[int] = mapped_column(default=0)
    clicks: Mapped[int] = mapped_column(default=0)
