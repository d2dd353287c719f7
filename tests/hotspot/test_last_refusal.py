"""Why a device was refused a moment ago, on a real Redis."""

from redis import Redis

from hotspot.adapters.last_refusal import KEPT_FOR, LastRefusals
from hotspot.values import RefusalReason
from tests.factories import DEVICE_MAC


def test_the_last_refusal_is_the_devices_own_on_that_nas(redis: "Redis") -> None:
    refusals = LastRefusals(redis)
    refusals.remember({(1, DEVICE_MAC): RefusalReason.SITE_CLOSED, (2, DEVICE_MAC): RefusalReason.OTHER_NAS})
    refusals.remember({(1, DEVICE_MAC): RefusalReason.OTHER_DEVICE})

    assert refusals.find(1, DEVICE_MAC) is RefusalReason.OTHER_DEVICE
    assert refusals.find(2, DEVICE_MAC) is RefusalReason.OTHER_NAS
    assert refusals.find(1, "020000000009") is None


def test_an_old_refusal_explains_nothing(redis: "Redis") -> None:
    refusals = LastRefusals(redis)
    refusals.remember({(1, DEVICE_MAC): RefusalReason.SITE_CLOSED})

    (key,) = redis.keys("refused:*")
    assert 0 < redis.pttl(key) <= KEPT_FOR.total_seconds() * 1000


def test_without_redis_nothing_is_remembered_and_nothing_breaks() -> None:
    away = LastRefusals(Redis.from_url("unix:///nowhere/redis.sock"))
    away.remember({(1, DEVICE_MAC): RefusalReason.SITE_CLOSED})

    assert away.find(1, DEVICE_MAC) is None
