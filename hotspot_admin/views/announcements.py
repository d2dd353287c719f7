"""What a campaign shows: an announcement added, looked at as visitors see it, changed, retired."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import InvalidInput
from hotspot.models import Announcement
from hotspot.portal_links import Preview, preview_url
from hotspot.printing.announcement_picture import Picture, read_announcement_picture
from hotspot.services import campaign_announcements as announcements
from hotspot.services.campaigns import preview_place
from hotspot.wording import LANGUAGES
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.campaigns import AnnouncementForm, words_as_typed
from hotspot_admin.language import gettext, language
from hotspot_admin.protection import may_frame
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views import campaigns

blueprint = Blueprint("announcements", __name__)

_ID = "/announcements/<int(max=2147483647):announcement_id>"
_NEW = f"/campaigns{campaigns.ID}/announcements/new"


@blueprint.get(_NEW)
@requires(Permission.MANAGE_CAMPAIGNS)
def new(campaign_id: int) -> ResponseReturnValue:
    return _new_page(campaign_id, AnnouncementForm(formdata=None))


@blueprint.post(_NEW)
@requires(Permission.MANAGE_CAMPAIGNS)
def add(campaign_id: int) -> ResponseReturnValue:
    """The picture is read before the transaction: that takes a moment."""
    campaigns.get(campaign_id)
    form = AnnouncementForm()
    if not form.validate():
        return _new_page(campaign_id, form), 422
    try:
        picture = _picture(form)
        with resources().database.transaction() as db:
            added = announcements.add_announcement(
                db, scope(), campaign_id, form.words(), form.link.data, picture, now()
            )
    except InvalidInput as error:
        campaigns.show_beside_field(form, error)
        return _new_page(campaign_id, form), 422
    flash(gettext("The announcement has been added. This is how visitors see it."), "done")
    return redirect(url_for("announcements.show", announcement_id=added.id), 303)


@blueprint.get(_ID)
@requires(Permission.SEE_CAMPAIGNS)
def show(announcement_id: int) -> ResponseReturnValue:
    """The portal's own pages, in frames as wide as a telephone."""
    settings = resources().settings
    with resources().database.reading() as db:
        announcement = announcements.get_announcement(db, scope(), announcement_id)
        place = preview_place(db, scope(), announcement.campaign)
        spoken = [each.language for each in announcement.texts]
        title = announcements.title_of(announcement, language())
        _ = announcement.campaign.name
    frames = []
    if place is not None:
        may_frame(settings.public_portal)
        for code in (each for each in LANGUAGES if each in spoken):
            for is_over in (False, True):
                preview = Preview(announcement_id, place.site.id, place.length, is_over, now())
                frames.append((code, is_over, preview_url(settings, resources().vault, preview, code)))
    return render_template(
        "campaigns/announcement.html",
        announcement=announcement,
        title=title,
        place=place,
        frames=frames,
        names=_names(),
        unspoken=[_names()[each] for each in LANGUAGES if each not in spoken],
    )


@blueprint.get(f"{_ID}/picture")
@requires(Permission.SEE_CAMPAIGNS)
def picture(announcement_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        announcement = announcements.get_announcement(db, scope(), announcement_id)
        image = announcement.image
    if image is None:
        abort(404)
    return Response(image, mimetype=announcement.image_type)


@blueprint.get(f"{_ID}/edit")
@requires(Permission.MANAGE_CAMPAIGNS)
def edit(announcement_id: int) -> ResponseReturnValue:
    announcement = _get(announcement_id)
    return _edit_page(announcement, AnnouncementForm(formdata=None, data=words_as_typed(announcement)))


@blueprint.post(f"{_ID}/edit")
@requires(Permission.MANAGE_CAMPAIGNS)
def change(announcement_id: int) -> ResponseReturnValue:
    announcement, form = _get(announcement_id), AnnouncementForm()
    if not form.validate():
        return _edit_page(announcement, form), 422
    try:
        with resources().database.transaction() as db:
            announcements.change_announcement(db, scope(), announcement_id, form.words(), form.link.data, now())
    except InvalidInput as error:
        campaigns.show_beside_field(form, error)
        return _edit_page(announcement, form), 422
    flash(gettext("The words have been saved."), "done")
    return redirect(url_for("announcements.show", announcement_id=announcement_id), 303)


@blueprint.get(f"{_ID}/retire")
@requires(Permission.MANAGE_CAMPAIGNS)
def confirm_retire(announcement_id: int) -> ResponseReturnValue:
    announcement = _get(announcement_id)
    title = announcements.title_of(announcement, language())
    return render_template("campaigns/retire.html", announcement=announcement, title=title)


@blueprint.post(f"{_ID}/retire")
@requires(Permission.MANAGE_CAMPAIGNS)
def retire(announcement_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        retired = announcements.retire_announcement(db, scope(), announcement_id, now())
        campaign_id = retired.campaign_id
    flash(gettext("The announcement is shown no more."), "done")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


def _picture(form: AnnouncementForm) -> Picture | None:
    return read_announcement_picture(form.image.data.read()) if form.image.data else None


def _get(announcement_id: int) -> Announcement:
    """Detached, with its words."""
    with resources().database.reading() as db:
        announcement = announcements.get_announcement(db, scope(), announcement_id)
        _ = announcement.campaign.name, announcement.texts
    return announcement


def _names() -> dict[str, str]:
    """Of the languages that an announcement can speak, in the staff member's own."""
    return {"fr": gettext("French"), "en": gettext("English")}


def _new_page(campaign_id: int, form: AnnouncementForm) -> str:
    return render_template(
        "campaigns/announcement_form.html",
        campaign=campaigns.get(campaign_id),
        announcement=None,
        form=form,
        languages=list(_names().items()),
    )


def _edit_page(announcement: Announcement, form: AnnouncementForm) -> str:
    return render_template(
        "campaigns/announcement_form.html",
        campaign=announcement.campaign,
        announcement=announcement,
        form=form,
        languages=list(_names().items()),
    )
