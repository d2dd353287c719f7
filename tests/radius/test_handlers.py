"""A batch -> one transaction -> its replies: what is answered, what stays silent, and in whose words it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.adapters.last_refusal import LastRefusals
from hotspot.adapters.one_time_login import OneTimeLogins, make_one_time_login
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import Admission, Nas, WifiSession, WifiSessionCounter
from hotspot.policy.admission import GrantTerms
from hotspot.policy.allowances import Usage
from hotspot.sealing import Vault
from hotspot.services.accounting import unpacked
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.settings import Settings
from hotspot.values import RefusalReason, TerminateCause
from radius.attributes import ReplyWriter, shortened
from radius.handlers import AccountingHandler, LoginHandler, write_journalled_answers, write_journalled_records
from radius.journal import Journal
from radius.lanes import Answers
from radius.messages import Accept, Acknowledge, DiscardReason, Door, Reject
from radius.protocol import Ask, Exchange, RadiusProtocol
from radius.scribe import Scribe
from tests import factories
from tests.radius.packets import Attributes, accounting, hidden_password, integer, signed, status, vendor

NOW = factories.NOW
SOURCE = ("192.0.2.1", 40_000)


class Desk:
    """One NAS at 192.0.2.1, and the handlers that answer it. What they put into a journal waits until `written`."""

    def __init__(self, database: Database, redis: "Redis", settings: Settings, vault: Vault, **nas: Any) -> None:
        self.database = database
        with database.transaction() as db:
            made = factories.make_nas(db, networks=("192.0.2.1/32",), **nas)
            self.nas_id, self.site_id = made.id, made.site_id
        with database.reading() as db:
            self.protocol = RadiusProtocol(RadiusClientReader(vault).read(db))
        self.logins = OneTimeLogins(redis, timedelta(seconds=120))
        self.refusals = LastRefusals(redis)
        folder = settings.var_dir / "journal"
        self.answered = Journal(folder / "answers")
        self.accounting = Journal(folder / "accounting")
        self.refused = Journal(folder / "refused")
        self.writer = ReplyWriter(settings, vault)
        self.handlers = {
            Door.AUTHENTICATION: self.login_handler(redis),
            Door.ACCOUNTING: AccountingHandler(database, Scribe("accounting", self.accounting, self.write_records)),
        }
        self._identifier = 0

    def login_handler(self, redis: "Redis") -> LoginHandler:
        logins = OneTimeLogins(redis, timedelta(seconds=120))
        return LoginHandler(
            logins, LastRefusals(redis), self.writer, Scribe("answers", self.answered, self.write_answers)
        )

    def write_records(self, batches: list[Any]) -> None:
        write_journalled_records(self.database, batches, self.refused)

    def write_answers(self, batches: list[Any]) -> None:
        write_journalled_answers(self.database, batches)

    def written(self) -> None:
        """What the scribes do as soon as the database is there."""
        self.answered.replay(self.write_answers)
        self.accounting.replay(self.write_records)

    def exchange(self, datagram: bytes, door: Door = Door.ACCOUNTING, at: datetime = NOW) -> Exchange:
        self._identifier += 1
        step = self.protocol.receive(datagram, (SOURCE[0], SOURCE[1] + self._identifier), door, at)
        assert isinstance(step, Ask), step
        return step.exchange

    def reports(self, attributes: Attributes) -> Exchange:
        return self.exchange(accounting(attributes))

    def logs_in(self, password: str | None = None, **terms: Any) -> Exchange:
        """With a one-time login that the portal has just given; a wrong password if one is given here."""
        given = GrantTerms(**{"grant_id": uuid4(), "ends_at": NOW + timedelta(hours=1)} | terms)
        login = make_one_time_login(self.nas_id, factories.DEVICE_MAC, given, Usage())
        self.logins.store(login)
        hidden = hidden_password((password or login.password).encode())
        attributes = [(1, login.user_name.encode()), (2, hidden), (31, b"02-00-00-00-00-01")]
        return self.exchange(signed(1, attributes), Door.AUTHENTICATION)

    def answers(self, *exchanges: Exchange) -> Answers:
        """Each at its own door."""
        together = Answers()
        for door, handler in self.handlers.items():
            batch = [each for each in exchanges if each.is_for_authentication is (door is Door.AUTHENTICATION)]
            if batch:
                answers = handler(batch)
                together.replies += answers.replies
                together.silent += answers.silent
        return together

    def session(self) -> WifiSession:
        with self.database.reading() as db:
            return db.scalars(select(WifiSession)).one()

    def admissions(self) -> list[RefusalReason | None]:
        with self.database.reading() as db:
            return list(db.scalars(select(Admission.refusal)))

    def counted(self) -> tuple[int, int]:
        with self.database.reading() as db:
            kept = db.scalars(select(WifiSessionCounter)).one()
        return kept.upload_octets, kept.download_octets


@pytest.fixture
def desk(any_database: Database, redis: "Redis", settings: Settings, vault: Vault) -> Desk:
    return Desk(any_database, redis, settings, vault)


def test_a_mixed_batch_is_answered_each_in_its_way(desk: Desk) -> None:
    batch = [
        desk.logs_in(),
        desk.reports(status(1)),
        desk.logs_in(password="wrong"),
        desk.exchange(signed(12, []), Door.AUTHENTICATION),
        desk.exchange(signed(12, []), Door.ACCOUNTING),
    ]

    answers = desk.answers(*batch)

    replies = dict(answers.replies)
    assert [type(replies[each]) for each in batch] == [Accept, Acknowledge, Reject, Accept, Acknowledge]
    assert answers.silent == []


def test_an_accept_carries_the_limits_and_cites_the_grant(desk: Desk) -> None:
    grant_id = uuid4()

    ((_, reply),) = desk.answers(desk.logs_in(grant_id=grant_id, download_kbps=4000)).replies

    assert isinstance(reply, Accept)
    attributes = dict(reply.attributes)
    assert attributes["Class"] == grant_id.bytes
    assert attributes["Session-Timeout"] == 3600
    assert attributes["Acct-Interim-Interval"] == 300
    assert attributes["WISPr-Bandwidth-Max-Down"] == 4_000_000
    assert "/online/" in str(attributes["WISPr-Redirection-URL"])


def test_a_reject_says_why_in_the_language_of_the_place(desk: Desk) -> None:
    ((_, reply),) = desk.answers(desk.logs_in(ends_at=NOW)).replies

    assert isinstance(reply, Reject)
    attributes = dict(reply.attributes)
    assert set(attributes) == {"Reply-Message", "WISPr-Redirection-URL"}
    assert "/refused/grant_ended" in str(attributes["WISPr-Redirection-URL"])


def test_a_sentence_is_cut_between_characters() -> None:
    assert len(shortened("é" * 200).encode()) == 252


# ---- what cannot be kept ----


@pytest.fixture
def away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The database is away until it is undone."""

    @contextmanager
    def nobody(_self: Database) -> Iterator[Session]:
        raise Unavailable("database")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(Database, "at_once", nobody)
        yield patched


