"""The announcement cycle in a browser, on real packets, in a town where an hour passes in a minute."""

import http.client
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotspot.models import AnnouncementView, Campaign, Offer, Site, WifiSession, WifiSessionCounter, WishKind
from hotspot.models.session_wish import ChangeRecord
from hotspot.values import Way
from parvis.demo_town import SQUARE
from tests import announcements
from tests.journeys.conftest import OpenBrowser
from tests.journeys.town import Town, a_town
from tests.journeys.visitor import Visitor, expect_accessible, expect_no_sideways_scroll

SPEED = 60
EVERY = timedelta(minutes=30)
MINUTE = 60 / SPEED
"""Of the town, in our seconds."""
PATIENCE_MS = 60_000
TITLE = "Le pain du pont"
BUTTON = "Continuer vers Internet"
AHEAD = "Regarder la prochaine annonce maintenant"


@pytest.fixture(scope="module")
def fast_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """On its square, an announcement every thirty minutes, for a minute: a second of ours."""
    epoch = datetime.now(UTC).isoformat()
    folder = tmp_path_factory.mktemp("fast-town")
    with a_town(folder, TIME_SPEED=str(SPEED), TIME_EPOCH=epoch) as town:
        with town.looked_into() as db:
            _put_up_one_announcement(db)
        yield town


def _put_up_one_announcement(db: Session) -> None:
    db.execute(update(Campaign).values(paused_at=datetime.now(UTC)))
    site = db.scalars(select(Site).where(Site.name == SQUARE)).one()
    campaign = announcements.make_campaign(
        db, site.organisation, starts_on=datetime.now(UTC).date() - timedelta(days=1)
    )
    announcements.make_announcement(db, campaign)
    for offer in db.scalars(select(Offer).where(Offer.way == Way.ONE_TAP, Offer.sites.contains(site))):
        offer.visit_time = timedelta(hours=12)
        offer.announcement_every, offer.announcement_length = EVERY, timedelta(minutes=1)


@pytest.fixture
def visitor(fast_town: Town, open_browser: OpenBrowser) -> Visitor:
    """Before the announcement, having accepted the terms on the square."""
    visitor = Visitor(open_browser().new_page(), fast_town.access_point)
    visitor.walk_to(SQUARE)
    visitor.arrive()
    visitor.sign_in_by_one_tap()
    return visitor


class Radio:
    """The phone listens over one TCP connection, which the access point cuts with the phone's own."""

    def __init__(self, visitor: Visitor) -> None:
        at = urlsplit(visitor.access_point)
        cookies = visitor.page.context.cookies(visitor.access_point)
        phone = next(each["value"] for each in cookies if each["name"] == "phone")
        self._connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=PATIENCE_MS / 1000)
        self._connection.request("GET", "/radio", headers={"Host": at.netloc, "Cookie": f"phone={phone}"})
        self._playing = self._connection.getresponse()
        assert self._playing.status == HTTPStatus.OK

    def listen_past(self, length: timedelta) -> None:
        """Of the connection, in the town's time: each line says how long it has lasted."""
        while (line := self._playing.readline()) and int(line) <= length.total_seconds():
            pass
        assert line, "the connection was cut"

    def listen_to_the_end(self) -> int:
        """The last second that was heard."""
        last = 0
        while line := self._playing.readline():
            last = int(line)
        self._connection.close()
        return last


class Advertiser(BaseHTTPRequestHandler):
    """Whose address leads on to another of its hosts, as many do."""

    def do_GET(self) -> None:
        if self.headers["Host"].startswith("localhost"):
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", f"http://127.0.0.1:{self.headers['Host'].rpartition(':')[2]}/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/":  # and no icon
            self.server.referrers.append(self.headers["Referer"])  # type: ignore[attr-defined]
        body = b"<!doctype html><title>Boulangerie</title><p>Boulangerie du Pont</p>"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Nothing."""


@pytest.fixture
def advertiser() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advertiser)
    server.referrers = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def button(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("button", name=BUTTON)


def expect_announcement(visitor: Visitor) -> None:
    """Its page loads itself again, and then has the button, ready to be pressed."""
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(button(visitor)).to_be_visible(timeout=PATIENCE_MS)
    expect(button(visitor)).to_be_focused()


def watch(visitor: Visitor) -> None:
    expect_announcement(visitor)
    button(visitor).click()
    visitor.expect_online()


def expect_sent_to_announcement(visitor: Visitor) -> None:
    """The connection ends; the next page that is opened is led there, without a form on the way."""
    for _ in range(200):
        visitor.page.goto(visitor.access_point + "/news", wait_until="commit")
        if "/announcement?" in visitor.page.url:
            return
        assert "/hotspot?" not in visitor.page.url, "a form was shown"
        visitor.page.wait_for_timeout(300)
    raise AssertionError("the connection never ended")


def seen(town: Town, visitor: Visitor) -> list[AnnouncementView]:
    """Turns of this phone that it completed."""
    with town.looked_into() as db:
        mine = AnnouncementView.device_mac == visitor.mac.replace(":", "").lower()
        completed = AnnouncementView.completed_at.is_not(None)
        return list(db.scalars(select(AnnouncementView).where(mine, completed).order_by(AnnouncementView.shown_at)))


def reported_seconds(town: Town, visitor: Visitor) -> list[int]:
    """Of the phone's connections that have ended, as the access point counted them."""
    with town.looked_into() as db:
        return list(
            db.scalars(
                select(WifiSessionCounter.session_seconds)
                .join(WifiSession, WifiSession.id == WifiSessionCounter.id)
                .where(
                    WifiSession.device_mac == visitor.mac.replace(":", "").lower(), WifiSession.ended_at.is_not(None)
                )
            )
        )


