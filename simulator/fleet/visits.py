"""What one phone knows of its own rights: visits, announcements seen, and so when its session has to end."""

from dataclasses import dataclass, field

from simulator.fleet.config import FleetSite, Promise
from simulator.fleet.truth import TrueSession


@dataclass(slots=True)
class Visit:
    promise: Promise
    began_at: float

    @property
    def ends_at(self) -> float:
        return self.began_at + self.promise.visit_seconds if self.promise.visit_seconds else float("inf")


@dataclass
class Rights:
    """Of one device: a private address that changes is another device."""

    visits: dict[str, Visit] = field(default_factory=dict)
    """By site."""
    sessions: list[TrueSession] = field(default_factory=list)
    seen_at: float | None = None
    """When its last announcement was completed."""

    def visit(self, site: FleetSite, promise: Promise, now: float) -> Visit:
        """The one that is under way, or a new one."""
        kept = self.visits.get(site.name)
        if kept is None or kept.ends_at <= now or kept.promise != promise:
            kept = self.visits[site.name] = Visit(promise, now)
        return kept

    def connected(self, now: float, *, present: bool = False) -> float | None:
        """Seconds since the last announcement, in sessions that have them; None: none was seen yet. A phone is at one
        place at a time: what two gateways count at once is counted once."""
        if self.seen_at is None:
            return None
        spans = [each.span(self.seen_at, now, present=present) for each in self.sessions if each.announcement_every]
        seconds, counted_until = 0.0, self.seen_at
        for begins, ends in sorted(spans):
            seconds += max(0.0, ends - max(begins, counted_until))
            counted_until = max(counted_until, ends)
        return seconds

    def octets_used(self, visit: Visit, site: str) -> int:
        return sum(
            each.download_octets + each.upload_octets
            for each in self.sessions
            if each.site == site and each.started_at >= visit.began_at
        )

    def is_unheard(self, now: float) -> bool:
        """The end of a session since the last announcement has not reached the server, as far as one can know: to it
        that session goes on."""
        recent = (each for each in self.sessions if _lasts(each.span(self.seen_at or 0, now)))
        ended = [each for each in recent if each.ended_at is not None]
        return any(each.crashed or not (each.told and each.told[-1].answered) for each in ended)

    def set_limit(self, session: TrueSession, site: FleetSite, visit: Visit, began: float | None = None) -> None:
        """The earliest end that was promised, as of the session's beginning, or of the announcement seen ahead."""
        began = began if began is not None else session.started_at
        limits = [(visit.ends_at, "visit")]
        if site.closes_at > began:
            limits.append((site.closes_at, "closing"))
        every = visit.promise.announcement_every
        if every:
            limits.append((began + every - (self.connected(began) or 0.0), "announcement"))
        session.announcement_every = every
        moment, name = min(limits)
        if moment < float("inf"):
            session.limit_at, session.limited_by = moment, name


def _lasts(span: tuple[float, float]) -> bool:
    return span[1] > span[0]
