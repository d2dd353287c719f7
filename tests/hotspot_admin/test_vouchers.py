"""Vouchers in the staff application: two clicks to a printed pass, batches, paper, taking back; for one's own sites."""

import logging
import re
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import func, select

from hotspot.db import Database
from hotspot.models import AuditEntry, Grant, Voucher, VoucherBatch
from hotspot.policy.voucher_codes import print_code
from hotspot.sealing import Vault
from hotspot.values import Way
from tests import factories
from tests.hotspot_admin.conftest import LIBRARIAN, Browser, Clock, Town
from tests.page_client import Page


@pytest.fixture(autouse=True)
def offers(database: Database, town: Town) -> None:
    """Day passes at the library, two-hour vouchers at the square."""
    with database.transaction() as db:
        from hotspot.models import Site

        library, square = db.get_one(Site, town.library), db.get_one(Site, town.square)
        factories.make_offer(db, site=library, way=Way.VOUCHER, name="Pass du jour", visit_time=None)
        factories.make_offer(db, site=square, way=Way.VOUCHER, name="Deux heures")


def made(browser: Browser, **typed: Any) -> Page:
    page = browser.get("/vouchers/new")
    return browser.submit(page.form("/vouchers/new"), **typed)


def a_batch(database: Database, browser: Browser, count: int = 3) -> int:
    assert made(browser, count=str(count), label="Atelier").status == 303
    with database.reading() as db:
        return db.scalars(select(VoucherBatch.id).order_by(VoucherBatch.id.desc())).first() or 0


def codes_of(database: Database, vault: Vault, batch_id: int) -> list[str]:
    with database.reading() as db:
        sealed = db.scalars(select(Voucher.code_sealed).where(Voucher.batch_id == batch_id).order_by(Voucher.id)).all()
    return [vault.open(each) for each in sealed]


def scanned(page: Page) -> set[str]:
    assert (page.status, page.response.mimetype) == (200, "application/pdf")
    document = pypdfium2.PdfDocument(page.response.get_data())
    image = document[0].render(scale=300 / 72).to_pil()
    return {found.text for found in zxingcpp.read_barcodes(image)}


def test_a_day_pass_is_two_clicks_from_home(database: Database, librarian: Browser, vault: Vault, clock: Clock) -> None:
    home = librarian.get("/")
    page = librarian.get(next(a["href"] for a in home.root.all("a", class_="task") if a["href"].endswith("day-pass")))
    sheet = librarian.follow(librarian.submit(page.form("/vouchers/day-pass")))

    with database.reading() as db:
        batch = db.scalars(select(VoucherBatch)).one()
    (code,) = codes_of(database, vault, batch.id)
    assert scanned(sheet) == {"WIFI:T:nopass;S:Town Wi-Fi;;", f"http://localhost:8080/v/{code}"}
    assert (batch.size, batch.expires_at) == (1, clock.now.replace(hour=23))  # midnight in Paris


def test_a_sheet_is_a_download_that_nobody_keeps(database: Database, librarian: Browser) -> None:
    batch_id = a_batch(database, librarian)

    sheet = librarian.get(f"/vouchers/{batch_id}/sheet.pdf")

    assert sheet.headers["Content-Disposition"] == f'attachment; filename="wifi-{batch_id}.pdf"'
    assert sheet.headers["Cache-Control"] == "no-store"


def test_a_batch_is_made_as_typed_and_leads_to_its_sheet(database: Database, librarian: Browser, vault: Vault) -> None:
    answer = made(librarian, count="12", label="Atelier", expires_on="2026-04-30", sheet="2x5", paper_language="en")
    page = librarian.follow(answer)
    form = page.form(page.path.partition("?")[0] + "/sheet.pdf")

    with database.reading() as db:
        batch = db.scalars(select(VoucherBatch)).one()
    assert (batch.size, batch.label, batch.expires_at.isoformat()) == (12, "Atelier", "2026-04-30T22:00:00+00:00")
    assert form.fields == {"sheet": "2x5", "language": "en", "second": ""}
    sheet = librarian.submit(form)
    pages = pypdfium2.PdfDocument(sheet.response.get_data())
    assert len(pages) == 2
    assert "First use by 30 April 2026." in re.sub(r"\s+", " ", pages[0].get_textpage().get_text_bounded())


@pytest.mark.parametrize(
    "typed",
    [
        {"count": "0"},
        {"count": "201"},
        {"count": "many"},
        {"count": ""},
        {"label": "x" * 201},
        {"expires_on": "2026-03-09"},
        {"expires_on": "2040-01-01"},
        {"expires_on": "soon"},
        {"kind": "1-999"},
        {"sheet": "9x9"},
        {"paper_language": "xx"},
    ],
    ids=str,
)
def test_what_cannot_be_made_comes_back_with_the_error_beside_it(
    database: Database, librarian: Browser, typed: dict[str, str]
) -> None:
    page = made(librarian, **typed)

    assert page.status == 422
    assert page.root.all(class_="error")
    with database.reading() as db:
        assert db.scalar(select(func.count(VoucherBatch.id))) == 0


