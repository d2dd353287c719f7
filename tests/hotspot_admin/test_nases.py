"""Access points: adding one, what to type on it, its secrets, its conflicts."""

import re
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

import hotspot_admin
from hotspot.db import Database
from hotspot.models import AuditEntry, ChangeRecord, Nas, NasDiscard, NasState, RadiusListener, Site, WishKind
from hotspot.sealing import Vault
from hotspot.settings import Settings
from tests import factories
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town
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
    listen(database, clock)
    long_ago = {"created_at": clock.now - timedelta(days=90)}
    a_nas(database, town.library, name="Neuf")
    a_nas(database, town.library, name="Muet", last_packet_at=clock.now - timedelta(days=2), **long_ago)
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
    assert "Notre propre processus RADIUS" not in administrator.get("/gateways").text


def test_while_no_process_of_ours_listens_the_list_blames_and_praises_nobody(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    a_nas(database, town.library, last_packet_at=clock.now - timedelta(days=2))

    page = administrator.get("/gateways")

    assert "Notre propre processus RADIUS ne tourne pas" in page.text
    state = next(each for each in page.root.all("span", class_="state") if "il y a 2 j" in each.text)
    assert state["class"] == "state"


# ---- health ----


def findings(page: Page) -> dict[str, list[str]]:
    """What stands in the list of findings, by severity."""
    found: dict[str, list[str]] = {}
    for each in page.root.one("section", id="health").all("li"):
        found.setdefault(each["class"], []).append(each.text)
    return found


def listen(database: Database, clock: Clock) -> None:
    with database.transaction() as db:
        db.add(RadiusListener(name="here", started_at=clock.now - timedelta(days=90), seen_at=clock.now))


def test_a_page_says_what_is_the_matter_and_what_to_do_the_gravest_first(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    listen(database, clock)
    heard = {"last_packet_at": clock.now - timedelta(minutes=1), "last_address": "::1"}
    long_ago = {"created_at": clock.now - timedelta(days=90)}
    nas_id = a_nas(database, town.library, vendor="mikrotik", **heard, **long_ago)
    learned = {
        "last_auth_at": clock.now - timedelta(minutes=3),
        "last_accounting_at": clock.now - timedelta(minutes=1),
        "clock_offset_seconds": -4000,
        "counted_on": clock.now.date(),
        "requests": 100,
        "repeats": 25,
    }
    with database.transaction() as db:
        db.add(NasState(nas_id=nas_id, **learned))
        db.add(NasDiscard(nas_id=nas_id, hour_at=clock.now, reason="message_authenticator_missing", number=12))
        db.add(NasDiscard(nas_id=nas_id, hour_at=clock.now - timedelta(days=9), reason="length_wrong", number=4))
        refused = {"refused_at": clock.now - timedelta(hours=2), "refused_because": 501}
        db.add(ChangeRecord(nas_id=nas_id, kind=WishKind.DISCONNECT, **refused))

    page = administrator.get(f"/gateways/{nas_id}")

    found = findings(page)
    assert list(found) == ["alarm", "care"]
    assert found["alarm"][0].startswith(
        "Des demandes sans preuve d’origine sont restées sans réponse (12 en 24 heures)"
    )
    assert "require-message-auth" in found["alarm"][0]
    assert [each.split(".")[0] for each in found["care"]] == [
        "Son horloge retarde de 1 h 06",
        "Elle redemande sans cesse la même chose\xa0: 25 % de ses demandes d’aujourd’hui sont des répétitions",
        "Elle a refusé, il y a 2 h 00, de couper ou de modifier une connexion",
    ]
    assert "autorisez-y l’adresse de ce serveur" in found["care"][2]
    health = page.root.one("section", id="health").text
    assert "Dernier paquet il y a 1 min, depuis ::1" in health
    assert "Dernière demande d’accès il y a 3 min" in health
    assert "Silence trop long au-delà de 1 h 00" in health
    rows = [row.text for row in page.root.one("section", id="health").one("tbody").all("tr")]
    assert [row.split()[-2:] for row in rows] == [["12", "12"], ["0", "4"]]


def test_a_gateway_without_findings_is_said_to_be_well(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    listen(database, clock)
    nas_id = a_nas(database, town.library, last_packet_at=clock.now)

    page = administrator.get(f"/gateways/{nas_id}")

    assert findings(page) == {}
    assert "Rien à signaler." in page.text
    assert "moins d’une demi-heure à ce jour" in page.text


def test_a_wrong_secret_is_told_on_the_page_in_the_list_and_on_the_first_page(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    listen(database, clock)
    nas_id = a_nas(database, town.library)
    with database.transaction() as db:
        counts = {"counted_on": clock.now.date(), "requests": 0, "repeats": 0}
        db.add(NasState(nas_id=nas_id, wrong_secret_at=clock.now, **counts))
        db.add(NasDiscard(nas_id=nas_id, hour_at=clock.now, reason="message_authenticator_wrong", number=3))

    (said,) = findings(administrator.get(f"/gateways/{nas_id}"))["alarm"]

    assert said.startswith("Son secret est faux")
    assert "Jamais entendue À voir" in administrator.get("/gateways").root.one("tbody").text
    assert "1 à voir" in administrator.get("/").text


def test_our_own_process_being_away_is_told_and_accuses_nobody(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    nas_id = a_nas(database, town.library, last_packet_at=clock.now - timedelta(days=3))

    page = administrator.get(f"/gateways/{nas_id}")

    assert list(findings(page)) == ["note"]
    assert "Notre propre processus RADIUS ne tourne pas" in page.text
    assert "Muette" not in administrator.get("/gateways").text
    assert "RADIUS (bornes)Hors service" in administrator.get("/").text


def test_the_first_page_counts_the_gateways_of_ones_own_organisations_only(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    listen(database, clock)
    silent = {"last_packet_at": clock.now - timedelta(days=3), "created_at": clock.now - timedelta(days=90)}
    a_nas(database, town.library, **silent)
    a_nas(database, town.district_site, **silent)
    a_nas(database, town.elsewhere_site, **silent)

    assert "2 non entendues" in administrator.get("/").text
    assert administrator.get("/").link("Passerelles") == "/gateways"


def test_another_towns_health_is_not_to_be_read(administrator: Browser, database: Database, town: Town) -> None:
    assert administrator.get(f"/gateways/{a_nas(database, town.elsewhere_site)}").status == 404


@pytest.mark.parametrize("host", [None, "mail.commune.test"])
def test_it_says_whether_anybody_is_told_by_mail(
    settings: Settings, database: Database, redis: "Redis", clock: Clock, town: Town, host: str | None
) -> None:
    mailing = settings.model_copy(update={"mail_host": host})
    app = hotspot_admin.create_app(mailing, database=database, redis=redis, clock=clock)
    browser = Browser(app.test_client())
    browser.sign_in(ADMINISTRATOR)

    page = browser.get(f"/gateways/{a_nas(database, town.library)}")

    assert ("Personne n’est prévenu par courriel" in page.text) == (host is None)
    assert ("Ses administrateurs sont prévenus par courriel" in page.text) == (host is not None)
