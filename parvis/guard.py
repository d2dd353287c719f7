"""What is left when the supervisor is killed outright: ends its children, so that no orphan keeps a port.

Runs alone (`python -I -S guard.py`), on every system: its standard input is a pipe from the supervisor. Each line names
a process group that began (`+123`) or has ended (`-123`); the end of the pipe is the end of the supervisor.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

PATIENCE = 4.0
"""Seconds between asking and killing."""


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # Ctrl-C is the supervisor's affair; the guard goes last
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line.startswith("+") else groups.discard)(group)
    _end(groups)


def _end(groups: Iterable[int]) -> None:
    living = [each for each in groups if _signal(each, signal.SIGTERM)]
    deadline = time.monotonic() + PATIENCE
    while living and time.monotonic() < deadline:
        time.sleep(0.1)
        living = [each for each in living if _signal(each, 0)]
    for each in living:
        _signal(each, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Is anybody left to receive it?"""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
