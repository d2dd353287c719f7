"""A retransmission gets the answer already given; nothing is remembered for longer, or beyond a bound."""

from datetime import UTC, datetime, timedelta

from radius.duplicates import DuplicateKey, Duplicates

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def key(number: int = 0) -> DuplicateKey:
    return ("192.0.2.1", 1024, number, bytes(16), "authentication")


def test_what_was_never_asked_is_not_known() -> None:
    assert not Duplicates().is_known(key(), NOW)


def test_it_is_silent_while_the_first_is_in_work() -> None:
    duplicates = Duplicates()
    duplicates.begin(key(), NOW)

    assert duplicates.is_known(key(), NOW)
    assert duplicates.answer(key()) is None


def test_it_gives_the_same_answer_for_thirty_seconds() -> None:
    duplicates = Duplicates()
    duplicates.begin(key(), NOW)
    duplicates.remember(key(), b"the answer")

    assert duplicates.is_known(key(), NOW + timedelta(seconds=29.9))
    assert duplicates.answer(key()) == b"the answer"
    assert not duplicates.is_known(key(), NOW + timedelta(seconds=30))


def test_what_could_not_be_answered_is_a_new_request_next_time() -> None:
    duplicates = Duplicates()
    duplicates.begin(key(), NOW)

    duplicates.forget(key())

    assert not duplicates.is_known(key(), NOW)
    duplicates.remember(key(), b"too late")
    assert not duplicates.is_known(key(), NOW)


def test_old_ones_leave_the_memory_as_new_ones_come() -> None:
    duplicates = Duplicates()
    for number in range(100):
        duplicates.begin(key(number), NOW + timedelta(seconds=number))

    assert len(duplicates) == 30


def test_it_never_holds_more_than_its_bound() -> None:
    duplicates = Duplicates(most=10)
    for number in range(100):
        duplicates.begin(key(number), NOW)

    assert len(duplicates) == 10
    assert duplicates.is_known(key(99), NOW)
    assert not duplicates.is_known(key(0), NOW)


def test_one_asked_again_after_its_life_does_not_leave_with_the_old_one() -> None:
    duplicates = Duplicates()
    duplicates.begin(key(1), NOW)
    duplicates.begin(key(1), NOW + timedelta(seconds=40))
    duplicates.begin(key(2), NOW + timedelta(seconds=41))

    assert duplicates.is_known(key(1), NOW + timedelta(seconds=50))
