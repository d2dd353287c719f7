"""The health of NASes out of their rows."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import (
    ChangeRecord,
    Nas,
    NasDiscard,
    NasSilence,
    NasState,
    OpeningInterval,
    RadiusListener,
    WishKind,
)
from hotspot.policy.nas_health import FindingKind, State
from hotspot.services.nas_health import (
    DiscardCount,
    NasHealth,
    count_discards,
    health_of_many,
    health_of_one,
    listening_since,
)
from hotspot.values import TerminateCause
from tests import factories

NOW = factories.NOW
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
INTERVAL = timedelta(minutes=5)


def listen(db: Session, since: datetime = NOW - 90 * DAY) -> None:
    db.add(RadiusListener(name="here", started_at=since, seen_at=NOW))


def a_nas(db: Session, silent_for: timedelta = MINUTE, **overrides: Any) -> Nas:
    """Known for long."""
    return factories.make_nas(db, last_packet_at=NOW - silent_for, created_at=NOW - 90 * DAY, **overrides)


def a_state(db: Session, nas: Nas, **learned: Any) -> None:
    counts = {"counted_on": NOW.date(), "requests": 0, "repeats": 0}
    db.add(NasState(nas_id=nas.id, **counts | learned))


def health(database: Database, nas_id: int) -> NasHealth:
    with database.reading() as db:
        return health_of_one(db, nas_id, NOW, INTERVAL)


def kinds(database: Database, nas_id: int) -> set[FindingKind]:
    return {each.kind for each in health(database, nas_id).findings}


def test_one_that_is_heard_is_well(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db).id

    assert health(any_database, nas_id).state is State.WELL


def test_longer_than_usual_is_silent(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        quiet, usual = a_nas(db, 3 * HOUR), a_nas(db, 3 * HOUR)
        for nas, hours in ((quiet, 1), (usual, 2)):
            for day in (1, 2, 3):
                began_at = NOW - day * DAY
                db.add(NasSilence(nas_id=nas.id, began_at=began_at, ended_at=began_at + hours * HOUR))
        ids = quiet.id, usual.id

    with any_database.reading() as db:
        many = health_of_many(db, None, NOW, INTERVAL)
    assert [many[each].state for each in ids] == [State.SILENT, State.WELL]
    assert health(any_database, ids[1]).usual_silence == 2 * HOUR


def test_closed_hours_do_not_count(any_database: Database) -> None:
    """NOW is a Tuesday at ten in Paris: the library opened an hour ago."""
    with any_database.transaction() as db:
        listen(db)
        hours = [OpeningInterval(weekday=day, opens_at=time(9), closes_at=time(18)) for day in range(6)]
        library = factories.make_site(db, opening_intervals=hours)
        closed, open_too = a_nas(db, 15 * HOUR, site=library), a_nas(db, 15 * HOUR, site=library)
        square = factories.make_site(db, organisation=library.organisation)
        factories.make_access_point(db, nas=open_too, site=square)
        ids = closed.id, open_too.id

    assert kinds(any_database, ids[0]) == set()
    assert kinds(any_database, ids[1]) == {FindingKind.SILENT}


def test_with_visitors_it_is_silent_after_three_intervals(any_database: Database) -> None:
    """Also when their sessions have just been closed because of it."""
    with any_database.transaction() as db:
        listen(db)
        live, closed, left, never = (a_nas(db, 16 * MINUTE) for _ in range(4))
        for nas in (live, closed, left):
            a_state(db, nas, last_interim_at=NOW - 16 * MINUTE)
        began = {"started_at": NOW - HOUR}
        factories.make_wifi_session(db, nas=live, updated_at=NOW - 17 * MINUTE, **began)
        factories.make_wifi_session(
            db,
            nas=closed,
            updated_at=NOW - 17 * MINUTE,
            ended_at=NOW - 17 * MINUTE,
            terminate_cause=TerminateCause.SILENCE,
            **began,
        )
        factories.make_wifi_session(
            db,
            nas=left,
            updated_at=NOW - 17 * MINUTE,
            ended_at=NOW - 17 * MINUTE,
            terminate_cause=TerminateCause.USER_REQUEST,
            **began,
        )
        factories.make_wifi_session(db, nas=never, updated_at=NOW - 17 * MINUTE, **began)
        ids = [each.id for each in (live, closed, left, never)]

    silent = {FindingKind.SILENT_WITH_VISITORS}
    assert [kinds(any_database, each) for each in ids] == [silent, silent, set(), set()]


def test_our_own_absence_is_no_silence_of_theirs(any_database: Database) -> None:
    with any_database.transaction() as db:
        nas_id = a_nas(db, 5 * HOUR).id
    assert kinds(any_database, nas_id) == {FindingKind.NOBODY_LISTENS}

    with any_database.transaction() as db:
        listen(db, since=NOW - 30 * MINUTE)
    assert kinds(any_database, nas_id) == set()


def test_it_is_listened_since_the_oldest_process_that_is_still_there(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db, since=NOW - DAY)
        db.add(RadiusListener(name="gone", started_at=NOW - 9 * DAY, seen_at=NOW - 2 * MINUTE))
        db.add(RadiusListener(name="new", started_at=NOW - HOUR, seen_at=NOW))

    with any_database.reading() as db:
        assert listening_since(db, NOW) == NOW - DAY
        assert listening_since(db, NOW + HOUR) is None


def test_sessions_without_news_are_seen_while_the_nas_is_heard(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        forgets, never, away = a_nas(db), a_nas(db), a_nas(db, 12 * MINUTE)
        for nas in (forgets, away):
            a_state(db, nas, last_interim_at=NOW - HOUR)
        for nas in (forgets, away):
            factories.make_wifi_session(db, nas=nas, started_at=NOW - HOUR, updated_at=NOW - 11 * MINUTE)
        factories.make_wifi_session(
            db,
            nas=never,
            started_at=NOW - HOUR,
            updated_at=NOW - HOUR,
            ended_at=NOW - HOUR,
            terminate_cause=TerminateCause.SILENCE,
        )
        ids = [each.id for each in (forgets, never, away)]

    found = [kinds(any_database, each) for each in ids]
    assert found == [{FindingKind.INTERIM_MISSING}, {FindingKind.INTERIM_NEVER}, set()]


def test_counts_of_yesterday_say_nothing_today(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        today, yesterday = a_nas(db), a_nas(db)
        a_state(db, today, requests=100, repeats=50)
        a_state(db, yesterday, requests=100, repeats=50, counted_on=(NOW - DAY).date())
        ids = today.id, yesterday.id

    assert [kinds(any_database, each) for each in ids] == [{FindingKind.MANY_REPEATS}, set()]


REFUSED, UNANSWERED = {FindingKind.COA_REFUSED}, {FindingKind.COA_UNANSWERED}


@pytest.mark.parametrize(
    ("vendor", "answers", "found"),
    [
        pytest.param("mikrotik", {"refused_at": NOW - HOUR, "refused_because": 501}, REFUSED, id="refused"),
        pytest.param("mikrotik", {"refused_at": NOW - HOUR}, REFUSED, id="without a reason"),
        pytest.param("coovachilli", {"refused_at": NOW - HOUR}, set(), id="that is how it says gone"),
        pytest.param("mikrotik", {"refused_at": NOW - HOUR, "refused_because": 503}, set(), id="gone"),
        pytest.param(
            "mikrotik",
            {"refused_at": NOW - HOUR, "refused_because": 501, "accepted_at": NOW},
            set(),
            id="obeyed since",
        ),
        pytest.param(
            "mikrotik",
            {"refused_at": NOW - HOUR, "refused_because": 501, "accepted_at": NOW - DAY},
            REFUSED,
            id="obeyed before",
        ),
        pytest.param("mikrotik", {"refused_at": NOW - 8 * DAY, "refused_because": 501}, set(), id="long ago"),
        pytest.param("mikrotik", {"unanswered_at": NOW, "unanswered_in_a_row": 3}, UNANSWERED, id="deaf"),
        pytest.param("mikrotik", {"unanswered_at": NOW, "unanswered_in_a_row": 2}, set(), id="perhaps lost"),
    ],
)
def test_what_came_of_wishes_is_found(
    any_database: Database, vendor: str, answers: dict[str, Any], found: set[FindingKind]
) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db, vendor=vendor).id
        db.add(ChangeRecord(nas_id=nas_id, kind=WishKind.DISCONNECT, **{"unanswered_in_a_row": 0} | answers))

    assert kinds(any_database, nas_id) == found


def test_one_that_answers_to_one_kind_of_wish_is_not_deaf(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db).id
        for kind, number in ((WishKind.DISCONNECT, 0), (WishKind.CHANGE, 9)):
            db.add(ChangeRecord(nas_id=nas_id, kind=kind, accepted_at=NOW, unanswered_in_a_row=number))

    assert kinds(any_database, nas_id) == set()


def test_discards_of_a_day_are_findings_and_those_of_a_month_are_counted(any_database: Database) -> None:
    with any_database.transaction() as db:
        listen(db)
        nas_id = a_nas(db).id
        for hours, reason, number in (
            (1, "length_wrong", 2),
            (30, "length_wrong", 3),
            (40, "wrong", 1),
            (800, "wrong", 9),
        ):
            db.add(NasDiscard(nas_id=nas_id, hour_at=NOW - hours * HOUR, reason=reason, number=number))

    assert kinds(any_database, nas_id) == {FindingKind.MALFORMED}
    with any_database.reading() as db:
        assert count_discards(db, nas_id, NOW) == [DiscardCount("length_wrong", 2, 5), DiscardCount("wrong", 0, 1)]


@pytest.mark.parametrize("sees", [True, False])
def test_only_the_nases_of_these_organisations(database: Database, sees: bool) -> None:
    with database.transaction() as db:
        nas = a_nas(db)
        organisation_id = nas.organisation_id if sees else nas.organisation_id + 1

    with database.reading() as db:
        assert len(health_of_many(db, {organisation_id}, NOW, INTERVAL)) == int(sees)
