"""The desk: two clicks to a printed pass, what was done and undone, and the choices that it remembers."""

from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import func, select

from hotspot.db import Database
from hotspot.models import DeskAction, Grant, Site, Voucher, VoucherBatch
from hotspot.sealing import Vault
from hotspot.values import Way
from tests import factories
from tests.hotspot_admin.conftest import LIBRARIAN, Browser, Clock, Town
from tests.page_client import Page


@pytest.fixture(autouse=True)
def offers(database: Database, town: Town) -> None:
    """Day passes at the library, two-hour vouchers at the square."""
    with database.transaction() as db:
        library, square = db.get_one(Site, town.library), db.get_one(Site, town.square)
        factories.make_offer(db, site=library, way=Way.VOUCHER, name="Pass du jour", visit_time=None)
        factories.make_offer(db, site=square, way=Way.VOUCHER, name="Deux heures")


def printed(browser: Browser, **typed: Any) -> Page:
    return browser.submit(browser.get("/").form("/desk/print"), **typed)


def only_batch(database: Database) -> VoucherBatch:
    with database.reading() as db:
        return db.scalars(select(VoucherBatch)).one()


def used(database: Database, clock: Clock, *, hours: int = 2) -> None:
    """The one pass there is: somebody is online with it."""
    with database.transaction() as db:
        voucher = db.scalars(select(Voucher)).one()
        voucher.redeemed_at, voucher.ends_at = clock.now, clock.now + timedelta(hours=hours)
        grant = factories.make_grant(db, offer=voucher.batch.offer, voucher=voucher, ends_at=voucher.ends_at)
        factories.make_wifi_session(db, grant=grant)


def grant_end(database: Database) -> Any:
    with database.reading() as db:
        return db.scalars(select(Grant.ends_at)).one()


def test_the_desk_is_a_librarians_first_page_and_asks_first(librarian: Browser, administrator: Browser) -> None:
    page = librarian.get("/")
    assert page.h1 == "Guichet"
    assert "autofocus" in page.root.one("input", name="asked").attributes
    current = [link.text for link in page.root.one("nav").all("a") if link.get("aria-current")]
    assert current == ["Guichet"]
    assert "Accueil" not in page.root.one("nav").text
    assert administrator.get(administrator.get("/").link("Guichet")).h1 == "Guichet"


def test_whether_a_desks_own_site_is_open_is_said(
    librarian: Browser, administrator: Browser, database: Database
) -> None:
    assert "Médiathèque Ouvert jour et nuit" in librarian.get("/").text
    assert "Maison des Prés" in administrator.get("/desk").root.one("ul", class_="openings").text
    with database.transaction() as db:
        commune = db.scalars(select(Site)).first()
        assert commune is not None
        for _ in range(3):
            factories.make_site(db, organisation=commune.organisation)
    assert "Maison des Prés" not in administrator.get("/desk").root.one("ul", class_="openings").text


def test_a_day_pass_is_one_button_on_the_first_page(
    database: Database, librarian: Browser, vault: Vault, clock: Clock
) -> None:
    sheet = librarian.follow(printed(librarian))

    batch = only_batch(database)
    with database.reading() as db:
        code = vault.open(db.scalars(select(Voucher.code_sealed)).one())
    assert (sheet.status, sheet.response.mimetype) == (200, "application/pdf")
    assert sheet.headers["Content-Disposition"] == f'inline; filename="wifi-{batch.id}.pdf"'
    assert sheet.headers["Cache-Control"] == "no-store"
    picture = pypdfium2.PdfDocument(sheet.response.get_data())[0].render(scale=300 / 72).to_pil()
    found = {each.text for each in zxingcpp.read_barcodes(picture)}
    assert found == {"WIFI:T:nopass;S:Town Wi-Fi;;", f"http://localhost:8080/v/{code}"}
    assert (batch.size, batch.label, batch.valid_for, batch.until, batch.devices) == (1, "", None, None, None)
    assert batch.expires_at == clock.now.replace(hour=23)  # midnight in Paris


def test_passes_are_made_as_asked(database: Database, librarian: Browser) -> None:
    wanted = {"label": "Atelier", "hours": "3", "count": "12", "devices": "2", "expires_on": "2026-03-20"}
    assert librarian.follow(printed(librarian, **wanted)).status == 200
    batch = only_batch(database)
    assert (batch.size, batch.label, batch.valid_for, batch.devices) == (12, "Atelier", timedelta(hours=3), 2)
    assert batch.expires_at.isoformat() == "2026-03-20T23:00:00+00:00"


