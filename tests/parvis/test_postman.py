"""Mails leave through a real SMTP server: once each, later if it is away, and none keeps another from leaving."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import OutgoingMail, RadiusListener
from hotspot.services.outbox import CLAIM, MOST_TRIES, claim_mail, write_mail
from hotspot.settings import Settings
from parvis import postman
from parvis.postman import MOST_AT_ONCE, send_due
from parvis.worker import jobs_of
from tests import factories
from tests.fixtures.smtp import MailServer, a_mail_server

MINUTE = timedelta(minutes=1)
SENDER = "wifi@commune.test"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with a_mail_server() as started:
        yield started


@pytest.fixture
def mailing(settings: Settings, server: MailServer) -> Settings:
    return with_mail(settings, server.port)


def with_mail(settings: Settings, port: int, **overrides: Any) -> Settings:
    known = {"mail_host": "127.0.0.1", "mail_port": port, "mail_security": "none", "mail_from": SENDER}
    return settings.model_copy(update=known | overrides)


def write(database: Database, *recipients: str, now: datetime = factories.NOW, subject: str = "Salle de prêt") -> None:
    with database.transaction() as db:
        for each in recipients:
            write_mail(db, each, subject, "Rien n’en vient plus.\n.\nFin\n", now)


def recipients(server: MailServer) -> list[str]:
    return [str(each["To"]) for each in server.taken]


def mails(database: Database) -> dict[str, OutgoingMail]:
    with database.reading() as db:
        return {each.recipient: each for each in db.scalars(select(OutgoingMail))}


def test_a_mail_is_delivered_once(any_database: Database, mailing: Settings, server: MailServer, now: datetime) -> None:
    write(any_database, "one@commune.test", "other@commune.test")

    for minute in range(30):
        send_due(any_database, mailing, now + minute * MINUTE)

    assert recipients(server) == ["one@commune.test", "other@commune.test"]
    assert server.connections == 1
    assert mails(any_database)["one@commune.test"].sent_at == now
    first = server.taken[0]
    assert (first["From"], first["Subject"]) == (SENDER, "Salle de prêt")
    assert (first["Auto-Submitted"], first["Date"].datetime) == ("auto-generated", now)
    assert first.get_content() == "Rien n’en vient plus.\n.\nFin\n"
    assert len({each["Message-ID"] for each in server.taken}) == 2


def test_nothing_to_send_opens_no_connection(
    database: Database, mailing: Settings, server: MailServer, now: datetime
) -> None:
    send_due(database, mailing, now)

    assert server.connections == 0


def test_while_the_server_is_away_the_mail_waits_with_growing_pauses(
    any_database: Database, settings: Settings, now: datetime
) -> None:
    with a_mail_server() as gone:
        pass
    write(any_database, "one@commune.test")
    tried = []

    for minute in range(20):
        at = now + minute * MINUTE
        try:
            send_due(any_database, with_mail(settings, gone.port), at)
        except Unavailable:
            tried.append(minute)

    assert tried == [0, 1, 3, 7, 15]
    with a_mail_server(gone.port) as back:
        send_due(any_database, with_mail(settings, gone.port), now + 31 * MINUTE)
        assert recipients(back) == ["one@commune.test"]


def test_a_server_away_is_asked_once_a_turn_not_once_a_mail(
    database: Database, settings: Settings, now: datetime
) -> None:
    with a_mail_server() as gone:
        pass
    write(database, "one@commune.test", "other@commune.test")

    with pytest.raises(Unavailable):
        send_due(database, with_mail(settings, gone.port), now)

    assert sorted(each.tries for each in mails(database).values()) == [0, 1]


@pytest.mark.parametrize("answer", ["550 No such mailbox", "450 Come again later"])
def test_a_recipient_who_is_refused_keeps_nobody_waiting(
    any_database: Database, mailing: Settings, server: MailServer, now: datetime, answer: str
) -> None:
    server.refuses["wrong@commune.test"] = answer
    write(any_database, "wrong@commune.test", "right@commune.test")

    send_due(any_database, mailing, now)

    assert recipients(server) == ["right@commune.test"]
    wrong = mails(any_database)["wrong@commune.test"]
    assert (wrong.tries, wrong.sent_at, wrong.next_try_at) == (1, None, now + MINUTE)
    server.refuses.clear()
    send_due(any_database, mailing, now + MINUTE)
    assert recipients(server) == ["right@commune.test", "wrong@commune.test"]


def test_one_who_is_refused_for_ever_is_given_up(
    any_database: Database, mailing: Settings, server: MailServer, now: datetime
) -> None:
    server.refuses["wrong@commune.test"] = "550 No such mailbox"
    write(any_database, "wrong@commune.test")

    for hours in range(0, 24 * 7, 6):
        send_due(any_database, mailing, now + timedelta(hours=hours))

    wrong = mails(any_database)["wrong@commune.test"]
    assert (wrong.tries, wrong.sent_at, wrong.next_try_at) == (MOST_TRIES, None, None)


def test_what_the_server_does_not_take_in_the_end_is_not_sent(
    any_database: Database, mailing: Settings, server: MailServer, now: datetime
) -> None:
    server.busy = "452 Disk full"
    write(any_database, "one@commune.test")
    send_due(any_database, mailing, now)
    assert mails(any_database)["one@commune.test"].sent_at is None

    server.busy = ""
    send_due(any_database, mailing, now + MINUTE)

    assert recipients(server) == ["one@commune.test"]


def test_after_a_death_between_sending_and_marking_the_same_mail_leaves_once_more(
    any_database: Database, mailing: Settings, server: MailServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    write(any_database, "one@commune.test")
    with monkeypatch.context() as patched:
        patched.setattr(postman, "mark_sent", die)
        with pytest.raises(KeyboardInterrupt):
            send_due(any_database, mailing, now)

    send_due(any_database, mailing, now + CLAIM - MINUTE)
    assert len(server.taken) == 1
    send_due(any_database, mailing, now + CLAIM)
    send_due(any_database, mailing, now + 3 * CLAIM)

    assert len(server.taken) == 2
    assert server.taken[0]["Message-ID"] == server.taken[1]["Message-ID"]


def test_what_one_worker_has_claimed_no_other_sends(any_database: Database, now: datetime) -> None:
    write(any_database, "one@commune.test")

    with any_database.transaction() as db:
        assert claim_mail(db, now) is not None
    with any_database.transaction() as db:
        assert claim_mail(db, now) is None


def test_a_turn_ends_before_its_claims_do(
    database: Database, mailing: Settings, server: MailServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes its time over each mail: four minutes."""
    minutes = iter(range(0, 400, 4))
    monkeypatch.setattr(postman, "time", SimpleNamespace(monotonic=lambda: 60.0 * next(minutes)))
    write(database, *(f"reader{number}@commune.test" for number in range(9)))

    send_due(database, mailing, now)

    assert len(server.taken) == 1
    assert sum(each.tries for each in mails(database).values()) == 1


