"""Accounting records -> Wi-Fi sessions, on both databases: in any order, as often as they come."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from hotspot.db import Database
from hotspot.models import WifiSession, WifiSessionCounter
from hotspot.services.accounting import (
    AccountingKind,
    AccountingRecord,
    KnownSessions,
    close_silent,
    packed,
    record,
    session_key,
    unpacked,
)
from hotspot.values import MacAddress, TerminateCause
from tests import factories

NOW = factories.NOW
START, INTERIM, STOP, ON, OFF = AccountingKind
STALE_AFTER = timedelta(minutes=15)


class Town:
    """One NAS at one site, and what it reports."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.transaction() as db:
            self.nas = factories.make_nas(db)
            self.grant_id = factories.make_grant(db, nas=self.nas, site=self.nas.site).id
            self.nas_id, self.site_id = self.nas.id, self.nas.site_id

    def says(self, kind: AccountingKind, minutes: float = 0, **overrides: Any) -> AccountingRecord:
        """After so many minutes of session time."""
        fields: dict[str, Any] = {
            "kind": kind,
            "nas_id": self.nas_id,
            "site_id": self.site_id,
            "happened_at": NOW + timedelta(minutes=minutes),
            "acct_session_id": "0000002a",
            "user_name": "a-login",
            "calling_station_id": "02-00-00-00-00-01",
            "called_station_id": "02-AA-00-00-00-01",
            "device_mac": MacAddress(factories.DEVICE_MAC),
            "grant_id": self.grant_id,
            "session_seconds": int(minutes * 60),
            "terminate_cause": TerminateCause.USER_REQUEST if kind is STOP else None,
        }
        return AccountingRecord(**fields | overrides)

    def hears(self, *records: AccountingRecord, now: datetime = NOW, known: KnownSessions | None = None) -> None:
        with self.database.at_once() as db:
            record(db, records, now, known)

    def forgets(self) -> None:
        with self.database.transaction() as db:
            db.execute(delete(WifiSession))
            db.execute(delete(WifiSessionCounter))

    def session(self) -> WifiSession:
        with self.database.reading() as db:
            return db.scalars(select(WifiSession)).one()

    def counted(self) -> tuple[int, int, int]:
        """Upload, download, seconds."""
        with self.database.reading() as db:
            kept = db.scalars(select(WifiSessionCounter)).one()
        return kept.upload_octets, kept.download_octets, kept.session_seconds

    def state(self) -> tuple[Any, ...]:
        kept = self.session()
        return (*self.counted(), kept.started_at, kept.ended_at, kept.terminate_cause, kept.grant_id, kept.framed_ip)


@pytest.fixture
def town(any_database: Database) -> Town:
    return Town(any_database)


def test_a_start_makes_a_live_session_with_its_counter(town: Town) -> None:
    town.hears(town.says(START, framed_ip="10.1.0.2"))

    kept = town.session()
    assert kept.id == session_key(town.says(STOP, 5))
    assert (kept.nas_id, kept.site_id, kept.grant_id) == (town.nas_id, town.site_id, town.grant_id)
    assert (kept.started_at, kept.ended_at, kept.terminate_cause) == (NOW, None, None)
    assert (kept.device_mac, kept.calling_station_id) == (factories.DEVICE_MAC, "02-00-00-00-00-01")
    assert kept.framed_ip == "10.1.0.2"
    assert town.counted() == (0, 0, 0)


def test_an_interim_moves_the_counter_and_nothing_else(town: Town) -> None:
    town.hears(town.says(START))
    before = town.session().ended_at, town.session().started_at

    town.hears(town.says(INTERIM, 5, upload_octets=100, download_octets=2000))

    assert town.counted() == (100, 2000, 300)
    assert (town.session().ended_at, town.session().started_at) == before


def test_a_stop_ends_the_session_with_its_cause(town: Town) -> None:
    town.hears(town.says(START))
    town.hears(town.says(STOP, 10, upload_octets=5, download_octets=7, terminate_cause=TerminateCause.IDLE_TIMEOUT))

    kept = town.session()
    assert (kept.ended_at, kept.terminate_cause) == (NOW + timedelta(minutes=10), TerminateCause.IDLE_TIMEOUT)
    assert town.counted() == (5, 7, 600)


