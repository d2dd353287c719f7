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
    token, preview = _asked()
    answer = announcement_page(
        _shown(preview), address=f"{_PATH}?preview={token}", action=_PATH, hidden={"preview": token}
    )
    answer.headers.pop("Refresh", None)  # it stands still, to be looked at
    return answer


@blueprint.post(_PATH)
def post_preview() -> Response:
    """The button of the page, pressed."""
    _, preview = _asked()
    return page(
        "message.html",
        site=shown_site(preview.site_id),
        title=gettext("Here the visitor goes on to the internet."),
        what_to_do=gettext("This was only a preview: nothing was counted."),
    )


def _asked() -> tuple[str, Preview]:
    made = resources()
    token = request.values.get("preview", "")
    preview = preview_of_token(made.vault, token, made.clock())
    if preview is None:
        abort(HTTPStatus.NOT_FOUND)
    may_be_framed_by(made.settings.public_staff)
    return token, preview


def _shown(preview: Preview) -> AnnouncementShown:
    made = resources()
    now = made.clock()
    shown_at = now - preview.length if preview.is_over else now
    with made.database.reading() as db:
        announcement = db.get(Announcement, preview.announcement_id)
        if announcement is None:
            abort(HTTPStatus.NOT_FOUND)
        return AnnouncementShown.of(  # a turn that is written nowhere
            AnnouncementView(
                id=uuid4(),
                announcement=announcement,
                site_id=preview.site_id,
                shown_at=shown_at,
                ready_at=shown_at + preview.length,
            )
        )
