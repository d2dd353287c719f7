"""Patrons: found by card, blocked and unblocked; and the library's file brought in after a look at what it changes."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.adapters.pending_import import PendingImport, PendingImports
from hotspot.errors import InvalidInput
from hotspot.models import Organisation, Patron
from hotspot.services import patrons
from hotspot.services.disconnecting import count_live_sessions_of_patron, end_sessions_of_patron
from hotspot.services.patron_file import LARGEST_FILE, PatronFile, read_patron_file
from hotspot.services.remembering import count_of_patron, forget_devices_of_patron
from hotspot.services.sites import local_zone, organisations_of
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.patrons import CardForm, ConfirmForm, PatronFileForm, TokenForm
from hotspot_admin.importing import start_import
from hotspot_admin.language import gettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.online import said_of, visits_too

blueprint = Blueprint("patrons", __name__, url_prefix="/patrons")

ROWS_SHOWN = 10
ERRORS_SHOWN = 200

_ID = "/<int(max=2147483647):patron_id>"


@blueprint.get("")
@requires(Permission.MANAGE_PATRONS)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        page = patrons.list_patrons(db, scope(), after=request.args.get("after", type=parse_row_id))
    return _list_page(CardForm(formdata=None), page)


@blueprint.post("")
@requires(Permission.MANAGE_PATRONS)
def search() -> ResponseReturnValue:
    form = CardForm()
    if not form.validate():
        return _list_page(form, patrons.PatronPage((), None)), 422
    with resources().database.reading() as db:
        page = patrons.list_patrons(db, scope(), card=form.card.data)
    return _list_page(form, page)


@blueprint.get(_ID)
@requires(Permission.MANAGE_PATRONS)
def show(patron_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        patron = patrons.get_patron(db, scope(), patron_id)
        remembered = count_of_patron(db, patron, now())
        live = count_live_sessions_of_patron(db, scope(), patron)
        zone = local_zone(db, scope())
    return render_template(
        "patrons/patron.html", patron=patron, remembered=remembered, live=live, today=now().date(), zone=zone
    )


@blueprint.get(f"{_ID}/end")
@requires(Permission.MANAGE_PATRONS)
def confirm_end(patron_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        patron = patrons.get_patron(db, scope(), patron_id)
        count = count_live_sessions_of_patron(db, scope(), patron)
    card = gettext("Card %(card)s", card=patron.card_number)
    return render_template(
        "ending.html",
        title=gettext("End the connections of this card?"),
        what=card,
        count=count,
        back=url_for("patrons.show", patron_id=patron_id),
        back_label=card,
    )


@blueprint.post(f"{_ID}/end")
@requires(Permission.MANAGE_PATRONS)
def end(patron_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        count = end_sessions_of_patron(db, scope(), patron_id, now(), visits_too=visits_too())
    flash(said_of(count), "done")
    return redirect(url_for("patrons.show", patron_id=patron_id), 303)


@blueprint.post(f"{_ID}/block")
@requires(Permission.MANAGE_PATRONS)
def block(patron_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        patron = patrons.block_patron(db, scope(), patron_id, now())
    return _back_to(patron, gettext("Card %(card)s is blocked.", card=patron.card_number))


@blueprint.post(f"{_ID}/unblock")
@requires(Permission.MANAGE_PATRONS)
def unblock(patron_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        patron = patrons.unblock_patron(db, scope(), patron_id, now())
    return _back_to(patron, gettext("Card %(card)s can be used again.", card=patron.card_number))


@blueprint.post(f"{_ID}/forget-devices")
@requires(Permission.MANAGE_PATRONS)
def forget_devices(patron_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        patron = forget_devices_of_patron(db, scope(), patron_id, now())
    return _back_to(patron, gettext("The devices of card %(card)s are forgotten.", card=patron.card_number))


@blueprint.get("/import")
@requires(Permission.MANAGE_PATRONS)
def choose_file() -> ResponseReturnValue:
    return _file_page(PatronFileForm(formdata=None, data={"organisation_id": scope().organisation_id}))


@blueprint.post("/import")
@requires(Permission.MANAGE_PATRONS)
def preview() -> ResponseReturnValue:
    """Reads the whole file and writes nothing: what is wrong with it, or what it would change."""
    form = PatronFileForm()
    _offer_organisations(form)
    if not form.validate():
        return _file_page(form), 422
    file = read_patron_file(form.file.data.stream.read(LARGEST_FILE + 1))
    if file.errors:
        return _file_page(form, file), 422
    organisation_id = form.organisation_id.data
    with resources().database.reading() as db:
        counts = patrons.compare(db, organisation_id, file.rows, now())
        organisation = db.get_one(Organisation, organisation_id).name
    token = _pendings().keep(PendingImport(scope().staff_id, organisation_id, patrons.pack_rows(file.rows)))
    return render_template(
        "patrons/preview.html",
        file=file,
        shown=file.rows[:ROWS_SHOWN],
        counts=counts,
        organisation=organisation,
        form=ConfirmForm(formdata=None, data={"token": token}),
    )


@blueprint.post("/import/confirm")
@requires(Permission.MANAGE_PATRONS)
def confirm() -> ResponseReturnValue:
    token, missing_expire = _token(), bool(ConfirmForm().missing_expire.data)
    pending = _pendings().take(scope().staff_id, token)
    if pending is not None and pending.organisation_id in scope().organisation_ids:
        start_import(resources(), scope(), token, pending, missing_expire=missing_expire)
    return redirect(url_for("patrons.progress", token=token), 303)


@blueprint.post("/import/cancel")
@requires(Permission.MANAGE_PATRONS)
def cancel() -> ResponseReturnValue:
    _pendings().forget(scope().staff_id, _token())
    flash(gettext("Nothing has been imported, and the file is forgotten."), "done")
    return redirect(url_for("patrons.index"), 303)


@blueprint.get("/import/<token>")
@requires(Permission.MANAGE_PATRONS)
def progress(token: str) -> ResponseReturnValue:
    """How far a confirmed import is. It reloads itself until there is an outcome."""
    found = _pendings().progress(scope().staff_id, token)
    return render_template("patrons/progress.html", progress=found, token=token)


def _pendings() -> PendingImports:
    return PendingImports(resources().redis, resources().vault)


def _token() -> str:
    form = TokenForm()
    if not form.validate():
        raise InvalidInput("This form names no file.")
    token: str = form.token.data
    return token


def _back_to(patron: Patron, said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("patrons.show", patron_id=patron.id), 303)


def _list_page(form: CardForm, page: patrons.PatronPage) -> str:
    return render_template(
        "patrons/index.html", form=form, page=page, today=now().date(), after=request.args.get("after")
    )


def _file_page(form: PatronFileForm, file: PatronFile | None = None) -> str:
    _offer_organisations(form)
    return render_template("patrons/import.html", form=form, file=file, most=ERRORS_SHOWN)


def _offer_organisations(form: PatronFileForm) -> None:
    with resources().database.reading() as db:
        form.offer_organisations(organisations_of(db, scope()))
