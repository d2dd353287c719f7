"""Mail to a real SMTP server: what it gets, what is told when it says no, and whom it is not given to."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hotspot.adapters.mail import Mail, Undeliverable, open_postbox
from hotspot.errors import Unavailable
from hotspot.settings import Settings
from simulator.smtp import MailServer, a_mail_server
from tests.radius.tls_peers import Town

MAIL = Mail(
    message_id="abc123",
    recipient="accueil@commune.test",
    subject="Parvis: Médiathèque ne répond plus",
    body="Plus rien n’en est venu.\n.\nFin\n",
    written_at=datetime(2026, 3, 10, 9, tzinfo=UTC),
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with a_mail_server() as started:
        yield started


def through(settings: Settings, port: int, **more: Any) -> Settings:
    named = {"mail_host": "127.0.0.1", "mail_port": port, "mail_security": "none", "mail_from": "parvis@commune.test"}
    return settings.model_copy(update=named | more)


def send(settings: Settings, *mails: Mail) -> None:
    with open_postbox(settings) as postbox:
        for each in mails:
            postbox.send(each)


def test_a_mail_arrives_as_it_was_written(server: MailServer, settings: Settings) -> None:
    send(through(settings, server.port), MAIL)

    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("parvis@commune.test", ("accueil@commune.test",))
    assert taken.message["Subject"] == MAIL.subject
    assert taken.message["From"] == "parvis@commune.test"
    assert taken.message["To"] == MAIL.recipient
    assert taken.message["Date"].datetime == MAIL.written_at
    assert taken.message["Message-ID"] == "<abc123@commune.test>"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message.get_content().replace("\r\n", "\n") == MAIL.body


def test_one_connection_carries_several_and_ends_politely(server: MailServer, settings: Settings) -> None:
    send(through(settings, server.port), MAIL, MAIL)

    assert len(server.taken) == 2
    assert [each for each in server.heard if each[:4].upper() in ("EHLO", "QUIT")][1:] == ["quit"]


@pytest.mark.parametrize("reply", ["550 nobody of this name", "451 come back later"], ids=["for good", "for now"])
def test_a_refused_recipient_is_undeliverable_and_the_next_mail_goes_out(
    server: MailServer, settings: Settings, reply: str
) -> None:
    server.refused["nobody@commune.test"] = reply
    to_nobody = Mail("n", "nobody@commune.test", "s", "b", MAIL.written_at)

    with open_postbox(through(settings, server.port)) as postbox:
        with pytest.raises(Undeliverable):
            postbox.send(to_nobody)
        postbox.send(MAIL)

    assert [each.recipients for each in server.taken] == [(MAIL.recipient,)]


def test_a_server_that_is_away_is_unavailable(settings: Settings) -> None:
    with a_mail_server() as server:
        port = server.port

    with pytest.raises(Unavailable):
        send(through(settings, port), MAIL)


def test_a_line_that_breaks_is_unavailable(server: MailServer, settings: Settings) -> None:
    server.breaks_off_after_data = True

    with pytest.raises(Unavailable):
        send(through(settings, server.port), MAIL)


def test_it_signs_in_where_it_has_a_name(server: MailServer, settings: Settings) -> None:
    server.password = ("parvis", "a password")
    known = through(settings, server.port, mail_user="parvis", mail_password=SecretStr("a password"))
    send(known, MAIL)
    assert len(server.taken) == 1

    with pytest.raises(Unavailable):
        send(known.model_copy(update={"mail_password": SecretStr("another")}), MAIL)


# ---- TLS ----


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def server_context(town: Town) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(town.server.certificate, town.server.key)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_this_machine_trusts_gets_password_and_mail_over_tls(
    settings: Settings, town: Town, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(town.authority.certificate))
    with a_mail_server(context=server_context(town), is_tls_at_once=security == "tls") as server:
        server.password = ("parvis", "a password")
        password = {"mail_user": "parvis", "mail_password": SecretStr("a password")}
        send(through(settings, server.port, mail_security=security, **password), MAIL)

    assert len(server.taken) == 1
    assert ("STARTTLS" in server.heard) is (security == "starttls")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_one_that_it_does_not_trust_gets_neither(settings: Settings, town: Town, security: str) -> None:
    with a_mail_server(context=server_context(town), is_tls_at_once=security == "tls") as server:
        password = {"mail_user": "parvis", "mail_password": SecretStr("a password")}
        with pytest.raises(Unavailable):
            send(through(settings, server.port, mail_security=security, **password), MAIL)

    assert server.taken == []
    assert not any(each.startswith("AUTH") for each in server.heard)


def test_a_server_without_starttls_gets_nothing_where_it_is_asked_for(server: MailServer, settings: Settings) -> None:
    with pytest.raises(Unavailable):
        send(through(settings, server.port, mail_security="starttls"), MAIL)

    assert server.taken == []
