"""Vouchers on paper as a tagged PDF (PDF/UA-1), drawn by typst from `voucher_sheet.typ`.

See docs/decisions/0003-pdf-by-typst.md and 0012-fonts-on-paper.md.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst

from hotspot.errors import InvalidInput
from hotspot.models import VoucherBatch
from hotspot.policy.colours import BLACK, ink_like, ink_on
from hotspot.policy.voucher_codes import print_code
from hotspot.printing.fonts import all_fonts, our_fonts
from hotspot.printing.languages import as_number
from hotspot.printing.logo import for_thermal_printers, size_of
from hotspot.printing.look import NO_LOOK, Look, look_of
from hotspot.printing.qr import qr_svg, wifi_join_text
from hotspot.printing.validity import Validity, validity_in_words
from hotspot.settings import Settings
from hotspot.wording import translations

_TEMPLATE = Path(__file__).with_name("voucher_sheet.typ")
_MANY = 24
_REMEMBERED = 11


class SheetFormat(StrEnum):
    """Columns and rows on an A4 page; or one voucher on a page of its own."""

    SMALL = "3x8"
    LARGE = "2x5"
    A6 = "a6"
    ROLL_80 = "80mm"
    ROLL_58 = "58mm"


THERMAL = frozenset({SheetFormat.ROLL_80, SheetFormat.ROLL_58})
"""Black or nothing. Each page is as long as its voucher, so that the printer cuts after it."""


@dataclass(frozen=True, slots=True)
class PaperVoucher:
    number: str
    """How staff tell papers apart without reading codes: 12-3 is the third of batch 12."""
    code: str


@dataclass(frozen=True, slots=True)
class VoucherSheet:
    """All that the paper says."""

    site_name: str
    ssid: str
    organisation_name: str
    batch: str
    """Its number; or the first and the last."""
    validity: Validity
    portal: str
    """The portal's address, without a slash at the end."""
    vouchers: Sequence[PaperVoucher]
    for_name: str = ""
    look: Look = NO_LOOK


def sheet_of_batch(batch: VoucherBatch, vouchers: Sequence[tuple[int, str]], settings: Settings) -> VoucherSheet:
    """`vouchers` are (number within the batch, code)."""
    zone = ZoneInfo(batch.site.time_zone)
    return VoucherSheet(
        site_name=batch.site.name,
        ssid=batch.site.ssid,
        organisation_name=batch.site.organisation.name,
        batch=str(batch.id),
        validity=Validity(
            valid_for=batch.offer.visit_time,
            time_allowed=batch.offer.time_allowed,
            devices=batch.offer.devices_at_once,
            first_use_before=batch.expires_at.astimezone(zone),
        ),
        portal=settings.public_portal,
        vouchers=[PaperVoucher(f"{batch.id}-{number}", code) for number, code in vouchers],
        look=look_of(batch.site.organisation),
    )


def join_sheets(sheets: Sequence[VoucherSheet]) -> VoucherSheet:
    """One of all their vouchers, where nothing else that they say differs."""
    first, last = sheets[0], sheets[-1]
    if any(replace(each, batch="", vouchers=()) != replace(first, batch="", vouchers=()) for each in sheets):
        raise InvalidInput("These batches do not say the same on paper: print them one by one.")
    vouchers = [voucher for each in sheets for voucher in each.vouchers]
    batch = first.batch if first.batch == last.batch else f"{first.batch}–{last.batch}"
    return replace(first, batch=batch, vouchers=vouchers)


def draw_voucher_sheet(
    sheet: VoucherSheet,
    sheet_format: SheetFormat,
    languages: Sequence[str],
    *,
    progress: Callable[[], None] = lambda: None,
) -> bytes:
    """A PDF in one or two of PAPER_LANGUAGES; the first is the document's, and its direction.

    `progress` is called once for each voucher, when its QR code is drawn: half of the work.
    A name with a letter that our fonts lack is drawn with the machine's, without the PDF/UA claim.
    """
    inputs = {"sheet": json.dumps(_contents(sheet, sheet_format, languages, progress))}
    try:
        drawn = _compile(inputs, our_fonts(), claim_ua=True)
    except typst.TypstError:
        drawn = _compile(inputs, all_fonts(), claim_ua=False)
    if len(sheet.vouchers) > _MANY:
        _forget()
    return drawn


