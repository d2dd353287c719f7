"""Organisations: those below one's own, how citizens reach them, and the terms of use of each."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import Conflict, InvalidInput
from hotspot.models import Organisation
from hotspot.services import organisations
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.organisations import NewOrganisationForm, OrganisationForm, TermsForm
from hotspot_admin.language import LANGUAGES, gettext
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("organisations", __name__, url_prefix="/organisations")

_ID = "/<int(max=2147483647):organisation_id>"


@blueprint.get("")
@requires(Permission.MANAGE_ORGANISATIONS)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        found = organisations.list_organisations(db, scope())
        terms = {each.id: organisations.terms_in_force(db, each) for each, _ in found}
    return render_template("organisations/index.html", organisations=found, terms=terms)


@blueprint.get("/new")
@requires(Permission.MANAGE_ORGANISATIONS)
def new() -> ResponseReturnValue:
    return _form_page(_with_parents(NewOrganisationForm(formdata=None)), None)


@blueprint.post("/new")
@requires(Permission.MANAGE_ORGANISATIONS)
def create() -> ResponseReturnValue:
    form = _with_parents(NewOrganisationForm())
    if not form.validate():
        return _form_page(form, None), 422
    try:
        with resources().database.transaction() as db:
            organisations.add_organisation(db, scope(), form.parent_id.data, form.name.data, form.contact.data, now())
    except (InvalidInput, Conflict) as error:
        status = _said_beside_its_field(form, error)
        return _form_page(form, None), status
    return _back(gettext("%(name)s has been added.", name=form.name.data))


@blueprint.get(_ID)
@requires(Permission.MANAGE_ORGANISATIONS)
def edit(organisation_id: int) -> ResponseReturnValue:
    found = _get(organisation_id)
    return _form_page(OrganisationForm(formdata=None, data={"name": found.name, "contact": found.contact}), found)


@blueprint.post(_ID)
@requires(Permission.MANAGE_ORGANISATIONS)
def change(organisation_id: int) -> ResponseReturnValue:
    found, form = _get(organisation_id), OrganisationForm()
    if not form.validate():
        return _form_page(form, found), 422
    try:
        with resources().database.transaction() as db:
            organisations.change_organisation(db, scope(), organisation_id, form.name.data, form.contact.data, now())
    except (InvalidInput, Conflict) as error:
        status = _said_beside_its_field(form, error)
        return _form_page(form, found), status
    return _back(gettext("%(name)s has been saved.", name=form.name.data))


@blueprint.get(f"{_ID}/terms")
@requires(Permission.MANAGE_ORGANISATIONS)
def terms(organisation_id: int) -> ResponseReturnValue:
    """What holds now is what one begins with; of another organisation it is only shown."""
    with resources().database.reading() as db:
        found = organisations.get_organisation(db, scope(), organisation_id)
        version, texts = organisations.latest_terms(db, found)
    return _terms_page(TermsForm(formdata=None, data={**texts, "seen": version}), organisation_id)


@blueprint.post(f"{_ID}/terms")
@requires(Permission.MANAGE_ORGANISATIONS)
def publish(organisation_id: int) -> ResponseReturnValue:
    """First a look at it, as visitors read it; then for good."""
    form = TermsForm()
    _get(organisation_id)
    if not form.validate():
        return _terms_page(form, organisation_id), 422
    if "publish" not in request.form:
        return _terms_page(form, organisation_id, is_looked_at=True)
    with resources().database.transaction() as db:
        version = organisations.publish_own_terms(db, scope(), organisation_id, form.texts, form.seen_version, now())
    flash(gettext("Version %(version)s of the terms holds from now on.", version=version), "done")
    return redirect(url_for("organisations.terms", organisation_id=organisation_id), 303)


def _get(organisation_id: int) -> Organisation:
    with resources().database.reading() as db:
        found = organisations.get_organisation(db, scope(), organisation_id)
        _ = found.parent
    return found


def _with_parents(form: NewOrganisationForm) -> NewOrganisationForm:
    with resources().database.reading() as db:
        form.offer_parents(organisations.list_organisations(db, scope()))
    return form


def _back(said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("organisations.index"), 303)


def _said_beside_its_field(form: OrganisationForm, error: InvalidInput | Conflict) -> int:
    """What only the service can know. The status of the answer."""
    field = error.field if isinstance(error, InvalidInput) else str(error.facts.get("field", ""))
    if field not in form._fields:
        raise error
    form[field].errors = [gettext(error.problem, **error.facts)]
    return 422 if isinstance(error, InvalidInput) else 409


def _form_page(form: OrganisationForm, found: Organisation | None) -> str:
    """The one above stands there only where it is theirs to see."""
    parent = found.parent if found is not None and found.parent_id in scope().organisation_ids else None
    return render_template("organisations/form.html", form=form, organisation=found, parent=parent)


def _terms_page(form: TermsForm, organisation_id: int, *, is_looked_at: bool = False) -> str:
    with resources().database.reading() as db:
        found = organisations.get_organisation(db, scope(), organisation_id)
        in_force = organisations.terms_in_force(db, found)
    return render_template(
        "organisations/terms.html",
        form=form,
        organisation=found,
        in_force=in_force,
        is_looked_at=is_looked_at,
        languages=LANGUAGES,
    )
