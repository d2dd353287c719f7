"""What every system does alike: what is asked at all, and how an examination comes to its findings."""

import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step, Unreadable
from hotspot.adapters.library_systems.trouble import RecordTrouble, Trouble
from hotspot.adapters.wire import Deadline
from hotspot.errors import Unavailable
from hotspot.policy.readers import Reader

_LONGEST = 128
"""Characters of a card number or PIN that is worth asking about."""
NOT_ENCRYPTED = "not encrypted: cards and PINs can be read on the way"


def ask_within(
    ask: Callable[[str, str, Deadline], Reader | None], card_number: str, pin: str, within: timedelta
) -> Reader | None:
    """None without asking if card or PIN is empty, or nothing that a person can type. Trouble becomes Unavailable."""
    card_number = card_number.strip()
    if not is_askable(card_number, pin):
        return None
    try:
        return ask(card_number, pin, Deadline(within))
    except RecordTrouble as trouble:
        raise Unreadable(trouble.detail) from trouble
    except Trouble as trouble:
        raise Unavailable("library") from trouble


def is_askable(card_number: str, pin: str) -> bool:
    """Neither is empty, and both are what a person can type."""
    return _is_typed(card_number) and _is_typed(pin)


def _is_typed(text: str) -> bool:
    """No control character, and no lone surrogate: that cannot even be encoded."""
    is_text = not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text)
    return 0 < len(text) <= _LONGEST and not text.isspace() and is_text


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
    card_number = card_number.strip()
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
