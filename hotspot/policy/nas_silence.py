"""For how long is a NAS usually silent, and when has it been silent for too long?

The rule, as the staff pages say it: closed hours do not count. Of the silences of the last four weeks the second
longest is its usual one (the longest may have been a breakdown), and twice that is too long; never less than an hour.
Until it has been known for two weeks: a working day, or two days where no opening hours are known. With visitors
online it must report them: three times the interval without a word is too long at once.
"""

from collections.abc import Sequence
from datetime import timedelta

LEARNED_FROM = timedelta(days=28)
LEARNED_AFTER = timedelta(days=14)
SHORTEST = timedelta(hours=1)
_A_WORKING_DAY = timedelta(hours=8)
_TWO_DAYS = timedelta(days=2)
_TIMES_USUAL = 2
INTERVALS_MISSED = 3


def usual_silence(silences: Sequence[timedelta]) -> timedelta:
    """Of silences that are over, open time only."""
    longest = sorted(silences, reverse=True)
    return longest[1] if len(longest) > 1 else timedelta()


def longest_silence(silences: Sequence[timedelta], known_for: timedelta, *, has_hours: bool) -> timedelta:
    """What is longer is too long."""
    learned = max(SHORTEST, usual_silence(silences) * _TIMES_USUAL)
    if known_for >= LEARNED_AFTER:
        return learned
    return max(learned, _A_WORKING_DAY if has_hours else _TWO_DAYS)


def longest_silence_with_visitors(interim_interval: timedelta) -> timedelta:
    return interim_interval * INTERVALS_MISSED
