"""The report of a campaign: the page, the CSV file that no spreadsheet takes for formulas, and the PDF."""

import csv
import io
from datetime import date, timedelta

import pypdfium2
import pytest

from hotspot.db import Database
from hotspot.models import Organisation, Site
from hotspot.values import CampaignKind, SiteKind
from hotspot_admin.sheets import harmless
from tests import factories
from tests.hotspot_admin.conftest import Browser, Town

pytestmark = pytest.mark.integration

TODAY = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def counted(database: Database, town: Town) -> None:
    """Campaign 1: ten days of 20 displays, 15 views and 3 clicks each."""
    with database.transaction() as db:
        square = db.get_one(Site, town.square)
        square.kind, square.name = SiteKind.SQUARE, "=Place;du Marché"
        campaign = factories.make_campaign(
            db,
            organisation=db.get_one(Organisation, town.organisation),
            name="Cinéma",
            kind=CampaignKind.COMMERCIAL,
            advertiser="Le Méandre",
        )
        shown = factories.make_announcement(db, campaign=campaign, titles={"fr": "Ce soir", "en": "@SUM(A1)"})
        for ago in range(10):
            factories.make_announcement_day(db, shown, square, TODAY - timedelta(days=ago), 20, 15, 3)


def test_the_page_has_the_figures_and_says_how_they_are_counted(administrator: Browser) -> None:
    page = administrator.get("/campaigns/1/report")

    assert [each.text for each in page.root.one("dl", class_="figures").all("dd")] == [
        "200",
        "150",
        "75 %",
        "30",
        "20 %",
    ]
    assert len(page.root.one("svg").all("rect")) == 10
    assert "ne compte qu’une fois" in page.text
    assert "Aucun cookie" in page.text


def test_page_and_files_are_of_the_days_that_are_asked_for(administrator: Browser) -> None:
    page = administrator.get("/campaigns/1/report")
    page = administrator.submit(page.form(""), since="2026-03-08", until="2026-03-09")

    assert page.root.one("dl", class_="figures").all("dd")[0].text == "40"
    assert "since=2026-03-08&until=2026-03-09" in page.link("Télécharger en CSV")
    assert len(rows(administrator, page.link("Télécharger en CSV"))) == 3


@pytest.mark.parametrize("asked", ["since=x&until=y", "since=0001-01-01&until=9999-12-31", "until=0001-01-01"])
def test_a_foolish_period_is_answered_all_the_same(administrator: Browser, asked: str) -> None:
    assert administrator.get(f"/campaigns/1/report?{asked}").status == 200


def test_a_campaign_that_nobody_has_seen_has_a_report_too(
    administrator: Browser, database: Database, town: Town
) -> None:
    with database.transaction() as db:
        factories.make_campaign(db, organisation=db.get_one(Organisation, town.organisation))

    assert "Aucun affichage" in administrator.get("/campaigns/2/report").text
    assert administrator.get("/campaigns/2/report.pdf").status == 200


def test_the_csv_file_has_a_row_for_each_day_and_site_and_no_formula(administrator: Browser) -> None:
    head, first, *rest = rows(administrator, "/campaigns/1/report.csv")

    assert head == ["Jour", "Site", "Annonce", "Affichages", "Vues complètes", "Clics"]
    assert first == ["2026-03-01", "'=Place;du Marché", "Ce soir", "20", "15", "3"]
    assert len(rest) == 9


@pytest.mark.parametrize("cell", ["=1+1", "+33 1", "-2", "@SUM(A1)", "\t=1", " =1", "\r=1", "|x"])
def test_a_text_that_begins_like_a_formula_is_shown_as_it_stands(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Place", "1+1", 5, -5, ""])
def test_other_cells_stay_as_they_are(cell: str | int) -> None:
    assert harmless(cell) == cell


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["Publicité de Le Méandre", "Vues complètes par jour", "Aucun cookie", "=Place;du Marché", "75,0"]),
        ("en", ["Advertising by Le Méandre", "Completed views per day", "No cookie", "=Place;du Marché", "75.0"]),
    ],
)
def test_the_pdf_says_the_same_in_either_language(administrator: Browser, language: str, words: list[str]) -> None:
    answer = administrator.get(f"/campaigns/1/report.pdf?language={language}").response

    assert answer.mimetype == "application/pdf"
    pdf = pypdfium2.PdfDocument(answer.get_data())
    said = " ".join(page.get_textpage().get_text_bounded() for page in pdf)
    assert [each for each in words if each not in said] == []
    assert pdf.is_tagged()


def rows(browser: Browser, path: str) -> list[list[str]]:
    text = browser.get(path).response.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))
