"""Access points: adding one, what to type on it, its secrets, its conflicts."""

import re
from datetime import timedelta
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import AuditEntry, Nas, Site
from hotspot.sealing import Vault
from hotspot.settings import Settings
from tests import factories
from tests.hotspot_admin.conftest import Browser, Clock, Town
from tests.page_client import Page

NEW: dict[str, Any] = {
    "vendor": "coovachilli",
    "name": "Salle de lecture",
    "networks": "192.0.2.7",
    "nas_identifier": "library-1",
    "login_hosts": "10.1.0.1:3990",
}


def add(browser: Browser, **typed: Any) -> Page:
    page = browser.get("/gateways/new")
    return browser.submit(page.form("/gateways/new"), **{**NEW, **typed})


def actions(database: Database) -> list[str]:
    with database.reading() as db:
        return [entry.action for entry in db.query(AuditEntry).order_by(AuditEntry.id)]


def the_nas(database: Database) -> Nas:
    with database.reading() as db:
        nas = db.query(Nas).one()
        _ = nas.addresses
    return nas


def a_nas(database: Database, site_id: int, **overrides: Any) -> int:
    with database.transaction() as db:
        return factories.make_nas(db, site=db.get_one(Site, site_id), **overrides).id


def test_an_access_point_is_added_and_the_settings_to_type_are_shown(
    administrator: Browser, database: Database, vault: Vault, town: Town
) -> None:
    answer = add(administrator, site_id=str(town.library), networks="192.0.2.7\n10.20.0.9/24, 2001:db8::1")

    nas = the_nas(database)
    page = administrator.follow(answer)
    secret = vault.open(nas.secret_sealed)
    assert sorted(each.network for each in nas.addresses) == ["10.20.0.0/24", "192.0.2.7/32", "2001:db8::1/128"]
    assert (nas.site_id, nas.organisation_id) == (town.library, town.organisation)
    assert f'HS_RADSECRET="{secret}"' in page.text
    assert nas.redirect_secret_sealed is not None
    assert f'HS_UAMSECRET="{vault.open(nas.redirect_secret_sealed)}"' in page.text
    assert 'HS_NASID="library-1"' in page.text


def test_a_secret_is_long_and_needs_no_quotes(administrator: Browser, database: Database, vault: Vault) -> None:
    add(administrator)

    assert re.fullmatch(r"[A-Za-z0-9]{32}", vault.open(the_nas(database).secret_sealed))


def test_a_brand_that_signs_nothing_gets_no_redirect_secret(administrator: Browser, database: Database) -> None:
    add(administrator, vendor="mikrotik")

    assert the_nas(database).redirect_secret_sealed is None


def test_the_secrets_are_shown_once(administrator: Browser, database: Database, vault: Vault) -> None:
    page = administrator.follow(add(administrator))
    secret = vault.open(the_nas(database).secret_sealed)

    again = administrator.get(page.path)

    assert secret in page.html
    assert secret not in again.html
    assert actions(database) == ["nas.created"]


def test_the_secrets_are_shown_again_only_on_asking_and_that_is_written_down(
    administrator: Browser, database: Database, vault: Vault, town: Town
) -> None:
    nas_id = a_nas(database, town.library)
    page = administrator.get(f"/gateways/{nas_id}/settings")

    shown = administrator.follow(administrator.submit(page.form(f"/gateways/{nas_id}/secret")))

    assert factories.RADIUS_SECRET not in page.html
    assert factories.RADIUS_SECRET in shown.html
    assert actions(database) == ["nas.secret_shown"]


