"""Surveys: a site's two questions, open or closed; and what may be told of the answers, by the month."""

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from io import StringIO

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hotspot.policy.surveys import QUESTION_FIELDS, SMALL, Words, say
from hotspot.services.staff import Scope
from hotspot.services.surveys import (
    MonthTold,
    SurveyOfSite,
    change_questions,
    close_survey,
    get_survey,
    list_surveys,
    open_survey,
    results,
)
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.surveys import SurveyForm, as_typed
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("surveys", __name__, url_prefix="/surveys")

_ID = "/<int(max=2147483647):site_id>"


@blueprint.get("")
@requires(Permission.SEE_SURVEYS)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        surveys = list_surveys(db, scope())
    return render_template("surveys/index.html", surveys=surveys)


@blueprint.get(_ID)
@requires(Permission.SEE_SURVEYS)
def show(site_id: int) -> ResponseReturnValue:
    survey, months = _results(site_id)
    return render_template("surveys/survey.html", survey=survey, months=months, small=SMALL, words=_words)


@blueprint.get(f"{_ID}/results.csv")
@requires(Permission.SEE_SURVEYS)
def results_csv(site_id: int) -> ResponseReturnValue:
    """With a byte order mark and semicolons, as the spreadsheets of French town halls open it."""
    survey, months = _results(site_id)
    return Response(
        "\ufeff" + _table(survey, months),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="survey-{site_id}.csv"'},
    )


@blueprint.get(f"{_ID}/questions")
@requires(Permission.MANAGE_SURVEYS)
def edit(site_id: int) -> ResponseReturnValue:
    survey = _get(site_id)
    return _edit_page(SurveyForm(formdata=None, data=as_typed(survey.questions)), survey)


@blueprint.post(f"{_ID}/questions")
@requires(Permission.MANAGE_SURVEYS)
def change(site_id: int) -> ResponseReturnValue:
    survey, form = _get(site_id), SurveyForm()
    if not form.validate():
        return _edit_page(form, survey), 422
    with resources().database.transaction() as db:
        change_questions(db, scope(), site_id, form.written(), now())
    return _back(site_id, gettext("The questions have been saved."))


@blueprint.post(f"{_ID}/open")
@requires(Permission.MANAGE_SURVEYS)
def open_(site_id: int) -> ResponseReturnValue:
    return _turned(site_id, open_survey, gettext("The survey is open: visitors are asked from now on."))


@blueprint.post(f"{_ID}/close")
@requires(Permission.MANAGE_SURVEYS)
def close(site_id: int) -> ResponseReturnValue:
    return _turned(site_id, close_survey, gettext("The survey is closed: nobody is asked any more."))


def _turned(site_id: int, turn: Callable[[Session, Scope, int, datetime], None], said: str) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        turn(db, scope(), site_id, now())
    return _back(site_id, said)


def _back(site_id: int, said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("surveys.show", site_id=site_id), 303)


def _get(site_id: int) -> SurveyOfSite:
    with resources().database.reading() as db:
        return get_survey(db, scope(), site_id)


def _results(site_id: int) -> tuple[SurveyOfSite, Sequence[MonthTold]]:
    with resources().database.reading() as db:
        survey = get_survey(db, scope(), site_id)
        return survey, results(db, scope(), site_id, now())


def _edit_page(form: SurveyForm, survey: SurveyOfSite) -> str:
    return render_template("surveys/questions.html", form=form, survey=survey, fields=QUESTION_FIELDS)


def _words(words: Words) -> str:
    return say(words, language())[0]


def _table(survey: SurveyOfSite, months: Sequence[MonthTold]) -> str:
    text = StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([gettext("Month"), gettext("Question"), gettext("Answer"), gettext("Number of answers")])
    for month in months:
        for question, told in zip(survey.questions, month.questions, strict=True):
            for choice, count in zip(question.choices, told.groups, strict=True):
                shown = gettext("fewer than %(number)d", number=SMALL) if count is None else count
                writer.writerow([f"{month.month:%Y-%m}", _cell(question.text), _cell(choice), shown])
    return text.getvalue()


def _cell(words: Words) -> str:
    """A spreadsheet takes what begins with one of these for a formula."""
    text = _words(words)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
