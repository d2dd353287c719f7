"""The facts that the health of a NAS is judged by, for one of them or for all, in a handful of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, or_, select
from sqlalchemy.orm import Session

from hotspot.models import (
    AccessPoint,
    ChangeRecord,
    MessageAuthenticatorMode,
    Nas,
    NasDiscard,
    NasSilence,
    NasState,
    OpeningException,
    OpeningInterval,
    Site,
    WifiSession,
    WifiSessionCounter,
)
from hotspot.models.site import as_hours
from hotspot.policy.nas_health import RECENTLY, Finding, NasFacts, Proof, State, diagnose, state_of
from hotspot.policy.nas_silence import (
    LEARNED_FROM,
    SHORTEST,
    longest_silence,
    longest_silence_with_visitors,
    usual_silence,
)
from hotspot.policy.opening_hours import Hours, open_time
from hotspot.services.nas_learning import listening_since
from hotspot.services.wish_queue import says_gone
from hotspot.values import TerminateCause

_MISSED = 2
"""Intervals: a session that has not been reported for so long has lost a report."""
_MONTH = timedelta(days=30)
_ASKED_LATELY = timedelta(days=7)
"""What a NAS refused longer ago says little of what it does today."""


@dataclass(frozen=True, slots=True)
class NasHealth:
    nas_id: int
    facts: NasFacts
    findings: list[Finding]
    last_auth_at: datetime | None = None
    last_accounting_at: datetime | None = None
    usual_silence: timedelta | None = None
    """None where nobody asked for it."""

    @property
    def state(self) -> State:
        return state_of(self.findings)


@dataclass(frozen=True, slots=True)
class DiscardCount:
    reason: str
    last_day: int
    last_month: int


@dataclass(slots=True)
class _Sessions:
    without_news: int = 0
    closed_for_silence: int = 0
    last_news: list[datetime] = field(default_factory=list)


def health_of_one(db: Session, nas_id: int, now: datetime, interim_interval: timedelta) -> NasHealth:
    """With how long it is usually silent."""
    return next(_health(db, Nas.id == nas_id, now, interim_interval, learn_all=True))


def health_of_many(
    db: Session, organisation_ids: Collection[int] | None, now: datetime, interim_interval: timedelta
) -> dict[int, NasHealth]:
    """By id: every NAS of these organisations, or all there are."""
    which = Nas.id.is_not(None) if organisation_ids is None else Nas.organisation_id.in_(organisation_ids)
    return {each.nas_id: each for each in _health(db, which, now, interim_interval, learn_all=False)}


def count_discards(db: Session, nas_id: int, now: datetime) -> Sequence[DiscardCount]:
    """Of the last day and the last 30 days; the most frequent first."""
    lately = case((NasDiscard.hour_at > now - RECENTLY, NasDiscard.number), else_=0)
    rows = db.execute(
        select(NasDiscard.reason, func.sum(lately), func.sum(NasDiscard.number))
        .where(NasDiscard.nas_id == nas_id, NasDiscard.hour_at > now - _MONTH)
        .group_by(NasDiscard.reason)
        .order_by(func.sum(NasDiscard.number).desc(), NasDiscard.reason)
    )
    return [DiscardCount(reason, int(last_day), int(last_month)) for reason, last_day, last_month in rows]


def _health(
    db: Session, which: ColumnElement[bool], now: datetime, interim_interval: timedelta, *, learn_all: bool
) -> Iterator[NasHealth]:
    since = listening_since(db, now)
    states = {each.nas_id: each for each in db.scalars(select(NasState).join(Nas).where(which))}
    discards = _recent_discards(db, which, now)
    sessions = _sessions(db, which, now, interim_interval)
    answers = _answers_to_changes(db, which, now)
    nases = db.execute(
        select(
            Nas.id,
            Nas.site_id,
            Nas.created_at,
            Nas.last_packet_at,
            Nas.message_authenticator,
            Nas.message_authenticator_seen,
        ).where(which)
    ).all()
    places = _Places(db, which)
    with_visitors = longest_silence_with_visitors(interim_interval)
    silent_for = {nas.id: _silence(nas, places, since, now, with_visitors) for nas in nases}
    learn_of = [nas_id for nas_id, silence in silent_for.items() if learn_all or silence > SHORTEST]
    past_silences = _past_silences(db, learn_of, now)
    for nas in nases:
        state = states.get(nas.id) or NasState()
        theirs = sessions.get(nas.id) or _Sessions()
        last_at = nas.last_packet_at
        limit, usual = SHORTEST, None
        if nas.id in past_silences:
            hours = places.hours_of(nas.id, nas.site_id)
            past = [open_time(hours, began_at, ended_at) for began_at, ended_at in past_silences[nas.id]]
            usual = usual_silence(past)
            has_hours = not any(each.never_closes for each in hours)
            limit = longest_silence(past, now - nas.created_at, has_hours=has_hours)
        missed_since = now - interim_interval * _MISSED
        is_heard = last_at is not None and last_at >= missed_since
        without_news = theirs.without_news + (theirs.closed_for_silence if state.last_interim_at is None else 0)
        facts = NasFacts(
            now=now,
            last_packet_at=last_at,
            silence=silent_for[nas.id],
            longest_silence=limit,
            longest_silence_with_visitors=with_visitors,
            visitors=_count_visitors(theirs, last_at, interim_interval),
            sessions_without_news=without_news if is_heard else 0,
            last_interim_at=state.last_interim_at,
            wrong_secret_at=state.wrong_secret_at,
            proof=_proof(nas.message_authenticator, seen=nas.message_authenticator_seen),
            clock_offset=timedelta(seconds=state.clock_offset_seconds or 0),
            discards=discards[nas.id],
            is_listened_to=since is not None,
            **answers.get(nas.id, {}),
            **_counts_of_today(state, now),
        )
        yield NasHealth(nas.id, facts, diagnose(facts), state.last_auth_at, state.last_accounting_at, usual)


def _silence(
    nas: Row[*tuple[Any, ...]], places: "_Places", since: datetime | None, now: datetime, with_visitors: timedelta
) -> timedelta:
    """Open time. What is shorter than any silence that matters is not looked at."""
    last_at = nas.last_packet_at
    if last_at is None or since is None or now - last_at <= with_visitors:
        return timedelta()
    return open_time(places.hours_of(nas.id, nas.site_id), max(last_at, since), now)


def _count_visitors(sessions: _Sessions, last_at: datetime | None, interim_interval: timedelta) -> int:
    """Those that were still reported shortly before the NAS fell silent."""
    if last_at is None:
        return 0
    return sum(1 for news in sessions.last_news if news >= last_at - interim_interval * _MISSED)


def _counts_of_today(state: NasState, now: datetime) -> dict[str, Any]:
    if state.counted_on != now.astimezone(UTC).date():
        return {}
    return {"requests": state.requests, "repeats": state.repeats}


def _proof(mode: MessageAuthenticatorMode, *, seen: bool) -> Proof:
    if mode is MessageAuthenticatorMode.OPTIONAL:
        return Proof.NOT_REQUIRED
    return Proof.REQUIRED if seen or mode is MessageAuthenticatorMode.REQUIRED else Proof.NOT_SEEN_YET


def _recent_discards(db: Session, which: ColumnElement[bool], now: datetime) -> Mapping[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = db.execute(
        select(NasDiscard.nas_id, NasDiscard.reason, func.sum(NasDiscard.number))
        .join(Nas)
        .where(which, NasDiscard.hour_at > now - RECENTLY)
        .group_by(NasDiscard.nas_id, NasDiscard.reason)
    )
    for nas_id, reason, number in rows:
        found[nas_id][reason] = int(number)
    return found


def _sessions(
    db: Session, which: ColumnElement[bool], now: datetime, interim_interval: timedelta
) -> Mapping[int, _Sessions]:
    """Live ones without news, and those of the last day that we closed for silence."""
    found: dict[int, _Sessions] = defaultdict(_Sessions)
    news = func.coalesce(WifiSessionCounter.updated_at, WifiSession.started_at)
    is_live = WifiSession.ended_at.is_(None)
    rows = db.execute(
        select(WifiSession.nas_id, is_live, WifiSessionCounter.updated_at, WifiSession.started_at)
        .join(Nas)
        .outerjoin(WifiSessionCounter, WifiSessionCounter.id == WifiSession.id)
        .where(
            which,
            news < now - interim_interval * _MISSED,
            or_(
                is_live,
                (WifiSession.started_at > now - RECENTLY) & (WifiSession.terminate_cause == TerminateCause.SILENCE),
            ),
        )
    )
    for nas_id, live, updated_at, started_at in rows:
        theirs = found[nas_id]
        theirs.last_news.append(updated_at or started_at)
        if live:
            theirs.without_news += 1
        else:
            theirs.closed_for_silence += 1
    return found


def _answers_to_changes(db: Session, which: ColumnElement[bool], now: datetime) -> Mapping[int, dict[str, Any]]:
    """What each NAS lately made of wishes to end or change a connection. That a connection is gone is no refusal."""
    found: dict[int, dict[str, Any]] = {}
    rows = db.execute(select(ChangeRecord, Nas.vendor).join(Nas, Nas.id == ChangeRecord.nas_id).where(which))
    for record, vendor in rows:
        theirs = found.setdefault(record.nas_id, {"changes_unanswered": record.unanswered_in_a_row})
        theirs["changes_unanswered"] = min(theirs["changes_unanswered"], record.unanswered_in_a_row)
        refused_at = record.refused_at
        if refused_at is None or (record.accepted_at is not None and record.accepted_at > refused_at):
            continue
        if now - refused_at < _ASKED_LATELY and not says_gone(vendor, record.refused_because):
            theirs |= {"change_refused_at": refused_at, "change_refused_because": record.refused_because}
    return found


def _past_silences(
    db: Session, nas_ids: Collection[int], now: datetime
) -> Mapping[int, list[tuple[datetime, datetime]]]:
    """Of each of these, if only that there were none."""
    found: dict[int, list[tuple[datetime, datetime]]] = {nas_id: [] for nas_id in nas_ids}
    if not found:
        return found
    query = select(NasSilence.nas_id, NasSilence.began_at, NasSilence.ended_at)
    lately = query.where(NasSilence.nas_id.in_(found), NasSilence.ended_at > now - LEARNED_FROM)
    for nas_id, began_at, ended_at in db.execute(lately):
        found[nas_id].append((began_at, ended_at))
    return found


class _Places:
    """The opening hours of a NAS: those of its own site, and of each where an access point of it stands."""

    def __init__(self, db: Session, which: ColumnElement[bool]) -> None:
        self._db = db
        self._hours: dict[int, Hours] | None = None
        self._points: dict[int, set[int]] = defaultdict(set)
        for nas_id, site_id in db.execute(select(AccessPoint.nas_id, AccessPoint.site_id).join(Nas).where(which)):
            self._points[nas_id].add(site_id)

    def hours_of(self, nas_id: int, site_id: int) -> list[Hours]:
        if self._hours is None:
            self._hours = self._read_hours()
        return [self._hours[each] for each in {site_id, *self._points[nas_id]}]

    def _read_hours(self) -> dict[int, Hours]:
        """Of every site there is: columns, since as objects thousands of intervals take half a second."""
        intervals, exceptions = defaultdict(list), defaultdict(list)
        for row in self._db.execute(select(*OpeningInterval.__table__.columns)):
            intervals[row.site_id].append(row)
        for row in self._db.execute(select(*OpeningException.__table__.columns)):
            exceptions[row.site_id].append(row)
        zones = self._db.execute(select(Site.id, Site.time_zone))
        return {site_id: as_hours(time_zone, intervals[site_id], exceptions[site_id]) for site_id, time_zone in zones}
