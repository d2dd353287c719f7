"""The survey on the page of a visit: whether it is shown there, and its words in the visitor's language."""

from dataclasses import dataclass

from flask import request

from hotspot.models import Grant
from hotspot.policy.surveys import say
from hotspot.services.surveys import SurveyShown, find_open
from portal.answers import Notice
from portal.language import gettext, language
from portal.resources import resources

SETTLED = "survey=settled"
"""In the address, whichever button was pressed: logs and histories keep addresses."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the staff's, and the language that it is in, which may not be the page's."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class QuestionShown:
    text: Said
    choices: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class SurveyOnPage:
    version: int
    questions: tuple[QuestionShown, ...]


def survey_on_page(grant: Grant) -> SurveyOnPage | None:
    """For a visit that is online; None where there is nothing to ask, or this device has had its turn this month."""
    made, now = resources(), resources().clock()
    with made.database.reading() as db:
        shown = find_open(db, grant.site_id, now)
    if shown is None:
        return None
    if not made.survey_turns.may_show(grant.device_mac, shown.month, grant.id, shown.month_ends_at - now):
        return None
    return _in_words(shown)


def notice_of_survey() -> Notice | None:
    """What the page says after the form was sent. The address tells it, so that a reload sends nothing again."""
    if request.args.get("survey") != "settled":
        return None
    return Notice(gettext("Thank you."), gettext("You will not be asked again this month."), is_problem=False)


def _in_words(shown: SurveyShown) -> SurveyOnPage:
    code = language()
    return SurveyOnPage(
        shown.version,
        tuple(
            QuestionShown(Said(*say(each.text, code)), tuple(Said(*say(choice, code)) for choice in each.choices))
            for each in shown.questions
        ),
    )
