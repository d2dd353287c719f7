"""A site's survey: changed, opened, answered, told by the month. On both databases."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import InvalidInput, NotFound
from hotspot.models import AuditEntry, Role, Site, Survey, SurveyCount
from hotspot.policy.surveys import DEFAULTS, print_questions
from hotspot.services.staff import Scope, find_scope
from hotspot.services.surveys import (
    MONTHS_TOLD,
    SurveyShown,
    answer,
    change_questions,
    close_survey,
    find_open,
    get_survey,
    list_surveys,
    open_survey,
    results,
)
from tests import factories

NOW = factories.NOW
APRIL = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
"""March is over, everywhere."""


class Place:
    """A site, who administers it, and a stranger."""

    def __init__(self, db: Session) -> None:
        site = factories.make_site(db)
        self.site_id = site.id
        self.mine = _scope(db, factories.make_staff(db, organisation=site.organisation))
        self.librarian = _scope(db, factories.make_staff(db, sites=(site,), role=Role.LIBRARIAN))
        self.stranger = _scope(db, factories.make_staff(db))


def _scope(db: Session, member: Any) -> Scope:
    scope = find_scope(db, member.id, member.session_key)
    assert scope is not None
    return scope


@pytest.fixture
def place(any_database: Database) -> Place:
    with any_database.transaction() as db:
        return Place(db)


def opened(db: Session, place: Place, now: datetime = NOW) -> SurveyShown:
    open_survey(db, place.mine, place.site_id, now)
    db.flush()
    shown = find_open(db, place.site_id, now)
    assert shown is not None
    return shown


def other_questions(first_choice: str = "Oui") -> list[dict[str, Any]]:
    choices = [{"fr": first_choice}, {"fr": "Non"}]
    return [{"text": {"fr": "Venez-vous souvent ?"}, "choices": choices}, print_questions(DEFAULTS)[1]]


def counted(db: Session) -> dict[tuple[date, int, int, int], int]:
    return {
        (each.month, each.version, each.question, each.choice): each.answers for each in db.scalars(select(SurveyCount))
    }


def test_a_site_without_a_survey_asks_nothing_and_is_offered_one(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        assert find_open(db, place.site_id, NOW) is None
        offered = get_survey(db, place.librarian, place.site_id)
        assert (offered.is_open, offered.version, offered.questions) == (False, 0, DEFAULTS)
        assert results(db, place.librarian, place.site_id, NOW) == []


def test_it_is_opened_and_closed_and_that_is_noted_once_each(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        shown = opened(db, place)
        open_survey(db, place.mine, place.site_id, NOW)
        assert (shown.version, shown.questions, shown.month) == (1, DEFAULTS, date(2026, 3, 1))
        close_survey(db, place.mine, place.site_id, NOW)
        close_survey(db, place.mine, place.site_id, NOW)
        assert find_open(db, place.site_id, NOW) is None
        noted = db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert noted == ["survey.opened", "survey.closed"]


def test_other_words_are_another_version_and_the_same_are_not(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        opened(db, place)
        change_questions(db, place.mine, place.site_id, other_questions(), NOW)
        change_questions(db, place.mine, place.site_id, other_questions(" Oui "), NOW)
        db.flush()
        changed = find_open(db, place.site_id, NOW)
        assert changed is not None
        assert (changed.version, changed.questions[0].text["fr"]) == (2, "Venez-vous souvent ?")
        noted = db.scalars(select(AuditEntry).where(AuditEntry.action == "survey.changed")).all()
    assert [each.facts for each in noted] == [{"questions": "changed"}]


def test_what_is_no_survey_changes_nothing(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        with pytest.raises(InvalidInput):
            change_questions(db, place.mine, place.site_id, other_questions()[:1], NOW)
        assert db.get(Survey, place.site_id) is None


@pytest.mark.parametrize(
    "attempt",
    [
        get_survey,
        lambda db, by, site_id: results(db, by, site_id, NOW),
        lambda db, by, site_id: open_survey(db, by, site_id, NOW),
        lambda db, by, site_id: close_survey(db, by, site_id, NOW),
        lambda db, by, site_id: change_questions(db, by, site_id, other_questions(), NOW),
    ],
    ids=["get", "results", "open", "close", "change"],
)
def test_another_towns_survey_is_not_there(
    any_database: Database, place: Place, attempt: Callable[[Session, Scope, int], Any]
) -> None:
    with any_database.transaction() as db:
        with pytest.raises(NotFound):
            attempt(db, place.stranger, place.site_id)
        assert list_surveys(db, place.stranger) == []
        assert [each.site.id for each in list_surveys(db, place.librarian)] == [place.site_id]


def test_answers_add_up_and_one_that_was_left_out_counts_nothing(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        shown = opened(db, place)
        for choices in ((2, 0), (2, None), (None, None), (None, 1)):
            answer(db, shown, choices)
        march = date(2026, 3, 1)
        assert counted(db) == {(march, 1, 0, 2): 2, (march, 1, 1, 0): 1, (march, 1, 1, 1): 1}


def test_answers_at_the_same_moment_are_all_counted(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        shown = opened(db, place)
    start = Barrier(4)

    def answer_some() -> None:
        start.wait()
        for _ in range(5):
            with any_database.transaction() as db:
                answer(db, shown, (0, 1))

    threads = [Thread(target=answer_some) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with any_database.reading() as db:
        assert set(counted(db).values()) == {20}


def test_the_month_is_that_of_the_site(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        before = opened(db, place, datetime(2026, 3, 31, 21, 59, tzinfo=UTC))  # summer time: 23:59 in Paris
        after = find_open(db, place.site_id, datetime(2026, 3, 31, 22, 0, tzinfo=UTC))
    assert after is not None
    assert (before.month, after.month) == (date(2026, 3, 1), date(2026, 4, 1))
    assert before.month_ends_at == datetime(2026, 3, 31, 22, 0, tzinfo=UTC)


def test_a_month_is_told_when_it_is_over_and_small_groups_never(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        shown = opened(db, place)
        for choice in [0] * 7 + [1] * 4:
            answer(db, shown, (choice, None))
        assert results(db, place.librarian, place.site_id, APRIL - timedelta(seconds=1)) == []
        (march,) = results(db, place.librarian, place.site_id, APRIL)
    first, second = march.questions
    assert (march.month, first.groups, first.total) == (date(2026, 3, 1), (7, None, None, None, None, None), None)
    assert (second.groups, second.total) == ((None,) * 4, None)


def test_months_are_told_apart_the_newest_first_and_one_without_answers_like_one_with_few(
    any_database: Database, place: Place
) -> None:
    with any_database.transaction() as db:
        opened(db, place)
        for moment in (NOW, NOW + timedelta(days=31), NOW + timedelta(days=92)):
            shown = find_open(db, place.site_id, moment)
            assert shown is not None
            for _ in range(3):
                answer(db, shown, (0, None))
        told = results(db, place.mine, place.site_id, datetime(2026, 7, 2, tzinfo=UTC))
    assert [each.month.month for each in told] == [6, 5, 4, 3]
    assert len({each.questions for each in told}) == 1


def test_answers_to_earlier_questions_are_not_added_to_those_of_others(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        shown = opened(db, place)
        for _ in range(6):
            answer(db, shown, (0, 0))
        change_questions(db, place.mine, place.site_id, other_questions(), NOW)
        db.flush()
        (march,) = results(db, place.mine, place.site_id, APRIL)
    assert march.questions[0].groups == (None, None)
    assert march.questions[1].groups == (None,) * 4


def test_two_years_are_told(any_database: Database, place: Place) -> None:
    with any_database.transaction() as db:
        opened(db, place)
        told = results(db, place.mine, place.site_id, datetime(2031, 1, 1, 12, tzinfo=UTC))
    assert (len(told), told[0].month) == (MONTHS_TOLD, date(2030, 12, 1))


def test_no_column_of_an_answer_could_name_anybody() -> None:
    assert set(SurveyCount.__table__.columns.keys()) == {
        "site_id",
        "version",
        "month",
        "question",
        "choice",
        "answers",
    }


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Paris"])
def test_a_month_that_is_told_does_not_grow_wherever_the_site_is_moved(
    any_database: Database, place: Place, zone: str
) -> None:
    with any_database.transaction() as db:
        opened(db, place)
        told = [each.month for each in results(db, place.mine, place.site_id, APRIL)]
        db.get_one(Site, place.site_id).time_zone = zone
        db.flush()
        shown = find_open(db, place.site_id, APRIL)
    assert shown is not None
    assert told == [date(2026, 3, 1)]
    assert shown.month not in told
