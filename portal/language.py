"""The language of a page, without a cookie: what the visitor asked for on the page, else the grant's or the access
point's, else the browser's. Times, lengths and sizes in its words."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_day_names
from babel.numbers import format_decimal
from flask import Flask, g, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from hotspot.values import print_mac
from hotspot.wording import LANGUAGE_NAMES, LANGUAGES, translations
from portal.resources import resources

_LOCALES = {"en": "en_GB"}
"""Day before month and twenty-four hours, as on the door of the building."""
_TIME_FORMATS = {"fr": "H 'h' mm"}
_MIDNIGHT = time()
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur"))


def language() -> str:
    if "language" not in g:
        speak("")
    chosen: str = g.language
    return chosen


def speak(preferred: str) -> None:
    """From here on the page is in this language, unless the visitor asked for another with `lang`."""
    asked = [request.args.get("lang", "") if b"lang=" in request.query_string else "", preferred[:2].lower()]
    known = [each for each in asked if each in LANGUAGES]
    default = resources().settings.default_language
    g.language = known[0] if known else _best_known(request.headers.get("Accept-Language", "")) or default


@lru_cache(maxsize=256)
def _best_known(accepted: str) -> str | None:
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES)


def gettext(message: str, **variables: object) -> str:
    sentence = translations(language()).gettext(message)
    return sentence % variables if variables else sentence


def ngettext(singular: str, plural: str, number: int) -> str:
    return translations(language()).ngettext(singular, plural, number) % {"number": number}


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    text: str = format_time(moment, _TIME_FORMATS.get(language(), "HH:mm"), tzinfo=zone, locale=_locale())
    return _unbroken(text)


def local_moment(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`at 14:00` today, `at midnight` where today ends; further away with its day."""
    clock = clock_time(moment, zone)
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days == 0:
        return gettext("at %(time)s", time=clock)
    if days == 1 and moment.astimezone(zone).time().replace(second=0, microsecond=0) == _MIDNIGHT:
        return gettext("at midnight")
    if days == 1:
        return gettext("tomorrow at %(time)s", time=clock)
    day = format_date(moment.astimezone(zone), "EEEE d MMMM", locale=_locale())
    return gettext("on %(day)s at %(time)s", day=day, time=clock)


def local_day(moment: datetime, zone: ZoneInfo) -> str:
    text: str = format_date(moment.astimezone(zone), "d MMM y", locale=_locale())
    return _unbroken(text)


def local_date(day: date) -> str:
    """In words, without its year."""
    text: str = format_date(day, "EEEE d MMMM", locale=_locale())
    return text


def day_of_week(day: int) -> str:
    """Monday is 0."""
    text: str = get_day_names("wide", "stand-alone", _locale())[day]
    return text


def wall_time(wall: time) -> str:
    text: str = format_time(wall, _TIME_FORMATS.get(language(), "HH:mm"), locale=_locale())
    return _unbroken(text)


def duration(length: timedelta) -> str:
    """The two largest units: nobody counts the seconds of an hour."""
    minutes = int(length.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [
        ngettext("%(number)d day", "%(number)d days", days) if days else "",
        ngettext("%(number)d hour", "%(number)d hours", hours) if hours else "",
        ngettext("%(number)d minute", "%(number)d minutes", minutes) if minutes else "",
    ]
    said = [_unbroken(part) for part in parts if part][:2]
    return " ".join(said) if said else gettext("less than a minute")


def octets(number: int) -> str:
    """In millions or thousands of millions, as networks count them."""
    if number >= 1_000_000_000:
        return _unbroken(gettext("%(number)s GB", number=_decimal(number / 1_000_000_000)))
    return _unbroken(gettext("%(number)s MB", number=_decimal(number / 1_000_000)))


def speed(kbps: int) -> str:
    return _unbroken(gettext("%(number)s Mbit/s", number=_decimal(kbps / 1000)))


def _unbroken(text: str) -> str:
    """A number and its unit stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _decimal(number: float) -> str:
    digits = "#,##0.#" if number < 10 else "#,##0"
    return format_decimal(number, format=digits, locale=_locale())


def _locale() -> str:
    return _LOCALES.get(language(), language())


def install(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: translations(language()).gettext(message),
        lambda singular, plural, number: translations(language()).ngettext(singular, plural, number),
        newstyle=True,
    )
    app.jinja_env.filters.update(duration=duration, octets=octets, speed=speed, mac=print_mac)
    app.jinja_env.globals.update(
        language=language,
        direction=lambda: "rtl" if language() in _RIGHT_TO_LEFT else "ltr",
        LANGUAGES=LANGUAGE_NAMES,
    )
