"""HTTP with servers that behave badly: each gets a name, and none gets more time or room than it was given."""

import gzip
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hotspot.adapters import wire
from hotspot.adapters.library_systems.http_client import MOST_OCTETS, HttpClient, described
from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.library_systems.trouble import Trouble
from hotspot.adapters.wire import Deadline, NoAnswer
from tests.hotspot.library_systems.http_peer import HttpPeer, Reply, Request, an_http_peer, json_reply, reply
from tests.radius.tls_peers import Town

SOON = timedelta(seconds=30)
SHORT = timedelta(seconds=1)
"""For those that would never end: long enough to have begun."""


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient("")
    yield made
    made.close()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def trouble_with(client: HttpClient, answer: Reply, within: timedelta = SOON) -> Trouble:
    with an_http_peer(lambda _: answer) as peer, pytest.raises(Trouble) as raised:
        client.send("GET", peer.url, Deadline(within)).json()
    return raised.value


CHUNKED = b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while True:
        connection.sendall(chunk)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 So\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 8000 + b"\r\n")


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


@pytest.mark.parametrize(
    ("answer", "step", "detail"),
    [
        (reply(200, "<html>Welcome</html>", "text/html"), Step.SPEAKS, "HTTP 200 text/html: not JSON"),
        (reply(200, "", "application/json"), Step.SPEAKS, "HTTP 200 application/json: not JSON"),
        (reply(200, b"\xff\xfe\xe9", "application/json"), Step.SPEAKS, "HTTP 200 application/json: not in UTF-8"),
        (reply(200, "[" * 200_000, "application/json"), Step.SPEAKS, "HTTP 200 application/json: not JSON"),
        (reply(200, "1" * 200_000, "application/json"), Step.SPEAKS, "HTTP 200 application/json: not JSON"),
        (reply(200, "NaN", "application/json"), Step.SPEAKS, "HTTP 200 application/json: not JSON"),
        (reply(200, "x" * (MOST_OCTETS + 1)), Step.SPEAKS, "HTTP 200: more than 256 KiB"),
        (endless, Step.SPEAKS, "HTTP 200: more than 256 KiB"),
        (endless_headers, Step.SPEAKS, "it broke off, or does not speak HTTP"),
        (
            reply(200, gzip.compress(b"0" * 1000), Content_Encoding="gzip"),
            Step.SPEAKS,
            "HTTP 200: compressed, which was not asked for",
        ),
        (
            reply(302, Location="https://login.example.org/?card=1"),
            Step.SPEAKS,
            "HTTP 302: it sends on to login.example.org",
        ),
        (reply(301), Step.SPEAKS, "HTTP 301: it sends on to another address"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Step.SPEAKS, "it broke off, or does not speak HTTP"),
        (lambda _: None, Step.SPEAKS, "it broke off, or does not speak HTTP"),
        (
            lambda connection: connection.sendall(b"HTTP/1.1 200 So\r\nContent-Length: 9\r\n\r\n{}"),
            Step.SPEAKS,
            "it broke off, or does not speak HTTP",
        ),
    ],
    ids=[
        "html", "empty", "not utf-8", "deep", "long number", "nan", "huge", "endless", "endless headers", "gzip",
        "redirect", "redirect nowhere", "ssh", "closes", "breaks off",
    ],
)  # fmt: skip
def test_a_bad_answer_has_a_name(client: HttpClient, answer: Reply, step: Step, detail: str) -> None:
    trouble = trouble_with(client, answer)

    assert (trouble.step, trouble.detail) == (step, detail)


def test_a_reset_is_no_answer(client: HttpClient) -> None:
    """Its name depends on which of our calls the system tells first."""
    assert trouble_with(client, resets).step in (Step.REACHED, Step.SPEAKS)


HEADERS = b"HTTP/1.1 200 So\r\nContent-Length: 2000\r\n\r\n"


@pytest.mark.parametrize(
    "octets",
    [b"", HEADERS + b" " * 2000, b"HTTP/1.1 200 So\r\nX-More: " + b"x" * 2000, CHUNKED + b"1\r\nx\r\n" * 400],
    ids=["silent", "body", "header", "chunks"],
)
def test_an_answer_that_comes_drop_by_drop_is_left(client: HttpClient, octets: bytes) -> None:
    with an_http_peer(lambda _: b"") as peer:
        peer.answer = lambda _: peer.drips(octets)
        with pytest.raises(Trouble, match="no answer in time"):
            client.send("GET", peer.url, Deadline(SHORT))

        assert peer.was_left.wait(20)


def test_a_server_that_begins_no_tls_is_left(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Trouble, match="no answer in time"):
        client.send("GET", f"https://127.0.0.1:{mute.getsockname()[1]}", Deadline(SHORT))


def test_nothing_is_asked_once_the_time_is_over(client: HttpClient) -> None:
    with an_http_peer(lambda _: reply(200)) as peer:
        with pytest.raises(Trouble, match="no answer in time"):
            client.send("GET", peer.url, Deadline(timedelta(0)))

        assert peer.connections == 0


def test_nobody_listens(client: HttpClient) -> None:
    with an_http_peer(lambda _: reply(200)) as peer:
        address = peer.url

    with pytest.raises(Trouble) as raised:
        client.send("GET", address, Deadline(SOON))

    assert raised.value.step is Step.REACHED


