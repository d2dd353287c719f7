"""Turns of devices: begun, completed and followed, each counted once, whoever tries and however often."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import Announcement, AnnouncementDay, AnnouncementText, AnnouncementView, Campaign, Grant
from hotspot.services.announcing import (
    TURN_LIFE,
    Completion,
    begin_turn,
    complete_turn,
    count_views,
    find_link,
    follow_link,
    load_rotation,
    pass_turn,
)
from hotspot.values import SiteKind
from tests import announcements, factories
from tests.announcements import EVERY, LENGTH, LINK
from tests.factories import DEVICE_MAC, NOW

SECOND = timedelta(seconds=1)
READY = NOW + LENGTH
AT_ONCE = 8


def a_grant(db: Session, device_mac: str = DEVICE_MAC, **overrides: Any) -> Grant:
    """On a square whose town has one announcement."""
    site = factories.make_site(db, kind=SiteKind.SQUARE)
    announcements.make_announcement(db, announcements.make_campaign(db, site.organisation))
    fields = {"announcement_every": EVERY, "announcement_length": LENGTH} | overrides
    return factories.make_grant(db, site=site, device_mac=device_mac, **fields)


def begin(db: Session, grant: Grant, now: Any = NOW) -> AnnouncementView | None:
    return begin_turn(db, grant, load_rotation(db, grant.site, now), now)


def a_turn(db: Session, grant: Grant | None = None, now: Any = NOW) -> AnnouncementView:
    turn = begin(db, grant or a_grant(db), now)
    assert turn is not None
    return turn


def at_once(database: Database, work: Callable[[Session], Any]) -> list[Any]:
    """By so many threads, each with a transaction of its own, that begin together."""
    barrier = Barrier(AT_ONCE)

    def one(_: int) -> Any:
        barrier.wait()
        with database.transaction() as db:
            return work(db)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def counted(database: Database) -> tuple[int, int, int]:
    with database.reading() as db:
        return announcements.counted(db)


# ---- many at once ----


def test_many_pages_at_once_are_one_turn_and_one_display(any_database: Database) -> None:
    with any_database.transaction() as db:
        grant_id = a_grant(db).id
    turns = at_once(any_database, lambda db: a_turn(db, db.get_one(Grant, grant_id)).id)
    assert len(set(turns)) == 1
    assert counted(any_database) == (1, 0, 0)


def test_many_buttons_at_once_are_one_view(any_database: Database) -> None:
    with any_database.transaction() as db:
        turn_id = a_turn(db).id
    answers = at_once(any_database, lambda db: complete_turn(db, turn_id, DEVICE_MAC, READY))
    assert sorted(answers) == [*[Completion.ALREADY] * (AT_ONCE - 1), Completion.DONE]
    assert counted(any_database) == (1, 1, 0)


def test_many_clicks_at_once_are_one_click(any_database: Database) -> None:
    with any_database.transaction() as db:
        turn_id = a_turn(db).id
        complete_turn(db, turn_id, DEVICE_MAC, READY)
    assert at_once(any_database, lambda db: follow_link(db, turn_id, READY)) == [LINK] * AT_ONCE
    assert counted(any_database) == (1, 1, 1)


def test_many_devices_at_once_are_all_counted(any_database: Database) -> None:
    """Of one announcement, at one site, on one day: one row takes all of them."""
    with any_database.transaction() as db:
        first = a_grant(db)
        more = [
            factories.make_grant(
                db,
                site=first.site,
                offer=first.offer,
                device_mac=f"02000000{number:04x}",
                announcement_every=EVERY,
                announcement_length=LENGTH,
            ).id
            for number in range(AT_ONCE)
        ]
    waiting = iter(more)
    at_once(any_database, lambda db: a_turn(db, db.get_one(Grant, next(waiting))).id)
    assert counted(any_database) == (AT_ONCE, 0, 0)


# ---- a view is one when its device has got online ----


def a_completed_turn(db: Session) -> tuple[Grant, AnnouncementView]:
    grant = a_grant(db)
    turn = a_turn(db, grant)
    assert complete_turn(db, turn.id, DEVICE_MAC, READY) is Completion.DONE
    return grant, turn


def sums(db: Session) -> tuple[int, int, int]:
    day = AnnouncementDay
    row = db.execute(select(func.sum(day.displays), func.sum(day.views), func.sum(day.clicks))).one()
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0)


def test_a_device_that_no_gateway_has_reported_counts_no_view(any_database: Database) -> None:
    with any_database.transaction() as db:
        _, turn = a_completed_turn(db)
        assert follow_link(db, turn.id, READY) == LINK
        assert count_views(db, READY + SECOND) == 0
        assert sums(db) == (1, 0, 0)


@pytest.mark.parametrize(
    ("session", "counts"),
    [
        pytest.param({"started_at": READY + SECOND}, 1, id="that began after it"),
        pytest.param({"started_at": READY + SECOND, "ended_at": READY + 9 * SECOND}, 1, id="and is over"),
        pytest.param({"started_at": NOW - EVERY}, 1, id="that runs on: seen ahead"),
        pytest.param({"started_at": NOW - EVERY, "ended_at": NOW}, 0, id="that was over before"),
        pytest.param({"started_at": READY + SECOND, "device_mac": "0200000000ff"}, 0, id="of another device"),
    ],
)
def test_its_view_is_counted_by_a_session(any_database: Database, session: dict[str, Any], counts: int) -> None:
    with any_database.transaction() as db:
        grant, _ = a_completed_turn(db)
        factories.make_wifi_session(db, grant=grant, **session)
        assert count_views(db, READY + 10 * SECOND) == counts
        assert count_views(db, READY + 11 * SECOND) == 0
        assert sums(db) == (1, counts, 0)


@pytest.mark.parametrize("before", [True, False], ids=["before it is counted", "after"])
def test_a_click_is_counted_once_whenever_its_view_is(any_database: Database, *, before: bool) -> None:
    with any_database.transaction() as db:
        grant, turn = a_completed_turn(db)
        factories.make_wifi_session(db, grant=grant, started_at=READY)
        follow_link(db, turn.id, READY) if before else None
        count_views(db, READY + SECOND)
        follow_link(db, turn.id, READY + 2 * SECOND)
        follow_link(db, turn.id, READY + 3 * SECOND)
        count_views(db, READY + 4 * SECOND)
        assert sums(db) == (1, 1, 1)


def test_many_workers_at_once_count_it_once(any_database: Database) -> None:
    with any_database.transaction() as db:
        grant, _ = a_completed_turn(db)
        factories.make_wifi_session(db, grant=grant, started_at=READY)
    assert sum(at_once(any_database, lambda db: count_views(db, READY + SECOND))) == 1
    with any_database.reading() as db:
        assert sums(db) == (1, 1, 0)


# ---- what counts nothing ----


@pytest.mark.parametrize(
    ("later", "device_mac", "expected"),
    [
        (LENGTH - SECOND, DEVICE_MAC, Completion.TOO_EARLY),
        (LENGTH, "020000000002", Completion.UNKNOWN),
        (LENGTH, "", Completion.UNKNOWN),
        (TURN_LIFE, DEVICE_MAC, Completion.UNKNOWN),
        (-SECOND, DEVICE_MAC, Completion.UNKNOWN),
        (LENGTH, DEVICE_MAC, Completion.DONE),
        (TURN_LIFE - SECOND, DEVICE_MAC, Completion.DONE),
    ],
    ids=["early", "of another device", "of none", "late", "clock set back", "in time", "just in time"],
)
def test_only_its_device_completes_it_and_only_in_time(
    database: Database, later: timedelta, device_mac: str, expected: Completion
) -> None:
    with database.transaction() as db:
        turn = a_turn(db)
        assert complete_turn(db, turn.id, device_mac, NOW + later) is expected
        assert announcements.counted(db)[1] == (1 if expected is Completion.DONE else 0)


def test_a_turn_that_nobody_began_is_unknown(database: Database) -> None:
    with database.transaction() as db:
        assert complete_turn(db, uuid4(), DEVICE_MAC, READY) is Completion.UNKNOWN


def test_a_device_has_one_open_row_in_half_an_hour_however_often_it_loads(database: Database) -> None:
    with database.transaction() as db:
        grant = a_grant(db)
        for minute in range(60):
            a_turn(db, grant, NOW + timedelta(minutes=minute))
        assert db.scalar(select(func.count(AnnouncementView.id))) == 2


def test_a_turn_that_passed_leads_nowhere_and_counts_nothing(database: Database) -> None:
    with database.transaction() as db:
        grant = a_grant(db)
        pass_turn(db, grant, NOW)
        turn_id = db.scalars(select(AnnouncementView.id)).one()
        assert complete_turn(db, turn_id, DEVICE_MAC, NOW) is Completion.ALREADY
        assert follow_link(db, turn_id, NOW) is None
        assert announcements.counted(db) == (0, 0, 0)


def test_the_link_of_one_that_was_not_seen_is_not_followed(database: Database) -> None:
    with database.transaction() as db:
        turn = a_turn(db)
        assert follow_link(db, turn.id, READY) is None
        assert announcements.counted(db) == (1, 0, 0)


@pytest.mark.parametrize("withdrawn", ["retired", "paused", "ended"])
def test_the_link_of_one_that_was_withdrawn_leads_nowhere(database: Database, withdrawn: str) -> None:
    with database.transaction() as db:
        turn = a_turn(db)
        complete_turn(db, turn.id, DEVICE_MAC, READY)
        assert find_link(db, turn.id) is not None
        if withdrawn == "retired":
            db.scalars(select(Announcement)).one().retired_at = READY
        else:
            setattr(db.scalars(select(Campaign)).one(), f"{withdrawn}_at", READY)
        db.flush()
        assert follow_link(db, turn.id, READY) is None


# ---- for whom none is begun ----


@pytest.mark.parametrize("spared", ["library", "wifi4eu", "grant without"])
def test_none_is_begun_or_passed_where_there_is_no_cycle(database: Database, spared: str) -> None:
    with database.transaction() as db:
        grant = a_grant(db)
        if spared == "library":
            grant.site.kind = SiteKind.LIBRARY
        elif spared == "wifi4eu":
            grant.site.is_wifi4eu = True
        else:
            grant.announcement_every = None
        assert begin(db, grant) is None
        pass_turn(db, grant, NOW)
        assert db.scalar(select(func.count(AnnouncementView.id))) == 0


def test_a_turn_begun_before_the_site_became_free_is_not_shown_again(database: Database) -> None:
    with database.transaction() as db:
        grant = a_grant(db)
        a_turn(db, grant)
        grant.site.kind = SiteKind.LIBRARY
        assert begin(db, grant) is None


@pytest.mark.parametrize("begun", [False, True])
def test_what_has_no_words_is_not_shown(database: Database, begun: bool) -> None:
    with database.transaction() as db:
        grant = a_grant(db)
        if begun:
            a_turn(db, grant)
        for each in db.scalars(select(AnnouncementText)):
            db.delete(each)
        db.flush()
        assert begin(db, grant) is None
