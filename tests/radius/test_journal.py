"""Batches on the disk until the database has them: nothing lost, nothing half written, whoever is killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotspot.errors import Unavailable
from radius import journal as module
from radius.journal import Journal
from radius.scribe import Scribe, write_what_can_be


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.close()


def replayed(journal: Journal) -> list[Any]:
    batches: list[Any] = []
    journal.replay(batches.extend)
    return batches


def test_many_are_handed_on_together(journal: Journal) -> None:
    for number in range(1000):
        journal.append([number] * 100, durable=False)
    sizes: list[int] = []
    journal.replay(lambda batches: sizes.append(len(batches)))

    assert sum(sizes) == 1000
    assert len(sizes) < 10


def test_what_is_appended_comes_back_once_and_in_order(journal: Journal) -> None:
    for number in range(5):
        journal.append([number, "é\n\x00"], durable=number % 2 == 0)

    assert replayed(journal) == [[number, "é\n\x00"] for number in range(5)]
    assert replayed(journal) == []
    assert journal.is_empty


def test_an_empty_journal_leaves_no_file(journal: Journal, tmp_path: Path) -> None:
    journal.append(1, durable=True)
    replayed(journal)

    assert list(tmp_path.iterdir()) == []


def test_its_files_are_for_this_user_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(1, durable=True)

    (file,) = (tmp_path / "journal").iterdir()
    assert (file.stat().st_mode & 0o777, (tmp_path / "journal").stat().st_mode & 0o777) == (0o600, 0o700)
    journal.close()


def test_a_replay_that_fails_goes_on_where_it_stopped(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_A_TIME", 1)
    for number in range(5):
        journal.append(number, durable=False)
    written: list[int] = []

    def write(batches: list[int]) -> None:
        if 3 in batches and len(written) == 3:
            raise Unavailable("database")
        written.extend(batches)

    with pytest.raises(Unavailable):
        journal.replay(write)
    written.append(-1)
    journal.append(5, durable=False)
    journal.replay(write)

    assert written == [0, 1, 2, -1, 3, 4, 5]


def test_what_is_appended_during_a_replay_waits_for_the_next(journal: Journal) -> None:
    journal.append(1, durable=False)
    seen: list[int] = []

    def write(batches: list[int]) -> None:
        seen.extend(batches)
        journal.append(seen[-1] + 1, durable=False)

    journal.replay(write)
    assert seen == [1]
    assert replayed(journal) == [2]


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_what_a_process_leaves_the_next_one_takes(tmp_path: Path, how: str) -> None:
    script = (
        "import os, sys; from pathlib import Path; from radius.journal import Journal\n"
        "made = Journal(Path(sys.argv[1])); made.append(['kept'], durable=True)\n"
        "print('ready', flush=True); sys.stdin.read() if sys.argv[2] == 'killed' else made.close()"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if how == "killed":
            living = Journal(tmp_path)
            assert living.is_empty, "while its owner lives nobody else takes it"
            process.kill()
            process.wait()
            assert living.adopt() == 1
        else:
            process.wait()
            living = Journal(tmp_path)

    assert replayed(living) == [["kept"]]
    living.close()


@pytest.mark.parametrize("cut", [1, 5, 9, 12])
def test_a_line_that_was_cut_off_does_not_count(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    journal.append(["whole"], durable=True)
    journal.append(["cut off"], durable=True)
    (file,) = tmp_path.iterdir()
    os.truncate(file, file.stat().st_size - cut)
    journal.close()

    assert replayed(Journal(tmp_path)) == [["whole"]]


def test_a_line_that_the_disk_has_changed_loses_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for word in ("first", "second", "third"):
        journal.append([word], durable=True)
    journal.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().replace(b"second", b"secund"))

    assert replayed(Journal(tmp_path)) == [["first"], ["third"]]


def test_a_disk_that_takes_nothing_is_said_and_leaves_no_half_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(["before"], durable=True)

    def some(file: int, octets: bytes) -> None:
        os.write(file, octets[:7])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_write_all", some)
        with pytest.raises(Unavailable, match="journal"):
            journal.append(["in between"], durable=True)
    journal.append(["after"], durable=True)

    assert replayed(journal) == [["before"], ["after"]]


def test_it_takes_no_more_than_its_share_of_the_disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 100)
    journal.append("x" * 60, durable=False)

    with pytest.raises(Unavailable):
        journal.append("x" * 60, durable=False)

    assert journal.octets < 100
    replayed(journal)
    journal.append("x" * 60, durable=False)


# ---- the scribe ----


def test_a_scribe_writes_what_waits_and_the_rest_before_it_stops(tmp_path: Path) -> None:
    written: list[Any] = []
    scribe = Scribe("test", Journal(tmp_path), written.extend)
    scribe.journal.append("before", durable=False)
    scribe.start()
    scribe.journal.append("while it runs", durable=False)
    scribe.stop()

    assert written == ["before", "while it runs"]
    assert list(tmp_path.iterdir()) == []


def test_a_scribe_leaves_for_the_next_process_what_it_cannot_write(tmp_path: Path) -> None:
    def away(_batch: object) -> None:
        raise Unavailable("database")

    scribe = Scribe("test", Journal(tmp_path), away)
    scribe.journal.append("kept", durable=False)
    scribe.start()
    scribe.stop()

    assert replayed(Journal(tmp_path)) == ["kept"]


def test_a_scribe_outlives_a_fault(tmp_path: Path) -> None:
    written: list[Any] = []

    def write(batches: list[object]) -> None:
        if not written:
            written.append("fault")
            raise ValueError
        written.extend(batches)

    scribe = Scribe("test", Journal(tmp_path), write)
    scribe.journal.append("kept", durable=False)
    scribe._turn()
    scribe._turn()

    assert written == ["fault", "kept"]
    scribe.journal.close()


def test_what_one_item_breaks_is_that_item_alone() -> None:
    written: list[int] = []
    refused: list[int] = []

    def write(items: Any) -> None:
        if 3 in items or 4 in items:
            raise ValueError
        written.extend(items)

    write_what_can_be(write, list(range(9)), refused.append)

    assert (sorted(written), refused) == ([0, 1, 2, 5, 6, 7, 8], [3, 4])


@pytest.mark.parametrize("removes", [True, False], ids=["and_has_removed_it", "and_still_has_it"])
def test_a_file_that_another_process_adopts_before_it_is_locked_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removes: bool
) -> None:
    """Otherwise what is written to it is in no folder any more."""
    journal = Journal(tmp_path)
    lock = module.fcntl.flock
    adopters: list[Journal] = []

    def late(file: int, how: int) -> None:
        if not adopters:
            monkeypatch.setattr(module.fcntl, "flock", lock)
            adopters.append(Journal(tmp_path))
            if removes:
                assert replayed(adopters[0]) == []
        lock(file, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    journal.append("answered", durable=False)

    journal.close()
    adopters[0].close()
    assert replayed(Journal(tmp_path)) == ["answered"]
