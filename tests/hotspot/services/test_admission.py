"""A batch of Access-Requests -> Admit or Refuse for each, written down in the same transaction."""

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
from hotspot.policy.admission import GrantTerms, Usage
from hotspot.services.admission import AdmissionRequest, admit
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
    with database.transaction() as db:
        return admit(db, requests, NOW, logins)


def test_a_login_of_its_device_and_nas_is_admitted_for_what_is_left(
    any_database: Database, logins: OneTimeLogins, login: OneTimeLogin
) -> None:
    (answer,) = answers(any_database, logins, asks(login))

    assert isinstance(answer, Admit)
    assert (answer.grant_id, answer.session_timeout) == (login.terms.grant_id, timedelta(hours=1))


def test_every_refusal_has_its_reason_and_all_are_written_down_in_order(
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
        asks(made[0], user_name="nobody"),
        asks(made[0]),
        asks(made[1], nas_id=other_nas),
        asks(made[2], device_mac=None),
        asks(made[3], proves=lambda _password: False),
        asks(made[4]),
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
        kept = db.scalars(select(Admission).order_by(Admission.id)).all()
    assert [each.refusal for each in kept] == expected
    assert [each.grant_id for each in kept] == [None, *[terms.grant_id] * 5]
    assert [each.device_mac for each in kept] == [MAC, MAC, MAC, None, MAC, MAC]
    assert {each.happened_at for each in kept} == {NOW}


def test_a_login_is_worth_one_request_and_its_retransmissions(
    any_database: Database, logins: OneTimeLogins, login: OneTimeLogin
) -> None:
    first, again, other = (
        answers(any_database, logins, asks(login, request_key=key))[0] for key in (b"one", b"one", b"two")
    )

    assert isinstance(first, Admit)
    assert again == first
    assert other == Refuse(RefusalReason.UNKNOWN_LOGIN)


def test_without_redis_nobody_is_answered_and_nothing_is_written(any_database: Database, nas_id: int) -> None:
    away = OneTimeLogins(Redis.from_url("unix:///nowhere/redis.sock"), timedelta(seconds=120))
    terms = GrantTerms(grant_id=uuid4(), ends_at=NOW + timedelta(hours=1))

    with pytest.raises(Unavailable, match="redis"):
        answers(any_database, away, asks(make_one_time_login(nas_id, MAC, terms, Usage())))

    with any_database.reading() as db:
        assert db.scalars(select(Admission)).all() == []
