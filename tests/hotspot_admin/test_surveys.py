"""A site's survey on the staff pages: its questions, open and closed, its results as they may be told; and for whom."""

import csv
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hotspot.db import Database
from hotspot.models import Survey, SurveyCount
from hotspot.policy.surveys import DEFAULTS, parse_questions, print_questions
from tests.hotspot_admin.conftest import ADMINISTRATOR, Browser, Clock, Town


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.fixture
def answered(database: Database, town: Town, clock: Clock) -> None:
    """Open since January; in February 47 answers, one group of them small; in March, which still runs, 9."""
    feb, march = date(2026, 2, 1), date(2026, 3, 1)
    counts = {
        (feb, 0): [20, 9, 6, 5, 4, 3],
        (feb, 1): [30, 10, 5, 5],
        (march, 0): [9, 0, 0, 0, 0, 0],
    }
    with database.transaction() as db:
        opened_at = datetime(2026, 1, 5, tzinfo=UTC)
        db.add(Survey(site_id=town.library, is_open=True, questions=print_questions(DEFAULTS), changed_at=opened_at))
        for (month, question), numbers in counts.items():
            for choice, answers in enumerate(numbers):
                key = {"site_id": town.library, "version": 1, "month": month, "question": question, "choice": choice}
                db.add(SurveyCount(**key, answers=answers))


def kept(database: Database, site_id: int) -> Survey | None:
    with database.reading() as db:
        return db.get(Survey, site_id)


def test_it_is_opened_with_the_questions_that_are_offered(
    administrator: Browser, database: Database, town: Town
) -> None:
    page = administrator.get(f"/surveys/{town.library}")
    assert "Ce qui serait demandé aux visiteurs" in page.text
    after = administrator.follow(administrator.submit(page.form(f"/surveys/{town.library}/open")))
    assert "Enquête ouverte" in after.text
    assert "une fois le mois terminé" in after.text
    survey = kept(database, town.library)
    assert survey is not None
    assert parse_questions(survey.questions) == DEFAULTS


def test_it_is_closed_again(administrator: Browser, database: Database, town: Town, answered: None) -> None:
    page = administrator.get(f"/surveys/{town.library}")
    after = administrator.follow(administrator.submit(page.form(f"/surveys/{town.library}/close")))
    assert "Enquête fermée" in after.text
    survey = kept(database, town.library)
    assert survey is not None
    assert not survey.is_open


def test_the_questions_are_changed_as_they_are_typed(administrator: Browser, database: Database, town: Town) -> None:
    page = administrator.get(f"/surveys/{town.library}/questions")
    typed: Mapping[str, Any] = {
        "first-fr": "Venez-vous souvent\N{NO-BREAK SPACE}?",
        "first-en": "",
        **{f"first-choices-{at}-{code}": "" for at in range(6) for code in ("fr", "en")},
        "first-choices-1-fr": "Oui",
        "first-choices-4-fr": "Non",
    }
    answer = administrator.submit(page.form(f"/surveys/{town.library}/questions"), **typed)
    assert answer.status == 303
    assert "Les questions sont enregistrées." in administrator.follow(answer).text
    survey = kept(database, town.library)
    assert survey is not None
    assert survey.questions[0] == {
        "text": {"fr": "Venez-vous souvent\N{NO-BREAK SPACE}?"},
        "choices": [{"fr": "Oui"}, {"fr": "Non"}],
    }
    assert survey.questions[1] == print_questions(DEFAULTS)[1]


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"second-fr": "", "second-en": ""}, "Écrivez la question"),
        ({f"second-choices-{at}-{code}": "" for at in range(1, 6) for code in ("fr", "en")}, "entre 2 et 6 réponses"),
        ({"second-choices-1-fr": "TRÈS satisfait"}, "Deux réponses disent la même chose."),
        ({"second-choices-1-en": "e" * 81}, "trop long"),
        ({"second-fr": "Pour\u202equoi"}, "caractère invisible"),
    ],
    ids=["no question", "one choice", "twice the same", "too long", "an order of writing"],
)
def test_what_is_no_survey_comes_back_with_what_is_wrong(
    administrator: Browser, database: Database, town: Town, typed: dict[str, str], error: str
) -> None:
    page = administrator.get(f"/surveys/{town.library}/questions")
    answer = administrator.submit(page.form(f"/surveys/{town.library}/questions"), **typed)
    assert answer.status == 422
    assert error in plain(answer.root.one("section", id="second").one("p", class_="error").text)
    assert answer.link("Seconde question") == "#second"
    assert kept(database, town.library) is None


def test_a_form_without_its_fields_is_refused(administrator: Browser, database: Database, town: Town) -> None:
    assert administrator.post_bare(f"/surveys/{town.library}/questions").status == 422
    assert kept(database, town.library) is None


