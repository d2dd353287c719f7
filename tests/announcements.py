"""Announcements for tests: a campaign of an organisation, everywhere, from yesterday on; and what was counted of it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.models import (
    Announcement,
    AnnouncementDay,
    AnnouncementText,
    AnnouncementView,
    Campaign,
    Grant,
    Organisation,
)
from hotspot.services.announcing import count_views
from hotspot.values import CampaignKind
from tests import factories
from tests.factories import NOW

EVERY = timedelta(minutes=30)
LENGTH = timedelta(seconds=10)
LINK = "https://boulangerie.example/paques"
PICTURE = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
"""One pixel."""


def make_campaign(db: Session, organisation: Organisation, **overrides: Any) -> Campaign:
    """Of a bakery."""
    fields: dict[str, Any] = {
        "name": "Pâques",
        "kind": CampaignKind.COMMERCIAL,
        "advertiser": "Boulangerie du Pont",
        "starts_on": NOW.date() - timedelta(days=1),
    }
    return factories.make_campaign(db, organisation=organisation, **fields | overrides)


def make_announcement(db: Session, campaign: Campaign, **overrides: Any) -> Announcement:
    """In French and English, with a picture and a link."""
    fields: dict[str, Any] = {
        "image": PICTURE,
        "image_type": "image/webp",
        "image_width": 800,
        "image_height": 450,
        "link": LINK,
        "texts": [
            AnnouncementText(language="fr", title="Le pain du pont", text="Chaud à sept heures.", image_text="Un pain"),
            AnnouncementText(language="en", title="Bread by the bridge", text="Hot at seven.", image_text="A loaf"),
        ],
    }
    return factories.make_announcement(db, campaign=campaign, **fields | overrides)


def counted(db: Session) -> tuple[int, int, int]:
    """Displays, views and clicks of everything, everywhere, once its gateway has said that each device got online."""
    for turn in turns(db):
        if turn.completed_at is not None and turn.grant_id is not None:
            grant = db.get_one(Grant, turn.grant_id)
            factories.make_wifi_session(db, grant=grant, started_at=turn.completed_at, device_mac=turn.device_mac)
    count_views(db, max((turn.completed_at for turn in turns(db) if turn.completed_at is not None), default=NOW))
    day = AnnouncementDay
    sums = db.execute(select(func.sum(day.displays), func.sum(day.views), func.sum(day.clicks))).one()
    return tuple(int(each or 0) for each in sums)  # type: ignore[return-value]


def turns(db: Session) -> list[AnnouncementView]:
    return list(db.scalars(select(AnnouncementView).order_by(AnnouncementView.shown_at)))
