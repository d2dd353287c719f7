"""The voucher's whole way: made by a librarian, printed, scanned by a telephone, used once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import expect

from hotspot.policy.voucher_codes import print_code
from hotspot.values import RefusalReason
from parvis.demo_files import LIBRARIAN
from tests.journeys.conftest import OpenBrowser
from tests.journeys.town import Town
from tests.journeys.visitor import CONNECT, Desk, Visitor

COUNT = 3
DOTS_PER_POINT = 4


@pytest.fixture
def librarian(town: Town, open_browser: OpenBrowser) -> Desk:
    desk = Desk(open_browser().new_page(), town)
    desk.sign_in(LIBRARIAN, town.demo["staff"]["password"])
    return desk


def make_batch(desk: Desk, sheet: Path, *, paper: str = "3x8", language: str = "fr", second: str = "") -> None:
    desk.open("/vouchers/new")
    desk.page.locator("[name=count]").fill(str(COUNT))
    desk.page.locator("[name=sheet]").select_option(paper)
    desk.page.locator("[name=paper_language]").select_option(language)
    desk.page.locator("[name=second_language]").select_option(second)
    desk.page.locator("[name=label]").fill("Atelier")
    desk.page.locator("form.card button.primary").click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(re.compile("Atelier"))
    with desk.page.expect_download() as download:
        desk.page.locator("form[action$='sheet.pdf'] button").click()
    download.value.save_as(sheet)


def qr_codes(sheet: Path) -> Iterator[str]:
    """As a telephone reads them from the paper."""
    document = pypdfium2.PdfDocument(sheet)
    for page in document:
        picture = page.render(scale=DOTS_PER_POINT).to_pil()
        yield from (each.text for each in zxingcpp.read_barcodes(picture))
    document.close()


def test_made_printed_scanned_and_used_once(
    librarian: Desk, new_visitor: Callable[..., Visitor], town: Town, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.pdf"
    make_batch(librarian, sheet)
    scanned = list(qr_codes(sheet))
    assert "WIFI:T:nopass;S:Wifi Val de Loue;;" in scanned
    opening = [text for text in scanned if text.startswith(town.portal)]
    assert len(set(opening)) == COUNT

    code = opening[0].rpartition("/")[2]
    first = new_visitor()
    first.arrive()
    first.sign_in_by_voucher(code)
    first.expect_online()
    first.expect_pretend_internet()
    librarian.page.reload()
    expect(librarian.page.locator("td .state").get_by_text("Utilisé", exact=True)).to_have_count(1)

    second = new_visitor()
    second.arrive()
    second.sign_in_by_voucher(code)
    second.expect_refusal(RefusalReason.VOUCHER_USED)


@pytest.mark.parametrize(("paper", "languages"), [("2x5", ("fr", "de")), ("58mm", ("ar", ""))], ids=["a4", "roll"])
def test_one_scan_then_one_tap(
    librarian: Desk,
    new_visitor: Callable[..., Visitor],
    tmp_path: Path,
    paper: str,
    languages: tuple[str, str],
) -> None:
    sheet = tmp_path / "sheet.pdf"
    make_batch(librarian, sheet, paper=paper, language=languages[0], second=languages[1])
    join, address = sorted(set(qr_codes(sheet)))[:2]
    assert join == "WIFI:T:nopass;S:Wifi Val de Loue;;"

    phone = new_visitor()
    phone.page.goto(address)
    expect(phone.page).to_have_url(re.compile(r"/hotspot\?"))
    expect(phone.page.get_by_label("Code", exact=True)).to_have_value(print_code(address.rpartition("/")[2]))
    phone.page.get_by_role("button", name=CONNECT).first.click()
    phone.expect_online()
    phone.expect_pretend_internet()


def test_a_voucher_made_void_opens_nothing(
    librarian: Desk, new_visitor: Callable[..., Visitor], tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.pdf"
    make_batch(librarian, sheet)
    code = next(text for text in qr_codes(sheet) if text.startswith("http")).rpartition("/")[2]
    librarian.page.locator("a[href$='/void']").last.click()
    librarian.page.locator("main form button").first.click()
    visitor = new_visitor()
    visitor.arrive()
    visitor.sign_in_by_voucher(code)
    visitor.expect_refusal(RefusalReason.VOUCHER_VOID)
