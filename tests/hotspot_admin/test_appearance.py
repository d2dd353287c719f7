"""An organisation's colour and logo in the staff application: set, seen, inherited, removed; and for whom."""

import io
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from hotspot.db import Database
from hotspot.models import AuditEntry, Organisation
from hotspot.printing.look import look_of
from tests.hotspot.pictures import a_picture
from tests.hotspot_admin.conftest import Browser, Town

pytestmark = pytest.mark.integration


def a_file(contents: bytes, name: str = "logo.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(contents), name


def test_the_page_is_that_of_ones_own_organisation(administrator: Browser, town: Town) -> None:
    assert administrator.get("/appearance").location.endswith(f"/appearance/{town.organisation}")


def test_colour_and_logo_are_kept_and_noted(database: Database, administrator: Browser, town: Town) -> None:
    page = administrator.get(f"/appearance/{town.organisation}")
    answer = administrator.submit(page.form(""), colour="#C8102E", logo=a_file(a_picture()))

    assert answer.status == 303
    assert "L’apparence est enregistrée." in administrator.follow(answer).text
    with database.reading() as db:
        organisation = db.get_one(Organisation, town.organisation)
        assert organisation.colour == "#c8102e"
        assert organisation.logo is not None
        assert organisation.logo.startswith(b"\x89PNG")
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "organisation.appearance_changed")).one()
    assert entry.facts == {"colour": ["", "#c8102e"], "logo": "changed"}


def test_what_is_below_takes_them_over_until_it_has_its_own(
    database: Database, administrator: Browser, town: Town
) -> None:
    page = administrator.get(f"/appearance/{town.organisation}")
    administrator.submit(page.form(""), colour="#c8102e", logo=a_file(a_picture()))
    below = administrator.get(f"/appearance/{town.district}")

    assert "Reprise de Parvis-sur-Loue" in below.text.replace("\xa0", " ")
    assert "Le logo est repris de Parvis-sur-Loue." in below.text
    administrator.submit(below.form(""), colour="#0b5c60")
    with database.reading() as db:
        look = look_of(db.get_one(Organisation, town.district))
        above = look_of(db.get_one(Organisation, town.organisation))
    assert (look.colour, look.logo) == ("#0b5c60", above.logo)


def test_a_logo_can_be_taken_away_again(database: Database, administrator: Browser, town: Town) -> None:
    page = administrator.get(f"/appearance/{town.organisation}")
    administrator.submit(page.form(""), logo=a_file(a_picture()))

    page = administrator.get(f"/appearance/{town.organisation}")
    answer = administrator.submit(page.form(f"/appearance/{town.organisation}/remove-logo"))

    assert "Le logo a été retiré." in administrator.follow(answer).text
    with database.reading() as db:
        assert db.get_one(Organisation, town.organisation).logo is None


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"colour": "rouge"}, "Une couleur s’écrit"),
        ({"logo": a_file(b"no picture")}, "n’est pas une image lisible"),
        ({"logo": a_file(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "x.svg")}, "<script>"),
        ({"colour": "#c8102e", "logo": a_file(b"")}, "Choisissez un fichier"),
    ],
    ids=["colour", "no picture", "script", "empty"],
)
def test_what_cannot_be_kept_comes_back_with_the_error_beside_it(
    database: Database, administrator: Browser, town: Town, typed: dict[str, Any], error: str
) -> None:
    page = administrator.get(f"/appearance/{town.organisation}")
    answer = administrator.submit(page.form(""), **typed)

    assert answer.status == 422
    assert error in answer.root.one("p", class_="error").text.replace("\xa0", " ")
    with database.reading() as db:
        assert db.get_one(Organisation, town.organisation).colour == ""


@pytest.mark.parametrize("paper", ["a6", "80mm"])
def test_a_voucher_is_shown_as_it_will_look(administrator: Browser, town: Town, paper: str) -> None:
    page = administrator.get(f"/appearance/{town.organisation}/{paper}.png")

    assert page.response.mimetype == "image/png"
    picture = Image.open(io.BytesIO(page.response.get_data()))
    assert picture.height > picture.width


def test_paper_of_another_kind_is_not_shown(administrator: Browser, town: Town) -> None:
    assert administrator.get(f"/appearance/{town.organisation}/a3.png").status == 404


@pytest.mark.parametrize("path", ["/appearance/{}", "/appearance/{}/a6.png", "/appearance?organisation={}"])
def test_another_towns_is_not_there(administrator: Browser, town: Town, path: str) -> None:
    page = administrator.get(path.format(town.elsewhere))
    if page.status == 303:
        page = administrator.follow(page)
    assert page.status == 404


def test_another_towns_cannot_be_changed(database: Database, administrator: Browser, town: Town) -> None:
    for path in (f"/appearance/{town.elsewhere}", f"/appearance/{town.elsewhere}/remove-logo"):
        assert administrator.post_bare(path, {"colour": "#c8102e"}).status == 404
    with database.reading() as db:
        assert db.get_one(Organisation, town.elsewhere).colour == ""


def test_a_librarian_has_no_such_page(librarian: Browser, town: Town) -> None:
    assert librarian.get(f"/appearance/{town.organisation}").status == 403
    assert "/appearance" not in librarian.get("/").html
