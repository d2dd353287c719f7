"""From an alarm to an inbox: the worker's jobs, a real SMTP server, and what goes wrong between them."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import OutgoingMail, OutgoingText, RadiusListener
from hotspot.services.outbox import CLAIM, MOST_TRIES, write_mail, write_text
from hotspot.settings import Settings
from parvis import postman
from parvis.postman import MOST_AT_ONCE, carry_until, send_due, send_due_texts
from parvis.worker import jobs_of
from simulator.smtp import MailServer, a_mail_server
from tests import factories
from tests.fixtures.sms import TextProvider, a_text_provider

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


def test_without_a_mail_server_nobody_looks(database: Database, settings: Settings) -> None:
    """It comes back at once, and what was written waits for a server."""
    write(database, "a@commune.test")

    carry_until(threading.Event(), database, settings, lambda: NOW)

    assert waiting(database) == [("a@commune.test", NOW)]


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


def run_postman(database: Database, settings: Settings, is_done: Callable[[], bool]) -> None:
    """Until it has done what is waited for."""
    stopped = threading.Event()

    def clock() -> datetime:
        if is_done():
            stopped.set()
        return NOW

    carry_until(stopped, database, settings, clock)


def test_mails_and_texts_leave_by_themselves(
    database: Database, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "LOOK_EVERY", 0.01)
    with a_text_provider(201) as provider:
        write(database, "marie@example.org")
        with database.transaction() as db:
            write_text(db, "+33612345678", "123456", NOW, give_up_at=NOW + HOUR)
        both = texts_through(through(settings, server.port), provider)
        run_postman(database, both, lambda: bool(server.taken and provider.asked))
    assert recipients(server) == ["marie@example.org"]
    assert provider.asked[0].json == {"to": "+33612345678", "text": "123456"}


def test_a_mail_server_that_is_away_keeps_no_text_message_waiting(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "LOOK_EVERY", 0.01)
    with a_mail_server() as server:
        gone = server.port
    with a_text_provider(201) as provider:
        write(database, "marie@example.org")
        with database.transaction() as db:
            write_text(db, "+33612345678", "123456", NOW, give_up_at=NOW + HOUR)
        run_postman(database, texts_through(through(settings, gone), provider), lambda: bool(provider.asked))
    assert len(waiting(database)) == 1


def test_a_round_that_breaks_does_not_end_the_next_ones(
    database: Database, settings: Settings, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "LOOK_EVERY", 0.01)
    rounds: list[int] = []

    def breaks(*_: object) -> None:
        rounds.append(1)
        raise RuntimeError

    monkeypatch.setattr(postman, "send_due", breaks)
    run_postman(database, through(settings, server.port), lambda: len(rounds) > 2)
    assert len(rounds) > 2


def test_a_provider_that_is_away_is_asked_again(any_database: Database, settings: Settings) -> None:
    with a_text_provider(503) as provider:
        with any_database.transaction() as db:
            write_text(db, "+33612345678", "123456", NOW, give_up_at=NOW + HOUR)
        through_it = texts_through(settings, provider)
        with pytest.raises(Unavailable):
            send_due_texts(any_database, through_it, NOW)
        provider.answers = [(201, b"{}")]
        send_due_texts(any_database, through_it, NOW + MINUTE)
        send_due_texts(any_database, through_it, NOW + 2 * MINUTE)
    assert len(provider.asked) == 2


def test_a_provider_that_says_no_is_not_asked_again(any_database: Database, settings: Settings) -> None:
    with a_text_provider(402) as provider:
        with any_database.transaction() as db:
            write_text(db, "+33612345678", "123456", NOW, give_up_at=NOW + HOUR)
        for at in (NOW, NOW + MINUTE):
            send_due_texts(any_database, texts_through(settings, provider), at)
    assert len(provider.asked) == 1
    with any_database.reading() as db:
        text = db.scalars(select(OutgoingText)).one()
    assert (text.recipient, text.problem) == ("", "the provider answered 402, and not that it took the message")


def texts_through(settings: Settings, provider: TextProvider) -> Settings:
    described = {
        "sms_provider": "http",
        "sms_url": SecretStr(f"{provider.url}/texts"),
        "sms_body": SecretStr('{"to": "{to}", "text": "{text}"}'),
    }
    return settings.model_copy(update=described)
