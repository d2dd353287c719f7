"""The pages of offers: made, changed, put in order, retired; what is wrong is said beside its field."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import AuditEntry, Offer, Site
from hotspot.values import Period, SiteKind, Way
from tests import factories
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Town
from tests.page_client import Page

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def an_offer(database: Database, site_id: int, **fields: Any) -> int:
    with database.transaction() as db:
        return factories.make_offer(db, site=db.get_one(Site, site_id), **fields).id


def saved(database: Database, **which: Any) -> Offer:
    with database.reading() as db:
        offer = db.scalars(select(Offer).filter_by(**which)).one()
        _ = offer.sites, offer.allowances
    return offer


def names(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(Offer.name).where(Offer.retired_at.is_(None)).order_by(Offer.position)))


def new_path(town: Town, way: Way = Way.ONE_TAP) -> str:
    return f"/offers/of/{town.organisation}/new/{way.value}"


def add(browser: Browser, town: Town, way: Way = Way.ONE_TAP, **typed: Any) -> Page:
    path = new_path(town, way)
    fields = browser.get(path).form(path).fields
    return browser.post(path, fields | {"name": "Accès libre", "sites": str(town.square)} | typed)


def change(browser: Browser, offer_id: int, **typed: Any) -> Page:
    """The page's own fields, sites and all, with what is typed."""
    path = f"/offers/{offer_id}"
    form = browser.get(path).form(path)
    ticked = [each["value"] for each in form.element.all("input", name="sites") if "checked" in each.attributes]
    return browser.post(path, form.fields | {"sites": ticked} | typed)


def errors(page: Page) -> list[str]:
    return [each.text.replace("\xa0", " ").replace("\u202f", " ") for each in page.root.all("p", class_="error")]


def text(page: Page) -> str:
    return page.text.replace("\xa0", " ").replace("\u202f", " ")


LIMITS = {
    "stay": "time",
    "visit_time": "2 h 30",
    "visit-time": "45 min",
    "visit-octets": "500 Mo",
    "day-time": "2 h",
    "week-octets": "1,5 Go",
    "week-upload_octets": "200 Mo",
    "download": "20",
    "upload": "0,5",
    "devices": "2",
    "idle_time": "10 min",
    "announcements": "every",
    "announcement_minutes": "30",
    "announcement_seconds": "15",
}


def test_an_offer_is_added_with_all_that_it_allows(administrator: Browser, database: Database, town: Town) -> None:
    answer = add(administrator, town, sites=[str(town.square), str(town.district_site)], **LIMITS)

    page = administrator.follow(answer)
    assert "Accès libre a été ajouté" in text(page)
    assert (
        "Pendant 2 h 30, 45 min en ligne par visite, 500 Mo par visite, 2 h par jour, 1,5 Go par semaine, 200 Mo "
        "envoyés par semaine, 20 Mbit/s en réception, 0,5 Mbit/s en envoi, 2 appareils, fin après 10 min sans "
        "activité, annonce toutes les 30 min."
    ) in text(page)
    offer = saved(database, name="Accès libre")
    assert (offer.visit_time, offer.time_allowed, offer.octets_allowed) == (150 * MINUTE, 45 * MINUTE, 500_000_000)
    assert (offer.download_kbps, offer.upload_kbps, offer.devices_at_once) == (20_000, 500, 2)
    assert (offer.announcement_every, offer.announcement_length) == (30 * MINUTE, timedelta(seconds=15))
    assert sorted((each.period, each.time, each.octets, each.upload_octets) for each in offer.allowances) == [
        (Period.DAY, 2 * HOUR, None, None),
        (Period.WEEK, None, 1_500_000_000, 200_000_000),
    ]
    assert {site.id for site in offer.sites} == {town.square, town.district_site}


