"""The access points of a gateway: each may stand at a site of its own. And the settings that are rarely needed."""

from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import AccessPoint, AuditEntry, Nas, Site
from hotspot.services.arriving import find_place
from hotspot.services.radius_clients import RadiusClientReader
from tests import factories
from tests.factories import VAULT
from tests.hotspot_admin.conftest import Browser, Town
from tests.page_client import Page

ADDRESS = "192.0.2.7"
TYPED = "02-AA-00-00-00-09:Town Wi-Fi"


@pytest.fixture
def nas_id(database: Database, town: Town) -> int:
    """At the library."""
    with database.transaction() as db:
        library = db.get_one(Site, town.library)
        return factories.make_nas(db, site=library, nas_identifier="library-1", networks=(f"{ADDRESS}/32",)).id


def add(browser: Browser, nas_id: int, site_id: int, **typed: Any) -> Page:
    form = browser.get(f"/gateways/{nas_id}").form(f"/gateways/{nas_id}/access-points")
    fields = {"access_point_name": "Kiosque", "called_station_id": TYPED, "access_point_site_id": str(site_id)}
    return browser.submit(form, **{**fields, **typed})


def an_access_point(database: Database, nas_id: int, **overrides: Any) -> int:
    with database.transaction() as db:
        return factories.make_access_point(db, nas=db.get_one(Nas, nas_id), **overrides).id


def audited(database: Database) -> list[tuple[str, Any]]:
    with database.reading() as db:
        return [(entry.action, entry.facts) for entry in db.query(AuditEntry).order_by(AuditEntry.id)]


def count(database: Database) -> int:
    with database.reading() as db:
        return db.query(AccessPoint).count()


def sites_told(database: Database) -> tuple[int, int]:
    """Where portal and RADIUS say that the access point stands, each read as it reads every two seconds."""
    with database.reading() as db:
        place = find_place(db, "coovachilli", "library-1", "02aa00000009")
        client = RadiusClientReader(VAULT).read(db).find(ADDRESS)
        assert place is not None
        assert client is not None
        return place.site_id, client.site_of("02-AA-00-00-00-09:Other SSID")


