"""Wishes as the RADIUS door sees them: taken by one process at a time, sent, answered; confirmed when the session is
over. And what each NAS is known to make of them.

A wish that was taken is everybody's again when its lease is over: the process that had it must have died.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from cryptography.fernet import InvalidToken
from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session, joinedload

from hotspot.models import (
    ChangeRecord,
    Nas,
    SessionWish,
    WifiSession,
    WifiSessionCounter,
    WishKind,
    WishState,
)
from hotspot.policy.admission import decide_admission
from hotspot.policy.changes import decide_next_try, decide_rest
from hotspot.sealing import Vault
from hotspot.services.allowances import terms_of, usage_of
from hotspot.settings import Settings
from hotspot.values import Refuse
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import Attributes, LiveSession, Vendor

LEASE = timedelta(seconds=45)
"""Longer than a packet is ever repeated (RFC 5080 section 2.2.1: 30 s)."""
WITHOUT_A_WAY = timedelta(seconds=30)
"""So long a wish waits for a way to its NAS: a TLS connection may be about to come."""
TURN_OF_TLS = timedelta(seconds=10)
"""Each time a wish falls due, so long it is left to the process that has the TLS connection of its NAS: the others know
of none and would use UDP. Long enough for a NAS that has just lost its connection to come back, to any of them."""
LOOK_AGAIN = timedelta(seconds=1)
_AT_ONCE = 64
SESSION_CONTEXT_NOT_FOUND = 503


class Answer(StrEnum):
    """What came back, in the core's words."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NONE = "none"
    NO_WAY = "no_way"
    """It could not be sent: no connection, no address, no route."""
    BUSY = "busy"
    """It could not be sent yet: too many are under way to this NAS."""


@dataclass(frozen=True, slots=True)
class TakenWish:
    """All that sending it needs; nothing in it needs the database."""

    wish_id: int
    lease: datetime
    """Until when it is this process's alone; also its name in the answer."""
    tries: int
    """This one included."""
    kind: WishKind
    nas_id: int
    attributes: Attributes
    secret: bytes = field(repr=False)
    address: str | None
    """None: no address is known. It may have a TLS connection all the same."""
    port: int


@dataclass(frozen=True, slots=True)
class Outcome:
    wish: TakenWish
    answer: Answer
    error_cause: int | None = None


def is_anything_to_do(db: Session, now: datetime) -> bool:
    """A look that writes nothing, so that an idle process costs nothing."""
    due = select(SessionWish.id).where(_is_due(now))
    return db.scalar(due.limit(1)) is not None or db.scalar(_is_over().limit(1)) is not None


def take(
    db: Session, now: datetime, settings: Settings, vault: Vault, is_connected: Callable[[int], bool]
) -> list[TakenWish]:
    """The oldest that are due, now this process's. On PostgreSQL what another takes at the same moment is passed over;
    SQLite has one writer at a time. `is_connected`: has the NAS of this number a TLS connection to this process?"""
    wishes = db.scalars(
        select(SessionWish)
        .join(SessionWish.wifi_session)
        .where(_is_due(now), WifiSession.ended_at.is_(None), ~_is_left_to_others(db, now, is_connected))
        .options(joinedload(SessionWish.wifi_session).joinedload(WifiSession.nas).selectinload(Nas.addresses))
        .order_by(SessionWish.due_at, SessionWish.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True, of=SessionWish)
    ).all()
    taken = []
    for wish in wishes:
        nas = wish.wifi_session.nas
        rests_until = _rests_until(db.get(ChangeRecord, (nas.id, wish.kind)))
        if wish.asked_by == "system" and rests_until is not None and rests_until > now:
            wish.due_at = rests_until
            continue
        attributes, secret = _attributes(db, wish, now, settings), _open(vault, nas)
        if attributes is None or secret is None:
            wish.state, wish.due_at = WishState.NOT_POSSIBLE, None
            continue
        wish.state, wish.due_at, wish.tries = WishState.SENT, now + LEASE, wish.tries + 1
        taken.append(
            TakenWish(
                wish_id=wish.id,
                lease=wish.due_at,
                tries=wish.tries,
                kind=wish.kind,
                nas_id=nas.id,
                attributes=attributes,
                secret=secret,
                address=address_of(nas),
                port=nas.coa_port,
            )
        )
    return taken


def address_of(nas: Nas) -> str | None:
    """Where to send to: its packets' last source, if that is still one of its addresses; else a single address of its
    own. None where only networks are known."""
    networks = [ip_network(each.network) for each in nas.addresses]
    if nas.last_address is not None:
        last = ip_address(nas.last_address.partition("%")[0])
        if any(last.version == network.version and last in network for network in networks):
            return nas.last_address
    return next((str(network.network_address) for network in networks if network.num_addresses == 1), None)


