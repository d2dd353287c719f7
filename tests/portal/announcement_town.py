"""The town of the portal's tests on a square, with an announcement every thirty minutes; and visitors who see them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import AnnouncementView, Campaign, Grant, Offer, Site
from hotspot.portal_links import online_url
from hotspot.services.arriving import find_live_grant
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests import announcements, factories
from tests.announcements import EVERY, LENGTH
from tests.page_client import Page, PageClient
from tests.portal.conftest import FRENCH, Clock, Town, redirect_of
from tests.portal.test_sign_in import TAP, Asking, ask

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Square:
    pages: PageClient
    database: Database
    town: Town
    redis: "Redis"
    clock: Clock
    settings: Settings
    campaign_id: int

    def arrive(self, mac: str = factories.DEVICE_MAC, headers: Any = FRENCH, **others: str) -> Page:
        """Minutes after any login that was given: within two, the device would be sent straight on."""
        for key in self.redis.scan_iter("pending:*"):
            self.redis.delete(key)
        return self.pages.get(redirect_of(self.town, mac=mac, **others), headers=headers)

    def sign_in(self, asking: Asking = TAP, headers: Any = FRENCH, **changed: Any) -> Page:
        """As far as the page of the announcement."""
        return self.pages.follow(ask(self.pages, self.town, asking, headers, **changed))

    def wait(self, shown: Page) -> Page:
        """Until it loads itself again."""
        self.clock.now += timedelta(seconds=int(shown.headers["Refresh"]))
        return self.pages.get(shown.path, headers=FRENCH)

    def watch(self, shown: Page) -> Page:
        """To its end, and press the button."""
        return self.pages.submit(self.wait(shown).form("/announcement"))

    def come_in(self, asking: Asking = TAP) -> Page:
        return self.watch(self.sign_in(asking))

    def be_online(self, length: timedelta, *, ends: bool = True, mac: str = factories.DEVICE_MAC) -> None:
        """A session of the device's grant, as the access point would report it."""
        with self.database.transaction() as db:
            grant = self.grant(db, mac)
            began = self.clock.now
            self.clock.now += length
            ended_at = self.clock.now if ends else None
            factories.make_wifi_session(
                db,
                grant=grant,
                started_at=began,
                ended_at=ended_at,
                session_seconds=int(length.total_seconds()),
                updated_at=self.clock.now,
            )

    def grant(self, db: Session, mac: str = factories.DEVICE_MAC) -> Grant:
        grant = find_live_grant(db, mac, self.town.site_id, self.clock.now, self.settings)
        assert grant is not None
        return grant

    def visit(self, mac: str = factories.DEVICE_MAC) -> str:
        """The path of the page of the visit."""
        with self.database.reading() as db:
            grant_id = self.grant(db, mac).id
        return online_url(self.settings, factories.VAULT, grant_id).removeprefix(self.settings.public_portal)

    def pause(self) -> None:
        with self.database.transaction() as db:
            db.get_one(Campaign, self.campaign_id).paused_at = self.clock.now

    def counted(self) -> tuple[int, int, int]:
        with self.database.reading() as db:
            return announcements.counted(db)

    def turns(self) -> list[AnnouncementView]:
        with self.database.reading() as db:
            return announcements.turns(db)


def make_square(
    pages: PageClient, database: Database, town: Town, redis: "Redis", clock: Clock, settings: Settings
) -> Square:
    with database.transaction() as db:
        site = db.get_one(Site, town.site_id)
        site.kind = SiteKind.SQUARE
        for offer in db.scalars(select(Offer)):
            offer.announcement_every, offer.announcement_length = EVERY, LENGTH
        campaign = announcements.make_campaign(db, site.organisation)
        announcements.make_announcement(db, campaign)
        return Square(pages, database, town, redis, clock, settings, campaign.id)


def is_let_in(page: Page) -> bool:
    return page.status == 303 and page.location.startswith("http://10.1.0.1:3990/logon?username=")


def is_announcement(page: Page) -> bool:
    return page.status == 303 and page.location.startswith("http://localhost:8080/announcement?")
