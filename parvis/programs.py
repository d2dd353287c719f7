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
    ports = {
        "portal": settings.portal_port,
        "staff": settings.staff_port,
        "radius": settings.radius_status_port,
        "worker": settings.worker_status_port,
    }
    redis = [] if settings.redis_url else [redis_program(settings)]
    return redis + [_program(name, settings.listen_host, ports[name]) for name in PROCESSES]


def _program(name: str, host: str, port: int) -> Program:
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    return Program(
        name, [sys.executable, "-m", "parvis", "serve", "--only", name], is_ready=lambda: is_well(near, port)
    )


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
