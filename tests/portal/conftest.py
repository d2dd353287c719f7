"""A town for the portal's tests: one library with three offers, one CoovaChilli; and redirects as it sends them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from urllib.parse import quote

import pytest
from flask import Flask
from redis import Redis

from hotspot.db import Database
from hotspot.models import Nas, OpeningInterval
from hotspot.settings import Settings
from hotspot.values import Way, print_mac
from portal import create_app
from tests import factories
from tests.page_client import Page, PageClient

CHALLENGE = "0123456789abcdef0123456789abcdef"


@dataclass
class Clock:
    """It stands still until a test moves it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Town:
    """Names and numbers, not rows: a test that wants a row opens a transaction of its own."""

    site_id: int
    site_name: str
    nas_id: int
    nas_identifier: str
    card_offer_id: int
    voucher_offer_id: int
    one_tap_offer_id: int
    card_number: str
    voucher_code: str


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def town(database: Database) -> Town:
    """Open from 9:00 to 19:00 in Paris; it is ten o'clock on a Tuesday."""
    with database.transaction() as db:
        hours = [OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(19)) for day in range(6)]
        site = factories.make_site(db, name="Médiathèque du Parc", opening_intervals=hours)
        nas = factories.make_nas(db, site=site)
        factories.make_terms(db, organisation=site.organisation, version=3)
        factories.make_terms(db, organisation=site.organisation, version=3, language="en", text="Be reasonable.")
        card = factories.make_offer(db, site=site, way=Way.LIBRARY_CARD, position=1)
        code = factories.make_offer(db, site=site, way=Way.VOUCHER, position=2)
        tap = factories.make_offer(db, site=site, way=Way.ONE_TAP, position=3)
        patron = factories.make_patron(db, organisation=site.organisation)
        voucher = factories.make_voucher(db, offer=code)
        return Town(
            site_id=site.id,
            site_name=site.name,
            nas_id=nas.id,
            nas_identifier=nas.nas_identifier,
            card_offer_id=card.id,
            voucher_offer_id=code.id,
            one_tap_offer_id=tap.id,
            card_number=patron.card_number,
            voucher_code=factories.VAULT.open(voucher.code_sealed),
        )


@pytest.fixture
def app(settings: Settings, database: Database, redis: "Redis", clock: Callable[[], datetime]) -> Flask:
    return create_app(settings, database=database, redis=redis, clock=clock)


@pytest.fixture
def pages(app: Flask) -> PageClient:
    return PageClient(app.test_client())


@pytest.fixture
def welcome(pages: PageClient, town: Town) -> Page:
    return pages.get(redirect_of(town))


def redirect_of(
    town: Town | Nas,
    *,
    res: str = "notyet",
    mac: str = factories.DEVICE_MAC,
    secret: str = factories.REDIRECT_SECRET,
    portal_url: str = "http://localhost:8080",
    **others: str,
) -> str:
    """A redirect as CoovaChilli makes it: signed over the whole address."""
    values = {
        "res": res,
        "uamip": "10.1.0.1",
        "uamport": "3990",
        "challenge": CHALLENGE,
        "called": "02-AA-00-00-00-FE",
        "mac": print_mac(mac, "-").upper(),
        "ip": "10.1.0.2",
        "nasid": town.nas_identifier,
        "sessionid": "179531000001",
    } | others
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items() if value)
    address = f"/hotspot?{query}&userurl=http%3a%2f%2fprobe%2fx%3fy%3d1"
    return f"{address}&md={signature(portal_url + address, secret)}"


def signature(address: str, secret: str) -> str:
    return hashlib.md5((address + secret).encode()).hexdigest().upper()


ENGLISH = {"Accept-Language": "en"}
FRENCH = {"Accept-Language": "fr"}
