"""The first page: the desk for a librarian (`desk.py`); is all well, who is online and the last 30 days for others."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from hotspot.health import check_health
from hotspot.message_ids import mark
from hotspot.models import LibrarySystem, Site
from hotspot.policy.nas_health import State
from hotspot.services.library_systems import list_systems
from hotspot.services.nas_health import NasHealth, health_of_many
from hotspot.services.nas_learning import listening_since
from hotspot.services.sites import list_sites, local_zone, offers_by_site
from hotspot.services.unknown_sources import count_unknown
from hotspot.services.usage import figures_by_day
from hotspot.services.wifi_sessions import who_is_online
from hotspot_admin.access import Permission, may, requires
from hotspot_admin.charts import columns
from hotspot_admin.language import gettext, ngettext
from hotspot_admin.resources import now, resources, scope
from hotspot_admin.views.desk import desk_page
from hotspot_admin.views.sites import is_open

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of "is all well?"."""

    label: str
    is_well: bool
    says: str
    endpoint: str | None = None


@blueprint.get("/")
@requires(Permission.BE_SIGNED_IN)
def show() -> ResponseReturnValue:
    if not may(Permission.SEE_FIGURES):
        return desk_page()
    with resources().database.reading() as db:
        sites = list_sites(db, scope())
        online = who_is_online(db, scope(), now())
        days = figures_by_day(db, scope(), local_zone(db, scope()), now())
        chart = columns([(day, figures.wifi_sessions) for day, figures in days])
        without_offer = [site for site in sites if site.id not in offers_by_site(db, scope())]
        health = health_of_many(db, scope().organisation_ids, now(), resources().settings.interim_interval)
        wellbeing = [
            _sites(sites, without_offer),
            _nases(list(health.values())),
            *_strangers(count_unknown(db, scope())),
            *_libraries(list_systems(db, scope())),
            _radius(is_there=listening_since(db, now()) is not None),
        ]
    return render_template("home.html", online=online, wellbeing=[*wellbeing, *_dependencies()], chart=chart)


def _sites(sites: Sequence[Site], without_offer: Sequence[Site]) -> Check:
    label = mark("Sites")
    if without_offer:
        says = ngettext("%(num)s without an offer", "%(num)s without an offer", len(without_offer))
        return Check(label, False, says, "sites.index")
    opened = sum(1 for site in sites if is_open(site))
    says = gettext("%(open)s of %(all)s open now", open=opened, all=len(sites)) if sites else gettext("No site yet")
    return Check(label, bool(sites), says, "sites.index")


def _nases(health: Sequence[NasHealth]) -> Check:
    """The worst that is to be said."""
    silent = sum(1 for each in health if each.state is State.SILENT)
    look = sum(1 for each in health if each.state is State.LOOK)
    if silent:
        says = ngettext("%(num)s not heard", "%(num)s not heard", silent)
    elif look:
        says = ngettext("%(num)s to look at", "%(num)s to look at", look)
    else:
        says = gettext("All well") if health else gettext("None yet")
    return Check(mark("Gateways"), bool(health) and not silent and not look, says, "nases.index")


def _strangers(number: int) -> Sequence[Check]:
    """Only if there are any."""
    says = ngettext("%(num)s to take in or ignore", "%(num)s to take in or ignore", number)
    return [Check(mark("Unknown access points"), False, says, "unknown_sources.index")] if number else []


def _libraries(systems: Sequence[LibrarySystem]) -> Sequence[Check]:
    """Only if there are any. The worst that is to be said."""
    away = sum(1 for each in systems if each.away_since is not None)
    ignoring = sum(1 for each in systems if each.ignores_pins)
    if away:
        says = ngettext("%(num)s does not answer", "%(num)s do not answer", away)
    elif ignoring:
        says = ngettext("%(num)s ignores PINs", "%(num)s ignore PINs", ignoring)
    else:
        says = gettext("All well")
    well = not away and not ignoring
    return [Check(mark("Library systems"), well, says, "library_systems.index")] if systems else []


def _radius(*, is_there: bool) -> Check:
    says = gettext("Working") if is_there else gettext("Out of service")
    return Check(mark("RADIUS (access points)"), is_there, says)


def _dependencies() -> Sequence[Check]:
    labels = {"database": mark("Database"), "redis": mark("Redis (sign-in of visitors)")}
    health = check_health(resources().database, resources().redis)
    return [
        Check(labels.get(name, name), state == "ok", gettext("Working") if state == "ok" else gettext("Out of service"))
        for name, state in health.items()
    ]
