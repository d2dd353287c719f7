"""What came of a campaign: displays, completed views and clicks, by day, by site and by announcement.

Counts of views, not of persons: nobody can be told from the smallest of them, so none is hidden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hotspot.models import Announcement, AnnouncementDay, Campaign, Site
from hotspot.services.campaigns import CampaignState, state_of

LONGEST_PERIOD = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Counts:
    displays: int = 0
    views: int = 0
    """Shown to the end of their time."""
    clicks: int = 0

    @property
    def view_rate(self) -> float | None:
        """Of the displays; None without any."""
        return self.views / self.displays if self.displays else None

    @property
    def click_rate(self) -> float | None:
        """Of the completed views."""
        return self.clicks / self.views if self.views else None

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.displays + other.displays, self.views + other.views, self.clicks + other.clicks)


@dataclass(frozen=True, slots=True)
class CampaignReport:
    first_day: date
    last_day: date
    total: Counts
    by_day: Sequence[tuple[date, Counts]]
    """Each day of the period, in order, also those without a display."""
    by_site: Sequence[tuple[str, Counts]]
    """The most seen first."""
    by_announcement: Mapping[int, Counts]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The finest that is counted."""

    day: date
    site: str
    announcement_id: int
    counts: Counts


_SUMS = (
    func.sum(AnnouncementDay.displays),
    func.sum(AnnouncementDay.views),
    func.sum(AnnouncementDay.clicks),
)


def report_of(
    db: Session, campaign: Campaign, today: date, since: date | None = None, until: date | None = None
) -> CampaignReport:
    """Of the days asked for, else from the first on which it was shown to the last, or to today while it runs."""
    first, last = _period(db, campaign, today, since, until)
    found = {first + timedelta(days=at): Counts() for at in range((last - first).days + 1)}
    days = _counted(campaign, first, last, AnnouncementDay.day).group_by(AnnouncementDay.day)
    found.update({day: _counts(sums) for day, *sums in db.execute(days)})
    sites = (
        _counted(campaign, first, last, Site.name)
        .join(Site, Site.id == AnnouncementDay.site_id)
        .group_by(Site.id, Site.name)
    )
    by_site = [(name, _counts(sums)) for name, *sums in db.execute(sites)]
    announcements = _counted(campaign, first, last, Announcement.id).group_by(Announcement.id)
    return CampaignReport(
        first_day=first,
        last_day=last,
        total=sum(found.values(), Counts()),
        by_day=list(found.items()),
        by_site=sorted(by_site, key=lambda each: (-each[1].views, each[0].casefold())),
        by_announcement={number: _counts(sums) for number, *sums in db.execute(announcements)},
    )


def rows_of(db: Session, campaign: Campaign, first: date, last: date) -> Sequence[ReportRow]:
    """In order of day, site and announcement."""
    rows = (
        _counted(campaign, first, last, AnnouncementDay.day, Site.name, Announcement.id)
        .join(Site, Site.id == AnnouncementDay.site_id)
        .group_by(AnnouncementDay.day, Site.id, Site.name, Announcement.id)
        .order_by(AnnouncementDay.day, Site.name, Announcement.id)
    )
    return [ReportRow(day, site, number, _counts(sums)) for day, site, number, *sums in db.execute(rows)]


def _period(db: Session, campaign: Campaign, today: date, since: date | None, until: date | None) -> tuple[date, date]:
    counted = db.execute(
        select(func.min(AnnouncementDay.day), func.max(AnnouncementDay.day))
        .join(Announcement, Announcement.id == AnnouncementDay.announcement_id)
        .where(Announcement.campaign_id == campaign.id)
    ).one()
    first, last = counted
    if until is not None or state_of(campaign, today) is not CampaignState.OVER:
        last = until or today
    else:
        last = last or campaign.ends_on or today
    first = min(since or first or campaign.starts_on, last)
    return (last - LONGEST_PERIOD if last - first > LONGEST_PERIOD else first), last


def _counted(campaign: Campaign, first: date, last: date, *by: Any) -> Select[Any]:
    return (
        select(*by, *_SUMS)
        .select_from(AnnouncementDay)
        .join(Announcement, Announcement.id == AnnouncementDay.announcement_id)
        .where(Announcement.campaign_id == campaign.id, AnnouncementDay.day.between(first, last))
    )


def _counts(sums: Sequence[Any]) -> Counts:
    return Counts(*map(int, sums))
