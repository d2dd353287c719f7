"""`python -m simulator.mailbox`: where the demonstration's mails and text messages end up. It takes mails by SMTP, text
messages by HTTP as a provider does, and shows both on one page. Nothing is sent on, nothing is kept on the disk."""

import argparse
import json
import re
import signal
import sys
import threading
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from simulator.smtp import MailServer, Taken
from simulator.wording import choose_language, words

MOST_KEPT = 200
_HOST = "127.0.0.1"
_MOST_OCTETS = 20_000
_REFRESH_SECONDS = 2
_LINK = re.compile(r"https?://[^\s<>\"]+")
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(str(Path(__file__).with_name("templates"))),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Message:
    recipient: str
    subject: str
    body: str
    at: datetime
    is_text: bool

    @property
    def paragraphs(self) -> list[Markup]:
        parts = self.body.replace("\r", "").split("\n\n")
        return [with_links(part) for part in parts if part.strip()]


class Mailbox:
    """Newest first. Used by several threads: each of its operations is one step of a deque."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=MOST_KEPT)

    def __iter__(self) -> Any:
        return iter(list(self._messages))

    def put_mail(self, taken: Taken) -> None:
        body = taken.message.get_body(("plain",))
        text = str(body.get_content()) if isinstance(body, EmailMessage) else ""
        subject = str(taken.message["Subject"] or "")
        for recipient in taken.recipients:
            self._put(recipient, subject, text, is_text=False)

    def put_text(self, to: str, text: str) -> None:
        self._put(to, "", text, is_text=True)

    def _put(self, recipient: str, subject: str, body: str, *, is_text: bool) -> None:
        self._messages.appendleft(Message(recipient, subject, body, datetime.now().astimezone(), is_text))


class _MailServer(MailServer):
    """Hands on what it takes, instead of keeping it."""

    def __init__(self, port: int, mailbox: Mailbox) -> None:
        super().__init__(port)
        self._mailbox = mailbox

    def take(self, taken: Taken) -> None:
        self._mailbox.put_mail(taken)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mailbox: Mailbox

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path != "/":
            self._send(404, "", "text/plain")
            return
        language = choose_language(self.headers.get("Accept-Language", ""))
        page = _ENVIRONMENT.get_template("mailbox.html")
        html = page.render(language=language, say=words(language), messages=self.mailbox)
        refresh = [] if query == "still=1" else [("Refresh", str(_REFRESH_SECONDS))]
        self._send(200, html, "text/html; charset=utf-8", *refresh)

    def do_POST(self) -> None:
        """As a provider of text messages: {"to": …, "text": …} is taken, and numbered."""
        length = self.headers.get("Content-Length", "")
        octets = self.rfile.read(int(length)) if length.isdigit() and int(length) <= _MOST_OCTETS else b""
        try:
            asked = json.loads(octets)
            to, text = str(asked["to"]), str(asked["text"])
        except (ValueError, KeyError, TypeError):
            self._send(400, '{"problem": "to and text are needed"}', "application/json")
            return
        self.mailbox.put_text(to, text)
        self._send(201, json.dumps({"id": asked.get("ref", "")}), "application/json")

    def _send(self, status: int, body: str, kind: str, *headers: tuple[str, str]) -> None:
        octets = body.encode()
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(octets))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets)

    def version_string(self) -> str:
        return "mailbox"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Nothing: the page shows it all."""


class MailboxServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, mailbox: Mailbox) -> None:
        super().__init__((_HOST, port), type("Handler", (_Handler,), {"mailbox": mailbox}))


def with_links(text: str) -> Markup:
    """What looks like an address can be clicked; everything else is text, whatever it says."""
    pieces, at = [], 0
    for found in _LINK.finditer(text):
        address = found.group()
        pieces += [escape(text[at : found.start()]), Markup('<a href="{0}">{0}</a>').format(address)]
        at = found.end()
    return Markup("").join([*pieces, escape(text[at:])])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator.mailbox", description=__doc__)
    parser.add_argument("--port", type=int, default=3991, help="the page, and text messages as JSON to /texts")
    parser.add_argument("--smtp-port", type=int, default=3992)
    given = parser.parse_args(arguments)
    mailbox = Mailbox()
    with ExitStack() as stack:
        try:
            servers = [
                stack.enter_context(_MailServer(given.smtp_port, mailbox)),
                stack.enter_context(MailboxServer(given.port, mailbox)),
            ]
        except OSError as error:
            print(f"mailbox: {error}", file=sys.stderr)  # noqa: T201 - a command's own word
            return 2
        done = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: done.set())
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"mailbox on http://localhost:{given.port}/", flush=True)  # noqa: T201
        done.wait()
        for server in servers:
            server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