def draw_preview(sheet: VoucherSheet, sheet_format: SheetFormat, languages: Sequence[str]) -> bytes:
    """A PNG of the first page, for a screen."""
    inputs = {"sheet": json.dumps(_contents(sheet, sheet_format, languages, lambda: None))}
    drawn = _compiler(all_fonts()).compile(sys_inputs=inputs, format="png", ppi=110)
    pages = [drawn] if isinstance(drawn, bytes) else drawn or []
    return pages[0]


def voucher_url(portal: str, code: str) -> str:
    """What the second QR code opens."""
    return f"{portal}/v/{code}"


def _compile(inputs: dict[str, str], fonts: typst.Fonts, *, claim_ua: bool) -> bytes:
    """Of a document in Arabic, Direction only says on which side page two lies. Readers made from PDFium (Chrome) take
    it for the direction of every line, and would read the code backwards to whoever copies or hears it."""
    drawn = _compiler(fonts).compile(sys_inputs=inputs, pdf_standards="ua-1" if claim_ua else None)
    if not isinstance(drawn, bytes):
        raise TypeError("several files where one was asked for")
    return drawn.replace(b"/Direction/R2L", b"/Direction/L2R")


def _forget() -> None:
    """typst keeps what it made for its next ten drawings: of large sheets that is half a gigabyte."""
    for _ in range(_REMEMBERED):
        typst.Compiler(b"", font_paths=our_fonts()).compile()


def _compiler(fonts: typst.Fonts) -> typst.Compiler:
    """One of its own each time: it cannot be shared by threads, and costs 4 ms."""
    return typst.Compiler(str(_TEMPLATE), font_paths=fonts)


def _contents(
    sheet: VoucherSheet, sheet_format: SheetFormat, languages: Sequence[str], progress: Callable[[], None]
) -> dict[str, Any]:
    gettext = translations(languages[0]).gettext
    return {
        "format": sheet_format.value,
        "title": gettext("Wi-Fi vouchers: %(site)s, no. %(batch)s") % {"site": sheet.site_name, "batch": sheet.batch},
        "author": sheet.organisation_name,
        "site": sheet.site_name,
        "ssid": sheet.ssid,
        "languages": [_words(sheet, language) for language in languages],
        "join_qr": qr_svg(wifi_join_text(sheet.ssid)) if sheet.ssid else None,
        **_colours(sheet.look.colour),
        **_logo(sheet, sheet_format, languages[0]),
        "vouchers": [_voucher(each, sheet.portal, languages[0], progress) for each in sheet.vouchers],
    }


def _voucher(voucher: PaperVoucher, portal: str, language: str, progress: Callable[[], None]) -> dict[str, str]:
    drawn = {
        "number": translations(language).gettext("no. %(number)s") % {"number": as_number(voucher.number, language)},
        "code": print_code(voucher.code),
        "open_qr": qr_svg(voucher_url(portal, voucher.code)),
    }
    progress()
    return drawn


def _words(sheet: VoucherSheet, language: str) -> dict[str, Any]:
    gettext = translations(language).gettext
    both = bool(sheet.ssid)
    return {
        "language": language,
        "for_name": gettext("For %(name)s") % {"name": sheet.for_name} if sheet.for_name else "",
        "network": gettext("Network: %(ssid)s") % {"ssid": sheet.ssid} if both else "",
        "sentences": validity_in_words(sheet.validity, language),
        "join": gettext("1. Join the Wi-Fi"),
        "join_short": gettext("1. Wi-Fi"),
        "join_help": gettext("Scan with the camera of your phone, or choose this network in its settings."),
        "join_alt": gettext("QR code that joins the Wi-Fi network “%(ssid)s”") % {"ssid": sheet.ssid},
        "open": gettext("2. Use the code") if both else gettext("Use the code"),
        "open_short": gettext("2. Use the code") if both else gettext("Use the code"),
        "open_help": gettext("Scan, then tap once: the code is filled in. No camera? Open any page and type it."),
        "open_alt": gettext("QR code that opens the sign-in page with this voucher’s code"),
    }


def _colours(colour: str) -> dict[str, str]:
    accent = colour or BLACK
    return {"accent": accent, "ink": ink_like(accent), "on_accent": ink_on(accent)}


def _logo(sheet: VoucherSheet, sheet_format: SheetFormat, language: str) -> dict[str, Any]:
    logo = sheet.look.logo
    if logo is None:
        return {"logo": None}
    if sheet_format in THERMAL:
        logo = for_thermal_printers(logo)
    width, height = size_of(logo)
    alt = translations(language).gettext("Logo: %(organisation)s") % {"organisation": sheet.organisation_name}
    return {"logo": list(logo), "logo_width": width, "logo_height": height, "logo_alt": alt}
