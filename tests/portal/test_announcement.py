"""The announcement between sign-in and the network, and again after each half hour of connection."""

from datetime import date, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.rate_limit import ANNOUNCEMENT
from hotspot.db import Database
from hotspot.models import Announcement, AnnouncementText, Campaign, Grant, Offer, Patron, Site
from hotspot.portal_links import announcement_token, picture_token
from hotspot.settings import Settings
from hotspot.values import CampaignKind, RefusalReason, SiteKind, Way
from hotspot.wording import explain
from tests import announcements, factories
from tests.announcements import EVERY, PICTURE
from tests.page_client import Page, PageClient
from tests.portal.announcement_town import MINUTE, Square, is_announcement, is_let_in, make_square
from tests.portal.conftest import ENGLISH, FRENCH, Clock, Town, redirect_of
from tests.portal.test_sign_in import CODE, TAP, Asking, ask

BUTTON = "Continuer vers Internet"
OTHER = "020000000002"


@pytest.fixture
def square(
    pages: PageClient, database: Database, town: Town, redis: "Redis", clock: Clock, settings: Settings
) -> Square:
    return make_square(pages, database, town, redis, clock, settings)


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ").replace("\u202f", " ")


def has_button(page: Page) -> bool:
    return any(each.text == BUTTON for each in page.root.all("button"))


# ---- the page ----


def test_it_says_what_it_is_who_pays_and_when_the_button_comes(square: Square) -> None:
    page = square.sign_in()
    assert page.h1 == "Le pain du pont"
    for said in ("Publicité", "Annonce payée par Boulangerie du Pont", "Chaud à sept heures.", "dans 10 secondes"):
        assert said in plain(page)
    assert "Le lien vers boulangerie.example vous attend" in plain(page)
    assert page.headers["Refresh"] == "10"
    assert not has_button(page)


def test_loaded_again_when_its_time_is_over_it_has_the_button_and_stays(square: Square) -> None:
    page = square.wait(square.sign_in())
    assert "Refresh" not in page.headers
    assert page.title.startswith("Vous pouvez continuer – Le pain du pont")
    assert "autofocus" in page.root.one("button").attributes


def test_loaded_again_too_soon_it_waits_for_what_is_left(square: Square) -> None:
    shown = square.sign_in()
    square.clock.now += timedelta(seconds=3)
    page = square.pages.get(shown.path, headers=FRENCH)
    assert (page.headers["Refresh"], has_button(page)) == ("7", False)
    assert "linear -3.0s both" in page.html


def test_news_of_the_town_say_so_and_name_nobody(square: Square) -> None:
    with square.database.transaction() as db:
        campaign = db.get_one(Campaign, square.campaign_id)
        campaign.kind, campaign.advertiser = CampaignKind.MUNICIPAL, ""
    text = plain(square.sign_in())
    assert "Les nouvelles de votre ville" in text
    assert "payée" not in text


def test_the_language_can_be_changed_and_stays_changed(square: Square) -> None:
    shown = square.sign_in()
    english = square.pages.get(urlsplit(shown.link("English"))._replace(scheme="", netloc="").geturl(), headers=FRENCH)
    assert (english.language, english.h1) == ("en", "Bread by the bridge")
    assert "10 seconds" in english.text
    square.clock.now += timedelta(seconds=10)
    ready = square.pages.get(english.path, headers=FRENCH)
    assert ready.root.one("button").text == "Go on to the internet"
    assert is_let_in(square.pages.submit(ready.form("/announcement")))
    assert square.counted() == (1, 1, 0)
    assert square.pages.get(square.visit(), headers=FRENCH).h1 == "You are online"


def test_words_in_another_language_than_the_page_say_which(square: Square) -> None:
    with square.database.transaction() as db:
        db.delete(db.scalars(select(AnnouncementText).where(AnnouncementText.language == "en")).one())
    page = square.sign_in(headers=ENGLISH)
    assert (page.language, page.root.one("h1")["lang"]) == ("en", "fr")


