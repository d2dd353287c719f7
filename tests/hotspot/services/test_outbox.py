"""Mails that wait: claimed by one worker, tried again with growing pauses, given up at last."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.db import Database, open_database
from hotspot.models import OutgoingMail, OutgoingText
from hotspot.services.outbox import (
    CLAIM,
    MOST_TRIES,
    claim_mail,
    claim_text,
    is_mail_due,
    is_text_due,
    mark_sent,
    mark_text_sent,
    put_off,
    put_off_text,
    write_mail,
    write_text,
)
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


# ---- what is worth nothing later: codes ----


@pytest.fixture
def code_mail(any_database: Database) -> Database:
    with any_database.transaction() as db:
        write_mail(db, "accueil@commune.test", "An alarm", "Look at it.", NOW - MINUTE)
        write_mail(db, "marie@example.org", "123456", "123456", NOW, give_up_at=NOW + 10 * MINUTE)
    return any_database


def left(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(OutgoingMail.recipient).order_by(OutgoingMail.id)))


def test_a_code_goes_before_everything_else(code_mail: Database) -> None:
    with code_mail.transaction() as db:
        claims = [claim_mail(db, NOW) for _ in range(3)]
    assert [claimed and claimed[1].recipient for claimed in claims] == [
        "marie@example.org",
        "accueil@commune.test",
        None,
    ]


def test_a_code_is_erased_once_it_has_left(code_mail: Database) -> None:
    with code_mail.transaction() as db:
        claimed = claim_mail(db, NOW)
        assert claimed is not None
        mark_sent(db, claimed[0], NOW)
    assert left(code_mail) == ["accueil@commune.test"]


def test_a_code_that_is_too_late_is_erased_and_not_sent(code_mail: Database) -> None:
    with code_mail.transaction() as db:
        claimed = claim_mail(db, NOW + 10 * MINUTE)
    assert claimed is not None
    assert claimed[1].recipient == "accueil@commune.test"
    assert left(code_mail) == ["accueil@commune.test"]


def test_a_code_is_tried_again_after_seconds_and_erased_when_it_is_given_up(code_mail: Database) -> None:
    at, pauses, goes_on = NOW, [], True
    while goes_on:
        with code_mail.transaction() as db:
            claimed = claim_mail(db, at)
            assert claimed is not None
            assert claimed[1].recipient == "marie@example.org"
            goes_on = put_off(db, claimed[0], at)
        with code_mail.reading() as db:
            row = db.get(OutgoingMail, claimed[0])
        if row is not None and row.next_try_at is not None:
            pauses.append((row.next_try_at - at).total_seconds())
            at = row.next_try_at
    assert pauses == [5, 10, 20, 40, 80, 160]
    assert left(code_mail) == ["accueil@commune.test"]


def test_a_code_claimed_by_a_worker_that_died_is_there_again_after_a_minute(code_mail: Database) -> None:
    for at in (NOW, NOW + MINUTE):
        with code_mail.transaction() as db:
            claimed = claim_mail(db, at)
        assert claimed is not None
        assert claimed[1].recipient == "marie@example.org"


def test_the_look_finds_what_is_due_and_nothing_else(any_database: Database) -> None:
    with any_database.transaction() as db:
        write_mail(db, "marie@example.org", "x", "x", NOW, give_up_at=NOW + MINUTE)
        write_text(db, "+33612345678", "x", NOW, give_up_at=NOW + MINUTE)
    with any_database.reading() as db:
        assert (is_mail_due(db, NOW), is_text_due(db, NOW)) == (True, True)
        assert (is_mail_due(db, NOW - MINUTE), is_text_due(db, NOW - MINUTE)) == (False, False)
    with any_database.transaction() as db:
        mail, text = claim_mail(db, NOW), claim_text(db, NOW)
    assert mail is not None
    assert text is not None
    with any_database.reading() as db:
        assert (is_mail_due(db, NOW), is_text_due(db, NOW)) == (False, False)


# ---- text messages ----


@pytest.fixture
def text_id(any_database: Database) -> int:
    with any_database.transaction() as db:
        write_text(db, "+33612345678", "123456", NOW, give_up_at=NOW + 10 * MINUTE)
    with any_database.reading() as db:
        return db.scalars(select(OutgoingText.id)).one()


def the_text(database: Database) -> OutgoingText:
    with database.reading() as db:
        return db.scalars(select(OutgoingText)).one()


def test_a_text_is_claimed_once(any_database: Database, text_id: int) -> None:
    with any_database.transaction() as db:
        first, second = claim_text(db, NOW), claim_text(db, NOW)
    assert first is not None
    assert (first[0], first[1].recipient, first[1].body) == (text_id, "+33612345678", "123456")
    assert second is None


def test_of_a_text_that_was_sent_neither_number_nor_code_stays(any_database: Database, text_id: int) -> None:
    with any_database.transaction() as db:
        mark_text_sent(db, text_id, NOW)
    text = the_text(any_database)
    assert (text.recipient, text.body, text.sent_at, text.next_try_at) == ("", "", NOW, None)


@pytest.mark.parametrize("for_good", [True, False])
def test_a_text_that_is_given_up_says_why_and_no_more(any_database: Database, text_id: int, for_good: bool) -> None:
    at = NOW if for_good else NOW + 10 * MINUTE
    with any_database.transaction() as db:
        claim_text(db, NOW)
        assert not put_off_text(db, text_id, "status 402", at, for_good=for_good)
    text = the_text(any_database)
    assert (text.recipient, text.body, text.problem, text.sent_at) == ("", "", "status 402", None)


def test_a_text_that_is_too_late_is_not_sent(any_database: Database, text_id: int) -> None:
    with any_database.transaction() as db:
        assert claim_text(db, NOW + 10 * MINUTE) is None
    assert the_text(any_database).recipient == ""


def test_a_text_that_was_put_off_is_tried_again(any_database: Database, text_id: int) -> None:
    with any_database.transaction() as db:
        claim_text(db, NOW)
        assert put_off_text(db, text_id, "away", NOW, for_good=False)
    with any_database.transaction() as db:
        assert claim_text(db, NOW + timedelta(seconds=4)) is None
        assert claim_text(db, NOW + timedelta(seconds=5)) is not None
