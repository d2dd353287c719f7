"""What was heard of each NAS, on both databases: moments only grow, counts add up, silences are kept."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from hotspot.db import Database
from hotspot.models import Nas, NasDiscard, NasSilence, NasState, RadiusListener
from hotspot.services.nas_learning import (
    DiscardKey,
    Heard,
    note_discards,
    note_heard,
    note_listener,
    note_message_authenticator,
)
from tests import factories

NOW = factories.NOW
MINUTE = timedelta(minutes=1)
GONE = 4711


def heard_at(at: datetime, **learned: object) -> Heard:
    return Heard(first_at=at, last_at=at, address="192.0.2.7", requests=1, **learned)  # type: ignore[arg-type]


@pytest.fixture
def nas_id(any_database: Database) -> int:
    with any_database.transaction() as db:
        return factories.make_nas(db).id


def note(database: Database, heard: dict[int, Heard], now: datetime = NOW) -> None:
    with database.transaction() as db:
        note_heard(db, heard, now)


def state(database: Database, nas_id: int) -> NasState:
    with database.reading() as db:
        return db.get_one(NasState, nas_id)


def test_moments_only_grow_and_the_address_is_that_of_the_last_packet(any_database: Database, nas_id: int) -> None:
    note(any_database, {nas_id: heard_at(NOW, auth_at=NOW)})
    late = Heard(first_at=NOW - MINUTE, last_at=NOW - MINUTE, address="198.51.100.1", auth_at=NOW - MINUTE)
    note(any_database, {nas_id: late})

    with any_database.reading() as db:
        nas = db.get_one(Nas, nas_id)
        assert (nas.last_packet_at, nas.last_address) == (NOW, "192.0.2.7")
    assert state(any_database, nas_id).last_auth_at == NOW


def test_what_a_batch_says_nothing_about_stays(any_database: Database, nas_id: int) -> None:
    note(any_database, {nas_id: heard_at(NOW, accounting_at=NOW, interim_at=NOW, clock_offset_seconds=-70)})
    note(any_database, {nas_id: heard_at(NOW + MINUTE, auth_at=NOW + MINUTE)})

    kept = state(any_database, nas_id)
    assert (kept.last_auth_at, kept.last_accounting_at, kept.last_interim_at) == (NOW + MINUTE, NOW, NOW)
    assert kept.clock_offset_seconds == -70


def test_a_wrong_secret_is_learned_of_a_nas_that_was_never_heard(any_database: Database, nas_id: int) -> None:
    note(any_database, {nas_id: Heard(wrong_secret_at=NOW)})

    assert state(any_database, nas_id).wrong_secret_at == NOW
    with any_database.reading() as db:
        assert db.get_one(Nas, nas_id).last_packet_at is None


def test_counts_add_up_and_begin_anew_each_day(any_database: Database, nas_id: int) -> None:
    for _ in range(2):
        note(any_database, {nas_id: Heard(requests=10, repeats=3)})
    assert (state(any_database, nas_id).requests, state(any_database, nas_id).repeats) == (20, 6)

    note(any_database, {nas_id: Heard(requests=1)}, NOW + timedelta(days=1))

    kept = state(any_database, nas_id)
    assert (kept.requests, kept.repeats, kept.counted_on) == (1, 0, (NOW + timedelta(days=1)).date())


def silences(database: Database) -> list[tuple[datetime, datetime]]:
    with database.reading() as db:
        return [(each.began_at, each.ended_at) for each in db.scalars(select(NasSilence))]


def listen(database: Database, since: datetime, at: datetime) -> None:
    with database.transaction() as db:
        note_listener(db, "here", since, at)


@pytest.mark.parametrize(("minutes", "is_kept"), [(29, False), (30, True), (300, True)])
def test_a_silence_of_half_an_hour_is_kept_once_it_is_over(
    any_database: Database, nas_id: int, minutes: int, is_kept: bool
) -> None:
    note(any_database, {nas_id: heard_at(NOW)})
    again = NOW + minutes * MINUTE
    listen(any_database, NOW, again)
    note(any_database, {nas_id: Heard(first_at=again, last_at=again + MINUTE)}, again)

    assert silences(any_database) == ([(NOW, again)] if is_kept else [])


@pytest.mark.parametrize(("minutes", "is_kept"), [(329, False), (340, True)])
def test_what_was_missed_while_nobody_listened_is_no_silence(
    any_database: Database, nas_id: int, minutes: int, is_kept: bool
) -> None:
    """Else each outage of ours would make every NAS one that is usually silent for long."""
    note(any_database, {nas_id: heard_at(NOW)})
    back, again = NOW + 300 * MINUTE, NOW + minutes * MINUTE
    listen(any_database, back, again)
    note(any_database, {nas_id: heard_at(again)}, again)

    assert silences(any_database) == ([(back, again)] if is_kept else [])


def test_the_first_packet_of_all_ends_no_silence(any_database: Database, nas_id: int) -> None:
    listen(any_database, NOW - 300 * MINUTE, NOW)
    note(any_database, {nas_id: heard_at(NOW)})

    assert silences(any_database) == []


def test_discards_are_counted_by_hour_and_reason(any_database: Database, nas_id: int) -> None:
    hour = datetime(2026, 3, 10, 9, tzinfo=UTC)
    first, other = DiscardKey(nas_id, hour, "packet_too_short"), DiscardKey(nas_id, hour, "length_wrong")
    for _ in range(2):
        with any_database.transaction() as db:
            note_discards(db, {first: 2, other: 1, DiscardKey(nas_id, hour + timedelta(hours=1), "length_wrong"): 5})

    with any_database.reading() as db:
        rows = {(each.hour_at.hour, each.reason): each.number for each in db.scalars(select(NasDiscard))}
    assert rows == {(9, "packet_too_short"): 4, (9, "length_wrong"): 2, (10, "length_wrong"): 10}


def test_a_nas_that_was_deleted_meanwhile_keeps_no_other_from_being_noted(any_database: Database, nas_id: int) -> None:
    note(any_database, {GONE: heard_at(NOW, auth_at=NOW), nas_id: heard_at(NOW, auth_at=NOW)})
    with any_database.transaction() as db:
        note_discards(db, {DiscardKey(GONE, NOW, "length_wrong"): 1})

    assert state(any_database, nas_id).last_auth_at == NOW
    with any_database.reading() as db:
        assert db.get(NasState, GONE) is None
        assert db.scalars(select(NasDiscard)).all() == []


def test_ten_thousand_nases_are_a_statement_for_each_table(postgresql_url: str, settings: object) -> None:
    from hotspot.db import open_database

    database = open_database(settings.model_copy(update={"database_url": postgresql_url}))  # type: ignore[attr-defined]
    with database.transaction() as db:
        nas = factories.make_nas(db)
        columns = [each.name for each in Nas.__table__.columns if each.name != "id"]
        values = [
            {name: getattr(nas, name) for name in columns} | {"nas_identifier": f"many-{at}"} for at in range(9_999)
        ]
        db.execute(Nas.__table__.insert(), values)
        ids = db.scalars(select(Nas.id)).all()
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    note(database, {nas_id: heard_at(NOW, auth_at=NOW) for nas_id in ids})

    with database.reading() as db:
        assert len(db.scalars(select(NasState.nas_id)).all()) == 10_000
    assert len([each for each in statements if "INSERT" in each or "UPDATE" in each]) == 3
    database.dispose()


def test_what_was_learned_of_a_nas_is_kept(any_database: Database, nas_id: int) -> None:
    with any_database.transaction() as db:
        note_message_authenticator(db, [nas_id])

    with any_database.reading() as db:
        assert db.get_one(Nas, nas_id).message_authenticator_seen


def test_a_process_says_that_it_listens_and_one_that_is_gone_is_forgotten(any_database: Database) -> None:
    with any_database.transaction() as db:
        note_listener(db, "old-1", NOW - timedelta(hours=3), NOW - timedelta(hours=2))
    for at in (NOW, NOW + MINUTE):
        with any_database.transaction() as db:
            note_listener(db, "here-2", NOW, at)

    with any_database.reading() as db:
        rows = [(each.name, each.started_at, each.seen_at) for each in db.scalars(select(RadiusListener))]
    assert rows == [("here-2", NOW, NOW + MINUTE)]
