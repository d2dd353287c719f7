"""What came of a campaign, on paper, for its advertiser: a tagged PDF (PDF/UA-1), drawn by typst from
`campaign_report.typ`. In French or English."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import typst
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from hotspot.message_ids import mark as _
from hotspot.policy.colours import BLACK, ink_like
from hotspot.printing.fonts import all_fonts, our_fonts
from hotspot.printing.logo import size_of
from hotspot.printing.look import NO_LOOK, Look
from hotspot.scales import round_up
from hotspot.services.campaign_reports import CampaignReport, Counts
from hotspot.values import CampaignKind
from hotspot.wording import translations

_TEMPLATE = Path(__file__).with_name("campaign_report.typ")
_MOST_COLUMNS = 92
"""Above it a column of the chart is a week."""
_LABELS = 8

HOW = (
    _(
        "A display: the page of the announcement was sent to a device that had to see one. Its token is signed, and "
        "counts once, whoever reloads or replays it."
    ),
    _(
        "A completed view: the visitor went on after its whole time, which our server measures and not the browser, "
        "and the access point then reported the device online. A click: the link was followed, once for each view."
    ),
    _("No cookie, no third party, nothing that follows people: these are counts of views, not of persons."),
)
"""In three sentences, also on the page."""


@dataclass(frozen=True, slots=True)
class PaperReport:
    """All that the paper says."""

    organisation_name: str
    campaign_name: str
    advertiser: str
    kind: CampaignKind
    report: CampaignReport
    titles: Mapping[int, str]
    """Of its announcements, by number."""
    made_on: date
    look: Look = NO_LOOK


def draw_campaign_report(paper: PaperReport, language: str) -> bytes:
    """A name with a letter that our fonts lack is drawn with the machine's, without the PDF/UA claim."""
    inputs = {"report": json.dumps(_Words(language).contents(paper))}
    try:
        return _compile(inputs, our_fonts(), claim_ua=True)
    except typst.TypstError:
        return _compile(inputs, all_fonts(), claim_ua=False)


def _compile(inputs: dict[str, str], fonts: typst.Fonts, *, claim_ua: bool) -> bytes:
    compiler = typst.Compiler(str(_TEMPLATE), font_paths=fonts)
    drawn = compiler.compile(sys_inputs=inputs, pdf_standards="ua-1" if claim_ua else None)
    if not isinstance(drawn, bytes):
        raise TypeError("several files where one was asked for")
    return drawn


class _Words:
    """Sentences, days and numbers of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._locale = "en_GB" if language == "en" else language
        self.gettext: Callable[[str], str] = translations(language).gettext

    def contents(self, paper: PaperReport) -> dict[str, Any]:
        gettext, report = self.gettext, paper.report
        accent = paper.look.colour or BLACK
        return {
            "language": self._language,
            "title": gettext("Report: %(name)s") % {"name": paper.campaign_name},
            "author": paper.organisation_name,
            "name": paper.campaign_name,
            "what": self._what(paper),
            "period": gettext("%(first)s to %(last)s")
            % {"first": self._day(report.first_day), "last": self._day(report.last_day)},
            "made_on": gettext("Made on %(day)s") % {"day": self._day(paper.made_on)},
            "figures": self._figures(report.total),
            "chart_title": gettext("Completed views per day")
            if len(report.by_day) <= _MOST_COLUMNS
            else gettext("Completed views per week"),
            **self._chart(report),
            "tables": self._tables(paper),
            "nothing": gettext("Not displayed in these days."),
            "how_title": gettext("How it is counted"),
            "how": [gettext(each) for each in HOW],
            "accent": accent,
            "ink": ink_like(accent),
            **self._logo(paper),
        }

    def _what(self, paper: PaperReport) -> str:
        if paper.kind is CampaignKind.COMMERCIAL:
            return self.gettext("Advertising by %(advertiser)s") % {"advertiser": paper.advertiser}
        return self.gettext("News from the town")

    def _figures(self, total: Counts) -> list[tuple[str, str]]:
        displays, views, view_rate, clicks, click_rate = self._cells(total)
        return [
            (displays, self.gettext("displays")),
            (views, self.gettext("completed views")),
            (view_rate, self.gettext("view rate")),
            (clicks, self.gettext("clicks")),
            (click_rate, self.gettext("click rate")),
        ]

    def _tables(self, paper: PaperReport) -> list[dict[str, Any]]:
        gettext, report = self.gettext, paper.report
        sites = [[name, *self._cells(counts)] for name, counts in report.by_site]
        days = [[self._day(day), *self._cells(counts)] for day, counts in report.by_day if counts.displays]
        shown = [[paper.titles[each], *self._cells(counts)] for each, counts in report.by_announcement.items()]
        several = [self._table(gettext("By announcement"), gettext("Announcement"), shown)] if len(shown) > 1 else []
        return [
            self._table(gettext("By site"), gettext("Site"), sites),
            *several,
            self._table(gettext("By day"), gettext("Day"), days),
        ]

    def _table(self, title: str, first: str, rows: list[list[str]]) -> dict[str, Any]:
        gettext = self.gettext
        heads = (
            gettext("Displays"),
            gettext("Completed views"),
            gettext("View rate"),
            gettext("Clicks"),
            gettext("Click rate"),
        )
        return {"title": title, "heads": [first, *heads], "rows": rows}

    def _cells(self, counts: Counts) -> list[str]:
        return [
            self._number(counts.displays),
            self._number(counts.views),
            self._rate(counts.view_rate),
            self._number(counts.clicks),
            self._rate(counts.click_rate),
        ]

    def _chart(self, report: CampaignReport) -> dict[str, Any]:
        """Columns from 0 to 1, some of them with the day below it; lines with their number."""
        days = report.by_day
        step = 1 if len(days) <= _MOST_COLUMNS else 7
        columns = [
            (days[at][0], sum(counts.views for _, counts in days[at : at + step])) for at in range(0, len(days), step)
        ]
        top = round_up(max(value for _, value in columns))
        every = -(-len(columns) // _LABELS)
        return {
            "columns": [
                {"height": value / top, "label": self._short(day) if at % every == 0 and len(columns) - at > 2 else ""}
                for at, (day, value) in enumerate(columns)
            ],
            "lines": [{"height": at / 4, "label": self._number(top * at // 4)} for at in range(5)],
        }

    def _logo(self, paper: PaperReport) -> dict[str, Any]:
        if paper.look.logo is None:
            return {"logo": None}
        width, height = size_of(paper.look.logo)
        alt = self.gettext("Logo: %(organisation)s") % {"organisation": paper.organisation_name}
        return {"logo": list(paper.look.logo), "logo_width": width, "logo_height": height, "logo_alt": alt}

    def _day(self, day: date) -> str:
        return str(format_date(day, "d MMM y", locale=self._locale))

    def _short(self, day: date) -> str:
        return str(format_date(day, "d MMM", locale=self._locale))

    def _number(self, number: int) -> str:
        return str(format_decimal(number, locale=self._locale))

    def _rate(self, rate: float | None) -> str:
        return "–" if rate is None else str(format_percent(rate, "#,##0.0 %", locale=self._locale))