def test_one_is_added_and_listed_as_the_device_spells_it(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    page = administrator.follow(add(administrator, nas_id, town.square))

    row = page.root.one("section", id="access-points").one("tbody").text
    assert "Kiosque" in row
    assert "02-AA-00-00-00-09" in row
    assert "Place du Marché" in row
    assert audited(database) == [
        (
            "nas.access_point_added",
            {"access_point": "Kiosque", "called_station_id": TYPED, "site": "Place du Marché"},
        )
    ]
    log = administrator.get("/audit").text
    assert "Borne ajoutée" in log
    assert f"Called-Station-Id\xa0: {TYPED}" in log


def test_portal_and_radius_go_by_it_until_it_is_removed(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    assert sites_told(database) == (town.library, town.library)

    page = administrator.follow(add(administrator, nas_id, town.square))
    assert sites_told(database) == (town.square, town.square)

    removed = administrator.follow(administrator.submit(page.form(form_to_remove(page))))
    assert sites_told(database) == (town.library, town.library)
    assert "Kiosque a été retirée : elle compte désormais comme Médiathèque." in removed.text
    assert [action for action, _ in audited(database)] == ["nas.access_point_added", "nas.access_point_removed"]


def form_to_remove(page: Page) -> str:
    return next(each["action"] for each in page.root.all("form") if each.get("action").endswith("/remove"))


@pytest.mark.parametrize("again", ["02:aa:00:00:00:09", "02aa.0000.0009", "02-AA-00-00-00-09:Guests"])
def test_the_same_one_spelled_otherwise_is_a_conflict_that_names_it(
    administrator: Browser, database: Database, town: Town, nas_id: int, again: str
) -> None:
    add(administrator, nas_id, town.square)

    answer = add(administrator, nas_id, town.library, access_point_name="Encore", called_station_id=again)

    assert answer.status == 409
    assert "déjà une borne avec ce Called-Station-Id : Kiosque" in answer.text
    assert answer.form(f"/gateways/{nas_id}/access-points").fields["access_point_name"] == "Encore"
    assert count(database) == 1


def test_two_gateways_may_name_the_same_access_point(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    with database.transaction() as db:
        other = factories.make_nas(db, site=db.get_one(Site, town.square)).id

    assert add(administrator, nas_id, town.square).status == 303
    assert add(administrator, other, town.square).status == 303


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("access_point_name", " ", "ne peut pas rester vide"),
        ("access_point_name", "é" * 201, "C’est trop long"),
        ("called_station_id", "", "ne peut pas rester vide"),
        ("called_station_id", "a" * 254, "C’est trop long"),
        ("called_station_id", "hot\x07spot", "caractère invisible"),
        ("access_point_site_id", "999999", "Choisissez"),
        ("access_point_site_id", "", "Choisissez"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    administrator: Browser, database: Database, town: Town, nas_id: int, field: str, typed: str, says: str
) -> None:
    answer = add(administrator, nas_id, town.square, **{field: typed})

    assert answer.status == 422
    assert any(says in each.text for each in answer.root.all("p", class_="error"))
    assert (count(database), audited(database)) == (0, [])


def test_another_organisations_site_cannot_be_chosen(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    assert add(administrator, nas_id, town.elsewhere_site).status == 422
    assert count(database) == 0


def test_nobody_touches_the_access_points_of_another_organisation(
    stranger: Browser, administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    theirs = an_access_point(database, nas_id)
    typed = {"access_point_name": "X", "called_station_id": "x", "access_point_site_id": town.elsewhere_site}

    assert stranger.post_bare(f"/gateways/{nas_id}/access-points", typed).status == 404
    assert stranger.post_bare(f"/gateways/{nas_id}/access-points/{theirs}/remove").status == 404
    assert count(database) == 1


def test_an_access_point_is_removed_through_its_own_gateway_only(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    theirs = an_access_point(database, nas_id)
    with database.transaction() as db:
        other = factories.make_nas(db, site=db.get_one(Site, town.square)).id

    assert administrator.post_bare(f"/gateways/{other}/access-points/{theirs}/remove").status == 404
    assert count(database) == 1


def test_the_site_of_another_organisation_is_not_named(
    administrator: Browser, database: Database, town: Town, nas_id: int
) -> None:
    with database.transaction() as db:
        elsewhere = db.get_one(Site, town.elsewhere_site)
        factories.make_access_point(db, nas=db.get_one(Nas, nas_id), site=elsewhere)

    page = administrator.get(f"/gateways/{nas_id}")

    assert "Bibliothèque d’ailleurs" not in page.html
    assert "d’une autre collectivité" in page.text


def test_a_librarian_changes_none(librarian: Browser, nas_id: int) -> None:
    assert librarian.post_bare(f"/gateways/{nas_id}/access-points").status == 403


def change(browser: Browser, nas_id: int, **typed: Any) -> Page:
    return browser.submit(browser.get(f"/gateways/{nas_id}").form(f"/gateways/{nas_id}"), **typed)


def test_the_rare_settings_are_saved_audited_and_reach_radius(
    administrator: Browser, database: Database, nas_id: int
) -> None:
    answer = change(administrator, nas_id, is_proxy="y", swaps_octets="y", coa_port="1700")

    with database.reading() as db:
        nas = db.get_one(Nas, nas_id)
        client = RadiusClientReader(VAULT).read(db).find(ADDRESS)
        assert client is not None
        assert (client.is_proxy, client.swaps_octets, nas.coa_port) == (True, True, 1700)
    changes = {"is_proxy": ["no", "yes"], "swaps_octets": ["no", "yes"], "coa_port": [3799, 1700]}
    assert audited(database) == [("nas.changed", changes)]
    assert "Compte à l’envers\xa0: non → oui" in administrator.get("/audit").text
    assert "open" in administrator.follow(answer).root.one("details", class_="more").attributes


def test_what_is_unticked_is_off_again(administrator: Browser, database: Database, nas_id: int) -> None:
    change(administrator, nas_id, is_proxy="y")
    form = administrator.get(f"/gateways/{nas_id}").form(f"/gateways/{nas_id}")
    fields = {name: value for name, value in form.fields.items() if name != "is_proxy"}

    administrator.post(f"/gateways/{nas_id}", fields)

    with database.reading() as db:
        assert db.get_one(Nas, nas_id).is_proxy is False


def test_saving_without_a_change_changes_nothing(administrator: Browser, database: Database, nas_id: int) -> None:
    change(administrator, nas_id)

    assert audited(database) == [("nas.changed", {})]


@pytest.mark.parametrize("typed", ["", "0", "65536", "-1", "x", "3799.5", "9" * 5000])
def test_a_port_that_is_none_is_told(administrator: Browser, database: Database, nas_id: int, typed: str) -> None:
    answer = change(administrator, nas_id, coa_port=typed)

    assert answer.status == 422
    assert "open" in answer.root.one("details", class_="more").attributes
    assert audited(database) == []


@pytest.mark.parametrize(
    ("mode", "seen", "says"),
    [
        ("required", False, ""),
        ("auto", True, ""),
        ("auto", False, "Aucune preuve d’origine n’est encore venue"),
        ("optional", True, "La preuve d’origine n’est pas exigée."),
    ],
)
def test_as_long_as_proof_of_origin_is_not_required_the_page_warns(
    administrator: Browser, database: Database, nas_id: int, mode: str, seen: bool, says: str
) -> None:
    with database.transaction() as db:
        nas = db.get_one(Nas, nas_id)
        nas.message_authenticator, nas.message_authenticator_seen = mode, seen  # type: ignore[assignment]
        nas.last_packet_at = factories.NOW

    health = administrator.get(f"/gateways/{nas_id}").root.one("section", id="health")
    warnings = [each.text for each in health.all("li")]

    assert any("preuve d’origine" in each for each in warnings) == bool(says)
    assert not says or any(says in each for each in warnings)
