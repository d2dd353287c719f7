"""Mails that wait: claimed by one worker, tried again with growing pauses, given up at last."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.db import Database, open_database
from hotspot.models import OutgoingMail
from hotspot.services.outbox import CLAIM, MOST_TRIES, claim_mail, mark_sent, put_off, write_mail
from hotspot.settings import Settings
from tests import factories

NOW = factories.NOW
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mail_id(any_database: Database) -> int:
    with any_database.transaction() as db:
        write_mail(db, "accueil@commune.test", "Hall is silent", "Look at it.\n", NOW)
    return the_mail(any_database).id


def the_mail(database: Database) -> OutgoingMail:
    with database.reading() as db:
        return db.scalars(select(OutgoingMail)).one()


def claim(database: Database, at: datetime) -> bool:
    with database.transaction() as db:
        return claim_mail(db, at) is not None


def test_what_is_claimed_is_nobody_elses(any_database: Database, mail_id: int) -> None:
    with any_database.transaction() as db:
        claimed = claim_mail(db, NOW)
    assert claimed is not None
    assert (claimed[0], claimed[1].recipient, claimed[1].subject, claimed[1].body, claimed[1].written_at) == (
        mail_id,
        "accueil@commune.test",
        "Hall is silent",
        "Look at it.\n",
        NOW,
    )

    assert not claim(any_database, NOW + CLAIM - MINUTE)


def test_two_at_the_same_moment_do_not_claim_the_same(postgresql_url: str, settings: Settings) -> None:
    database = open_database(settings.model_copy(update={"database_url": postgresql_url}))
    with database.transaction() as db:
        for name in ("first", "second"):
            write_mail(db, f"{name}@commune.test", name, name, NOW)
    with database.transaction() as one, database.transaction() as other:
        claims = [claim_mail(each, NOW) for each in (one, other, one)]
    database.dispose()

    assert [each and each[1].subject for each in claims] == ["first", "second", None]


def test_what_was_claimed_by_a_worker_that_died_is_sent_by_another_as_the_same_mail(
    any_database: Database, mail_id: int
) -> None:
    claimed = []
    for at in (NOW, NOW + CLAIM):
        with any_database.transaction() as db:
            claimed.append(claim_mail(db, at))

    assert claimed[0] is not None
    assert claimed[0] == claimed[1]


def test_what_is_sent_is_never_claimed_again(any_database: Database, mail_id: int) -> None:
    assert claim(any_database, NOW)
    with any_database.transaction() as db:
        mark_sent(db, mail_id, NOW)

    assert not claim(any_database, NOW + timedelta(days=10))
    assert the_mail(any_database).sent_at == NOW


def test_pauses_grow_to_six_hours_and_it_is_given_up_after_four_days(any_database: Database, mail_id: int) -> None:
    at, pauses, goes_on = NOW, [], True
    while goes_on:
        assert claim(any_database, at)
        with any_database.transaction() as db:
            goes_on = put_off(db, mail_id, at)
        next_at = the_mail(any_database).next_try_at
        if next_at is not None:
            pauses.append(next_at - at)
            at = next_at

    assert pauses[:4] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert pauses[-1] == timedelta(hours=6)
    assert timedelta(days=3) < at - NOW < timedelta(days=5)
    assert the_mail(any_database).tries == MOST_TRIES
    assert not claim(any_database, at + timedelta(days=10))
