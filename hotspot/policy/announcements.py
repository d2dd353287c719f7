"""Who sees announcements, and which one is next. When the next one is due: `admission.py`.

Two rules keep announcements away from where they have no place, each for itself: no grant there has a time for them
(`is_spared`), and none is chosen there (`choose`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from hotspot.values import CampaignKind, SiteKind, Way

OF_AGE = 18
SHORTEST_CYCLE = timedelta(minutes=5)
LONGEST_CYCLE = timedelta(hours=24)
LONGEST_VIEW = timedelta(seconds=60)
SHORTEST_VIEW = timedelta(seconds=3)
SOONEST_AGAIN = timedelta(minutes=5)
"""Of connection since the last one, before the next may be seen ahead of its time: nobody is to gather views."""

_FREE_SITES = (SiteKind.LIBRARY,)
_WAYS_OF_READERS = (Way.LIBRARY_CARD,)


@dataclass(frozen=True, slots=True)
class Zone:
    """What a site is, as far as announcements go."""

    kind: SiteKind
    is_wifi4eu: bool = False

    @property
    def is_free(self) -> bool:
        """Of every announcement: libraries, and WiFi4EU, whose grant agreement forbids advertising."""
        return self.is_wifi4eu or self.kind in _FREE_SITES


def is_spared(zone: Zone, way: Way, age: int | None) -> bool:
    """Minors see none; nor does a reader whose library does not tell the age: many are children. Of other visitors no
    age is asked (it would have to be kept), so theirs is unknown without a meaning."""
    if zone.is_free:
        return True
    return age < OF_AGE if age is not None else way in _WAYS_OF_READERS


@dataclass(frozen=True, slots=True)
class Candidate:
    """An announcement, with what its campaign says of when and how often."""

    announcement_id: int
    campaign_id: int
    kind: CampaignKind
    starts_on: date
    ends_on: date | None = None
    """Both days included."""
    from_time: time | None = None
    until_time: time | None = None
    """Local; at or before `from_time` it is on the next day. Both or none."""
    weight: int = 10
    most_per_device: int | None = None
    """Views of the campaign, a day."""
    most_per_day: int | None = None
    """Views of the campaign, by everybody."""


@dataclass(frozen=True, slots=True)
class ShownToday:
    """How often, by announcement; of a campaign, the sum."""

    displays: Mapping[int, int]
    """Here and elsewhere: what the rotation is fair by."""
    views: Mapping[int, int]
    by_device: Mapping[int, int]
    """Views of this device."""
    last_of_device: int | None = None


def choose(candidates: Sequence[Candidate], shown: ShownToday, zone: Zone, local_now: datetime) -> Candidate | None:
    """The one that is furthest behind its share; not the same twice in a row to one device, if there is another.

    Where no campaign may be shown, the town's own news fills the gap, whatever its hours and caps. None: there is
    nothing to show, and nobody is to wait before an empty page.
    """
    if zone.is_free:
        return None
    running = [family for family in _by_campaign(candidates) if _is_running(family[0], local_now.date())]
    wall = local_now.time()
    fit = [family for family in running if _has_hours(family[0], wall) and not _is_capped(family, shown)]
    fit = fit or [family for family in running if family[0].kind is CampaignKind.MUNICIPAL]
    last = shown.last_of_device
    others = [family for family in fit if len(family) > 1 or family[0].announcement_id != last] or fit
    if not others:
        return None
    displays = shown.displays
    family = min(others, key=lambda each: ((_sum(displays, each) + 1) / each[0].weight, each[0].campaign_id))
    return min(
        [each for each in family if each.announcement_id != last] or family,
        key=lambda each: (displays.get(each.announcement_id, 0), each.announcement_id),
    )


def _by_campaign(candidates: Iterable[Candidate]) -> Iterable[list[Candidate]]:
    families: dict[int, list[Candidate]] = {}
    for each in candidates:
        family = families.get(each.campaign_id)
        if family is None:
            families[each.campaign_id] = [each]
        else:
            family.append(each)
    return families.values()


def _is_running(candidate: Candidate, day: date) -> bool:
    return candidate.starts_on <= day and (candidate.ends_on is None or day <= candidate.ends_on)


def _has_hours(candidate: Candidate, wall: time) -> bool:
    begins, ends = candidate.from_time, candidate.until_time
    if begins is None or ends is None:
        return True
    return begins <= wall < ends if begins < ends else wall >= begins or wall < ends


def _is_capped(family: Sequence[Candidate], shown: ShownToday) -> bool:
    campaign = family[0]
    of_device, of_all = campaign.most_per_device, campaign.most_per_day
    return (of_device is not None and _sum(shown.by_device, family) >= of_device) or (
        of_all is not None and _sum(shown.views, family) >= of_all
    )


def _sum(counts: Mapping[int, int], family: Sequence[Candidate]) -> int:
    """Called once or twice for each campaign while a visitor waits: of one announcement, without a loop."""
    if len(family) == 1:
        return counts.get(family[0].announcement_id, 0)
    total = 0
    for each in family:
        total += counts.get(each.announcement_id, 0)
    return total
