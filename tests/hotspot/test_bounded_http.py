"""Calls to servers that we do not run: which addresses, which certificates. Time and size: `openid/test_hostile.py`."""

import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer

import pytest

from hotspot.adapters import bounded_http
from hotspot.adapters.bounded_http import Caller, may_be_called
from hotspot.errors import Unavailable
from tests.radius.tls_peers import Files, Town

ALLOWED = [
    "https://provider.test/a/b?c=d",
    "https://provider.test:8443/",
    "http://127.0.0.1:8080/",
    "http://localhost/",
    "http://[::1]:8080/",
]
FORBIDDEN = [
    "http://provider.test/",
    "http://127.0.0.1.provider.test/",
    "http://localhost.provider.test/",
    "ftp://provider.test/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://user@provider.test/",
    "https://user:word@provider.test/",
    "https://provider.test\\@elsewhere.test/",
    "https://provider.test/#part",
    "https:///path",
    "https://provider.test:port/",
    "https://[::1",
    "https://provider.test/a b",
    "https://provider.test/\r\nHost: elsewhere",
    "https://é.test/",
    "https://provider.test/" + "a" * 2000,
    "//provider.test/",
    "",
]


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_that_may_be_called(address: str) -> None:
    assert may_be_called(address)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_may_not(address: str) -> None:
    assert not may_be_called(address)
    with Caller("somebody", timedelta(seconds=1), most_octets=10) as caller, pytest.raises(Unavailable):
        caller.get(address)


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, files: Files) -> None:
        super().__init__(("127.0.0.1", 0), _Hello)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(files.certificate, files.key)

    def get_request(self) -> tuple[ssl.SSLSocket, object]:
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True), address

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that does not trust us


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
def port(town: Town) -> Iterator[int]:
    """Of a server with a certificate for `localhost`, by an authority of the town."""
    with _Server(town.certificate("localhost", is_server=True)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def trusting(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The town's authority is one of the system's."""
    context = ssl.create_default_context(cafile=town.authority.certificate)
    monkeypatch.setattr(bounded_http, "_tls", lambda: context)


def ask(host: str, port: int) -> bytes:
    with Caller("somebody", timedelta(seconds=5), most_octets=10) as caller:
        return caller.get(f"https://{host}:{port}/").body


@pytest.mark.integration
@pytest.mark.usefixtures("trusting")
def test_a_server_that_is_trusted_is_asked(port: int) -> None:
    assert ask("localhost", port) == b"hello"


@pytest.mark.integration
def test_a_certificate_of_nobody_we_know_is_not_trusted(port: int) -> None:
    with Caller("somebody", timedelta(seconds=5), most_octets=10) as caller:
        with pytest.raises(Unavailable):
            caller.get(f"https://localhost:{port}/")
        assert caller.trouble.startswith("certificate: ")


@pytest.mark.integration
@pytest.mark.usefixtures("trusting")
def test_a_certificate_for_another_name_is_not_trusted(port: int) -> None:
    with pytest.raises(Unavailable):
        ask("127.0.0.1", port)


@pytest.mark.integration
def test_proxies_of_the_environment_are_left_alone(port: int, trusting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert ask("localhost", port) == b"hello"
