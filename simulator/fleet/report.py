"""What the truth says of the installation: for people, and as JSON; and which promises were broken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.fleet.truth import Occasion, TrueSession, Truth

SHORTEST_STAY = 60
"""Less is refused rather than given: an announcement may come so much before its time."""
_BY_SERVER = ("Session-Timeout", "Admin-Reset")


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    kept: bool
    detail: str


@dataclass(frozen=True)
class Report:
    figures: Mapping[str, Any]
    """By section, then by name."""
    promises: Sequence[Verdict]

    @property
    def is_kept(self) -> bool:
        return all(each.kept for each in self.promises)

    def as_json(self) -> dict[str, Any]:
        promises = [{"name": each.name, "kept": each.kept, "detail": each.detail} for each in self.promises]
        return {**self.figures, "promises": promises}

    def as_text(self) -> str:
        lines = []
        for section, figures in self.figures.items():
            lines += ["", section]
            lines += [f"  {name:46} {_shown(value)}" for name, value in figures.items()]
        lines += ["", "promises"]
        lines += [f"  {'kept  ' if each.kept else 'BROKEN'}  {each.name}: {each.detail}" for each in self.promises]
        return "\n".join(lines).lstrip("\n")


def make_report(truth: Truth, accounting: Counter[str] | None = None) -> Report:
    """`accounting`: errors by kind from the comparison with the server's books, and `sessions compared`; None: it was
    not made."""
    announcements, shown_as_due = _announcements(truth)
    cuts, within_limits = _cuts(truth)
    figures = {
        "run": _run(truth),
        "time to online": _sign_ins(truth),
        "RADIUS, seconds until the answer": {
            f"{asked}, {which}": value for asked in sorted(truth.waits) for which, value in _spread(truth.waits[asked])
        },
        "announcements": announcements,
        "cuts": cuts,
        "accounting": _told(truth) | (dict(accounting) if accounting is not None else {"compared": "no"}),
        "counted": dict(sorted(truth.counts.items())) | _facts(truth),
    }
    promises = [_punctual(truth), shown_as_due, within_limits]
    if accounting is not None:
        errors = sum(count for kind, count in accounting.items() if kind.startswith("error"))
        detail = f"{errors} errors in {accounting['sessions compared']} sessions"
        promises.append(Verdict("accounting is the truth", errors == 0, detail))
    return Report(figures, promises)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _run(truth: Truth) -> dict[str, Any]:
    return {
        "hours of the town": (truth.ended_at - truth.began_at) / 3600,
        "minutes of ours": truth.seconds_of_ours / 60,
        "time passed so many times faster": truth.speed,
        "phones that came": truth.counts["phones that came"],
        "sessions": len(truth.sessions),
    }


def _punctual(truth: Truth) -> Verdict:
    """Else the other promises tell of the simulator, not of the installation."""
    most = truth.interim_interval / 10
    detail = (
        f"{truth.worst_lateness:.1f} s of the town late at the worst; beyond {most:.0f} s let time pass more slowly"
    )
    return Verdict("the simulator itself is in time", truth.worst_lateness < most, detail)


def _sign_ins(truth: Truth) -> dict[str, Any]:
    done = [each.seconds for each in truth.sign_ins if each.outcome == "online"]
    failed = Counter(each.outcome for each in truth.sign_ins if each.outcome != "online")
    return {
        "times online": len(done),
        "seconds of machines, p50": percentile(done, 0.5),
        "seconds of machines, p99": percentile(done, 0.99),
        "seconds of machines, worst": max(done, default=0.0),
        "attempts that failed": failed.total(),
        **{f"  {outcome[:70]}": count for outcome, count in failed.most_common(12)},
    }


def _is_due(occasion: Occasion) -> bool:
    return occasion.connected is None or occasion.connected >= occasion.every - SHORTEST_STAY


def _early_by(occasion: Occasion) -> float:
    return occasion.every - (occasion.every if occasion.connected is None else occasion.connected)


def _announcements(truth: Truth) -> tuple[dict[str, Any], Verdict]:
    occasions = [each for each in truth.occasions if not each.ahead]
    due = [each for each in occasions if _is_due(each)]
    missed = [each for each in due if not each.shown]
    early = [each for each in occasions if each.shown and not _is_due(each)]
    tolerance = truth.interim_interval
    broken = [each for each in early if _early_by(each) - SHORTEST_STAY > tolerance and not each.unheard]
    broken += [each for each in missed if each.connected is None or -_early_by(each) - SHORTEST_STAY > tolerance]
    shown = [each for each in occasions if each.shown]
    again = [each for each in shown if each.connected is not None]
    walked = [each.every - each.present for each in again if each.present is not None]
    figures = {
        "due": len(due),
        "shown": len(shown),
        "seen to the end": sum(each.completed for each in shown),
        "due and not shown": len(missed),
        "shown before their time": len(early),
        "  of those, an end had not reached the server": sum(each.unheard for each in early),
        "seconds late, worst": max([-_early_by(each) for each in again], default=0.0),
        "seconds early, worst": max([_early_by(each) for each in again], default=0.0),
        "seconds early by the phone's own presence, worst": max(walked, default=0.0),
        "phones that had to sign in again for one": sum(each.by_form for each in shown),
        "seen ahead": sum(each.ahead for each in truth.occasions),
    }
    detail = f"{len(shown)} shown, {len(due)} due, {len(broken)} off by more than {tolerance} s"
    return figures, Verdict("announcements are shown when they are due", not broken, detail)


def _cuts(truth: Truth) -> tuple[dict[str, Any], Verdict]:
    ended = [each for each in truth.sessions if each.ended_at is not None and each.limit_at is not None]
    over = {id(each): _over_by(each) for each in ended}
    beyond = [each for each in ended if over[id(each)] > truth.interim_interval]
    figures: dict[str, Any] = {"ends by cause": dict(Counter(each.cause for each in truth.sessions))}
    for limit in ("announcement", "visit", "closing"):
        cut = [each for each in ended if each.limited_by == limit and each.cause in _BY_SERVER and not _is_full(each)]
        if cut:
            off = [over[id(each)] for each in cut]
            figures[f"cut by {limit}"] = {
                "sessions": len(cut),
                "seconds too late, worst": round(max(0.0, *off), 1),
                "seconds too early, worst": round(max(0.0, -min(off)), 1),
                "seconds off, p50": round(percentile([abs(each) for each in off], 0.5), 1),
            }
    full = [each for each in truth.sessions if _is_full(each)]
    most = max((each.octets_over or 0 for each in full), default=0)
    figures["cut by volume"] = {"sessions": len(full), "octets too many, worst": most}
    figures["beyond a limit by more than an interim"] = len(beyond)
    detail = f"{len(beyond)} of {len(ended)} sessions beyond a limit by more than {truth.interim_interval} s"
    return figures, Verdict("no session goes on beyond its limit", not beyond, detail)


def _over_by(session: TrueSession) -> float:
    return (session.ended_at or 0.0) - (session.limit_at or 0.0)


def _is_full(session: TrueSession) -> bool:
    """It has used up the octets of its visit."""
    return session.octets_over is not None and session.octets_over >= 0


def _told(truth: Truth) -> dict[str, Any]:
    told = [each for session in truth.sessions for each in session.told]
    return {"records": len(told), "records without an answer": sum(not each.answered for each in told)}


def _facts(truth: Truth) -> dict[str, Any]:
    """How far answers were off, by what they were about."""
    names = {name for name, _ in truth.facts}
    off = {name: [abs(value) for each, value in truth.facts if each == name] for name in names}
    return {f"{name}, seconds off, {which}": value for name in sorted(names) for which, value in _spread(off[name])}


def _spread(values: Sequence[float]) -> list[tuple[str, float]]:
    shares = [("p50", percentile(values, 0.5)), ("p99", percentile(values, 0.99))]
    return [*shares, ("worst", max(values, default=0.0))]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)