def test_while_the_database_is_away_all_is_answered_and_written_when_it_is_back(
    desk: Desk, away: pytest.MonkeyPatch
) -> None:
    batch = [desk.logs_in(), desk.reports(status(1)), desk.exchange(signed(12, []), Door.ACCOUNTING)]

    answers = desk.answers(*batch)

    assert [type(reply) for _, reply in answers.replies] == [Accept, Acknowledge, Acknowledge]
    with pytest.raises(Unavailable):
        desk.written()
    away.undo()
    desk.written()
    assert desk.session().started_at == NOW
    assert desk.admissions() == [None]


def test_what_waits_in_the_journal_keeps_the_time_at_which_it_came(desk: Desk, away: pytest.MonkeyPatch) -> None:
    desk.answers(desk.reports(status(1)))
    desk.answers(desk.exchange(accounting(status(3, more=[(43, integer(7))])), at=NOW + timedelta(minutes=5)))
    away.undo()

    desk.written()

    with desk.database.reading() as db:
        kept = db.scalars(select(WifiSessionCounter)).one()
    assert (kept.upload_octets + kept.download_octets, kept.updated_at) == (7, NOW + timedelta(minutes=5))


def test_after_a_failure_the_database_is_left_alone_for_a_second(desk: Desk, away: pytest.MonkeyPatch) -> None:
    desk.answers(desk.reports(status(1)))
    away.undo()

    desk.answers(desk.reports(status(1, session=b"2")))
    assert not desk.accounting.is_empty
    with desk.database.reading() as db:
        assert db.scalars(select(WifiSession)).all() == []

    desk.answers(desk.exchange(accounting(status(1, session=b"3")), at=NOW + timedelta(seconds=2)))
    assert desk.session().acct_session_id == "3"


