"""From an alarm to an inbox: the worker's jobs, a real SMTP server, and what goes wrong between them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import OutgoingMail, RadiusListener
from hotspot.services.outbox import CLAIM, MOST_TRIES, write_mail
from hotspot.settings import Settings
from parvis import postman
from parvis.postman import MOST_AT_ONCE, send_due
from parvis.worker import jobs_of
from simulator.smtp import MailServer, a_mail_server
from tests import factories

NOW = factories.NOW
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with a_mail_server() as started:
        yield started


def through(settings: Settings, port: int) -> Settings:
    named = {"mail_host": "127.0.0.1", "mail_port": port, "mail_security": "none", "mail_from": "parvis@commune.test"}
    return settings.model_copy(update=named)


def write(database: Database, *recipients: str) -> None:
    with database.transaction() as db:
        for each in recipients:
            write_mail(db, each, "Hall is silent", "Look at it.\n", NOW)


def waiting(database: Database) -> list[tuple[str, datetime | None]]:
    with database.reading() as db:
        mails = db.scalars(select(OutgoingMail).where(OutgoingMail.sent_at.is_(None)).order_by(OutgoingMail.id))
        return [(each.recipient, each.next_try_at) for each in mails]


def recipients(server: MailServer) -> list[str]:
    return [recipient for each in server.taken for recipient in each.recipients]


def test_a_silent_gateway_is_in_the_inbox_of_its_administrator(
    any_database: Database, settings: Settings, server: MailServer
) -> None:
    with any_database.transaction() as db:
        site = factories.make_site(db)
        factories.make_staff(db, organisation=site.organisation, email="accueil@commune.test")
        heard = {"last_packet_at": NOW - 2 * HOUR, "created_at": NOW - timedelta(days=90)}
        factories.make_nas(db, site=site, name="Médiathèque", **heard)
        db.add(RadiusListener(name="here", started_at=NOW - timedelta(days=9), seen_at=NOW))
    jobs = {job.name: job.work for job in jobs_of(through(settings, server.port), any_database)}

    for minutes in range(5):
        jobs["watch_nases"](NOW + minutes * MINUTE)
        send_due(any_database, through(settings, server.port), NOW + minutes * MINUTE)

    (taken,) = server.taken
    assert taken.recipients == ("accueil@commune.test",)
    assert taken.message["Subject"] == "Parvis: Médiathèque ne répond plus"
    assert "Redémarrez-la" in taken.message.get_content()


def test_without_a_mail_server_there_is_no_such_job(database: Database, settings: Settings) -> None:
    assert "send_mails" not in {job.name for job in jobs_of(settings, database)}


def test_while_the_server_is_away_mails_wait(any_database: Database, settings: Settings) -> None:
    write(any_database, "a@commune.test", "b@commune.test")
    with a_mail_server() as server:
        port = server.port
    with pytest.raises(Unavailable):
        send_due(any_database, through(settings, port), NOW)
    assert waiting(any_database) == [("a@commune.test", NOW + MINUTE), ("b@commune.test", NOW)]

    with a_mail_server(port) as server:
        send_due(any_database, through(settings, port), NOW + MINUTE)

    assert sorted(recipients(server)) == ["a@commune.test", "b@commune.test"]
    assert waiting(any_database) == []


def test_a_refused_recipient_keeps_no_other_from_being_told(
    any_database: Database, settings: Settings, server: MailServer
) -> None:
    server.refused["nobody@commune.test"] = "550 nobody of this name"
    write(any_database, "nobody@commune.test", "accueil@commune.test")

    send_due(any_database, through(settings, server.port), NOW)

    assert recipients(server) == ["accueil@commune.test"]
    assert waiting(any_database) == [("nobody@commune.test", NOW + MINUTE)]


def test_one_that_is_given_up_is_said_so_without_its_address(
    database: Database, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, object]] = []
    monkeypatch.setattr(postman.log, "error", lambda event, **facts: logged.append({"event": event, **facts}))
    server.refused["nobody@commune.test"] = "550 nobody of this name"
    write(database, "nobody@commune.test")
    at = NOW
    for _ in range(MOST_TRIES + 5):
        send_due(database, through(settings, server.port), at)
        at += 6 * HOUR

    assert logged == [{"event": "mail_given_up", "mail_id": 1, "reason": "SMTPRecipientsRefused"}]
    assert len([each for each in server.heard if each.startswith("rcpt")]) == MOST_TRIES


def test_a_worker_that_dies_between_sending_and_marking_sends_the_same_mail_once_more(
    any_database: Database, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm that nobody reads is the greater harm; the Message-ID tells that it is the same."""
    write(any_database, "accueil@commune.test")
    with monkeypatch.context() as dies:
        dies.setattr(postman, "mark_sent", _die)
        with pytest.raises(KeyboardInterrupt):
            send_due(any_database, through(settings, server.port), NOW)
    for at in (NOW + MINUTE, NOW + CLAIM, NOW + CLAIM + MINUTE):
        send_due(any_database, through(settings, server.port), at)

    assert recipients(server) == ["accueil@commune.test"] * 2
    assert len({each.message["Message-ID"] for each in server.taken}) == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_line_that_breaks_after_the_mail_was_taken_is_tried_again(
    any_database: Database, settings: Settings, server: MailServer
) -> None:
    write(any_database, "accueil@commune.test")
    server.breaks_off_after_data = True
    with pytest.raises(Unavailable):
        send_due(any_database, through(settings, server.port), NOW)
    server.breaks_off_after_data = False

    send_due(any_database, through(settings, server.port), NOW + MINUTE)

    assert len({each.message["Message-ID"] for each in server.taken}) == 1
    assert waiting(any_database) == []


def test_many_leave_over_one_connection_and_the_rest_a_minute_later(
    database: Database, settings: Settings, server: MailServer
) -> None:
    write(database, *(f"{number}@commune.test" for number in range(MOST_AT_ONCE + 3)))

    send_due(database, through(settings, server.port), NOW)
    assert (len(server.taken), server.heard.count("quit")) == (MOST_AT_ONCE, 1)

    send_due(database, through(settings, server.port), NOW + MINUTE)
    assert len(set(recipients(server))) == MOST_AT_ONCE + 3


def test_a_turn_ends_before_its_claims_do(
    database: Database, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes its time over each mail: four minutes."""
    minutes = iter(range(0, 400, 4))
    monkeypatch.setattr(postman, "time", SimpleNamespace(monotonic=lambda: 60.0 * next(minutes)))
    write(database, *(f"reader{number}@commune.test" for number in range(9)))

    send_due(database, through(settings, server.port), NOW)

    assert len(server.taken) == 1