def test_saving_what_the_form_shows_changes_nothing(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, town, **LIMITS | {"week-octets": "1,234567891 Go"})
    offer = saved(database, name="Accès libre")

    answer = change(administrator, offer.id)

    assert answer.status == 303, errors(answer)
    with database.reading() as db:
        assert db.scalars(select(AuditEntry.action).where(AuditEntry.action == "offer.changed")).all() == []
    assert {each.octets for each in saved(database, name="Accès libre").allowances} == {None, 1_234_567_891}


def test_a_form_in_english_is_read_in_english(administrator: Browser, database: Database, town: Town) -> None:
    administrator.post_bare("/language", {"language": "en", "back": "/"})

    add(administrator, town, **{"week-octets": "1.5 GB", "upload": "0.5"})
    assert "1.5 GB per week" in text(administrator.get("/offers"))
    refused = add(administrator, town, name="Other", **{"week-octets": "1,500 MB"})

    assert errors(refused) == ["Write a volume like 500 MB or 1.5 GB."]
    assert names(database) == ["Accès libre"]


def test_limits_are_taken_away_by_emptying_their_fields(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, town, **LIMITS)
    offer = saved(database, name="Accès libre")
    nothing = dict.fromkeys((each for each in LIMITS if each not in ("stay", "devices", "announcements")), "")

    change(administrator, offer.id, **nothing, stay="closing", announcements="none")

    offer = saved(database, id=offer.id)
    assert (offer.visit_time, offer.octets_allowed, offer.download_kbps, offer.announcement_every) == (None,) * 4
    assert offer.allowances == []