def test_a_resolver_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """And asked once: its late answer serves who asks next."""
    answers = threading.Event()
    asked: list[object] = []

    def slow(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        answers.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(NoAnswer, match="no answer in time"):
        wire.connect("slow.example.org", 443, Deadline(SHORT))
    threading.Timer(0.1, answers.set).start()

    assert wire.resolve("slow.example.org", Deadline(SOON)) == [(socket.AF_INET, "192.0.2.1")]
    assert asked == ["slow.example.org"]


def test_a_name_that_is_not_known_is_told(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Trouble) as raised:
        list(client.reach("https://catalogue.example.org", Deadline(SOON)))

    assert raised.value.detail == "its name is not known: Name or service not known"


def test_the_second_address_is_tried_when_the_first_is_away(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_http_peer(lambda _: reply(200, "here")) as peer:
        port = peer.server_address[1]
        two = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in ("127.0.0.9", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: two)

        assert client.send("GET", f"http://two.example:{port}", Deadline(SOON)).body == b"here"
        wire.connect("two.example", port, Deadline(SOON)).close()


# TLS


@pytest.fixture
def encrypted(town: Town) -> Iterator[HttpPeer]:
    with an_http_peer(lambda _: reply(200, "so"), server_context(town)) as started:
        yield started


def server_context(town: Town, name: str = "") -> ssl.SSLContext:
    files = town.certificate(name, is_server=True) if name else town.server
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def test_an_authority_of_its_own_is_believed(town: Town, encrypted: HttpPeer) -> None:
    client = HttpClient(town.authority.certificate.read_text())

    assert client.send("GET", encrypted.url, Deadline(SOON)).body == b"so"
    assert [each.step for each in client.reach(encrypted.url, Deadline(SOON))] == [Step.REACHED, Step.TRUSTED]
    client.close()


def test_an_authority_that_nobody_knows_is_not(client: HttpClient, encrypted: HttpPeer) -> None:
    with pytest.raises(Trouble) as raised:
        client.send("GET", encrypted.url, Deadline(SOON))

    assert raised.value.step is Step.TRUSTED
    assert "unable to get local issuer certificate" in raised.value.detail
    assert encrypted.heard == []


def test_a_certificate_for_another_name_is_not(town: Town) -> None:
    client = HttpClient(town.authority.certificate.read_text())
    with an_http_peer(lambda _: reply(200), server_context(town, "other.example.org")) as peer:
        with pytest.raises(Trouble) as raised:
            client.send("GET", peer.url, Deadline(SOON))
        with pytest.raises(Trouble) as again:
            list(client.reach(peer.url, Deadline(SOON)))
    client.close()

    assert raised.value.step is again.value.step is Step.TRUSTED
    assert "IP address mismatch" in raised.value.detail
    assert peer.heard == []


def test_https_at_a_port_that_speaks_http_is_told(client: HttpClient) -> None:
    with an_http_peer(lambda _: reply(200)) as peer, pytest.raises(Trouble) as raised:
        client.send("GET", peer.url.replace("http:", "https:"), Deadline(SOON))

    assert raised.value.step is Step.TRUSTED


# What is kept, and what is not


def test_a_connection_serves_the_next_reader_and_cookies_do_not(client: HttpClient) -> None:
    with an_http_peer(lambda _: reply(200, Set_Cookie="CGISESSID=of-one-reader; Path=/")) as peer:
        for _ in range(3):
            client.send("GET", peer.url, Deadline(SOON))

    assert peer.connections == 1
    assert not any("cookie" in each.headers for each in peer.heard)


def test_a_client_that_was_closed_meanwhile_has_no_answer(client: HttpClient) -> None:
    client.close()

    with pytest.raises(Trouble, match="its settings have just changed"):
        client.send("GET", "http://127.0.0.1:1", Deadline(SOON))


def test_a_connection_that_is_closed_while_it_waits_has_no_answer(client: HttpClient) -> None:
    def closes(_: Request) -> Reply:
        client.close()
        return reply(200)

    with an_http_peer(closes) as peer, pytest.raises(Trouble):
        client.send("GET", peer.url, Deadline(SOON))


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = HttpClient("")
    with an_http_peer(lambda _: reply(200, "direct")) as peer:
        assert client.send("GET", peer.url, Deadline(SOON)).body == b"direct"
    client.close()


def test_an_old_charset_that_is_named_is_read(client: HttpClient) -> None:
    body = '{"category": "Élève"}'.encode("latin-1")
    with an_http_peer(lambda _: reply(200, body, "application/json; charset=ISO-8859-1")) as peer:
        assert client.send("GET", peer.url, Deadline(SOON)).json() == {"category": "Élève"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (json_reply(403, {"error": "no 1234"}), "HTTP 403: no ***"),
        (json_reply(403, {"errors": [{"message": "no"}]}), "HTTP 403: no"),
        (json_reply(403, {"error": {"code": 1}}), "HTTP 403 application/json"),
        (json_reply(403, ["1234"]), "HTTP 403 application/json"),
        (json_reply(403, {"message": "a\nb\x1b[31m" + "x" * 500}), "HTTP 403: a b [31m" + "x" * 161 + "…"),
        (reply(502, "<h1>Bad gateway</h1>", "text/html"), "HTTP 502 text/html"),
    ],
    ids=["error", "errors", "object", "list", "hostile", "html"],
)
def test_a_reason_is_shown_on_one_line_without_the_pin(client: HttpClient, given: bytes, expected: str) -> None:
    with an_http_peer(lambda _: given) as peer:
        answer = client.send("GET", peer.url, Deadline(SOON))

    assert described(answer, ("1234",)) == expected
