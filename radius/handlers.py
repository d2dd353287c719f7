"""A batch of exchanges -> one transaction in the core -> their replies, which leave only after its commit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from hotspot.adapters.one_time_login import OneTimeLogins
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.services import accounting, admission
from hotspot.services.accounting import AccountingRecord
from hotspot.services.admission import AdmissionRequest
from hotspot.services.radius_clients import RadiusClient
from hotspot.values import parse_mac
from radius.attributes import ReplyWriter
from radius.messages import Accept, AccessRequest, AccountingRequest, Acknowledge, DiscardReason, Reply, StatusServer
from radius.people import People
from radius.protocol import Exchange
from radius.routing import is_for_people

log = structlog.get_logger()

_CLOCK_TOLERANCE = timedelta(minutes=5)
_LONGEST_DELAY = 30 * 24 * 3600
_NOBODY = "000000000000"
"""CoovaChilli's Calling-Station-Id for its own session."""


@dataclass(slots=True)
class Answers:
    """What came of a batch."""

    replies: list[tuple[Exchange, Reply]] = field(default_factory=list)
    silent: list[tuple[Exchange, DiscardReason]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Handlers:
    database: Database
    logins: OneTimeLogins
    writer: ReplyWriter
    people: People | None = None

    def answer(self, exchanges: Sequence[Exchange], now: datetime) -> Answers:
        """Everything that can be kept is kept and answered; the rest stays silent, each with its reason."""
        answers = Answers()
        if self.people is not None:
            for each in (each for each in exchanges if is_for_people(each.request)):
                try:
                    outcome: Reply | DiscardReason = self.people.answer_person(each, now)
                except Exception:  # a fault of ours: silence, and the NAS asks again
                    log.exception("request_not_answered")
                    outcome = DiscardReason.CANNOT_BE_RECORDED
                if isinstance(outcome, DiscardReason):
                    answers.silent.append((each, outcome))
                else:
                    answers.replies.append((each, outcome))
            exchanges = [each for each in exchanges if not is_for_people(each.request)]
        if exchanges:
            self._try(exchanges, now, answers)
        return answers

    def _try(self, exchanges: Sequence[Exchange], now: datetime, answers: Answers) -> None:
        try:
            replies = self._in_one_transaction(exchanges, now)
        except Unavailable as error:
            self._without(error.dependency, exchanges, now, answers)
        except Exception as error:
            # one record that the database refuses must not silence its neighbours: halve until it stands alone
            if len(exchanges) == 1:
                log.error("packet_cannot_be_recorded", nas_id=exchanges[0].client.nas_id, error=type(error).__name__)
                answers.silent.append((exchanges[0], DiscardReason.CANNOT_BE_RECORDED))
                return
            middle = len(exchanges) // 2
            self._try(exchanges[:middle], now, answers)
            self._try(exchanges[middle:], now, answers)
        else:
            answers.replies += replies

    def _without(self, dependency: str, exchanges: Sequence[Exchange], now: datetime, answers: Answers) -> None:
        """Without Redis nobody new gets in, but accounting goes on. Without the database nothing does."""
        asking = _of(AccessRequest, exchanges)
        if dependency == "redis" and asking:
            answers.silent += [(each, DiscardReason.REDIS_AWAY) for each, _ in asking]
            rest = [each for each in exchanges if not isinstance(each.request, AccessRequest)]
            if rest:
                self._try(rest, now, answers)
        else:
            answers.silent += [(each, DiscardReason.DATABASE_AWAY) for each in exchanges]

    def _in_one_transaction(self, exchanges: Sequence[Exchange], now: datetime) -> list[tuple[Exchange, Reply]]:
        asking, reporting = _of(AccessRequest, exchanges), _of(AccountingRequest, exchanges)
        replies: list[tuple[Exchange, Reply]] = []
        with self.database.transaction() as db:
            if asking:
                replies += self._admit(db, asking, now)
            if reporting:
                accounting.record(db, [record for each, said in reporting if (record := _record(each, said))], now)
                replies += [(each, Acknowledge()) for each, _ in reporting]
            for each, _ in _of(StatusServer, exchanges):
                db.execute(text("SELECT 1"))  # "yes, I can serve": not while the database is away
                replies.append((each, Accept([]) if each.is_for_authentication else Acknowledge()))
        return replies

    def _admit(
        self, db: Session, asking: Sequence[tuple[Exchange, AccessRequest]], now: datetime
    ) -> list[tuple[Exchange, Reply]]:
        requests = [
            AdmissionRequest(
                nas_id=each.client.nas_id,
                user_name=request.user_name,
                device_mac=parse_mac(request.calling_station_id),
                request_key=each.request_key,
                proves=request.proof.proves,
            )
            for each, request in asking
        ]
        decisions = admission.admit(db, requests, now, self.logins)
        return [
            (each, self.writer.write(decision, each.client, request.proof))
            for (each, request), decision in zip(asking, decisions, strict=True)
        ]


_Kind = TypeVar("_Kind", AccessRequest, AccountingRequest, StatusServer)


def _of(kind: type[_Kind], exchanges: Sequence[Exchange]) -> list[tuple[Exchange, _Kind]]:
    return [(each, each.request) for each in exchanges if isinstance(each.request, kind)]


def _record(exchange: Exchange, said: AccountingRequest) -> AccountingRecord | None:
    """In the core's words; None for what is acknowledged but is nobody's session."""
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
