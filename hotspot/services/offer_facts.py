"""An offer as the audit log tells it: what is set, in signs that need no language."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hotspot.models import Offer
from hotspot.values import Period


def facts_of(offer: Offer) -> dict[str, Any]:
    """None and what is empty: not limited, or not set. Without its way, which never changes."""
    visit = (offer.time_allowed, offer.octets_allowed, offer.upload_octets_allowed, offer.download_octets_allowed)
    others = {each.period: each for each in offer.allowances}
    day, week = (
        None if row is None else (row.time, row.octets, row.upload_octets, row.download_octets)
        for row in (others.get(Period.DAY), others.get(Period.WEEK))
    )
    every, length = _time(offer.announcement_every), _time(offer.announcement_length)
    return {
        "name": offer.name,
        "sites": sorted(site.name for site in offer.sites),
        "visit_time": _time(offer.visit_time),
        "per_visit": _limits(*visit),
        "per_day": _limits(*day) if day else "",
        "per_week": _limits(*week) if week else "",
        "speeds": _joined([("↓", offer.download_kbps, "kbit/s"), ("↑", offer.upload_kbps, "kbit/s")]),
        "devices_at_once": offer.devices_at_once,
        "idle_time": _time(offer.idle_timeout),
        "remember_days": None if offer.remember_for is None else offer.remember_for.days,
        "announcements": f"{every} / {length}" if every else "",
        "library_system": None if offer.library_system is None else offer.library_system.name,
        "host_domains": offer.sponsor_domains,
        "by_rule_only": "yes" if offer.by_rule_only else "",
    }


def _limits(time: timedelta | None, octets: int | None, upload: int | None, download: int | None) -> str:
    volumes = (("", octets), ("↑", upload), ("↓", download))
    told = [_time(time), *(f"{sign} {_volume(each)}".strip() for sign, each in volumes if each is not None)]
    return " · ".join(each for each in told if each)


def _joined(numbers: Iterable[tuple[str, int | None, str]]) -> str:
    return " · ".join(f"{sign} {number} {unit}" for sign, number, unit in numbers if number is not None)


def _time(length: timedelta | None) -> str:
    """2 h 30 min, 45 min, 10 s."""
    if length is None:
        return ""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _volume(octets: int) -> str:
    """In MB, of 1,000,000 octets, as far as it is whole."""
    megabytes, rest = divmod(octets, 1_000_000)
    return f"{octets} B" if rest else f"{megabytes} MB"
