"""The rim: sockets, the keeper of the list of NASes, and `python -m radius` seen from outside."""

import signal
import socket
import time
import urllib.request
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from hotspot.db import Database, open_database
from hotspot.errors import Unavailable
from hotspot.models import (
    MessageAuthenticatorMode,
    Nas,
    NasDiscard,
    NasState,
    RadiusListener,
    SourceKind,
    UnknownSource,
)
from hotspot.sealing import Vault
from hotspot.services.radius_clients import RadiusClientReader, RadiusClients
from hotspot.settings import Settings
from radius.keeper import Keeper
from radius.messages import DiscardReason, Door
from radius.metrics import Counted
from radius.protocol import Ask, Discard, Exchange, RadiusProtocol
from radius.sockets import MOST_DATAGRAMS, drain, open_sockets
from tests import factories
from tests.radius.conftest import RadiusProcess, free_port
from tests.radius.packets import accounting, is_authentic_reply, packet, signed, status

NOW = factories.NOW
SOURCE = ("192.0.2.1", 40_000)


class Exchanged:
    """A plain client: sends a packet, waits a moment for the reply."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(2)
        self._socket.connect(("127.0.0.1", port))

    def __enter__(self) -> "Exchanged":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        self._socket.send(request)
        return self._socket.recv(4096)


def test_a_repeated_datagram_gets_the_same_octets_back(radius_process: RadiusProcess) -> None:
    request = accounting(status(1))
    with Exchanged(radius_process.acct_port) as client:
        answer = client.ask(request)

        assert is_authentic_reply(answer, request)
        assert client.ask(request) == answer


def test_rubbish_does_not_stop_it(radius_process: RadiusProcess) -> None:
    with Exchanged(radius_process.acct_port) as client:
        for rubbish in (b"", b"\x04", b"\x04\x01\xff\xff" + bytes(16), bytes(5000)):
            client._socket.send(rubbish)
        request = accounting(status(1))

        assert is_authentic_reply(client.ask(request), request)


def test_its_metrics_count_packets_and_discards(radius_process: RadiusProcess) -> None:
    with Exchanged(radius_process.acct_port) as client:
        client._socket.send(b"\x04")
        client.ask(accounting(status(1)))

    replied = 'parvis_radius_replies_total{kind="Acknowledge"} 1.0'
    patience = time.monotonic() + 5
    metrics = ""
    while replied not in metrics and time.monotonic() < patience:  # counted just after the reply has left
        with urllib.request.urlopen(f"http://127.0.0.1:{radius_process.status_port}/metrics") as page:
            metrics = page.read().decode()

    assert replied in metrics
    assert 'parvis_radius_packets_total{kind="AccountingRequest"} 1.0' in metrics
    assert 'parvis_radius_discards_total{reason="packet_too_short"} 1.0' in metrics


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_writes_down_whom_it_heard(radius_process: RadiusProcess, number: signal.Signals) -> None:
    with Exchanged(radius_process.acct_port) as client:
        client.ask(accounting(status(1)))
    assert radius_process.popen is not None

    radius_process.popen.send_signal(number)

    assert radius_process.popen.wait(timeout=30) == 0  # a disk that is busy makes it slow, not wrong
    assert "Traceback" not in radius_process.log.read_text()
    with radius_process.database.reading() as db:
        assert db.get_one(Nas, radius_process.nas_id).last_packet_at is not None


# ---- the keeper ----


def keeper(database: Database, vault: Vault, protocol: RadiusProtocol, now: datetime = NOW) -> Keeper:
    return Keeper(database, RadiusClientReader(vault), protocol, lambda: now)


def test_the_keeper_makes_a_new_nas_known_and_a_changed_one_changed(any_database: Database, vault: Vault) -> None:
    protocol = RadiusProtocol(RadiusClients())
    with any_database.transaction() as db:
        nas_id = factories.make_nas(db, networks=("192.0.2.1/32",)).id

    keeper(any_database, vault, protocol).turn()
    assert isinstance(protocol.receive(accounting(status(1)), SOURCE, Door.ACCOUNTING, NOW), Ask)

    with any_database.transaction() as db:
        db.get_one(Nas, nas_id).secret_sealed = vault.seal("another")
    keeper(any_database, vault, protocol).turn()
    assert isinstance(protocol.receive(accounting(status(1)), SOURCE, Door.ACCOUNTING, NOW), Discard)


def test_a_message_authenticator_once_seen_is_required_by_every_process_from_then_on(
    any_database: Database, vault: Vault
) -> None:
    with any_database.transaction() as db:
        mode = MessageAuthenticatorMode.AUTO
        nas_id = factories.make_nas(db, networks=("192.0.2.1/32",), message_authenticator=mode).id
    protocol = RadiusProtocol(RadiusClients())
    kept = keeper(any_database, vault, protocol)
    kept.turn()
    protocol.receive(signed(1, []), SOURCE, Door.AUTHENTICATION, NOW)

    kept.turn()

    other = RadiusProtocol(RadiusClients())
    keeper(any_database, vault, other).turn()
    assert isinstance(other.receive(packet(1, []), SOURCE, Door.AUTHENTICATION, NOW), Discard)
    with any_database.reading() as db:
        assert db.get_one(Nas, nas_id).message_authenticator_seen


def test_the_keeper_outlives_a_database_that_is_away(settings: Settings, vault: Vault, tmp_path: object) -> None:
    nowhere = open_database(settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/nowhere/none.sqlite3"}))
    kept = keeper(nowhere, vault, RadiusProtocol(RadiusClients()))
    kept.start()

    assert not kept.is_loaded(0.3)
    kept.stop()
    nowhere.dispose()


def test_a_flood_from_invented_addresses_fills_neither_memory_nor_log(
    database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, object]] = []
    monkeypatch.setattr("radius.keeper.log.warning", lambda _event, **facts: logged.append(facts))
    kept = keeper(database, vault, RadiusProtocol(RadiusClients()))
    for at in range(20_000):
        source = f"10.0.{at // 256}.{at % 256}"
        kept.counted(Counted({(DiscardReason.UNKNOWN_NAS, source): 1}, {}), NOW)
        kept.knocked(source, Door.ACCOUNTING, b"", NOW)
    held = len(kept._discarded) + len(kept._strangers._knocks)
    kept.turn()

    assert held < 1300
    assert len(logged) <= 20
    assert logged[0] == {"reason": "unknown_nas", "number": 19_000, "source": "others"}
    with database.reading() as db:
        assert len(db.scalars(select(UnknownSource)).all()) == 200


def an_exchange(database: Database, vault: Vault, request: bytes, door: Door = Door.ACCOUNTING) -> Exchange:
    with database.reading() as db:
        step = RadiusProtocol(RadiusClientReader(vault).read(db)).receive(request, SOURCE, door, NOW)
    assert isinstance(step, Ask), step
    return step.exchange


def test_heard_is_written_at_a_low_rate(database: Database, vault: Vault) -> None:
    with database.transaction() as db:
        nas_id = factories.make_nas(db, networks=("192.0.2.1/32",)).id
    exchange = an_exchange(database, vault, accounting(status(1)))
    at = [NOW]
    kept = Keeper(database, RadiusClientReader(vault), RadiusProtocol(RadiusClients()), lambda: at[0])
    written = []
    for seconds in (0, 4, 8, 11):
        at[0] = NOW + timedelta(seconds=seconds)
        kept.heard([exchange], at[0])
        kept.turn()
        with database.reading() as db:
            written.append(db.get_one(Nas, nas_id).last_packet_at)

    assert written == [NOW, NOW, NOW, NOW + timedelta(seconds=11)]


def test_what_was_learned_while_the_database_was_away_is_written_later(
    database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as db:
        nas_id = factories.make_nas(db, networks=("192.0.2.1/32",)).id
    kept = keeper(database, vault, RadiusProtocol(RadiusClients()))
    kept.heard([an_exchange(database, vault, accounting(status(1)))], NOW)
    kept.counted(Counted({(DiscardReason.LENGTH_WRONG, nas_id): 2}, {nas_id: 1}), NOW)

    with monkeypatch.context() as away:
        away.setattr(database, "transaction", _is_away)
        with pytest.raises(Unavailable):
            kept.turn()
    kept.heard([an_exchange(database, vault, accounting(status(3)))], NOW)
    kept.turn()

    with database.reading() as db:
        state = db.get_one(NasState, nas_id)
        assert (state.requests, state.repeats) == (3, 1)
        assert [each.number for each in db.scalars(select(NasDiscard))] == [2]


def _is_away() -> None:
    raise Unavailable("database")


def test_an_unknown_source_is_noted_and_no_more_once_it_is_a_nas(any_database: Database, vault: Vault) -> None:
    protocol = RadiusProtocol(RadiusClients())
    kept = keeper(any_database, vault, protocol)
    kept.knocked("::ffff:192.0.2.1", Door.ACCOUNTING, accounting(status(1, more=[(32, b"library-7")])), NOW)
    kept.turn()
    with any_database.transaction() as db:
        source = db.scalars(select(UnknownSource)).one()
        assert (source.source, source.nas_identifier, source.packets) == ("192.0.2.1", "library-7", 1)
        db.delete(source)
        factories.make_nas(db, networks=("192.0.2.1/32",))

    kept.knocked("192.0.2.1", Door.ACCOUNTING, b"", NOW)
    kept.turn(write_all=True)

    with any_database.reading() as db:
        assert db.scalars(select(UnknownSource)).all() == []


def test_an_unknown_certificate_is_noted_with_the_address_as_people_write_it(
    any_database: Database, vault: Vault
) -> None:
    kept = keeper(any_database, vault, RadiusProtocol(RadiusClients()))
    kept.presented("library-7.town.test", "::ffff:192.0.2.9")
    kept.turn()

    with any_database.reading() as db:
        source = db.scalars(select(UnknownSource)).one()
    assert (source.kind, source.source, source.address) == (SourceKind.CERTIFICATE, "library-7.town.test", "192.0.2.9")


def test_a_process_tells_of_strangers_and_repeats(radius_process: RadiusProcess) -> None:
    request = accounting(status(1))
    with Exchanged(radius_process.acct_port) as client:
        client.ask(request)
        client.ask(request)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.sendto(accounting(status(1)), ("127.0.0.1", radius_process.acct_port))
    with Exchanged(radius_process.acct_port) as client:  # answered after what came before
        client.ask(accounting(status(3)))
    assert radius_process.popen is not None
    radius_process.popen.send_signal(signal.SIGTERM)
    radius_process.popen.wait(timeout=5)

    with radius_process.database.reading() as db:
        state = db.get_one(NasState, radius_process.nas_id)
        assert (state.requests, state.repeats) == (3, 1)
        assert [each.source for each in db.scalars(select(UnknownSource))] == ["127.0.0.2"]
        assert len(db.scalars(select(RadiusListener)).all()) == 1


# ---- sockets ----


@pytest.mark.parametrize(
    ("host", "sender"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1"), ("::", "::1"), ("localhost", "127.0.0.1")],
)
def test_both_families_are_heard(host: str, sender: str) -> None:
    port = free_port(socket.SOCK_DGRAM)
    opened = open_sockets(host, port)
    family = socket.AF_INET6 if ":" in sender else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", (sender, port))
        arrived = drain(opened)
    for each in opened:
        each.close()

    assert [datagram for _, datagram, _ in arrived] == [b"hello"]


def test_two_processes_may_share_a_port() -> None:
    port = free_port(socket.SOCK_DGRAM)

    opened = open_sockets("127.0.0.1", port) + open_sockets("127.0.0.1", port)

    for each in opened:
        each.close()


def test_a_drain_shares_its_bound_among_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radius.sockets.LONGEST_DRAIN", 10)
    ports = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    first, second = (open_sockets("127.0.0.1", port)[0] for port in ports)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(250):
            client.sendto(b"one", ("127.0.0.1", ports[0]))
        client.sendto(b"two", ("127.0.0.1", ports[1]))
        arrived = drain([first, second])
    first.close()
    second.close()

    assert len(arrived) == MOST_DATAGRAMS // 2 + 1
    assert arrived[-1][1] == b"two"
