"""How is a NAS? Facts in, findings out: each has a sentence and what to do about it in `hotspot/nas_wording.py`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hotspot.policy.changes import HOPELESS


class Proof(StrEnum):
    """Where a NAS stands with Message-Authenticator."""

    REQUIRED = "required"
    NOT_SEEN_YET = "not_seen_yet"
    NOT_REQUIRED = "not_required"


class Severity(StrEnum):
    """An alarm keeps people offline; care wants a look; a note is for whoever reads the page anyway."""

    ALARM = "alarm"
    CARE = "care"
    NOTE = "note"


class FindingKind(StrEnum):
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    SILENT_WITH_VISITORS = "silent_with_visitors"
    SECRET_WRONG = "secret_wrong"  # noqa: S105
    SECRET_WRONG_AT_TIMES = "secret_wrong_at_times"  # noqa: S105
    PROOF_MISSING = "proof_missing"
    PROOF_NOT_SEEN_YET = "proof_not_seen_yet"
    PROOF_NOT_REQUIRED = "proof_not_required"
    PROXY_STATE_UNPROTECTED = "proxy_state_unprotected"
    WRONG_PORT = "wrong_port"
    CLOCK_OFF = "clock_off"
    INTERIM_NEVER = "interim_never"
    INTERIM_MISSING = "interim_missing"
    MANY_REPEATS = "many_repeats"
    MALFORMED = "malformed"
    COA_REFUSED = "coa_refused"
    COA_UNANSWERED = "coa_unanswered"
    OURS_AWAY = "ours_away"
    NOBODY_LISTENS = "nobody_listens"


class State(StrEnum):
    """At a glance."""

    WELL = "well"
    LOOK = "look"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: FindingKind
    severity: Severity
    number: int = 0
    """Packets, sessions, the sign of a clock's offset, an Error-Cause (nought: none): as its sentence needs."""
    length: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class NasFacts:
    """What is known of one NAS. Silence is open time only; `discards` are those of the last 24 hours, by reason."""

    now: datetime
    last_packet_at: datetime | None = None
    silence: timedelta = timedelta()
    longest_silence: timedelta = timedelta(hours=1)
    longest_silence_with_visitors: timedelta = timedelta(minutes=15)
    visitors: int = 0
    """Wi-Fi sessions that were going on when it was last heard."""
    sessions_without_news: int = 0
    """Live, and not reported for two intervals, though the NAS is heard."""
    last_interim_at: datetime | None = None
    wrong_secret_at: datetime | None = None
    proof: Proof = Proof.REQUIRED
    clock_offset: timedelta = timedelta()
    requests: int = 0
    repeats: int = 0
    discards: Mapping[str, int] = field(default_factory=dict)
    change_refused_at: datetime | None = None
    """When it last refused to end or change a connection that it has; None if it has obeyed since."""
    change_refused_because: int | None = None
    """Error-Cause of that refusal (RFC 5176 section 3.5)."""
    changes_unanswered: int = 0
    """Wishes to end or change a connection, in a row, of whichever kind fewest are unanswered."""
    is_listened_to: bool = True
    """Is there a RADIUS process at all?"""


