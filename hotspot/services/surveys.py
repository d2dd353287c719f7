"""The survey of a site: its two questions, whether it is open, its answers, and what may be told of them.

An answer adds one to a count and is not kept: no row says who, when, or what else the same visitor answered. Results
are told by the month, once it is over, each by itself (`policy/surveys.py` hides small groups): whoever watched a month
grow would see whose answer it was, and a sum over months would give away what each of them hides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hotspot.models import Site, Survey, SurveyCount
from hotspot.policy.surveys import (
    DEFAULTS,
    Published,
    Questions,
    hide_small,
    month_of,
    next_month,
    parse_questions,
    print_questions,
)
from hotspot.services import audit
from hotspot.services.sites import get_site, list_sites
from hotspot.services.staff import Scope

MONTHS_TOLD = 24
_LAST_ZONE = timedelta(hours=12)
"""Where a month ends last (UTC-12). What is told is over everywhere: it cannot grow, whatever becomes of the site's
time zone."""

_KEY = ["site_id", "version", "month", "question", "choice"]


@dataclass(frozen=True, slots=True)
class SurveyShown:
    """To a visitor."""

    site_id: int
    version: int
    questions: Questions
    month: date
    """Its first day, where the site is."""
    month_ends_at: datetime


@dataclass(frozen=True, slots=True)
class SurveyOfSite:
    """To staff; of a site that has none yet, what it is offered."""

    site: Site
    is_open: bool
    questions: Questions
    version: int
    """Nought: nobody has been asked yet."""


@dataclass(frozen=True, slots=True)
class MonthTold:
    month: date
    questions: tuple[Published, Published]


def find_open(db: Session, site_id: int, now: datetime) -> SurveyShown | None:
    """What visitors of the site are asked now. None: nothing."""
    survey = db.get(Survey, site_id)
    if survey is None or not survey.is_open:
        return None
    month = _month_there(now, survey.site)
    ends_at = datetime.combine(next_month(month), time(), ZoneInfo(survey.site.time_zone))
    return SurveyShown(site_id, survey.version, parse_questions(survey.questions), month, ends_at)


def answer(db: Session, shown: SurveyShown, choices: tuple[int | None, int | None]) -> None:
    """One more for each choice, in one statement; a question that was left out counts nothing."""
    rows = [
        {
            "site_id": shown.site_id,
            "version": shown.version,
            "month": shown.month,
            "question": question,
            "choice": choice,
            "answers": 1,
        }
        for question, choice in enumerate(choices)
        if choice is not None
    ]
    if not rows:
        return
    insert: Any = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    grown = {"answers": SurveyCount.__table__.c.answers + 1}
    db.execute(insert(SurveyCount).values(rows).on_conflict_do_update(index_elements=_KEY, set_=grown))


def list_surveys(db: Session, scope: Scope) -> Sequence[SurveyOfSite]:
    sites = list_sites(db, scope)
    found = {each.site_id: each for each in db.scalars(select(Survey).where(Survey.site_id.in_(scope.site_ids)))}
    return [_of_site(site, found.get(site.id)) for site in sites]


def get_survey(db: Session, scope: Scope, site_id: int) -> SurveyOfSite:
    """NotFound for a site of somebody else."""
    return _of_site(get_site(db, scope, site_id), db.get(Survey, site_id))


def change_questions(db: Session, by: Scope, site_id: int, written: Any, now: datetime) -> None:
    """Other words are another question: their answers are counted by themselves, from nought."""
    questions = print_questions(parse_questions(written))
    survey = _get_or_begin(db, by, site_id, now)
    if survey.questions == questions:
        return
    survey.questions, survey.version, survey.changed_at = questions, survey.version + 1, now
    _note(db, by, survey, "survey.changed", {"questions": "changed"}, now)


def open_survey(db: Session, by: Scope, site_id: int, now: datetime) -> None:
    """With the questions that are offered, if the site has none of its own."""
    _turn(db, by, site_id, now, is_open=True)


def close_survey(db: Session, by: Scope, site_id: int, now: datetime) -> None:
    """Nobody is asked any more; what was answered stays."""
    _turn(db, by, site_id, now, is_open=False)


def results(db: Session, scope: Scope, site_id: int, now: datetime) -> Sequence[MonthTold]:
    """Of the questions as they are now, by month, the newest first. A month without a single answer is told like one
    with few."""
    site, survey = get_site(db, scope, site_id), db.get(Survey, site_id)
    if survey is None:
        return []
    counts: dict[date, dict[tuple[int, int], int]] = {}
    for row in db.execute(
        select(SurveyCount.month, SurveyCount.question, SurveyCount.choice, SurveyCount.answers).where(
            SurveyCount.site_id == site_id, SurveyCount.version == survey.version
        )
    ):
        counts.setdefault(row.month, {})[row.question, row.choice] = row.answers
    questions = parse_questions(survey.questions)
    months = _months_over(_month_there(survey.changed_at, site), month_of((now - _LAST_ZONE).astimezone(UTC).date()))
    return [MonthTold(month, _publish(questions, counts.get(month, {}))) for month in months]


def _months_over(first: date, running: date) -> Sequence[date]:
    months = []
    while first < running:
        months.append(first)
        first = next_month(first)
    return months[: -MONTHS_TOLD - 1 : -1]


def _publish(questions: Questions, counts: Mapping[tuple[int, int], int]) -> tuple[Published, Published]:
    first, second = (
        hide_small([counts.get((number, choice), 0) for choice in range(len(question.choices))])
        for number, question in enumerate(questions)
    )
    return first, second


def _month_there(moment: datetime, site: Site) -> date:
    return month_of(moment.astimezone(ZoneInfo(site.time_zone)).date())


def _of_site(site: Site, survey: Survey | None) -> SurveyOfSite:
    if survey is None:
        return SurveyOfSite(site, False, DEFAULTS, 0)
    return SurveyOfSite(site, survey.is_open, parse_questions(survey.questions), survey.version)


def _turn(db: Session, by: Scope, site_id: int, now: datetime, *, is_open: bool) -> None:
    survey = _get_or_begin(db, by, site_id, now)
    if survey.is_open == is_open:
        return
    survey.is_open = is_open
    _note(db, by, survey, "survey.opened" if is_open else "survey.closed", {}, now)


def _get_or_begin(db: Session, by: Scope, site_id: int, now: datetime) -> Survey:
    """The lock is the site's: two who begin at the same time begin one survey."""
    get_site(db, by, site_id)
    db.scalars(select(Site.id).where(Site.id == site_id).with_for_update()).one()
    survey = db.get(Survey, site_id, populate_existing=True)
    if survey is None:
        survey = Survey(site_id=site_id, is_open=False, questions=print_questions(DEFAULTS), version=1, changed_at=now)
        db.add(survey)
        db.flush()
    return survey


def _note(db: Session, by: Scope, survey: Survey, action: str, facts: Mapping[str, Any], now: datetime) -> None:
    site = db.get_one(Site, survey.site_id)
    audit.note(db, by, action, site.name, facts, now, organisation_id=site.organisation_id)
