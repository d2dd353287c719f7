"""A batch of Access-Requests by one-time login -> Admit or Refuse for each, and what is written down of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import select

from hotspot.adapters.one_time_login import OneTimeLogin, OneTimeLogins, make_one_time_login
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import Admission
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage
from hotspot.services.admission import AdmissionRequest, answered, decide, write_down
from hotspot.values import Admit, MacAddress, RefusalReason, Refuse
from tests import factories

NOW = factories.NOW
MAC = MacAddress(factories.DEVICE_MAC)


@pytest.fixture
def logins(redis: "Redis") -> OneTimeLogins:
    return OneTimeLogins(redis, timedelta(seconds=120))


@pytest.fixture
def nas_id(any_database: Database) -> int:
    with any_database.transaction() as db:
        return factories.make_nas(db).id


@pytest.fixture
def login(logins: OneTimeLogins, nas_id: int) -> OneTimeLogin:
    terms = GrantTerms(grant_id=uuid4(), ends_at=NOW + timedelta(hours=1))
    made = make_one_time_login(nas_id, MAC, terms, Usage())
    logins.store(made)
    return made


def asks(login: OneTimeLogin, **overrides: Any) -> AdmissionRequest:
    fields: dict[str, Any] = {
        "nas_id": login.nas_id,
        "user_name": login.user_name,
        "device_mac": login.device_mac,
        "request_key": b"the first request",
        "proves": login.password.__eq__,
    }
    return AdmissionRequest(**fields | overrides)


def answers(database: Database, logins: OneTimeLogins, *requests: AdmissionRequest) -> list[Admit | Refuse]:
    decided = decide(requests, NOW, logins)
    rows = [
        answered(each.request_key, each.nas_id, each.device_mac, login.terms.grant_id if login else None, answer, NOW)
        for each, (answer, login) in zip(requests, decided, strict=True)
    ]
    with database.at_once() as db:
        write_down(db, rows)
    return [answer for answer, _ in decided]


def test_a_login_of_its_device_and_nas_is_admitted_for_what_is_left(
    any_database: Database, logins: OneTimeLogins, login: OneTimeLogin
) -> None:
    (answer,) = answers(any_database, logins, asks(login))

    assert isinstance(answer, Admit)
    assert (answer.grant_id, answer.session_timeout) == (login.terms.grant_id, timedelta(hours=1))


def test_every_refusal_has_its_reason_and_all_are_written_down(
    any_database: Database, logins: OneTimeLogins, nas_id: int
) -> None:
    terms = GrantTerms(grant_id=uuid4(), ends_at=NOW + timedelta(hours=1))
    made = [make_one_time_login(nas_id, MAC, terms, Usage()) for _ in range(5)]
    made[4] = replace(made[4], terms=replace(terms, ends_at=NOW))
    with any_database.transaction() as db:
        other_nas = factories.make_nas(db).id
    for each in made:
        logins.store(each)

    given = answers(
        any_database,
        logins,
        asks(made[0], user_name="nobody", request_key=b"0"),
        asks(made[0], request_key=b"1"),
        asks(made[1], nas_id=other_nas, request_key=b"2"),
        asks(made[2], device_mac=None, request_key=b"3"),
        asks(made[3], proves=lambda _password: False, request_key=b"4"),
        asks(made[4], request_key=b"5"),
    )

    expected = [
        RefusalReason.UNKNOWN_LOGIN,
        None,
        RefusalReason.OTHER_NAS,
        RefusalReason.OTHER_DEVICE,
        RefusalReason.WRONG_PASSWORD,
        RefusalReason.GRANT_ENDED,
    ]
    assert [each.reason if isinstance(each, Refuse) else None for each in given] == expected
    with any_database.reading() as db:
        kept = {each.refusal: each for each in db.scalars(select(Admission))}
    assert set(kept) == set(expected)
    assert {each.grant_id for reason, each in kept.items() if reason is not RefusalReason.UNKNOWN_LOGIN} == {
        terms.grant_id
    }
    assert kept[RefusalReason.UNKNOWN_LOGIN].grant_id is None
    assert kept[RefusalReason.OTHER_NAS].nas_id == other_nas
    assert [reason for reason, each in kept.items() if each.device_mac is None] == [RefusalReason.OTHER_DEVICE]
    assert {each.happened_at for each in kept.values()} == {NOW}


def test_a_login_is_worth_one_request_and_its_retransmissions(
    any_database: Database, logins: OneTimeLogins, login: OneTimeLogin
) -> None:
    first, again, other = (
        answers(any_database, logins, asks(login, request_key=key))[0] for key in (b"one", b"one", b"two")
    )

    assert isinstance(first, Admit)
    assert again == first
    assert other == Refuse(RefusalReason.UNKNOWN_LOGIN)
    with any_database.reading() as db:
        kept = db.scalars(select(Admission.refusal)).all()
    assert sorted(kept, key=str) == [None, RefusalReason.UNKNOWN_LOGIN], "a retransmission is the same row"


def test_without_redis_nobody_is_answered_and_nothing_is_written(any_database: Database, nas_id: int) -> None:
    away = OneTimeLogins(Redis.from_url("unix:///nowhere/redis.sock"), timedelta(seconds=120))
    terms = GrantTerms(grant_id=uuid4(), ends_at=NOW + timedelta(hours=1))

    with pytest.raises(Unavailable, match="redis"):
        answers(any_database, away, asks(make_one_time_login(nas_id, MAC, terms, Usage())))

    with any_database.reading() as db:
        assert db.scalars(select(Admission)).all() == []