def test_a_pass_until_a_day_may_be_begun_on_any_day_before(database: Database, librarian: Browser) -> None:
    printed(librarian, until="2026-03-31")
    batch = only_batch(database)
    assert batch.until == batch.expires_at
    assert batch.until is not None
    assert batch.until.isoformat() == "2026-03-31T22:00:00+00:00"  # summer has come


@pytest.mark.parametrize(
    "typed",
    [
        {"hours": "0"},
        {"hours": "721"},
        {"hours": "a while"},
        {"until": "2026-03-09"},
        {"until": "2036-01-01"},
        {"until": "one day"},
        {"hours": "3", "until": "2026-03-31"},
        {"count": "0"},
        {"count": "201"},
        {"count": ""},
        {"devices": "0"},
        {"devices": "21"},
        {"label": "x" * 201},
        {"label": "a\x07b"},
        {"kind": "1-999"},
        {"sheet": "9x9"},
        {"paper_language": "xx"},
        {"expires_on": "2026-03-09"},
    ],
    ids=str,
)
def test_what_cannot_be_printed_comes_back_with_the_error_beside_it(
    database: Database, librarian: Browser, typed: dict[str, str]
) -> None:
    page = printed(librarian, **typed)
    assert page.status == 422
    assert page.root.all(class_="error")
    assert "autofocus" not in page.root.one("input", name="asked").attributes
    with database.reading() as db:
        assert db.scalar(select(func.count(VoucherBatch.id))) == 0


def test_the_desk_remembers_the_last_choice_of_each_person(
    administrator: Browser, librarian: Browser, town: Town
) -> None:
    square = next(
        option["value"]
        for option in administrator.get("/desk").root.one("select", name="kind").all("option")
        if "Place du Marché" in option.text
    )
    form = administrator.get("/desk").form("/desk/print")
    administrator.submit(form, kind=square, sheet="3x8", paper_language="en", count="2", label="Atelier")
    fields = administrator.get("/desk").form("/desk/print").fields
    assert (fields["kind"], fields["sheet"], fields["paper_language"]) == (square, "3x8", "en")
    assert (fields["count"], fields["label"]) == ("1", "")


@pytest.mark.parametrize("cookie", ["", "|", "1-1|9x9|xx", "x" * 3000, "é|è|à", "1-1|3x8"])
def test_a_cookie_that_says_nonsense_is_as_good_as_none(librarian: Browser, database: Database, cookie: str) -> None:
    with database.reading() as db:
        staff_id = db.scalar(select(factories.StaffMember.id).where(factories.StaffMember.email == LIBRARIAN))
    librarian.client.set_cookie(f"parvis_desk_{staff_id}", cookie)
    page = librarian.get("/")
    assert page.status == 200
    assert librarian.follow(printed(librarian)).status == 200


def test_what_was_printed_is_listed_with_its_buttons(database: Database, librarian: Browser, clock: Clock) -> None:
    printed(librarian, label="Madame Martin")
    used(database, clock)
    page = librarian.get("/")
    row = page.root.one("ul", class_="passes").one("li")
    for shown in ("Madame Martin", "Utilisé, valable jusqu’à 12:00", "1 appareil en ligne"):
        assert shown in row.text
    assert [each.text for each in row.all("button")] == ["Une heure de plus", "Invalider"]
    assert librarian.get(row.all("a", class_="button")[0]["href"]).response.mimetype == "application/pdf"


def test_one_more_hour_from_the_list_and_its_undoing(database: Database, librarian: Browser, clock: Clock) -> None:
    printed(librarian)
    used(database, clock)
    batch_id = only_batch(database).id
    page = librarian.get("/")
    done = librarian.follow(librarian.submit(page.form(f"/desk/voucher/{batch_id}/1/hour")))
    assert "Une heure de plus est donnée : jusqu’à 13:00." in done.text.replace("\xa0", " ")
    assert grant_end(database) == clock.now + timedelta(hours=3)

    twice = librarian.follow(librarian.submit(page.form(f"/desk/voucher/{batch_id}/1/hour")))
    assert "Cela a changé" in twice.text
    assert grant_end(database) == clock.now + timedelta(hours=3)

    with database.reading() as db:
        action_id = db.scalars(select(DeskAction.id).order_by(DeskAction.id.desc())).first()
    undone = librarian.follow(librarian.submit(done.form(f"/desk/undo/{action_id}")))
    assert "l’heure est reprise" in undone.text
    assert grant_end(database) == clock.now + timedelta(hours=2)
    again = librarian.follow(librarian.submit(done.form(f"/desk/undo/{action_id}")))
    assert "déjà annulé" in again.text


