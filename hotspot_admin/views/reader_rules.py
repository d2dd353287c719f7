"""Rules for readers: in which order they are asked, what each says, and what they would make of somebody."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hotspot.errors import Conflict
from hotspot.library_wording import print_rule
from hotspot.models import Organisation, ReaderRule
from hotspot.policy.readers import decide_reader, find_rule
from hotspot.services import reader_rules as rules
from hotspot.services.library_systems import card_offers
from hotspot.services.readers import rule_of
from hotspot.services.sites import local_zone, organisations_of
from hotspot.values import Refuse, parse_row_id
from hotspot.wording import explain_refusal
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.reader_rules import ImaginedForm, RuleForm, as_typed
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("reader_rules", __name__, url_prefix="/reader-rules")

_ID = "/<int(max=2147483647):rule_id>"
_OF = "/of/<int(max=2147483647):organisation_id>"


@dataclass(frozen=True, slots=True)
class ShownRule:
    rule: ReaderRule
    says: str
    gives_nothing: bool
    """Its offer is retired: whoever it fits is refused."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What would happen to somebody."""

    says: str
    what_to_do: str
    is_refused: bool
    number: int | None
    """Of the rule that decides."""


@blueprint.get("")
@requires(Permission.MANAGE_LIBRARIES)
def index() -> ResponseReturnValue:
    """Of one's own organisation, or of the one that is chosen."""
    chosen = request.args.get("organisation", type=parse_row_id)
    if chosen is not None:
        return redirect(url_for("reader_rules.show", organisation_id=chosen), 303)
    return _list_page(scope().organisation_id, ImaginedForm(formdata=None))


@blueprint.get(_OF)
@requires(Permission.MANAGE_LIBRARIES)
def show(organisation_id: int) -> ResponseReturnValue:
    return _list_page(organisation_id, ImaginedForm(formdata=None))


@blueprint.post(f"{_OF}/try")
@requires(Permission.MANAGE_LIBRARIES)
def try_out(organisation_id: int) -> ResponseReturnValue:
    """Pure policy: no library is asked, and nothing is kept."""
    form = ImaginedForm()
    if not form.validate():
        return _list_page(organisation_id, form), 422
    with resources().database.reading() as db:
        known = [rule_of(each) for each in rules.list_rules(db, scope(), organisation_id)]
        names = {each.id: each.name for each in card_offers(db, organisation_id)}
        today = now().astimezone(local_zone(db, scope())).date()
    reader = form.reader()
    decided = decide_reader(reader, known, today)
    fitting = find_rule(reader, known, today)
    number = next((at for at, each in enumerate(known, start=1) if each is fitting), None)
    if isinstance(decided, Refuse):
        said = explain_refusal(decided, language())
        return _list_page(organisation_id, form, Decided(said.title, said.what_to_do, True, number))
    if decided is None:
        says = gettext("Gets the offer that they chose.")
    elif decided in names:
        says = gettext("Gets “%(offer)s”, by a rule.", offer=names[decided])
    else:
        return _list_page(organisation_id, form, Decided(_retired(), "", True, number))
    return _list_page(organisation_id, form, Decided(says, "", False, number))


@blueprint.get(f"{_OF}/new")
@requires(Permission.MANAGE_LIBRARIES)
def new(organisation_id: int) -> ResponseReturnValue:
    organisation, form = _with_offers(RuleForm(formdata=None), organisation_id)
    return _form_page(form, organisation, None)


@blueprint.post(f"{_OF}/new")
@requires(Permission.MANAGE_LIBRARIES)
def create(organisation_id: int) -> ResponseReturnValue:
    organisation, form = _with_offers(RuleForm(), organisation_id)
    if not form.validate():
        return _form_page(form, organisation, None), 422
    try:
        with resources().database.transaction() as db:
            rule = rules.create_rule(db, scope(), organisation_id, form.draft(), now())
    except Conflict as conflict:
        form.name.errors = [gettext(conflict.problem)]
        return _form_page(form, organisation, None), 409
    return _back(rule, gettext("%(name)s has been added.", name=rule.name))


@blueprint.get(_ID)
@requires(Permission.MANAGE_LIBRARIES)
def edit(rule_id: int) -> ResponseReturnValue:
    rule = _get(rule_id)
    organisation, form = _with_offers(RuleForm(formdata=None, data=as_typed(rule)), rule.organisation_id)
    return _form_page(form, organisation, rule)


@blueprint.post(_ID)
@requires(Permission.MANAGE_LIBRARIES)
def change(rule_id: int) -> ResponseReturnValue:
    rule = _get(rule_id)
    organisation, form = _with_offers(RuleForm(), rule.organisation_id)
    if not form.validate():
        return _form_page(form, organisation, rule), 422
    with resources().database.transaction() as db:
        rule = rules.change_rule(db, scope(), rule_id, form.draft(), now())
    return _back(rule, gettext("%(name)s has been saved.", name=rule.name))


@blueprint.post(f"{_ID}/up")
@requires(Permission.MANAGE_LIBRARIES)
def move_up(rule_id: int) -> ResponseReturnValue:
    return _move(rule_id, -1)


@blueprint.post(f"{_ID}/down")
@requires(Permission.MANAGE_LIBRARIES)
def move_down(rule_id: int) -> ResponseReturnValue:
    return _move(rule_id, 1)


@blueprint.post(f"{_ID}/remove")
@requires(Permission.MANAGE_LIBRARIES)
def remove(rule_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        rule = rules.remove_rule(db, scope(), rule_id, now())
    return _back(rule, gettext("%(name)s has been removed.", name=rule.name))


def _move(rule_id: int, steps: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        rule = rules.move_rule(db, scope(), rule_id, steps, now())
    return redirect(url_for("reader_rules.show", organisation_id=rule.organisation_id, _anchor=f"rule-{rule.id}"), 303)


def _get(rule_id: int) -> ReaderRule:
    with resources().database.reading() as db:
        return rules.get_rule(db, scope(), rule_id)


def _back(rule: ReaderRule, said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("reader_rules.show", organisation_id=rule.organisation_id), 303)


def _retired() -> str:
    return gettext("Is refused: the offer of this rule is retired.")


def _with_offers(form: RuleForm, organisation_id: int) -> tuple[Organisation, RuleForm]:
    with resources().database.reading() as db:
        organisation = rules.get_organisation(db, scope(), organisation_id)
        form.offer_offers(card_offers(db, organisation_id))
    return organisation, form


def _shown(db: Session, organisation_id: int) -> list[ShownRule]:
    names = {each.id: each.name for each in card_offers(db, organisation_id)}
    shown = []
    for each in rules.list_rules(db, scope(), organisation_id):
        offer_name = None if each.offer_id is None else names.get(each.offer_id, "—")
        gives_nothing = each.offer_id is not None and each.offer_id not in names
        shown.append(ShownRule(each, print_rule(rule_of(each), offer_name, language()), gives_nothing))
    return shown


def _list_page(organisation_id: int, form: ImaginedForm, decided: Decided | None = None) -> str:
    with resources().database.reading() as db:
        organisation = rules.get_organisation(db, scope(), organisation_id)
        shown = _shown(db, organisation_id)
        organisations = organisations_of(db, scope())
    return render_template(
        "reader_rules/index.html",
        organisation=organisation,
        organisations=organisations,
        rules=shown,
        form=form,
        decided=decided,
    )


def _form_page(form: RuleForm, organisation: Organisation, rule: ReaderRule | None) -> str:
    return render_template("reader_rules/form.html", form=form, organisation=organisation, rule=rule)
