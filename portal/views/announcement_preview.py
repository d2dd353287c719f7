"""What an announcement will look like, for staff: the very page that visitors see, counted nowhere and leading nowhere.

The staff application shows it in a frame; nobody else may.
"""

from http import HTTPStatus
from uuid import uuid4

from flask import Blueprint, Response, abort, request

from hotspot.models import Announcement, AnnouncementView
from hotspot.portal_links import Preview, preview_of_token
from portal.announcement_page import AnnouncementShown, announcement_page, shown_in
from portal.answers import Notice
from portal.language import gettext
from portal.protection import may_be_framed_by
from portal.resources import resources

blueprint = Blueprint("announcement_preview", __name__)

_PATH = "/announcement/preview"


@blueprint.get(_PATH)
def get_preview() -> Response:
    return _page(None)


@blueprint.post(_PATH)
def post_preview() -> Response:
    """The button of the page, pressed."""
    return _page(Notice(gettext("Here the visitor goes on to the internet."), is_problem=False))


def _page(notice: Notice | None) -> Response:
    made = resources()
    token = request.values.get("preview", "")
    preview = preview_of_token(made.vault, token, made.clock())
    if preview is None:
        abort(HTTPStatus.NOT_FOUND)
    may_be_framed_by(made.settings.public_staff)
    answer = announcement_page(_shown(preview), _PATH, {"preview": token}, notice)
    answer.headers.pop("Refresh", None)  # it stands still, to be looked at
    return answer


def _shown(preview: Preview) -> AnnouncementShown:
    made = resources()
    with made.database.reading() as db:
        announcement = db.get(Announcement, preview.announcement_id)
        if announcement is None:
            abort(HTTPStatus.NOT_FOUND)
        ready_at = made.clock() if preview.is_over else made.clock() + preview.length
        return shown_in(  # a turn that is written nowhere
            AnnouncementView(id=uuid4(), announcement=announcement, site_id=preview.site_id, ready_at=ready_at)
        )
