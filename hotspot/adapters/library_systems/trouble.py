"""Why there is no sound answer from a library's system."""

from collections.abc import Iterator
from contextlib import contextmanager

from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.wire import NoAnswer, Why, explain

_STEPS = {
    Why.NOT_TRUSTED: Step.TRUSTED,
    Why.REFUSED: Step.LET_IN,
    Why.BROKE_OFF: Step.SPEAKS,
    Why.TOO_LARGE: Step.SPEAKS,
}


class Trouble(Exception):
    """No sound answer: at which step, and what the other side or the machine said; no card, PIN or password."""

    def __init__(self, step: Step, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.detail = detail


class RecordTrouble(Trouble):
    """One reader's record cannot be read: the answer is sound but for that. The detail names no value of it."""


@contextmanager
def as_trouble() -> Iterator[None]:
    """What goes wrong with a connection becomes a Trouble."""
    try:
        yield
    except (NoAnswer, OSError) as error:
        said = explain(error)
        raise Trouble(_STEPS.get(said.why, Step.REACHED), said.detail) from error