def test_a_stop_without_a_cause_has_another(town: Town) -> None:
    town.hears(town.says(STOP, 10, terminate_cause=None))

    assert town.session().terminate_cause is TerminateCause.OTHER


@pytest.mark.parametrize("kind", [INTERIM, STOP])
def test_a_session_whose_start_was_lost_begins_when_its_time_says(town: Town, kind: AccountingKind) -> None:
    town.hears(town.says(kind, 10))

    assert town.session().started_at == NOW
    assert town.counted() == (0, 0, 600)


def test_a_start_after_the_stop_changes_nothing(town: Town) -> None:
    town.hears(town.says(STOP, 10, download_octets=7))
    before = town.state()

    town.hears(town.says(START))

    assert town.state() == before


def test_a_late_interim_after_the_stop_leaves_it_closed(town: Town) -> None:
    town.hears(town.says(START), town.says(STOP, 10, download_octets=7000))
    before = town.state()

    town.hears(town.says(INTERIM, 5, download_octets=3000))

    assert town.state() == before


def test_the_first_stop_counts(town: Town) -> None:
    town.hears(town.says(STOP, 10))
    town.hears(town.says(STOP, 11, terminate_cause=TerminateCause.NAS_ERROR))

    assert town.session().ended_at == NOW + timedelta(minutes=10)
    assert town.session().terminate_cause is TerminateCause.USER_REQUEST


def story(town: Town) -> list[AccountingRecord]:
    return [
        town.says(START, framed_ip="10.1.0.2"),
        town.says(INTERIM, 5, upload_octets=10, download_octets=100, framed_ip="10.1.0.2"),
        town.says(INTERIM, 10, upload_octets=20, download_octets=2**32 + 5),
        town.says(STOP, 15, upload_octets=30, download_octets=2**32 + 9),
    ]


def test_in_every_order_and_grouping_the_end_is_the_same(town: Town) -> None:
    town.hears(*story(town))
    expected = town.state()

    for number, order in enumerate(permutations(range(4))):
        records, split = [story(town)[at] for at in order], number % 5
        town.forgets()
        town.hears(*records[:split])
        town.hears(*records[split:])
        assert town.state() == expected, (order, split)


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=4))
def test_repeats_do_no_harm(town: Town, batches: Sequence[Sequence[int]]) -> None:
    town.forgets()
    town.hears(*story(town))
    expected = town.state()

    for batch in batches:
        town.hears(*(story(town)[at] for at in batch))

    assert town.state() == expected


def test_counters_never_go_down(town: Town) -> None:
    town.hears(town.says(INTERIM, 10, upload_octets=2**33, download_octets=2**33))
    town.hears(town.says(INTERIM, 5, upload_octets=2**32, download_octets=1))

    assert town.counted() == (2**33, 2**33, 600)


# ---- wraps ----


@pytest.mark.parametrize("order", [1, -1], ids=["in their order", "the newer first"])
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
def test_octets_that_go_down_in_a_newer_report_have_wrapped(town: Town, together: bool, order: int) -> None:
    reports = [town.says(INTERIM, 5, download_octets=4_000_000_000), town.says(INTERIM, 10, download_octets=1_000)]
    reports = reports[::order]
    if together:
        town.hears(*reports)
    else:
        for each in reports:
            town.hears(each)

    assert town.counted() == (0, 2**32 + 1_000, 600)


def test_a_nas_without_gigawords_may_wrap_many_times(town: Town) -> None:
    total = 0
    for step in range(1, 9):
        total += 3_000_000_000
        town.hears(town.says(INTERIM, step * 5, download_octets=total % 2**32))

        assert town.counted()[1] == total


