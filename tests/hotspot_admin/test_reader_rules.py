"""Rules for readers on the staff pages: listed as sentences, moved, changed, tried."""

from typing import Any

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import Organisation, ReaderRule, Site
from hotspot.values import Way
from tests import factories
from tests.hotspot_admin.conftest import Browser, Town
from tests.hotspot_admin.library_pages import errors_of
from tests.page_client import Page


@pytest.fixture
def offer(database: Database, town: Town) -> int:
    with database.transaction() as db:
        site = db.get_one(Site, town.library)
        return factories.make_offer(db, site=site, name="Jeunes", way=Way.LIBRARY_CARD, by_rule_only=True).id


def a_rule(database: Database, organisation_id: int, **fields: Any) -> int:
    with database.transaction() as db:
        organisation = db.get_one(Organisation, organisation_id)
        return factories.make_reader_rule(db, organisation=organisation, **fields).id


def add(browser: Browser, town: Town, **typed: Any) -> Page:
    path = f"/reader-rules/of/{town.organisation}/new"
    return browser.submit(browser.get(path).form(path), **{"name": "Règle", **typed})


def imagine(browser: Browser, town: Town, **typed: Any) -> Page:
    page = browser.get(f"/reader-rules/of/{town.organisation}")
    return browser.submit(page.form(f"/reader-rules/of/{town.organisation}/try"), **typed)


def listed(page: Page) -> list[str]:
    return [each.one("strong").text for each in page.root.one("ol", class_="rules").all("li")[:-1]]


def the_rule(database: Database) -> ReaderRule:
    with database.reading() as db:
        return db.scalars(select(ReaderRule)).one()


def test_a_rule_is_added_and_reads_as_one_sentence(administrator: Browser, town: Town, offer: int) -> None:
    page = administrator.follow(add(administrator, town, categories="Jeune, Ado", age_below="15", owes_above="7,50"))
    assert (
        "Les lecteurs dont la catégorie est Ado ou Jeune, qui ont moins de 15 ans et qui doivent plus de 7,50 "
        "reçoivent «\xa0Jeunes\xa0»." in page.text
    )


def test_a_refusal_has_its_sentences(administrator: Browser, database: Database, town: Town) -> None:
    add(administrator, town, gives="refusal", sentence_fr="Voyez  l’accueil.\r\nMerci.", sentence_en="")
    assert the_rule(database).offer_id is None
    assert the_rule(database).sentences == {"fr": "Voyez l’accueil. Merci."}


def test_a_rule_is_shown_in_its_form_as_it_is(
    administrator: Browser, database: Database, town: Town, offer: int
) -> None:
    typed = {
        "categories": "Jeune, Ado",
        "home_libraries": "CAP",
        "age_from": "12",
        "age_below": "15",
        "owes_above": "10.50",
        "expired": "y",
        "blocks": "overdue",
        "gives": "offer",
        "offer_id": str(offer),
    }
    add(administrator, town, **typed)
    form = administrator.get(f"/reader-rules/{the_rule(database).id}").form(f"/reader-rules/{the_rule(database).id}")
    assert {name: form.fields.get(name) for name in typed} == typed


def test_a_rule_is_changed_and_that_is_told(administrator: Browser, database: Database, town: Town, offer: int) -> None:
    add(administrator, town, age_below="15")
    path = f"/reader-rules/{the_rule(database).id}"
    administrator.submit(administrator.get(path).form(path), age_below="16", categories="Jeune")
    assert (the_rule(database).age_below, the_rule(database).categories) == (16, ["Jeune"])
    log = administrator.get("/audit").text
    assert "15 → 16" in log
    assert "— → Jeune" in log


def test_rules_are_moved_and_removed(administrator: Browser, database: Database, town: Town) -> None:
    ids = [a_rule(database, town.organisation, name=name) for name in ("un", "deux", "trois")]
    path = f"/reader-rules/of/{town.organisation}"
    administrator.submit(administrator.get(path).form(f"/reader-rules/{ids[2]}/up"))
    assert listed(administrator.get(path)) == ["un", "trois", "deux"]
    administrator.submit(administrator.get(path).form(f"/reader-rules/{ids[0]}/down"))
    assert listed(administrator.get(path)) == ["trois", "un", "deux"]
    administrator.submit(administrator.get(path).form(f"/reader-rules/{ids[0]}/remove"))
    assert listed(administrator.get(path)) == ["trois", "deux"]
    assert administrator.post_bare(f"/reader-rules/{ids[0]}/up").status == 404


def test_the_first_has_no_way_up_and_the_last_none_down(administrator: Browser, database: Database, town: Town) -> None:
    rule_id = a_rule(database, town.organisation)
    actions = {each.get("action") for each in administrator.get("/reader-rules").root.all("form")}
    assert f"/reader-rules/{rule_id}/remove" in actions
    assert not actions & {f"/reader-rules/{rule_id}/up", f"/reader-rules/{rule_id}/down"}


def test_one_of_several_organisations_is_chosen(administrator: Browser, database: Database, town: Town) -> None:
    a_rule(database, town.district, name="Du quartier")
    assert listed(administrator.get("/reader-rules")) == []
    page = administrator.follow(administrator.get(f"/reader-rules?organisation={town.district}"))
    assert listed(page) == ["Du quartier"]


@pytest.mark.parametrize("number", ["-1", "0", "2147483648", "x", "9" * 5000])
def test_a_number_that_no_organisation_has_is_no_bug(administrator: Browser, number: str) -> None:
    assert administrator.get(f"/reader-rules?organisation={number}").status == 200