@pytest.mark.parametrize("broken", [{"image_type": ""}, {"image_width": 0}, {"image": None}])
def test_without_its_picture_the_words_are_enough(square: Square, broken: dict[str, object]) -> None:
    with square.database.transaction() as db:
        announcement = db.scalars(select(Announcement)).one()
        for name, value in broken.items():
            setattr(announcement, name, value)
    assert is_let_in(square.watch(square.sign_in()))


def test_one_without_words_is_not_shown(square: Square) -> None:
    with square.database.transaction() as db:
        for each in db.scalars(select(AnnouncementText)):
            db.delete(each)
    assert is_let_in(ask(square.pages, square.town, TAP))


def test_its_picture_is_ours_and_cacheable(square: Square) -> None:
    page = square.sign_in()
    picture = page.root.one("img")
    assert picture["alt"] == "Un pain"
    answer = square.pages.get(picture["src"])
    assert answer.response.get_data() == PICTURE
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "public, max-age=86400, immutable"


@pytest.mark.parametrize("token", ["1", "x" * 60, ""])
def test_pictures_are_not_to_be_guessed(square: Square, token: str) -> None:
    assert square.pages.get(f"/announcement/image/{token}").status == HTTPStatus.NOT_FOUND


def test_a_picture_that_is_gone_is_not_found(square: Square) -> None:
    token = picture_token(factories.VAULT, 4711)
    assert square.pages.get(f"/announcement/image/{token}").status == HTTPStatus.NOT_FOUND


def test_nothing_of_it_sets_a_cookie_or_names_a_third_party(square: Square) -> None:
    page = square.sign_in()
    ready = square.wait(page)
    answer = square.pages.submit(ready.form("/announcement"))
    assert not any("Set-Cookie" in each.headers for each in (page, ready, answer))
    assert "img-src 'self' data:" in page.policy
    assert "boulangerie.example/" not in page.html


# ---- the ways in ----


@pytest.mark.parametrize("asking", [TAP, CODE], ids=lambda asking: asking.way.value)
def test_signing_in_shows_it_before_the_network(square: Square, asking: Asking) -> None:
    answer = ask(square.pages, square.town, asking)
    assert is_announcement(answer)
    assert is_let_in(square.watch(square.pages.follow(answer)))
    assert square.counted() == (1, 1, 0)


def test_a_reader_whose_age_is_unknown_sees_none(square: Square) -> None:
    assert is_let_in(ask(square.pages, square.town, Asking(Way.LIBRARY_CARD)))
    assert square.turns() == []


@pytest.fixture
def reader(square: Square) -> Asking:
    """Of age, whose device may be remembered."""
    with square.database.transaction() as db:
        db.get_one(Offer, square.town.card_offer_id).remember_for = timedelta(days=30)
        db.scalars(select(Patron)).one().born_on = date(1980, 1, 1)
    return Asking(Way.LIBRARY_CARD)


def test_a_reader_of_age_sees_it(square: Square, reader: Asking) -> None:
    assert is_let_in(square.come_in(reader))
    assert square.counted() == (1, 1, 0)


def test_a_minor_sees_none(square: Square, reader: Asking) -> None:
    with square.database.transaction() as db:
        db.scalars(select(Patron)).one().born_on = date(2008, 3, 11)
    assert is_let_in(ask(square.pages, square.town, reader))
    assert square.turns() == []


def test_a_remembered_device_with_another_address_sees_it_and_is_let_in(square: Square, reader: Asking) -> None:
    square.watch(square.sign_in(reader, remember="1"))
    square.clock.now += 10 * MINUTE
    answer = square.pages.submit(square.arrive(OTHER).form("/return"), headers=FRENCH)
    assert is_announcement(answer)
    assert is_let_in(square.watch(square.pages.follow(answer)))


# ---- every half hour of connection ----


