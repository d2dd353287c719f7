"""What devices on a visit may do, on a real Redis: for when the database is away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from redis import Redis

from hotspot.adapters.known_devices import KnownDevice, KnownDevices
from hotspot.adapters.redis import open_redis
from hotspot.errors import Unavailable
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason

HERE, ELSEWHERE = 1, 2
MAC = "020000000001"
USAGE = Usage(Used(timedelta(minutes=7), 0, 1234))


@pytest.fixture
def terms(now: datetime) -> GrantTerms:
    return GrantTerms(
        grant_id=uuid4(),
        ends_at=now + timedelta(hours=1),
        ends_because=RefusalReason.SITE_CLOSED,
        allowances=(Allowance(Period.VISIT, timedelta(minutes=30), 10**9),),
        download_kbps=8000,
    )


def test_all_of_it_comes_back(redis: "Redis", terms: GrantTerms, now: datetime) -> None:
    known = KnownDevices(redis)
    known.remember(HERE, MAC, terms, USAGE, now)

    assert known.find(HERE, MAC) == KnownDevice(terms, USAGE)
    assert known.find(ELSEWHERE, MAC) is None


@pytest.mark.parametrize("packed", [b'[{"grant_id": "00"}, 420.0, 1234]', b"7"])
def test_what_another_version_has_packed_is_not_known(redis: "Redis", packed: bytes) -> None:
    redis.set(f"known:{HERE}:{MAC}", packed)
    assert KnownDevices(redis).find(HERE, MAC) is None


def test_it_is_kept_until_the_grant_ends(redis: "Redis", terms: GrantTerms, now: datetime) -> None:
    KnownDevices(redis).remember(HERE, MAC, terms, USAGE, now)

    left = redis.pttl(f"known:{HERE}:{MAC}")
    assert isinstance(left, int)
    assert 3_590_000 < left <= 3_600_000


def test_it_can_be_forgotten(redis: "Redis", terms: GrantTerms, now: datetime) -> None:
    known = KnownDevices(redis)
    known.remember(HERE, MAC, terms, USAGE, now)

    known.forget([(HERE, MAC), (ELSEWHERE, MAC)])
    known.forget([])

    assert known.find(HERE, MAC) is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda known, terms, now: known.remember(HERE, MAC, terms, USAGE, now),
        lambda known, terms, now: known.find(HERE, MAC),
        lambda known, terms, now: known.forget([(HERE, MAC)]),
    ],
    ids=["remember", "find", "forget"],
)
def test_without_redis_it_says_so(
    ask: Callable[[KnownDevices, GrantTerms, datetime], object], settings: Settings, terms: GrantTerms, now: datetime
) -> None:
    with pytest.raises(Unavailable):
        ask(KnownDevices(open_redis(settings)), terms, now)
