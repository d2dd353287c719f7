"""Vouchers by the batch: made, their sheets, and taking them back. One pass for somebody who waits is the desk's."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.message_ids import mark
from hotspot.models import Offer, Site, VoucherBatch
from hotspot.printing.languages import PAPER_LANGUAGES
from hotspot.printing.voucher_sheet import SheetFormat, draw_voucher_sheet, sheet_of_batch
from hotspot.services import desk, vouchers
from hotspot.services.disconnecting import end_sessions_of_voucher, live_sessions_of_vouchers
from hotspot.services.vouchers import VoucherState
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.vouchers import FORMATS, USUAL_LIFE, BatchForm, OnePassForm, end_of
from hotspot_admin.language import gettext, language, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.online import said_of, visits_too

blueprint = Blueprint("vouchers", __name__, url_prefix="/vouchers")

A_SECOND = timedelta(seconds=1)
"""What ends at midnight is good until 23:59 of the day that people mean."""

AnyForm = TypeVar("AnyForm", bound=OnePassForm)

_ID = "/<int(max=2147483647):batch_id>"
_NUMBER = f"{_ID}/<int(max=200):number>"


@dataclass(frozen=True, slots=True)
class State:
    label: str
    look: str
    """Class of the style sheet."""


STATES = {
    VoucherState.UNUSED: State(mark("Not used yet"), "good"),
    VoucherState.USED: State(mark("Used"), ""),
    VoucherState.VOID: State(mark("Void"), "bad"),
}


@blueprint.get("")
@requires(Permission.MAKE_VOUCHERS)
def index() -> ResponseReturnValue:
    before = request.args.get("before", type=parse_row_id)
    with resources().database.reading() as db:
        page = vouchers.list_batches(db, scope(), before=before)
        offered = bool(vouchers.offers_to_print(db, scope()))
    return render_template(
        "vouchers/index.html", page=page, before=before, offered=offered, now=now(), a_second=A_SECOND
    )


@blueprint.get("/new")
@requires(Permission.MAKE_VOUCHERS)
def new() -> ResponseReturnValue:
    usual = {"paper_language": language(), "count": 24, "expires_on": now().date() + USUAL_LIFE}
    return render_template("vouchers/new.html", form=_with_kinds(BatchForm(formdata=None, data=usual)))


@blueprint.post("/new")
@requires(Permission.MAKE_VOUCHERS)
def make() -> ResponseReturnValue:
    form = _with_kinds(BatchForm())
    if not form.validate_at(now()):
        return render_template("vouchers/new.html", form=form), 422
    batch = _make(form, count=form.count.data, label=form.label.data, expires_on=form.expires_on.data)
    flash(
        ngettext("%(num)s voucher has been made.", "%(num)s vouchers have been made.", batch.size, num=batch.size),
        "done",
    )
    return redirect(url_for("vouchers.show", batch_id=batch.id, **_choice(form.sheet.data, form)), 303)


@blueprint.get(_ID)
@requires(Permission.MAKE_VOUCHERS)
def show(batch_id: int) -> ResponseReturnValue:
    batch = _get(batch_id)
    rows = [(number, voucher, vouchers.state_of(voucher)) for number, voucher in enumerate(batch.vouchers, 1)]
    counts = {state: sum(each is state for _, _, each in rows) for state in VoucherState}
    with resources().database.reading() as db:
        live = live_sessions_of_vouchers(db, batch.id)
    return render_template(
        "vouchers/batch.html",
        batch=batch,
        rows=rows,
        counts=counts,
        live=live,
        states=STATES,
        voidable={number for number, voucher, _ in rows if vouchers.can_be_voided(voucher, now())},
        formats=FORMATS,
        sheet=_sheet_format(),
        paper_languages=PAPER_LANGUAGES,
        chosen_languages=_paper_languages(),
        now=now(),
        a_second=A_SECOND,
    )


@blueprint.get(f"{_ID}/sheet.pdf")
@requires(Permission.MAKE_VOUCHERS)
def sheet(batch_id: int) -> ResponseReturnValue:
    """Each look opens codes, and is written in the audit log. The PDF is drawn after the transaction."""
    with resources().database.transaction() as db:
        opened = vouchers.open_batch(db, scope(), batch_id, now(), resources().vault)
        batch = vouchers.get_batch(db, scope(), batch_id)
        paper = sheet_of_batch(batch, [(each.number, each.code) for each in opened], resources().settings)
    pdf = draw_voucher_sheet(paper, _sheet_format(), _paper_languages())
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="wifi-{batch_id}.pdf"'
    return answer


@blueprint.get(f"{_ID}/void")
@requires(Permission.MAKE_VOUCHERS)
def confirm_void_batch(batch_id: int) -> ResponseReturnValue:
    batch = _get(batch_id)
    count = sum(vouchers.can_be_voided(voucher, now()) for voucher in batch.vouchers)
    return render_template("vouchers/void_batch.html", batch=batch, count=count)


@blueprint.post(f"{_ID}/void")
@requires(Permission.MAKE_VOUCHERS)
def void_batch(batch_id: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        count = desk.void_passes(db, scope(), batch_id, now())
    flash(ngettext("%(num)s voucher is void now.", "%(num)s vouchers are void now.", count, num=count), "done")
    return redirect(url_for("vouchers.show", batch_id=batch_id), 303)


@blueprint.get(f"{_NUMBER}/void")
@requires(Permission.MAKE_VOUCHERS)
def confirm_void(batch_id: int, number: int) -> ResponseReturnValue:
    batch = _get(batch_id)
    voucher = vouchers.voucher_of(batch, number)
    return render_template(
        "vouchers/void.html",
        batch=batch,
        number=number,
        state=vouchers.state_of(voucher),
        can_be_voided=vouchers.can_be_voided(voucher, now()),
    )


@blueprint.post(f"{_NUMBER}/void")
@requires(Permission.MAKE_VOUCHERS)
def void(batch_id: int, number: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        desk.void_pass(db, scope(), batch_id, number, now())
    flash(gettext("Voucher %(batch)s-%(number)s is void now.", batch=batch_id, number=number), "done")
    return redirect(url_for("vouchers.show", batch_id=batch_id), 303)


@blueprint.get(f"{_NUMBER}/end")
@requires(Permission.END_SESSIONS)
def confirm_end(batch_id: int, number: int) -> ResponseReturnValue:
    batch = _get(batch_id)
    voucher = vouchers.voucher_of(batch, number)
    with resources().database.reading() as db:
        count = live_sessions_of_vouchers(db, batch.id).get(voucher.id, 0)
    return render_template(
        "ending.html",
        title=gettext("End the connections of voucher %(batch)s-%(number)s?", batch=batch.id, number=number),
        what=f"{batch.offer.name} · {batch.site.name}",
        count=count,
        back=url_for("vouchers.show", batch_id=batch_id),
        back_label=gettext("Batch no. %(number)s", number=batch.id),
    )


@blueprint.post(f"{_NUMBER}/end")
@requires(Permission.END_SESSIONS)
def end(batch_id: int, number: int) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        count = end_sessions_of_voucher(db, scope(), batch_id, number, now(), visits_too=visits_too())
    flash(said_of(count), "done")
    return redirect(url_for("vouchers.show", batch_id=batch_id), 303)


def _make(form: OnePassForm, *, count: int, label: str, expires_on: date) -> VoucherBatch:
    site, offer = form.chosen
    with resources().database.transaction() as db:
        return vouchers.make_batch(
            db,
            site=db.get_one(Site, site.id),
            offer=db.get_one(Offer, offer.id),
            count=count,
            label=label,
            expires_at=end_of(expires_on, site),
            staff=scope(),
            now=now(),
            vault=resources().vault,
        )


def _choice(sheet_format: str, form: OnePassForm) -> dict[str, Any]:
    """How it is to be printed, for an address."""
    return {"sheet": sheet_format, "language": form.paper_language.data, "second": form.second_language.data}


def _with_kinds(form: AnyForm) -> AnyForm:
    with resources().database.reading() as db:
        form.offer_kinds(vouchers.offers_to_print(db, scope()))
    return form


def _get(batch_id: int) -> VoucherBatch:
    with resources().database.reading() as db:
        return vouchers.get_batch(db, scope(), batch_id)


def _sheet_format() -> SheetFormat:
    asked = request.args.get("sheet", "")
    return SheetFormat(asked) if asked in FORMATS else SheetFormat.SMALL


def _paper_languages() -> list[str]:
    """One or two; the first is the reader's own where nothing that we print was asked for."""
    asked = dict.fromkeys(request.args.get(name, "") for name in ("language", "second"))
    return [each for each in asked if each in PAPER_LANGUAGES] or [language()]
