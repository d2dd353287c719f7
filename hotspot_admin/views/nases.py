"""Gateways (NASes) and their access points: who they are, whether they are heard, and what to type on them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import Conflict
from hotspot.models import Nas
from hotspot.services import nases, unknown_sources
from hotspot.services.nas_health import count_discards, health_of_many, health_of_one
from hotspot.services.sites import list_sites
from hotspot.services.wish_queue import records_of
from hotspot.values import parse_row_id
from hotspot.vendors import VENDORS
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.nas import AccessPointForm, ChangeNasForm, NewNasForm, as_typed
from hotspot_admin.language import called_station, gettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wish_wording import KINDS, seems_deaf, was_refused_last, why_refused

blueprint = Blueprint("nases", __name__, url_prefix="/gateways")

SHOWN_WITHIN = timedelta(minutes=2)
_ID = "/<int(max=2147483647):nas_id>"

AnyForm = TypeVar("AnyForm", bound=ChangeNasForm | AccessPointForm)


@blueprint.get("")
@requires(Permission.MANAGE_NASES)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        known = nases.list_nases(db, scope())
        health = health_of_many(db, scope().organisation_ids, now(), resources().settings.interim_interval)
        unknown = unknown_sources.count_unknown(db, scope())
    return render_template("nases.html", nases=known, health=health, unknown=unknown, vendors=VENDORS, now=now())


@blueprint.get("/new")
@requires(Permission.MANAGE_NASES)
def new() -> ResponseReturnValue:
    """Empty, or filled in with what is guessed of an unknown access point."""
    return render_template("nas_new.html", form=_with_sites(NewNasForm(formdata=None, data=_suggested())))


def _suggested() -> Mapping[str, Any]:
    try:
        source_id = parse_row_id(request.args["unknown"])
    except (KeyError, ValueError):
        return {}
    with resources().database.reading() as db:
        guess = unknown_sources.suggest(db, scope(), unknown_sources.get_unknown(db, scope(), source_id))
    return {name: getattr(guess, name) for name in guess.__slots__}


@blueprint.post("/new")
@requires(Permission.MANAGE_NASES)
def create() -> ResponseReturnValue:
    form = _with_sites(NewNasForm())
    if not form.validate():
        return render_template("nas_new.html", form=form), 422
    try:
        with resources().database.transaction() as db:
            nas = nases.create_nas(db, scope(), form.vendor.data, form.draft(), now(), resources().vault)
    except Conflict as conflict:
        _show_beside_field(form, conflict)
        return render_template("nas_new.html", form=form), 409
    flash(gettext("%(name)s has been added. Type what follows on the device.", name=nas.name), "done")
    return _with_secrets(nas)


@blueprint.get(_ID)
@requires(Permission.MANAGE_NASES)
def edit(nas_id: int) -> ResponseReturnValue:
    nas = _get(nas_id)
    return _edit_page(_with_sites(ChangeNasForm(formdata=None, data=as_typed(nas))), nas)


@blueprint.post(_ID)
@requires(Permission.MANAGE_NASES)
def change(nas_id: int) -> ResponseReturnValue:
    nas = _get(nas_id)
    form = _with_sites(ChangeNasForm())
    if not form.validate():
        return _edit_page(form, nas), 422
    try:
        with resources().database.transaction() as db:
            nases.change_nas(db, scope(), nas_id, form.draft(), now())
    except Conflict as conflict:
        _show_beside_field(form, conflict)
        return _edit_page(form, nas), 409
    flash(gettext("%(name)s has been saved.", name=form.name.data), "done")
    return redirect(url_for("nases.edit", nas_id=nas_id), 303)


@blueprint.post(f"{_ID}/access-points")
@requires(Permission.MANAGE_NASES)
def add_access_point(nas_id: int) -> ResponseReturnValue:
    nas = _get(nas_id)
    form = _with_sites(AccessPointForm())
    if not form.validate():
        return _edit_page(_with_sites(ChangeNasForm(formdata=None, data=as_typed(nas))), nas, form), 422
    try:
        with resources().database.transaction() as db:
            nases.add_access_point(db, scope(), nas_id, form.draft(), now())
    except Conflict as conflict:
        _show_beside_field(form, conflict)
        return _edit_page(_with_sites(ChangeNasForm(formdata=None, data=as_typed(nas))), nas, form), 409
    flash(gettext("%(name)s has been added.", name=form.access_point_name.data), "done")
    return _back_to_access_points(nas_id)


@blueprint.post(f"{_ID}/access-points/<int(max=2147483647):access_point_id>/remove")
@requires(Permission.MANAGE_NASES)
def remove_access_point(nas_id: int, access_point_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        removed = nases.remove_access_point(db, scope(), nas_id, access_point_id, now())
        name = removed.name or called_station(removed.called_station_id)
    said = gettext("%(name)s has been removed: it now counts as %(site)s.", name=name, site=_get(nas_id).site.name)
    flash(said, "done")
    return _back_to_access_points(nas_id)


def _back_to_access_points(nas_id: int) -> ResponseReturnValue:
    return redirect(url_for("nases.edit", nas_id=nas_id, _anchor="access-points"), 303)


@blueprint.get(f"{_ID}/settings")
@requires(Permission.MANAGE_NASES)
def settings(nas_id: int) -> ResponseReturnValue:
    """What to type on the device. The secrets are in it once, on the way from the button that asked for them."""
    nas = _get(nas_id)
    leave = _take_leave(nas_id)
    setup = nases.setup_of(nas, resources().settings, resources().vault, with_secrets=leave)
    return render_template("nas_settings.html", nas=nas, setup=setup, vendor=VENDORS[nas.vendor], with_secrets=leave)


@blueprint.post(f"{_ID}/secret")
@requires(Permission.MANAGE_NASES)
def show_secret(nas_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        nas = nases.note_secret_shown(db, scope(), nas_id, now())
    return _with_secrets(nas)


@blueprint.post(f"{_ID}/new-secret")
@requires(Permission.MANAGE_NASES)
def rotate_secret(nas_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        nas = nases.rotate_secret(db, scope(), nas_id, now(), resources().vault)
    flash(gettext("New secrets have been made. The device is cut off until they are typed there."), "done")
    return _with_secrets(nas)


def _with_secrets(nas: Nas) -> ResponseReturnValue:
    """The next page may show them: the leave is in the signed cookie, ends with the first look or after two minutes,
    and each way here has been written in the audit log."""
    session["secrets_of"] = [nas.id, (now() + SHOWN_WITHIN).timestamp()]
    return redirect(url_for("nases.settings", nas_id=nas.id), 303)


def _take_leave(nas_id: int) -> bool:
    allowed_id, until = session.pop("secrets_of", (None, 0))
    return allowed_id == nas_id and now() < datetime.fromtimestamp(until, UTC)


def _get(nas_id: int) -> Nas:
    """With what its pages show of it."""
    with resources().database.reading() as db:
        nas = nases.get_nas(db, scope(), nas_id)
        _ = nas.site.name, nas.addresses, [each.site.name for each in nas.access_points]
    return nas


def _with_sites(form: AnyForm) -> AnyForm:
    with resources().database.reading() as db:
        form.offer_sites(list_sites(db, scope()))
    return form


def _edit_page(form: ChangeNasForm, nas: Nas, access_point_form: AccessPointForm | None = None) -> str:
    with resources().database.reading() as db:
        records = records_of(db, nas.id)
        health = health_of_one(db, nas.id, now(), resources().settings.interim_interval)
        discards = count_discards(db, nas.id, now())
    return render_template(
        "nas.html",
        change_records=records,
        change_kinds=KINDS,
        seems_deaf=seems_deaf,
        was_refused_last=was_refused_last,
        why_refused=why_refused,
        form=form,
        access_point_form=access_point_form or _with_sites(AccessPointForm(formdata=None)),
        nas=nas,
        own=scope().organisation_ids,
        vendor=VENDORS[nas.vendor],
        now=now(),
        health=health,
        discards=discards,
        mails=resources().settings.mail_host is not None,
    )


def _show_beside_field(form: ChangeNasForm | AccessPointForm, conflict: Conflict) -> None:
    field = form[str(conflict.facts["field"])]
    field.errors = [gettext(conflict.problem, **conflict.facts)]
