"""What must hold before anything starts: a `var/` we can write to, alone in it, and free ports. One sentence each."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotspot.settings import Settings


class StartError(Exception):
    """It cannot start; the message says why and what to change, one line for each cause."""


@dataclass(frozen=True)
class Wanted:
    """A port that is about to be listened on. `setting` is the environment variable that changes it."""

    setting: str
    kind: socket.SocketKind
    host: str
    port: int


def wanted_ports(settings: Settings, only: str | None = None) -> list[Wanted]:
    """The ports of all four processes, or of one."""
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    host = settings.listen_host
    by_process = {
        "portal": [Wanted("PARVIS_PORTAL_PORT", tcp, host, settings.portal_port)],
        "staff": [Wanted("PARVIS_STAFF_PORT", tcp, host, settings.staff_port)],
        "radius": [
            Wanted("PARVIS_RADIUS_AUTH_PORT", udp, settings.radius_host, settings.radius_auth_port),
            Wanted("PARVIS_RADIUS_ACCT_PORT", udp, settings.radius_host, settings.radius_acct_port),
            *(Wanted("PARVIS_RADIUS_STATUS_PORT", tcp, host, port) for port in settings.radius_status_ports),
        ],
        "worker": [Wanted("PARVIS_WORKER_STATUS_PORT", tcp, host, settings.worker_status_port)],
    }
    if settings.has_radsec:
        by_process["radius"].append(Wanted("PARVIS_RADSEC_PORT", tcp, settings.radius_host, settings.radsec_port))
    return [each for name, ports in by_process.items() if only in (None, name) for each in ports]


def check_ports(wanted: Sequence[Wanted]) -> None:
    """Raise StartError with one sentence for each port that cannot be had."""
    problems = [*_asked_twice(wanted), *filter(None, map(_problem, wanted))]
    if problems:
        raise StartError("\n".join(problems))


def _asked_twice(wanted: Sequence[Wanted]) -> Iterator[str]:
    seen: dict[tuple[socket.SocketKind, int], Wanted] = {}
    for each in wanted:
        other = seen.setdefault((each.kind, each.port), each)
        if other is not each:
            yield f"{other.setting} and {each.setting} are both {each.port}: give them different ports."


def _problem(wanted: Wanted) -> str | None:
    try:
        family, _, _, _, address = socket.getaddrinfo(wanted.host, wanted.port, type=wanted.kind)[0]
    except socket.gaierror:
        return f"{wanted.host!r} is no address that this machine knows (for port {wanted.port}, {wanted.setting})."
    with socket.socket(family, wanted.kind) as probe:
        if wanted.kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is no obstacle
        try:
            probe.bind(address)
        except OSError as error:
            return _why(error, wanted)
    return None


def _why(error: OSError, wanted: Wanted) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {wanted.port} is already in use ({wanted.setting} changes it)."
    if error.errno == errno.EACCES:
        return f"Port {wanted.port} needs privileges that this user does not have ({wanted.setting} changes it)."
    return f"Port {wanted.port} on {wanted.host} cannot be used: {error.strerror} ({wanted.setting} changes it)."


def prepare_var(var_dir: Path) -> None:
    """Make the folder if it is missing, for this user alone, and see that it can be written to."""
    probe = var_dir / ".writable"
    try:
        var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"Cannot write in {var_dir.absolute()}: {error.strerror} (PARVIS_VAR_DIR names another folder)."
        ) from error


@contextmanager
def alone_in(var_dir: Path) -> Iterator[None]:
    """Hold the folder's lock. The kernel lets go of it when the process ends, however it ends."""
    descriptor = os.open(var_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 20).decode().strip() or "?"
            raise StartError(f"Parvis already runs on {var_dir.absolute()} (process {pid}).") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
