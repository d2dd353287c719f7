"""Appearance: an organisation's colour and logo, and what paper looks like with them."""

from itertools import count

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.errors import InvalidInput
from hotspot.policy.colours import WHITE, ink_like, ink_on
from hotspot.policy.voucher_codes import make_code
from hotspot.printing.logo import read_logo
from hotspot.printing.validity import Validity
from hotspot.printing.voucher_sheet import PaperVoucher, SheetFormat, VoucherSheet, draw_preview
from hotspot.services.appearance import (
    Appearance,
    change_appearance,
    get_appearance,
    organisations_dressed,
    remove_logo,
)
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.appearance import AppearanceForm
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("appearance", __name__, url_prefix="/appearance")

PREVIEWS = {"a6": SheetFormat.A6, "80mm": SheetFormat.ROLL_80}

_ID = "/<int(max=2147483647):organisation_id>"


@blueprint.get("")
@requires(Permission.MANAGE_APPEARANCE)
def index() -> ResponseReturnValue:
    asked = request.args.get("organisation", type=parse_row_id)
    return redirect(url_for("appearance.edit", organisation_id=asked or scope().organisation_id), 303)


@blueprint.get(_ID)
@requires(Permission.MANAGE_APPEARANCE)
def edit(organisation_id: int) -> ResponseReturnValue:
    appearance = _get(organisation_id)
    return _page(AppearanceForm(formdata=None, data={"colour": appearance.organisation.colour}), appearance)


@blueprint.post(_ID)
@requires(Permission.MANAGE_APPEARANCE)
def change(organisation_id: int) -> ResponseReturnValue:
    """The picture is read before the transaction: that takes a moment."""
    appearance = _get(organisation_id)
    form = AppearanceForm()
    if not form.validate():
        return _page(form, appearance), 422
    try:
        logo = read_logo(form.logo.data.read()) if form.logo.data else None
    except InvalidInput as error:
        form.logo.errors = [gettext(error.problem, **error.facts)]
        return _page(form, appearance), 422
    with resources().database.transaction() as db:
        change_appearance(db, scope(), organisation_id, colour=form.colour.data or "", logo=logo, now=now())
    return _back(organisation_id, gettext("The appearance has been saved."))


@blueprint.post(f"{_ID}/remove-logo")
@requires(Permission.MANAGE_APPEARANCE)
def remove(organisation_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        remove_logo(db, scope(), organisation_id, now())
    return _back(organisation_id, gettext("The logo has been removed."))


@blueprint.get(f"{_ID}/<paper>.png")
@requires(Permission.MANAGE_APPEARANCE)
def preview(organisation_id: int, paper: str) -> ResponseReturnValue:
    """A voucher that nobody can use, drawn as a real one is."""
    if paper not in PREVIEWS:
        abort(404)
    appearance = _get(organisation_id)
    return Response(draw_preview(_specimen(appearance), PREVIEWS[paper], [language()]), mimetype="image/png")


def _specimen(appearance: Appearance) -> VoucherSheet:
    return VoucherSheet(
        site_name=appearance.site_name,
        ssid="Wi-Fi public",
        organisation_name=appearance.organisation.name,
        batch="0",
        validity=Validity(),
        portal=resources().settings.public_portal,
        vouchers=[PaperVoucher("0-0", _specimen_code())],
        look=appearance.look,
    )


def _specimen_code() -> str:
    """Every second character of the alphabet: of no voucher, but for a chance of one in billions."""
    at = count(2, 2)
    return make_code(lambda alphabet: alphabet[next(at) % len(alphabet)])


def _get(organisation_id: int) -> Appearance:
    with resources().database.reading() as db:
        return get_appearance(db, scope(), organisation_id)


def _page(form: AppearanceForm, appearance: Appearance) -> str:
    with resources().database.reading() as db:
        organisations = organisations_dressed(db, scope())
    colour = appearance.look.colour
    return render_template(
        "appearance.html",
        form=form,
        it=appearance,
        organisations=organisations,
        previews=PREVIEWS,
        ink_is_white=bool(colour) and ink_on(colour) == WHITE,
        too_pale=bool(colour) and ink_like(colour) != colour,
    )


def _back(organisation_id: int, said: str) -> ResponseReturnValue:
    flash(said, "done")
    return redirect(url_for("appearance.edit", organisation_id=organisation_id), 303)
