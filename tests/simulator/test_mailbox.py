"""The demonstration's mailbox: what comes in by SMTP and by HTTP is on its page, and is text whatever it says."""

import http.client
import json
import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from simulator import mailbox
from simulator.mailbox import MOST_KEPT, Mailbox, MailboxServer, main, with_links

pytestmark = pytest.mark.integration


@dataclass
class Box:
    port: int
    smtp_port: int

    def mail(self, to: str, subject: str, body: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "wifi@town.test", to, subject
        message.set_content(body)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5) as smtp:
            smtp.send_message(message)

    def ask(self, method: str, path: str, body: str = "", language: str = "en") -> tuple[int, str, str]:
        """Status, Refresh, text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body.encode(), {"Accept-Language": language})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers.get("Refresh", ""), text


@pytest.fixture
def box() -> Iterator[Box]:
    kept = Mailbox()
    servers = (MailboxServer(0, kept), mailbox._MailServer(0, kept))
    threads = [threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.01}) for each in servers]
    for thread in threads:
        thread.start()
    yield Box(servers[0].server_address[1], servers[1].port)
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def test_mails_and_texts_are_there_the_newest_first(box: Box) -> None:
    box.mail("marie@example.org", "987654 : votre code", "Bonjour,\n\nhttp://localhost:8080/confirm/AbC-_1\n\né\n")
    status, _, answer = box.ask("POST", "/texts", json.dumps({"to": "+33612345678", "text": "654321", "ref": "r1"}))
    assert (status, json.loads(answer)) == (201, {"id": "r1"})
    status, refresh, page = box.ask("GET", "/")
    assert (status, refresh) == (200, "2")
    assert page.index("654321") < page.index("987654")
    assert '<a href="http://localhost:8080/confirm/AbC-_1">' in page
    assert "<p>é" in page


def test_a_page_that_stands_still_can_be_had(box: Box) -> None:
    assert box.ask("GET", "/?still=1")[1] == ""


def test_it_speaks_french_too(box: Box) -> None:
    assert "Aucun message" in box.ask("GET", "/", language="fr")[2]


@pytest.mark.parametrize("body", ["", "x", "[]", '"x"', '{"to": "+33612345678"}', "x" * 30_000])
def test_a_text_that_makes_no_sense_is_refused(box: Box, body: str) -> None:
    assert box.ask("POST", "/texts", body)[0] == 400


def test_another_page_is_not_there(box: Box) -> None:
    assert box.ask("GET", "/secret")[0] == 404


def test_what_a_message_says_is_never_markup(box: Box) -> None:
    box.mail("marie@example.org", "<b>subject</b>", "<script>alert(1)</script> http://x/\"onclick='y'")
    page = box.ask("GET", "/")[2]
    assert "<script>alert" not in page
    assert "<b>subject" not in page
    assert "&lt;script&gt;" in page
    assert 'href="http://x/"' in page


def test_links_are_found_between_words() -> None:
    assert with_links("a & http://b/c?d=1&e=2 f") == (
        'a &amp; <a href="http://b/c?d=1&amp;e=2">http://b/c?d=1&amp;e=2</a> f'
    )


def test_only_so_many_are_kept() -> None:
    kept = Mailbox()
    for number in range(MOST_KEPT + 5):
        kept.put_text("+33612345678", str(number))
    assert [each.body for each in kept][:2] == [str(MOST_KEPT + 4), str(MOST_KEPT + 3)]
    assert len(list(kept)) == MOST_KEPT


def test_a_port_that_is_taken_is_said(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--port={box.port}", "--smtp-port=0"]) == 2
    assert "mailbox:" in capsys.readouterr().err