def test_what_can_be_kept_nowhere_is_not_answered(
    desk: Desk, away: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Unavailable("journal")

    monkeypatch.setattr(Journal, "append", full)
    batch = [desk.logs_in(), desk.reports(status(1))]

    assert desk.answers(*batch).silent == [(each, DiscardReason.JOURNAL_FULL) for each in batch]
    asks = desk.exchange(signed(12, []), Door.ACCOUNTING)
    assert desk.answers(asks).silent == [(asks, DiscardReason.JOURNAL_FULL)], "Status-Server: no, I cannot serve"


def test_without_redis_accounting_goes_on(desk: Desk) -> None:
    asking, reporting = desk.logs_in(), desk.reports(status(1))
    desk.handlers[Door.AUTHENTICATION] = desk.login_handler(Redis.from_url("unix:///nowhere/redis.sock"))

    asks = desk.exchange(signed(12, []), Door.AUTHENTICATION)
    answers = desk.answers(asking, reporting)

    assert answers.replies == [(reporting, Acknowledge())]
    assert answers.silent == [(asking, DiscardReason.REDIS_AWAY)]
    assert desk.answers(asks).silent == [(asks, DiscardReason.REDIS_AWAY)]
    assert desk.session().ended_at is None


def test_a_packet_that_the_database_refuses_silences_no_neighbour(desk: Desk) -> None:
    stranger = desk.reports(status(1, session=b"poison"))
    stranger.client = replace(stranger.client, nas_id=987_654)  # the snapshot had it, and it was deleted since
    batch = [desk.reports(status(1, session=b"%d" % number)) for number in range(9)]
    batch.insert(4, stranger)

    answers = desk.answers(*batch)

    assert answers.silent == [(stranger, DiscardReason.CANNOT_BE_RECORDED)]
    assert len(answers.replies) == 9
    with desk.database.reading() as db:
        assert len(db.scalars(select(WifiSession)).all()) == 9


def test_what_was_answered_and_is_refused_later_is_kept_aside(desk: Desk, away: pytest.MonkeyPatch) -> None:
    stranger = desk.reports(status(1, session=b"poison"))
    stranger.client = replace(stranger.client, nas_id=987_654)
    desk.answers(desk.reports(status(1)), stranger)
    away.undo()

    desk.written()

    assert desk.session().ended_at is None
    kept_aside: list[Any] = []
    desk.refused.replay(kept_aside.extend)
    ((_moment, (record,)),) = kept_aside
    assert unpacked(record).nas_id == 987_654


def test_a_refusal_is_remembered_for_the_page_that_comes_next(desk: Desk) -> None:
    desk.answers(desk.logs_in(password="wrong"))

    assert desk.refusals.find(desk.nas_id, factories.DEVICE_MAC) is RefusalReason.WRONG_PASSWORD
    desk.written()
    assert desk.admissions() == [RefusalReason.WRONG_PASSWORD]


# ---- in whose words it is kept ----


def test_input_is_upload_as_rfc_2866_has_it(desk: Desk) -> None:
    desk.answers(desk.reports(status(3, more=[(42, integer(10)), (43, integer(200))])))

    assert desk.counted() == (10, 200)


@pytest.mark.parametrize(
    ("nas", "more"),
    [
        pytest.param({}, [vendor(14559, 10, integer(2))], id="CoovaChilli says so on the packet"),
        pytest.param({"vendor": "mikrotik", "swaps_octets": True}, [], id="staff have said so"),
    ],
)
def test_input_is_download_where_the_nas_counts_the_other_way_round(
    any_database: Database,
    redis: "Redis",
    settings: Settings,
    vault: Vault,
    nas: dict[str, Any],
    more: list[tuple[int, bytes]],
) -> None:
    desk = Desk(any_database, redis, settings, vault, **nas)

    desk.answers(desk.reports(status(3, more=[*more, (42, integer(10)), (43, integer(200))])))

    assert desk.counted() == (200, 10)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([(40, integer(1)), (44, b"1"), (6, integer(6))], id="an administrator's"),
        pytest.param([(40, integer(1)), (44, b"1"), (31, b"00-00-00-00-00-00")], id="the NAS's own"),
        pytest.param([(40, integer(15)), (44, b"1")], id="a status of no session"),
    ],
)
def test_a_session_that_is_nobodys_is_acknowledged_but_not_kept(
    desk: Desk, attributes: list[tuple[int, bytes]]
) -> None:
    answers = desk.answers(desk.reports(attributes))

    assert [reply for _, reply in answers.replies] == [Acknowledge()]
    with desk.database.reading() as db:
        assert db.scalars(select(WifiSession)).all() == []


