"""The sheet of vouchers as whoever prints it meets it: its pages drawn, its codes decoded, its text read out."""

import ctypes
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
from PIL import Image

from hotspot.policy.voucher_codes import make_code, print_code
from hotspot.printing.languages import PAPER_LANGUAGES
from hotspot.printing.look import Look
from hotspot.printing.qr import qr_svg, wifi_join_text
from hotspot.printing.validity import Validity, validity_in_words
from hotspot.printing.voucher_sheet import (
    THERMAL,
    PaperVoucher,
    SheetFormat,
    VoucherSheet,
    draw_preview,
    draw_voucher_sheet,
)
from tests.hotspot.pictures import a_logo

pytestmark = pytest.mark.integration  # with the real typesetter and a real QR reader: seconds, not milliseconds

PORTAL = "https://wifi.parvis.test"
PARIS = ZoneInfo("Europe/Paris")
PER_PAGE = {SheetFormat.SMALL: 24, SheetFormat.LARGE: 10}
SINGLE = [each for each in SheetFormat if each not in PER_PAGE]
JOIN = "WIFI:T:nopass;S:Ville Wi-Fi;;"


def codes(count: int) -> list[str]:
    return [make_code(Random(number).choice) for number in range(count)]


def papers(count: int) -> list[PaperVoucher]:
    return [PaperVoucher(f"12-{number}", code) for number, code in enumerate(codes(count), 1)]


def a_sheet(**overrides: Any) -> VoucherSheet:
    fields: dict[str, Any] = {
        "site_name": "Médiathèque Robert-Desnos",
        "ssid": "Ville Wi-Fi",
        "organisation_name": "Parvis-sur-Loue",
        "batch": "12",
        "validity": Validity(first_use_before=datetime(2026, 5, 1, tzinfo=PARIS)),
        "portal": PORTAL,
        "vouchers": papers(3),
    }
    return VoucherSheet(**fields | overrides)


def drawn(sheet: VoucherSheet, sheet_format: SheetFormat = SheetFormat.SMALL, *languages: str) -> Any:
    return pypdfium2.PdfDocument(draw_voucher_sheet(sheet, sheet_format, languages or ("fr",)))


def text_of(document: Any) -> str:
    pages = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return re.sub(r"\s+", " ", pages.replace("\x02", "-"))  # a hyphen at the end of a line


def picture(document: Any, page: int = 0, dpi: int = 200) -> Image.Image:
    image: Image.Image = document[page].render(scale=dpi / 72).to_pil()
    return image


def scanned(image: Image.Image) -> list[str]:
    return sorted(found.text for found in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode))


def as_thermal_printers_do(image: Image.Image) -> Image.Image:
    """Black or nothing."""
    return image.convert("L").point([0] * 128 + [255] * 128)


@pytest.mark.parametrize("sheet_format", list(SheetFormat))
@pytest.mark.parametrize("languages", [("fr",), ("ar", "fr")], ids="+".join)
def test_both_codes_of_every_voucher_are_read_from_the_drawn_page(
    sheet_format: SheetFormat, languages: tuple[str, ...]
) -> None:
    full = PER_PAGE.get(sheet_format, 1)
    sheet = a_sheet(vouchers=papers(full), look=Look("#0b5c60", a_logo()))

    document = drawn(sheet, sheet_format, *languages)

    said = sorted([JOIN] * full + [f"{PORTAL}/v/{code}" for code in codes(full)])
    assert len(document) == 1
    assert scanned(picture(document)) == said
    assert scanned(as_thermal_printers_do(picture(document))) == said


@pytest.mark.parametrize("sheet_format", list(PER_PAGE))
def test_one_voucher_more_than_a_page_holds_goes_on_the_next(sheet_format: SheetFormat) -> None:
    count = PER_PAGE[sheet_format] + 1

    document = drawn(a_sheet(vouchers=papers(count)), sheet_format)

    assert len(document) == 2
    assert scanned(picture(document, page=1)) == sorted([JOIN, f"{PORTAL}/v/{codes(count)[-1]}"])


@pytest.mark.parametrize("sheet_format", SINGLE)
def test_each_voucher_has_a_page_of_its_own_for_the_cutter(sheet_format: SheetFormat) -> None:
    document = drawn(a_sheet(), sheet_format)

    assert len(document) == 3
    found = [scanned(picture(document, page=page)) for page in range(3)]
    assert found == [sorted([JOIN, f"{PORTAL}/v/{code}"]) for code in codes(3)]


@pytest.mark.parametrize(
    ("sheet_format", "millimetres"),
    [
        (SheetFormat.SMALL, (210, 297)),
        (SheetFormat.LARGE, (210, 297)),
        (SheetFormat.A6, (105, 148)),
        (SheetFormat.ROLL_80, (80, None)),
        (SheetFormat.ROLL_58, (58, None)),
    ],
)
def test_the_page_has_the_size_of_the_paper(sheet_format: SheetFormat, millimetres: tuple[int, int | None]) -> None:
    width, height = (round(side * 25.4 / 72) for side in drawn(a_sheet(), sheet_format)[0].get_size())

    assert (width, height if millimetres[1] else None) == millimetres


