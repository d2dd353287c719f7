"""The language of a page: the staff member's own, before sign-in the browser's. Messages, dates and numbers in it."""

from datetime import date, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import Flask, g, has_request_context, request
from flask_login import current_user

from hotspot.nas_wording import explain_discard, explain_finding, print_length
from hotspot.policy.nas_health import Finding
from hotspot.values import parse_mac, print_mac
from hotspot.wording import Explanation, translations
from hotspot_admin.resources import resources

LANGUAGES = {"fr": "Français", "en": "English"}

UTC_NAME = "UTC"


def language() -> str:
    if not has_request_context():
        return resources().settings.default_language
    if "language" not in g:
        g.language = _choose()
    chosen: str = g.language
    return chosen


def _choose() -> str:
    default = resources().settings.default_language
    if current_user.is_authenticated:
        own: str = current_user.scope.language
        return own if own in LANGUAGES else default
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES) or default


def said(message: object) -> str:
    """A message id that comes in a variable. A sentence that is already translated passes unchanged, and so does a
    name that people gave."""
    return str(translations(language()).gettext(str(message))) if message else ""


def gettext(message: str, **variables: object) -> str:
    sentence: str = translations(language()).gettext(message)
    return sentence % variables if variables else sentence


def ngettext(singular: str, plural: str, n: int, **variables: object) -> str:
    sentence: str = translations(language()).ngettext(singular, plural, n)
    return sentence % {"num": n, **variables}


def in_language(code: str, message: str) -> str:
    """For the page that is shown when nobody's language can be looked up."""
    sentence: str = translations(code).gettext(message)
    return sentence


def finding(found: Finding) -> Explanation:
    """What is the matter with a gateway, and what to do."""
    return explain_finding(found, language())


def discard(reason: str) -> Explanation:
    return explain_discard(reason, language())


def number(value: float, digits: int = 0) -> str:
    return format_decimal(value, format="#,##0." + "#" * digits if digits else "#,##0", locale=language())


def octets(value: int) -> str:
    """Decimal units, as networks are sold: 1.2 GB, in French 1,2 Go."""
    unit = "o" if language() == "fr" else "B"
    size = float(value)
    for prefix in ("", "k", "M", "G", "T"):
        if size < 999.5 or prefix == "T":
            return f"{number(size, 1 if size < 99.95 and prefix else 0)} {prefix}{unit}"
        size /= 1000
    raise AssertionError("unreachable")


def duration(value: timedelta) -> str:
    return print_length(value, language())


def moment(value: datetime, zone: ZoneInfo | str = UTC_NAME, form: str = "medium") -> str:
    return format_datetime(value, form, tzinfo=_zone(zone), locale=_locale())


def clock_time(value: datetime, zone: ZoneInfo | str) -> str:
    return format_datetime(value, "HH:mm", tzinfo=_zone(zone), locale=_locale())


def since(value: datetime, now: datetime, zone: ZoneInfo | str) -> str:
    """The hour; with its day, if that is not today."""
    zone = _zone(zone)
    if value.astimezone(zone).date() == now.astimezone(zone).date():
        return clock_time(value, zone)
    return f"{day_and_month(value.astimezone(zone))} {clock_time(value, zone)}"


def day(value: date, form: str = "medium") -> str:
    return format_date(value, form, locale=_locale())


def day_and_month(value: date) -> str:
    """mercredi 11 mars; Wednesday 11 March."""
    return format_date(value, "EEEE d MMMM", locale=_locale())


def month(value: date) -> str:
    """mars 2026; March 2026."""
    return format_date(value, "LLLL y", locale=_locale())


def short_day(value: date) -> str:
    """24/02 in French, 24 Feb in English: for the axis of a chart."""
    return format_date(value, "dd/MM" if language() == "fr" else "d MMM", locale=_locale())


def network(cidr: str) -> str:
    """A single address without its prefix length."""
    parsed = ip_network(cidr)
    return str(parsed.network_address) if parsed.num_addresses == 1 else cidr


def called_station(normalised: str) -> str:
    """A MAC as most devices and labels write it: 02-AA-00-00-00-01. A name as it is."""
    return print_mac(normalised, "-").upper() if parse_mac(normalised) else normalised


def fact(value: Any, *, is_change: bool) -> str:
    """A fact of the audit log; of a change it is [before, after]."""
    if is_change and isinstance(value, list) and len(value) == 2:
        before, after = ("—" if each in (None, "", []) else _plain(each) for each in value)
        return f"{before} → {after}"
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(said, value))
    return str(value) if isinstance(value, int) else said(value)


def _zone(zone: ZoneInfo | str) -> ZoneInfo:
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)


def _locale() -> str:
    """British dates in English pages: day before month, as in France."""
    return "en_GB" if language() == "en" else language()


def install(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: translations(language()).gettext(message),
        lambda singular, plural, n: translations(language()).ngettext(singular, plural, n),
        newstyle=True,
    )
    app.jinja_env.filters.update(
        number=number,
        octets=octets,
        duration=duration,
        moment=moment,
        clock_time=clock_time,
        since=since,
        day=day,
        day_and_month=day_and_month,
        month=month,
        short_day=short_day,
        mac=print_mac,
        network=network,
        called_station=called_station,
        finding=finding,
        discard=discard,
    )
    app.jinja_env.globals.update(language=language, in_language=in_language, said=said, fact=fact, LANGUAGES=LANGUAGES)