def test_the_form_says_what_a_change_does_and_where_no_announcement_is_shown(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        db.get_one(Site, town.library).kind = SiteKind.LIBRARY
        db.get_one(Site, town.square).is_wifi4eu = True
        db.get_one(Site, town.square).kind = SiteKind.SQUARE
        db.get_one(Site, town.district_site).kind = SiteKind.OTHER
    page = administrator.get(f"/offers/{an_offer(database, town.square)}")

    assert "Les limites par jour et par semaine valent aussitôt, pour tout le monde." in text(page)
    free = [each.text for each in page.root.one("form", class_="column").all("li") if "(" in each.text]
    assert free == ["Médiathèque (Bibliothèque)", "Place du Marché (WiFi4EU)"]
    assert "si la bibliothèque le dit majeur" not in text(page)
    assert "si la bibliothèque le dit majeur" in text(administrator.get(new_path(town, Way.LIBRARY_CARD)))


HUGE = "9" * 31
WRONG = [
    ("name", "", "Ce champ ne peut pas rester vide"),
    ("name", "x" * 201, "C’est trop long"),
    ("name", "a\u202eb", "caractère invisible"),
    ("sites", "999999", "Choisissez"),
    ("sites", "a", "Choisissez"),
    ("sites", "1" + "0" * 30, "Choisissez"),
    ("stay", "for ever", "Choisissez"),
    ("visit_time", "", "Écrivez la durée, ou choisissez"),
    ("visit_time", "   ", "Écrivez la durée, ou choisissez"),
    ("visit_time", "0 min", "Entre une minute et un an"),
    ("visit_time", "367 jours", "Entre une minute et un an"),
    ("visit_time", "-2 h", "Écrivez une durée"),
    ("visit-time", "beaucoup", "Écrivez une durée"),
    ("visit-octets", "500", "Écrivez un volume"),
    ("visit-octets", "NaN Go", "Écrivez un volume"),
    ("visit-upload_octets", "9999 To", "Entre 1 ko et 9 000 To"),
    ("day-time", "25 h", "au plus le jour ou la semaine entière"),
    ("day-time", HUGE, "C’est trop long"),
    ("day-octets", "0 Go", "Entre 1 ko et 9 000 To"),
    ("week-time", "8 jours", "au plus le jour ou la semaine entière"),
    ("week-download_octets", "-1 Go", "Écrivez un volume"),
    ("week-download_octets", "1" + "\t" * 200_000 + "x", "C’est trop long"),
    ("download", "0", "Entre 0,001 et 100 000 Mbit/s"),
    ("upload", "1e3", "Écrivez un débit"),
    ("devices", "", "Ce champ ne peut pas rester vide"),
    ("devices", "0", "Entre 1 et 1 000 appareils"),
    ("devices", "1" + "0" * 30, "Entre 1 et 1 000 appareils"),
    ("devices", "deux", "nombre entier"),
    ("idle_time", "30 s", "Écrivez une durée"),
    ("announcements", "sometimes", "Choisissez"),
    ("announcement_minutes", "", "Entre 5 minutes et un jour"),
    ("announcement_minutes", "4", "Entre 5 minutes et un jour"),
    ("announcement_minutes", "1e400", "Entre 5 minutes et un jour"),
    ("announcement_minutes", "1" + "0" * 30, "Entre 5 minutes et un jour"),
    ("announcement_seconds", "61", "Entre 3 et 60 secondes"),
    ("announcement_seconds", "nan", "Entre 3 et 60 secondes"),
]


@pytest.mark.parametrize(("field", "typed", "says"), WRONG, ids=[f"{name}={text[:12]!r}" for name, text, _ in WRONG])
def test_a_mistake_is_told_beside_its_field_and_nothing_is_saved(
    administrator: Browser, database: Database, town: Town, field: str, typed: str, says: str
) -> None:
    answer = add(administrator, town, **LIMITS | {field: typed})

    assert answer.status == 422
    assert any(says in error for error in errors(answer)), errors(answer)
    beside = answer.root.one("form", class_="column").all("input", name=field)[0]
    around = beside.parent
    while around is not None and "wrong" not in around.get("class").split():
        around = around.parent
    assert around is not None, "the error stands elsewhere"
    assert names(database) == []


def test_no_site_at_all_is_a_mistake(administrator: Browser, database: Database, town: Town) -> None:
    answer = add(administrator, town, sites=[])
    assert (answer.status, errors(answer)[0][:21]) == (422, "Cochez au moins un si")
    assert names(database) == []


def test_a_site_of_another_town_is_refused(administrator: Browser, database: Database, town: Town) -> None:
    assert add(administrator, town, sites=[str(town.square), str(town.elsewhere_site)]).status == 422
    assert names(database) == []


def test_a_field_sent_twice_counts_once(administrator: Browser, database: Database, town: Town) -> None:
    answer = add(
        administrator,
        town,
        name=["One", "Two"],
        devices=["2", "x"],
        sites=[str(town.square)] * 2,
        stay=["closing", "x"],
    )
    assert answer.status == 303, errors(answer)
    offer = saved(database, name="One")
    assert (offer.devices_at_once, len(offer.sites)) == (2, 1)


def test_the_pace_of_announcements_is_not_looked_at_where_there_are_none(
    administrator: Browser, database: Database, town: Town
) -> None:
    answer = add(administrator, town, announcement_minutes="never", announcement_seconds="")
    assert answer.status == 303, errors(answer)
    assert saved(database, name="Accès libre").announcement_every is None


def test_the_form_comes_back_as_it_was_typed(administrator: Browser, town: Town) -> None:
    answer = add(administrator, town, name="<b>Libre</b>", **{"day-time": "beaucoup", "week-octets": "2 Go"})
    again = answer.form(new_path(town)).fields
    assert (again["name"], again["day-time"], again["week-octets"]) == ("<b>Libre</b>", "beaucoup", "2 Go")
    assert again["sites"] == str(town.square)
    assert [link.text for link in answer.root.one("div", class_="summary").all("a")] == ["Par jour"]


def test_the_same_name_twice_is_told_at_the_name(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, town)
    answer = add(administrator, town)
    assert answer.status == 409
    assert errors(answer) == ["Il y a déjà une offre de ce nom."]
    assert names(database) == ["Accès libre"]


def test_what_belongs_to_a_way_is_asked_for_it_alone(administrator: Browser, town: Town) -> None:
    def asked(way: Way) -> set[str]:
        form = administrator.get(new_path(town, way)).form(new_path(town, way))
        every = {each.get("name") for each in form.element.all("input", "select")}
        return every & {"library_system_id", "by_rule_only", "host_domains", "remember_days"}

    assert asked(Way.ONE_TAP) == asked(Way.EMAIL_CODE) == set()
    assert asked(Way.LIBRARY_CARD) == {"library_system_id", "by_rule_only", "remember_days"}
    assert asked(Way.VOUCHER) == {"remember_days"}
    assert asked(Way.SPONSOR) == {"host_domains"}


def test_an_offer_for_cards_has_its_system_and_may_be_for_a_rule(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        own = factories.make_site(db).organisation
        theirs = factories.make_library_system(db, organisation=own).id
        organisation = db.get_one(Site, town.square).organisation
        system = factories.make_library_system(db, organisation=organisation).id
    card = {"by_rule_only": "y", "remember_days": "30"}

    assert add(administrator, town, Way.LIBRARY_CARD, library_system_id=str(theirs), **card).status == 422
    assert add(administrator, town, Way.LIBRARY_CARD, library_system_id=str(system), **card).status == 303

    offer = saved(database, name="Accès libre")
    assert (offer.library_system_id, offer.by_rule_only, offer.remember_for) == (system, True, timedelta(days=30))


@pytest.mark.parametrize("days", ["0", "367", "x"])
def test_devices_are_remembered_for_a_year_at_most(administrator: Browser, town: Town, days: str) -> None:
    answer = add(administrator, town, Way.VOUCHER, remember_days=days)
    assert answer.status == 422
    assert "Entre 1 et 366 jours." in errors(answer)


def test_hosts_have_domains(administrator: Browser, database: Database, town: Town) -> None:
    wrong = add(administrator, town, Way.SPONSOR, host_domains="ville.fr, pas un domaine")
    assert (wrong.status, errors(wrong)) == (422, ["pas n’est pas un domaine."])
    assert add(administrator, town, Way.SPONSOR, host_domains="Ville.fr, agglo.fr").status == 303
    assert saved(database, name="Accès libre").sponsor_domains == "agglo.fr ville.fr"


def test_without_an_identity_provider_the_way_to_one_is_shown(
    administrator: Browser, database: Database, town: Town
) -> None:
    path = new_path(town, Way.OPENID_CONNECT)
    assert administrator.get(path).link("Fournisseurs d’identité") == "/identity-providers"
    assert administrator.post_bare(path, {"name": "X", "sites": str(town.square), "devices": "1"}).status == 422
    with database.transaction() as db:
        organisation = db.get_one(Site, town.square).organisation
        provider = factories.make_identity_provider(db, organisation=organisation).id

    assert add(administrator, town, Way.OPENID_CONNECT, identity_provider_id=str(provider)).status == 303
    offer = saved(database, name="Accès libre")
    assert offer.identity_provider_id == provider
    assert change(administrator, offer.id, name="FranceConnect").status == 303
    assert saved(database, id=offer.id).identity_provider_id == provider


def test_a_way_that_does_not_work_here_says_why(administrator: Browser, town: Town) -> None:
    page = administrator.get(new_path(town, Way.EMAIL_CODE))
    assert "Non proposée : aucun serveur de courriel n’est configuré." in text(page)


def test_the_order_is_changed_with_buttons(administrator: Browser, database: Database, town: Town) -> None:
    for name in ("un", "deux", "trois"):
        add(administrator, town, name=name)
    page = administrator.get("/offers")
    labels = [each.get("aria-label") for each in page.root.one("ol").all("button")]
    assert labels == [
        "Montrer un plus tard",
        "Montrer deux plus tôt",
        "Montrer deux plus tard",
        "Montrer trois plus tôt",
    ]
    third = saved(database, name="trois").id

    answer = administrator.submit(page.form(f"/offers/{third}/up"))

    assert answer.location == f"/offers?organisation={town.organisation}#offer-{third}"
    assert names(database) == ["un", "trois", "deux"]


def test_an_offer_is_retired_after_a_question(administrator: Browser, database: Database, town: Town) -> None:
    offer_id = an_offer(database, town.library, name="Cartes", way=Way.LIBRARY_CARD)
    with database.transaction() as db:
        organisation = db.get_one(Site, town.library).organisation
        factories.make_reader_rule(db, organisation=organisation, name="Jeunes", offer_id=offer_id)
    question = administrator.get(administrator.get(f"/offers/{offer_id}").link("Retirer cette offre"))
    assert "Jeunes" in [link.text for link in question.root.one("section").all("a")]
    assert saved(database, id=offer_id).retired_at is None

    answer = administrator.submit(question.form(f"/offers/{offer_id}/retire"))

    page = administrator.follow(answer)
    assert "Cartes n’est plus proposée" in text(page)
    assert "1 offre est retirée" in page.root.one("details").text
    assert administrator.get(f"/offers/{offer_id}").status == 404
    assert administrator.post_bare(f"/offers/{offer_id}/retire").status == 404
    with database.reading() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "offer.retired")).one()
    assert (entry.actor, entry.subject) == (ADMINISTRATOR, "Cartes")


