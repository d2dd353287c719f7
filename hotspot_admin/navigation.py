"""The links at the top of every page: each is shown to those who may follow it. What is set up once is a row of its
own below them, there only on the pages that it leads to: twelve links would be five rows on a telephone."""

from dataclasses import dataclass

from flask import Flask, request

from hotspot.message_ids import mark
from hotspot_admin.access import Permission, may


@dataclass(frozen=True, slots=True)
class Link:
    endpoint: str
    label: str
    permission: Permission

    @property
    def is_current(self) -> bool:
        """On any page of the same blueprint, or of one that belongs to it; the first page of whoever has no home page
        is the desk, and who only reads surveys comes to them from the sites."""
        shown = _SHOWN_AS.get(request.blueprint or "", request.blueprint)
        if shown == "home" and not may(Permission.SEE_FIGURES):
            shown = "desk"
        if shown == "surveys" and not may(Permission.MANAGE_SURVEYS):
            shown = "sites"
        return shown == self.endpoint.partition(".")[0]


_SHOWN_AS = {
    "announcements": "campaigns",
    "campaign_reports": "campaigns",
    "unknown_sources": "nases",
    "reader_rules": "library_systems",
    "desk_answers": "desk",
    "desk_readers": "desk",
}

EVERY_DAY = (
    Link("home.show", mark("Home"), Permission.SEE_FIGURES),
    Link("desk.show", mark("Desk"), Permission.MAKE_VOUCHERS),
    Link("online.show", mark("Online now"), Permission.SEE_ONLINE),
    Link("vouchers.index", mark("Vouchers"), Permission.MAKE_VOUCHERS),
    Link("patrons.index", mark("Patrons"), Permission.MANAGE_PATRONS),
    Link("figures.show", mark("Figures"), Permission.SEE_FIGURES),
)
SET_UP_ONCE = (
    Link("sites.index", mark("Sites"), Permission.SEE_SITES),
    Link("offers.index", mark("Offers"), Permission.MANAGE_OFFERS),
    Link("campaigns.index", mark("Campaigns"), Permission.SEE_CAMPAIGNS),
    Link("nases.index", mark("Gateways"), Permission.MANAGE_NASES),
    Link("library_systems.index", mark("Library systems"), Permission.MANAGE_LIBRARIES),
    Link("identity_providers.index", mark("Identity providers"), Permission.MANAGE_IDENTITY_PROVIDERS),
    Link("organisations.index", mark("Organisations"), Permission.MANAGE_ORGANISATIONS),
    Link("surveys.index", mark("Surveys"), Permission.MANAGE_SURVEYS),
    Link("appearance.index", mark("Appearance"), Permission.MANAGE_APPEARANCE),
    Link("audit.index", mark("Audit log"), Permission.SEE_AUDIT),
)


@dataclass(frozen=True, slots=True)
class Navigation:
    links: list[Link]
    settings: list[Link]
    """Behind one link, to the first of them; empty when there is only one, which is then among the others."""

    @property
    def is_in_settings(self) -> bool:
        return any(link.is_current for link in self.settings)


def navigation() -> Navigation:
    links, settings = _followed(EVERY_DAY), _followed(SET_UP_ONCE)
    return Navigation(links, settings) if len(settings) > 1 else Navigation(links + settings, [])


def _followed(links: tuple[Link, ...]) -> list[Link]:
    return [link for link in links if may(link.permission)]


def install(app: Flask) -> None:
    app.jinja_env.globals.update(navigation=navigation)
