"""Campaigns as staff see and change them: whose they are, when, where and how often they are shown.

A new one is paused: it is looked at before anybody else sees it. What it shows is in `campaign_announcements.py`, what
came of it in `campaign_reports.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.models import Announcement, AnnouncementDay, Campaign, Offer, OfferSite, Site
from hotspot.policy.announcements import Zone
from hotspot.services import audit
from hotspot.services.staff import Scope, organisation_subtree
from hotspot.values import CampaignKind

LONGEST_NAME = 200
MOST_WEIGHT = 100
MOST_PER_DEVICE = 100
MOST_PER_DAY = 10_000_000
LONGEST = timedelta(days=5 * 366)
USUAL_LENGTH = timedelta(seconds=10)

_PLAIN = ("name", "kind", "advertiser", "starts_on", "ends_on", "from_time", "until_time", "weight")
_CAPS = ("most_per_device", "most_per_day")


class CampaignState(StrEnum):
    RUNNING = "running"
    COMING = "coming"
    PAUSED = "paused"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """What staff say of a campaign."""

    organisation_id: int
    name: str
    kind: CampaignKind
    starts_on: date
    ends_on: date | None = None
    advertiser: str = ""
    from_time: time | None = None
    until_time: time | None = None
    """At or before `from_time` it is on the next day."""
    weight: int = 10
    most_per_device: int | None = None
    most_per_day: int | None = None
    site_ids: frozenset[int] = frozenset()
    """None: every site of the organisation and of those below it."""


@dataclass(frozen=True, slots=True)
class CampaignShown:
    """A row of the list."""

    campaign: Campaign
    state: CampaignState
    displays_today: int
    views_today: int
    share: float
    """Of what is running, from 0 to 1; 0 for one that is not, or that has nothing to show."""
    announcements: int
    """Not retired."""


def state_of(campaign: Campaign, day: date) -> CampaignState:
    if campaign.ended_at is not None or (campaign.ends_on is not None and campaign.ends_on < day):
        return CampaignState.OVER
    if campaign.paused_at is not None:
        return CampaignState.PAUSED
    return CampaignState.COMING if campaign.starts_on > day else CampaignState.RUNNING


def list_campaigns(db: Session, scope: Scope, day: date) -> Sequence[CampaignShown]:
    """Those that run first, the newest of each state first."""
    campaigns = db.scalars(
        select(Campaign)
        .where(Campaign.organisation_id.in_(scope.organisation_ids))
        .options(joinedload(Campaign.organisation), selectinload(Campaign.sites))
        .order_by(Campaign.starts_on.desc(), Campaign.id.desc())
    ).all()
    counted = _counted_on(db, day)
    showing = _announcements_by_campaign(db)
    states = {each.id: state_of(each, day) for each in campaigns}
    running = [each for each in campaigns if states[each.id] is CampaignState.RUNNING and showing.get(each.id)]
    weights = sum(each.weight for each in running)
    shares = {each.id: each.weight / weights for each in running}
    order = list(CampaignState)
    return sorted(
        (
            CampaignShown(
                each,
                states[each.id],
                *counted.get(each.id, (0, 0)),
                share=shares.get(each.id, 0.0),
                announcements=showing.get(each.id, 0),
            )
            for each in campaigns
        ),
        key=lambda shown: order.index(shown.state),
    )


def get_campaign(db: Session, scope: Scope, campaign_id: int) -> Campaign:
    """NotFound for somebody else's, as for one that does not exist."""
    campaign = db.get(Campaign, campaign_id)
    if campaign is None or campaign.organisation_id not in scope.organisation_ids:
        raise NotFound("campaign")
    return campaign


def create_campaign(db: Session, by: Scope, draft: CampaignDraft, now: datetime) -> Campaign:
    """Paused, until it has something to show and somebody starts it."""
    if draft.organisation_id not in by.organisation_ids:
        raise NotFound("organisation")
    sites = _checked_sites(db, draft)
    _check(draft)
    campaign = Campaign(
        organisation_id=draft.organisation_id, created_at=now, paused_at=now, sites=sites, **_plain(draft)
    )
    db.add(campaign)
    db.flush()
    _note(db, by, "campaign.created", campaign, {"kind": campaign.kind.value}, now)
    return campaign


