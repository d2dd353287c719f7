"""Limits on attempts, on the real Redis."""

from datetime import timedelta
from hashlib import sha256
from time import sleep

import pytest
from redis import Redis

from hotspot.adapters.rate_limit import CARD, DEVICE, Attempt, Limit, RateLimits, whose
from hotspot.errors import Unavailable

THREE = Limit("three", 3, timedelta(minutes=1))
FIVE = Limit("five", 5, timedelta(minutes=10))
BRIEF = Limit("brief", 1, timedelta(milliseconds=80))


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


@pytest.fixture
def limits(redis: "Redis") -> RateLimits:
    return RateLimits(redis, digest)


def test_the_attempt_after_the_last_one_must_wait(limits: RateLimits) -> None:
    waits = [limits.take([Attempt(THREE, "a")]) for _ in range(4)]
    assert waits[:3] == [None] * 3
    assert waits[3] is not None
    assert timedelta(seconds=55) < waits[3] <= THREE.window


def test_others_are_not_concerned(limits: RateLimits) -> None:
    for _ in range(4):
        limits.take([Attempt(THREE, "a")])
    assert limits.take([Attempt(THREE, "b")]) is None
    assert limits.take([Attempt(FIVE, "a")]) is None


def test_the_longest_wait_of_several_limits_counts(limits: RateLimits) -> None:
    both = [Attempt(THREE, "a"), Attempt(FIVE, "a")]
    waits = [limits.take(both) for _ in range(6)]
    assert waits[4] is not None
    assert waits[4] <= THREE.window
    assert waits[5] is not None
    assert waits[5] > THREE.window


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, ""),
        ("no address", "no address"),
    ],
)
def test_an_ipv6_address_counts_with_its_neighbours(address: str | None, subject: str) -> None:
    assert whose(address) == subject


def test_what_is_given_back_does_not_count(limits: RateLimits) -> None:
    for _ in range(10):
        assert limits.take([Attempt(THREE, "a")]) is None
        limits.give_back([Attempt(THREE, "a")])


def test_a_window_closes_and_giving_back_does_not_revive_it(limits: RateLimits, redis: "Redis") -> None:
    assert limits.take([Attempt(BRIEF, "a")]) is None
    assert limits.take([Attempt(BRIEF, "a")]) is not None
    sleep(0.1)
    limits.give_back([Attempt(BRIEF, "a")])
    assert redis.keys("attempts:*") == []
    assert limits.take([Attempt(BRIEF, "a")]) is None


def test_every_counter_ends_by_itself(limits: RateLimits, redis: "Redis") -> None:
    limits.take([Attempt(THREE, "a"), Attempt(FIVE, "b")])
    assert all(redis.pttl(key) > 0 for key in redis.keys("*"))


def test_a_counter_that_lost_its_end_is_given_one(limits: RateLimits, redis: "Redis") -> None:
    """Left so, a site that counts to its limit over months would never open again."""
    limits.take([Attempt(THREE, "a")])
    (key,) = redis.keys("*")
    redis.persist(key)
    limits.take([Attempt(THREE, "a")])
    assert redis.pttl(key) > 0


def test_without_redis_it_closes() -> None:
    limits = RateLimits(Redis.from_url("unix:///nowhere/redis.sock"), digest)
    with pytest.raises(Unavailable):
        limits.take([Attempt(THREE, "a")])
    with pytest.raises(Unavailable):
        limits.give_back([Attempt(THREE, "a")])


def test_looking_counts_nothing_and_says_how_long_it_is_closed(limits: RateLimits) -> None:
    card = Attempt(CARD, "7:25900012345")
    for _ in range(CARD.at_most):
        assert limits.time_left([card]) is None
        limits.take([card])
    for _ in range(3):
        left = limits.time_left([card, Attempt(DEVICE, "nobody's")])
        assert left is not None
        assert timedelta(0) < left <= CARD.window
    assert limits.take([card]) is not None


def test_what_staff_forgive_begins_anew(limits: RateLimits) -> None:
    card, device = Attempt(CARD, "7:25900012345"), Attempt(DEVICE, "020000000001")
    for _ in range(DEVICE.at_most + 1):
        limits.take([card, device])
    limits.forgive([card])
    assert limits.time_left([card]) is None
    assert limits.time_left([device]) is not None
