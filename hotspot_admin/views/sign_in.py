"""Sign in, sign out, and the language of one's pages."""

from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from hotspot.adapters.rate_limit import Attempt, Limit, RateLimits, whose
from hotspot.errors import Unavailable
from hotspot.message_ids import mark
from hotspot.services.staff import set_language, sign_in_staff
from hotspot_admin import visits
from hotspot_admin.access import Permission, public, requires
from hotspot_admin.answers import error_page
from hotspot_admin.doing import own_path
from hotspot_admin.forms.sign_in import SignInForm
from hotspot_admin.language import LANGUAGES
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("sign_in", __name__)

STAFF_ADDRESS = Limit("staff address", 30, timedelta(minutes=10))
"""A library's desks often share one."""


@blueprint.get("/sign-in")
@public
def show() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("home.show"), 303)
    return render_template("sign_in.html", form=SignInForm(formdata=None, next=request.args.get("next", "")))


@blueprint.post("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate():
        return render_template("sign_in.html", form=form), 422
    wait = _too_many_from(request.remote_addr or "")
    if wait is not None:
        page, status, _ = error_page(429)
        return page, status, {"Retry-After": str(int(wait.total_seconds()) + 1)}
    with resources().database.transaction() as db:
        signed_in = sign_in_staff(db, form.email.data, form.password.data, now())
    if signed_in is None or visits.begin(signed_in) is None:
        form.password.errors = [
            mark("This address and password do not go together. After several failures, wait before you try again.")
        ]
        return render_template("sign_in.html", form=form), 422
    return redirect(own_path(form.next.data or "") or url_for("home.show"), 303)


@blueprint.post("/sign-out")
@requires(Permission.BE_SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    visits.end()
    return redirect(url_for("sign_in.show"), 303)


@blueprint.post("/language")
@requires(Permission.BE_SIGNED_IN)
def choose_language() -> ResponseReturnValue:
    wanted = request.form.get("language", "")
    if wanted not in LANGUAGES:
        abort(400)
    with resources().database.transaction() as db:
        set_language(db, scope(), wanted)
    return redirect(own_path(request.form.get("back", "")) or url_for("home.show"), 303)


def _too_many_from(address: str) -> timedelta | None:
    """Every attempt of an address counts, right ones too. Open when Redis is away: each account still has its own
    lock, and the administrator must get in to see what is wrong."""
    limits = RateLimits(resources().redis, resources().vault.digest)
    try:
        return limits.take([Attempt(STAFF_ADDRESS, whose(address))])
    except Unavailable:
        return None
