"""The last 30 days, the audit log, and the first page."""

import csv
from datetime import timedelta

import pytest
from sqlalchemy import delete

from hotspot.db import Database
from hotspot.models import AuditEntry, Site, WifiSession, WifiSessionCounter
from hotspot.scales import round_up
from hotspot.services import audit
from hotspot.services.usage import roll_up
from tests import factories
from tests.hotspot_admin.conftest import Browser, Clock, Town


@pytest.fixture
def past_use(database: Database, town: Town) -> None:
    """Two connections yesterday, rolled up; the sessions themselves are gone, as they will be after a year."""
    with database.transaction() as db:
        nas = factories.make_nas(db, site=db.get_one(Site, town.library))
        for _ in range(2):
            factories.make_wifi_session(
                db,
                nas=nas,
                started_at=factories.NOW - timedelta(days=1),
                session_seconds=1800,
                download_octets=1_000_000_000,
            )
        roll_up(db, factories.NOW - timedelta(days=2), factories.NOW)
        db.execute(delete(WifiSessionCounter))
        db.execute(delete(WifiSession))


def test_the_figures_come_from_the_roll_ups_alone(administrator: Browser, past_use: None) -> None:
    page = administrator.get("/figures")

    assert "2 connexions" in " ".join(page.root.one("dl").text.split()) or "connexions 2" in page.root.one("dl").text
    assert len(page.root.one("details").one("tbody").all("tr")) == 30
    assert "9 mars 2026 2 1 2 Go 0 o" in page.root.one("details").text.replace("\xa0", " ")


def test_the_chart_has_a_title_and_one_column_per_day_with_use(administrator: Browser, past_use: None) -> None:
    chart = administrator.get("/figures").root.one("svg")

    assert chart.get("role") == "img"
    assert chart.all("title")[0].source_text == "Connexions par jour"
    assert len(chart.all("rect")) == 1


def test_the_csv_has_a_line_for_each_day(administrator: Browser, past_use: None) -> None:
    answer = administrator.get("/figures/days.csv")

    rows = list(csv.reader(answer.html.lstrip("\ufeff").splitlines(), delimiter=";"))
    assert rows[0] == ["Jour", "Connexions", "Heures en ligne", "Envoi (octets)", "Réception (octets)"]
    assert len(rows) == 31
    assert rows[-2] == ["2026-03-09", "2", "1.00", "0", "2000000000"]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_sites_without_use_are_listed_with_zero(administrator: Browser, past_use: None) -> None:
    text = administrator.get("/figures").root.all("table")[0].text

    assert text.index("Médiathèque") < text.index("Maison des Prés")


def test_an_empty_month_is_a_chart_all_the_same(administrator: Browser) -> None:
    assert administrator.get("/figures").status == 200


@pytest.mark.parametrize(
    ("value", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (21, 40), (199, 200), (201, 400), (12345, 20000)]
)
def test_the_scale_ends_at_a_round_number(value: int, top: int) -> None:
    assert round_up(value) == top


def test_the_audit_log_is_read_in_pages_newest_first(
    administrator: Browser, database: Database, town: Town, clock: Clock
) -> None:
    with database.transaction() as db:
        for number in range(audit.PAGE + 1):
            audit.note(db, "system", "site.changed", f"n{number}.", {}, clock.now, organisation_id=town.district)

    first = administrator.get("/audit")
    second = administrator.get(first.link("Plus anciennes →"))

    assert len(first.root.one("tbody").all("tr")) == audit.PAGE
    assert "n0." not in first.text
    assert "n0." in second.text


def test_the_audit_log_is_filtered_by_action(
    administrator: Browser, database: Database, town: Town, clock: Clock
) -> None:
    with database.transaction() as db:
        for action in ("site.changed", "nas.created"):
            audit.note(db, "system", action, f"({action})", {}, clock.now, organisation_id=town.organisation)

    text = administrator.get("/audit?action=nas.created").root.one("tbody").text

    assert "(nas.created)" in text
    assert "(site.changed)" not in text


def test_another_organisations_log_is_its_own(stranger: Browser, database: Database, town: Town, clock: Clock) -> None:
    with database.transaction() as db:
        audit.note(db, "system", "site.changed", "Ours", {}, clock.now, organisation_id=town.organisation)

    assert "Ours" not in stranger.get("/audit").html


@pytest.mark.parametrize(
    "query", ["before=x", "before=99999999999999999999", "before=-1", "action=%27%3B", "action=%00"]
)
def test_an_impossible_page_of_the_log_is_harmless(administrator: Browser, query: str) -> None:
    assert administrator.get(f"/audit?{query}").status == 200


def test_what_is_written_in_the_log_is_shown_as_text(
    administrator: Browser, database: Database, town: Town, clock: Clock
) -> None:
    with database.transaction() as db:
        facts = {"name": ["<script>alert(1)</script>", "b"]}
        audit.note(db, "system", "site.changed", "<b>x</b>", facts, clock.now, organisation_id=town.organisation)

    html = administrator.get("/audit").html

    assert "<script>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_a_change_that_fails_leaves_no_trace_in_the_log(database: Database, town: Town, clock: Clock) -> None:
    def note_and_fail() -> None:
        with database.transaction() as db:
            audit.note(db, "system", "site.changed", "x", {}, clock.now, organisation_id=town.organisation)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        note_and_fail()

    with database.reading() as db:
        assert db.query(AuditEntry).count() == 0


def test_an_administrator_first_sees_whether_all_is_well(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        factories.make_nas(db, site=db.get_one(Site, town.library))

    text = administrator.get("/").text

    assert "Tout va bien" in text
    assert "3 sans offre" in text
    assert "1 non entendue" in text
    assert "En service" in text


def test_a_librarian_first_sees_their_site_and_no_figures(librarian: Browser) -> None:
    page = librarian.get("/")

    assert "Médiathèque" in page.text
    assert not page.root.all("svg")
