"""The thread that sends wishes, against NASes that are played here: silence, IPv6, a TLS connection, no database."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.db import Database
from hotspot.errors import Unavailable
from hotspot.models import ChangeRecord, SessionWish, WifiSession, WishKind, WishReason, WishState
from hotspot.services.wish_queue import LEASE, TURN_OF_TLS, take
from hotspot.services.wishes import ask
from hotspot.settings import Settings
from radius.authenticity import SharedSecret
from radius.change_sender import ChangeSender, Connections
from tests import factories

PATIENCE = 10.0
ACK = 41


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


class FastClock:
    """Half a minute of patience is over in three seconds."""

    def __init__(self, speed: float = 10) -> None:
        self._began_at, self._began, self._speed = datetime.now(UTC), time.monotonic(), speed

    def __call__(self) -> datetime:
        return self._began_at + timedelta(seconds=self._speed * (time.monotonic() - self._began))


@dataclass
class PlayedNas:
    """Listens where a NAS would, and answers by `answers`."""

    host: str = "127.0.0.1"
    answers: bool = True
    heard: list[bytes] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((self.host, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                packet, source = self.socket.recvfrom(4096)
            except OSError:
                return
            if not packet:
                return
            self.heard.append(packet)
            self.sources.append(source[0])
            if self.answers:
                self.socket.sendto(acknowledged(packet, factories.RADIUS_SECRET.encode()), source)

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def acknowledged(packet: bytes, secret: bytes) -> bytes:
    return SharedSecret(secret).reply(ACK, packet[1], packet[4:20], b"", sign=False)


@pytest.fixture
def nas() -> Iterator[PlayedNas]:
    played = PlayedNas()
    yield played
    played.close()


@contextmanager
def sending(
    database: Database,
    settings: Settings,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    connections: Connections | None = None,
    **changes: Any,
) -> Iterator[ChangeSender]:
    sender = ChangeSender(database, settings.model_copy(update=changes), factories.VAULT, clock, connections)
    sender.start()
    try:
        yield sender
    finally:
        sender.stop()


@dataclass
class Connected:
    """TLS connections of every NAS, while `is_there`."""

    is_there: bool = True
    sent: list[tuple[int, bytes]] = field(default_factory=list)

    def is_connected(self, _nas_id: int) -> bool:
        return self.is_there

    def send_to(self, nas_id: int, packet: bytes) -> bool:
        if self.is_there:
            self.sent.append((nas_id, packet))
        return self.is_there


def wish_for(database: Database, network: str | None, port: int, now: datetime | None = None, **of_nas: Any) -> int:
    """A session at a NAS of this network is to end; the id of the NAS."""
    now = now or datetime.now(UTC)
    with database.transaction() as db:
        nas = factories.make_nas(db, networks=(network,) if network else (), coa_port=port, **of_nas)
        session = factories.make_wifi_session(db, nas=nas)
        ask(db, WifiSession.id == session.id, WishKind.DISCONNECT, WishReason.TIME_USED_UP, "system", now)
        return nas.id


def state(database: Database) -> WishState:
    with database.reading() as db:
        return db.scalars(select(SessionWish.state)).one()


def asked_at(database: Database) -> datetime:
    with database.reading() as db:
        return db.scalars(select(SessionWish.asked_at)).one()


def test_it_speaks_from_the_address_that_nases_know(database: Database, settings: Settings, nas: PlayedNas) -> None:
    wish_for(database, "127.0.0.1/32", nas.port)
    with sending(database, settings, radius_host="127.0.0.2"):
        wait_until(lambda: state(database) is WishState.ACCEPTED)

    assert nas.sources == ["127.0.0.2"]


def test_a_nas_on_ipv6_is_asked_on_ipv6(database: Database, settings: Settings) -> None:
    nas = PlayedNas("::1")
    wish_for(database, "::1/128", nas.port)
    with sending(database, settings, radius_host="::"):
        wait_until(lambda: state(database) is WishState.ACCEPTED)
    nas.close()

    assert nas.sources == ["::1"]


def test_silence_is_repeated_and_noted(database: Database, settings: Settings, nas: PlayedNas) -> None:
    nas.answers = False
    clock = FastClock()
    nas_id = wish_for(database, "127.0.0.1/32", nas.port, clock())
    with sending(database, settings, clock):
        wait_until(lambda: state(database) is WishState.NO_ANSWER)

    assert 3 <= len(nas.heard) <= 5
    assert len(set(nas.heard)) == 1
    with database.reading() as db:
        record = db.get_one(ChangeRecord, (nas_id, WishKind.DISCONNECT))
        assert record.unanswered_in_a_row == 1
        assert db.scalars(select(SessionWish.due_at)).one() is not None  # it will be tried again


def test_what_a_killed_process_had_taken_is_taken_over(
    any_database: Database, settings: Settings, nas: PlayedNas
) -> None:
    wish_for(any_database, "127.0.0.1/32", nas.port)
    with any_database.transaction() as db:
        assert len(take(db, datetime.now(UTC), settings, factories.VAULT, lambda _: False)) == 1
    with sending(any_database, settings, lambda: datetime.now(UTC) + LEASE):
        wait_until(lambda: state(any_database) is WishState.ACCEPTED)

    assert len(nas.heard) == 1


def test_two_senders_ask_once(any_database: Database, settings: Settings, nas: PlayedNas) -> None:
    with sending(any_database, settings), sending(any_database, settings):
        for _ in range(10):
            wish_for_another(any_database, nas.port)
        wait_until(lambda: len(states(any_database)) == 10 and set(states(any_database)) == {WishState.ACCEPTED})

    assert len(nas.heard) == 10


def wish_for_another(database: Database, port: int) -> None:
    with database.transaction() as db:
        known = db.scalars(select(WifiSession).limit(1)).one_or_none()
        nas = known.nas if known else factories.make_nas(db, networks=("127.0.0.1/32",), coa_port=port)
        session = factories.make_wifi_session(db, nas=nas)
        whose, now = WifiSession.id == session.id, datetime.now(UTC)
        ask(db, whose, WishKind.DISCONNECT, WishReason.TIME_USED_UP, "system", now)


def states(database: Database) -> list[WishState]:
    with database.reading() as db:
        return list(db.scalars(select(SessionWish.state)))


def test_a_nas_with_a_tls_connection_is_asked_over_it(database: Database, settings: Settings, nas: PlayedNas) -> None:
    """RFC 6614: its secret is "radsec", and nothing goes over UDP beside it."""
    nas_id = wish_for(database, "127.0.0.1/32", nas.port)
    connected = Connected()
    with sending(database, settings, connections=connected) as sender:
        wait_until(lambda: bool(connected.sent))
        sender.answered(nas_id, acknowledged(connected.sent[0][1], b"radsec"))
        wait_until(lambda: state(database) is WishState.ACCEPTED)

    assert [each for each, _ in connected.sent] == [nas_id]
    assert SharedSecret(b"radsec").has_request_authenticator(connected.sent[0][1])
    assert nas.heard == []


def test_a_nas_that_is_silent_over_tls_is_asked_at_its_address_the_next_time(
    database: Database, settings: Settings, nas: PlayedNas
) -> None:
    clock, connected = FastClock(speed=60), Connected()
    wish_for(database, "127.0.0.1/32", nas.port, clock(), certificate_name="nas-1")
    with sending(database, settings, clock, connections=connected):
        wait_until(lambda: state(database) is WishState.ACCEPTED)

    assert len(connected.sent) == 1
    assert len(nas.heard) == 1
    assert SharedSecret(factories.RADIUS_SECRET.encode()).has_request_authenticator(nas.heard[0])


def test_of_several_processes_the_one_with_the_tls_connection_asks(
    any_database: Database, settings: Settings, nas: PlayedNas
) -> None:
    """The others look first, and use no UDP beside it."""
    connected = Connected()
    nas_id = wish_for(any_database, "127.0.0.1/32", nas.port, certificate_name="nas-1")
    with (
        sending(any_database, settings),
        sending(any_database, settings),
        sending(any_database, settings, connections=connected) as sender,
    ):
        wait_until(lambda: bool(connected.sent))
        sender.answered(nas_id, acknowledged(connected.sent[0][1], b"radsec"))
        wait_until(lambda: state(any_database) is WishState.ACCEPTED)

    assert len(connected.sent) == 1
    assert nas.heard == []


def test_a_nas_with_a_certificate_and_no_connection_is_asked_at_its_address_after_a_while(
    database: Database, settings: Settings, nas: PlayedNas
) -> None:
    clock = FastClock()
    wish_for(database, "127.0.0.1/32", nas.port, clock(), certificate_name="nas-1")
    with sending(database, settings, clock):
        wait_until(lambda: state(database) is WishState.ACCEPTED)

    assert clock() - asked_at(database) >= TURN_OF_TLS


def test_a_connection_that_comes_late_is_found_by_whichever_process_has_it(
    any_database: Database, settings: Settings
) -> None:
    """Of a NAS without an address: the process without the connection does not take its wish again and again."""
    clock, connected = FastClock(), Connected(is_there=False)
    nas_id = wish_for(any_database, None, 3799, clock(), certificate_name="nas-1")
    with (
        sending(any_database, settings, clock),
        sending(any_database, settings, clock, connections=connected) as sender,
    ):
        wait_until(lambda: clock() - asked_at(any_database) > TURN_OF_TLS + timedelta(seconds=5))
        connected.is_there = True
        wait_until(lambda: bool(connected.sent))
        sender.answered(nas_id, acknowledged(connected.sent[0][1], b"radsec"))
        wait_until(lambda: state(any_database) is WishState.ACCEPTED)


def test_a_nas_without_any_way_is_given_up(database: Database, settings: Settings) -> None:
    clock = FastClock()
    wish_for(database, None, 3799, clock())
    with sending(database, settings, clock):
        wait_until(lambda: state(database) is WishState.NOT_POSSIBLE)


def test_an_answer_that_cannot_be_written_down_at_once_is_written_later(
    database: Database, settings: Settings, nas: PlayedNas
) -> None:
    """The database goes away between the question and the answer."""
    away = threading.Event()
    nas.answers = False

    class Flaky(Database):
        @contextmanager
        def reading(self) -> Iterator[Session]:
            with self._unless_away(super().reading()) as db:
                yield db

        @contextmanager
        def transaction(self) -> Iterator[Session]:
            with self._unless_away(super().transaction()) as db:
                yield db

        def _unless_away(self, opened: AbstractContextManager[Session]) -> AbstractContextManager[Session]:
            if away.is_set():
                raise Unavailable("database")
            return opened

    wish_for(database, "127.0.0.1/32", nas.port)
    with sending(Flaky(database.engine), settings) as sender:
        wait_until(lambda: bool(nas.heard))
        away.set()
        nas.answers = True
        wait_until(lambda: bool(sender._outcomes))  # repeated after two seconds, and answered
        assert state(database) is WishState.SENT
        away.clear()
        wait_until(lambda: state(database) is WishState.ACCEPTED)
