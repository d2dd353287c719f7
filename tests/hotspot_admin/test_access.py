"""Each role is refused what it may not do; nothing of another organisation, or of another's site, is told."""

from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from hotspot.db import Database
from hotspot.models import Role
from hotspot_admin.access import ROLES, is_public, permission_of
from tests import factories
from tests.hotspot_admin.conftest import Browser, Town

ADMINISTRATORS_ONLY = [
    "/sites/new",
    "/sites/1",
    "/gateways",
    "/gateways/new",
    "/library-systems",
    "/library-systems/new",
    "/reader-rules",
    "/figures",
    "/figures/days.csv",
    "/audit",
]


@pytest.mark.parametrize("path", ADMINISTRATORS_ONLY)
def test_a_librarian_is_refused_what_is_the_administrators(librarian: Browser, path: str) -> None:
    assert librarian.get(path).status == 403


@pytest.mark.parametrize("path", ["/", "/online", "/sites"])
def test_a_librarian_has_the_desks_pages(librarian: Browser, path: str) -> None:
    assert librarian.get(path).status == 200


@pytest.mark.parametrize("path", ["/", "/online", "/sites", "/gateways", "/gateways/new", "/figures", "/audit"])
def test_an_administrator_has_every_page(administrator: Browser, path: str) -> None:
    assert administrator.get(path).status == 200


@pytest.mark.parametrize("number", ["-99999999999999999999", "-1", "0", "2147483648", "99999999999999999999", "x"])
@pytest.mark.parametrize("page", ["/vouchers?before=", "/patrons?after=", "/audit?before=", "/online?site="])
def test_a_number_that_no_row_has_is_no_bug(administrator: Browser, page: str, number: str) -> None:
    assert administrator.get(page + number).status == 200


def test_every_page_that_a_librarian_may_not_use_refuses_them_and_every_other_does_not(
    librarian: Browser, staff_app: Flask
) -> None:
    """Read from the routes themselves, so that a new page is asked too."""
    allowed = ROLES[Role.LIBRARIAN]
    for rule in staff_app.url_map.iter_rules():
        view = staff_app.view_functions[rule.endpoint]
        if is_public(view) or "GET" not in (rule.methods or ()):
            continue
        path = _path(rule, 999_999)
        refused = librarian.get(path).status == 403
        assert refused == (permission_of(view) not in allowed), path


def test_every_page_but_the_public_ones_leads_a_stranger_to_sign_in(anonymous: Browser, staff_app: Flask) -> None:
    for rule in staff_app.url_map.iter_rules():
        if is_public(staff_app.view_functions[rule.endpoint]) or "GET" not in (rule.methods or ()):
            continue
        path = _path(rule, 1)
        assert anonymous.get(path).location.startswith("/sign-in"), path


def _path(rule: Rule, number: int) -> str:
    """One address of the route: of a row with this number, and of the first where it has a few words to choose from."""

    def value(name: str) -> object:
        converter = rule._converters[name]
        if isinstance(converter, AnyConverter):
            return sorted(converter.items)[0]
        return UUID(int=number) if isinstance(converter, UUIDConverter) else number

    built = rule.build({name: value(name) for name in rule.arguments})
    assert built is not None
    return built[1]


def test_the_menu_shows_only_what_one_may_use(librarian: Browser) -> None:
    menu = librarian.get("/").root.one("nav").text

    assert "Journal" not in menu
    assert "En ligne" in menu


def test_a_librarian_lists_their_own_site_and_no_other(librarian: Browser) -> None:
    page = librarian.get("/sites")

    assert "Médiathèque" in page.text
    assert "Place du Marché" not in page.text


def test_an_administrator_sees_what_is_below_and_nothing_beside(administrator: Browser, town: Town) -> None:
    page = administrator.get("/sites")

    assert "Maison des Prés" in page.text
    assert "Bibliothèque d’ailleurs" not in page.text
    assert administrator.get(f"/sites/{town.district_site}").status == 200


@pytest.mark.parametrize("path", ["", "/settings"])
def test_another_organisations_access_point_is_not_there(
    administrator: Browser, database: Database, town: Town, path: str
) -> None:
    with database.transaction() as db:
        site = db.get_one(factories.Site, town.elsewhere_site)
        nas_id = factories.make_nas(db, site=site).id

    assert administrator.get(f"/gateways/{nas_id}{path}").status == 404


@pytest.mark.parametrize("action", ["", "/secret", "/new-secret"])
def test_another_organisations_access_point_cannot_be_changed(
    administrator: Browser, database: Database, town: Town, action: str
) -> None:
    with database.transaction() as db:
        site = db.get_one(factories.Site, town.elsewhere_site)
        nas = factories.make_nas(db, site=site)

    answer = administrator.post_bare(f"/gateways/{nas.id}{action}", {"name": "Mine"})

    assert answer.status == 404
    with database.reading() as db:
        assert db.get_one(factories.Nas, nas.id).secret_sealed == nas.secret_sealed


def test_another_organisations_site_is_not_there(administrator: Browser, town: Town) -> None:
    assert administrator.get(f"/sites/{town.elsewhere_site}").status == 404
    assert administrator.post_bare(f"/sites/{town.elsewhere_site}", {"name": "Mine"}).status == 404


def test_a_site_cannot_be_put_into_another_organisation(administrator: Browser, town: Town) -> None:
    form = administrator.get("/sites/new").form("/sites/new")

    answer = administrator.post("/sites/new", form.fields | {"name": "X", "organisation_id": str(town.elsewhere)})

    assert answer.status == 422


def test_nothing_of_the_commune_leaks_to_the_other_town(stranger: Browser, administrator: Browser) -> None:
    form = administrator.get("/sites/new").form("/sites/new")
    administrator.submit(form, name="Salle secrète", hours_kind="always")

    for path in ("/", "/sites", "/online", "/gateways", "/figures", "/figures/days.csv", "/audit"):
        assert "Salle secrète" not in stranger.get(path).html
        assert "Médiathèque" not in stranger.get(path).html


@pytest.mark.parametrize("path", ["/sites/2147483648", "/gateways/99999999999999999999", "/sites/-1", "/sites/1x"])
def test_an_impossible_number_is_no_page(administrator: Browser, path: str) -> None:
    assert administrator.get(path).status == 404
