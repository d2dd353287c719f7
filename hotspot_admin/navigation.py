"""The links at the top of every page: each is shown to those who may follow it."""

from dataclasses import dataclass

from flask import Flask, request

from hotspot_admin.access import Permission, may
from hotspot_admin.language import mark


@dataclass(frozen=True, slots=True)
class Link:
    endpoint: str
    label: str
    permission: Permission

    @property
    def is_current(self) -> bool:
        """On any page of the same blueprint, or of one that belongs to it."""
        shown = _PART_OF.get(request.blueprint or "", request.blueprint)
        return shown == self.endpoint.partition(".")[0]


_PART_OF = {"unknown_sources": "nases", "reader_rules": "library_systems"}


LINKS = (
    Link("home.show", mark("Home"), Permission.BE_SIGNED_IN),
    Link("online.show", mark("Online now"), Permission.SEE_ONLINE),
    Link("vouchers.index", mark("Vouchers"), Permission.MAKE_VOUCHERS),
    Link("patrons.index", mark("Patrons"), Permission.MANAGE_PATRONS),
    Link("library_systems.index", mark("Library systems"), Permission.MANAGE_LIBRARIES),
    Link("sites.index", mark("Sites"), Permission.SEE_SITES),
    Link("nases.index", mark("Gateways"), Permission.MANAGE_NASES),
    Link("figures.show", mark("Figures"), Permission.SEE_FIGURES),
    Link("appearance.index", mark("Appearance"), Permission.MANAGE_APPEARANCE),
    Link("audit.index", mark("Audit log"), Permission.SEE_AUDIT),
)


def links() -> list[Link]:
    return [link for link in LINKS if may(link.permission)]


def install(app: Flask) -> None:
    app.jinja_env.globals.update(navigation=links)