def change_campaign(db: Session, by: Scope, campaign_id: int, draft: CampaignDraft, now: datetime) -> Campaign:
    """It stays with its organisation. A change is seen within seconds, also by those who wait at a page."""
    campaign = _get_live(db, by, campaign_id)
    if draft.organisation_id != campaign.organisation_id:
        raise InvalidInput("A campaign stays with its organisation.", field="organisation_id")
    sites = _checked_sites(db, draft)
    _check(draft)
    before = _facts(campaign)
    for name, value in _plain(draft).items():
        setattr(campaign, name, value)
    campaign.sites = sites
    db.flush()
    after = _facts(campaign)
    changes = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    if changes:
        _note(db, by, "campaign.changed", campaign, changes, now)
    return campaign


def pause_campaign(db: Session, by: Scope, campaign_id: int, now: datetime) -> Campaign:
    campaign = _get_live(db, by, campaign_id)
    if campaign.paused_at is None:
        campaign.paused_at = now
        _note(db, by, "campaign.paused", campaign, {}, now)
    return campaign


def resume_campaign(db: Session, by: Scope, campaign_id: int, now: datetime) -> Campaign:
    campaign = _get_live(db, by, campaign_id)
    if not any(each.retired_at is None for each in campaign.announcements):
        raise Conflict("This campaign has nothing to show yet: add an announcement first.")
    if campaign.paused_at is not None:
        campaign.paused_at = None
        _note(db, by, "campaign.resumed", campaign, {}, now)
    return campaign


def end_campaign(db: Session, by: Scope, campaign_id: int, now: datetime) -> Campaign:
    """For good. Its figures stay."""
    campaign = _get_live(db, by, campaign_id)
    campaign.ended_at = now
    _note(db, by, "campaign.ended", campaign, {}, now)
    return campaign


def sites_to_choose(db: Session, scope: Scope, organisation_id: int | None = None) -> Sequence[Site]:
    """Where a campaign of this organisation may be shown; without one, of any of the scope's."""
    organisations = scope.organisation_ids
    if organisation_id is not None:
        organisations &= organisation_subtree(db, organisation_id)
    return db.scalars(
        select(Site).where(Site.organisation_id.in_(organisations)).order_by(func.lower(Site.name), Site.id)
    ).all()


def sites_without(db: Session, scope: Scope, campaign: Campaign) -> Sequence[Site]:
    """Those among its sites that never show an announcement."""
    sites = campaign.sites or sites_to_choose(db, scope, campaign.organisation_id)
    return [each for each in sites if is_free(each)]


@dataclass(frozen=True, slots=True)
class PreviewPlace:
    """Where a campaign's page is looked at, and for how long it is shown there."""

    site: Site
    length: timedelta


def preview_place(db: Session, scope: Scope, campaign: Campaign) -> PreviewPlace | None:
    """A site that shows announcements, if there is one; else any that would show this one."""
    sites = list(campaign.sites or sites_to_choose(db, scope, campaign.organisation_id))
    lengths: Mapping[int, timedelta] = {
        row[0]: row[1]
        for row in db.execute(
            select(OfferSite.site_id, Offer.announcement_length)
            .join(Offer, Offer.id == OfferSite.offer_id)
            .where(Offer.announcement_every.is_not(None), Offer.retired_at.is_(None))
        )
    }
    sites.sort(key=lambda each: (is_free(each), each.id not in lengths))
    return PreviewPlace(sites[0], lengths.get(sites[0].id, USUAL_LENGTH)) if sites else None


def is_free(site: Site) -> bool:
    return Zone(site.kind, site.is_wifi4eu).is_free


def _get_live(db: Session, by: Scope, campaign_id: int) -> Campaign:
    campaign = get_campaign(db, by, campaign_id)
    if campaign.ended_at is not None:
        raise Conflict("This campaign has ended: make a new one.")
    return campaign


