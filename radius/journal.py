"""Batches on this machine's disk until the database has them. Whoever is killed leaves them to the next process.

A batch is a line: its CRC-32, a space, JSON. Lines go to the end of one file; a file that is sealed gets no more, and
is removed when all of it has been written. Only whole lines count: one that was cut off had not been answered.
"""

import fcntl
import json
import os
import threading
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from hotspot.errors import Unavailable

log = structlog.get_logger()

MOST_OCTETS = 2**30
"""Of a folder. Beyond that nothing is taken, lest the machine's own disk fill up: some millions of reports."""
_AT_A_TIME = 2**17
"""Octets that are read, and written, together: some hundreds of reports."""
_SUFFIX = ".journal"
_NAMES = count()


class Journal:
    """A folder of one kind of batch, shared by the processes of a machine: each locks the files that are its own.

    Raises Unavailable("journal") when the disk takes nothing: what was half written is taken back.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path = folder
        self._length = 0
        self._sealed: list[tuple[Path, int]] = []
        """Path and descriptor, whose lock is ours while it is open. The oldest first."""
        self._sealed_octets = 0
        self._position: dict[Path, int] = {}
        """How far a sealed file has been written: known only here, since writing again does no harm."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.adopt()

    @property
    def is_empty(self) -> bool:
        return not self._length and not self._sealed

    @property
    def octets(self) -> int:
        """That wait."""
        return self._length + self._sealed_octets

    def append(self, batch: Any, *, durable: bool) -> None:
        """At the end. `durable`: on the disk before this returns, so that not even a power cut takes it away; else it
        outlives this process, not the machine."""
        text = json.dumps(batch, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (crc32(text), text)
        with self._lock:
            if self.octets + len(line) > MOST_OCTETS:
                raise Unavailable("journal")
            try:
                file = self._file if self._file is not None else self._begin(durable=durable)
            except OSError as error:
                raise Unavailable("journal") from error
            try:
                _write_all(file, line)
                if durable:
                    os.fdatasync(file)
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(file, self._length)
                raise Unavailable("journal") from error
            self._length += len(line)

    def replay(self, write: Callable[[list[Any]], None]) -> int:
        """Hand all batches to `write`, some at a time, the oldest first; how many. What it raises stops the replay:
        those batches and all behind them stay."""
        number = self._replay_sealed(write)
        self._seal()  # only now: while nothing can be written, each try would leave one more file
        return number + self._replay_sealed(write)

    def _replay_sealed(self, write: Callable[[list[Any]], None]) -> int:
        number = 0
        while self._sealed:
            path, file = self._sealed[0]
            for batches, end in _batches(path, self._position.get(path, 0)):
                write(batches)
                number += len(batches)
                self._position[path] = end
            self._remove(path, file)
        return number

    def adopt(self) -> int:
        """Take over what a process that is no more has left; how many files."""
        ours = {path for path, _ in self._sealed} | {self._path}
        adopted = 0
        for path in sorted(self._folder.glob("*" + _SUFFIX)):
            if path in ours:
                continue
            with suppress(OSError):
                file = os.open(path, os.O_RDONLY)
                if _is_ours(file, path):
                    self._sealed.append((path, file))
                    self._sealed_octets += os.fstat(file).st_size
                    adopted += 1
                else:
                    os.close(file)
        return adopted

    def close(self) -> None:
        """What waits stays for the next process."""
        for file in [file for _, file in self._sealed] + ([self._file] if self._file is not None else []):
            os.close(file)
        self._file, self._sealed = None, []

    def _begin(self, *, durable: bool) -> int:
        file = None
        while file is None:
            path = self._folder / f"{time.time_ns():020}-{os.getpid()}-{next(_NAMES)}{_SUFFIX}"
            file = _made(path)
        if durable:
            _sync_folder(self._folder)
        self._path, self._file, self._length = path, file, 0
        return file

    def _seal(self) -> None:
        with self._lock:
            if self._file is not None and self._length:
                self._sealed.append((self._path, self._file))
                self._sealed_octets += self._length
                self._file, self._length = None, 0

    def _remove(self, path: Path, file: int) -> None:
        with self._lock:
            self._sealed_octets -= os.fstat(file).st_size
            path.unlink(missing_ok=True)
            os.close(file)
            self._sealed.pop(0)
            self._position.pop(path, None)


def _batches(path: Path, position: int) -> Iterator[tuple[list[Any], int]]:
    """The whole lines from there on, some at a time, and where they end."""
    with path.open("rb") as file:
        file.seek(position)
        while lines := file.readlines(_AT_A_TIME):
            position += sum(map(len, lines))
            texts = [line[9:-1] for line in lines if _is_whole(line)]
            if len(texts) < len(lines):
                # at the end it was cut off before it was answered; elsewhere the disk has failed
                log.error("journal_line_unreadable", file=path.name, lines=len(lines) - len(texts))
            yield [json.loads(text) for text in texts], position


def _is_whole(line: bytes) -> bool:
    return line[-1:] == b"\n" and line[:9] == b"%08x " % crc32(line[9:-1])


def _made(path: Path) -> int | None:
    """A new file that is locked; None if a process that was adopting came in between, and has it."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    if _is_ours(file, path):
        return file
    os.close(file)
    return None


def _is_ours(file: int, path: Path) -> bool:
    """Locked, and still the file of that name: its owner may have removed it meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.exists() and os.stat(path).st_ino == os.fstat(file).st_ino


def _write_all(file: int, octets: bytes) -> None:
    written = 0
    while written < len(octets):
        written += os.write(file, octets[written:])


def _sync_folder(folder: Path) -> None:
    """The file's name too must outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
