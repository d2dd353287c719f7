"""Alarms: a NAS that is silent for too long, or whose secret is wrong. Raised once, ended once, told once each time.

Everything that happened at one look goes into one mail for each reader. The mails are written here, in the transaction
of the alarms, and sent by the outbox.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hotspot.message_ids import mark as _
from hotspot.models import AlarmKind, Nas, NasAlarm, Organisation, Role, StaffMember
from hotspot.nas_wording import explain_finding, print_length
from hotspot.policy.nas_health import Finding, FindingKind, is_secret_wrong, is_silent
from hotspot.services.nas_health import NasHealth, health_of_many
from hotspot.services.outbox import write_mail
from hotspot.settings import Settings
from hotspot.wording import translations

BETTER_FOR = timedelta(minutes=15)
"""What looks over must stay so for as long, before it is said to be."""
_MOST_NAMED = 50
"""Gateways in one mail; of more the number is told."""

_FINDINGS = {
    AlarmKind.SILENT: (FindingKind.SILENT, FindingKind.SILENT_WITH_VISITORS),
    AlarmKind.SECRET_WRONG: (FindingKind.SECRET_WRONG,),
}


@dataclass(frozen=True, slots=True)
class _News:
    alarm: NasAlarm
    finding: Finding | None
    """None: it is over."""


@dataclass(frozen=True, slots=True)
class _Reader:
    address: str
    language: str


def watch_nases(db: Session, settings: Settings, now: datetime) -> int:
    """Raise, end and tell. How many NASes are silent now."""
    health = health_of_many(db, None, now, settings.interim_interval)
    open_alarms = {
        (each.nas_id, each.kind): each for each in db.scalars(select(NasAlarm).where(NasAlarm.ended_at.is_(None)))
    }
    news: list[_News] = []
    for each in health.values():
        for kind, is_on in ((AlarmKind.SILENT, is_silent), (AlarmKind.SECRET_WRONG, is_secret_wrong)):
            told = _follow(db, each, kind, open_alarms.get((each.nas_id, kind)), is_on=is_on(each.facts))
            news += [told] if told is not None else []
    if news and settings.mail_host is not None:
        db.flush()
        _tell(db, news, _silence_of_all(list(health.values())), settings, now)
    return sum(1 for each in health.values() if is_silent(each.facts))


def _follow(db: Session, health: NasHealth, kind: AlarmKind, alarm: NasAlarm | None, *, is_on: bool) -> _News | None:
    now = health.facts.now
    if alarm is None:
        if not is_on:
            return None
        raised = NasAlarm(nas_id=health.nas_id, kind=kind, since=_since(health, kind), raised_at=now)
        db.add(raised)
        return _News(raised, next(each for each in health.findings if each.kind in _FINDINGS[kind]))
    if is_on or not _has_spoken_since(health, alarm):
        alarm.better_since = None
    elif alarm.better_since is None:
        alarm.better_since = now
    elif now - alarm.better_since >= BETTER_FOR:
        alarm.ended_at = now
        return _News(alarm, None)
    return None


def _since(health: NasHealth, kind: AlarmKind) -> datetime:
    facts = health.facts
    at = facts.last_packet_at if kind is AlarmKind.SILENT else facts.wrong_secret_at
    return at or facts.now


def _has_spoken_since(health: NasHealth, alarm: NasAlarm) -> bool:
    """That our own process was away, or that the sites have closed meanwhile, is no news of the NAS."""
    last_at = health.facts.last_packet_at
    return last_at is not None and last_at > alarm.since


def _silence_of_all(health: Sequence[NasHealth]) -> timedelta:
    """For how long nobody has been heard, of several that once were: then it may be our own line."""
    heard = [each.facts.now - each.facts.last_packet_at for each in health if each.facts.last_packet_at is not None]
    return min(heard) if len(heard) > 1 else timedelta()


def _tell(db: Session, news: Sequence[_News], silence_of_all: timedelta, settings: Settings, now: datetime) -> None:
    query = select(Nas).where(Nas.id.in_({each.alarm.nas_id for each in news})).options(joinedload(Nas.site))
    nases = {nas.id: nas for nas in db.scalars(query)}
    readers = _Readers(db, settings)
    letters: dict[_Reader, list[_News]] = defaultdict(list)
    for each in news:
        for reader in readers.of(nases[each.alarm.nas_id].organisation_id):
            letters[reader].append(each)
    for reader, theirs in letters.items():
        subject, body = _letter(theirs, nases, reader.language, settings)
        if silence_of_all >= BETTER_FOR:
            body = "\n\n".join((_look_here_first(silence_of_all, reader.language, settings), body))
        write_mail(db, reader.address, subject, body, now)


class _Readers:
    """Who the settings name; else the administrators of the nearest organisation that has any, going up the tree."""

    def __init__(self, db: Session, settings: Settings) -> None:
        self._named = [_Reader(address, settings.default_language) for address in dict.fromkeys(settings.alerts_to)]
        parents = db.execute(select(Organisation.id, Organisation.parent_id))
        self._parents: Mapping[int, int | None] = {below: above for below, above in parents}  # noqa: C416 - rows
        self._administrators: dict[int, list[_Reader]] = defaultdict(list)
        staff = select(StaffMember).where(StaffMember.role == Role.ADMINISTRATOR, StaffMember.retired_at.is_(None))
        for each in db.scalars(staff):
            self._administrators[each.organisation_id].append(_Reader(each.email, each.language))

    def of(self, organisation_id: int) -> Iterable[_Reader]:
        if self._named:
            return self._named
        above: int | None = organisation_id
        while above is not None and not self._administrators[above]:
            above = self._parents[above]
        return [] if above is None else self._administrators[above]


def _letter(news: Sequence[_News], nases: Mapping[int, Nas], language: str, settings: Settings) -> tuple[str, str]:
    """Subject and text."""
    gettext, ngettext = translations(language).gettext, translations(language).ngettext
    bad = [each for each in news if each.finding is not None]
    good = [each for each in news if each.finding is None]
    told = [*bad, *good]
    first = nases[told[0].alarm.nas_id]
    if len(told) > 1:
        counted = (
            ngettext("%(num)s gateway in trouble", "%(num)s gateways in trouble", len(bad)) % {"num": len(bad)},
            ngettext("%(num)s gateway well again", "%(num)s gateways well again", len(good)) % {"num": len(good)},
        )
        subject = ", ".join(said for said, which in zip(counted, (bad, good), strict=True) if which)
    else:
        subject = gettext(_SUBJECTS[told[0].alarm.kind] if bad else _WELL_AGAIN) % {"name": first.name}
    paragraphs = [_paragraph(each, nases[each.alarm.nas_id], language, settings) for each in told[:_MOST_NAMED]]
    if len(told) > _MOST_NAMED:
        paragraphs.append(
            gettext("And %(number)s more: %(link)s")
            % {"number": len(told) - _MOST_NAMED, "link": f"{settings.public_staff}/gateways"}
        )
    paragraphs.append(gettext("Parvis writes this by itself. You get it as an administrator, once for each event."))
    return f"Parvis: {subject}", "\n\n".join(paragraphs) + "\n"


def _look_here_first(length: timedelta, language: str, settings: Settings) -> str:
    said = _(
        "Nothing has come from any gateway for %(length)s. Unless that is usual at this hour, look first at the line "
        "and the firewall of this server (UDP %(auth)s and %(acct)s)."
    )
    facts = {"auth": settings.radius_auth_port, "acct": settings.radius_acct_port}
    return translations(language).gettext(said) % (facts | {"length": print_length(length, language)})


def _paragraph(news: _News, nas: Nas, language: str, settings: Settings) -> str:
    gettext = translations(language).gettext
    head = f"{nas.name} ({nas.site.name})"
    link = f"{settings.public_staff}/gateways/{nas.id}"
    zone = ZoneInfo(nas.site.time_zone)
    since = format_datetime(news.alarm.since, "short", tzinfo=zone, locale="en_GB" if language == "en" else language)
    if news.finding is None:
        over = gettext("It is well again. The trouble began at %(since)s.") % {"since": since}
        return "\n".join((head, over, link))
    said = explain_finding(news.finding, language)
    return "\n".join((head, said.title, gettext("Since: %(since)s") % {"since": since}, said.what_to_do, link))


_SUBJECTS = {
    AlarmKind.SILENT: _("%(name)s is silent"),
    AlarmKind.SECRET_WRONG: _("%(name)s has a wrong secret"),
}
_WELL_AGAIN = _("%(name)s is well again")
