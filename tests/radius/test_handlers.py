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

from hotspot.adapters.one_time_login import OneTimeLogins, make_one_time_login
from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import Admission, Nas, WifiSession, WifiSessionCounter
from hotspot.policy.admission import GrantTerms, Usage
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader
from hotspot.settings import Settings
from hotspot.values import TerminateCause
from radius.attributes import ReplyWriter, shortened
from radius.handlers import Answers, Handlers
from radius.messages import Accept, Acknowledge, DiscardReason, Door, Reject
from radius.protocol import Ask, Exchange, RadiusProtocol
from tests import factories
from tests.radius.packets import Attributes, accounting, hidden_password, integer, signed, status, vendor

NOW = factories.NOW
SOURCE = ("192.0.2.1", 40_000)


class Desk:
    """One NAS at 192.0.2.1, and the handlers that answer it."""

    def __init__(self, database: Database, redis: "Redis", settings: Settings, vault: Vault, **nas: Any) -> None:
        self.database = database
        with database.transaction() as db:
            made = factories.make_nas(db, networks=("192.0.2.1/32",), **nas)
            self.nas_id, self.site_id = made.id, made.site_id
        with database.reading() as db:
            self.protocol = RadiusProtocol(RadiusClientReader(vault).read(db))
        self.logins = OneTimeLogins(redis, timedelta(seconds=120))
        self.handlers = Handlers(database, self.logins, ReplyWriter(settings, vault))
        self._identifier = 0

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
        return self.handlers.answer(exchanges, NOW)

    def session(self) -> WifiSession:
        with self.database.reading() as db:
            return db.scalars(select(WifiSession)).one()

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


def test_without_the_database_nothing_is_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def away(_self: Database) -> Iterator[Session]:
        raise Unavailable("database")
        yield

    monkeypatch.setattr(Database, "transaction", away)
    batch = [desk.logs_in(), desk.reports(status(1)), desk.exchange(signed(12, []), Door.AUTHENTICATION)]

    answers = desk.answers(*batch)

    assert answers.replies == []
    assert answers.silent == [(each, DiscardReason.DATABASE_AWAY) for each in batch]


def test_without_redis_accounting_goes_on(
    any_database: Database, redis: "Redis", settings: Settings, vault: Vault
) -> None:
    desk = Desk(any_database, redis, settings, vault)
    asking, reporting = desk.logs_in(), desk.reports(status(1))
    away = OneTimeLogins(Redis.from_url("unix:///nowhere/redis.sock"), timedelta(seconds=120))

    answers = Handlers(any_database, away, ReplyWriter(settings, vault)).answer([asking, reporting], NOW)

    assert answers.replies == [(reporting, Acknowledge())]
    assert answers.silent == [(asking, DiscardReason.REDIS_AWAY)]
    assert desk.session().ended_at is None


def test_a_packet_that_the_database_refuses_silences_no_neighbour(desk: Desk) -> None:
    stranger = desk.reports(status(1, session=b"poison"))
    stranger.client = replace(stranger.client, nas_id=987_654)  # the snapshot had it, and it was deleted since
    batch = [desk.reports(status(1, session=b"%d" % number)) for number in range(9)]
    batch.insert(4, stranger)
    asking = desk.logs_in()

    answers = desk.answers(asking, *batch)

    assert answers.silent == [(stranger, DiscardReason.CANNOT_BE_RECORDED)]
    assert len(answers.replies) == 10
    assert isinstance(dict(answers.replies)[asking], Accept)
    with desk.database.reading() as db:
        assert len(db.scalars(select(WifiSession)).all()) == 9
        assert len(db.scalars(select(Admission)).all()) == 1


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