def note_outcomes(db: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """What came of each; a wish that another process has meanwhile, or whose session is over, keeps its state."""
    for outcome in sorted(outcomes, key=lambda each: (each.wish.nas_id, each.wish.kind, each.wish.wish_id)):
        wish = db.get(SessionWish, outcome.wish.wish_id, with_for_update=True)
        record = _note_in_record(db, outcome, now)
        if wish is None:
            continue
        if outcome.answer in (Answer.ACCEPTED, Answer.REFUSED) and wish.answered_at is None:
            wish.answered_at, wish.error_cause = now, outcome.error_cause
        if wish.state is WishState.SENT and wish.due_at == outcome.wish.lease:
            _settle(wish, outcome, record, now)
        db.flush()


def confirm(db: Session, now: datetime) -> int:
    """Wishes whose session is over: its Stop has come, or its silence has closed it. How many."""
    done = db.execute(
        update(SessionWish)
        .where(SessionWish.id.in_(_is_over()))
        .values(state=WishState.CONFIRMED, confirmed_at=now, due_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def records_of(db: Session, nas_id: int) -> dict[WishKind, ChangeRecord]:
    """How this NAS has answered so far, by kind of wish; none where it was never asked."""
    return {each.kind: each for each in db.scalars(select(ChangeRecord).where(ChangeRecord.nas_id == nas_id))}


def _is_due(now: datetime) -> ColumnElement[bool]:
    return SessionWish.due_at <= now


def _is_left_to_others(db: Session, now: datetime, is_connected: Callable[[int], bool]) -> ColumnElement[bool]:
    """It fell due a moment ago, and its NAS may have a TLS connection: none to this process."""
    fresh = SessionWish.due_at > now - TURN_OF_TLS
    by_certificate = db.scalars(
        select(WifiSession.nas_id)
        .distinct()
        .join(Nas, Nas.id == WifiSession.nas_id)
        .join(SessionWish, SessionWish.wifi_session_id == WifiSession.id)
        .where(_is_due(now), fresh, Nas.certificate_name.is_not(None))
    )
    return and_(fresh, WifiSession.nas_id.in_([nas_id for nas_id in by_certificate if not is_connected(nas_id)]))


def _is_over() -> Select[int]:
    """An accepted change stays what it is: the session's later end does not tell more about it."""
    open_ended = or_(
        SessionWish.kind == WishKind.DISCONNECT, SessionWish.state.in_([WishState.WAITING, WishState.SENT])
    )
    return (
        select(SessionWish.id)
        .join(WifiSession, WifiSession.id == SessionWish.wifi_session_id)
        .where(and_(SessionWish.confirmed_at.is_(None), open_ended, WifiSession.ended_at.is_not(None)))
    )


def _rests_until(record: ChangeRecord | None) -> datetime | None:
    if record is None or record.unanswered_at is None:
        return None
    return record.unanswered_at + decide_rest(record.unanswered_in_a_row)


def _open(vault: Vault, nas: Nas) -> bytes | None:
    try:
        return vault.open(nas.secret_sealed).encode()
    except InvalidToken:
        return None


def _attributes(db: Session, wish: SessionWish, now: datetime, settings: Settings) -> Attributes | None:
    """None: the brand takes no such wish, or the grant has nothing left to give."""
    session = wish.wifi_session
    vendor: Vendor | None = VENDORS.get(session.nas.vendor)
    if vendor is None:
        return None
    counter = db.get(WifiSessionCounter, session.id)
    live = LiveSession(
        user_name=session.user_name,
        acct_session_id=session.acct_session_id,
        calling_station_id=session.calling_station_id,
        framed_ip=session.framed_ip,
        time_online=max(now - session.started_at, timedelta(0)),
        upload_octets=counter.upload_octets if counter else 0,
        download_octets=counter.download_octets if counter else 0,
    )
    if wish.kind is WishKind.DISCONNECT:
        return vendor.disconnect_by(live) if vendor.disconnect_by else None
    if vendor.change_by is None or session.grant is None:
        return None
    grant = session.grant
    decision = decide_admission(terms_of(grant, settings, now), usage_of(db, grant, now, settings), now)
    return None if isinstance(decision, Refuse) else vendor.change_by(live, decision)


def _note_in_record(db: Session, outcome: Outcome, now: datetime) -> ChangeRecord | None:
    if outcome.answer in (Answer.NO_WAY, Answer.BUSY):
        return None
    key = (outcome.wish.nas_id, outcome.wish.kind)
    record = db.get(ChangeRecord, key, with_for_update=True)
    if record is None:
        record = ChangeRecord(nas_id=key[0], kind=key[1], unanswered_in_a_row=0)
        db.add(record)
    match outcome.answer:
        case Answer.ACCEPTED:
            record.accepted_at, record.unanswered_in_a_row = now, 0
        case Answer.REFUSED:
            record.refused_at, record.refused_because = now, outcome.error_cause
            record.unanswered_in_a_row = 0
        case Answer.NONE:
            record.unanswered_at, record.unanswered_in_a_row = now, record.unanswered_in_a_row + 1
    return record


def _settle(wish: SessionWish, outcome: Outcome, record: ChangeRecord | None, now: datetime) -> None:
    wish.due_at = None
    match outcome.answer:
        case Answer.ACCEPTED:
            wish.state = WishState.ACCEPTED
        case Answer.REFUSED:
            wish.state = (
                WishState.GONE if says_gone(wish.wifi_session.nas.vendor, outcome.error_cause) else WishState.REFUSED
            )
        case Answer.NONE:
            wish.state = WishState.NO_ANSWER
            pause = decide_next_try(wish.tries, record.unanswered_in_a_row if record else 0)
            wish.due_at = None if pause is None else now + pause
        case _ if outcome.answer is Answer.BUSY or now - wish.asked_at < WITHOUT_A_WAY:
            wish.state, wish.due_at, wish.tries = WishState.WAITING, now + LOOK_AGAIN, wish.tries - 1
        case _:
            wish.state = WishState.NOT_POSSIBLE


def says_gone(vendor: str, error_cause: int | None) -> bool:
    """Does its no mean that it has no such session? RFC 5176 section 3.5; and a brand that gives no reason has only
    this one."""
    if error_cause is None:
        return VENDORS[vendor].bare_nak_means_gone
    return error_cause == SESSION_CONTEXT_NOT_FOUND