def test_after_half_an_hour_the_next_request_shows_it_at_once(square: Square) -> None:
    square.come_in()
    square.be_online(EVERY)
    answer = square.arrive()
    assert is_announcement(answer)
    shown = square.pages.follow(answer)
    assert shown.h1 == "Le pain du pont"
    assert is_let_in(square.watch(shown))
    assert square.counted() == (2, 2, 0)


def test_it_is_connection_that_counts_over_sessions_not_the_clock(square: Square) -> None:
    square.come_in()
    square.be_online(12 * MINUTE)
    square.clock.now += 20 * MINUTE
    assert not is_announcement(square.arrive())
    square.be_online(17 * MINUTE)
    assert not is_announcement(square.arrive())
    square.be_online(1 * MINUTE)
    assert is_announcement(square.arrive())


def test_the_access_points_own_no_leads_to_it_too(square: Square) -> None:
    """A login that was on its way when it became due."""
    square.come_in()
    square.be_online(EVERY)
    assert is_announcement(square.arrive(res="failed", reason="reject"))


def test_where_nothing_is_to_be_shown_the_visitor_goes_straight_on(square: Square) -> None:
    square.pause()
    assert is_let_in(ask(square.pages, square.town, TAP))
    square.be_online(EVERY)
    assert is_let_in(square.pages.follow(square.arrive()))
    assert square.counted() == (0, 0, 0)


def test_paused_while_its_page_is_open_it_is_not_shown_again(square: Square) -> None:
    shown = square.sign_in()
    square.pause()
    assert is_let_in(square.pages.get(shown.path))
    assert square.counted() == (1, 0, 0)


def test_another_takes_the_place_of_one_that_was_paused(square: Square) -> None:
    shown = square.sign_in()
    with square.database.transaction() as db:
        site = db.get_one(Site, square.town.site_id)
        news = announcements.make_campaign(db, site.organisation, kind=CampaignKind.MUNICIPAL, advertiser="")
        words = [AnnouncementText(language="fr", title="Marché déplacé")]
        announcements.make_announcement(db, news, texts=words, image=None, image_type="", link="")
    square.pause()
    assert square.pages.get(shown.path).h1 == "Marché déplacé"


def test_the_button_of_one_that_was_paused_meanwhile_still_leads_on(square: Square) -> None:
    ready = square.wait(square.sign_in())
    square.pause()
    assert is_let_in(square.pages.submit(ready.form("/announcement")))


def test_a_site_that_became_a_library_meanwhile_shows_none(square: Square) -> None:
    shown = square.sign_in()
    with square.database.transaction() as db:
        db.get_one(Site, square.town.site_id).kind = SiteKind.LIBRARY
    assert is_let_in(square.pages.get(shown.path))


# ---- late, twice, early, forged ----


def test_pressed_before_its_time_it_counts_nothing_and_is_shown(square: Square) -> None:
    shown = square.sign_in()
    form = square.wait(shown).form("/announcement").fields
    square.clock.now -= timedelta(seconds=1)
    answer = square.pages.post("/announcement", form)
    assert is_announcement(answer)
    assert square.pages.follow(answer).headers["Refresh"] == "1"
    assert square.counted() == (1, 0, 0)


def test_pressed_twice_it_counts_once_and_leads_on_both_times(square: Square) -> None:
    ready = square.wait(square.sign_in())
    answers = [square.pages.submit(ready.form("/announcement")) for _ in range(3)]
    assert all(map(is_let_in, answers))
    assert square.counted() == (1, 1, 0)


def test_reloads_and_a_second_tab_are_one_display(square: Square) -> None:
    shown = square.sign_in()
    for _ in range(5):
        square.pages.get(shown.path)
    square.pages.follow(square.arrive())
    assert len(square.turns()) == 1
    assert square.counted() == (1, 0, 0)


