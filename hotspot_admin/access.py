"""Who may do what. A view names its permission with `@requires`, or says that it is `@public`; one guard asks every
request. A view that says neither answers nobody, and a test finds it first."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from hotspot.errors import Forbidden
from hotspot.models import Role

View = TypeVar("View", bound=Callable[..., Any])


class Permission(StrEnum):
    BE_SIGNED_IN = "be_signed_in"
    """The home page, one's language, signing out."""
    SEE_ONLINE = "see_online"
    """Who is online now, without what would name a citizen."""
    SEE_DEVICES = "see_devices"
    """The address of a device that is online."""
    END_SESSIONS = "end_sessions"
    """End connections at one's own sites."""
    SEE_FIGURES = "see_figures"
    """The last 30 days; whether all is well."""
    SEE_SITES = "see_sites"
    MANAGE_SITES = "manage_sites"
    MANAGE_OFFERS = "manage_offers"
    MANAGE_NASES = "manage_nases"
    SEE_AUDIT = "see_audit"
    SEE_PATRONS = "see_patrons"
    """The desk's question: why is this card refused?"""
    MANAGE_PATRONS = "manage_patrons"
    MANAGE_LIBRARIES = "manage_libraries"
    """Libraries' own systems, with our accounts there, and the rules for readers."""
    MAKE_VOUCHERS = "make_vouchers"
    MANAGE_ORGANISATIONS = "manage_organisations"
    """Those below one's own, and the terms of use of each."""
    SEE_SURVEYS = "see_surveys"
    """The questions of one's own sites, and what may be told of the answers."""
    MANAGE_SURVEYS = "manage_surveys"
    SEE_CAMPAIGNS = "see_campaigns"
    """Announcements, and what came of them: counts of views, of nobody."""
    MANAGE_CAMPAIGNS = "manage_campaigns"
    MANAGE_APPEARANCE = "manage_appearance"
    MANAGE_IDENTITY_PROVIDERS = "manage_identity_providers"


ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.LIBRARIAN: frozenset(
        {
            Permission.BE_SIGNED_IN,
            Permission.SEE_ONLINE,
            Permission.END_SESSIONS,
            Permission.SEE_SITES,
            Permission.SEE_PATRONS,
            Permission.MAKE_VOUCHERS,
            Permission.SEE_SURVEYS,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Permission),
}


def requires(permission: Permission) -> Callable[[View], View]:
    """Outermost but for the route: only staff whose role has the permission get to the view."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Answered to anybody."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def permission_of(view: Callable[..., Any]) -> Permission | None:
    return getattr(view, "permission", None)


def is_public(view: Callable[..., Any]) -> bool:
    return getattr(view, "is_public", False)


def may(permission: Permission) -> bool:
    """For templates: is the link worth showing?"""
    return bool(current_user.is_authenticated and permission in ROLES[current_user.scope.role])


def guard() -> ResponseReturnValue | None:
    """Before every request. Anonymous people are led to the sign-in page and, after a GET, back again."""
    if request.endpoint is None:
        return None  # no such page: 404
    view = current_app.view_functions[request.endpoint]
    if is_public(view):
        return None
    permission = permission_of(view)
    if permission is None:
        raise Forbidden(f"{request.endpoint} names no permission")
    if not current_user.is_authenticated:
        onward = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("sign_in.show", next=onward), 303)
    if not may(permission):
        raise Forbidden(permission)
    return None


def install(app: Flask) -> None:
    app.before_request(guard)
    app.jinja_env.globals.update(may=may, Permission=Permission)
