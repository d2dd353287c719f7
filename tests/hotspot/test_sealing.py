"""The vault: sealed things open only with their key, signed things only for their purpose."""

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from hotspot.sealing import Vault
from tests.factories import VAULT

OTHER = Vault("another key of the tests, as long as it must be")


@given(st.text())
def test_what_is_sealed_can_be_opened(clear: str) -> None:
    sealed = VAULT.seal(clear)
    assert VAULT.open(sealed) == clear


def test_what_is_sealed_shows_nothing_and_differs_each_time() -> None:
    sealed = VAULT.seal("a shared secret")
    assert b"shared" not in sealed
    assert sealed != VAULT.seal("a shared secret")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(InvalidToken):
        OTHER.open(VAULT.seal("a shared secret"))


def test_a_changed_octet_is_noticed() -> None:
    sealed = bytearray(VAULT.seal("a shared secret"))
    sealed[40] ^= 1
    with pytest.raises(InvalidToken):
        VAULT.open(bytes(sealed))


def test_a_digest_finds_the_same_thing_again_and_nothing_else() -> None:
    assert VAULT.digest("2345") == VAULT.digest("2345")
    assert len({VAULT.digest("2345"), VAULT.digest("2346"), OTHER.digest("2345")}) == 3


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert VAULT.derive("one") == Vault("k" * 40).derive("one") != VAULT.derive("two")
    assert len(VAULT.derive("one")) == 32


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_signed_token_gives_its_payload_back(payload: object) -> None:
    assert VAULT.check("arrival", VAULT.sign("arrival", payload)) == payload


def test_a_token_is_worth_nothing_for_another_purpose_or_from_another_key() -> None:
    token = VAULT.sign("arrival", {"nas": 1})
    assert VAULT.check("online", token) is None
    assert OTHER.check("arrival", token) is None


@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    token = VAULT.sign("arrival", {"nas": 1})
    at = data.draw(st.integers(0, len(token) - 2))  # the last one carries bits that say nothing
    other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != token[at]))
    assert VAULT.check("arrival", token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", "é", "\0", "." * 5000])
def test_rubbish_is_no_token(token: str) -> None:
    assert VAULT.check("arrival", token) is None


@given(st.binary(max_size=40))
def test_a_stamped_token_gives_its_octets_back(octets: bytes) -> None:
    token = VAULT.stamp("online", octets)

    assert VAULT.check_stamp("online", token) == octets
    assert VAULT.check_stamp("arrival", token) is None
    assert OTHER.check_stamp("online", token) is None


@given(st.data())
def test_no_character_of_a_stamp_can_be_changed(data: st.DataObject) -> None:
    token = VAULT.stamp("online", bytes(16))
    at = data.draw(st.integers(0, len(token) - 2))  # the last one carries bits that say nothing
    other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != token[at]))

    assert VAULT.check_stamp("online", token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("token", ["", "a", "ab", "é", "\0", "A" * 21, "A" * 22, "-" * 5000, "\udc80"])
def test_rubbish_is_no_stamp(token: str) -> None:
    assert VAULT.check_stamp("online", token) is None
