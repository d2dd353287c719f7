"""What the packets teach about each NAS, gathered in memory: the loop adds to it, the keeper takes it away to write it.

Near nothing for each packet: one look-up, some assignments.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from hotspot.services.accounting import AccountingKind
from hotspot.services.nas_learning import DiscardKey, Heard
from radius.messages import AccountingRequest, DiscardReason, Door
from radius.protocol import Exchange

_WRONG_SECRET = (DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, DiscardReason.REQUEST_AUTHENTICATOR_WRONG)
_MOST_SECONDS = 2**31 - 1
_ADDRESSES = (Door.AUTHENTICATION, Door.ACCOUNTING)
"""Where the source is one."""


class Learned:
    """Of some seconds, by NAS."""

    def __init__(self) -> None:
        self.heard: dict[int, Heard] = {}
        self.discards: Counter[DiscardKey] = Counter()

    def exchanges(self, exchanges: Iterable[Exchange], now: datetime) -> None:
        """New and authentic requests."""
        seconds = int(now.timestamp())
        for exchange in exchanges:
            heard = self._of(exchange.client.nas_id)
            heard.requests += 1
            if heard.first_at is None:
                heard.first_at = now
            heard.last_at = now
            if exchange.key[4] in _ADDRESSES:
                heard.address = exchange.key[0]
            request = exchange.request
            if type(request) is not AccountingRequest:
                heard.auth_at = now
                continue
            heard.accounting_at = now
            if request.kind is AccountingKind.INTERIM:
                heard.interim_at = now
            if request.event_timestamp is not None:
                offset = request.event_timestamp - seconds + request.delay_seconds
                heard.clock_offset_seconds = max(-_MOST_SECONDS, min(offset, _MOST_SECONDS))

    def repeats(self, numbers: Mapping[int, int], now: datetime) -> None:
        """Requests that were answered again: authentic too."""
        for nas_id, number in numbers.items():
            heard = self._of(nas_id)
            heard.requests += number
            heard.repeats += number
            heard.first_at = heard.first_at or now
            heard.last_at = now

    def discarded(self, tally: Mapping[tuple[DiscardReason, int | str], int], now: datetime) -> None:
        """Those of a NAS; strangers are not its business."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        for (reason, nas_id), number in tally.items():
            if not isinstance(nas_id, int):
                continue
            self.discards[DiscardKey(nas_id, hour, reason.value)] += number
            if reason in _WRONG_SECRET:
                self._of(nas_id).wrong_secret_at = now
            elif reason is DiscardReason.ALREADY_IN_WORK:
                self.repeats({nas_id: number}, now)

    def put_back(self, older: "Learned") -> None:
        """What could not be written: the database was away."""
        self.discards.update(older.discards)
        for nas_id, before in older.heard.items():
            heard = self.heard.get(nas_id)
            if heard is None:
                self.heard[nas_id] = before
                continue
            heard.first_at = before.first_at or heard.first_at
            heard.requests += before.requests
            heard.repeats += before.repeats
            for name in ("last_at", "address", "auth_at", "accounting_at", "interim_at", "wrong_secret_at"):
                setattr(heard, name, getattr(heard, name) or getattr(before, name))
            if heard.clock_offset_seconds is None:
                heard.clock_offset_seconds = before.clock_offset_seconds

    def _of(self, nas_id: int) -> Heard:
        heard = self.heard.get(nas_id)
        if heard is None:
            heard = self.heard[nas_id] = Heard()
        return heard
