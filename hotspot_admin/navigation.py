"""The links at the top of every page: each is shown to those who may follow it."""

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
        is the desk."""
        shown = _SHOWN_AS.get(request.blueprint or "", request.blueprint)
        if shown == "home" and not may(Permission.SEE_FIGURES):
            shown = "desk"
        return shown == self.endpoint.partition(".")[0]


_SHOWN_AS = {
    "unknown_sources": "nases",
    "reader_rules": "library_systems",
    "desk_answers": "desk",
    "desk_readers": "desk",
}

LINKS = (
    Link("home.show", mark("Home"), Permission.SEE_FIGURES),
    Link("desk.show", mark("Desk"), Permission.MAKE_VOUCHERS),
    Link("online.show", mark("Online now"), Permission.SEE_ONLINE),
    Link("vouchers.index", mark("Vouchers"), Permission.MAKE_VOUCHERS),
    Link("patrons.index", mark("Patrons"), Permission.MANAGE_PATRONS),
    Link("library_systems.index", mark("Library systems"), Permission.MANAGE_LIBRARIES),
    Link("sites.index", mark("Sites"), Permission.SEE_SITES),
    Link("nases.index", mark("Gateways"), Permission.MANAGE_NASES),
    Link("identity_providers.index", mark("Identity providers"), Permission.MANAGE_IDENTITY_PROVIDERS),
    Link("figures.show", mark("Figures"), Permission.SEE_FIGURES),
    Link("appearance.index", mark("Appearance"), Permission.MANAGE_APPEARANCE),
    Link("audit.index", mark("Audit log"), Permission.SEE_AUDIT),
)


def links() -> list[Link]:
    return [link for link in LINKS if may(link.permission)]


def install(app: Flask) -> None:
    app.jinja_env.globals.update(navigation=links)
