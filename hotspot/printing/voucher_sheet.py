"""Sheets of vouchers as a tagged PDF (PDF/UA-1), drawn by typst from `voucher_sheet.typ` with the fonts it brings.

See docs/decisions/0003-pdf-by-typst.md.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst
from babel.dates import format_date, format_datetime
from babel.units import format_unit

from hotspot.models import VoucherBatch
from hotspot.policy.voucher_codes import print_code
from hotspot.printing.qr import qr_svg, wifi_join_text
from hotspot.settings import Settings
from hotspot.wording import translations

_TEMPLATE = Path(__file__).with_name("voucher_sheet.typ")
_LOCALES = {"en": "en_GB"}
"""Day before month, as in France."""


class SheetFormat(StrEnum):
    """Columns and rows on an A4 page."""

    SMALL = "3x8"
    LARGE = "2x5"


@dataclass(frozen=True, slots=True)
class VoucherSheet:
    """All that the paper says. `vouchers` are (number within the batch, code)."""

    site_name: str
    ssid: str
    organisation_name: str
    batch_id: int
    visit_time: timedelta | None
    """None: until the site closes that day."""
    time_allowed: timedelta | None
    devices_at_once: int
    expires_at: datetime
    """In the site's own time zone."""
    portal: str
    """The portal's address, without a slash at the end."""
    vouchers: Sequence[tuple[int, str]]


def sheet_of_batch(batch: VoucherBatch, vouchers: Sequence[tuple[int, str]], settings: Settings) -> VoucherSheet:
    return VoucherSheet(
        site_name=batch.site.name,
        ssid=batch.site.ssid,
        organisation_name=batch.site.organisation.name,
        batch_id=batch.id,
        visit_time=batch.offer.visit_time,
        time_allowed=batch.offer.time_allowed,
        devices_at_once=batch.offer.devices_at_once,
        expires_at=batch.expires_at.astimezone(ZoneInfo(batch.site.time_zone)),
        portal=settings.public_portal,
        vouchers=vouchers,
    )


def draw_voucher_sheet(sheet: VoucherSheet, sheet_format: SheetFormat, language: str) -> bytes:
    """A PDF. A name in a script that typst brings no font for is drawn with the machine's, without the PDF/UA claim."""
    inputs = {"sheet": json.dumps(_contents(sheet, sheet_format, language))}
    try:
        return _compile(inputs, typst.Fonts(include_system_fonts=False), claim_ua=True)
    except typst.TypstError:
        return _compile(inputs, typst.Fonts(), claim_ua=False)


def voucher_url(portal: str, code: str) -> str:
    """What the second QR code opens."""
    return f"{portal}/v/{code}"


def _compile(inputs: dict[str, str], fonts: typst.Fonts, *, claim_ua: bool) -> bytes:
    """With a compiler of its own: one cannot be shared by threads, and costs 4 ms."""
    compiler = typst.Compiler(str(_TEMPLATE), font_paths=fonts)
    drawn = compiler.compile(sys_inputs=inputs, pdf_standards="ua-1" if claim_ua else None)
    if not isinstance(drawn, bytes):
        raise TypeError("several files where one was asked for")
    return drawn


def _contents(sheet: VoucherSheet, sheet_format: SheetFormat, language: str) -> dict[str, Any]:
    gettext = translations(language).gettext
    return {
        "format": sheet_format.value,
        "language": language,
        "title": gettext("Wi-Fi vouchers: %(site)s, no. %(batch)s")
        % {"site": sheet.site_name, "batch": sheet.batch_id},
        "author": sheet.organisation_name,
        "site": sheet.site_name,
        "network": gettext("Network: %(ssid)s") % {"ssid": sheet.ssid} if sheet.ssid else "",
        "sentences": validity_in_words(sheet, language),
        "join_qr": qr_svg(wifi_join_text(sheet.ssid)) if sheet.ssid else None,
        "words": {
            "join": gettext("1. Join the Wi-Fi"),
            "join_alt": gettext("QR code that joins the Wi-Fi network “%(ssid)s”") % {"ssid": sheet.ssid},
            "open": gettext("2. Use the code") if sheet.ssid else gettext("Use the code"),
            "open_alt": gettext("QR code that opens the sign-in page with this voucher’s code"),
        },
        "vouchers": [
            {
                "number": gettext("no. %(number)s") % {"number": f"{sheet.batch_id}-{number}"},
                "code": print_code(code),
                "open_qr": qr_svg(voucher_url(sheet.portal, code)),
            }
            for number, code in sheet.vouchers
        ],
    }


def validity_in_words(sheet: VoucherSheet, language: str) -> list[str]:
    """How long, for how many devices, and the last day for a first use."""
    gettext, ngettext = translations(language).gettext, translations(language).ngettext
    if sheet.visit_time is None:
        sentences = [gettext("Valid on the day of first use, until closing time.")]
    else:
        sentences = [gettext("Valid for %(length)s from first use.") % {"length": _length(sheet.visit_time, language)}]
    if sheet.time_allowed is not None:
        sentences.append(gettext("Up to %(length)s online.") % {"length": _length(sheet.time_allowed, language)})
    devices = sheet.devices_at_once
    sentences.append(ngettext("For one device.", "For %(num)s devices at a time.", devices) % {"num": devices})
    sentences.append(gettext("First use by %(moment)s.") % {"moment": _last_moment(sheet.expires_at, language)})
    return sentences


def _last_moment(expires_at: datetime, language: str) -> str:
    """At midnight, the day before is the last one."""
    locale = _LOCALES.get(language, language)
    if expires_at.time() == time():
        return format_date(expires_at.date() - timedelta(days=1), "long", locale=locale)
    return format_datetime(expires_at.replace(tzinfo=None), "d MMMM y, HH:mm", locale=locale)


def _length(length: timedelta, language: str) -> str:
    """“2 hours 30 minutes”: exact, unlike a rounded “3 hours”."""
    minutes = int(length.total_seconds()) // 60
    parts = [
        ("duration-day", minutes // 1440),
        ("duration-hour", minutes % 1440 // 60),
        ("duration-minute", minutes % 60),
    ]
    locale = _LOCALES.get(language, language)
    return " ".join(format_unit(value, unit, "long", locale=locale) for unit, value in parts if value)
