"""What an announcement will look like, for staff: the very page that visitors see, counted nowhere and leading nowhere.

The staff application shows it in a frame; nobody else may.
"""

from http import HTTPStatus
from uuid import uuid4

from flask import Blueprint, Response, abort, request

from hotspot.models import Announcement, AnnouncementView
from hotspot.portal_links import Preview, preview_of_token
from portal.announcement_page import AnnouncementShown, announcement_page
from portal.answers import page
from portal.language import gettext
from portal.protection import may_be_framed_by
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("announcement_preview", __name__)

_PATH = "/announcement/preview"


@blueprint.get(_PATH)
def get_preview() -> Response:
    token, shown = request.values.get("preview", ""), _shown(_preview())
    answer = announcement_page(shown, address=f"{_PATH}?preview={token}", action=_PATH, hidden={"preview": token})
    answer.headers.pop("Refresh", None)  # it stands still, to be looked at
    return answer


@blueprint.post(_PATH)
def post_preview() -> Response:
    """The button of the page, pressed."""
    preview = _preview()
    title = gettext("Here the visitor goes on to the internet.")
    return page("message.html", title=title, what_to_do="", site=shown_site(preview.site_id))


def _preview() -> Preview:
    made = resources()
    preview = preview_of_token(made.vault, request.values.get("preview", ""), made.clock())
    if preview is None:
        abort(HTTPStatus.NOT_FOUND)
    may_be_framed_by(made.settings.public_staff)
    return preview


def _shown(preview: Preview) -> AnnouncementShown:
    made = resources()
    with made.database.reading() as db:
        announcement = db.get(Announcement, preview.announcement_id)
        if announcement is None:
            abort(HTTPStatus.NOT_FOUND)
        now = made.clock()
        shown_at = now - preview.length if preview.is_over else now
        turn = AnnouncementView(  # written nowhere
            id=uuid4(),
            announcement=announcement,
            site_id=preview.site_id,
            shown_at=shown_at,
            ready_at=shown_at + preview.length,
        )
        return AnnouncementShown.of(turn)