def _check(draft: CampaignDraft) -> None:
    for field, text in (("name", draft.name), ("advertiser", draft.advertiser)):
        if len(text.strip()) > LONGEST_NAME or not text.strip().isprintable():
            raise InvalidInput("At most 200 characters, on one line.", field=field)
    if not draft.name.strip():
        raise InvalidInput("A campaign has a name.", field="name")
    is_commercial = draft.kind is CampaignKind.COMMERCIAL
    if is_commercial and not draft.advertiser.strip():
        raise InvalidInput("Say who pays for it: visitors are told.", field="advertiser")
    if not is_commercial and draft.advertiser.strip():
        raise InvalidInput("Nobody pays for the town’s own news: leave this empty.", field="advertiser")
    _check_times(draft)
    _check_range("weight", draft.weight, MOST_WEIGHT)
    _check_range("most_per_device", draft.most_per_device, MOST_PER_DEVICE)
    _check_range("most_per_day", draft.most_per_day, MOST_PER_DAY)


def _check_times(draft: CampaignDraft) -> None:
    if not 2000 <= draft.starts_on.year < 2100:
        raise InvalidInput("This is not a day of this century.", field="starts_on")
    if draft.ends_on is not None and draft.ends_on < draft.starts_on:
        raise InvalidInput("The last day is before the first one.", field="ends_on")
    if draft.ends_on is not None and draft.ends_on - draft.starts_on > LONGEST:
        raise InvalidInput("A campaign lasts for five years at the most.", field="ends_on")
    if (draft.from_time is None) != (draft.until_time is None):
        field = "until_time" if draft.until_time is None else "from_time"
        raise InvalidInput("Give both hours, or none.", field=field)
    if draft.from_time is not None and draft.from_time == draft.until_time:
        raise InvalidInput("For the whole day leave both hours empty.", field="until_time")


def _check_range(field: str, number: int | None, most: int) -> None:
    if number is not None and not 1 <= number <= most:
        raise InvalidInput("A whole number between 1 and %(most)s.", field=field, most=most)


def _checked_sites(db: Session, draft: CampaignDraft) -> list[Site]:
    if not draft.site_ids:
        return []
    organisations = organisation_subtree(db, draft.organisation_id)
    sites = db.scalars(select(Site).where(Site.id.in_(draft.site_ids), Site.organisation_id.in_(organisations))).all()
    if len(sites) != len(draft.site_ids):
        raise InvalidInput("These sites are not all of this organisation.", field="site_ids")
    if all(map(is_free, sites)):
        raise InvalidInput(
            "It would be shown nowhere: libraries and WiFi4EU networks are free of announcements.", field="site_ids"
        )
    return list(sites)


def _plain(draft: CampaignDraft) -> dict[str, Any]:
    plain = {name: getattr(draft, name) for name in (*_PLAIN, *_CAPS)}
    return plain | {"name": draft.name.strip(), "advertiser": draft.advertiser.strip()}


def _facts(campaign: Campaign) -> dict[str, Any]:
    """For the audit log: what a change is told by."""
    facts = {name: _printed(getattr(campaign, name)) for name in (*_PLAIN, *_CAPS)}
    return facts | {"sites": [each.name for each in campaign.sites]}


def _printed(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


def _note(db: Session, by: Scope, action: str, campaign: Campaign, facts: Mapping[str, Any], now: datetime) -> None:
    audit.note(db, by, action, campaign.name, facts, now, organisation_id=campaign.organisation_id)


def _counted_on(db: Session, day: date) -> Mapping[int, tuple[int, int]]:
    rows = db.execute(
        select(Announcement.campaign_id, func.sum(AnnouncementDay.displays), func.sum(AnnouncementDay.views))
        .join(Announcement, Announcement.id == AnnouncementDay.announcement_id)
        .where(AnnouncementDay.day == day)
        .group_by(Announcement.campaign_id)
    )
    return {campaign_id: (int(displays), int(views)) for campaign_id, displays, views in rows}


def _announcements_by_campaign(db: Session) -> Mapping[int, int]:
    rows = db.execute(
        select(Announcement.campaign_id, func.count())
        .where(Announcement.retired_at.is_(None))
        .group_by(Announcement.campaign_id)
    )
    return {row[0]: row[1] for row in rows}
