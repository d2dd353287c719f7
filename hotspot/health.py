"""Is a process well? One answer for all four, as /healthz; and /metrics for those that speak no HTTP of their own."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address, ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from hotspot.db import Database
from hotspot.errors import Unavailable

Health = Mapping[str, str]
"""Each dependency by name: "ok" or "down"."""


def check_health(database: Database, redis: "Redis") -> Health:
    return {"database": _database(database), "redis": _redis(redis)}


def is_well(health: Health) -> bool:
    return all(state == "ok" for state in health.values())


def _database(database: Database) -> str:
    try:
        with database.reading() as db:
            db.execute(text("SELECT 1"))
    except Unavailable:
        return "down"
    return "ok"


def _redis(redis: "Redis") -> str:
    try:
        redis.ping()
    except RedisError:
        return "down"
    return "ok"


def _is_this_machine(address: str) -> bool:
    peer = ip_address(address.partition("%")[0])
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return (mapped or peer).is_loopback


class StatusServer:
    """/healthz (200 or 503, JSON) and /metrics (Prometheus) on a thread of its own, for radius and worker.

    As at the other two doors the metrics are for this machine only, whatever address is listened on.
    """

    def __init__(self, host: str, port: int, health: Callable[[], Health]) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 10
            """Seconds without an octet: a connection that says nothing must not hold its thread for ever."""

            def do_GET(self) -> None:
                if self.path == "/healthz":
                    state = health()
                    body = json.dumps(state).encode()
                    self._answer(200 if is_well(state) else 503, "application/json", body)
                elif self.path == "/metrics" and _is_this_machine(self.client_address[0]):
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
                else:
                    self._answer(404, "text/plain", b"not here\n")

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes are not news."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="status", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
