"""`python -m simulator.pocket config.json`: an access point that fits in a pocket, in front of a pretend Internet."""

import argparse
import contextlib
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulator import pages
from simulator.access_point import AccessPoint
from simulator.brand import Brand, Response, redirect
from simulator.config import ConfigError, PocketConfig, read_config
from simulator.coovachilli import CoovaChilli
from simulator.mikrotik import MikroTik
from simulator.phones import Connection, Phone, random_cookie
from simulator.wording import choose_language

COOKIE = "phone"
RADIO = "/radio"
"""On the pretend Internet: a station that plays over one TCP connection, for as long as the phone's connection lasts.
Whoever listens notices every break."""
_BEAT_SECONDS = 0.1
_BRANDS: dict[str, type[CoovaChilli] | type[MikroTik]] = {"coovachilli": CoovaChilli, "mikrotik": MikroTik}
_MOST_FORM_OCTETS = 2000
_STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Waited for, not handled: a handler that sets an Event can meet the main thread just as that begins to wait for it."""


def make_access_point(config: PocketConfig, **others: Any) -> AccessPoint:
    brand: Brand = _BRANDS[config.brand]()
    return AccessPoint(config, brand, **others)


class PocketHandler(BaseHTTPRequestHandler):
    """One request of a phone. The cookie says which phone it is; it has no secret in it, only a pretend MAC."""

    protocol_version = "HTTP/1.1"
    gate: AccessPoint

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, handle: Any) -> None:
        config = self.gate.config
        if self._host() != f"{config.uam_host}:{config.port}":
            self._send(redirect(f"http://{config.uam_host}:{config.port}{self.path}"), None)
            return
        phone = self.gate.phone(self._cookie())
        connection = phone.connection
        if connection is not None and (self.command, self.path) == ("GET", RADIO):
            self._play(phone, connection)
            return
        self._send(*handle(phone))

    def _play(self, phone: Phone, connection: Connection) -> None:
        """A line at each beat. Cut as an access point cuts: without a word, when it lets nothing through any more."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):  # the listener has had enough
            while phone.connection is connection:
                self.wfile.write(b"%d\n" % (self.gate.now() - connection.started_at))
                self.wfile.flush()
                time.sleep(_BEAT_SECONDS)

    def _get(self, phone: Phone) -> tuple[Response, Phone | None]:
        parts = urlsplit(self.path)
        query = dict(reversed(parse_qsl(parts.query, keep_blank_values=True)))  # the first of each name counts
        language = choose_language(self.headers.get("Accept-Language", ""))
        if not parts.path.startswith(("/pocket", "/favicon.ico")):
            self.gate.connect(phone)
        if parts.path == "/pocket":
            return Response(200, pages.pocket(self.gate, phone, language)), phone
        if parts.path == "/pocket/internet" and phone.connection:
            return Response(200, pages.internet(self.gate, phone, language)), phone
        if parts.path.startswith(("/pocket/", "/favicon.ico")):
            return Response(404, "", "text/plain"), phone
        answer = self.gate.brand.answer(self.gate, phone, parts.path, query)
        if answer is not None:
            return answer, phone
        if phone.connection is not None:
            return Response(200, pages.internet(self.gate, phone, language)), phone
        own = f"http://{self.gate.config.uam_host}:{self.gate.config.port}"
        return self.gate.capture(phone, own + self.path), phone

    def _post(self, phone: Phone) -> tuple[Response, Phone | None]:
        """Only the pocket's own buttons; a captured site is closed without an answer."""
        length = self.headers.get("Content-Length", "0")
        octets = self.rfile.read(min(int(length), _MOST_FORM_OCTETS)) if length.isdigit() else b""
        form = dict(parse_qsl(octets.decode(errors="replace")))
        match self.path:
            case "/pocket/walk":
                place = form.get("place", "0")
                self.gate.move(phone, int(place) if place.isdigit() else 0)
            case "/pocket/another":
                return _see_other("/pocket"), self.gate.phone(random_cookie())
            case "/pocket/sleep":
                phone.asleep = not phone.asleep
            case "/pocket/download":
                self.gate.download(phone)
                return _see_other("/"), phone
            case _:
                return Response(0), phone
        return _see_other("/pocket"), phone

    def _host(self) -> str:
        """As the browser wrote it, with its port."""
        host = self.headers.get("Host", "").lower()
        return host if ":" in host else f"{host}:80"

    def _cookie(self) -> str:
        for part in self.headers.get("Cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE:
                return value
        return ""

    def _send(self, response: Response, phone: Phone | None) -> None:
        if not response.status:
            self.close_connection = True
            return
        body = response.body.encode()
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value.encode("ascii", "replace").decode())
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(body)))
        if phone is not None and self._cookie() != phone.cookie:
            self.send_header("Set-Cookie", f"{COOKIE}={phone.cookie}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "pocket"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Nothing: visited addresses are nobody's business, and the packets are on /pocket."""


def _see_other(path: str) -> Response:
    return Response(303, headers=(("Location", path),))


class PocketServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gate: AccessPoint) -> None:
        handler = type("Handler", (PocketHandler,), {"gate": gate})
        super().__init__((gate.config.host, gate.config.port), handler)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator.pocket", description=__doc__)
    parser.add_argument("config", type=Path, help="JSON file; its keys are the fields of simulator.config.PocketConfig")
    try:
        config = read_config(parser.parse_args(arguments).config)
        gate = make_access_point(config)
        server = PocketServer(gate)
    except (ConfigError, OSError) as error:
        print(f"pocket access point: {error}", file=sys.stderr)  # noqa: T201 - a command's own word
        return 2
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # before there is a thread: each inherits it
    gate.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"pocket access point on http://{config.uam_host}:{config.port}/", flush=True)  # noqa: T201
    signal.sigwait(_STOPPING)
    gate.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
