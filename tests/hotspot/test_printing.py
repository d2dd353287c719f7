"""The sheet of vouchers as whoever prints it meets it: its pages drawn, its codes decoded, its text read out."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
import zxingcpp

from hotspot.policy.voucher_codes import make_code, print_code
from hotspot.printing.qr import qr_svg, wifi_join_text
from hotspot.printing.voucher_sheet import SheetFormat, VoucherSheet, draw_voucher_sheet, validity_in_words

pytestmark = pytest.mark.integration  # with the real typesetter and a real QR reader: seconds, not milliseconds

PORTAL = "https://wifi.parvis.test"
PER_PAGE = {SheetFormat.SMALL: 24, SheetFormat.LARGE: 10}


def codes(count: int) -> list[str]:
    return [make_code(Random(number).choice) for number in range(count)]


def a_sheet(**overrides: Any) -> VoucherSheet:
    fields: dict[str, Any] = {
        "site_name": "Médiathèque Robert-Desnos",
        "ssid": "Ville Wi-Fi",
        "organisation_name": "Parvis-sur-Loue",
        "batch_id": 12,
        "visit_time": None,
        "time_allowed": None,
        "devices_at_once": 1,
        "expires_at": datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/Paris")),
        "portal": PORTAL,
        "vouchers": list(enumerate(codes(3), 1)),
    }
    return VoucherSheet(**fields | overrides)


def drawn(sheet: VoucherSheet, sheet_format: SheetFormat = SheetFormat.SMALL, language: str = "fr") -> Any:
    return pypdfium2.PdfDocument(draw_voucher_sheet(sheet, sheet_format, language))


def text_of(document: Any) -> str:
    return "\n".join(page.get_textpage().get_text_bounded() for page in document).replace("\r", "")


def scanned(document: Any, page: int = 0, dpi: int = 300) -> list[str]:
    image = document[page].render(scale=dpi / 72).to_pil()
    return sorted(found.text for found in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode))


@pytest.mark.parametrize("sheet_format", list(SheetFormat))
@pytest.mark.parametrize("dpi", [200, 300])
def test_both_codes_of_every_voucher_are_read_from_the_drawn_page(sheet_format: SheetFormat, dpi: int) -> None:
    full = PER_PAGE[sheet_format]
    sheet = a_sheet(vouchers=list(enumerate(codes(full), 1)))

    document = drawn(sheet, sheet_format)

    join = ["WIFI:T:nopass;S:Ville Wi-Fi;;"] * full
    assert len(document) == 1
    assert scanned(document, dpi=dpi) == sorted([*join, *(f"{PORTAL}/v/{code}" for code in codes(full))])


@pytest.mark.parametrize("sheet_format", list(SheetFormat))
def test_one_voucher_more_than_a_page_holds_goes_on_the_next(sheet_format: SheetFormat) -> None:
    count = PER_PAGE[sheet_format] + 1

    document = drawn(a_sheet(vouchers=list(enumerate(codes(count), 1))), sheet_format)

    assert len(document) == 2
    assert scanned(document, page=1) == sorted(["WIFI:T:nopass;S:Ville Wi-Fi;;", f"{PORTAL}/v/{codes(count)[-1]}"])


def test_the_pages_are_a4() -> None:
    width, height = drawn(a_sheet())[0].get_size()

    assert (round(width * 25.4 / 72), round(height * 25.4 / 72)) == (210, 297)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            [
                "Médiathèque Robert-Desnos",
                "n° 12-3",
                "Réseau : Ville Wi-Fi",
                "Valable le jour de la première utilisation, jusqu’à la fermeture.",
                "Pour un appareil.",
                "Première utilisation au plus tard le 30 avril 2026.",
            ],
        ),
        (
            "en",
            [
                "Médiathèque Robert-Desnos",
                "no. 12-3",
                "Network: Ville Wi-Fi",
                "Valid on the day of first use, until closing time.",
                "For one device.",
                "First use by 30 April 2026.",
            ],
        ),
    ],
)
def test_the_text_can_be_taken_out_of_the_file(language: str, said: Sequence[str]) -> None:
    text = re.sub(r"\s+", " ", text_of(drawn(a_sheet(), language=language)))

    assert {words: text.count(words) for words in said if words != said[1]} == dict.fromkeys([said[0], *said[2:]], 3)
    assert said[1] in text
    assert all(print_code(code) in text for code in codes(3))


def test_the_file_is_tagged_and_says_its_title_and_language() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.SMALL, "fr")

    document = pypdfium2.PdfDocument(pdf)
    assert document.is_tagged()
    title = document.get_metadata_value("Title").replace("\xa0", " ")
    assert title == "Codes Wi-Fi : Médiathèque Robert-Desnos, n° 12"
    assert b"/Lang(fr)" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


def test_each_voucher_is_a_heading_and_each_code_has_its_words() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.LARGE, "fr")

    assert pdf.count(b"/S/H1") == 3
    assert pdf.count(b"/S/Figure") == pdf.count(b"/Alt") == 6


def test_no_font_of_the_machine_is_used() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.SMALL, "fr")

    fonts = {name.decode() for name in re.findall(rb"/BaseFont/[A-Z]{6}\+([\w-]+)", pdf)}
    assert fonts
    assert {font.split("-")[0] for font in fonts} <= {"LibertinusSerif", "DejaVuSansMono"}


def test_a_site_without_a_network_name_has_only_the_code_to_open() -> None:
    document = drawn(a_sheet(ssid="", vouchers=[(1, codes(1)[0])]))

    assert scanned(document) == [f"{PORTAL}/v/{codes(1)[0]}"]


@pytest.mark.parametrize(
    "names",
    [
        {"site_name": '#panic("x") *a* _b_ $x$ \\ <p> "q"', "ssid": '#set "a";b,c:d\\e'},
        {"site_name": "Médiathèque intercommunale et archives municipales " * 4, "ssid": "W" * 32},
        {"site_name": "Café ☕ العربية 图书馆", "ssid": "📶 学"},
        {"site_name": "x", "portal": "https://" + "portail." * 20 + "example.org/prefixe"},
    ],
    ids=["markup", "endless", "other scripts", "long address"],
)
@pytest.mark.parametrize("sheet_format", list(SheetFormat))
def test_any_name_can_be_printed(names: dict[str, str], sheet_format: SheetFormat) -> None:
    sheet = a_sheet(**names)

    document = drawn(sheet, sheet_format)

    expected = [wifi_join_text(sheet.ssid)] * 3 + [f"{sheet.portal}/v/{code}" for code in codes(3)]
    assert scanned(document, dpi=400) == sorted(expected)


@pytest.mark.parametrize(
    ("ssid", "text"),
    [
        ("Town", "WIFI:T:nopass;S:Town;;"),
        (r'a;b,c:d"e\f', r"WIFI:T:nopass;S:a\;b\,c\:d\"e\\f;;"),
        ("CAFE01", 'WIFI:T:nopass;S:"CAFE01";;'),
        ("Médiathèque", "WIFI:T:nopass;S:Médiathèque;;"),
    ],
    ids=["plain", "special characters", "looks like hexadecimal", "accents"],
)
def test_the_network_name_is_escaped_as_phones_read_it(ssid: str, text: str) -> None:
    assert wifi_join_text(ssid) == text


def test_a_qr_drawing_is_one_path_with_white_around_it() -> None:
    svg = qr_svg("x")

    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    bars = [(int(x), int(y), int(length)) for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg)]
    assert svg.count("<path") == 1
    assert min(x for x, _, _ in bars) == min(y for _, y, _ in bars) == 4
    assert max(x + length for x, _, length in bars) == max(y for _, y, _ in bars) + 1 == side - 4


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"visit_time": timedelta(hours=2)}, "Valid for 2 hours from first use."),
        ({"visit_time": timedelta(minutes=90)}, "Valid for 1 hour 30 minutes from first use."),
        ({"visit_time": timedelta(days=7)}, "Valid for 7 days from first use."),
        ({"time_allowed": timedelta(hours=1)}, "Up to 1 hour online."),
        ({"devices_at_once": 3}, "For 3 devices at a time."),
        (
            {"expires_at": datetime(2026, 4, 30, 12, tzinfo=ZoneInfo("Europe/Paris"))},
            "First use by 30 April 2026, 12:00.",
        ),
    ],
    ids=["hours", "an hour and a half", "days", "time online", "devices", "not at midnight"],
)
def test_what_the_voucher_gives_is_said_in_plain_words(terms: dict[str, Any], words: str) -> None:
    assert words in validity_in_words(a_sheet(**terms), "en")


def test_the_largest_batch_fills_its_pages() -> None:
    sheet = a_sheet(vouchers=list(zip(range(1, 201), cycle(codes(20)), strict=False)))
    assert len(drawn(sheet, SheetFormat.SMALL)) == 9
