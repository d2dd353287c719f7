"""Passwords and PINs, with the costs that are shipped: elsewhere the tests hash quickly."""

import importlib.util
import time
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def passwords() -> ModuleType:
    spec = importlib.util.find_spec("hotspot.passwords")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_right_one_is_right_and_others_are_not(passwords: ModuleType) -> None:
    hashed = passwords.hash_password("correct horse")
    assert passwords.is_password("correct horse", hashed)
    assert not passwords.is_password("correct horsE", hashed)
    assert not passwords.is_password("", hashed)


def test_a_hash_costs_what_it_must(passwords: ModuleType) -> None:
    assert passwords.hash_password("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("hashed", [None, "", "not a hash"])
def test_without_a_hash_nothing_is_right(passwords: ModuleType, hashed: str | None) -> None:
    assert not passwords.is_password("nobody's password", hashed)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(passwords: ModuleType) -> None:
    hashed = passwords.hash_password("correct horse")

    def quickest(known: str | None) -> float:
        def once() -> float:
            before = time.process_time()
            passwords.is_password("wrong", known)
            return time.process_time() - before

        return min(once() for _ in range(5))

    assert quickest(None) == pytest.approx(quickest(hashed), rel=0.5)
