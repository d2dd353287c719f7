"""A visit, for tests of its pages."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from hotspot.db import Database
from hotspot.models import Announcement, AnnouncementView, Nas, Offer
from hotspot.portal_links import online_url
from hotspot.settings import Settings
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import Town


class Visit:
    """A grant of two hours at the town's library, and its page."""

    def __init__(self, pages: PageClient, database: Database, settings: Settings, town: Town) -> None:
        self.pages, self.database, self.settings, self.town = pages, database, settings, town

    def begin(self, **overrides: Any) -> str:
        with self.database.transaction() as db:
            nas, offer = db.get_one(Nas, self.town.nas_id), db.get_one(Offer, self.town.card_offer_id)
            self.grant = factories.make_grant(db, nas=nas, offer=offer, **overrides)
        return online_url(self.settings, factories.VAULT, self.grant.id).removeprefix(self.settings.public_portal)

    def session(self, **overrides: Any) -> None:
        with self.database.transaction() as db:
            factories.make_wifi_session(
                db, grant=db.merge(self.grant), nas=db.get_one(Nas, self.town.nas_id), **overrides
            )

    def see_announcement(self, at: datetime = factories.NOW, announcement: Announcement | None = None) -> None:
        """The device has seen one."""
        with self.database.transaction() as db:
            view = AnnouncementView(
                id=uuid4(),
                announcement=db.merge(announcement) if announcement else None,
                site_id=self.town.site_id,
                grant_id=self.grant.id,
                device_mac=self.grant.device_mac,
                day=at.date(),
                shown_at=at,
                ready_at=at,
                completed_at=at,
            )
            db.add(view)


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ")
