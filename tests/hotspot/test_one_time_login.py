"""One-time logins, on a real Redis."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from redis import Redis

from hotspot.adapters.one_time_login import Claim, OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.adapters.redis import open_redis
from hotspot.errors import Unavailable
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Allowance, Usage, Used
from hotspot.settings import Settings
from hotspot.values import Period, RefusalReason
from tests.factories import DEVICE_MAC, NOW

TERMS = GrantTerms(
    grant_id=UUID(int=7),
    ends_at=NOW + timedelta(hours=2, microseconds=1),
    ends_because=RefusalReason.SITE_CLOSED,
    again_at=NOW + timedelta(hours=9),
    allowances=(
        Allowance(Period.VISIT, timedelta(hours=1), 2**40),
        Allowance(Period.DAY, None, None, 2**30, 2**41, NOW + timedelta(hours=5)),
    ),
    announcement_every=timedelta(minutes=30),
    upload_kbps=2000,
    download_kbps=None,
    idle_timeout=timedelta(minutes=5),
    interim_interval=timedelta(minutes=1),
    longest_session=timedelta(hours=6),
)
USAGE = Usage(
    Used(timedelta(minutes=3), 1, 4096), Used(timedelta(hours=1)), Used(upload_octets=7), timedelta(seconds=9)
)


@pytest.fixture
def logins(redis: "Redis") -> OneTimeLogins:
    return OneTimeLogins(redis, timedelta(seconds=120))


@pytest.fixture
def login(logins: OneTimeLogins) -> OneTimeLogin:
    made = make_one_time_login(1, DEVICE_MAC, TERMS, USAGE)
    logins.store(made)
    return made


def test_what_is_stored_comes_back_whole(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    assert logins.claim([Claim(login.user_name, b"first")]) == [login]


@pytest.mark.parametrize("packed", [b'["name", "password", 1, "020000000001", "more"]', b'["name"]', b"3"])
def test_what_another_version_has_packed_is_no_login(logins: OneTimeLogins, redis: "Redis", packed: bytes) -> None:
    """And spoils no login of the same batch."""
    made = make_one_time_login(1, DEVICE_MAC, TERMS, USAGE)
    logins.store(made)
    redis.set("login:another", packed)
    assert logins.claim([Claim("another", b"first"), Claim(made.user_name, b"second")]) == [None, made]


def test_a_grant_without_limits_comes_back_whole(logins: OneTimeLogins) -> None:
    made = make_one_time_login(1, DEVICE_MAC, GrantTerms(UUID(int=7), NOW), Usage())
    logins.store(made)
    assert logins.claim([Claim(made.user_name, b"first")]) == [made]


@pytest.mark.parametrize("made_up", ["{}:by", "by:{}", ":by", "pending:1:{}"])
def test_no_name_leads_to_what_else_is_kept(logins: OneTimeLogins, login: OneTimeLogin, made_up: str) -> None:
    logins.claim([Claim(login.user_name, b"first")])
    assert logins.claim([Claim(made_up.format(login.user_name), b"second")]) == [None]


def test_a_login_is_claimed_once(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    logins.claim([Claim(login.user_name, b"first")])
    assert logins.claim([Claim(login.user_name, b"second")]) == [None]


def test_a_retransmission_gets_the_same_again(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    for _ in range(3):
        assert logins.claim([Claim(login.user_name, b"first")]) == [login]


def test_a_batch_answers_in_order_and_knows_its_own_repeats(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    other = make_one_time_login(1, "020000000002", TERMS, Usage())
    logins.store(other)
    asked = [(other, b"a"), (login, b"b"), (login, b"c"), (other, b"a")]
    claims = [Claim(each.user_name, key) for each, key in asked]
    claims.insert(2, Claim("nobody", b"d"))
    assert logins.claim(claims) == [other, login, None, None, other]


def test_an_empty_batch_asks_nothing() -> None:
    assert OneTimeLogins(Redis(port=1), timedelta(seconds=1)).claim([]) == []


def test_of_two_that_race_one_wins(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = [[Claim(login.user_name, str(number).encode())] for number in range(40)]
        answers = [answer for (answer,) in pool.map(logins.claim, claims)]
    assert sorted(answers, key=lambda each: each is None) == [login] + [None] * 39


def test_a_login_expires_claimed_or_not(redis: "Redis") -> None:
    logins = OneTimeLogins(redis, timedelta(milliseconds=150))
    unclaimed, claimed = (make_one_time_login(1, DEVICE_MAC, TERMS, Usage()) for _ in range(2))
    for each in (unclaimed, claimed):
        logins.store(each)
    assert logins.claim([Claim(claimed.user_name, b"first")]) == [claimed]
    time.sleep(0.2)
    assert logins.claim([Claim(unclaimed.user_name, b"a"), Claim(claimed.user_name, b"first")]) == [None, None]
    assert logins.pending(1, DEVICE_MAC) is None
    time.sleep(0.15)
    assert redis.keys() == []


def test_the_pending_login_is_the_last_one_of_this_device_at_this_nas(
    logins: OneTimeLogins, login: OneTimeLogin
) -> None:
    newer = make_one_time_login(1, DEVICE_MAC, replace(TERMS, upload_kbps=None), Usage())
    assert logins.pending(1, DEVICE_MAC) == login
    logins.store(newer)
    assert logins.pending(1, DEVICE_MAC) == newer
    assert logins.pending(2, DEVICE_MAC) is None
    assert logins.pending(1, "020000000002") is None


def test_a_claimed_login_is_no_longer_pending(logins: OneTimeLogins, login: OneTimeLogin) -> None:
    logins.claim([Claim(login.user_name, b"first")])
    assert logins.pending(1, DEVICE_MAC) is None


def test_names_and_passwords_are_never_the_same_twice() -> None:
    made = [make_one_time_login(1, DEVICE_MAC, TERMS, Usage()) for _ in range(100)]
    assert len({each.user_name for each in made} | {each.password for each in made}) == 200
    assert {len(each.user_name) for each in made} == {20}


def test_nobody_gets_in_while_redis_is_away(settings: Settings) -> None:
    logins = OneTimeLogins(open_redis(settings), timedelta(seconds=120))
    login = make_one_time_login(1, DEVICE_MAC, TERMS, Usage())
    for ask in (
        lambda: logins.store(login),
        lambda: logins.pending(1, DEVICE_MAC),
        lambda: logins.claim([Claim(login.user_name, b"first")]),
    ):
        with pytest.raises(Unavailable) as problem:
            ask()
        assert problem.value.dependency == "redis"