def test_an_off_ends_sessions_though_it_is_sent_for_nobody(desk: Desk) -> None:
    desk.answers(desk.reports(status(1)))

    desk.answers(desk.reports([(40, integer(8)), (31, b"00-00-00-00-00-00"), (6, integer(6))]))

    assert desk.session().terminate_cause is TerminateCause.NAS_REBOOT


@pytest.mark.parametrize(
    ("more", "started_at"),
    [
        pytest.param([], NOW, id="on arrival"),
        pytest.param([(41, integer(90))], NOW - timedelta(seconds=90), id="less Acct-Delay-Time"),
        pytest.param(
            [(55, integer(int(NOW.timestamp()) - 299))], NOW - timedelta(seconds=299), id="near Event-Timestamp"
        ),
        pytest.param([(55, integer(int(NOW.timestamp()) - 301))], NOW, id="a clock that is slow"),
        pytest.param([(55, integer(int(NOW.timestamp()) + 60))], NOW, id="a clock that is fast"),
        pytest.param([(55, integer(17))], NOW, id="a clock at 1970"),
        pytest.param(
            [(41, integer(3600)), (55, integer(int(NOW.timestamp()) - 3590))],
            NOW - timedelta(seconds=3590),
            id="both, long ago",
        ),
        pytest.param([(41, integer(2**32 - 1))], NOW - timedelta(days=30), id="a delay beyond belief"),
    ],
)
def test_when_it_happened(desk: Desk, more: list[tuple[int, bytes]], started_at: datetime) -> None:
    desk.answers(desk.reports(status(1, more=more)))

    assert desk.session().started_at == started_at


def test_class_finds_the_grant_and_the_access_point_finds_the_site(desk: Desk) -> None:
    with desk.database.transaction() as db:
        nas = db.get_one(Nas, desk.nas_id)
        square = factories.make_site(db, organisation=nas.organisation)
        factories.make_access_point(db, nas=nas, site=square, called_station_id="02aa00000001")
        grant_id = factories.make_grant(db, nas=nas, site=nas.site).id
        square_id = square.id
    with desk.database.reading() as db:
        desk.protocol.clients = RadiusClientReader(factories.VAULT).read(db)

    desk.answers(
        desk.reports(status(1, more=[(25, b"a proxy's"), (25, grant_id.bytes), (30, b"02:AA:00:00:00:01:Town Wi-Fi")]))
    )

    assert (desk.session().grant_id, desk.session().site_id) == (grant_id, square_id)


def test_an_accounting_packet_of_any_octets_is_kept_or_discarded_but_never_breaks(desk: Desk) -> None:
    odd = [(1, b"\xff\0{},\"'NULL"), (31, b"\0" * 253), (30, b"\xfe" * 253), (8, b"\1"), (25, b"\0" * 16), (26, b"\1")]

    answers = desk.answers(desk.reports([(40, integer(2)), (44, b"\0\xff" * 100), *odd]))

    assert [reply for _, reply in answers.replies] == [Acknowledge()]
    assert desk.session().user_name == "\\xff\\x00{},\"'NULL"
