"""What the supervisor runs on one machine: the embedded Redis where none is named, and the four processes."""

import sys
from http.client import HTTPConnection, HTTPException

from hotspot.settings import Settings
from parvis.embedded_redis import redis_program
from parvis.supervisor import Program

MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""For glibc (mallopt(3)): what a password check borrows for a moment, 19 MiB, goes back to the system at once. Without
this each thread of the portal ends up keeping its own."""

PROCESSES = ("portal", "staff", "radius", "worker")


def programs_of(settings: Settings) -> list[Program]:
    host = settings.listen_host
    redis = [] if settings.redis_url else [redis_program(settings)]
    first, *further = settings.radius_status_ports
    return [
        *redis,
        _program("portal", "portal", host, settings.portal_port),
        _program("staff", "staff", host, settings.staff_port),
        _program("radius", "radius", host, first),
        *(
            _program(f"radius-{number}", "radius", host, port, "--status-port", str(port))
            for number, port in enumerate(further, start=2)
        ),
        _program("worker", "worker", host, settings.worker_status_port),
    ]


def _program(name: str, process: str, host: str, port: int, *options: str) -> Program:
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    command = [sys.executable, "-m", "parvis", "serve", "--only", process, *options]
    return Program(name, command, is_ready=lambda: is_well(near, port))


def is_well(host: str, port: int) -> bool:
    """Does /healthz say 200?"""
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