RECENTLY = timedelta(days=1)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""Beyond it an Event-Timestamp is not believed: radius/handlers.py goes by the moment of arrival instead."""
_FEWEST_WRONG = 3
"""So often a NAS asks for a single login. One forged packet in the name of one that is quiet must wake nobody."""
_FEWEST_REPEATS = 20
_SHARE_OF_REPEATS = 0.05

_MALFORMED = (
    "packet_too_short",
    "length_wrong",
    "attribute_malformed",
    "too_many_attributes",
    "proxy_state_too_long",
    "message_authenticator_malformed",
    "two_passwords",
    "password_malformed",
    "status_type_missing",
    "session_id_missing",
)
_OURS = ("database_away", "redis_away", "journal_full", "back_end_too_slow", "cannot_be_recorded")
_COUNTED = {
    FindingKind.PROOF_MISSING: (("message_authenticator_missing",), Severity.ALARM),
    FindingKind.PROXY_STATE_UNPROTECTED: (("proxy_state_unprotected",), Severity.ALARM),
    FindingKind.WRONG_PORT: (("code_not_for_this_port",), Severity.ALARM),
    FindingKind.MALFORMED: (_MALFORMED, Severity.CARE),
    FindingKind.OURS_AWAY: (_OURS, Severity.NOTE),
}
"""Findings that are a number of discarded packets, and no more."""


def diagnose(facts: NasFacts) -> list[Finding]:
    """The gravest first."""
    order = list(Severity)
    return sorted(_findings(facts), key=lambda each: order.index(each.severity))


def state_of(findings: list[Finding]) -> State:
    kinds = {each.kind for each in findings}
    if kinds & {FindingKind.SILENT, FindingKind.SILENT_WITH_VISITORS, FindingKind.NEVER_HEARD}:
        return State.SILENT
    return State.LOOK if any(each.severity is not Severity.NOTE for each in findings) else State.WELL


def is_silent(facts: NasFacts) -> bool:
    """For longer than is usual, or with visitors online: a reason to wake somebody."""
    return any(each.severity is Severity.ALARM for each in _silence(facts))


def is_secret_wrong(facts: NasFacts) -> bool:
    """Nothing authentic has come since the last packet with a wrong secret."""
    return any(each.kind is FindingKind.SECRET_WRONG for each in _secret(facts))


def _findings(facts: NasFacts) -> Iterator[Finding]:
    if not facts.is_listened_to:
        yield Finding(FindingKind.NOBODY_LISTENS, Severity.NOTE)
    yield from _silence(facts)
    yield from _secret(facts)
    for kind, (reasons, severity) in _COUNTED.items():
        if number := sum(facts.discards.get(reason, 0) for reason in reasons):
            yield Finding(kind, severity, number)
    yield from _proof(facts)
    yield from _accounting(facts)
    yield from _coa(facts)


def _silence(facts: NasFacts) -> Iterator[Finding]:
    if facts.last_packet_at is None:
        # with a wrong secret it does speak: that is said instead
        if not is_secret_wrong(facts):
            yield Finding(FindingKind.NEVER_HEARD, Severity.CARE)
    elif not facts.is_listened_to:
        return
    elif facts.visitors and facts.last_interim_at and facts.silence > facts.longest_silence_with_visitors:
        length = facts.now - facts.last_packet_at
        yield Finding(FindingKind.SILENT_WITH_VISITORS, Severity.ALARM, facts.visitors, length)
    elif facts.silence > facts.longest_silence:
        yield Finding(FindingKind.SILENT, Severity.ALARM, length=facts.now - facts.last_packet_at)


def _secret(facts: NasFacts) -> Iterator[Finding]:
    wrong_at = facts.wrong_secret_at
    if wrong_at is None or facts.now - wrong_at > RECENTLY:
        return
    number = sum(
        facts.discards.get(reason, 0) for reason in ("message_authenticator_wrong", "request_authenticator_wrong")
    )
    if facts.last_packet_at is None or facts.last_packet_at < wrong_at - timedelta(minutes=5):
        if number >= _FEWEST_WRONG:
            yield Finding(FindingKind.SECRET_WRONG, Severity.ALARM, number)
    elif facts.now - wrong_at < timedelta(hours=1):
        yield Finding(FindingKind.SECRET_WRONG_AT_TIMES, Severity.CARE, number)


def _proof(facts: NasFacts) -> Iterator[Finding]:
    if facts.proof is Proof.NOT_REQUIRED:
        yield Finding(FindingKind.PROOF_NOT_REQUIRED, Severity.NOTE)
    elif facts.proof is Proof.NOT_SEEN_YET and facts.last_packet_at is not None:
        yield Finding(FindingKind.PROOF_NOT_SEEN_YET, Severity.CARE)


def _accounting(facts: NasFacts) -> Iterator[Finding]:
    if abs(facts.clock_offset) > CLOCK_TOLERANCE:
        yield Finding(FindingKind.CLOCK_OFF, Severity.CARE, _sign(facts.clock_offset), abs(facts.clock_offset))
    if facts.sessions_without_news:
        kind = FindingKind.INTERIM_MISSING if facts.last_interim_at else FindingKind.INTERIM_NEVER
        yield Finding(kind, Severity.CARE, facts.sessions_without_news)
    if facts.repeats >= _FEWEST_REPEATS and facts.repeats > facts.requests * _SHARE_OF_REPEATS:
        yield Finding(FindingKind.MANY_REPEATS, Severity.CARE, round(100 * facts.repeats / max(1, facts.requests)))


def _sign(length: timedelta) -> int:
    return 1 if length > timedelta() else -1


def _coa(facts: NasFacts) -> Iterator[Finding]:
    if facts.change_refused_at is not None:
        length, cause = facts.now - facts.change_refused_at, facts.change_refused_because
        yield Finding(FindingKind.COA_REFUSED, Severity.CARE, cause or 0, length)
    if facts.changes_unanswered >= HOPELESS:
        yield Finding(FindingKind.COA_UNANSWERED, Severity.CARE, facts.changes_unanswered)
