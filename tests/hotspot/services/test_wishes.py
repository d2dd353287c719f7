"""Wishes: asked once for one cause, taken by one process at a time, settled by what came back."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.models import ChangeRecord, SessionWish, WifiSession, WishKind, WishReason, WishState
from hotspot.services.staff import find_scope
from hotspot.services.wish_queue import (
    LEASE,
    TURN_OF_TLS,
    Answer,
    Outcome,
    TakenWish,
    address_of,
    confirm,
    is_anything_to_do,
    note_outcomes,
    take,
)
from hotspot.services.wishes import ask
from hotspot.settings import Settings
from tests import factories

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def a_session(db: Session, **overrides: Any) -> WifiSession:
    nas = factories.make_nas(db, networks=("192.0.2.7/32",))
    return factories.make_wifi_session(db, grant=factories.make_grant(db, nas=nas), **overrides)


def wish_for(db: Session, session: WifiSession, now: datetime, **options: Any) -> int:
    why = options.pop("why", WishReason.STAFF)
    kind = options.pop("kind", WishKind.DISCONNECT)
    return ask(db, WifiSession.id == session.id, kind, why, options.pop("by", "system"), now, **options)


def only(db: Session) -> SessionWish:
    db.flush()
    db.expire_all()
    return db.scalars(select(SessionWish)).one()


@pytest.fixture
def taken(settings: Settings) -> Callable[[Session, datetime], list[TakenWish]]:
    return lambda db, now: take(db, now, settings, factories.VAULT, lambda _: False)


Take = Callable[[Session, datetime], list[TakenWish]]


def test_a_wish_is_taken_with_all_that_sending_needs(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        assert wish_for(db, session, now) == 1
        (wish,) = taken(db, now)

    assert (wish.kind, wish.address, wish.port) == (WishKind.DISCONNECT, "192.0.2.7", 3799)
    assert wish.secret == factories.RADIUS_SECRET.encode()
    assert wish.attributes == [("User-Name", session.user_name), ("Acct-Session-Id", session.acct_session_id)]


def test_nobody_is_cut_twice_for_one_cause(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now, why=WishReason.TIME_USED_UP)
        (wish,) = taken(db, now)
        note_outcomes(db, [Outcome(wish, Answer.REFUSED, 504)], now)

        assert wish_for(db, session, now + MINUTE, why=WishReason.TIME_USED_UP) == 0
        assert not is_anything_to_do(db, now + MINUTE)
        assert wish_for(db, session, now + MINUTE, why=WishReason.GRANT_ENDED) == 1


def test_a_second_cause_waits_for_the_first_to_be_answered(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now)
        assert wish_for(db, session, now, why=WishReason.VOUCHER_VOID) == 0
        (wish,) = taken(db, now)
        assert wish_for(db, session, now, why=WishReason.VOUCHER_VOID) == 0
        note_outcomes(db, [Outcome(wish, Answer.ACCEPTED)], now)
        assert wish_for(db, session, now + MINUTE, why=WishReason.VOUCHER_VOID) == 0
        assert wish_for(db, session, now + 3 * MINUTE, why=WishReason.VOUCHER_VOID) == 1


def test_staff_may_insist(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now)
        (wish,) = taken(db, now)
        note_outcomes(db, [Outcome(wish, Answer.REFUSED, 506)], now)

        assert wish_for(db, session, now + MINUTE, again=True) == 1
        again = only(db)
        assert (again.state, again.error_cause, again.tries) == (WishState.WAITING, None, 0)
        assert len(taken(db, now + MINUTE)) == 1


def test_an_ended_session_gets_no_wish(any_database: Database, now: datetime) -> None:
    with any_database.transaction() as db:
        assert wish_for(db, a_session(db, ended_at=now), now) == 0


def test_what_is_taken_is_nobody_elses_until_its_lease_is_over(
    any_database: Database, now: datetime, taken: Take
) -> None:
    with any_database.transaction() as db:
        wish_for(db, a_session(db), now)
        assert len(taken(db, now)) == 1
        assert taken(db, now + LEASE - SECOND) == []
        (wish,) = taken(db, now + LEASE)
        assert only(db).tries == 2
        assert wish.lease == now + 2 * LEASE


def test_two_processes_never_take_the_same(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        nas = factories.make_nas(db, networks=("192.0.2.7/32",))
        for _ in range(40):
            wish_for(db, factories.make_wifi_session(db, nas=nas), now)
    both: list[int] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        with any_database.transaction() as db:
            both.extend(each.wish_id for each in taken(db, now))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(both) == len(set(both))
    with any_database.transaction() as db:
        both.extend(each.wish_id for each in taken(db, now))
    assert len(set(both)) == 40


def test_a_process_that_lost_its_lease_settles_nothing(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        wish_for(db, a_session(db), now)
        (late,) = taken(db, now)
        taken(db, now + LEASE)
        note_outcomes(db, [Outcome(late, Answer.NONE)], now + LEASE)
        assert only(db).state is WishState.SENT


@pytest.mark.parametrize(
    ("answer", "cause", "state"),
    [
        (Answer.ACCEPTED, None, WishState.ACCEPTED),
        (Answer.ACCEPTED, 201, WishState.ACCEPTED),
        (Answer.REFUSED, 504, WishState.REFUSED),
        (Answer.REFUSED, 503, WishState.GONE),
        (Answer.REFUSED, None, WishState.GONE),  # CoovaChilli says no only of what it does not have
        (Answer.NONE, None, WishState.NO_ANSWER),
    ],
)
def test_what_came_back_settles_it(
    database: Database, now: datetime, taken: Take, answer: Answer, cause: int | None, state: WishState
) -> None:
    with database.transaction() as db:
        wish_for(db, a_session(db), now)
        (wish,) = taken(db, now)
        note_outcomes(db, [Outcome(wish, answer, cause)], now + SECOND)
        settled = only(db)
        assert (settled.state, settled.error_cause) == (state, cause)
        assert settled.answered_at == (None if answer is Answer.NONE else now + SECOND)


def test_a_bare_no_of_a_brand_that_gives_reasons_is_a_refusal(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        session = a_session(db)
        session.nas.vendor = "mikrotik"
        wish_for(db, session, now)
        note_outcomes(db, [Outcome(taken(db, now)[0], Answer.REFUSED)], now)
        assert only(db).state is WishState.REFUSED


def test_silence_is_tried_again_after_a_minute_and_after_five(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        wish_for(db, a_session(db), now)
        for pause in (MINUTE, 5 * MINUTE):
            note_outcomes(db, [Outcome(taken(db, now)[0], Answer.NONE)], now)
            assert taken(db, now + pause - SECOND) == []
            now += pause
        note_outcomes(db, [Outcome(taken(db, now)[0], Answer.NONE)], now)
        assert only(db).due_at is None


def test_a_gateway_that_never_answers_is_left_alone_by_all_but_people(
    any_database: Database, now: datetime, taken: Take
) -> None:
    with any_database.transaction() as db:
        nas = factories.make_nas(db, networks=("192.0.2.7/32",))
        sessions = [factories.make_wifi_session(db, nas=nas) for _ in range(5)]
        db.add(ChangeRecord(nas_id=nas.id, kind=WishKind.DISCONNECT, unanswered_at=now, unanswered_in_a_row=4))
        staff = factories.make_staff(db, organisation=nas.organisation)
        db.flush()
        wish_for(db, sessions[0], now, why=WishReason.TIME_USED_UP)
        assert taken(db, now + MINUTE) == []
        assert len(taken(db, now + 2 * MINUTE)) == 1
        scope = find_scope(db, staff.id, staff.session_key)
        wish_for(db, sessions[1], now, by=scope)
        (wish,) = taken(db, now)
        note_outcomes(db, [Outcome(wish, Answer.ACCEPTED)], now)
        wish_for(db, sessions[2], now, why=WishReason.TIME_USED_UP)
        assert len(taken(db, now)) == 1


def test_the_stop_confirms_and_so_does_silence(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now)
        note_outcomes(db, [Outcome(taken(db, now)[0], Answer.ACCEPTED)], now)
        assert confirm(db, now) == 0
        session.ended_at = now + SECOND
        db.flush()

        assert is_anything_to_do(db, now + SECOND)
        assert confirm(db, now + SECOND) == 1
        wish = only(db)
        assert (wish.state, wish.confirmed_at) == (WishState.CONFIRMED, now + SECOND)
        assert not is_anything_to_do(db, now + MINUTE)


def test_an_answer_after_the_stop_is_kept_and_changes_no_state(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now)
        (sent,) = taken(db, now)
        session.ended_at = now
        db.flush()
        confirm(db, now)
        note_outcomes(db, [Outcome(sent, Answer.ACCEPTED)], now + SECOND)
        wish = only(db)
        assert (wish.state, wish.answered_at) == (WishState.CONFIRMED, now + SECOND)


def test_a_session_that_ended_first_is_not_asked_to(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now)
        session.ended_at = now
        db.flush()
        assert taken(db, now) == []
        assert confirm(db, now) == 1


def test_a_gateway_of_which_only_networks_are_known_waits_for_a_way(
    database: Database, now: datetime, taken: Take
) -> None:
    with database.transaction() as db:
        nas = factories.make_nas(db, networks=("10.0.0.0/8",))
        wish_for(db, factories.make_wifi_session(db, nas=nas), now)
        (wish,) = taken(db, now)
        assert wish.address is None
        note_outcomes(db, [Outcome(wish, Answer.NO_WAY)], now)
        assert (only(db).state, only(db).tries) == (WishState.WAITING, 0)
        later = now + MINUTE
        note_outcomes(db, [Outcome(taken(db, later)[0], Answer.NO_WAY)], later)
        assert only(db).state is WishState.NOT_POSSIBLE
        assert db.scalars(select(ChangeRecord)).all() == []


def test_a_gateway_with_a_certificate_is_first_left_to_the_process_that_has_its_connection(
    any_database: Database, now: datetime, settings: Settings, taken: Take
) -> None:
    """The other has no use of its address for ten seconds, and then sends there: perhaps it is on UDP after all."""
    with any_database.transaction() as db:
        nas = factories.make_nas(db, networks=("192.0.2.7/32",), certificate_name="nas-1")
        wish_for(db, factories.make_wifi_session(db, nas=nas), now)
        assert taken(db, now) == []
        assert taken(db, now + TURN_OF_TLS - SECOND) == []
        (there,) = take(db, now, settings, factories.VAULT, lambda nas_id: nas_id == nas.id)
        again = there.lease
        assert taken(db, again + TURN_OF_TLS - SECOND) == []
        (here,) = taken(db, again + TURN_OF_TLS)
        assert here.address == "192.0.2.7"


def test_what_is_left_to_another_process_keeps_nobody_waiting(
    any_database: Database, now: datetime, taken: Take
) -> None:
    with any_database.transaction() as db:
        nas = factories.make_nas(db, certificate_name="nas-1")
        for _ in range(100):
            wish_for(db, factories.make_wifi_session(db, nas=nas), now)
        wish_for(db, a_session(db), now + SECOND)
        assert [each.address for each in taken(db, now + SECOND)] == ["192.0.2.7"]


def test_a_busy_gateway_is_only_waited_for(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        wish_for(db, a_session(db), now)
        later = now + 10 * MINUTE
        note_outcomes(db, [Outcome(taken(db, later)[0], Answer.BUSY)], later)
        assert only(db).state is WishState.WAITING


@pytest.mark.parametrize(
    ("networks", "last", "expected"),
    [
        (("192.0.2.7/32",), None, "192.0.2.7"),
        (("2001:db8::7/128",), None, "2001:db8::7"),
        (("10.0.0.0/8",), None, None),
        (("10.0.0.0/8",), "10.3.2.1", "10.3.2.1"),
        (("10.0.0.0/8", "192.0.2.7/32"), "10.3.2.1", "10.3.2.1"),
        (("192.0.2.7/32",), "10.3.2.1", "192.0.2.7"),
        ((), "10.3.2.1", None),
    ],
)
def test_where_a_gateway_is_found(
    database: Database, networks: tuple[str, ...], last: str | None, expected: str | None
) -> None:
    """The last address only while it is one of its own: staff may have given it another since."""
    with database.transaction() as db:
        assert address_of(factories.make_nas(db, networks=networks, last_address=last)) == expected


def test_new_limits_are_what_is_left_when_the_wish_is_sent(any_database: Database, now: datetime, taken: Take) -> None:
    with any_database.transaction() as db:
        session = a_session(db, session_seconds=300, download_octets=400, updated_at=now + 5 * MINUTE)
        assert session.grant is not None
        session.grant.time_allowed, session.grant.octets_allowed = timedelta(minutes=30), 1000
        db.flush()
        wish_for(db, session, now, kind=WishKind.CHANGE, why=WishReason.LENGTHENED)
        (wish,) = taken(db, now + 10 * MINUTE)

    limits = dict(wish.attributes)
    assert limits["Session-Timeout"] == 30 * 60
    assert limits["ChilliSpot-Max-Total-Octets"] == 1000


def test_there_are_no_new_limits_for_a_grant_that_is_over(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        session = a_session(db)
        wish_for(db, session, now, kind=WishKind.CHANGE, why=WishReason.LENGTHENED)
        assert taken(db, now + timedelta(hours=3)) == []
        assert only(db).state is WishState.NOT_POSSIBLE


def test_lengthening_again_while_one_is_under_way_asks_again(database: Database, now: datetime, taken: Take) -> None:
    with database.transaction() as db:
        session = a_session(db)
        lengthened = {"kind": WishKind.CHANGE, "why": WishReason.LENGTHENED, "again": True}
        wish_for(db, session, now, **lengthened)
        (first,) = taken(db, now)
        assert wish_for(db, session, now + SECOND, **lengthened) == 1
        note_outcomes(db, [Outcome(first, Answer.ACCEPTED)], now + SECOND)
        assert len(taken(db, now + SECOND)) == 1
