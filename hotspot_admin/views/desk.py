"""The desk, a librarian's first page: scan or type anything, print a pass, see and take back what was just done."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hotspot.models import DeskAction, DeskActionKind, Offer, Site
from hotspot.printing.languages import PAPER_LANGUAGES
from hotspot.printing.voucher_sheet import SheetFormat, draw_voucher_sheet, sheet_of_batch
from hotspot.services import desk, undoing, vouchers
from hotspot.services.desk_actions import own_actions
from hotspot.services.sites import list_sites
from hotspot.services.wifi_sessions import who_is_online
from hotspot.values import parse_row_id
from hotspot_admin.access import Permission, requires
from hotspot_admin.desk_wording import DONE, when
from hotspot_admin.doing import back_to, let_come_back, trying
from hotspot_admin.forms.desk import DeskForm
from hotspot_admin.forms.vouchers import FORMATS
from hotspot_admin.language import gettext, language, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.sites import is_open, opening_of

blueprint = Blueprint("desk", __name__, url_prefix="/desk")

MOST_SITES = 5
"""Whose hours are shown: who has more looks after a town, not after a door."""
_YEAR = 365 * 24 * 3600


@blueprint.get("")
@requires(Permission.MAKE_VOUCHERS)
def show() -> ResponseReturnValue:
    return desk_page()


def desk_page(form: DeskForm | None = None, *, asked: str = "", answer: str = "") -> str:
    """`answer`: what is said of a question to which nothing was found."""
    form = form or _empty_form()
    with resources().database.reading() as db:
        passes = desk.passes_of_late(db, scope(), now())
        actions = own_actions(db, scope(), now())
        sites = list_sites(db, scope())
        online = who_is_online(db, scope(), now()).total
    return render_template(
        "desk/desk.html",
        form=form,
        asked=asked,
        answer=answer,
        passes=passes,
        actions=actions,
        done=DONE,
        online=online,
        openings=[(site.name, opening_of(site), is_open(site)) for site in sites] if len(sites) <= MOST_SITES else [],
        when=when,
        now=now(),
    )


@blueprint.post("/print")
@requires(Permission.MAKE_VOUCHERS)
def print_passes() -> ResponseReturnValue:
    """The answer is the sheet, in the browser's own viewer."""
    form = _with_kinds(DeskForm())
    if not form.validate_at(now()):
        return desk_page(form), 422
    site, offer = form.chosen
    with resources().database.transaction() as db:
        batch = desk.print_passes(
            db,
            scope(),
            db.get_one(Site, site.id),
            db.get_one(Offer, offer.id),
            form.order,
            now(),
            resources().vault,
        )
    flash(
        ngettext("Pass no. %(batch)s is made.", "%(num)s passes are made: no. %(batch)s.", batch.size, batch=batch.id),
        "done",
    )
    choice = Choice(form.kind.data, form.sheet.data, form.paper_language.data, form.second_language.data)
    answer = make_response(
        redirect(url_for("desk.sheet", batch_id=batch.id, sheet=choice.sheet, language=choice.language), 303)
    )
    choice.keep(answer)
    return answer


@blueprint.get("/<int(max=2147483647):batch_id>.pdf")
@requires(Permission.MAKE_VOUCHERS)
def sheet(batch_id: int) -> ResponseReturnValue:
    """All that nobody has used yet; with `number` that one, used or not. Each look is written in the audit log."""
    number = request.args.get("number", type=parse_row_id)
    made, choice = resources(), _asked_paper()
    with made.database.transaction() as db:
        if number is None:
            opened = vouchers.open_batch(db, scope(), batch_id, now(), made.vault)
        else:
            opened = vouchers.open_voucher(db, scope(), batch_id, number, now(), made.vault)
        batch = vouchers.get_batch(db, scope(), batch_id)
        paper = sheet_of_batch(batch, [(each.number, each.code) for each in opened], made.settings)
    pdf = draw_voucher_sheet(paper, SheetFormat(choice.sheet), choice.languages)
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="wifi-{batch_id}.pdf"'
    return answer


@blueprint.post("/undo/<int(max=2147483647):action_id>")
@requires(Permission.MAKE_VOUCHERS)
def undo(action_id: int) -> ResponseReturnValue:
    with trying() as attempt, resources().database.transaction() as db:
        undone = undoing.undo(db, scope(), action_id, now())
    if attempt.succeeded:
        let_come_back(undone.grants)
        flash(_said_of(undone), "done")
    return back_to(url_for("desk.show"))


def _said_of(undone: undoing.Undone) -> str:
    match undone.action.kind:
        case DeskActionKind.PRINTED:
            return ngettext(
                "Undone: %(num)s pass that nobody had used is void.",
                "Undone: %(num)s passes that nobody had used are void.",
                undone.count,
            )
        case DeskActionKind.VOIDED if undone.grants:
            return gettext("Undone: it is good again. Whoever was cut meanwhile comes back with one tap.")
        case DeskActionKind.VOIDED:
            return ngettext("Undone: it is good again.", "Undone: %(num)s passes are good again.", undone.count)
        case DeskActionKind.HOUR_GIVEN:
            return gettext("Undone: the hour is taken back.")


@dataclass(frozen=True, slots=True)
class Choice:
    """What this person chose last, in a cookie of theirs: a desk's computer has many users."""

    kind: str = ""
    sheet: str = SheetFormat.LARGE.value
    language: str = ""
    second: str = ""

    @property
    def languages(self) -> list[str]:
        return list(dict.fromkeys(each for each in (self.language, self.second) if each))

    def keep(self, answer: Response) -> None:
        answer.set_cookie(
            _cookie(),
            "|".join((self.kind, self.sheet, self.language, self.second)),
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=resources().settings.staff_url.scheme == "https",
        )


def last_choice() -> Choice:
    """Whatever the cookie says, only what can be chosen."""
    kept = [*request.cookies.get(_cookie(), "").split("|"), "", "", "", ""]
    return _only_possible(Choice(*kept[:4]))


def _only_possible(choice: Choice) -> Choice:
    return Choice(
        choice.kind,
        choice.sheet if choice.sheet in FORMATS else SheetFormat.LARGE.value,
        choice.language if choice.language in PAPER_LANGUAGES else language(),
        choice.second if choice.second in PAPER_LANGUAGES else "",
    )


def _asked_paper() -> Choice:
    last = last_choice()
    asked = {"sheet": last.sheet, "language": last.language, "second": last.second} | request.args.to_dict()
    return _only_possible(Choice("", asked["sheet"], asked["language"], asked["second"]))


def _cookie() -> str:
    return f"parvis_desk_{scope().staff_id}"


def _empty_form() -> DeskForm:
    last = last_choice()
    usual = {
        "kind": last.kind,
        "sheet": last.sheet,
        "paper_language": last.language,
        "second_language": last.second,
        "count": 1,
    }
    return _with_kinds(DeskForm(formdata=None, data=usual))


def _with_kinds(form: DeskForm) -> DeskForm:
    with resources().database.reading() as db:
        form.offer_kinds(vouchers.offers_to_print(db, scope()))
    return form


def actions_about(actions: Sequence[DeskAction], batch_id: int, number: int) -> list[DeskAction]:
    """Those that an answer about one voucher shows."""
    return [each for each in actions if each.batch_id == batch_id and each.number in (None, number)]