def test_a_repeat_after_a_wrap_adds_nothing(town: Town) -> None:
    reports = [town.says(INTERIM, 5, download_octets=4_000_000_000), town.says(INTERIM, 10, download_octets=1_000)]

    town.hears(*reports, *reports)
    town.hears(*reports)

    assert town.counted() == (0, 2**32 + 1_000, 600)


def test_a_stop_that_reports_no_octets_is_no_wrap(town: Town) -> None:
    """hostapd on a wire."""
    town.hears(town.says(INTERIM, 5, download_octets=4_000))
    town.hears(town.says(STOP, 10))

    assert town.counted() == (0, 4_000, 600)


def grown(earlier: int, later: int) -> int:
    """What the tables are to make of two reports of a counter."""
    if 0 < later < min(earlier, 2**32):
        return later + -(-(earlier - later) // 2**32) * 2**32
    return max(earlier, later)


@given(earlier=st.integers(0, 2**40), later=st.integers(0, 2**40))
def test_whatever_is_reported_a_counter_grows_by_less_than_a_wrap_too_many(earlier: int, later: int) -> None:
    total = grown(earlier, later)

    assert max(earlier, later) <= total < max(earlier, later) + 2**32
    assert total == max(earlier, later) or (total - later) % 2**32 == 0


def test_the_database_counts_as_the_function_does(town: Town) -> None:
    def after(kept: int, said: int, minutes: int) -> int:
        if minutes == 10:
            return max(kept, said)
        return grown(kept, said) if minutes > 10 else grown(said, kept)

    kept_before = (0, 1, 500, 2**32 - 1, 2**32, 2**32 + 500, 3 * 2**32 + 7)
    reported = (0, 1, 499, 500, 501, 2**32 - 1, 2**32, 2**33)
    cases = {str(at): case for at, case in enumerate(product(kept_before, reported, (5, 10, 15)))}

    town.hears(*(town.says(INTERIM, 10, acct_session_id=at, upload_octets=cases[at][0]) for at in cases))
    town.hears(*(town.says(INTERIM, case[2], acct_session_id=at, upload_octets=case[1]) for at, case in cases.items()))

    joined = select(WifiSession.acct_session_id, WifiSessionCounter.upload_octets).join(
        WifiSessionCounter, WifiSessionCounter.id == WifiSession.id
    )
    with town.database.reading() as db:
        counted = {at: cases[at] + (octets,) for at, octets in db.execute(joined)}
    assert counted == {
        at: (kept, said, minutes, after(kept, said, minutes)) for at, (kept, said, minutes) in cases.items()
    }


def test_numbers_beyond_a_column_are_kept_as_the_most_it_holds(town: Town) -> None:
    town.hears(town.says(INTERIM, upload_octets=2**64 - 1, session_seconds=2**32 - 1))
    town.hears(town.says(INTERIM, upload_octets=5, session_seconds=2**32 - 1))

    assert town.counted() == (2**62, 0, 2**31 - 1)


# ---- whose it is ----


def test_sessions_differ_by_nas_session_id_device_and_login(town: Town) -> None:
    one = town.says(START)
    others = [
        one._replace(nas_id=one.nas_id + 1),
        one._replace(acct_session_id="0000002b"),
        one._replace(device_mac=MacAddress("020000000002")),
        one._replace(device_mac=None),
        one._replace(user_name="another"),
    ]

    assert len({session_key(each) for each in (one, *others)}) == 6


def test_a_device_is_the_same_however_its_address_is_written(town: Town) -> None:
    assert session_key(town.says(START)) == session_key(town.says(START, calling_station_id="02:00:00:00:00:01"))


@pytest.mark.parametrize("class_", [None, uuid4()], ids=["no Class", "a Class that names no grant"])
def test_without_a_class_of_ours_the_devices_latest_live_grant_is_taken(town: Town, class_: UUID | None) -> None:
    with town.database.transaction() as db:
        nas = db.merge(town.nas)
        newer = factories.make_grant(db, nas=nas, site=nas.site, created_at=NOW + timedelta(minutes=1)).id
        factories.make_grant(db, nas=nas, site=nas.site, created_at=NOW - timedelta(days=1), ends_at=NOW)
        factories.make_grant(
            db, nas=nas, site=nas.site, device_mac="020000000002", created_at=NOW + timedelta(minutes=2)
        )
        factories.make_grant(db, site=nas.site, created_at=NOW + timedelta(minutes=2))

    town.hears(town.says(START, 2, session_seconds=0, grant_id=class_))

    assert town.session().grant_id == newer


def test_a_device_without_a_grant_has_a_session_without_one(town: Town) -> None:
    town.hears(town.says(START, grant_id=uuid4(), device_mac=MacAddress("020000000009")))
    town.hears(town.says(START, grant_id=None, device_mac=None, calling_station_id="", acct_session_id="2"))

    with town.database.reading() as db:
        assert db.scalars(select(WifiSession.grant_id)).all() == [None, None]


def test_a_grant_that_comes_with_a_later_packet_is_kept(town: Town) -> None:
    town.hears(town.says(START, grant_id=None, device_mac=MacAddress("020000000009")))
    town.hears(town.says(STOP, 5, device_mac=MacAddress("020000000009")))

    assert town.session().grant_id == town.grant_id


def test_text_with_quotes_braces_and_commas_is_kept_as_it_is(town: Town) -> None:
    odd = "{\"a\",NULL,'b'\\x00é}"

    town.hears(town.says(START, user_name=odd, acct_session_id=odd, called_station_id=odd, calling_station_id="NULL"))

    kept = town.session()
    assert (kept.user_name, kept.acct_session_id, kept.called_station_id) == (odd, odd, odd)
    assert kept.calling_station_id == "NULL"


def test_many_sessions_go_in_one_batch(town: Town) -> None:
    town.hears(*(town.says(START, acct_session_id=f"{number}") for number in range(400)))
    town.hears(*(town.says(INTERIM, 5, acct_session_id=f"{number}", download_octets=number) for number in range(400)))

    with town.database.reading() as db:
        assert len(db.scalars(select(WifiSession)).all()) == 400
        assert sum(db.scalars(select(WifiSessionCounter.download_octets))) == sum(range(400))


def test_an_empty_batch_writes_nothing(town: Town) -> None:
    town.hears()


# ---- On and Off ----


@pytest.mark.parametrize("kind", [ON, OFF])
def test_on_and_off_end_every_live_session_of_that_nas(town: Town, kind: AccountingKind) -> None:
    with town.database.transaction() as db:
        elsewhere = factories.make_wifi_session(db).id
    town.hears(town.says(START, acct_session_id="1"), town.says(START, acct_session_id="2"), town.says(STOP, 1))

    town.hears(AccountingRecord(kind, town.nas_id, NOW + timedelta(minutes=9)))

    with town.database.reading() as db:
        kept = {
            each.acct_session_id: each for each in db.scalars(select(WifiSession).where(WifiSession.id != elsewhere))
        }
        assert db.get_one(WifiSession, elsewhere).ended_at is None
    for name in ("1", "2"):
        assert (kept[name].ended_at, kept[name].terminate_cause) == (
            NOW + timedelta(minutes=9),
            TerminateCause.NAS_REBOOT,
        )
    assert kept["0000002a"].terminate_cause is TerminateCause.USER_REQUEST


def test_a_session_that_starts_after_the_on_in_the_same_batch_lives(town: Town) -> None:
    on = AccountingRecord(ON, town.nas_id, NOW)

    town.hears(town.says(START, acct_session_id="before"), on, town.says(START, acct_session_id="after"))

    with town.database.reading() as db:
        ended = {each.acct_session_id: each.ended_at for each in db.scalars(select(WifiSession))}
    assert ended == {"before": NOW, "after": None}


def test_an_on_that_comes_again_late_leaves_newer_sessions_alone(town: Town) -> None:
    town.hears(AccountingRecord(ON, town.nas_id, NOW))
    town.hears(town.says(START, 1, session_seconds=0))

    town.hears(AccountingRecord(ON, town.nas_id, NOW))

    assert town.session().ended_at is None


@pytest.mark.parametrize("kind", [START, INTERIM])
@pytest.mark.parametrize("ended", [ON, OFF])
def test_what_is_reported_late_of_a_session_before_a_reboot_is_of_one_that_is_over(
    town: Town, ended: AccountingKind, kind: AccountingKind
) -> None:
    town.hears(AccountingRecord(ended, town.nas_id, NOW + timedelta(minutes=9)))

    town.hears(town.says(kind, 5, session_seconds=0 if kind is START else 300))

    kept = town.session()
    assert (kept.ended_at, kept.terminate_cause) == (NOW + timedelta(minutes=9), TerminateCause.NAS_REBOOT)


def test_a_reboot_that_is_reported_late_is_no_newer_than_it_was(town: Town) -> None:
    town.hears(AccountingRecord(ON, town.nas_id, NOW + timedelta(minutes=9)))
    town.hears(AccountingRecord(OFF, town.nas_id, NOW))

    town.hears(town.says(START, 5, session_seconds=0))

    assert town.session().ended_at == NOW + timedelta(minutes=9)


def test_many_nases_that_reboot_in_one_batch_end_each_its_own(town: Town) -> None:
    with town.database.transaction() as db:
        others = [factories.make_nas(db, site=db.merge(town.nas).site).id for _ in range(3)]
    town.hears(*(town.says(START, nas_id=nas_id) for nas_id in (town.nas_id, *others)))

    town.hears(*(AccountingRecord(ON, nas_id, NOW + timedelta(minutes=1)) for nas_id in others[:2]))

    with town.database.reading() as db:
        live = db.scalars(select(WifiSession.nas_id).where(WifiSession.ended_at.is_(None)))
        assert set(live) == {town.nas_id, others[2]}


# ---- an id that is used again ----


def sessions(town: Town) -> list[tuple[datetime, datetime | None, int]]:
    """Begin, end and download of each."""
    joined = select(WifiSession.started_at, WifiSession.ended_at, WifiSessionCounter.download_octets).join(
        WifiSessionCounter, WifiSessionCounter.id == WifiSession.id
    )
    with town.database.reading() as db:
        return sorted((start, end, octets) for start, end, octets in db.execute(joined))


def again(town: Town) -> list[AccountingRecord]:
    """A session, a reboot, and another with the same id, device and name, as with MAC authentication."""
    hour = timedelta(hours=1)
    return [
        town.says(START),
        town.says(STOP, 10, download_octets=1000),
        town.says(START)._replace(happened_at=NOW + hour),
        town.says(INTERIM, 5, download_octets=7)._replace(happened_at=NOW + hour + timedelta(minutes=5)),
        town.says(STOP, 20, download_octets=20)._replace(happened_at=NOW + hour + timedelta(minutes=20)),
    ]


def test_an_id_that_is_used_again_after_its_session_is_another_session(town: Town) -> None:
    expected = [
        (NOW, NOW + timedelta(minutes=10), 1000),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=1, minutes=20), 20),
    ]
    for known in (None, KnownSessions()):
        town.forgets()
        for each in again(town):
            town.hears(each, known=known)
        assert sessions(town) == expected

    town.forgets()
    town.hears(*again(town)[::-1])
    assert sessions(town) == expected, "in one batch, backwards"


