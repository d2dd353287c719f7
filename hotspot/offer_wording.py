"""An offer in one plain sentence, for staff; and lengths, sizes and speeds as people say them."""

from collections.abc import Iterator
from datetime import timedelta

from babel.numbers import format_decimal

from hotspot.message_ids import mark as _
from hotspot.models import Offer
from hotspot.policy.allowances import Allowance
from hotspot.values import Period
from hotspot.wording import translations

PER_PERIOD = {
    Period.VISIT: _("%(amount)s per visit"),
    Period.DAY: _("%(amount)s per day"),
    Period.WEEK: _("%(amount)s per week"),
}
_ONLINE = _("%(amount)s online")
_UPLOAD = _("%(amount)s sent")
_DOWNLOAD = _("%(amount)s received")
_FOR = _("for %(length)s")
_UNTIL_CLOSING = _("until closing")
_DOWN_AT, _UP_AT = _("%(speed)s to receive"), _("%(speed)s to send")
_IDLE = _("ended after %(length)s without use")
_REMEMBERED = _("device remembered for %(length)s")
_ANNOUNCEMENT = _("announcement every %(length)s")
_PREFIXES = ("", "k", "M", "G", "T")


def print_offer(offer: Offer, language: str) -> str:
    """“Until closing, 2 h per day, 1 GB per week, 2 devices, announcement every 30 min.” What is not limited is not
    said."""
    said = ", ".join(_parts(offer, language))
    return f"{said[:1].upper()}{said[1:]}."


def allowances_of(offer: Offer) -> Iterator[Allowance]:
    """Of the visit, the day and the week: those that limit something."""
    visit = Allowance(
        Period.VISIT,
        offer.time_allowed,
        offer.octets_allowed,
        offer.upload_octets_allowed,
        offer.download_octets_allowed,
    )
    if visit != Allowance(Period.VISIT):
        yield visit
    for each in sorted(offer.allowances, key=lambda one: list(Period).index(one.period)):
        yield Allowance(each.period, each.time, each.octets, each.upload_octets, each.download_octets)


def print_time(length: timedelta, language: str) -> str:
    """2 h 30, 45 min, 20 s; of whole days, 3 days."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours and not hours % 24 and not minutes:
        days = translations(language).ngettext("%(num)s day", "%(num)s days", hours // 24)
        return _unbroken(days % {"num": hours // 24})
    if hours:
        return _unbroken(f"{hours} h {minutes:02}" if minutes else f"{hours} h")
    return _unbroken(f"{minutes} min" if minutes else f"{seconds} s")


def print_octets(octets: int, language: str) -> str:
    """1.5 GB, in French 1,5 Go: exact as far as it was typed in such a unit."""
    size, power = float(octets), 0
    while size >= 1000 and power < len(_PREFIXES) - 1:
        size, power = size / 1000, power + 1
    return _unbroken(f"{_decimal(size, language)} {_PREFIXES[power]}{'o' if language == 'fr' else 'B'}")


def print_speed(kbps: int, language: str) -> str:
    return _unbroken(f"{_decimal(kbps / 1000, language)} Mbit/s")


def _parts(offer: Offer, language: str) -> Iterator[str]:
    def told(message: str, **values: str) -> str:
        return translations(language).gettext(message) % values

    length = offer.visit_time
    yield told(_UNTIL_CLOSING) if length is None else told(_FOR, length=print_time(length, language))
    for allowance in allowances_of(offer):
        for amount in _amounts(allowance, language):
            yield told(PER_PERIOD[allowance.period], amount=amount)
    if offer.download_kbps is not None:
        yield told(_DOWN_AT, speed=print_speed(offer.download_kbps, language))
    if offer.upload_kbps is not None:
        yield told(_UP_AT, speed=print_speed(offer.upload_kbps, language))
    devices = translations(language).ngettext("%(num)s device", "%(num)s devices", offer.devices_at_once)
    yield _unbroken(devices % {"num": offer.devices_at_once})
    if offer.idle_timeout is not None:
        yield told(_IDLE, length=print_time(offer.idle_timeout, language))
    if offer.remember_for is not None:
        yield told(_REMEMBERED, length=print_time(offer.remember_for, language))
    if offer.announcement_every is not None:
        yield told(_ANNOUNCEMENT, length=print_time(offer.announcement_every, language))


def _amounts(allowance: Allowance, language: str) -> Iterator[str]:
    """“1 h online” of a visit, so that it is not taken for the length of the visit."""
    gettext = translations(language).gettext
    if allowance.time is not None:
        time = print_time(allowance.time, language)
        yield gettext(_ONLINE) % {"amount": time} if allowance.period is Period.VISIT else time
    volumes = (("", allowance.octets), (_UPLOAD, allowance.upload_octets), (_DOWNLOAD, allowance.download_octets))
    for message, octets in volumes:
        if octets is not None:
            amount = print_octets(octets, language)
            yield gettext(message) % {"amount": amount} if message else amount


def _decimal(number: float, language: str) -> str:
    return format_decimal(number, format="#,##0.###", locale=language)


def _unbroken(text: str) -> str:
    """A number and its unit stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