def test_thirty_minutes_of_connection_over_two_sessions_bring_the_next_one(fast_town: Town, visitor: Visitor) -> None:
    expect(visitor.page.get_by_text("Publicité")).to_be_visible()
    watch(visitor)
    assert len(seen(fast_town, visitor)) == 1
    visitor.page.wait_for_timeout(8 * MINUTE * 1000)
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    expect(visitor.page.get_by_text("Vous êtes déconnecté").first).to_be_visible()
    visitor.page.wait_for_timeout(3 * MINUTE * 1000)  # which do not count
    visitor.arrive("/news")
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.expect_online()
    assert len(seen(fast_town, visitor)) == 1
    radio = Radio(visitor)

    expect_sent_to_announcement(visitor)
    assert radio.listen_to_the_end() < EVERY.total_seconds()
    watch(visitor)

    visitor.expect_pretend_internet()
    assert len(seen(fast_town, visitor)) == 2
    seconds = reported_seconds(fast_town, visitor)
    assert len(seconds) == 2
    assert sum(seconds) == pytest.approx(EVERY.total_seconds(), abs=30)


def test_seen_ahead_the_connection_goes_on_without_a_break(fast_town: Town, visitor: Visitor) -> None:
    watch(visitor)
    radio = Radio(visitor)
    visit = visitor.page.url
    for _ in range(60):
        visitor.page.goto(visit)
        if visitor.page.get_by_role("link", name=AHEAD).count():
            break
        visitor.page.wait_for_timeout(300)
    visitor.page.get_by_role("link", name=AHEAD).click()
    watch(visitor)
    assert len(seen(fast_town, visitor)) == 2

    radio.listen_past(EVERY + timedelta(minutes=1))  # where it would have been cut
    visitor.expect_pretend_internet()
    assert reported_seconds(fast_town, visitor) == []
    with fast_town.looked_into() as db:
        mine = WifiSession.device_mac == visitor.mac.replace(":", "").lower()
        began_at = db.scalars(select(WifiSession.started_at).where(mine)).one()
        record = db.scalars(select(ChangeRecord).where(ChangeRecord.kind == WishKind.CHANGE)).one()
        assert record.accepted_at is not None
    expect_sent_to_announcement(visitor)
    assert radio.listen_to_the_end() > EVERY.total_seconds()
    [length] = reported_seconds(fast_town, visitor)
    seen_ahead = seen(fast_town, visitor)[-1].completed_at
    assert seen_ahead is not None
    assert length == pytest.approx((seen_ahead + EVERY - began_at).total_seconds(), abs=60)


def test_its_page_can_be_used_by_everybody(visitor: Visitor) -> None:
    expect_announcement(visitor)
    expect_accessible(visitor.page)
    expect_no_sideways_scroll(visitor.page)
    visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")
    expect_no_sideways_scroll(visitor.page)
    visitor.page.get_by_role("link", name="English").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Bread by the bridge")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are online")


def test_its_link_is_followed_from_the_page_of_the_visit(
    visitor: Visitor, fast_town: Town, advertiser: ThreadingHTTPServer
) -> None:
    with fast_town.looked_into() as db:
        campaign = db.scalars(select(Campaign).where(Campaign.paused_at.is_(None))).one()
        campaign.announcements[0].link = f"http://localhost:{advertiser.server_address[1]}/"
    watch(visitor)
    visitor.page.get_by_role("link", name=f"{TITLE} → localhost").click()
    expect_accessible(visitor.page)
    expect_no_sideways_scroll(visitor.page)
    visitor.page.get_by_role("button", name="Aller sur localhost").click()
    expect(visitor.page.get_by_text("Boulangerie du Pont")).to_be_visible()
    assert advertiser.referrers == [None]  # type: ignore[attr-defined]
    assert seen(fast_town, visitor)[-1].followed_at is not None
