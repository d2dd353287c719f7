"""The last 30 days: one chart, the same figures as a table, and as CSV. From hourly roll-ups only."""

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from hotspot.services.sites import local_zone
from hotspot.services.usage import Figures, figures_by_day, figures_by_site
from hotspot_admin.access import Permission, requires
from hotspot_admin.charts import columns
from hotspot_admin.language import gettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.sheets import csv_answer

blueprint = Blueprint("figures", __name__, url_prefix="/figures")


@blueprint.get("")
@requires(Permission.SEE_FIGURES)
def show() -> ResponseReturnValue:
    with resources().database.reading() as db:
        zone = local_zone(db, scope())
        days = figures_by_day(db, scope(), zone, now())
        sites = figures_by_site(db, scope(), zone, now())
    total = sum((figures for _, figures in days), Figures())
    chart = columns([(day, figures.wifi_sessions) for day, figures in days])
    return render_template("figures.html", days=days, sites=sites, total=total, chart=chart)


@blueprint.get("/days.csv")
@requires(Permission.SEE_FIGURES)
def days_csv() -> ResponseReturnValue:
    with resources().database.reading() as db:
        days = figures_by_day(db, scope(), local_zone(db, scope()), now())
    head = [
        gettext("Day"),
        gettext("Connections"),
        gettext("Hours online"),
        gettext("Upload (octets)"),
        gettext("Download (octets)"),
    ]
    return csv_answer("wifi-30", head, (_row(day, figures) for day, figures in days))


def _row(day: date, figures: Figures) -> Sequence[str | int]:
    hours = f"{figures.seconds / 3600:.2f}"
    return [day.isoformat(), figures.wifi_sessions, hours, figures.upload_octets, figures.download_octets]
