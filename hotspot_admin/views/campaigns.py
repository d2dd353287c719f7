"""Campaigns: the list, one with what it shows, and what can be done with it. Its figures: `campaign_reports.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from hotspot.errors import InvalidInput
from hotspot.message_ids import mark
from hotspot.models import Campaign, Site
from hotspot.services import campaigns
from hotspot.services.campaign_announcements import title_of
from hotspot.services.campaigns import CampaignState
from hotspot.services.sites import local_zone, organisations_of
from hotspot.services.staff import Scope
from hotspot_admin.access import Permission, requires
from hotspot_admin.forms.campaigns import CampaignForm, as_typed
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import now, resources, scope

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")

ID = "/<int(max=2147483647):campaign_id>"

STATES = {
    CampaignState.RUNNING: (mark("Running"), "good"),
    CampaignState.COMING: (mark("Coming"), ""),
    CampaignState.PAUSED: (mark("Paused"), "care"),
    CampaignState.OVER: (mark("Over"), ""),
}
"""What it is called, and its class in the style sheet."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is asked about before it is done."""

    do: Callable[[Session, Scope, int, datetime], Campaign]
    question: str
    meaning: str
    button: str
    look: str
    done: str


STEPS = {
    "start": Step(
        campaigns.resume_campaign,
        mark("Start %(name)s?"),
        mark("From its first day on it is shown in turn with the others. You can pause it at any time."),
        mark("Start the campaign"),
        "primary",
        mark("The campaign has been started."),
    ),
    "pause": Step(
        campaigns.pause_campaign,
        mark("Pause %(name)s?"),
        mark("Within seconds nobody is shown it any more, until you start it again. What was counted stays."),
        mark("Pause the campaign"),
        "primary",
        mark("The campaign has been paused."),
    ),
    "end": Step(
        campaigns.end_campaign,
        mark("End %(name)s for good?"),
        mark("Nobody is shown it any more, and it cannot be started again. Its report stays."),
        mark("End the campaign"),
        "danger",
        mark("The campaign has ended."),
    ),
}


@blueprint.get("")
@requires(Permission.SEE_CAMPAIGNS)
def index() -> ResponseReturnValue:
    with resources().database.reading() as db:
        listed = campaigns.list_campaigns(db, scope(), today(db))
    return render_template("campaigns/index.html", campaigns=listed, states=STATES)


@blueprint.get("/new")
@requires(Permission.MANAGE_CAMPAIGNS)
def new() -> ResponseReturnValue:
    with resources().database.reading() as db:
        usual = {"organisation_id": scope().organisation_id, "weight": 10, "starts_on": today(db)}
    return _form_page(CampaignForm(formdata=None, data=usual), None)


@blueprint.post("/new")
@requires(Permission.MANAGE_CAMPAIGNS)
def create() -> ResponseReturnValue:
    form = CampaignForm()
    _offer(form, None)
    if not form.validate():
        return _form_page(form, None), 422
    try:
        with resources().database.transaction() as db:
            campaign = campaigns.create_campaign(db, scope(), form.draft(), now())
    except InvalidInput as error:
        show_beside_field(form, error)
        return _form_page(form, None), 422
    flash(gettext("%(name)s has been made, and is paused. Add what it shows.", name=campaign.name), "done")
    return redirect(url_for("announcements.new", campaign_id=campaign.id), 303)


@blueprint.get(ID)
@requires(Permission.SEE_CAMPAIGNS)
def show(campaign_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        campaign = campaigns.get_campaign(db, scope(), campaign_id)
        without = campaigns.sites_without(db, scope(), campaign)
        state = campaigns.state_of(campaign, today(db))
        return render_template(
            "campaigns/campaign.html",
            campaign=campaign,
            state=state,
            states=STATES,
            without=without,
            everywhere_is_free=not campaign.sites
            and len(without) == len(campaigns.sites_to_choose(db, scope(), campaign.organisation_id)),
            shown=[each for each in campaign.announcements if each.retired_at is None],
            retired=[each for each in campaign.announcements if each.retired_at is not None],
            title_of=lambda announcement: title_of(announcement, language()),
        )


@blueprint.get(f"{ID}/edit")
@requires(Permission.MANAGE_CAMPAIGNS)
def edit(campaign_id: int) -> ResponseReturnValue:
    campaign = get(campaign_id)
    return _form_page(CampaignForm(formdata=None, data=as_typed(campaign)), campaign)


@blueprint.post(f"{ID}/edit")
@requires(Permission.MANAGE_CAMPAIGNS)
def change(campaign_id: int) -> ResponseReturnValue:
    campaign, form = get(campaign_id), CampaignForm()
    _offer(form, campaign)
    form.organisation_id.data = campaign.organisation_id
    if not form.validate():
        return _form_page(form, campaign), 422
    try:
        with resources().database.transaction() as db:
            campaigns.change_campaign(db, scope(), campaign_id, form.draft(), now())
    except InvalidInput as error:
        show_beside_field(form, error)
        return _form_page(form, campaign), 422
    flash(gettext("The campaign has been saved."), "done")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


@blueprint.get(f"{ID}/<any(start, pause, end):step>")
@requires(Permission.MANAGE_CAMPAIGNS)
def confirm(campaign_id: int, step: str) -> ResponseReturnValue:
    return render_template("campaigns/confirm.html", campaign=get(campaign_id), step=STEPS[step])


@blueprint.post(f"{ID}/<any(start, pause, end):step>")
@requires(Permission.MANAGE_CAMPAIGNS)
def take(campaign_id: int, step: str) -> ResponseReturnValue:
    with resources().database.transaction() as db:
        STEPS[step].do(db, scope(), campaign_id, now())
    flash(gettext(STEPS[step].done), "done")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


def today(db: Session) -> date:
    """Where most of the sites are."""
    return now().astimezone(local_zone(db, scope())).date()


def get(campaign_id: int) -> Campaign:
    """Detached, with its sites."""
    with resources().database.reading() as db:
        campaign = campaigns.get_campaign(db, scope(), campaign_id)
        _ = campaign.organisation.name, campaign.sites
    return campaign


def show_beside_field(form: FlaskForm, error: InvalidInput) -> None:
    if error.field not in form:
        raise error
    form[error.field].errors = [gettext(error.problem, **error.facts)]


def _offer(form: CampaignForm, campaign: Campaign | None) -> None:
    with resources().database.reading() as db:
        organisations = organisations_of(db, scope())
        sites = campaigns.sites_to_choose(db, scope(), campaign.organisation_id if campaign else None)
    form.offer(organisations, sites, {each.id: _said(each) for each in sites})


def _said(site: Site) -> str:
    return gettext("%(site)s (never shows announcements)", site=site.name) if campaigns.is_free(site) else site.name


def _form_page(form: CampaignForm, campaign: Campaign | None) -> str:
    _offer(form, campaign)
    facts: dict[str, Any] = {"form": form, "campaign": campaign}
    return render_template("campaigns/form.html", **facts)
