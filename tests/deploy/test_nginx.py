"""The nginx example: sound, and with nothing in its logs that tells where somebody wanted to go."""

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fixtures.processes import running

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "parvis.conf"
VISITED = "visited.example"
REDIRECT = f"/hotspot?res=notyet&mac=02-00-00-00-00-01&userurl=http%3a%2f%2f{VISITED}%2fsecret&md=ABC"


def test_no_log_format_names_the_query_the_referer_or_the_whole_path() -> None:
    formats = re.findall(r"log_format\s[^;]+;", EXAMPLE.read_text())

    assert formats
    for each in formats:
        assert not re.search(r"\$(request|args|query_string|request_uri|uri|arg_\w+|http_referer|is_args)\b", each)


def test_every_access_log_uses_our_format() -> None:
    logs = re.findall(r"^\s*access_log\s+([^;]+);", EXAMPLE.read_text(), re.MULTILINE)

    assert logs
    assert all(each == "off" or each.endswith(" parvis") for each in logs)


def test_no_error_log_writes_requests_down() -> None:
    """From `error` downwards nginx adds the request line, with its query."""
    levels = re.findall(r"^\s*error_log\s+\S+\s+(\w+);", EXAMPLE.read_text(), re.MULTILINE)

    assert levels
    assert set(levels) <= {"crit", "alert", "emerg"}


@pytest.mark.integration
def test_nginx_finds_nothing_wrong(nginx_folder: Path) -> None:
    tested = subprocess.run(
        ["nginx", "-t", "-p", nginx_folder, "-c", nginx_folder / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert tested.returncode == 0, tested.stderr


@pytest.mark.integration
def test_a_redirect_reaches_the_portal_whole_and_the_logs_without_its_query(
    nginx_folder: Path, portal: "_Portal", ports: tuple[int, int]
) -> None:
    plain, encrypted = ports
    with running(
        ["nginx", "-p", nginx_folder, "-c", nginx_folder / "nginx.conf", "-g", "daemon off;"],
        ready=lambda: _listens(encrypted),
        log=nginx_folder / "start.log",
        stop=signal.SIGQUIT,
    ):
        _get(plain, REDIRECT)
        _get(encrypted, REDIRECT, host="wifi.commune.example")
        _get(encrypted, "/online/a-token-of-a-grant", host="wifi.commune.example")
        hidden = _get(encrypted, "/metrics", host="wifi.commune.example")
        portal.stop()
        broken = _get(encrypted, REDIRECT, host="wifi.commune.example")

    written = "".join(each.read_text() for each in nginx_folder.glob("*.log"))
    assert portal.paths == [REDIRECT, "/online/a-token-of-a-grant"]
    assert portal.forwarded_for == ["127.0.0.1", "127.0.0.1"]
    assert (hidden, broken) == (404, 502)
    assert "GET /hotspot 200" in written
    for secret in (VISITED, "02-00-00", "userurl", "a-token"):
        assert secret not in written


class _Portal:
    """Stands in for the portal: notes what reaches it."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.forwarded_for: list[str | None] = []
        noted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                noted.paths.append(self.path)
                noted.forwarded_for.append(self.headers["X-Forwarded-For"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not into the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


@pytest.fixture
def portal() -> Iterator[_Portal]:
    started = _Portal()
    yield started
    started.stop()


@pytest.fixture
def ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def nginx_folder(tmp_path: Path, portal: _Portal, ports: tuple[int, int]) -> Path:
    """The example with a throw-away certificate, its logs in the test's folder, on free ports of the loopback."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=wifi.commune.example"
    subprocess.run([*new.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    plain, encrypted = ports
    text = EXAMPLE.read_text()
    text = re.sub(r"(ssl_certificate_key\s+)\S+;", rf"\1{key};", text)
    text = re.sub(r"(ssl_certificate\s+)\S+;", rf"\1{certificate};", text)
    text = text.replace("/var/log/nginx/", f"{tmp_path}/").replace("127.0.0.1:8080", f"127.0.0.1:{portal.port}")
    text = re.sub(r"listen \[::\].*\n", "", text)
    text = text.replace("listen 80", f"listen 127.0.0.1:{plain}").replace("listen 443", f"listen 127.0.0.1:{encrypted}")
    (tmp_path / "parvis.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    folders = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"{user} pid {tmp_path}/nginx.pid; error_log {tmp_path}/main.log;\n"
        f"events {{}}\nhttp {{\n{folders}\ninclude {tmp_path}/parvis.conf;\n}}\n"
    )
    return tmp_path


def _get(port: int, path: str, host: str | None = None) -> int:
    connection: http.client.HTTPConnection
    if host is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    else:
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trusting)
    connection.request("GET", path, headers={"Host": host or "wifi.commune.example"})
    status = connection.getresponse().status
    connection.close()
    return status


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