def test_a_page_of_a_roll_is_as_long_as_what_it_says() -> None:
    one, two = (drawn(a_sheet(), SheetFormat.ROLL_58, *languages)[0] for languages in (("fr",), ("fr", "de")))

    assert one.get_height() + 50 < two.get_height()


@pytest.mark.parametrize("sheet_format", sorted(THERMAL))
def test_a_thermal_printer_is_sent_black_and_white_only(sheet_format: SheetFormat) -> None:
    """Greys are only where the drawing of the page softens an edge."""
    sheet = a_sheet(look=Look("#e30613", a_logo()), for_name="Mme Ada Lovelace")

    page = picture(drawn(sheet, sheet_format), dpi=406)

    assert all(red == green == blue for _, (red, green, blue) in page.getcolors(1 << 24) or ())
    assert not drawn_in_grey(draw_voucher_sheet(sheet, sheet_format, ["fr"]))


def drawn_in_grey(pdf: bytes) -> bool:
    """Does anything name a colour between black and white?"""
    document = pypdfium2.PdfDocument(pdf)
    shades = {shade for page in document for each in page.get_objects() for shade in _colours(each.raw)}
    return bool(shades - {(0, 0, 0), (255, 255, 255)})


def _colours(raw: Any) -> list[tuple[int, int, int]]:
    found = []
    for ask in (pypdfium2.raw.FPDFPageObj_GetFillColor, pypdfium2.raw.FPDFPageObj_GetStrokeColor):
        parts = [ctypes.c_uint() for _ in range(4)]
        if ask(raw, *map(ctypes.byref, parts)):
            found.append((parts[0].value, parts[1].value, parts[2].value))
    return found


@pytest.mark.parametrize("sheet_format", list(SheetFormat))
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            [
                "Médiathèque Robert-Desnos",
                "Valable le jour de la première utilisation, jusqu’à la fermeture.",
                "Pour un appareil.",
                "Première utilisation au plus tard le 30 avril 2026.",
            ],
        ),
        (
            "en",
            [
                "Médiathèque Robert-Desnos",
                "Valid on the day of first use, until closing time.",
                "For one device.",
                "First use by 30 April 2026.",
            ],
        ),
        (
            "ar",
            [
                "صالحة في يوم أول استخدام، حتى وقت الإغلاق.",
                "لجهاز واحد.",
                "أول استخدام في موعد أقصاه 30 أبريل",
            ],
        ),
        (
            "de",
            [
                "Gültig am Tag der ersten Nutzung, bis zur Schließung.",
                "Für ein Gerät.",
                "Erste Nutzung bis spätestens 30. April 2026.",
            ],
        ),
    ],
)
def test_the_text_can_be_taken_out_of_the_file(sheet_format: SheetFormat, language: str, said: Sequence[str]) -> None:
    text = text_of(drawn(a_sheet(), sheet_format, language))

    assert {words: text.count(words) for words in said} == dict.fromkeys(said, 3)
    assert "Ville Wi-Fi" in text
    assert all(print_code(code) in text for code in codes(3))
    assert all(number in text for number in ("12-1", "12-2", "12-3"))


@pytest.mark.parametrize("language", PAPER_LANGUAGES)
def test_every_language_is_drawn_with_our_own_letters(language: str) -> None:
    """No glyph is missing: PDF/UA-1 would not have been claimed."""
    sheet = a_sheet(
        validity=Validity(
            valid_for=timedelta(days=1, hours=2, minutes=5),
            until=datetime(2026, 12, 24, 17, 30, tzinfo=PARIS),
            first_use_before=datetime(2026, 12, 1, tzinfo=PARIS),
            time_allowed=timedelta(hours=5),
            devices=3,
        ),
        for_name="Zoë Łukasiewicz",
        look=Look("#ffe066", a_logo()),
    )

    for sheet_format in SheetFormat:
        pdf = draw_voucher_sheet(sheet, sheet_format, [language])
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert f"/Lang({language})".encode() in pdf


def test_two_languages_are_both_there_each_marked_as_itself() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.A6, ["fr", "de"])

    text = text_of(pypdfium2.PdfDocument(pdf))
    assert "Pour un appareil." in text
    assert "Für ein Gerät." in text
    assert b"/Lang(fr)" in pdf
    assert b"/Lang(de)" in pdf


def test_the_file_is_tagged_and_says_its_title_and_language() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.SMALL, ["fr"])

    document = pypdfium2.PdfDocument(pdf)
    assert document.is_tagged()
    title = document.get_metadata_value("Title").replace("\xa0", " ")
    assert title == "Codes Wi-Fi : Médiathèque Robert-Desnos, n° 12"
    assert b"/Lang(fr)" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