def test_late_news_of_the_first_is_not_of_the_second(town: Town) -> None:
    known = KnownSessions()
    for each in again(town)[:4]:
        town.hears(each, known=known)

    town.hears(town.says(INTERIM, 9, download_octets=900), known=known)

    assert sessions(town) == [(NOW, NOW + timedelta(minutes=10), 1000), (NOW + timedelta(hours=1), None, 7)]


def test_an_id_may_be_used_again_and_again(town: Town) -> None:
    for hours in range(4):
        for each in (town.says(START), town.says(STOP, 10, download_octets=hours)):
            town.hears(each._replace(happened_at=each.happened_at + timedelta(hours=hours)))

    assert [octets for _, _, octets in sessions(town)] == [0, 1, 2, 3]


# ---- what this process has written ----


def test_an_interim_of_a_known_session_leaves_the_wide_row_alone(town: Town) -> None:
    known = KnownSessions()
    town.hears(town.says(START, framed_ip="10.1.0.2"), known=known)

    town.hears(town.says(INTERIM, 5, download_octets=9, framed_ip="10.1.0.3"), known=known)

    assert (town.session().framed_ip, town.counted()) == ("10.1.0.2", (0, 9, 300))


def test_an_interim_of_a_session_whose_rows_are_gone_makes_them_anew(town: Town) -> None:
    known = KnownSessions()
    town.hears(town.says(START), known=known)
    town.forgets()

    town.hears(town.says(INTERIM, 5, download_octets=9), town.says(START, acct_session_id="2"), known=known)

    assert sessions(town) == [(NOW, None, 0), (NOW, None, 9)]


