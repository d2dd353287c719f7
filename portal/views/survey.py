"""The survey's form comes back: counted once for each device and month, or declined. Nothing else is kept, and nothing
is logged: no line may stand beside another that names the device."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from hotspot.errors import InvalidInput
from hotspot.models import Grant
from hotspot.policy.surveys import QUESTION_FIELDS, parse_answers
from hotspot.portal_links import grant_of_token
from hotspot.services.surveys import answer, find_open
from portal.answers import Notice
from portal.language import gettext, speak
from portal.letting_in import address_online, see_other
from portal.resources import resources
from portal.survey_page import SETTLED
from portal.views.online import online_page

blueprint = Blueprint("survey", __name__)


@blueprint.post("/online/<token>/survey")
def post_survey(token: str) -> Response:
    """The mark in Redis is taken first: better an answer that is lost than one that counts twice."""
    made, now = resources(), resources().clock()
    grant_id = grant_of_token(made.vault, token)
    with made.database.reading() as db:
        grant = db.get(Grant, grant_id) if grant_id is not None else None
        if grant is None:
            abort(HTTPStatus.NOT_FOUND)
        shown = find_open(db, grant.site_id, now)
    speak(grant.language)
    if shown is None:
        return see_other(address_online(grant.id))
    if "decline" in request.form:
        made.survey_turns.settle(grant.device_mac, shown.month, grant.id)
        return see_other(f"{address_online(grant.id)}?{SETTLED}")
    if request.form.get("version") != str(shown.version):
        return online_page(token, Notice(gettext("The questions have just been changed.")), HTTPStatus.CONFLICT)
    try:
        choices = parse_answers(shown.questions, [request.form.get(name, "") for name in QUESTION_FIELDS])
    except InvalidInput as problem:
        return online_page(token, Notice(gettext(problem.problem)), HTTPStatus.UNPROCESSABLE_ENTITY)
    if made.survey_turns.settle(grant.device_mac, shown.month, grant.id):
        with made.database.transaction() as db:
            answer(db, shown, choices)
    return see_other(f"{address_online(grant.id)}?{SETTLED}")
