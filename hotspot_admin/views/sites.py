"""Sites and their opening hours; what each offers, to read."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from hotspot.models import Site
from hotspot.offer_wording import print_offer
from hotspot.policy.opening_hours import LOOK_AHEAD, closing_time, next_opening
from hotspot.services.offers import works
from hotspot.services.sites import (
    change_site,
    create_site,
    get_site,
    list_sites,
    offers_by_site,
    organisations_of,
)
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.site import KINDS, SiteForm, as_typed, new_site
from hotspot_admin.language import clock_time, day_and_month, gettext, language
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.wording import NOT_SHOWN, WAYS

blueprint = Blueprint("sites", __name__, url_prefix="/sites")


@blueprint.get("")
@requires(Permission.SEE_SITES)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        sites = list_sites(db, scope())
        offers = offers_by_site(db, scope())
    openings = {site.id: opening_of(site) for site in sites}
    several = len({site.organisation_id for site in sites}) > 1
    return render_template(
        "sites.html",
        sites=sites,
        offers=offers,
        openings=openings,
        is_open=is_open,
        kinds=KINDS,
        ways=WAYS,
        not_shown={way: why for way, why in NOT_SHOWN.items() if not works(way, resources().settings)},
        several=several,
        says=lambda offer: print_offer(offer, language()),
    )


def opening_of(site: Site) -> str:
    """Open until when, or closed until when: in the site's own time, with the day where it is not today."""
    moment = now()
    hours = site.hours
    if not any(hours.week.values()) and not hours.exceptions:
        return gettext("Open day and night")
    closes_at = closing_time(hours, moment)
    if closes_at is not None and closes_at - moment >= LOOK_AHEAD:
        return gettext("Open day and night")  # around the clock: it is the look ahead that ends, not the opening
    if closes_at is not None:
        return gettext("Open until %(when)s", when=_when(site, closes_at))
    opens_at = next_opening(hours, moment)
    if opens_at is None:
        return gettext("Closed")
    return gettext("Closed until %(when)s", when=_when(site, opens_at))


def is_open(site: Site) -> bool:
    return closing_time(site.hours, now()) is not None


def _when(site: Site, moment: datetime) -> str:
    zone = site.hours.zone
    today, day = now().astimezone(zone).date(), moment.astimezone(zone).date()
    if day == today:
        return clock_time(moment, zone)
    return f"{day_and_month(day)} {clock_time(moment, zone)}"


@blueprint.get("/new")
@requires(Permission.MANAGE_SITES)
def new() -> ResponseReturnValue:
    form = SiteForm(formdata=None, data={**new_site(), "organisation_id": scope().organisation_id})
    return _edit_page(form, None)


@blueprint.post("/new")
@requires(Permission.MANAGE_SITES)
def create() -> ResponseReturnValue:
    form = SiteForm()
    if not _is_right(form):
        return _edit_page(form, None), 422
    with resources().database.transaction() as db:
        site = create_site(db, scope(), form.draft(), now())
    flash(gettext("%(name)s has been added.", name=site.name), "done")
    return redirect(url_for("sites.index"), 303)


@blueprint.get("/<int(max=2147483647):site_id>")
@requires(Permission.MANAGE_SITES)
def edit(site_id: int) -> ResponseReturnValue:
    site = _get(site_id)
    form = SiteForm(formdata=None, data=as_typed(site, now().astimezone(site.hours.zone).date()))
    return _edit_page(form, site)


@blueprint.post("/<int(max=2147483647):site_id>")
@requires(Permission.MANAGE_SITES)
def change(site_id: int) -> ResponseReturnValue:
    site = _get(site_id)
    form = SiteForm()
    if not _is_right(form):
        return _edit_page(form, site), 422
    with resources().database.transaction() as db:
        change_site(db, scope(), site_id, form.draft(), now())
    flash(gettext("%(name)s has been saved.", name=form.name.data), "done")
    return redirect(url_for("sites.edit", site_id=site_id), 303)


def _get(site_id: int) -> Site:
    """With its hours, which its page shows."""
    with resources().database.reading() as db:
        site = get_site(db, scope(), site_id)
        _ = site.hours
    return site


def _is_right(form: SiteForm) -> bool:
    _offer_organisations(form)
    return bool(form.validate())


def _offer_organisations(form: SiteForm) -> None:
    with resources().database.reading() as db:
        form.offer_organisations(organisations_of(db, scope()))


def _edit_page(form: SiteForm, site: Site | None) -> str:
    _offer_organisations(form)
    form.add_spare_rows()
    return render_template(
        "site.html", form=form, site=site, opening=opening_of(site) if site else None, is_open=is_open
    )
