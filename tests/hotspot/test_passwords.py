"""Passwords and PINs."""

import time

import pytest

from hotspot.passwords import hash_password, is_password


def test_the_right_one_is_right_and_others_are_not() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert is_password("correct horse", hashed)
    assert not is_password("correct horsE", hashed)
    assert not is_password("", hashed)


@pytest.mark.parametrize("hashed", [None, "", "not a hash"])
def test_without_a_hash_nothing_is_right(hashed: str | None) -> None:
    assert not is_password("nobody's password", hashed)


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    hashed = hash_password("correct horse")

    def quickest(known: str | None) -> float:
        def once() -> float:
            before = time.process_time()
            is_password("wrong", known)
            return time.process_time() - before

        return min(once() for _ in range(5))

    assert quickest(None) == pytest.approx(quickest(hashed), rel=0.5)
