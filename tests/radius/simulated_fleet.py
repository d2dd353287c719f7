"""A simulated fleet of NASes and the network between them and us, for test_accounting_model.py.

Nothing here knows how accounting is kept: a NAS knows what happened, and says it in packets.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from hotspot.values import TerminateCause
from tests.radius.packets import Attributes, accounting, integer, vendor

START, STOP, INTERIM, ON, OFF = 1, 2, 3, 7, 8
CAUSES = {TerminateCause.USER_REQUEST: 1, TerminateCause.IDLE_TIMEOUT: 4, TerminateCause.NAS_REBOOT: 11}
_CLIENTS_VIEW = vendor(14559, 10, integer(2))
"""ChilliSpot-Acct-View-Point: input is what the client received."""


@dataclass(frozen=True)
class Habits:
    """In what one NAS differs from another."""

    name: str
    brand: str = "mikrotik"
    swaps_octets: bool = False
    """Counts the other way round, and staff have said so."""
    clients_view: bool = False
    """Counts the other way round, and says so on each packet."""
    has_gigawords: bool = True
    sends_delay: bool = True
    """Acct-Delay-Time, in a retransmission. CoovaChilli repeats the same octets."""
    clock_error: timedelta | None = timedelta(0)
    """None: it sends no Event-Timestamp."""
    reuses_ids: bool = False
    """Acct-Session-Id begins again with each restart."""
    returns_class: bool = True

    @property
    def knows_the_time(self) -> bool:
        return self.clock_error == timedelta(0)


HABITS = [
    Habits("by the book"),
    Habits("without Gigawords", has_gigawords=False),
    Habits("CoovaChilli", brand="coovachilli", clients_view=True, sends_delay=False, reuses_ids=True),
    Habits("at 1970", clock_error=-timedelta(days=20_000), returns_class=False),
    Habits("the other way round", swaps_octets=True, clock_error=None),
]


@dataclass(eq=False)
class Visit:
    """One session as it truly was: upload and download are the citizen's."""

    acct_session_id: str
    user_name: str
    device: int
    started_at: datetime
    upload: int = 0
    download: int = 0
    reported_at: datetime = field(init=False)
    ended_at: datetime | None = None
    cause: TerminateCause | None = None
    """With `ended_at`: of its Stop, or NAS_REBOOT of an On or Off. Neither, and not online: it vanished."""
    ended_until: datetime | None = None
    """The On that followed its Off: whichever of the two is heard first ends it."""
    is_online: bool = True
    was_stopped: bool = False
    """By a Stop of its own, not by an On or Off."""
    heard_at: datetime = field(init=False)
    """When one of its packets last reached us."""


@dataclass(eq=False)
class Report:
    """A packet that its NAS sends until it is answered."""

    nas: "Nas"
    visit: Visit | None
    happened_at: datetime
    attributes: Attributes
    was_heard: bool = False
    number: int = 0
    """Of all that are sent: its source port and Identifier follow from it."""

    def octets(self, arrived_at: datetime, latency: timedelta) -> bytes:
        """Sent so long before it arrived: what a retransmission says of its delay has changed since the first."""
        waited = max(timedelta(0), arrived_at - latency - self.happened_at)
        delay = [(41, integer(int(waited.total_seconds())))] if self.nas.habits.sends_delay and waited else []
        return accounting([*self.attributes, *delay], identifier=self.number % 256)


@dataclass(eq=False)
class Nas:
    habits: Habits
    nas_id: int
    grants: list[UUID] = field(repr=False)
    """By device."""
    visits: list[Visit] = field(default_factory=list, repr=False)
    restarted_at: datetime | None = None
    _off_at: datetime | None = None
    _made: int = 0
    _logins: int = 0

    def start(self, device: int, now: datetime) -> Report:
        self._made += 1
        self._logins += 1
        visit = Visit(f"{self._made:08x}", f"login-{self.nas_id}-{self._logins}", device, now)
        self.visits.append(visit)
        return self._report(START, visit, now)

    def interim(self, visit: Visit, now: datetime) -> Report:
        return self._report(INTERIM, visit, now)

    def stop(self, visit: Visit, cause: TerminateCause, now: datetime) -> Report:
        visit.is_online, visit.was_stopped, visit.ended_at, visit.cause = False, True, now, cause
        return self._report(STOP, visit, now, [(49, integer(CAUSES[cause]))])

    def vanish(self) -> None:
        """The power fails."""
        for visit in self.online():
            visit.is_online = False
        if self.habits.reuses_ids:
            self._made = 0

    def say_all_is_over(self, kind: int, now: datetime) -> Report:
        """Accounting-On or -Off: what has not ended before has ended now."""
        for visit in self.visits:
            if visit.ended_at is None:
                visit.is_online, visit.ended_at, visit.cause = False, now, TerminateCause.NAS_REBOOT
            elif visit.ended_at == self._off_at:
                visit.ended_until = now
        self._off_at, self.restarted_at = (now, self.restarted_at) if kind == OFF else (None, now)
        return Report(self, None, now, [(40, integer(kind)), *self._clock(now)])

    def online(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.is_online]

    def _report(self, kind: int, visit: Visit, now: datetime, more: Attributes = ()) -> Report:
        visit.reported_at = now
        attributes = [
            (40, integer(kind)),
            (44, visit.acct_session_id.encode()),
            (1, visit.user_name.encode()),
            (31, f"02-00-00-00-00-{visit.device:02X}".encode()),
            *self._clock(now),
            *more,
        ]
        if self.habits.returns_class:
            attributes.append((25, self.grants[visit.device].bytes))
        if self.habits.clients_view:
            attributes.append(_CLIENTS_VIEW)
        if kind != START:
            attributes.append((46, integer(int((now - visit.started_at).total_seconds()))))
            attributes += self._counters(visit)
        return Report(self, visit, now, attributes)

    def _clock(self, now: datetime) -> Attributes:
        error = self.habits.clock_error
        return [] if error is None else [(55, integer(max(1, int((now + error).timestamp()))))]

    def _counters(self, visit: Visit) -> Attributes:
        received, sent = visit.upload, visit.download
        if self.habits.clients_view or self.habits.swaps_octets:
            received, sent = sent, received
        counted = [(42, integer(received % 2**32)), (43, integer(sent % 2**32))]
        if self.habits.has_gigawords:
            counted += [(52, integer(received >> 32)), (53, integer(sent >> 32))]
        return counted
