"""The last refusal of a card, code or device: for a day, under a digest."""

from datetime import datetime, timedelta

import pytest
from redis import Redis

from hotspot.adapters.refusal_memory import KEPT_FOR, RefusalMemory
from hotspot.policy.voucher_codes import make_code, print_code
from hotspot.sealing import Vault
from hotspot.services.attempts import card_subject, code_subject, device_subject, subjects_of
from hotspot.services.signing_in import LibraryCard, OneTap, VoucherCodeGiven
from hotspot.values import RefusalReason, Refuse
from tests.fixtures.redis import redis_that_is_away

MAC = "020000000001"
CARD = "25900012345"


@pytest.fixture
def memory(redis: "Redis", vault: Vault) -> RefusalMemory:
    return RefusalMemory(redis, vault.digest)


def test_the_last_refusal_is_found_with_its_time(memory: RefusalMemory, now: datetime) -> None:
    again_at = now + timedelta(minutes=15)
    memory.remember([card_subject(1, CARD)], Refuse(RefusalReason.UNKNOWN_CARD_OR_PIN), now)
    memory.remember([card_subject(1, CARD)], Refuse(RefusalReason.TOO_MANY_ATTEMPTS, again_at), now)

    found = memory.find([card_subject(1, CARD)])

    assert found is not None
    assert (found.refusal.reason, found.refused_at, found.refusal.again_at) == (
        RefusalReason.TOO_MANY_ATTEMPTS,
        now,
        again_at,
    )


def test_of_several_subjects_the_latest_counts(memory: RefusalMemory, now: datetime) -> None:
    memory.remember(["one"], Refuse(RefusalReason.CARD_BLOCKED), now)
    memory.remember(["other"], Refuse(RefusalReason.CARD_EXPIRED), now - timedelta(hours=1))
    found = memory.find(["other", "one", "none"])
    assert found is not None
    assert found.refusal.reason is RefusalReason.CARD_BLOCKED
    assert memory.find(["none"]) is None
    assert memory.find([]) is None


def test_it_is_gone_after_a_day_and_names_nobody(memory: RefusalMemory, redis: "Redis", now: datetime) -> None:
    memory.remember([card_subject(1, CARD)], Refuse(RefusalReason.CARD_BLOCKED), now)
    (key,) = redis.keys("*")
    assert CARD.encode() not in key
    assert 0 < redis.pttl(key) <= KEPT_FOR.total_seconds() * 1000


def test_another_organisations_card_is_another_card(memory: RefusalMemory, now: datetime) -> None:
    memory.remember([card_subject(1, CARD)], Refuse(RefusalReason.CARD_BLOCKED), now)
    assert memory.find([card_subject(2, CARD)]) is None


def test_when_redis_is_away_nothing_is_known(vault: Vault, now: datetime) -> None:
    memory = RefusalMemory(redis_that_is_away(), vault.digest)
    memory.remember(["one"], Refuse(RefusalReason.CARD_BLOCKED), now)
    assert memory.find(["one"]) is None


@pytest.fixture
def code() -> str:
    return make_code(lambda alphabet: alphabet[3])


def test_a_refusal_is_the_devices_and_that_of_what_was_given(code: str) -> None:
    def subjects(credential: LibraryCard | VoucherCodeGiven | OneTap) -> list[str]:
        return subjects_of(credential, device_mac=MAC, organisation_id=7)

    device = device_subject(MAC)
    assert subjects(LibraryCard(f" {CARD} ", "1234")) == [device, card_subject(7, CARD)]
    assert subjects(VoucherCodeGiven(print_code(code).lower())) == [device, code_subject(code)]  # type: ignore[arg-type]
    assert subjects(VoucherCodeGiven("no code at all")) == [device]
    assert subjects(OneTap()) == [device]