def test_the_memory_of_known_sessions_is_bounded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KnownSessions, "MOST", 10)
    known = KnownSessions()

    town.hears(*(town.says(START, acct_session_id=f"{number}") for number in range(25)), known=known)

    assert len(known) <= 10


@given(
    record=st.builds(
        AccountingRecord,
        kind=st.sampled_from(AccountingKind),
        nas_id=st.integers(1, 2**31 - 1),
        happened_at=st.floats(1.6e9, 2.2e9).map(lambda at: datetime.fromtimestamp(at, UTC)),
        acct_session_id=st.text(),
        device_mac=st.sampled_from([None, MacAddress(factories.DEVICE_MAC)]),
        grant_id=st.none() | st.uuids(),
        upload_octets=st.integers(0, 2**64),
        terminate_cause=st.none() | st.sampled_from(TerminateCause),
    )
)
def test_a_record_comes_back_from_json_as_it_was(record: AccountingRecord) -> None:
    back = unpacked(json.loads(json.dumps(packed(record))))

    assert abs(back.happened_at - record.happened_at) < timedelta(milliseconds=1)
    assert back._replace(happened_at=record.happened_at) == record


# ---- silence ----


def closed(town: Town, now: datetime) -> int:
    with town.database.transaction() as db:
        return close_silent(db, now, STALE_AFTER)


