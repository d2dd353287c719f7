"""Libraries' own systems: how they are reached, whose cards they check, and a test that says in words what is wrong."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from hotspot.adapters.library_systems.libraries import settings_class
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.adapters.rate_limit import Attempt, Limit, RateLimits
from hotspot.errors import Conflict, InvalidInput, NotFound
from hotspot.message_ids import mark
from hotspot.models import LibrarySystem
from hotspot.services import library_systems as systems
from hotspot.services.examining_libraries import apply_rules, examine, note_examination
from hotspot.services.library_settings import read_settings
from hotspot.services.readers import connection_of
from hotspot.services.sites import local_zone, organisations_of
from hotspot.values import LibrarySystemKind
from hotspot_admin.access import Permission, requires
from hotspot_admin.answers import error_page
from hotspot_admin.forms.connection import ConnectionForm, make_form
from hotspot_admin.forms.library_systems import AttachForm, SystemForm, TestCardForm
from hotspot_admin.language import gettext
from hotspot_admin.library_pages import explain_examination, explain_ruled
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wording import SYSTEM_HINTS, SYSTEM_KINDS

blueprint = Blueprint("library_systems", __name__, url_prefix="/library-systems")

CARD_TESTS = Limit("library test", 20, timedelta(minutes=10))
"""Of one member of staff: the test must not be a way to guess readers' PINs."""
_UNFIT = mark("The settings of this system no longer fit: enter them again.")
_ID = "/<int(max=2147483647):system_id>"


@blueprint.get("")
@requires(Permission.MANAGE_LIBRARIES)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        known = systems.list_systems(db, scope())
        confirmed = systems.last_confirmations(db, known)
        offers = {each.id: systems.offers_of(db, each) for each in known}
        zone = local_zone(db, scope())
    several = len(scope().organisation_ids) > 1
    return render_template(
        "library_systems/index.html",
        systems=known,
        confirmed=confirmed,
        offers=offers,
        zone=zone,
        kinds=SYSTEM_KINDS,
        several=several,
        now=now(),
    )


@blueprint.get("/new")
@requires(Permission.MANAGE_LIBRARIES)
def choose_kind() -> ResponseReturnValue:
    return render_template("library_systems/kinds.html", kinds=SYSTEM_KINDS, hints=SYSTEM_HINTS)


@blueprint.get("/new/<kind>")
@requires(Permission.MANAGE_LIBRARIES)
def new(kind: str) -> ResponseReturnValue:
    chosen = _kind(kind)
    form = _with_organisations(SystemForm(formdata=None, data={"organisation_id": scope().organisation_id}))
    return _form_page(form, make_form(chosen, settings_class(chosen), None), chosen, None)


@blueprint.post("/new/<kind>")
@requires(Permission.MANAGE_LIBRARIES)
def create(kind: str) -> ResponseReturnValue:
    chosen = _kind(kind)
    form, connection = _with_organisations(SystemForm()), make_form(chosen, settings_class(chosen), request.form)
    settings = _read(form, connection, chosen)
    if settings is None:
        return _form_page(form, connection, chosen, None), 422
    draft = systems.SystemDraft(form.name.data, settings, form.trusted_for)
    try:
        with resources().database.transaction() as db:
            made = systems.create_system(
                db, scope(), form.organisation_id.data, chosen, draft, now(), resources().vault
            )
    except Conflict as conflict:
        form.name.errors = [gettext(conflict.problem)]
        return _form_page(form, connection, chosen, None), 409
    flash(gettext("%(name)s has been added. Test it before it checks any card.", name=made.name), "done")
    return redirect(url_for("library_systems.show", system_id=made.id), 303)


@blueprint.get(_ID)
@requires(Permission.MANAGE_LIBRARIES)
def show(system_id: int) -> ResponseReturnValue:
    return _system_page(_get(system_id))


@blueprint.get(f"{_ID}/edit")
@requires(Permission.MANAGE_LIBRARIES)
def edit(system_id: int) -> ResponseReturnValue:
    system = _get(system_id)
    kept = systems.find_settings(system, resources().vault)
    data = {"name": system.name, "trusted_days": system.trusted_for.days, "organisation_id": system.organisation_id}
    form = _with_organisations(SystemForm(formdata=None, data=data))
    connection = make_form(system.kind, settings_class(system.kind), None, kept)
    if kept is None:
        connection.general_errors.append(_UNFIT)
    return _form_page(form, connection, system.kind, system)


@blueprint.post(f"{_ID}/edit")
@requires(Permission.MANAGE_LIBRARIES)
def change(system_id: int) -> ResponseReturnValue:
    system = _get(system_id)
    kept = systems.find_settings(system, resources().vault)
    form = _with_organisations(SystemForm())
    form.organisation_id.data = system.organisation_id  # it stays where it is
    connection = make_form(system.kind, settings_class(system.kind), request.form, kept)
    settings = _read(form, connection, system.kind, kept)
    if settings is None:
        return _form_page(form, connection, system.kind, system), 422
    draft = systems.SystemDraft(form.name.data, settings, form.trusted_for)
    try:
        with resources().database.transaction() as db:
            systems.change_system(db, scope(), system_id, draft, now(), resources().vault)
    except Conflict as conflict:
        form.name.errors = [gettext(conflict.problem)]
        return _form_page(form, connection, system.kind, system), 409
    flash(gettext("%(name)s has been saved. Test it again.", name=draft.name), "done")
    return redirect(url_for("library_systems.show", system_id=system_id), 303)


