"""Library systems on the staff pages: added, changed, retired; their secrets never shown; whose cards they check."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hotspot.adapters.library_systems.libraries import settings_class
from hotspot.db import Database
from hotspot.models import AuditEntry, LibrarySystem, Offer, Organisation, Site
from hotspot.sealing import Vault
from hotspot.services.library_settings import secrets_of
from hotspot.values import LibrarySystemKind, Way
from hotspot_admin.wording import SYSTEM_HINTS, SYSTEM_KINDS
from tests import factories
from tests.hotspot_admin.conftest import Browser, Clock, Town
from tests.hotspot_admin.library_pages import HUSH, NEW, add, errors_of
from tests.page_client import Page

WHISPER = "a whispered secret"


def the_system(database: Database) -> LibrarySystem:
    with database.reading() as db:
        return db.scalars(select(LibrarySystem)).one()


def sealed(database: Database, vault: Vault) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(vault.open(the_system(database).settings_sealed))
    return settings


def a_system(database: Database, organisation_id: int, **fields: Any) -> int:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, organisation_id)
        settings = json.dumps({"host": "ils.example", "user": "parvis", "password": HUSH})
        fields = {"settings_sealed": factories.VAULT.seal(settings), **fields}
        return factories.make_library_system(db, organisation=organisation, **fields).id


def an_offer(database: Database, site_id: int, **fields: Any) -> int:
    with database.transaction() as db:
        site = db.get_one(Site, site_id)
        return factories.make_offer(db, site=site, **{"way": Way.LIBRARY_CARD, **fields}).id


def change(browser: Browser, system_id: int, **typed: Any) -> Page:
    path = f"/library-systems/{system_id}/edit"
    return browser.submit(browser.get(path).form(path), **typed)


def attach(browser: Browser, system_id: int, *offer_ids: int, **typed: str) -> Page:
    path = f"/library-systems/{system_id}"
    return browser.post_bare(f"{path}/offers", {"offers": [str(each) for each in offer_ids], **typed}, form_at=path)


# ---- adding ----


def test_a_system_is_added_and_its_settings_sealed(
    administrator: Browser, database: Database, vault: Vault, town: Town
) -> None:
    answer = add(administrator, **{"connection-port": "6002", "trusted_days": "7"})
    system = the_system(database)
    assert answer.location == f"/library-systems/{system.id}"
    assert (system.name, system.kind) == ("Catalogue", LibrarySystemKind.SIP2)
    assert system.organisation_id == town.organisation
    assert system.trusted_for == timedelta(days=7)
    assert HUSH.encode() not in system.settings_sealed
    kept = sealed(database, vault)
    assert (kept["port"], kept["password"], kept["category_field"]) == (6002, HUSH, "PC")


def test_it_may_belong_to_an_organisation_below(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, organisation_id=str(town.district))
    assert the_system(database).organisation_id == town.district


def test_it_cannot_belong_to_anybody_else(administrator: Browser, database: Database, town: Town) -> None:
    assert add(administrator, organisation_id=str(town.elsewhere)).status == 422


@pytest.mark.parametrize("kind", LibrarySystemKind)
def test_every_kind_has_a_form_made_from_its_settings(administrator: Browser, kind: LibrarySystemKind) -> None:
    page = administrator.get(f"/library-systems/new/{kind}")
    names = {each["name"] for each in page.root.all("input", "select", "textarea") if each.get("name")}
    assert {f"connection-{name}" for name in settings_class(kind).model_fields} <= names
    secret = [each for each in page.root.all("input") if each.get("type") == "password"]
    assert all(not each.get("value") for each in secret)
    assert SYSTEM_KINDS[kind]
    assert SYSTEM_HINTS[kind]


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("koha_rest", {"address": "https://koha.example", "account": "parvis", "secret": HUSH}),
        ("koha_ilsdi", {"address": "https://koha.example/cgi-bin/koha/ilsdi.pl"}),
        ("ldap", {"servers": "ldap.example", "base": "ou=readers,dc=example"}),
        (
            "http",
            {"address": "https://a.example/check", "no_statuses": "404", "headers": "X-Key: 1\r\nX-Other: 2"},
        ),
    ],
)
def test_every_other_kind_is_added_with_what_it_needs(
    administrator: Browser, database: Database, kind: str, typed: dict[str, str]
) -> None:
    page = administrator.get(f"/library-systems/new/{kind}")
    fields = {f"connection-{name}": value for name, value in typed.items()}
    answer = administrator.submit(page.form(f"/library-systems/new/{kind}"), name="Catalogue", **fields)
    assert answer.status == 303, errors_of(answer)
    assert the_system(database).kind == kind
    assert administrator.get(f"{answer.location}/edit").status == 200


def test_a_kind_that_is_none_is_no_page(administrator: Browser) -> None:
    assert administrator.get("/library-systems/new/excel").status == 404


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("name", "", "ne peut pas rester vide"),
        ("name", "x" * 201, "C’est trop long"),
        ("trusted_days", "-1", "Entre 0 et 365 jours"),
        ("trusted_days", "366", "Entre 0 et 365 jours"),
        ("trusted_days", "9" * 5000, "pas un nombre entier"),
        ("connection-host", "", "ne peut pas rester vide"),
        ("connection-host", "https://ils.example/", "Seulement un nom ou une adresse IP"),
        ("connection-port", "", "ne peut pas rester vide"),
        ("connection-port", "x", "pas un nombre entier"),
        ("connection-port", "6001.5", "pas un nombre entier"),
        ("connection-port", "9" * 4000, "Entre 1 et 65535."),
        ("connection-port", "70000", "Entre 1 et 65535."),
        ("connection-user", "a|b", "SIP2"),
        ("connection-user", "x" * 4001, "C’est trop long"),
        ("connection-login", "carrier pigeon", "Choisissez"),
        ("connection-tls_ca", "not a certificate", "PEM"),
        ("connection-blocked_flags", "99", "1 à 14"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    administrator: Browser, database: Database, field: str, typed: str, says: str
) -> None:
    answer = add(administrator, **{field: typed})
    assert answer.status == 422
    near = answer.root.one(id=field).parent
    assert near is not None
    said = [each.text for each in near.all("p", class_="error")]
    assert any(says in each for each in said), said
    with database.reading() as db:
        assert db.scalars(select(LibrarySystem)).all() == []


def test_a_mistake_among_the_folded_settings_opens_them(administrator: Browser) -> None:
    answer = add(administrator, **{"connection-blocked_flags": "99"})
    assert "open" in answer.root.one("details", class_="more").attributes
    assert "open" not in add(administrator, **{"connection-port": "x"}).root.one("details", class_="more").attributes


def test_what_several_fields_say_together_is_told_at_the_head(administrator: Browser) -> None:
    answer = add(administrator, **{"connection-password": ""})
    assert answer.status == 422
    assert "mot de passe de notre compte" in answer.root.one("div", class_="summary").text


def test_a_secret_that_came_back_with_a_mistake_is_not_shown(administrator: Browser) -> None:
    assert HUSH not in add(administrator, **{"connection-port": "x"}).html


def test_a_name_that_is_taken_is_a_conflict(administrator: Browser) -> None:
    add(administrator)
    answer = add(administrator)
    assert answer.status == 409
    assert errors_of(answer) == ["Il y a déjà un système de bibliothèque de ce nom."]


@pytest.mark.parametrize("missing", ["host", "password", "login", "inquiry"])
def test_a_field_that_was_not_sent_is_no_bug(administrator: Browser, missing: str) -> None:
    fields = administrator.get("/library-systems/new/sip2").form("/library-systems/new/sip2").fields
    sent = {**fields, **NEW}
    del sent[f"connection-{missing}"]
    assert administrator.post("/library-systems/new/sip2", sent).status in (303, 422)


def test_a_field_that_no_setting_has_is_left_aside(administrator: Browser, database: Database, vault: Vault) -> None:
    fields = administrator.get("/library-systems/new/sip2").form("/library-systems/new/sip2").fields
    administrator.post("/library-systems/new/sip2", {**fields, **NEW, "connection-model_config": "x"})
    assert "model_config" not in sealed(database, vault)


def test_markup_in_a_name_is_text(administrator: Browser, database: Database) -> None:
    add(administrator, name="<script>alert(1)</script>")
    page = administrator.get("/library-systems")
    assert "<script>" not in page.html
    assert "<script>alert(1)</script>" in page.text


# ---- secrets ----


def test_no_page_ever_shows_a_secret(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, **{"connection-terminal_password": WHISPER})
    system_id = the_system(database).id
    for path in ("", f"/{system_id}", f"/{system_id}/edit", f"/{system_id}/retire"):
        html = administrator.get(f"/library-systems{path}").html
        assert HUSH not in html
        assert WHISPER not in html
    change(administrator, system_id, **{"connection-password": "another-secret"})
    audit = administrator.get("/audit").html
    assert not any(each in audit for each in (HUSH, WHISPER, "another-secret"))


def test_headers_of_a_connector_are_never_shown_again(administrator: Browser, database: Database, vault: Vault) -> None:
    typed = {"address": "https://a.example/check", "no_statuses": "404", "headers": f"X-Api-Key: {HUSH}"}
    page = administrator.get("/library-systems/new/http")
    fields = {f"connection-{name}": value for name, value in typed.items()}
    administrator.submit(page.form("/library-systems/new/http"), name="Catalogue", **fields)
    system_id = the_system(database).id
    assert HUSH not in administrator.get(f"/library-systems/{system_id}/edit").html
    assert change(administrator, system_id, **{"connection-no_statuses": "403 404"}).status == 303
    kept = sealed(database, vault)
    assert (kept["headers"], kept["no_statuses"]) == (f"X-Api-Key: {HUSH}", "403 404")


def test_an_empty_secret_keeps_the_one_that_is_there(administrator: Browser, database: Database, vault: Vault) -> None:
    add(administrator, **{"connection-terminal_password": WHISPER})
    answer = change(administrator, the_system(database).id, name="Médiathèque")
    kept = sealed(database, vault)
    assert answer.status == 303
    assert (the_system(database).name, the_system(database).revision) == ("Médiathèque", 2)
    assert (kept["password"], kept["terminal_password"]) == (HUSH, WHISPER)


def test_a_tick_forgets_a_secret_that_is_not_needed(administrator: Browser, database: Database, vault: Vault) -> None:
    add(administrator, **{"connection-terminal_password": WHISPER})
    change(administrator, the_system(database).id, **{"connection-terminal_password-forget": "y"})
    assert (sealed(database, vault)["password"], sealed(database, vault)["terminal_password"]) == (HUSH, "")


def test_a_kept_secret_is_sent_to_no_other_machine(administrator: Browser, database: Database, vault: Vault) -> None:
    add(administrator)
    system_id = the_system(database).id
    answer = change(administrator, system_id, **{"connection-host": "evil.example"})
    assert answer.status == 422
    assert any("serait envoyé à un autre système" in each for each in errors_of(answer))
    assert sealed(database, vault)["host"] == "127.0.0.1"
    answer = change(administrator, system_id, **{"connection-host": "new.example", "connection-password": "new"})
    assert answer.status == 303
    assert (sealed(database, vault)["host"], sealed(database, vault)["password"]) == ("new.example", "new")


@pytest.mark.parametrize("kind", LibrarySystemKind)
def test_every_secret_of_every_kind_is_a_field_that_hides_it(administrator: Browser, kind: LibrarySystemKind) -> None:
    page = administrator.get(f"/library-systems/new/{kind}")
    for name in secrets_of(settings_class(kind)):
        element = page.root.one(id=f"connection-{name}")
        assert element.get("type") == "password" or element.tag == "textarea"
        assert not element.get("value")
        assert not element.source_text.strip()


# ---- changing, retiring ----


def test_a_change_is_told_in_the_log(administrator: Browser, database: Database) -> None:
    add(administrator)
    change(administrator, the_system(database).id, **{"connection-institution": "AUTRE", "trusted_days": "0"})
    log = administrator.get("/audit").text
    assert "Système de bibliothèque modifié" in log
    assert "VDL → AUTRE" in log
    assert "30 → 0" in log


def test_settings_that_no_longer_fit_are_entered_again(administrator: Browser, database: Database, town: Town) -> None:
    """An older version may have kept others."""
    system_id = a_system(database, town.organisation, settings_sealed=factories.VAULT.seal("{}"))
    path = f"/library-systems/{system_id}"
    said = "Les réglages de ce système ne conviennent plus"
    assert administrator.get(path).status == 200
    assert said in administrator.get(f"{path}/edit").text
    tested = administrator.post_bare(f"{path}/test", form_at=path)
    assert (tested.status, said in tested.text) == (422, True)
    assert change(administrator, system_id, **NEW).status == 303
    assert said not in administrator.get(f"{path}/edit").text


def test_its_organisation_stays(administrator: Browser, database: Database, town: Town) -> None:
    system_id = a_system(database, town.organisation)
    path = f"/library-systems/{system_id}/edit"
    fields = administrator.get(path).form(path).fields
    administrator.post(path, {**fields, "organisation_id": str(town.district)})
    assert the_system(database).organisation_id == town.organisation


def test_a_card_that_is_enough_alone_asks_for_no_pin(administrator: Browser, database: Database) -> None:
    add(administrator, **{"connection-card_only": "y"})
    system = the_system(database)
    assert not system.asks_pin
    assert "non demandé" in administrator.get(f"/library-systems/{system.id}").text


def test_a_system_is_retired_once_it_checks_no_cards(administrator: Browser, database: Database, town: Town) -> None:
    system_id = a_system(database, town.organisation)
    offer_id = an_offer(database, town.library, name="Lecteurs", library_system_id=system_id)
    path = f"/library-systems/{system_id}/retire"
    page = administrator.get(path)
    assert "Lecteurs" in page.text
    assert not [each for each in page.root.all("form") if each.get("action") == path]
    assert administrator.post_bare(path).status == 409
    attach(administrator, system_id)
    answer = administrator.submit(administrator.get(path).form(path))
    assert answer.location == "/library-systems"
    assert administrator.get(f"/library-systems/{system_id}").status == 404
    with database.reading() as db:
        assert db.get_one(Offer, offer_id).library_system_id is None
        assert db.scalars(select(AuditEntry.action)).all()[-1] == "library_system.retired"


# ---- whose cards ----


def test_offers_are_chosen_by_ticks(administrator: Browser, database: Database, town: Town) -> None:
    system_id = a_system(database, town.organisation)
    offer_id = an_offer(database, town.library, name="Lecteurs")
    page = administrator.get(f"/library-systems/{system_id}")
    assert "Lecteurs (Médiathèque)" in page.text
    assert attach(administrator, system_id, offer_id).status == 303
    with database.reading() as db:
        assert db.get_one(Offer, offer_id).library_system_id == system_id
    ticked = administrator.get(f"/library-systems/{system_id}").root.one("input", name="offers")
    assert "checked" in ticked.attributes


@pytest.mark.parametrize("sent", ["999999", "-1", "x", "9" * 5000])
def test_an_offer_that_is_not_theirs_cannot_be_chosen(
    administrator: Browser, database: Database, town: Town, sent: str
) -> None:
    system_id = a_system(database, town.organisation)
    foreign = an_offer(database, town.elsewhere_site)
    path = f"/library-systems/{system_id}/offers"
    assert administrator.post_bare(path, {"offers": sent}).status in (404, 422)
    assert administrator.post_bare(path, {"offers": str(foreign)}).status == 404
    with database.reading() as db:
        assert db.get_one(Offer, foreign).library_system_id is None


def test_a_system_that_ignores_pins_wants_a_tick_that_says_what_it_means(
    administrator: Browser, database: Database, town: Town
) -> None:
    system_id = a_system(database, town.organisation, ignores_pins=True)
    offer_id = an_offer(database, town.library)
    assert "Ce système ne vérifie pas les codes PIN" in administrator.get(f"/library-systems/{system_id}").text
    refused = attach(administrator, system_id, offer_id)
    assert refused.status == 422
    assert "Cochez que vous l’avez compris, ou ne choisissez aucune offre." in errors_of(refused)
    with database.reading() as db:
        assert db.get_one(Offer, offer_id).library_system_id is None
    assert attach(administrator, system_id, offer_id, understood="y").status == 303
    assert "Ne vérifie pas les codes\xa0: compris" in administrator.get("/audit").text


# ---- who may see what ----


def test_somebody_elses_system_is_not_there(stranger: Browser, database: Database, town: Town) -> None:
    system_id = a_system(database, town.organisation, name="Système secret")
    assert "Système secret" not in stranger.get("/library-systems").html
    for path in ("", "/edit", "/retire"):
        assert stranger.get(f"/library-systems/{system_id}{path}").status == 404
    for path in ("/edit", "/retire", "/offers", "/test"):
        assert stranger.post_bare(f"/library-systems/{system_id}{path}", {"name": "Mine"}).status == 404
    assert the_system(database).name == "Système secret"


@pytest.mark.parametrize("path", ["/new/sip2", "/1/edit", "/1/test", "/1/offers", "/1/retire"])
def test_a_librarian_changes_nothing(librarian: Browser, path: str) -> None:
    assert librarian.get("/library-systems").status == 403
    assert librarian.post_bare(f"/library-systems{path}").status == 403


def test_the_list_says_how_each_of_them_is(
    administrator: Browser, database: Database, clock: Clock, town: Town
) -> None:
    away = {"away_since": clock.now - timedelta(hours=1), "away_because": "connection refused"}
    for name, fields in {
        "Absent": away,
        "Crédule": {"ignores_pins": True, "examined_at": clock.now},
        "Neuf": {},
        "Oisif": {"examined_at": clock.now},
        "Sain": {"examined_at": clock.now},
    }.items():
        system_id = a_system(database, town.organisation, name=name, **fields)
    an_offer(database, town.library, name="Lecteurs", library_system_id=system_id)
    rows = [row.text for row in administrator.get("/library-systems").root.one("tbody").all("tr")]
    said = ["Absent depuis 09:00", "Ne vérifie pas les codes", "Pas essayé", "aucune carte", "Répond"]
    assert all(word in row for word, row in zip(said, rows, strict=True)), rows
    assert "connection refused" in rows[0]
    assert "Lecteurs" in rows[4]