def test_the_log_tells_a_change_in_words(administrator: Browser, database: Database, town: Town) -> None:
    offer_id = an_offer(database, town.square)
    change(administrator, offer_id, **{"day-time": "2 h", "announcements": "every"})
    page = text(administrator.get("/audit"))
    assert "Offre modifiée" in page
    assert "Par jour : — → 2 h" in page
    assert "Annonces pendant la visite : — → 30 min / 10 s" in page


def test_offers_stand_by_organisation_and_those_of_another_town_nowhere(
    administrator: Browser, database: Database, town: Town
) -> None:
    an_offer(database, town.district_site, name="Aux Prés")
    an_offer(database, town.elsewhere_site, name="Ailleurs")
    page = administrator.get("/offers")
    assert [each.text for each in page.root.all("h2")] == ["Parvis-sur-Loue", "Quartier des Prés"]
    assert "Aux Prés" in page.text
    assert "Ailleurs" not in page.text
    assert [each.text for each in administrator.get(f"/offers?organisation={town.district}").root.all("h2")] == [
        "Quartier des Prés"
    ]
    assert administrator.get(f"/offers?organisation={town.elsewhere}").status == 404


def test_another_towns_offer_is_not_there(stranger: Browser, database: Database, town: Town) -> None:
    offer_id = an_offer(database, town.square, name="Libre")
    for path in (f"/offers/{offer_id}", f"/offers/{offer_id}/retire", f"/offers/of/{town.organisation}/new"):
        assert stranger.get(path).status == 404
    for action in ("", "/up", "/down", "/retire"):
        assert stranger.post_bare(f"/offers/{offer_id}{action}", {"name": "Mine"}).status == 404
    assert stranger.post_bare(new_path(town), {"name": "Mine"}).status == 404
    assert names(database) == ["Libre"]


@pytest.mark.parametrize("path", ["/offers/of/1/new/casino", "/offers/of/99999999999/new", "/offers/0", "/offers/-1"])
def test_what_there_is_not_is_not_found(administrator: Browser, town: Town, path: str) -> None:
    assert administrator.get(path).status == 404


def test_a_librarian_reads_offers_on_the_page_of_sites_alone(
    librarian: Browser, database: Database, town: Town
) -> None:
    offer_id = an_offer(database, town.library, visit_time=2 * HOUR, name="Libre")
    assert "Pendant 2 h, 1 appareil." in text(librarian.get("/sites"))
    for path in ("/offers", f"/offers/{offer_id}", f"/offers/of/{town.organisation}/new"):
        assert librarian.get(path).status == 403
    assert librarian.post_bare(f"/offers/{offer_id}/retire").status == 403


def test_without_the_visits_token_nothing_is_changed(administrator: Browser, town: Town) -> None:
    assert administrator.post(new_path(town), {"name": "X"}).status == 400
