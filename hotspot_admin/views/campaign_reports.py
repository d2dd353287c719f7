"""What came of a campaign, for the town and for its advertiser: a page, a CSV file and a PDF of the same figures."""

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hotspot.message_ids import mark
from hotspot.models import Campaign
from hotspot.printing.campaign_report import HOW, PaperReport, draw_campaign_report
from hotspot.printing.look import look_of
from hotspot.services import campaign_reports, campaigns
from hotspot.services.campaign_announcements import title_of
from hotspot.services.campaign_reports import CampaignReport
from hotspot.wording import LANGUAGES
from hotspot_admin.access import Permission, requires
from hotspot_admin.charts import columns
from hotspot_admin.language import gettext, language
from hotspot_admin.resources import resources, scope
from hotspot_admin.sheets import csv_answer
from hotspot_admin.views.campaigns import ID, STATES, today

blueprint = Blueprint("campaign_reports", __name__, url_prefix="/campaigns")

PAPERS = (("fr", mark("PDF in French")), ("en", mark("PDF in English")))


@dataclass(frozen=True, slots=True)
class _Asked:
    campaign: Campaign
    report: CampaignReport
    titles: dict[int, str]
    """Of its announcements."""


@blueprint.get(f"{ID}/report")
@requires(Permission.SEE_CAMPAIGNS)
def show(campaign_id: int) -> ResponseReturnValue:
    with resources().database.reading() as db:
        asked = _ask(db, campaign_id, language())
        state = campaigns.state_of(asked.campaign, today(db))
    report = asked.report
    return render_template(
        "campaigns/report.html",
        campaign=asked.campaign,
        state=state,
        states=STATES,
        report=report,
        titles=asked.titles,
        chart=columns([(day, counts.views) for day, counts in report.by_day]),
        how=HOW,
        papers=PAPERS,
        period={"since": report.first_day, "until": report.last_day},
    )


@blueprint.get(f"{ID}/report.csv")
@requires(Permission.SEE_CAMPAIGNS)
def as_csv(campaign_id: int) -> ResponseReturnValue:
    """A row for each day, site and announcement that was displayed."""
    with resources().database.reading() as db:
        asked = _ask(db, campaign_id, language())
        rows = campaign_reports.rows_of(db, asked.campaign, asked.report.first_day, asked.report.last_day)
    head = [
        gettext("Day"),
        gettext("Site"),
        gettext("Announcement"),
        gettext("Displays"),
        gettext("Completed views"),
        gettext("Clicks"),
    ]
    return csv_answer(
        f"campaign-{campaign_id}",
        head,
        (
            [
                each.day.isoformat(),
                each.site,
                asked.titles[each.announcement_id],
                each.counts.displays,
                each.counts.views,
                each.counts.clicks,
            ]
            for each in rows
        ),
    )


@blueprint.get(f"{ID}/report.pdf")
@requires(Permission.SEE_CAMPAIGNS)
def as_pdf(campaign_id: int) -> ResponseReturnValue:
    """Drawn after the transaction."""
    asked_for = request.args.get("language", "")
    paper_language = asked_for if asked_for in LANGUAGES else language()
    with resources().database.reading() as db:
        asked = _ask(db, campaign_id, paper_language)
        organisation = asked.campaign.organisation
        paper = PaperReport(
            organisation_name=organisation.name,
            campaign_name=asked.campaign.name,
            advertiser=asked.campaign.advertiser,
            kind=asked.campaign.kind,
            report=asked.report,
            titles=asked.titles,
            made_on=today(db),
            look=look_of(organisation),
        )
    answer = Response(draw_campaign_report(paper, paper_language), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}.pdf"'
    return answer


def _ask(db: Session, campaign_id: int, spoken: str) -> _Asked:
    campaign = campaigns.get_campaign(db, scope(), campaign_id)
    since, until = (request.args.get(name, type=date.fromisoformat) for name in ("since", "until"))
    report = campaign_reports.report_of(db, campaign, today(db), since, until)
    return _Asked(campaign, report, {each.id: title_of(each, spoken) for each in campaign.announcements})
