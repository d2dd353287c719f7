"""Every page of the staff application says who may use it."""

import pytest

import hotspot_admin
from hotspot.models import Role
from hotspot.settings import Settings
from hotspot_admin.access import ROLES, Permission, is_public, permission_of

PUBLIC = {"health.show", "health.metrics", "sign_in.show", "sign_in.sign_in", "static"}


@pytest.fixture
def views(settings: Settings) -> dict[str, object]:
    app = hotspot_admin.create_app(settings)
    return {rule.endpoint: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}


def test_every_view_names_a_permission_or_is_public(views: dict[str, object]) -> None:
    silent = [name for name, view in views.items() if permission_of(view) is None and not is_public(view)]

    assert not silent


def test_no_view_is_both(views: dict[str, object]) -> None:
    assert not [name for name, view in views.items() if permission_of(view) is not None and is_public(view)]


def test_nothing_is_public_but_what_must_be(views: dict[str, object]) -> None:
    assert {name for name, view in views.items() if is_public(view)} == PUBLIC


def test_every_role_has_permissions_and_every_permission_a_role() -> None:
    assert set(ROLES) == set(Role)
    assert frozenset().union(*ROLES.values()) == set(Permission)


def test_a_librarian_changes_no_site_and_sees_no_history() -> None:
    forbidden = {
        Permission.MANAGE_CAMPAIGNS,
        Permission.MANAGE_SITES,
        Permission.MANAGE_NASES,
        Permission.MANAGE_IDENTITY_PROVIDERS,
        Permission.MANAGE_PATRONS,
        Permission.MANAGE_LIBRARIES,
        Permission.SEE_AUDIT,
        Permission.SEE_DEVICES,
        Permission.SEE_FIGURES,
    }

    assert not forbidden & ROLES[Role.LIBRARIAN]