@blueprint.post(f"{_ID}/test")
@requires(Permission.MANAGE_LIBRARIES)
def test(system_id: int) -> ResponseReturnValue:
    """Outside of any transaction: the system is given its time. The answer is a page that nothing keeps."""
    system = _get(system_id)
    form = TestCardForm()
    if not form.validate():
        return _system_page(system, test_form=form), 422
    card, pin = form.card.data, form.pin.data or ""
    if card and (answer := _too_many_tests()) is not None:
        return answer
    if systems.find_settings(system, resources().vault) is None:
        raise InvalidInput(_UNFIT)
    connection = connection_of(system, resources().vault)
    examined = examine(connection, card, pin)
    with resources().database.transaction() as db:
        system = note_examination(db, scope(), connection, examined, with_card=bool(card), now=now())
        ruled = [] if examined.reader is None else apply_rules(db, system, examined.reader, now())
        said = [explain_ruled(each) for each in ruled]
        zone = local_zone(db, scope())
    return render_template(
        "library_systems/tested.html",
        system=system,
        examined=examined,
        steps=explain_examination(examined.findings),
        reader=examined.reader,
        today=now().astimezone(zone).date(),
        ruled=said,
        with_card=bool(card),
        form=TestCardForm(formdata=None, data={"card": card}),
    )


@blueprint.post(f"{_ID}/offers")
@requires(Permission.MANAGE_LIBRARIES)
def attach(system_id: int) -> ResponseReturnValue:
    system = _get(system_id)
    form = _with_offers(AttachForm(), system)
    if not form.validate():
        return _system_page(system, attach_form=form), 422
    try:
        with resources().database.transaction() as db:
            systems.attach_offers(
                db, scope(), system_id, form.offers.data or (), now(), understood=form.understood.data
            )
    except InvalidInput as problem:
        form.understood.errors = [gettext(problem.problem)]
        return _system_page(system, attach_form=form), 422
    flash(gettext("%(name)s has been saved.", name=system.name), "done")
    return redirect(url_for("library_systems.show", system_id=system_id), 303)


@blueprint.get(f"{_ID}/retire")
@requires(Permission.MANAGE_LIBRARIES)
def confirm_retire(system_id: int) -> ResponseReturnValue:
    system = _get(system_id)
    with resources().database.reading() as db:
        offers = systems.offers_of(db, system)
    return render_template("library_systems/retire.html", system=system, offers=offers)


@blueprint.post(f"{_ID}/retire")
@requires(Permission.MANAGE_LIBRARIES)
def retire(system_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        system = systems.retire_system(db, scope(), system_id, now(), resources().vault)
    flash(gettext("%(name)s has been retired.", name=system.name), "done")
    return redirect(url_for("library_systems.index"), 303)


def _kind(name: str) -> LibrarySystemKind:
    try:
        return LibrarySystemKind(name)
    except ValueError:
        raise NotFound("kind of library system") from None


def _get(system_id: int) -> LibrarySystem:
    with resources().database.reading() as db:
        return systems.get_system(db, scope(), system_id)


def _read(
    form: SystemForm, connection: ConnectionForm, kind: LibrarySystemKind, kept: ConnectionSettings | None = None
) -> ConnectionSettings | None:
    """None if something is wrong in one of the two: it then stands beside its field."""
    is_right = all([form.validate(), connection.validate()])
    try:
        settings = read_settings(kind, connection.entered(), kept, connection.forgotten())
    except ValidationError as error:
        connection.show(error)
        return None
    except InvalidInput as problem:
        connection.show_at(problem.field, gettext(problem.problem))
        return None
    return settings if is_right else None


def _too_many_tests() -> ResponseReturnValue | None:
    """Closed while Redis is away: a PIN could be guessed."""
    limits = RateLimits(resources().redis, resources().vault.digest)
    wait = limits.take([Attempt(CARD_TESTS, str(scope().staff_id))])
    if wait is None:
        return None
    page, status, _ = error_page(429)
    return page, status, {"Retry-After": str(int(wait.total_seconds()) + 1)}


def _with_organisations(form: SystemForm) -> SystemForm:
    with resources().database.reading() as db:
        form.offer_organisations(organisations_of(db, scope()))
    return form


def _with_offers(form: AttachForm, system: LibrarySystem) -> AttachForm:
    with resources().database.reading() as db:
        form.offer_offers(systems.card_offers(db, system.organisation_id), system.id)
    return form


def _form_page(
    form: SystemForm, connection: ConnectionForm, kind: LibrarySystemKind, system: LibrarySystem | None
) -> str:
    return render_template(
        "library_systems/form.html",
        form=form,
        connection=connection,
        kind=kind,
        kinds=SYSTEM_KINDS,
        system=system,
        most=systems.LONGEST_TRUST.days,
    )


def _system_page(
    system: LibrarySystem, *, test_form: TestCardForm | None = None, attach_form: AttachForm | None = None
) -> str:
    with resources().database.reading() as db:
        offers = systems.offers_of(db, system)
        confirmed_at = systems.last_confirmations(db, [system]).get(system.id)
        zone = local_zone(db, scope())
    if attach_form is None:
        data = {"offers": [each.id for each in offers]}
        attach_form = _with_offers(AttachForm(formdata=None, data=data), system)
    return render_template(
        "library_systems/system.html",
        system=system,
        kinds=SYSTEM_KINDS,
        offers=offers,
        confirmed_at=confirmed_at,
        zone=zone,
        now=now(),
        form=test_form or TestCardForm(formdata=None),
        attach_form=attach_form,
    )
