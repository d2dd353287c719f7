"""Connections to library systems, guarded: who is away costs nobody more than a moment."""

import threading
from datetime import timedelta

import pytest

from hotspot.adapters.library_systems.libraries import FAILURES, REST, Away, Connection, Libraries
from hotspot.policy.readers import Reader
from hotspot.values import LibrarySystemKind
from tests.library import PlayedLibrary

CONNECTION = Connection(1, 1, LibrarySystemKind.SIP2, "{}", keeps_pins=True)
CAMILLE = Reader("2590")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def played() -> PlayedLibrary:
    played = PlayedLibrary()
    played.knows(CAMILLE, "1234")
    return played


def refused(libraries: Libraries, times: int = 1) -> Away:
    for _ in range(times):
        with pytest.raises(Away) as away:
            libraries.ask(CONNECTION, "2590", "1234")
    return away.value


def test_a_reader_is_known_and_another_pin_is_not(played: PlayedLibrary) -> None:
    libraries = played.libraries()
    assert libraries.ask(CONNECTION, "2590", "1234") is CAMILLE
    assert libraries.ask(CONNECTION, "2590", "4321") is None


def test_one_failure_may_be_chance_and_two_are_an_absence(played: PlayedLibrary) -> None:
    libraries = played.libraries()
    played.is_away = True
    assert not refused(libraries).is_certain
    away = refused(libraries)
    assert away.is_certain
    assert away.because == "connection refused"
    assert away.dependency == "library"


def test_a_record_that_cannot_be_read_keeps_out_nobody_else(played: PlayedLibrary) -> None:
    libraries = played.libraries()
    played.unreadable = "2591"
    for _ in range(FAILURES + 1):
        with pytest.raises(Away) as away:
            libraries.ask(CONNECTION, "2591", "1234")
        assert not away.value.is_certain
        assert away.value.because == "expiry is not a date"
    assert libraries.ask(CONNECTION, "2590", "1234") is CAMILLE


def test_a_fault_of_ours_is_told_without_its_text(played: PlayedLibrary, capsys: pytest.CaptureFixture[str]) -> None:
    libraries = played.libraries()
    played.fault = ValueError("cannot read card 2590")
    assert refused(libraries, times=FAILURES).because == "ValueError"
    said = capsys.readouterr()
    assert "ValueError at library.py:" in said.out + said.err
    assert "2590" not in said.out + said.err


def test_who_is_away_is_left_alone_and_then_asked_by_one_request(played: PlayedLibrary) -> None:
    clock = Clock()
    libraries = played.libraries(clock=clock)
    played.is_away = True
    refused(libraries, times=FAILURES + 20)
    assert len(played.asked) == FAILURES
    clock.now += REST + 0.1
    refused(libraries, times=5)
    assert len(played.asked) == FAILURES + 1
    clock.now += REST + 0.1
    played.is_away = False
    assert libraries.ask(CONNECTION, "2590", "1234") is CAMILLE
    assert libraries.ask(CONNECTION, "2590", "1234") is CAMILLE


def test_while_one_request_tries_the_others_are_told_at_once(played: PlayedLibrary) -> None:
    clock = Clock()
    libraries = played.libraries(clock=clock)
    played.is_away = True
    refused(libraries, times=FAILURES)
    clock.now += REST + 0.1
    tried, may_end = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        tried.set()
        may_end.wait(10)

    played.ask = hang  # type: ignore[method-assign,assignment]
    trying = threading.Thread(target=libraries.ask, args=(CONNECTION, "2590", "1234"))
    trying.start()
    assert tried.wait(10)
    assert refused(libraries).is_certain
    may_end.set()
    trying.join()


def test_a_slow_system_holds_up_half_of_the_threads_only(played: PlayedLibrary) -> None:
    libraries = played.libraries(patience=timedelta(seconds=0.3))
    inside, may_end = threading.Semaphore(0), threading.Event()

    def hang(*_: object) -> None:
        inside.release()
        may_end.wait(30)

    played.ask = hang  # type: ignore[method-assign,assignment]
    held_up = [threading.Thread(target=libraries.ask, args=(CONNECTION, "2590", "1234")) for _ in range(2)]
    for each in held_up:
        each.start()
        assert inside.acquire(timeout=10)
    assert refused(libraries, times=2).because == "too many wait for it"
    assert not inside.acquire(blocking=False), "and were not passed on to it"
    may_end.set()
    for each in held_up:
        each.join()


def test_other_settings_make_another_connection(played: PlayedLibrary) -> None:
    made: list[str] = []

    def open_one(_kind: LibrarySystemKind, settings: str) -> PlayedLibrary:
        made.append(settings)
        return played

    libraries = Libraries(timedelta(seconds=1), 4, open_one)
    libraries.ask(CONNECTION, "2590", "1234")
    libraries.ask(CONNECTION, "2590", "1234")
    assert not played.is_closed
    libraries.ask(Connection(1, 2, LibrarySystemKind.SIP2, '{"host": "new"}', keeps_pins=True), "2590", "1234")
    assert made == ["{}", '{"host": "new"}']
    assert played.is_closed


def test_settings_that_cannot_be_read_are_as_good_as_away() -> None:
    def open_one(_kind: LibrarySystemKind, _settings: str) -> PlayedLibrary:
        raise ValueError("no host")

    assert refused(Libraries(timedelta(seconds=1), 4, open_one)).because == "ValueError"
