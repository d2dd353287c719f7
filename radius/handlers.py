"""What a lane does with its batch: one call of the core, and what is answered is kept before it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from time import perf_counter
from typing import Any
from uuid import UUID

import structlog

from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.services import accounting, admission
from hotspot.services.accounting import AccountingRecord, KnownSessions
from hotspot.services.admission import AdmissionRequest, Answered
from hotspot.services.radius_clients import RadiusClient
from hotspot.values import RefusalReason, Refuse, parse_mac
from radius.attributes import ReplyWriter
from radius.journal import Journal
from radius.lanes import Answers
from radius.messages import Accept, AccessRequest, AccountingRequest, Acknowledge, DiscardReason
from radius.protocol import Exchange
from radius.scribe import Scribe, write_what_can_be

log = structlog.get_logger()

_CLOCK_TOLERANCE = timedelta(minutes=5)
_LONGEST_DELAY = 30 * 24 * 3600
_NOBODY = "000000000000"
"""CoovaChilli's Calling-Station-Id for its own session."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_AWAY_FOR = timedelta(seconds=1)
"""After a failure the database is not tried again for so long; nor for as long as the failure took: one that hangs must
not keep the journal waiting more than half of the time."""


@dataclass(frozen=True, slots=True)
class LoginHandler:
    """One-time logins: from Redis alone. What was answered is in the journal before the answer leaves, and in the
    database a moment later."""

    logins: OneTimeLogins
    refusals: LastRefusals
    writer: ReplyWriter
    scribe: Scribe

    def __call__(self, batch: Sequence[Exchange]) -> Answers:
        try:
            return self._answer(batch, batch[-1].arrived_at)
        except Unavailable as error:
            away = DiscardReason.REDIS_AWAY if error.dependency == "redis" else DiscardReason.JOURNAL_FULL
            return Answers(silent=[(each, away) for each in batch])

    def _answer(self, batch: Sequence[Exchange], now: datetime) -> Answers:
        answers = Answers()
        asking, requests = [], []
        for each in batch:
            if isinstance(each.request, AccessRequest):
                asking.append((each, each.request.proof))
                requests.append(_admission_request(each, each.request))
            else:  # Status-Server: "yes, I can serve" (RFC 5997 section 4.2)
                answers.replies.append((each, Accept([])))
        if not requests:
            self.logins.check()
            return answers
        rows: list[Answered] = []
        refused: dict[tuple[int, str], RefusalReason] = {}
        for (exchange, proof), request, (decision, login) in zip(
            asking, requests, admission.decide(requests, now, self.logins), strict=True
        ):
            grant_id = login.terms.grant_id if login else None
            rows.append(
                admission.answered(request.request_key, request.nas_id, request.device_mac, grant_id, decision, now)
            )
            if isinstance(decision, Refuse) and request.device_mac is not None:
                refused[request.nas_id, request.device_mac] = decision.reason
            answers.replies.append((exchange, self.writer.write(decision, exchange.client, proof)))
        self.scribe.keep(rows, durable=False)
        if refused:
            self.refusals.remember(refused)
        return answers


@dataclass(slots=True)
class AccountingHandler:
    """Into the database; while that is away, into the journal, on the disk. Then the answer (RFC 2866 section 4.1)."""

    database: Database
    scribe: Scribe
    known: KnownSessions = field(default_factory=KnownSessions)
    _away_until: datetime = _LONG_AGO
    _is_stuck: bool = False
    """The last batch could be kept nowhere."""

    def __call__(self, batch: Sequence[Exchange]) -> Answers:
        answers = Answers()
        now = batch[-1].arrived_at
        told = records_of(batch)
        try:
            refused = self._keep(told, now)
        except Unavailable:
            self._is_stuck = True
            answers.silent += [(each, DiscardReason.JOURNAL_FULL) for each in batch]
            return answers
        if told:
            self._is_stuck = False
        for each in batch:
            if each in refused:
                answers.silent.append((each, DiscardReason.CANNOT_BE_RECORDED))
            elif self._is_stuck:  # Status-Server: no, I can not
                answers.silent.append((each, DiscardReason.JOURNAL_FULL))
            else:
                answers.replies.append((each, Acknowledge()))
        return answers

    def _keep(self, told: Sequence[tuple[Exchange, AccountingRecord]], now: datetime) -> set[Exchange]:
        """Those that the database refuses. Unavailable("journal") if they can be kept nowhere."""
        refused: set[Exchange] = set()
        if not told:
            return refused
        if now >= self._away_until:
            began = perf_counter()
            try:
                write_what_can_be(
                    lambda some: self._write([record for _, record in some], now),
                    told,
                    lambda one: refused.add(one[0]),
                )
            except Unavailable:
                log.warning("accounting_goes_to_the_journal")
                took = timedelta(seconds=perf_counter() - began)
                self._away_until = now + took + max(_AWAY_FOR, took)
            else:
                return refused
        kept = [accounting.packed(record) for each, record in told if each not in refused]
        self.scribe.keep([now.timestamp(), kept], durable=True)
        return refused

    def _write(self, records: Sequence[AccountingRecord], now: datetime) -> None:
        try:
            write_records(self.database, records, now, self.known)
        except Unavailable:  # perhaps only the connection, which the database has closed since
            write_records(self.database, records, now, self.known)


