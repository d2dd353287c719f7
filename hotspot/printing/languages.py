"""The languages of paper: more than the pages have, since paper says little. Their sentences: `paper.po` in each."""

from datetime import date, datetime, time, timedelta
from functools import reduce

from babel.dates import format_date, format_time

from hotspot.wording import translations

PAPER_LANGUAGES = {
    "fr": "Français",
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "nl": "Nederlands",
    "ar": "العربية",
    "uk": "Українська",
    "zh": "中文",
}
"""Each in its own words, as a list to choose from must show them."""

MOST_LANGUAGES = 2
"""On one voucher: a third would be too small to read."""

_RIGHT_TO_LEFT = frozenset({"ar"})
_LOCALES = {"en": "en_GB", "pt": "pt_PT", "zh": "zh_Hans"}
"""Day before month, as in France."""
_DAYS = {"uk": "d MMMM y 'року'"}
"""Where the usual form ends with a full stop, as a sentence does."""


def last_moment(moment: datetime, language: str) -> str:
    """In the moment's own time zone. At midnight, the day before is the last one."""
    if moment.time() == time():
        return _day(moment.date() - timedelta(days=1), language)
    places = {"day": _day(moment.date(), language), "time": format_time(moment.time(), "HH:mm", locale="en")}
    return translations(language).gettext("%(day)s, %(time)s") % places


def length(of: timedelta, language: str) -> str:
    """“2 hours and 30 minutes”: exact, unlike a rounded “3 hours”. babel lacks these words in half of the languages."""
    gettext, ngettext = translations(language).gettext, translations(language).ngettext
    minutes = int(of.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = (
        (days, ngettext("%(num)s day", "%(num)s days", days)),
        (hours, ngettext("%(num)s hour", "%(num)s hours", hours)),
        (minutes, ngettext("%(num)s minute", "%(num)s minutes", minutes)),
    )
    said = [words % {"num": value} for value, words in parts if value]
    return reduce(lambda long, short: gettext("%(long)s and %(short)s") % {"long": long, "short": short}, said)


def _day(of: date, language: str) -> str:
    return format_date(of, _DAYS.get(language, "long"), locale=_LOCALES.get(language, language))


def as_number(number: str, language: str) -> str:
    """12-3, which after an Arabic word would be read as 3-12: a mark that shows nothing keeps it from left to right."""
    return f"\u200e{number}" if language in _RIGHT_TO_LEFT else number