def test_a_void_pass_is_made_good_again(database: Database, librarian: Browser, clock: Clock) -> None:
    printed(librarian)
    used(database, clock)
    clock.now += timedelta(minutes=1)
    batch_id = only_batch(database).id
    done = librarian.follow(librarian.submit(librarian.get("/").form(f"/desk/voucher/{batch_id}/1/void")))
    assert "est maintenant invalidé" in done.text
    (undo, *_) = [each for each in done.root.all("form") if "/desk/undo/" in each.get("action")]
    undone = librarian.follow(librarian.submit(done.form(undo["action"])))
    assert "revient en un geste" in undone.text
    assert grant_end(database) == clock.now + timedelta(minutes=119)


def test_after_ten_minutes_there_is_no_button_and_an_old_one_says_why(
    database: Database, librarian: Browser, clock: Clock
) -> None:
    printed(librarian)
    page = librarian.get("/")
    clock.now += timedelta(minutes=10)
    (undo,) = [each for each in page.root.all("form") if "/desk/undo/" in each.get("action")]
    assert "plus de dix minutes" in librarian.follow(librarian.submit(page.form(undo["action"]))).text
    assert not [each for each in librarian.get("/").root.all("form") if "/desk/undo/" in each.get("action")]


def test_another_sites_passes_are_not_there(database: Database, librarian: Browser, stranger: Browser) -> None:
    printed(librarian)
    batch_id = only_batch(database).id
    with database.reading() as db:
        action_id = db.scalars(select(DeskAction.id)).one()
    assert stranger.get(f"/desk/{batch_id}.pdf").status == 404
    assert stranger.get(f"/desk/voucher/{batch_id}/1").status == 404
    for path in (f"voucher/{batch_id}/1/hour", f"voucher/{batch_id}/1/void", f"batch/{batch_id}/void"):
        assert stranger.post_bare(f"/desk/{path}").status == 404
    assert stranger.post_bare(f"/desk/undo/{action_id}").status == 404


def test_a_site_with_no_such_offer_is_told(stranger: Browser) -> None:
    assert "Aucun de vos sites n’a d’offre" in stranger.get("/desk").text


def test_a_way_back_leads_nowhere_else(database: Database, librarian: Browser) -> None:
    printed(librarian)
    batch_id = only_batch(database).id
    for back in ("//evil.test/desk", "https://evil.test/desk", "/audit", "", "/desk\\evil"):
        answer = librarian.post_bare(f"/desk/voucher/{batch_id}/1/hour", {"back": back})
        assert answer.location == f"/desk/voucher/{batch_id}/1"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Valable le jour de la première utilisation, jusqu’à la fermeture."),
        ({"hours": "3", "devices": "2"}, "Valable 3 heures dès la première utilisation. Pour 2 appareils à la fois."),
        ({"until": "2026-03-31"}, "Valable jusqu’au 31 mars 2026."),
    ],
)
def test_the_paper_says_how_long_it_is_good(librarian: Browser, typed: dict[str, str], said: str) -> None:
    pdf = pypdfium2.PdfDocument(librarian.follow(printed(librarian, **typed)).response.get_data())
    assert said in " ".join(pdf[0].get_textpage().get_text_bounded().replace("\xa0", " ").split())


def test_the_paper_may_have_two_languages_and_be_a_roll(librarian: Browser) -> None:
    page = librarian.follow(printed(librarian, sheet="80mm", paper_language="de", second_language="en"))
    text = pypdfium2.PdfDocument(page.response.get_data())[0].get_textpage().get_text_bounded()
    assert "Closing" in text or "closing" in text
    fields = librarian.get("/").form("/desk/print").fields
    assert (fields["sheet"], fields["paper_language"], fields["second_language"]) == ("80mm", "de", "en")