def records_of(batch: Sequence[Exchange]) -> list[tuple[Exchange, AccountingRecord]]:
    """In the core's words, without what is acknowledged but is nobody's session."""
    told = [(each, _record(each, each.request)) for each in batch if isinstance(each.request, AccountingRequest)]
    return [(each, record) for each, record in told if record is not None]


def write_records(
    database: Database, records: Sequence[AccountingRecord], now: datetime, known: KnownSessions | None = None
) -> None:
    with database.at_once() as db:
        accounting.record(db, records, now, known)


def write_journalled_records(database: Database, batches: Sequence[Any], refused: Journal) -> None:
    """What `AccountingHandler` put into the journal: that of one second together, with the time at which it came."""
    for _second, batches_of_it in groupby(batches, key=lambda batch: int(batch[0])):
        _write_together(database, list(batches_of_it), refused)


def _write_together(database: Database, batches: Sequence[Any], refused: Journal) -> None:
    moment = batches[-1][0]
    now = datetime.fromtimestamp(moment, UTC)
    write_what_can_be(
        lambda records: write_records(database, [accounting.unpacked(each) for each in records], now),
        [record for _, records in batches for record in records],
        lambda record: refused.append([moment, [record]], durable=True),
    )


def write_journalled_answers(database: Database, batches: Sequence[Any]) -> None:
    """What `LoginHandler` put into the journal."""
    with database.at_once() as db:
        admission.write_down(db, [Answered(*each) for batch in batches for each in batch])


def _admission_request(exchange: Exchange, request: AccessRequest) -> AdmissionRequest:
    return AdmissionRequest(
        nas_id=exchange.client.nas_id,
        user_name=request.user_name,
        device_mac=parse_mac(request.calling_station_id),
        request_key=exchange.request_key,
        proves=request.proof.proves,
    )


def _record(exchange: Exchange, said: AccountingRequest) -> AccountingRecord | None:
    """None: nobody's session."""
    device_mac = parse_mac(said.calling_station_id)
    if said.kind is None:
        return None
    if said.kind not in accounting.ENDS_ALL and (said.is_administrative or device_mac == _NOBODY):
        return None
    upload, download = said.input_octets, said.output_octets
    if _input_is_download(exchange.client, said):
        upload, download = download, upload
    return AccountingRecord(
        kind=said.kind,
        nas_id=exchange.client.nas_id,
        happened_at=_happened_at(said, exchange.arrived_at),
        site_id=exchange.client.site_of(said.called_station_id),
        acct_session_id=said.acct_session_id,
        user_name=said.user_name,
        calling_station_id=said.calling_station_id,
        called_station_id=said.called_station_id,
        device_mac=device_mac,
        framed_ip=said.framed_ip,
        grant_id=next((UUID(bytes=each) for each in said.classes if len(each) == 16), None),
        upload_octets=upload,
        download_octets=download,
        session_seconds=said.session_seconds,
        terminate_cause=said.terminate_cause,
    )


def _input_is_download(client: RadiusClient, said: AccountingRequest) -> bool:
    """The brand knows from the packet, or staff have said that this NAS counts the other way round."""
    return client.swaps_octets or client.vendor.input_is_download(said.vendor_integers)


def _happened_at(said: AccountingRequest, arrived_at: datetime) -> datetime:
    """Arrival less Acct-Delay-Time; Event-Timestamp if it is within five minutes of that: many NAS clocks are wrong."""
    believed = arrived_at - timedelta(seconds=min(said.delay_seconds, _LONGEST_DELAY))
    if said.event_timestamp is None:
        return believed
    claimed = datetime.fromtimestamp(said.event_timestamp, UTC)
    return min(claimed, arrived_at) if abs(claimed - believed) <= _CLOCK_TOLERANCE else believed