def test_results_are_told_by_the_month_without_small_groups_and_sums_over_them(
    administrator: Browser, town: Town, answered: None
) -> None:
    page = administrator.get(f"/surveys/{town.library}")
    first, second = page.root.all("table", class_="bars")[:2]
    assert plain(first.one("tbody").text) == (
        "Étudier ou chercher une information 20 Travailler 9 Faire une démarche administrative 6 "
        "Garder le contact avec mes proches 5 Me divertir moins de 5 Autre chose moins de 5"
    )
    assert not first.all("tfoot")
    assert plain(second.one("tbody").text).startswith("Très satisfait 30 60 % Plutôt satisfait 10 20 %")
    assert "Total des réponses 50" in second.one("tfoot").text
    assert [each["width"] for each in first.all("rect")] == ["100.0", "45.0", "30.0", "25.0"]


def test_the_running_month_is_not_told(administrator: Browser, town: Town, answered: None, clock: Clock) -> None:
    months = administrator.get(f"/surveys/{town.library}").root.all("h3")
    assert [each.text for each in months if "2026" in each.text] == ["février 2026", "janvier 2026"]
    clock.now = datetime(2026, 4, 1, 12, tzinfo=UTC)
    administrator.sign_in(ADMINISTRATOR)
    months = administrator.get(f"/surveys/{town.library}").root.all("h3")
    assert [each.text for each in months if "2026" in each.text] == ["mars 2026", "février 2026", "janvier 2026"]


def test_the_csv_tells_the_same(administrator: Browser, town: Town, answered: None) -> None:
    answer = administrator.get(f"/surveys/{town.library}/results.csv")
    rows = list(csv.reader(answer.html.lstrip("\ufeff").splitlines(), delimiter=";"))
    assert rows[0] == ["Mois", "Question", "Réponse", "Nombre de réponses"]
    assert [row[3] for row in rows[1:11]] == ["20", "9", "6", "5", "moins de 5", "moins de 5", "30", "10", "5", "5"]
    assert {row[0] for row in rows[1:]} == {"2026-02", "2026-01"}
    assert len(rows) == 21
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_spreadsheet_finds_no_formula_in_the_csv(
    administrator: Browser, database: Database, town: Town, answered: None
) -> None:
    with database.transaction() as db:
        questions = print_questions(DEFAULTS)
        questions[0]["choices"][0]["fr"] = "=1+1"
        db.get_one(Survey, town.library).questions = questions
    assert ";'=1+1;" in administrator.get(f"/surveys/{town.library}/results.csv").html


def test_what_staff_wrote_is_shown_as_text(administrator: Browser, database: Database, town: Town) -> None:
    page = administrator.get(f"/surveys/{town.library}/questions")
    administrator.submit(page.form(f"/surveys/{town.library}/questions"), **{"first-fr": "<script>alert(1)</script>"})
    assert "<script>" not in administrator.get(f"/surveys/{town.library}").html


def test_all_sites_are_listed_with_their_state(administrator: Browser, town: Town, answered: None) -> None:
    page = administrator.get("/surveys")
    text = page.root.one("table").text
    assert "Médiathèque Enquête ouverte" in text
    assert "Place du Marché Jamais ouverte" in text
    assert page.link("Médiathèque") == f"/surveys/{town.library}"


def test_the_sites_pages_lead_there(administrator: Browser, librarian: Browser, town: Town) -> None:
    assert (
        administrator.get(f"/sites/{town.library}")
        .link("Enquête auprès des visiteurs")
        .endswith(f"/surveys/{town.library}")
    )
    assert librarian.get("/sites").link("Enquête") == f"/surveys/{town.library}"


def test_a_librarian_reads_the_results_of_their_own_sites_and_changes_nothing(
    librarian: Browser, database: Database, town: Town, answered: None
) -> None:
    page = librarian.get(f"/surveys/{town.library}")
    assert "février 2026" in page.text
    assert not [each for each in page.root.all("form") if "/surveys" in each.get("action")]
    assert librarian.get(f"/surveys/{town.library}/results.csv").status == 200
    assert librarian.get(f"/surveys/{town.square}").status == 404
    assert librarian.get(f"/surveys/{town.library}/questions").status == 403
    for what in ("open", "close", "questions"):
        assert librarian.post_bare(f"/surveys/{town.library}/{what}").status == 403
    survey = kept(database, town.library)
    assert survey is not None
    assert survey.is_open


def test_another_towns_is_not_there(stranger: Browser, database: Database, town: Town, answered: None) -> None:
    for path in ("", "/results.csv", "/questions"):
        assert stranger.get(f"/surveys/{town.library}{path}").status == 404
    for path in ("/open", "/close", "/questions"):
        assert stranger.post_bare(f"/surveys/{town.library}{path}").status == 404
    assert "Médiathèque" not in stranger.get("/surveys").text
    survey = kept(database, town.library)
    assert survey is not None
    assert (survey.is_open, survey.version) == (True, 1)


def test_it_is_in_the_audit_log_by_its_name(administrator: Browser, town: Town) -> None:
    administrator.post_bare(f"/surveys/{town.library}/open")
    assert "Enquête ouverte" in administrator.get("/audit").root.one("tbody").text


@pytest.mark.parametrize("site_id", ["0", "2147483648", "x", "99999999999999999999"])
def test_a_site_that_there_is_not_has_none(administrator: Browser, site_id: str) -> None:
    assert administrator.get(f"/surveys/{site_id}").status == 404
