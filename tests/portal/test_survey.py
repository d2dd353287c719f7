"""The survey on the page of a visit: asked at most once a month, counted once, declined; and what is left of it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import delete, select

from hotspot.db import Database
from hotspot.models import Nas, Offer, Site, Survey, SurveyCount
from hotspot.policy.surveys import DEFAULTS, print_questions
from hotspot.portal_links import online_url
from hotspot.settings import Settings
from hotspot.values import RefusalReason
from portal import create_app
from tests import factories
from tests.fixtures.redis import redis_that_is_away
from tests.page_client import Page, PageClient
from tests.portal.conftest import Clock, Town

OTHER_MAC = "020000000002"


class Asked:
    """A visit at the town's library, whose survey is open."""

    def __init__(self, pages: PageClient, database: Database, settings: Settings, town: Town) -> None:
        self.pages, self.database, self.settings, self.town = pages, database, settings, town
        with database.transaction() as db:
            survey = Survey(
                site_id=town.site_id, is_open=True, questions=print_questions(DEFAULTS), changed_at=factories.NOW
            )
            db.add(survey)

    def begin(self, **overrides: Any) -> str:
        with self.database.transaction() as db:
            nas, offer = db.get_one(Nas, self.town.nas_id), db.get_one(Offer, self.town.card_offer_id)
            grant = factories.make_grant(db, nas=nas, offer=offer, **{"language": "fr"} | overrides)
        return online_url(self.settings, factories.VAULT, grant.id).removeprefix(self.settings.public_portal)

    def change(self, **columns: Any) -> None:
        with self.database.transaction() as db:
            survey = db.get_one(Survey, self.town.site_id)
            for name, value in columns.items():
                setattr(survey, name, value)

    @property
    def counts(self) -> dict[tuple[int, int], int]:
        with self.database.reading() as db:
            return {(each.question, each.choice): each.answers for each in db.scalars(select(SurveyCount))}


@pytest.fixture
def asked(pages: PageClient, database: Database, settings: Settings, town: Town) -> Asked:
    return Asked(pages, database, settings, town)


def is_asked(page: Page) -> bool:
    return bool(page.root.all("section", id="survey"))


def form_of(page: Page) -> Any:
    return page.form(f"{page.path.partition('?')[0]}/survey")


def test_two_questions_are_asked_on_the_page_of_the_visit(asked: Asked) -> None:
    card = asked.pages.get(asked.begin()).root.one("section", id="survey")
    assert [each.text for each in card.all("legend")] == [
        "Pourquoi utilisez-vous ce Wi-Fi\N{NARROW NO-BREAK SPACE}?",
        "Êtes-vous satisfait de ce Wi-Fi\N{NARROW NO-BREAK SPACE}?",
    ]
    radios = card.all("input", type="radio")
    assert len(radios) == 10
    assert not any("required" in each.attributes or "checked" in each.attributes for each in radios)


def test_they_are_asked_in_the_visitors_language_or_the_one_there_is(asked: Asked) -> None:
    page = asked.pages.get(asked.begin(language="en"))
    assert page.root.all("legend")[0].text == "What do you use this Wi-Fi for?"
    questions = print_questions(DEFAULTS)
    del questions[0]["text"]["en"]
    asked.change(questions=questions)
    legend = asked.pages.get(page.path).root.all("legend")[0]
    assert (legend.get("lang"), legend.text.split()[0]) == ("fr", "Pourquoi")