def test_a_session_without_news_ends_with_its_last_news(town: Town) -> None:
    town.hears(town.says(START))
    town.hears(town.says(INTERIM, 5), now=NOW + timedelta(minutes=5))

    assert closed(town, NOW + timedelta(minutes=20)) == 0
    assert closed(town, NOW + timedelta(minutes=21)) == 1

    kept = town.session()
    assert (kept.ended_at, kept.terminate_cause) == (NOW + timedelta(minutes=5), TerminateCause.SILENCE)
    assert closed(town, NOW + timedelta(minutes=30)) == 0


def test_the_nas_knows_better_than_our_guess_when_it_stopped(town: Town) -> None:
    town.hears(town.says(START))
    closed(town, NOW + timedelta(hours=1))

    town.hears(town.says(STOP, 50), now=NOW + timedelta(hours=1, minutes=1))

    kept = town.session()
    assert (kept.ended_at, kept.terminate_cause) == (NOW + timedelta(minutes=50), TerminateCause.USER_REQUEST)


def test_a_session_that_speaks_again_after_an_outage_is_live_again(town: Town) -> None:
    town.hears(town.says(START))
    closed(town, NOW + timedelta(hours=1))
    town.hears(town.says(INTERIM, 65), now=NOW + timedelta(minutes=65))

    assert closed(town, NOW + timedelta(minutes=66)) == 0

    assert (town.session().ended_at, town.session().terminate_cause) == (None, None)


def test_a_session_that_the_nas_closed_is_not_opened_by_late_news(town: Town) -> None:
    town.hears(town.says(START), town.says(STOP, 5))
    town.hears(town.says(INTERIM, 4), now=NOW + timedelta(minutes=65))

    closed(town, NOW + timedelta(minutes=66))

    assert town.session().ended_at == NOW + timedelta(minutes=5)