def test_the_back_button_after_it_leads_on(square: Square) -> None:
    shown = square.sign_in()
    square.watch(shown)
    assert is_let_in(square.pages.get(shown.path))
    assert square.counted() == (1, 1, 0)


def test_a_page_left_open_for_longer_than_its_life_begins_anew(square: Square) -> None:
    ready = square.wait(square.sign_in())
    square.clock.now += 29 * MINUTE + timedelta(seconds=55)
    answer = square.pages.submit(ready.form("/announcement"))
    assert explain(RefusalReason.ARRIVAL_EXPIRED, "fr").title in answer.text
    again = square.pages.follow(square.arrive())
    assert not has_button(again)
    assert square.counted() == (2, 0, 0)


def test_a_challenge_that_is_stale_by_then_is_renewed(square: Square) -> None:
    ready = square.wait(square.sign_in())
    square.clock.now += 10 * MINUTE
    answer = square.pages.submit(ready.form("/announcement"))
    assert answer.location == "http://10.1.0.1:3990/prelogin"
    assert is_let_in(square.pages.get(redirect_of(square.town)))


def test_a_grant_that_has_ended_meanwhile_is_told(square: Square) -> None:
    ready = square.wait(square.sign_in())
    with square.database.transaction() as db:
        db.scalars(select(Grant)).one().ends_at = square.clock.now
    answer = square.pages.submit(ready.form("/announcement"), headers=FRENCH)
    assert explain(RefusalReason.GRANT_ENDED, "fr").title in answer.text


def test_another_devices_turn_counts_nothing(square: Square) -> None:
    mine = square.sign_in()
    theirs = square.sign_in(Asking(Way.ONE_TAP, device_mac=OTHER))
    my_form = square.wait(mine).form("/announcement").fields
    their_form = square.pages.get(theirs.path).form("/announcement").fields
    answer = square.pages.post("/announcement", my_form | {"turn": their_form["turn"]})
    assert is_announcement(answer)
    assert square.counted() == (2, 0, 0)


@pytest.mark.parametrize("turn", ["", "x", "é" * 40, "A" * 5000])
def test_a_forged_turn_counts_nothing(square: Square, turn: str) -> None:
    form = square.wait(square.sign_in()).form("/announcement").fields
    assert is_announcement(square.pages.post("/announcement", form | {"turn": turn}))
    assert square.counted() == (1, 0, 0)


def test_a_turn_of_nobody_counts_nothing(square: Square) -> None:
    form = square.wait(square.sign_in()).form("/announcement").fields
    nobodys = announcement_token(factories.VAULT, factories.uuid4())
    assert is_announcement(square.pages.post("/announcement", form | {"turn": nobodys}))
    assert square.counted() == (1, 0, 0)


def test_a_forged_arrival_makes_no_row(square: Square) -> None:
    shown = square.sign_in()
    for arrival in ("", "x", shown.path.partition("arrival=")[2][:-2]):
        assert square.pages.get("/announcement", query_string={"arrival": arrival}).status == HTTPStatus.FORBIDDEN
    assert len(square.turns()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
    ],
)
def test_a_browser_that_fetches_ahead_is_shown_nothing(square: Square, headers: dict[str, str]) -> None:
    address = urlsplit(ask(square.pages, square.town, TAP).location)
    answer = square.pages.get(f"{address.path}?{address.query}", headers=headers)
    assert answer.status == HTTPStatus.NO_CONTENT
    assert square.turns() == []


def test_a_look_at_the_headers_counts_nothing(square: Square) -> None:
    address = urlsplit(ask(square.pages, square.town, TAP).location)
    square.pages.client.head(f"{address.path}?{address.query}")
    assert square.turns() == []


def test_whoever_reloads_without_end_is_told_to_wait(square: Square) -> None:
    shown = square.sign_in()
    for _ in range(ANNOUNCEMENT.at_most):
        answer = square.pages.get(shown.path)
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    assert int(answer.headers["Retry-After"]) > 0
    assert len(square.turns()) == 1