def test_at_most_so_many_leave_in_one_turn(
    database: Database, mailing: Settings, server: MailServer, now: datetime
) -> None:
    write(database, *(f"reader{number}@commune.test" for number in range(MOST_AT_ONCE + 1)))

    send_due(database, mailing, now)
    assert len(server.taken) == MOST_AT_ONCE
    send_due(database, mailing, now + MINUTE)

    assert len(server.taken) == MOST_AT_ONCE + 1


def test_a_server_that_cannot_be_trusted_gets_nothing(
    database: Database, settings: Settings, server: MailServer, now: datetime
) -> None:
    """It does not know STARTTLS, and mail must not leave in the clear."""
    write(database, "one@commune.test")

    with pytest.raises(Unavailable):
        send_due(database, with_mail(settings, server.port, mail_security="starttls"), now)

    assert server.taken == []


def test_from_a_silent_gateway_to_a_mail(
    any_database: Database, mailing: Settings, server: MailServer, now: datetime
) -> None:
    """The worker's own jobs, one after the other."""
    with any_database.transaction() as db:
        db.add(RadiusListener(name="here", started_at=now - timedelta(days=90), seen_at=now))
        nas = factories.make_nas(
            db,
            name="Salle de lecture",
            last_packet_at=now - timedelta(hours=2),
            created_at=now - timedelta(days=90),
        )
        factories.make_staff(db, organisation=nas.organisation, email="director@commune.test", language="fr")
    jobs = {job.name: job for job in jobs_of(mailing, any_database)}

    for minute in range(3):
        jobs["watch_nases"].work(now + minute * MINUTE)
        jobs["send_mails"].work(now + minute * MINUTE)

    (told,) = server.taken
    assert (told["To"], told["Subject"]) == ("director@commune.test", "Parvis: Salle de lecture ne répond plus")
    assert "Plus rien n’en est venu depuis 2 h 00" in told.get_content()


def test_without_a_mail_server_there_is_no_such_job(settings: Settings, database: Database) -> None:
    assert "send_mails" not in {job.name for job in jobs_of(settings, database)}
