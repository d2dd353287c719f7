"""When to ask a NAS again that gave no answer: soon at first, and ever more rarely one that never answers."""

from datetime import timedelta

_PAUSES = (timedelta(minutes=1), timedelta(minutes=5))
"""After the first and the second try without an answer; the third is the last."""
HOPELESS = 3
"""So many wishes in a row without an answer: it probably does not listen."""
_LONGEST_PAUSE = timedelta(hours=1)


def decide_next_try(tries: int, unanswered_in_a_row: int) -> timedelta | None:
    """The pause before a wish that got no answer is sent again; None: it is given up."""
    if unanswered_in_a_row >= HOPELESS or tries > len(_PAUSES):
        return None
    return _PAUSES[tries - 1]


def decide_rest(unanswered_in_a_row: int) -> timedelta:
    """How long a NAS is left alone after its last silence, by wishes that nobody waits for: doubled each time."""
    if unanswered_in_a_row < HOPELESS:
        return timedelta(0)
    doubled = 1 << min(unanswered_in_a_row - HOPELESS, 10)
    return min(timedelta(minutes=1) * doubled, _LONGEST_PAUSE)
