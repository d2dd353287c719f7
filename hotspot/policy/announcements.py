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
    running = [each for each in candidates if _is_running(each, local_now.date())]
    siblings = _by_campaign(running)
    open_now = {
        campaign_id
        for campaign_id, family in siblings.items()
        if _has_hours(family[0], local_now.time()) and not _is_capped(family, shown)
    }
    fit: Iterable[Candidate] = [each for each in running if each.campaign_id in open_now]
    if not fit:
        fit = [each for each in running if each.kind is CampaignKind.MUNICIPAL]
    others = [each for each in fit if each.announcement_id != shown.last_of_device]
    sums = {campaign_id: _sum(shown.displays, family) for campaign_id, family in siblings.items()}
    return min(
        others or fit,
        key=lambda each: (
            (sums[each.campaign_id] + 1) / each.weight,
            each.campaign_id,
            shown.displays.get(each.announcement_id, 0),
            each.announcement_id,
        ),
        default=None,
    )


def _by_campaign(candidates: Iterable[Candidate]) -> Mapping[int, list[Candidate]]:
    families: dict[int, list[Candidate]] = {}
    for each in candidates:
        families.setdefault(each.campaign_id, []).append(each)
    return families


def _is_running(candidate: Candidate, day: date) -> bool:
    return candidate.starts_on <= day and (candidate.ends_on is None or day <= candidate.ends_on)


def _has_hours(candidate: Candidate, wall: time) -> bool:
    begins, ends = candidate.from_time, candidate.until_time
    if begins is None or ends is None:
        return True
    return begins <= wall < ends if begins < ends else wall >= begins or wall < ends


def _is_capped(family: Sequence[Candidate], shown: ShownToday) -> bool:
    campaign = family[0]
    return _reaches(campaign.most_per_device, _sum(shown.by_device, family)) or _reaches(
        campaign.most_per_day, _sum(shown.views, family)
    )


def _reaches(most: int | None, count: int) -> bool:
    return most is not None and count >= most


def _sum(counts: Mapping[int, int], family: Iterable[Candidate]) -> int:
    return sum(counts.get(each.announcement_id, 0) for each in family)
