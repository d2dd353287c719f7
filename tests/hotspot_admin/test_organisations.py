"""The pages of organisations, and of their terms of use."""

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import Organisation, Terms
from tests import factories
from tests.hotspot_admin.conftest import Browser, Town
from tests.page_client import Page


def errors(page: Page) -> list[str]:
    return [each.text for each in page.root.all("p", class_="error")]


def texts(database: Database, organisation_id: int) -> list[tuple[int, str, str]]:
    with database.reading() as db:
        rows = db.scalars(select(Terms).where(Terms.organisation_id == organisation_id).order_by(Terms.id))
        return [(each.version, each.language, each.text) for each in rows]


def test_an_organisation_is_added_below_ones_own(administrator: Browser, database: Database, town: Town) -> None:
    form = administrator.get("/organisations/new").form("/organisations/new")

    answer = administrator.submit(form, name="Hameau", contact="mairie@hameau.test", parent_id=str(town.district))

    page = administrator.follow(answer)
    rows = [each.text for each in page.root.one("tbody").all("th")]
    assert rows == ["Parvis-sur-Loue", "– Quartier des Prés", "– – Hameau"]
    with database.reading() as db:
        assert db.scalars(select(Organisation).filter_by(name="Hameau")).one().parent_id == town.district


def test_name_and_contact_are_changed(administrator: Browser, town: Town) -> None:
    path = f"/organisations/{town.district}"
    administrator.submit(administrator.get(path).form(path), name="Les Prés", contact="pres@ville.test")
    listed = administrator.get("/organisations").text
    assert "Les Prés" in listed
    assert "pres@ville.test" in listed
    assert "Fait partie de Parvis-sur-Loue" in administrator.get(path).text


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ({"name": ""}, 422, "Ce champ ne peut pas rester vide."),
        ({"name": "x" * 201}, 422, "C’est trop long."),
        ({"name": "a\u202eb"}, 422, "Il y a un caractère invisible dans ce texte. Saisissez-le de nouveau."),
        ({"name": "Autre-Ville"}, 409, "Il y a déjà une collectivité de ce nom."),
        ({"contact": "x" * 201}, 422, "C’est trop long."),
        ({"parent_id": "elsewhere"}, 422, "Choisissez"),
        ({"parent_id": "9" * 30}, 422, "Choisissez"),
    ],
    ids=str,
)
def test_a_mistake_is_told_beside_its_field(
    administrator: Browser, database: Database, town: Town, typed: dict[str, str], status: int, says: str
) -> None:
    form = administrator.get("/organisations/new").form("/organisations/new")
    answer = administrator.submit(form, **{"name": "Hameau", **typed})
    assert answer.status == status
    assert any(says in error for error in errors(answer)), errors(answer)
    with database.reading() as db:
        assert len(db.scalars(select(Organisation)).all()) == 3


def test_an_organisation_beside_ones_own_is_made_by_nobody(
    administrator: Browser, database: Database, town: Town
) -> None:
    fields = administrator.get("/organisations/new").form("/organisations/new").fields
    answer = administrator.post("/organisations/new", fields | {"name": "X", "parent_id": str(town.elsewhere)})
    assert answer.status == 422


def test_terms_are_looked_at_and_then_published(administrator: Browser, database: Database, town: Town) -> None:
    path = f"/organisations/{town.organisation}/terms"
    typed = "Soyez raisonnable.\r\n\r\n<b>Merci</b>."

    look = administrator.submit(administrator.get(path).form(path), fr=typed, en="Be kind.")

    preview = look.root.all("section", id="preview")[0]
    assert [each.text for each in preview.all("h3")] == ["Français", "English"]
    assert {"Soyez raisonnable.", "<b>Merci</b>.", "Be kind."} <= {each.text for each in preview.all("p")}
    assert texts(database, town.organisation) == []

    answer = administrator.submit(look.form(path, publish="1"))

    assert "La version 1 des conditions est désormais en vigueur." in administrator.follow(answer).text
    assert texts(database, town.organisation) == [
        (1, "fr", "Soyez raisonnable.\n\n<b>Merci</b>."),
        (1, "en", "Be kind."),
    ]
    assert "celles de Parvis-sur-Loue" in administrator.get("/organisations").text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"fr": "", "en": ""}, "Écrivez les conditions dans une langue au moins."),
        ({"fr": "   "}, "Écrivez les conditions dans une langue au moins."),
        ({"fr": "x" * 50_001}, "C’est trop long."),
        ({"fr": "a\x00b"}, "caractère invisible"),
        ({"en": "a\u202eb"}, "caractère invisible"),
    ],
    ids=["empty", "spaces", "huge", "nul", "right to left"],
)
def test_wrong_terms_are_told_and_not_published(
    administrator: Browser, database: Database, town: Town, typed: dict[str, str], says: str
) -> None:
    path = f"/organisations/{town.organisation}/terms"
    fields = administrator.get(path).form(path).fields
    answer = administrator.post(path, fields | {"publish": "1"} | typed)
    assert answer.status == 422
    assert any(says in error for error in errors(answer)), errors(answer)
    assert texts(database, town.organisation) == []


@pytest.mark.parametrize("seen", ["", "0", "-1", "x", "1" * 30, "²"])
def test_terms_that_somebody_published_meanwhile_are_not_passed_over(
    administrator: Browser, database: Database, town: Town, seen: str
) -> None:
    path = f"/organisations/{town.organisation}/terms"
    with database.transaction() as db:
        factories.make_terms(db, organisation=db.get_one(Organisation, town.organisation), version=1, text="One.")
    fields = administrator.get(path).form(path).fields
    answer = administrator.post(path, fields | {"publish": "1", "fr": "Two.", "seen": seen})
    assert answer.status == 409
    assert "Quelqu’un a publié d’autres conditions" in answer.text
    assert [version for version, *_ in texts(database, town.organisation)] == [1]


def test_another_towns_organisation_is_not_there(stranger: Browser, database: Database, town: Town) -> None:
    for path in (f"/organisations/{town.organisation}", f"/organisations/{town.organisation}/terms"):
        assert stranger.get(path).status == 404
        assert stranger.post_bare(path, {"name": "Mine", "fr": "Mine.", "publish": "1"}).status == 404
    assert "Parvis-sur-Loue" not in stranger.get("/organisations").text
    assert texts(database, town.organisation) == []


def test_a_librarian_has_none_of_these_pages(librarian: Browser, town: Town) -> None:
    for path in ("/organisations", "/organisations/new", f"/organisations/{town.organisation}/terms"):
        assert librarian.get(path).status == 403
