"""Is a process well? For probes, and for Prometheus."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer

import pytest
from redis import Redis

from hotspot.adapters.redis import open_redis
from hotspot.db import Database, open_database
from hotspot.health import StatusServer, check_health, is_well
from hotspot.settings import Settings


def test_all_is_well(any_database: Database, redis: "Redis") -> None:
    health = check_health(any_database, redis)
    assert health == {"database": "ok", "redis": "ok"}
    assert is_well(health)


def test_what_is_away_is_named(settings: Settings, database: Database) -> None:
    health = check_health(database, open_redis(settings))
    assert health == {"database": "ok", "redis": "down"}
    assert not is_well(health)
    away = open_database(settings.model_copy(update={"database_url": "sqlite:////nowhere/at/all.sqlite3"}))
    assert check_health(away, open_redis(settings))["database"] == "down"


@pytest.fixture
def state() -> dict[str, str]:
    return {"database": "ok", "redis": "ok"}


@pytest.fixture
def status(state: dict[str, str]) -> Iterator[HTTPConnection]:
    server = StatusServer("127.0.0.1", 0, lambda: state)
    server.start()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()
    server.stop()


def ask(status: HTTPConnection, path: str) -> tuple[int, str, bytes]:
    status.request("GET", path)
    answer = status.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()


def test_a_probe_reads_200_and_what_is_well(status: HTTPConnection, state: dict[str, str]) -> None:
    code, kind, body = ask(status, "/healthz")
    assert (code, kind, json.loads(body)) == (200, "application/json", state)


def test_a_probe_reads_503_when_something_is_down(status: HTTPConnection, state: dict[str, str]) -> None:
    state["redis"] = "down"
    code, _, body = ask(status, "/healthz")
    assert (code, json.loads(body)["redis"]) == (503, "down")


def test_prometheus_reads_its_own_format(status: HTTPConnection) -> None:
    code, kind, body = ask(status, "/metrics")
    assert code == 200
    assert kind.startswith("text/plain")
    assert b"# TYPE" in body


@pytest.mark.parametrize(
    ("address", "may"), [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.7", False)]
)
def test_metrics_are_for_this_machine_only(
    status: HTTPConnection, monkeypatch: pytest.MonkeyPatch, address: str, may: bool
) -> None:
    accept = ThreadingHTTPServer.get_request

    def from_elsewhere(server: ThreadingHTTPServer) -> tuple[socket.socket, tuple[str, int]]:
        return accept(server)[0], (address, 40000)

    monkeypatch.setattr(ThreadingHTTPServer, "get_request", from_elsewhere)
    assert ask(status, "/metrics")[0] == (200 if may else 404)
    assert ask(status, "/healthz")[0] == 200


def test_there_is_nothing_else_to_see(status: HTTPConnection) -> None:
    assert ask(status, "/")[0] == 404
