"""What a grant allows and what of it is used, as JSON can hold it: a list without names, since RADIUS unpacks one for
every login."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.values import Period, RefusalReason


def pack_terms(terms: GrantTerms, usage: Usage) -> list[Any]:
    return [
        terms.grant_id.hex,
        terms.ends_at.timestamp(),
        terms.ends_because,
        _moment(terms.again_at),
        [_allowance(each) for each in terms.allowances],
        _seconds(terms.announcement_every),
        terms.upload_kbps,
        terms.download_kbps,
        terms.idle_timeout.total_seconds(),
        terms.interim_interval.total_seconds(),
        terms.longest_session.total_seconds(),
        [_used(each) for each in (usage.visit, usage.day, usage.week)],
        _seconds(usage.since_announcement),
    ]


def unpack_terms(packed: list[Any]) -> tuple[GrantTerms, Usage]:
    (grant, ends, because, again, allowances, every, up, down, idle, interim, longest, used, since) = packed
    terms = GrantTerms(
        UUID(grant),
        datetime.fromtimestamp(ends, UTC),
        RefusalReason(because),
        _to_moment(again),
        tuple(_to_allowance(each) for each in allowances),
        _to_length(every),
        up,
        down,
        timedelta(0, idle),
        timedelta(0, interim),
        timedelta(0, longest),
    )
    visit, day, week = (Used(timedelta(0, seconds), upload, download) for seconds, upload, download in used)
    return terms, Usage(visit, day, week, _to_length(since))


def _allowance(allowance: Allowance) -> list[Any]:
    return [
        allowance.period,
        _seconds(allowance.time),
        allowance.octets,
        allowance.upload_octets,
        allowance.download_octets,
        _moment(allowance.renews_at),
    ]


def _to_allowance(packed: list[Any]) -> Allowance:
    period, seconds, octets, upload, download, renews = packed
    return Allowance(Period(period), _to_length(seconds), octets, upload, download, _to_moment(renews))


def _used(used: Used) -> list[Any]:
    return [used.time.total_seconds(), used.upload_octets, used.download_octets]


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _to_length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(0, seconds)


def _moment(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _to_moment(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)