def test_the_leave_to_look_is_for_one_access_point_and_two_minutes(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    one, other = a_nas(database, town.library), a_nas(database, town.library, secret="the other's secret")
    administrator.post_bare(f"/gateways/{one}/secret")
    assert "the other&#39;s secret" not in administrator.get(f"/gateways/{other}/settings").html

    administrator.post_bare(f"/gateways/{one}/secret")
    clock.now += timedelta(minutes=2)
    assert factories.RADIUS_SECRET not in administrator.get(f"/gateways/{one}/settings").html


def test_a_get_shows_or_changes_no_secret(administrator: Browser, database: Database, town: Town) -> None:
    nas_id = a_nas(database, town.library)

    assert administrator.get(f"/gateways/{nas_id}/secret").status == 405
    assert administrator.get(f"/gateways/{nas_id}/new-secret").status == 405
    assert actions(database) == []


def test_new_secrets_replace_both(administrator: Browser, database: Database, vault: Vault, town: Town) -> None:
    nas_id = a_nas(database, town.library)
    form = administrator.get(f"/gateways/{nas_id}").form(f"/gateways/{nas_id}/new-secret")

    page = administrator.follow(administrator.submit(form))

    nas = the_nas(database)
    assert vault.open(nas.secret_sealed) in page.html
    assert vault.open(nas.secret_sealed) != factories.RADIUS_SECRET
    assert vault.open(nas.redirect_secret_sealed or b"") != factories.REDIRECT_SECRET
    assert actions(database) == ["nas.secret_rotated"]


def test_no_secret_is_in_the_audit_log(administrator: Browser, database: Database, vault: Vault) -> None:
    add(administrator)
    secret = vault.open(the_nas(database).secret_sealed)

    assert secret not in administrator.get("/audit").html


def test_a_change_keeps_secret_and_brand(administrator: Browser, database: Database, town: Town) -> None:
    nas_id = a_nas(database, town.library, networks=("192.0.2.7/32", "192.0.2.8/32"))
    before = the_nas(database)
    page = administrator.get(f"/gateways/{nas_id}")

    answer = administrator.submit(
        page.form(f"/gateways/{nas_id}"),
        name="Jardin",
        site_id=str(town.district_site),
        networks="192.0.2.8, 192.0.2.9",
        message_authenticator="auto",
    )

    nas = the_nas(database)
    assert answer.status == 303
    assert (nas.name, nas.organisation_id, nas.message_authenticator) == ("Jardin", town.district, "auto")
    assert sorted(each.network for each in nas.addresses) == ["192.0.2.8/32", "192.0.2.9/32"]
    assert (nas.secret_sealed, nas.vendor) == (before.secret_sealed, before.vendor)
    assert "Médiathèque → Maison des Prés" in administrator.get("/audit").text


def test_an_address_that_is_taken_names_the_other_access_point(
    administrator: Browser, database: Database, town: Town
) -> None:
    a_nas(database, town.square, name="Kiosque", networks=("192.0.2.7/32",))

    answer = add(administrator)

    assert answer.status == 409
    assert "L’adresse 192.0.2.7/32 est déjà celle de la passerelle Kiosque." in answer.text
    assert answer.form("/gateways/new").fields["name"] == "Salle de lecture"


def test_one_address_may_be_singled_out_of_ones_own_network(
    administrator: Browser, database: Database, town: Town
) -> None:
    a_nas(database, town.square, networks=("192.0.2.0/24",))

    assert add(administrator).status == 303


@pytest.mark.parametrize("theirs", ["192.0.2.7/32", "192.0.2.0/24"])
def test_nobody_lays_an_address_over_another_organisations_nor_learns_its_name(
    administrator: Browser, database: Database, town: Town, theirs: str
) -> None:
    a_nas(database, town.elsewhere_site, name="Borne secrète", networks=(theirs,))

    answer = add(administrator)

    assert answer.status == 409
    assert "Borne secrète" not in answer.html


def test_a_gateway_that_is_known_by_its_certificate_needs_no_address(
    administrator: Browser, database: Database, settings: Settings
) -> None:
    answer = add(administrator, networks="", certificate_name="Library-1.Commune.Example.")

    nas = the_nas(database)
    page = administrator.get(f"/gateways/{nas.id}")
    assert answer.status == 303
    assert (nas.certificate_name, nas.addresses) == ("library-1.commune.example", [])
    assert page.form(f"/gateways/{nas.id}").fields["certificate_name"] == "library-1.commune.example"
    assert "library-1.commune.example" in administrator.get("/gateways").text
    assert "radsecproxy" not in administrator.get(f"/gateways/{nas.id}/settings").text  # the server has no RadSec


def test_taking_the_certificate_away_is_written_down(administrator: Browser, database: Database, town: Town) -> None:
    nas_id = a_nas(database, town.library, networks=("192.0.2.7/32",), certificate_name="library-1")
    page = administrator.get(f"/gateways/{nas_id}")

    administrator.submit(page.form(f"/gateways/{nas_id}"), certificate_name="")

    assert the_nas(database).certificate_name is None
    assert "Nom dans son certificat (RadSec)" in administrator.get("/audit").text


def test_a_certificate_belongs_to_one_gateway(administrator: Browser, database: Database, town: Town) -> None:
    a_nas(database, town.square, name="Kiosque", certificate_name="library-1")

    answer = add(administrator, certificate_name="LIBRARY-1")

    assert answer.status == 409
    assert "Ce certificat est déjà celui de la passerelle Kiosque." in answer.text


def test_an_identifier_that_is_taken_is_refused_for_the_same_brand_only(
    administrator: Browser, database: Database, town: Town
) -> None:
    a_nas(database, town.square, name="Kiosque", nas_identifier="library-1")

    assert "déjà celui de la passerelle Kiosque" in add(administrator).text
    assert add(administrator, vendor="mikrotik").status == 303


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("name", "", "ne peut pas rester vide"),
        ("networks", "", "ne peut pas rester vide"),
        ("networks", "reading room", "n’est ni une adresse IP ni un réseau"),
        ("networks", "192.0.2.300", "n’est ni une adresse IP ni un réseau"),
        ("networks", "0.0.0.0/0", "recouvre trop d’adresses"),
        ("networks", "::/0", "recouvre trop d’adresses"),
        ("networks", " ".join(f"192.0.2.{n}" for n in range(51)), "Pas plus de 50"),
        ("networks", "1" * 4001, "C’est trop long"),
        ("nas_identifier", 'a"b', "Utilisez uniquement"),
        ("nas_identifier", "a; reboot", "Utilisez uniquement"),
        ("nas_identifier", "é", "Utilisez uniquement"),
        ("certificate_name", "nas-1; reboot", "Utilisez uniquement"),
        ("certificate_name", "x" * 254, "C’est trop long"),
        ("login_hosts", "http://10.1.0.1/", "n’est pas un nom d’hôte"),
        ("login_hosts", "10.1.0.1:99999", "n’est pas un nom d’hôte"),
        ("login_hosts", "10.1.0.1:", "n’est pas un nom d’hôte"),
        ("login_hosts", "-a.test", "n’est pas un nom d’hôte"),
        ("login_hosts", "a@b.test", "n’est pas un nom d’hôte"),
        ("vendor", "acme", "Choisissez"),
        ("site_id", "999", "Choisissez"),
        ("site_id", "9" * 5000, "Choisissez"),
        ("message_authenticator", "never", "Choisissez"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    administrator: Browser, database: Database, town: Town, field: str, typed: str, says: str
) -> None:
    fields = administrator.get("/gateways/new").form("/gateways/new").fields

    answer = administrator.post("/gateways/new", {**fields, **NEW, field: typed})

    assert answer.status == 422
    errors = [each.text for each in answer.root.all("p", class_="error")]
    assert any(says in error for error in errors), errors
    assert actions(database) == []


def test_another_organisations_site_cannot_be_chosen(administrator: Browser, database: Database, town: Town) -> None:
    fields = administrator.get("/gateways/new").form("/gateways/new").fields

    answer = administrator.post("/gateways/new", {**fields, **NEW, "site_id": str(town.elsewhere_site)})

    assert answer.status == 422


def test_the_list_tells_who_is_heard_and_who_proves_its_origin(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    a_nas(database, town.library, name="Neuf")
    a_nas(database, town.library, name="Muet", last_packet_at=clock.now - timedelta(days=2))
    a_nas(database, town.library, name="Vif", last_packet_at=clock.now, message_authenticator="auto")
    a_nas(database, town.elsewhere_site, name="Ailleurs")

    rows = {
        row.one("th").text.split()[0]: row.text for row in administrator.get("/gateways").root.one("tbody").all("tr")
    }

    assert set(rows) == {"Neuf", "Muet", "Vif"}
    assert "Jamais entendue" in rows["Neuf"]
    assert "Muette depuis 2 j" in rows["Muet"]
    assert "Entendue il y a 0 s" in rows["Vif"]
    assert "Pas encore vue" in rows["Vif"]