@pytest.mark.parametrize("sheet_format", list(SheetFormat))
def test_each_voucher_is_a_heading_and_each_picture_has_its_words(sheet_format: SheetFormat) -> None:
    pdf = draw_voucher_sheet(a_sheet(look=Look("", a_logo())), sheet_format, ["fr"])

    assert pdf.count(b"/S/H1") == 3
    assert pdf.count(b"/S/Figure") == pdf.count(b"/Alt") == 9


def test_no_font_of_the_machine_is_used() -> None:
    pdf = draw_voucher_sheet(a_sheet(), SheetFormat.SMALL, ["ar", "zh"])

    fonts = {name.decode() for name in re.findall(rb"/BaseFont/[A-Z]{6}\+([\w-]+)", pdf)}
    assert {font.split("-")[0] for font in fonts} == {"IBMPlexSans", "JetBrainsMono", "Amiri", "NotoSansSC"}


def test_a_site_without_a_network_name_has_only_the_code_to_open() -> None:
    for sheet_format in SheetFormat:
        document = drawn(a_sheet(ssid="", vouchers=papers(1)), sheet_format)
        assert scanned(picture(document)) == [f"{PORTAL}/v/{codes(1)[0]}"]


def test_a_name_is_on_the_paper_of_whom_it_is_for() -> None:
    for sheet_format in SheetFormat:
        assert "Pour Mme Lovelace" in text_of(drawn(a_sheet(for_name="Mme Lovelace"), sheet_format))


def test_each_code_that_is_drawn_is_told() -> None:
    told: list[None] = []

    draw_voucher_sheet(a_sheet(), SheetFormat.SMALL, ["fr"], progress=lambda: told.append(None))

    assert len(told) == 3


def test_a_preview_is_a_picture_of_the_first_page() -> None:
    preview = draw_preview(a_sheet(look=Look("#e30613")), SheetFormat.A6, ["fr"])

    assert preview.startswith(b"\x89PNG")


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
    found = [text for page in range(len(document)) for text in scanned(picture(document, page, dpi=400))]
    assert sorted(found) == sorted(expected)


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
        ({}, ["Valid on the day of first use, until closing time.", "For one device."]),
        ({"valid_for": timedelta(hours=2)}, ["Valid for 2 hours from first use.", "For one device."]),
        ({"valid_for": timedelta(minutes=90)}, ["Valid for 1 hour and 30 minutes from first use.", "For one device."]),
        ({"valid_for": timedelta(days=7)}, ["Valid for 7 days from first use.", "For one device."]),
        (
            {"until": datetime(2026, 5, 1, tzinfo=PARIS), "devices": 3},
            ["Valid until 30 April 2026.", "For 3 devices at a time."],
        ),
        (
            {"until": datetime(2026, 4, 30, 17, 30, tzinfo=PARIS)},
            ["Valid until 30 April 2026, 17:30.", "For one device."],
        ),
        (
            {"time_allowed": timedelta(hours=1)},
            ["Valid on the day of first use, until closing time.", "Up to 1 hour online.", "For one device."],
        ),
        (
            {"valid_for": timedelta(hours=2), "first_use_before": datetime(2026, 4, 30, 12, tzinfo=PARIS)},
            ["Valid for 2 hours from first use.", "For one device.", "First use by 30 April 2026, 12:00."],
        ),
        (
            {"until": datetime(2026, 5, 1, tzinfo=PARIS), "first_use_before": datetime(2026, 5, 1, tzinfo=PARIS)},
            ["Valid until 30 April 2026.", "For one device."],
        ),
    ],
    ids=[
        "closing",
        "hours",
        "an hour and a half",
        "days",
        "a date",
        "a moment",
        "time online",
        "first use",
        "first use as long as it lasts",
    ],
)
def test_what_the_voucher_gives_is_said_in_plain_words(terms: dict[str, Any], words: list[str]) -> None:
    assert validity_in_words(Validity(**terms), "en") == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Valable 2 heures et 5 minutes dès la première utilisation."),
        ("de", "Gültig für 2 Stunden und 5 Minuten ab der ersten Nutzung."),
        ("nl", "Geldig gedurende 2 uur en 5 minuten vanaf het eerste gebruik."),
        ("ar", "مدة الصلاحية من أول استخدام: ساعتان و5 دقائق."),
        ("uk", "Діє 2 години і 5 хвилин від першого використання."),
        ("zh", "自首次使用起 2 小时5 分钟内有效。"),
    ],
)
def test_numbers_are_said_as_each_language_does(language: str, words: str) -> None:
    said = validity_in_words(Validity(valid_for=timedelta(hours=2, minutes=5)), language)

    assert said[0].replace("\xa0", " ") == words


def test_the_largest_batch_fills_its_pages() -> None:
    numbered = zip(range(1, 201), cycle(codes(20)), strict=False)
    sheet = a_sheet(vouchers=[PaperVoucher(f"12-{number}", code) for number, code in numbered])
    assert len(drawn(sheet, SheetFormat.SMALL)) == 9
