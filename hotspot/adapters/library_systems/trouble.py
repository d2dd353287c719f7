"""Why there is no sound answer from a library's system, and how an examination comes to its findings."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Reader, Step

_LONGEST = 128
"""Characters of a card number or PIN that is worth asking about."""
_LONGEST_DETAIL = 180


class Trouble(Exception):
    """No sound answer: at which step, and what the other side or the machine said; no card, PIN or password."""

    def __init__(self, step: Step, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.detail = detail


def is_askable(card_number: str, pin: str) -> bool:
    """Neither is empty, and both are what a person can type: no system is asked about anything else."""
    return _is_typed(card_number) and _is_typed(pin)


def _is_typed(text: str) -> bool:
    """A lone surrogate (Cs) cannot be encoded, and what is unassigned may be anything."""
    is_text = not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text)
    return 0 < len(text) <= _LONGEST and not text.isspace() and is_text


def shown(text: str, hidden: Iterable[str] = ()) -> str:
    """What the other side said, on one line and short, with stars for the card, PIN or password that it may repeat."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    for each in sorted({each for each in hidden if each}, key=len, reverse=True):
        line = line.replace(each, "***")
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def gather(findings: Iterator[Finding]) -> list[Finding]:
    """Up to the first that is wrong; a Trouble is one."""
    gathered: list[Finding] = []
    try:
        for finding in findings:
            gathered.append(finding)
            if finding.outcome is Outcome.WRONG:
                break
    except Trouble as trouble:
        gathered.append(Finding(trouble.step, Outcome.WRONG, trouble.detail))
    return gathered


def try_card(ask: Callable[[str, str], Reader | None], card_number: str, pin: str) -> Iterator[Finding]:
    """The steps that need a card. `ask` goes to the system whatever it is given: an empty PIN too."""
    if not is_askable(card_number, pin):
        return
    reader = ask(card_number, pin)
    if reader is None:
        yield Finding(Step.CARD, Outcome.WRONG, "no such card, or another PIN")
        return
    yield Finding(Step.CARD, Outcome.WELL, _told(reader))
    takes_any_pin = ask(card_number, another_pin(pin)) is not None
    yield Finding(Step.WRONG_PIN, Outcome.WRONG if takes_any_pin else Outcome.WELL)
    try:
        takes_none = ask(card_number, "") is not None
    except Trouble as trouble:  # it is never asked so: whatever it says, it did not let anybody in
        yield Finding(Step.NO_PIN, Outcome.WELL, trouble.detail)
        return
    doubt = "it takes an empty PIN; it is never asked with one"
    yield Finding(Step.NO_PIN, Outcome.DOUBTFUL, doubt) if takes_none else Finding(Step.NO_PIN, Outcome.WELL)


def another_pin(pin: str) -> str:
    """As long, of the same kind of characters, and another one in every place: a system that looks only at a part of
    the PIN, or ignores capitals, sees the difference too."""

    def other(each: str) -> str:
        if each.isascii() and each.isdigit():
            return str((int(each) + 5) % 10)
        return "y" if each in "xX" else "x"

    return "".join(map(other, pin))


def _told(reader: Reader) -> str:
    """Which facts it gives, not what they are."""
    facts = {
        "category": reader.category,
        "home library": reader.home_library,
        "date of birth": reader.born_on,
        "expiry": reader.expires_on,
        "what is owed": reader.owes is not None,
        "blocks": reader.blocks,
    }
    told = [name for name, value in facts.items() if value]
    return f"it tells: {', '.join(told)}" if told else "it tells nothing but yes"
