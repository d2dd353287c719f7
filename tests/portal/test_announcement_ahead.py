"""The next announcement, seen ahead from the page of the visit: the running connection is to go on."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import ChangeRecord, Grant, Nas, SessionWish, Site, WifiSession, WishKind, WishReason, WishState
from hotspot.settings import Settings
from hotspot.values import SiteKind
from tests import factories
from tests.announcements import EVERY
from tests.page_client import Page, PageClient
from tests.portal.announcement_town import MINUTE, Square, is_announcement, make_square
from tests.portal.conftest import FRENCH, Clock, Town

BUTTON = "Regarder la prochaine annonce maintenant"


@pytest.fixture
def square(
    pages: PageClient, database: Database, town: Town, redis: "Redis", clock: Clock, settings: Settings
) -> Square:
    return make_square(pages, database, town, redis, clock, settings)


@pytest.fixture
def online(square: Square) -> Square:
    """For twelve minutes, by a CoovaChilli that takes changes."""
    square.come_in()
    square.be_online(12 * MINUTE, ends=False)
    return square


def visit(square: Square) -> Page:
    return square.pages.get(square.visit(), headers=FRENCH)


def plain(page: Page) -> str:
    return page.text.replace("\xa0", " ").replace("\u202f", " ")


def begin(square: Square) -> Page:
    return square.pages.get(visit(square).link(BUTTON), headers=FRENCH)


def watch(square: Square) -> Page:
    ready = square.wait(begin(square))
    form = next(each for each in ready.root.all("form"))
    return square.pages.follow(square.pages.submit(ready.form(form["action"].partition("?")[0])))


def wishes(square: Square) -> list[tuple[WishKind, WishReason]]:
    with square.database.reading() as db:
        return [(each.kind, each.why) for each in db.scalars(select(SessionWish))]


def record(square: Square, **fields: object) -> None:
    with square.database.transaction() as db:
        db.add(ChangeRecord(nas_id=square.town.nas_id, kind=WishKind.CHANGE, **fields))


def settle(square: Square, state: WishState) -> None:
    with square.database.transaction() as db:
        db.scalars(select(SessionWish)).one().state = state


def test_the_page_of_the_visit_says_when_the_next_one_comes(online: Square) -> None:
    text = plain(visit(online))
    assert "La prochaine viendra après 18 minutes de connexion." in text
    assert "votre connexion continuera alors sans interruption" in text


def test_seen_ahead_the_connection_is_asked_to_go_on(online: Square) -> None:
    page = watch(online)
    assert "La prochaine viendra après 30 minutes de connexion." in plain(page)
    assert wishes(online) == [(WishKind.CHANGE, WishReason.LENGTHENED)]
    assert online.counted() == (2, 2, 0)


def test_it_is_a_turn_of_its_own_on_the_same_page(online: Square) -> None:
    shown = begin(online)
    assert shown.h1 == "Le pain du pont"
    assert shown.headers["Refresh"] == "10"
    assert len(online.turns()) == 2
    assert (
        online.pages.get(shown.link("Pas maintenant\u202f: retour à la page de votre visite")).status == HTTPStatus.OK
    )


@pytest.mark.parametrize("minutes", [0, 4])
def test_it_is_offered_only_after_some_minutes_of_connection(square: Square, minutes: int) -> None:
    square.come_in()
    square.be_online(minutes * MINUTE, ends=False)
    assert BUTTON not in visit(square).text
    answer = square.pages.get(square.visit() + "/announcement")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert len(square.turns()) == 1


def test_a_pause_is_no_connection(square: Square) -> None:
    square.come_in()
    square.be_online(2 * MINUTE)
    square.clock.now += 20 * MINUTE
    square.be_online(2 * MINUTE, ends=False)
    assert BUTTON not in visit(square).text


def test_views_cannot_be_gathered(online: Square) -> None:
    watch(online)
    for _ in range(3):
        assert online.pages.get(online.visit() + "/announcement").status == HTTPStatus.SEE_OTHER
    assert online.counted() == (2, 2, 0)


def test_too_early_twice_forged_or_anothers_nothing_happens(online: Square) -> None:
    ready = online.wait(begin(online))
    form = next(each for each in ready.root.all("form"))
    turn = ready.form(form["action"].partition("?")[0]).fields["turn"]
    address = online.visit() + "/announcement"
    online.clock.now -= timedelta(seconds=2)
    for given in (turn, "", "x" * 50):
        assert online.pages.post(address, {"turn": given}).status == HTTPStatus.SEE_OTHER
    assert (online.counted(), wishes(online)) == ((2, 1, 0), [])
    online.clock.now += timedelta(seconds=2)
    for _ in range(2):
        online.pages.post(address, {"turn": turn})
    assert (online.counted(), len(wishes(online))) == ((2, 2, 0), 1)


def test_anothers_visit_cannot_complete_it(online: Square) -> None:
    ready = online.wait(begin(online))
    form = next(each for each in ready.root.all("form"))
    turn = ready.form(form["action"].partition("?")[0]).fields["turn"]
    with online.database.transaction() as db:
        nas = db.get_one(Nas, online.town.nas_id)
        other = factories.make_grant(db, nas=nas, device_mac="020000000002", announcement_every=EVERY)
        other.created_at = online.clock.now
        db.flush()
    online.pages.post(online.visit("020000000002") + "/announcement", {"turn": turn})
    assert online.counted() == (2, 1, 0)


def test_a_browser_that_fetches_ahead_begins_nothing(online: Square) -> None:
    address = online.visit() + "/announcement"
    assert online.pages.get(address, headers={"Sec-Purpose": "prefetch"}).status == HTTPStatus.NO_CONTENT
    online.pages.client.head(address)
    assert len(online.turns()) == 1


@pytest.mark.parametrize(
    "answers",
    [
        {"refused_at": factories.NOW, "refused_because": 501},
        {"refused_at": factories.NOW, "refused_because": 401, "accepted_at": factories.NOW - MINUTE},
        {"unanswered_at": factories.NOW, "unanswered_in_a_row": 3},
    ],
    ids=["refused", "refused since", "silent"],
)
def test_a_gateway_that_takes_no_change_is_said_so(online: Square, answers: dict[str, object]) -> None:
    record(online, **answers)
    text = plain(visit(online))
    assert (
        "Cette borne ne sait pas prolonger une connexion en cours : elle s’interrompra tout de même à 10 h 30" in text
    )


@pytest.mark.parametrize(
    "answers",
    [
        {"accepted_at": factories.NOW},
        {"refused_at": factories.NOW - MINUTE, "accepted_at": factories.NOW},
        {"refused_at": factories.NOW, "refused_because": 503},
        {"refused_at": factories.NOW},
        {"unanswered_at": factories.NOW, "unanswered_in_a_row": 1},
    ],
    ids=["accepted", "accepted since", "it had no such session", "CoovaChilli has no other no", "once silent"],
)
def test_a_gateway_that_may_take_a_change_is_believed(online: Square, answers: dict[str, object]) -> None:
    record(online, **answers)
    assert "votre connexion continuera alors sans interruption" in plain(visit(online))


@pytest.mark.parametrize("state", [WishState.REFUSED, WishState.NO_ANSWER, WishState.NOT_POSSIBLE])
def test_a_connection_that_was_not_lengthened_is_said_to_pause(online: Square, state: WishState) -> None:
    watch(online)
    settle(online, state)
    text = plain(visit(online))
    assert "elle s’interrompra à 10 h 30. Reconnectez-vous alors d’un geste, sans annonce." in text


@pytest.mark.parametrize("state", [WishState.WAITING, WishState.SENT, WishState.ACCEPTED])
def test_a_connection_that_is_lengthened_does_not_pause(online: Square, state: WishState) -> None:
    watch(online)
    settle(online, state)
    assert "interrompra" not in plain(visit(online))


def test_one_that_waits_for_a_silent_gateway_is_said_to_pause(online: Square) -> None:
    watch(online)
    online.clock.now += MINUTE
    assert "elle s’interrompra à 10 h 30" in plain(visit(online))


def test_whoever_comes_back_after_the_pause_sees_none(online: Square) -> None:
    watch(online)
    with online.database.transaction() as db:
        session = db.scalars(select(WifiSession)).one()
        session.ended_at = online.clock.now = factories.NOW + EVERY
    assert not is_announcement(online.arrive())


def test_where_nothing_is_to_be_shown_nothing_is_offered(online: Square) -> None:
    online.pause()
    text = visit(online).text
    assert BUTTON not in text
    assert online.pages.get(online.visit() + "/announcement").status == HTTPStatus.SEE_OTHER


def test_a_site_that_became_a_library_says_nothing_of_announcements(online: Square) -> None:
    with online.database.transaction() as db:
        db.get_one(Site, online.town.site_id).kind = SiteKind.LIBRARY
    page = visit(online)
    assert "viendra après" not in plain(page)
    assert BUTTON not in page.text


def test_a_visit_that_ends_before_it_says_nothing_of_the_next_one(online: Square) -> None:
    with online.database.transaction() as db:
        db.scalars(select(Grant)).one().ends_at = online.clock.now + 15 * MINUTE
    assert "viendra après" not in plain(visit(online))


def test_between_two_connections_the_time_is_said_and_nothing_offered(square: Square) -> None:
    square.come_in()
    square.be_online(12 * MINUTE)
    page = visit(square)
    assert "La prochaine viendra après 18 minutes de connexion." in plain(page)
    assert BUTTON not in page.text


def test_a_visit_that_nobody_knows_is_not_found(square: Square) -> None:
    for ask in (square.pages.get, square.pages.post):
        assert ask("/online/x/announcement").status == HTTPStatus.NOT_FOUND
