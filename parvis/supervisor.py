"""Keeps several processes running: starts them, restarts a dead one, stops all of them. Knows nothing of what they do.

Each child leads a process group of its own, so that Ctrl-C reaches the supervisor alone. If the supervisor itself is
killed outright, the kernel (on Linux) and `guard.py` (everywhere) end the children.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from parvis import guard

log = structlog.get_logger()

STOP_PATIENCE = 4.0
"""Seconds between TERM and KILL: with them everything has stopped within five."""
READY_PATIENCE = 30.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_AFTER = 60.0
"""A child that ran for so long is restarted without delay's memory."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    """Asked after each start, until it says yes. Must not block for long."""
    stage: int = 1
    """It starts when every program of a lower stage is ready, and stops before they do: it rests on them."""


@dataclass
class _Child:
    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float = 0.0
    delay: float = field(default=FIRST_DELAY)
    ready: bool = False

    @property
    def lives(self) -> bool:
        return self.process is not None


class Supervisor:
    """`run` returns when it was told to stop (SIGINT, SIGTERM, `stop`) and no child is left."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        environ: Mapping[str, str] | None = None,
        when_ready: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`when_ready` is called once, with the seconds it took, when every program has been ready."""
        self._children = [_Child(each) for each in programs]
        self._environ = dict(os.environ if environ is None else environ)
        self._when_ready = when_ready
        self._announced = False
        self._asked_to_stop = False
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._guard: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        began_at = time.monotonic()
        restore = self._listen_to_signals()
        try:
            self._start_guard()
            while not self._asked_to_stop:
                self._start_due()
                self._wait(self._next_look())
                self._reap()
                self._look_for_readiness(began_at)
        finally:
            self._stop_all()
            self._dismiss_guard()
            restore()

    def stop(self) -> None:
        """From any thread or signal handler."""
        self._asked_to_stop = True
        with suppress(BlockingIOError):
            os.write(self._wake_writer, b"\0")

    # starting

    def _start_due(self) -> None:
        now = time.monotonic()
        reached = min((child.program.stage for child in self._children if not child.ready), default=sys.maxsize)
        for child in self._children:
            if not child.lives and child.restart_at <= now and child.program.stage <= reached:
                self._start(child, now)

    def _start(self, child: _Child, now: float) -> None:
        try:
            child.process = subprocess.Popen(
                child.program.command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                umask=0o077,  # what they write, Redis its dump and log, is for this user alone
                preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - this process has one thread
            )
        except OSError as error:
            log.error("process_not_started", name=child.program.name, reason=error.strerror)
            self._restart_later(child, now)
            return
        child.started_at = now
        child.ready = False
        self._tell_guard("+", child.process.pid)

    def _restart_later(self, child: _Child, now: float) -> None:
        child.restart_at = now + child.delay
        child.delay = min(child.delay * 2, LONGEST_DELAY)

    # watching

    def _next_look(self) -> float:
        if not self._announced and any(child.lives and not child.ready for child in self._children):
            return 0.1
        due = [child.restart_at - time.monotonic() for child in self._children if not child.lives]
        return max(0.0, min([1.0, *due]))

    def _wait(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            if selector.select(seconds):
                with suppress(BlockingIOError):
                    os.read(self._wake_reader, 512)

    def _reap(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            code, pid = child.process.returncode, child.process.pid
            self._forget(child)
            if now - child.started_at >= STEADY_AFTER:
                child.delay = FIRST_DELAY
            log.warning(
                "process_died", name=child.program.name, pid=pid, exit_code=code, restart_in_seconds=child.delay
            )
            self._restart_later(child, now)
        if self._guard is not None and self._guard.poll() is not None:
            self._start_guard()

    def _forget(self, child: _Child) -> None:
        """It has ended; what it may have left behind in its group ends too."""
        if child.process is not None:
            _signal_group(child.process.pid, signal.SIGKILL)
            self._tell_guard("-", child.process.pid)
        child.process = None
        child.ready = False

    def _look_for_readiness(self, began_at: float) -> None:
        for child in self._children:
            if child.lives and not child.ready and child.program.is_ready():
                child.ready = True
        if self._announced:
            return
        taken = time.monotonic() - began_at
        if all(child.ready for child in self._children):
            self._announced = True
            self._when_ready(taken)
        elif taken > READY_PATIENCE:
            self._announced = True
            late = [child.program.name for child in self._children if not child.ready]
            log.error("not_ready", names=late, after_seconds=int(taken))

    # stopping

    def _stop_all(self) -> None:
        """TERM to the highest stage, then the next; KILL to who is left. A little time is kept for each lower one."""
        deadline = time.monotonic() + STOP_PATIENCE
        stages = sorted({child.program.stage for child in self._children})
        while stages:
            group = [child for child in self._children if child.program.stage == stages[-1]]
            stages.pop()
            for child in group:
                if child.process is not None:
                    _signal_group(child.process.pid, signal.SIGTERM)
            for child in group:
                self._await_end(child, deadline - 0.5 * len(stages))

    def _await_end(self, child: _Child, deadline: float) -> None:
        if child.process is None:
            return
        try:
            child.process.wait(max(0.2, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process_killed", name=child.program.name, pid=child.process.pid)
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self._forget(child)

    # the guard

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guard.__file__))], stdin=subprocess.PIPE, start_new_session=True
        )
        for child in self._children:
            if child.process is not None:
                self._tell_guard("+", child.process.pid)

    def _tell_guard(self, sign: str, pid: int) -> None:
        if self._guard is None or self._guard.stdin is None:
            return
        with suppress(BrokenPipeError):  # it is started again, and told again, by `_reap`
            self._guard.stdin.write(f"{sign}{pid}\n".encode())
            self._guard.stdin.flush()

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            with suppress(BrokenPipeError):
                self._guard.communicate()
        self._guard = None

    # signals

    def _listen_to_signals(self) -> Callable[[], None]:
        """SIGCHLD only wakes the loop. Returns what puts the former handlers back."""
        former = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: self.stop()),
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: self.stop()),
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda *_: None),
        }
        former_wakeup = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)

        def restore() -> None:
            signal.set_wakeup_fd(former_wakeup)
            for number, handler in former.items():
                signal.signal(number, handler)
            os.close(self._wake_reader)
            os.close(self._wake_writer)

        return restore


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Linux: ask the kernel for SIGTERM when the supervisor dies, whatever it dies of (prctl(2))."""
    libc = _libc
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