def test_the_page_waits_for_the_form_and_refreshes_itself_again_afterwards(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    assert "Refresh" not in page.headers
    asked.pages.submit(form_of(page), button="Non merci")
    assert asked.pages.get(page.path).headers["Refresh"] == "60"


def test_an_answer_is_counted_thanked_for_and_not_asked_again(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    answer = asked.pages.submit(form_of(page), button="Envoyer", first="2", second="0")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert answer.location.endswith("?survey=settled")
    thanks = asked.pages.follow(answer)
    assert thanks.root.one("div", id="notice").get("role") == "status"
    assert "Merci. Ces questions ne vous seront plus posées ce mois-ci." in thanks.text
    assert not is_asked(thanks)
    assert asked.counts == {(0, 2): 1, (1, 0): 1}


def test_one_question_may_be_left_out_or_both(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    asked.pages.submit(form_of(page), second="3")
    other = asked.pages.get(asked.begin(device_mac=OTHER_MAC))
    assert "Merci" in asked.pages.follow(asked.pages.submit(form_of(other))).text
    assert asked.counts == {(1, 3): 1}


def test_who_declines_is_not_counted_and_not_asked_again(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    answer = asked.pages.submit(form_of(page), button="Non merci", first="2")
    assert "ne vous seront plus posées ce mois-ci" in asked.pages.follow(answer).text
    assert answer.location.endswith("?survey=settled")  # as of whoever answers: an address ends in logs
    assert not is_asked(asked.pages.get(page.path))
    assert asked.counts == {}


def test_sent_twice_it_counts_once(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    for _ in range(2):
        assert "Merci" in asked.pages.follow(asked.pages.submit(form_of(page), first="1")).text
    assert asked.counts == {(0, 1): 1}


def test_a_reload_asks_again_and_another_visit_of_the_month_does_not(asked: Asked, clock: Clock) -> None:
    address = asked.begin()
    assert is_asked(asked.pages.get(address))
    assert is_asked(asked.pages.get(f"{address}?lang=en"))
    clock.now += timedelta(days=1)
    assert not is_asked(asked.pages.get(asked.begin(created_at=clock.now, ends_at=clock.now + timedelta(hours=2))))
    clock.now += timedelta(days=30)
    assert is_asked(asked.pages.get(asked.begin(created_at=clock.now, ends_at=clock.now + timedelta(hours=2))))


def test_who_was_never_asked_counts_nothing(asked: Asked) -> None:
    address = asked.begin()
    asked.pages.post(f"{address}/survey", {"version": "1", "first": "0"})
    assert asked.counts == {}


@pytest.mark.parametrize(
    "overrides",
    [
        {"ends_because": RefusalReason.PROOF_AWAITED},
        {"ends_because": RefusalReason.IDENTITY_AWAITED},
        {"ends_at": factories.NOW + timedelta(seconds=1), "created_at": factories.NOW - timedelta(hours=1)},
    ],
    ids=["a code is awaited", "somebody identifies themselves", "over"],
)
def test_it_does_not_stand_in_the_way(asked: Asked, overrides: dict[str, Any], clock: Clock) -> None:
    address = asked.begin(**overrides)
    clock.now += timedelta(seconds=1)
    assert not is_asked(asked.pages.get(address))


def test_a_site_whose_survey_is_closed_asks_nothing_and_counts_nothing(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    asked.change(is_open=False)
    answer = asked.pages.submit(form_of(page), first="0")
    after = asked.pages.follow(answer)
    assert not is_asked(after)
    assert not after.root.all("div", id="notice")
    assert asked.counts == {}


def test_an_answer_to_other_questions_is_not_counted_and_the_new_ones_are_asked(asked: Asked) -> None:
    page = asked.pages.get(asked.begin())
    asked.change(version=2)
    answer = asked.pages.submit(form_of(page), first="0")
    assert answer.status == HTTPStatus.CONFLICT
    assert "Les questions viennent d’être modifiées." in answer.text
    assert is_asked(answer)
    assert asked.counts == {}


@pytest.mark.parametrize(
    "typed",
    [
        {"first": "6", "second": "0"},
        {"first": "-1"},
        {"second": "x" * 9000},
        {"first": "\x00"},
        {"first": "٣"},
    ],
    ids=["out of range", "negative", "huge", "a control character", "another script's digit"],
)
def test_a_choice_that_there_is_not_counts_nothing_and_may_be_corrected(asked: Asked, typed: dict[str, str]) -> None:
    page = asked.pages.get(asked.begin())
    answer = asked.pages.post(f"{page.path}/survey", {"version": "1", **typed})
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert is_asked(answer)
    assert asked.counts == {}
    asked.pages.submit(form_of(page), first="5")
    assert asked.counts == {(0, 5): 1}


@pytest.mark.parametrize("data", [{}, {"version": ""}, {"version": "1e9"}, {"version": "-1", "first": "0"}])
def test_a_form_that_is_not_ours_counts_nothing(asked: Asked, data: dict[str, str]) -> None:
    page = asked.pages.get(asked.begin())
    assert asked.pages.post(f"{page.path}/survey", data).status == HTTPStatus.CONFLICT
    assert asked.counts == {}


def test_nobody_answers_for_a_visit_that_is_not_theirs(asked: Asked) -> None:
    assert asked.pages.post("/online/forged/survey", {"version": "1"}).status == HTTPStatus.NOT_FOUND


def test_the_answer_is_in_no_log_and_nothing_else_is_stored(
    asked: Asked, redis: "Redis", caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    page = asked.pages.get(asked.begin())
    keys = redis.keys("*")
    with caplog.at_level(logging.DEBUG):
        asked.pages.submit(form_of(page), first="4", second="2")
    written = capsys.readouterr()
    assert not [each for each in caplog.records if each.name.partition(".")[0] in ("portal", "hotspot")]
    assert "survey" not in written.out + written.err
    assert sorted(redis.keys("*")) == sorted(keys)
    assert not any(redis.get(key) for key in redis.keys("surveyed:*"))


def test_without_redis_nobody_is_asked(
    settings: Settings, database: Database, clock: Callable[[], Any], asked: Asked
) -> None:
    away = create_app(settings, database=database, redis=redis_that_is_away(), clock=clock)
    page = PageClient(away.test_client()).get(asked.begin())
    assert (page.status, is_asked(page)) == (HTTPStatus.OK, False)


def test_an_answer_while_redis_is_away_is_not_thanked_for(
    settings: Settings, database: Database, clock: Callable[[], Any], asked: Asked
) -> None:
    page = asked.pages.get(asked.begin())
    away = create_app(settings, database=database, redis=redis_that_is_away(), clock=clock)
    answer = PageClient(away.test_client()).post(f"{page.path}/survey", {"version": "1", "first": "0"})
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert asked.counts == {}


def test_another_site_does_not_ask_the_same_device_in_the_same_month(asked: Asked, settings: Settings) -> None:
    assert is_asked(asked.pages.get(asked.begin()))
    with asked.database.transaction() as db:
        site = factories.make_site(db, organisation=db.get_one(Site, asked.town.site_id).organisation)
        db.add(Survey(site_id=site.id, is_open=True, questions=print_questions(DEFAULTS), changed_at=factories.NOW))
        grant = factories.make_grant(db, site=site)
    address = online_url(settings, factories.VAULT, grant.id).removeprefix(settings.public_portal)
    assert not is_asked(asked.pages.get(address))


def test_a_site_without_a_survey_has_the_page_as_it_was(asked: Asked) -> None:
    with asked.database.transaction() as db:
        db.execute(delete(Survey))
    page = asked.pages.get(asked.begin())
    assert not is_asked(page)
    assert page.headers["Refresh"] == "60"
