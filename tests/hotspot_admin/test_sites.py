"""Sites: what they are, when they are open, what they offer."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import AuditEntry, Grant, Site
from hotspot.policy.opening_hours import Interval
from hotspot.services.allowances import terms_of
from hotspot.settings import Settings
from hotspot.values import RefusalReason, Way
from hotspot_admin.forms.fields import parse_hours, print_hours
from tests import factories
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town
from tests.page_client import Page


def saved(database: Database, site_id: int) -> Site:
    with database.reading() as db:
        site = db.get_one(Site, site_id)
        _ = site.hours
    return site


def change(browser: Browser, site_id: int, **typed: Any) -> Page:
    path = f"/sites/{site_id}"
    page = browser.get(path)
    return browser.submit(page.form(path), **typed)


def test_a_site_is_added(administrator: Browser, database: Database, town: Town) -> None:
    form = administrator.get("/sites/new").form("/sites/new")

    answer = administrator.submit(
        form,
        name="Gymnase",
        kind="other",
        ssid="Wi-Fi",
        latitude="47,2378",
        longitude="6.0241",
        tuesday="9h-12h, 14h-18h30",
    )

    assert answer.location == "/sites"
    assert "Gymnase a été ajouté" in administrator.follow(answer).text
    with database.reading() as db:
        site = db.query(Site).filter_by(name="Gymnase").one()
        assert (site.organisation_id, site.latitude, site.longitude) == (town.organisation, 47.2378, 6.0241)
        assert site.hours.week == {1: [Interval(time(9), time(12)), Interval(time(14), time(18, 30))]}
        assert db.query(AuditEntry).filter_by(action="site.created").one().actor == ADMINISTRATOR


def test_hours_and_exceptions_are_changed_and_shown_again(
    administrator: Browser, database: Database, town: Town
) -> None:
    typed = {
        "hours_kind": "week",
        "monday": "20:00-02:00",
        "exceptions-0-day": "2026-12-25",
        "exceptions-0-note": "Noël",
    }
    change(administrator, town.library, **typed)

    answer = change(administrator, town.library, sunday="10:00-24:00")

    assert answer.status == 303
    hours = saved(database, town.library).hours
    assert hours.week == {0: [Interval(time(20), time(2))], 6: [Interval(time(10), time(0))]}
    assert hours.exceptions == {date(2026, 12, 25): []}


def test_a_change_is_in_the_audit_log_as_before_and_after(
    administrator: Browser, database: Database, town: Town
) -> None:
    change(administrator, town.library, name="Médiathèque Simone-Veil", hours_kind="week", monday="9-12")

    with database.reading() as db:
        facts = db.query(AuditEntry).filter_by(action="site.changed").one().facts
    assert facts == {"name": ["Médiathèque", "Médiathèque Simone-Veil"], "opening_hours": "changed"}


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("name", "", "Ce champ ne peut pas rester vide"),
        ("name", "x" * 201, "C’est trop long"),
        ("name", "Biblio\x00thèque", "caractère invisible"),
        ("name", "a\u202eb", "caractère invisible"),
        ("ssid", "é" * 17, "32 octets"),
        ("time_zone", "Europe/Atlantis", "Ce fuseau n’existe pas"),
        ("time_zone", "../../etc/passwd", "Ce fuseau n’existe pas"),
        ("time_zone", "Europe", "Ce fuseau n’existe pas"),
        ("latitude", "91", "compris entre -90 et 90"),
        ("latitude", "nan", "compris entre -90 et 90"),
        ("latitude", "1e999", "compris entre -90 et 90"),
        ("longitude", "-180.1", "compris entre -180 et 180"),
        ("longitude", "east", "degrés décimaux"),
        ("web_page", "www.ville.fr", "Écrivez l’adresse entière"),
        ("web_page", "javascript:alert(1)", "Écrivez l’adresse entière"),
        ("web_page", "https://ville.fr@elsewhere.test/", "Écrivez l’adresse entière"),
        ("web_page", "https://ville.fr:99999/", "Écrivez l’adresse entière"),
        ("web_page", "https://[::1/", "Écrivez l’adresse entière"),
        ("web_page", "https://ville.fr/a b", "Écrivez l’adresse entière"),
        ("web_page", "https://ville/", "Écrivez l’adresse entière"),
        ("web_page", "https://ville.fr/" + "x" * 500, "C’est trop long"),
        ("kind", "casino", "Choisissez"),
        ("organisation_id", "a", "Choisissez"),
        ("hours_kind", "sometimes", "Choisissez"),
        ("monday", "9h-25h", "n’est pas une heure"),
        ("monday", "open", "n’est pas compris"),
        ("monday", "09:00-12:00, 11:00-13:00", "se chevauchent"),
        ("exceptions-0-day", "2026-02-30", "Ce n’est pas une date"),
        ("exceptions-0-hours", "9-12", "Indiquez la date"),
    ],
)
def test_a_mistake_is_told_beside_its_field_and_nothing_is_saved(
    administrator: Browser, database: Database, town: Town, field: str, typed: str, says: str
) -> None:
    fields = administrator.get("/sites/new").form("/sites/new").fields
    filled = {"name": "Gymnase", "hours_kind": "always", "latitude": "1", "longitude": "1", field: typed}

    answer = administrator.post("/sites/new", fields | filled)

    assert answer.status == 422
    errors = [each.text for each in answer.root.all("p", class_="error")]
    assert any(says in error for error in errors), errors
    with database.reading() as db:
        assert db.query(Site).filter_by(name=filled["name"]).count() == 0


def test_the_form_comes_back_as_it_was_typed(administrator: Browser, town: Town) -> None:
    form = administrator.get("/sites/new").form("/sites/new")

    answer = administrator.submit(form, name="<b>Gymnase</b>", latitude="95", longitude="6", monday="9h-25h")

    assert answer.status == 422
    again = answer.form("/sites/new").fields
    assert (again["name"], again["latitude"], again["monday"]) == ("<b>Gymnase</b>", "95", "9h-25h")


def test_wifi4eu_and_the_places_own_page_are_set_and_logged(
    administrator: Browser, database: Database, town: Town
) -> None:
    change(administrator, town.square, is_wifi4eu="y", web_page="https://www.ville.fr/marche?x=1")

    site = saved(database, town.square)
    assert (site.is_wifi4eu, site.web_page) == (True, "https://www.ville.fr/marche?x=1")
    with database.reading() as db:
        facts = db.query(AuditEntry).filter_by(action="site.changed").one().facts
    assert facts == {"is_wifi4eu": ["no", "yes"], "web_page": ["", "https://www.ville.fr/marche?x=1"]}
    change(administrator, town.square)
    assert saved(database, town.square).is_wifi4eu, "what was ticked stays ticked"


def test_the_page_says_that_new_hours_hold_at_once(administrator: Browser, town: Town) -> None:
    assert "De nouveaux horaires valent aussitôt" in administrator.get(f"/sites/{town.library}").text


def test_nobody_is_promised_time_after_the_new_closing(
    administrator: Browser, database: Database, town: Town, clock: Clock, settings: Settings
) -> None:
    noon = clock.now + timedelta(hours=2)
    with database.transaction() as db:
        offer = factories.make_offer(db, site=db.get_one(Site, town.library))
        grant_id = factories.make_grant(db, offer=offer, ends_at=clock.now + timedelta(hours=9)).id

    change(administrator, town.library, hours_kind="week", tuesday="9-12")

    with database.reading() as db:
        terms = terms_of(db.get_one(Grant, grant_id), settings, clock.now)
    assert (terms.ends_at, terms.ends_because) == (noon, RefusalReason.SITE_CLOSED)


def test_a_week_without_any_hour_must_be_meant(administrator: Browser, town: Town) -> None:
    answer = administrator.submit(administrator.get("/sites/new").form("/sites/new"), name="X", hours_kind="week")

    assert "choisissez « Toujours »" in answer.text.replace("\xa0", " ")


def test_the_same_exception_twice_is_refused(administrator: Browser, town: Town) -> None:
    typed = {"exceptions-0-day": "2026-12-25", "exceptions-1-day": "2026-12-25", "exceptions-1-hours": "9-12"}

    answer = change(administrator, town.library, **typed)

    assert answer.status == 422
    assert "La même date figure deux fois" in answer.text


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (datetime.fromisoformat("2026-03-10T10:00:00+01:00"), "Ouvert jusqu’à 12:00"),
        (datetime.fromisoformat("2026-03-10T13:00:00+01:00"), "Fermé jusqu’à 14:00"),
        (datetime.fromisoformat("2026-03-10T19:00:00+01:00"), "Fermé jusqu’à mercredi 11 mars 09:00"),
    ],
    ids=["open", "at noon", "in the evening"],
)
def test_the_list_says_until_when_in_local_time(
    administrator: Browser, anonymous: Browser, town: Town, clock: Clock, at: datetime, says: str
) -> None:
    change(administrator, town.library, hours_kind="week", tuesday="9-12, 14-18", wednesday="9-12")
    clock.now = at
    anonymous.sign_in(ADMINISTRATOR)  # the other visit may be over by then

    assert says in anonymous.get("/sites").text


def test_no_day_of_closing_is_invented_for_a_site_that_is_open_around_the_clock(
    administrator: Browser, town: Town
) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    change(administrator, town.library, hours_kind="week", **dict.fromkeys(days, "00:00-24:00"))

    rows = administrator.get("/sites").root.one("tbody").all("tr")

    state, *_ = next(row for row in rows if "Médiathèque" in row.text).all("span", class_="state")
    assert state.text == "Ouvert jour et nuit"


def test_the_list_shows_the_offers_in_their_order(administrator: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        site = db.get_one(Site, town.library)
        factories.make_offer(db, site=site, name="Second", position=2)
        factories.make_offer(db, site=site, name="First", position=1)
        factories.make_offer(db, site=site, name="Gone", retired_at=factories.NOW)

    text = administrator.get("/sites").text

    assert text.index("First") < text.index("Second")
    assert "Gone" not in text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("09:00-12:00", "09:00-12:00"),
        ("14h-18h30 , 9h–12h", "09:00-12:00, 14:00-18:30"),
        ("9.30 - 12.00; 14 à 18", "09:30-12:00, 14:00-18:00"),
        ("00:00-24:00", "00:00-00:00"),
        ("20:00-02:00", "20:00-02:00"),
        ("9-12 et 14-18", "09:00-12:00, 14:00-18:00"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, printed: str) -> None:
    assert print_hours(parse_hours(text)) == printed


def test_staff_see_why_an_offer_is_not_on_the_portal(administrator: Browser, database: Database, town: Town) -> None:
    with database.transaction() as db:
        site = db.get_one(Site, town.library)
        factories.make_offer(db, site=site, way=Way.EMAIL_CODE, name="Pass e-mail")
        factories.make_offer(db, site=site, way=Way.SMS_CODE, name="Pass SMS")
    text = administrator.get("/sites").text
    assert "Non proposée\u202f: aucun serveur de courriel n’est configuré" in text
    assert "Non proposée\u202f: aucun envoi de SMS n’est configuré" in text
