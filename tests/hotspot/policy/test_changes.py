"""How often a gateway that does not answer is asked."""

from datetime import timedelta

import pytest

from hotspot.policy.changes import decide_next_try, decide_rest

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("tries", "in_a_row", "pause"),
    [(1, 1, MINUTE), (2, 2, 5 * MINUTE), (3, 2, None), (1, 3, None), (1, 40, None)],
    ids=["first", "second", "third is the last", "it never answers", "it really never does"],
)
def test_a_wish_is_repeated_twice_unless_the_gateway_seems_deaf(
    tries: int, in_a_row: int, pause: timedelta | None
) -> None:
    assert decide_next_try(tries, in_a_row) == pause


@pytest.mark.parametrize(
    ("in_a_row", "rest"),
    [(0, 0), (2, 0), (3, 1), (4, 2), (8, 32), (9, 60), (2000, 60)],
)
def test_a_deaf_gateway_is_asked_ever_more_rarely_and_always_again(in_a_row: int, rest: int) -> None:
    assert decide_rest(in_a_row) == rest * MINUTE
