"""The town of the portal's tests with passes by mail, by SMS and with a host; and who asks for them."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from redis import Redis
from sqlalchemy import func, select

from hotspot.db import Database
from hotspot.models import Nas, OutgoingMail, OutgoingText, PassRequest, Site
from hotspot.settings import Settings
from hotspot.values import Way
from tests import factories
from tests.page_client import Page, PageClient
from tests.portal.conftest import FRENCH, Town, redirect_of

TABLET = "020000000002"


def able_to_send(settings: Settings) -> Settings:
    """A mail server and a provider of text messages are set up: nothing is sent by the portal itself."""
    described = {
        "mail_host": "mail.test",
        "mail_from": "wifi@commune.test",
        "sms_provider": "http",
        "sms_url": SecretStr("http://sms.test/"),
        "sms_body": SecretStr("{}"),
    }
    return settings.model_copy(update=described)


@dataclass(frozen=True)
class Passes:
    """What visitors do, and what they receive."""

    pages: PageClient
    database: Database
    town: Town
    offers: dict[Way, int]
    redis: "Redis"

    def welcome(self, mac: str = factories.DEVICE_MAC, headers: Any = FRENCH) -> Page:
        """Minutes after any login that it was given: within two, it would be sent straight on."""
        for key in self.redis.scan_iter("pending:*"):
            self.redis.delete(key)
        return self.pages.get(redirect_of(self.town, mac=mac), headers=headers)

    def ask(self, way: Way, page: Page | None = None, headers: Any = FRENCH, **typed: Any) -> Page:
        """Fill in the form of this way and press its button."""
        usual: dict[Way, dict[str, str]] = {
            Way.EMAIL_CODE: {"email": "marie@example.org"},
            Way.SMS_CODE: {"phone": "06 12 34 56 78"},
            Way.SPONSOR: {"visitor_name": "Jeanne Petit", "host": "maire@ville.fr"},
        }
        page = page or self.welcome(headers=headers)
        token = page.root.all("input", name="arrival")[0]["value"]
        data = {"arrival": token, "offer": self.offers[way], "accept_terms": "3"} | usual[way] | typed
        return self.pages.post("/pass", data, headers=headers)

    def waiting(self, way: Way, **typed: Any) -> Page:
        """The page of the request, where there is no opening."""
        return self.pages.follow(self.ask(way, **typed))

    def code(self) -> str:
        """Of the last message."""
        with self.database.reading() as db:
            mails = db.scalars(select(OutgoingMail.body).order_by(OutgoingMail.id)).all()
            texts = db.scalars(select(OutgoingText.body).order_by(OutgoingText.id)).all()
        return str(re.findall(r"\b\d{6}\b", [*mails, *texts][-1])[0])

    def wrong(self) -> str:
        return f"{(int(self.code()) + 1) % 1_000_000:06}"

    def link(self) -> str:
        """In the last mail, as a path."""
        with self.database.reading() as db:
            body = db.scalars(select(OutgoingMail.body).order_by(OutgoingMail.id.desc())).first()
        return str(re.findall(r"http://localhost:8080(/\S+)", body or "")[0])

    def count(self, table: Any) -> int:
        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0

    def the_request(self) -> PassRequest:
        """The last one."""
        with self.database.reading() as db:
            return db.scalars(select(PassRequest).order_by(PassRequest.id.desc())).first()  # type: ignore[return-value]


def make_passes(pages: PageClient, database: Database, town: Town, redis: "Redis") -> Passes:
    with database.transaction() as db:
        site = db.get_one(Site, town.site_id)
        assert db.get_one(Nas, town.nas_id).site_id == site.id
        ways = {Way.EMAIL_CODE: "", Way.SMS_CODE: "", Way.SPONSOR: "ville.fr"}
        offers = {
            way: factories.make_offer(db, site=site, way=way, position=4, visit_time=None, sponsor_domains=domains).id
            for way, domains in ways.items()
        }
    return Passes(pages, database, town, offers, redis)