def test_a_rule_whose_offer_is_retired_is_pointed_out(
    administrator: Browser, database: Database, town: Town, offer: int
) -> None:
    a_rule(database, town.organisation, offer_id=offer)
    with database.transaction() as db:
        db.get_one(factories.Offer, offer).retired_at = factories.NOW
    assert "Cette offre est retirée" in administrator.get("/reader-rules").text
    assert "l’offre de cette règle est retirée" in imagine(administrator, town).text


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("name", "", "ne peut pas rester vide"),
        ("categories", "x" * 65, "Au plus 50 noms"),
        ("home_libraries", ",".join(map(str, range(51))), "Au plus 50 noms"),
        ("age_from", "-1", "entre 0 et 150 ans"),
        ("age_below", "9" * 5000, "entier"),
        ("age_below", "x", "entier"),
        ("owes_above", "ten", "Écrivez un montant"),
        ("owes_above", "NaN", "Écrivez un montant"),
        ("owes_above", "Infinity", "Écrivez un montant"),
        ("owes_above", "-1", "Écrivez un montant"),
        ("owes_above", "1.005", "Écrivez un montant"),
        ("owes_above", "1e999999999", "Écrivez un montant"),
        ("blocks", "witchcraft", "Choisissez"),
        ("gives", "gold", "Choisissez"),
        ("offer_id", "999999", "Choisissez"),
        ("offer_id", "", "Choisissez"),
        ("sentence_fr", "x" * 501, "C’est trop long"),
        ("sentence_fr", "a\u202eb", "invisible"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    administrator: Browser, database: Database, town: Town, offer: int, field: str, typed: str, says: str
) -> None:
    answer = add(administrator, town, **{field: typed})
    assert answer.status == 422
    assert any(says in each for each in errors_of(answer)), errors_of(answer)
    with database.reading() as db:
        assert db.scalars(select(ReaderRule)).all() == []


def test_an_age_that_nobody_has_is_told(administrator: Browser, town: Town, offer: int) -> None:
    answer = add(administrator, town, age_from="15", age_below="15")
    assert any("Personne n’a un tel âge" in each for each in errors_of(answer))


def test_markup_in_a_rule_is_text(administrator: Browser, town: Town) -> None:
    page = administrator.follow(
        add(administrator, town, name="<b>x</b>", gives="refusal", sentence_fr="<script>1</script>", categories="<i>")
    )
    assert "<script>" not in page.html
    assert "«\xa0<script>1</script>\xa0»" in page.text


# ---- a reader who does not exist ----


def test_it_is_told_which_rule_decides_about_somebody(
    administrator: Browser, database: Database, town: Town, offer: int
) -> None:
    a_rule(database, town.organisation, owes_above=10, sentences={"fr": "Passez à l’accueil."})
    a_rule(database, town.organisation, age_below=15, offer_id=offer)
    said = imagine(administrator, town, birth_year="2015").root.one("div", class_="notice").text
    assert said == "La règle 2 décide. Reçoit «\xa0Jeunes\xa0», par une règle."
    said = imagine(administrator, town, birth_year="2015", owes="10,01").root.one("div", class_="notice").text
    assert said == "La règle 1 décide. Refusé\xa0: «\xa0Passez à l’accueil.\xa0»"
    said = imagine(administrator, town, birth_year="1990").root.one("div", class_="notice").text
    assert said == "Aucune règle ne correspond. Reçoit l’offre de son choix."
    said = imagine(administrator, town, expires_on="2026-03-09").root.one("div", class_="notice").text
    assert "Votre carte de bibliothèque a expiré le 9 mars 2026." in said
    said = imagine(administrator, town, held_back_by="owes").root.one("div", class_="notice").text
    assert "une somme reste à payer" in said


def test_what_was_imagined_is_kept_nowhere(administrator: Browser, town: Town) -> None:
    imagine(administrator, town, category="Imaginaire")
    assert "Imaginaire" not in administrator.get(f"/reader-rules/of/{town.organisation}").html
    assert "Imaginaire" not in administrator.get("/audit").html


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("birth_year", "0"),
        ("birth_year", "99999"),
        ("expires_on", "31/31/31"),
        ("owes", "much"),
        ("held_back_by", "x"),
        ("category", "a\x00b"),
    ],
)
def test_nobody_can_be_imagined_so(administrator: Browser, town: Town, field: str, typed: str) -> None:
    assert imagine(administrator, town, **{field: typed}).status == 422


# ---- who may see what ----


def test_somebody_elses_rules_are_not_there(stranger: Browser, database: Database, town: Town) -> None:
    rule_id = a_rule(database, town.organisation, name="Règle secrète")
    of = f"/reader-rules/of/{town.organisation}"
    for path in (of, f"{of}/new", f"/reader-rules/{rule_id}"):
        assert stranger.get(path).status == 404
    for path in (f"{of}/new", f"{of}/try", *(f"/reader-rules/{rule_id}{end}" for end in ("", "/up", "/remove"))):
        assert stranger.post_bare(path, {"name": "Mine", "gives": "refusal"}).status == 404
    assert the_rule(database).name == "Règle secrète"


@pytest.mark.parametrize("path", ["/of/1/new", "/of/1/try", "/1", "/1/up", "/1/down", "/1/remove"])
def test_a_librarian_changes_nothing(librarian: Browser, path: str) -> None:
    assert librarian.get("/reader-rules").status == 403
    assert librarian.post_bare(f"/reader-rules{path}").status == 403