def test_a_librarian_makes_vouchers_for_own_sites_only(librarian: Browser, administrator: Browser) -> None:
    def offered(browser: Browser) -> list[str]:
        return [each.text for each in browser.get("/vouchers/new").root.one("select", name="kind").all("option")]

    assert offered(librarian) == ["Pass du jour"]
    assert offered(administrator) == ["Pass du jour · Médiathèque", "Deux heures · Place du Marché"]


def test_a_town_without_such_an_offer_is_told(stranger: Browser) -> None:
    for path in ("/vouchers", "/vouchers/new", "/vouchers/day-pass"):
        assert "Aucun de vos sites n’a d’offre" in stranger.get(path).text


@pytest.mark.parametrize("path", ["/vouchers/{}", "/vouchers/{}/sheet.pdf", "/vouchers/{}/void", "/vouchers/{}/1/void"])
def test_another_sites_batch_is_not_there(database: Database, librarian: Browser, stranger: Browser, path: str) -> None:
    batch_id = a_batch(database, librarian)

    assert librarian.get(path.format(batch_id)).status == 200
    assert stranger.get(path.format(batch_id)).status == 404


def test_anonymous_people_get_no_sheet(database: Database, librarian: Browser, anonymous: Browser) -> None:
    batch_id = a_batch(database, librarian)

    assert anonymous.get(f"/vouchers/{batch_id}/sheet.pdf").location.startswith("/sign-in")


def test_one_voucher_is_voided_after_a_question(
    database: Database, librarian: Browser, vault: Vault, clock: Clock
) -> None:
    batch_id = a_batch(database, librarian)
    with database.transaction() as db:
        batch = db.get_one(VoucherBatch, batch_id)
        factories.make_grant(db, offer=batch.offer, voucher=batch.vouchers[1])
    clock.now += timedelta(minutes=1)

    question = librarian.get(f"/vouchers/{batch_id}/2/void")
    page = librarian.follow(librarian.submit(question.form("")))

    states = [row.all("td")[0].text for row in page.root.one("tbody").all("tr")]
    assert states == ["Pas encore utilisé", "Invalidé", "Pas encore utilisé"]
    with database.reading() as db:
        assert db.scalars(select(Grant.ends_at)).one() == clock.now
    codes = codes_of(database, vault, batch_id)
    assert scanned(librarian.get(f"/vouchers/{batch_id}/sheet.pdf")).isdisjoint({f"http://localhost:8080/v/{codes[1]}"})


def test_a_whole_batch_is_voided_after_a_question(database: Database, librarian: Browser) -> None:
    batch_id = a_batch(database, librarian)

    question = librarian.get(f"/vouchers/{batch_id}/void")
    page = librarian.follow(librarian.submit(question.form("")))

    assert "3 tickets" in question.text
    assert "3 tickets sont maintenant invalidés" in page.text
    assert librarian.get(f"/vouchers/{batch_id}/sheet.pdf").status == 409
    assert not librarian.get(f"/vouchers/{batch_id}/void").root.all("button", class_="danger")


def test_a_number_that_does_not_exist_is_not_found(database: Database, librarian: Browser) -> None:
    batch_id = a_batch(database, librarian)

    assert librarian.get(f"/vouchers/{batch_id}/4/void").status == 404


def test_the_list_counts_what_became_of_each_batch(database: Database, librarian: Browser) -> None:
    batch_id = a_batch(database, librarian, count=5)
    librarian.submit(librarian.get(f"/vouchers/{batch_id}/1/void").form(""))

    row = librarian.get("/vouchers").root.one("tbody").one("tr")

    assert [cell.text for cell in row.all("td", class_="number")] == ["4", "0", "1"]


def test_an_expired_batch_offers_no_sheet(database: Database, librarian: Browser, clock: Clock) -> None:
    batch_id = a_batch(database, librarian)
    with database.transaction() as db:
        clock.now = db.get_one(VoucherBatch, batch_id).expires_at
    librarian.sign_in(LIBRARIAN)

    assert "a expiré" in librarian.get(f"/vouchers/{batch_id}").text
    assert librarian.get(f"/vouchers/{batch_id}/sheet.pdf").status == 409


def test_a_code_is_on_the_paper_and_nowhere_else(
    database: Database,
    librarian: Browser,
    vault: Vault,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    batch_id = a_batch(database, librarian)
    pages = [
        librarian.get(f"/vouchers{path}") for path in ("", f"/{batch_id}", f"/{batch_id}/void", f"/{batch_id}/1/void")
    ]
    librarian.get(f"/vouchers/{batch_id}/sheet.pdf")
    voided = librarian.submit(librarian.get(f"/vouchers/{batch_id}/void").form(""))
    day_pass = librarian.submit(librarian.get("/vouchers/day-pass").form("/vouchers/day-pass"))

    with database.reading() as db:
        entries = db.scalars(select(AuditEntry)).all()
    audit = " ".join(f"{entry.subject} {entry.facts}" for entry in entries)
    seen = "".join(page.html for page in pages) + voided.location + day_pass.location
    written = seen + audit + caplog.text + "".join(capsys.readouterr())
    assert {"voucher_batch.created", "voucher_batch.printed", "voucher_batch.voided"} <= {it.action for it in entries}
    for code in codes_of(database, vault, batch_id):
        assert code not in written
        assert print_code(code) not in written
