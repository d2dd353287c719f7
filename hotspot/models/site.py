"""Site: a place with its own hours; and its opening hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Float, ForeignKey, Row, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotspot.db import Base, TextEnum
from hotspot.models.organisation import Organisation
from hotspot.policy.opening_hours import Hours, Interval
from hotspot.values import SiteKind


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_in_range"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[SiteKind] = mapped_column(TextEnum(SiteKind))
    time_zone: Mapped[str] = mapped_column(String(64), default="Europe/Paris")
    ssid: Mapped[str] = mapped_column(String(32), default="")
    """The network's name, as printed on vouchers."""
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    created_at: Mapped[datetime]
    is_wifi4eu: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Part of a WiFi4EU network: no advertising, by its grant agreement."""
    web_page: Mapped[str] = mapped_column(String(500), default="")
    """The place's own page, for visitors (RFC 8908: venue-info-url); empty: ours."""

    organisation: Mapped[Organisation] = relationship()
    opening_intervals: Mapped[list[OpeningInterval]] = relationship(
        back_populates="site", cascade="all, delete-orphan", order_by="OpeningInterval.opens_at"
    )
    opening_exceptions: Mapped[list[OpeningException]] = relationship(
        back_populates="site", cascade="all, delete-orphan", order_by="OpeningException.day"
    )

    @property
    def hours(self) -> Hours:
        """The opening hours as policy wants them."""
        return as_hours(self.time_zone, self.opening_intervals, self.opening_exceptions)


class OpeningInterval(Base):
    """One stretch of an ordinary week, local time. A close at or before the opening is on the next day."""

    __tablename__ = "opening_intervals"
    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_in_range"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    """Monday is 0."""
    opens_at: Mapped[time]
    closes_at: Mapped[time]

    site: Mapped[Site] = relationship(back_populates="opening_intervals")


class OpeningException(Base):
    """A day unlike the others: closed (no times), or open at these times instead of the ordinary ones."""

    __tablename__ = "opening_exceptions"
    __table_args__ = (CheckConstraint("(opens_at IS NULL) = (closes_at IS NULL)", name="both_times_or_none"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), index=True)
    day: Mapped[date]
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None]
    note: Mapped[str] = mapped_column(String(200), default="")

    site: Mapped[Site] = relationship(back_populates="opening_exceptions")


def as_hours(
    time_zone: str,
    intervals: Iterable[OpeningInterval | Row[*tuple[Any, ...]]],
    exceptions: Iterable[OpeningException | Row[*tuple[Any, ...]]],
) -> Hours:
    """Of what has the columns of these tables: rows that were read by the thousand will do."""
    week: dict[int, list[Interval]] = {}
    for each in intervals:
        week.setdefault(each.weekday, []).append(Interval(each.opens_at, each.closes_at))
    unlike: dict[date, list[Interval]] = {}
    for other in exceptions:
        day = unlike.setdefault(other.day, [])
        if other.opens_at is not None and other.closes_at is not None:
            day.append(Interval(other.opens_at, other.closes_at))
    return Hours(zone=ZoneInfo(time_zone), week=week, exceptions=unlike)
