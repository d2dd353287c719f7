"""The RadSec door over real sockets: who gets in, what it may cost, what goes which way."""

import os
import queue
import selectors
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotspot.services.radius_clients import RadiusClients
from hotspot.settings import Settings, SettingsError
from radius import newcomers, radsec
from radius.certificates import WARN_BEFORE, Certificates, is_for
from radius.messages import DiscardReason
from radius.radsec import Connection, RadSecDoor
from radius.tls import HANDSHAKE_LIMIT, IDLE_LIMIT
from tests.radius.packets import packet
from tests.radius.test_protocol import client
from tests.radius.tls_peers import TlsNas, Town, nas_context, start

PATIENCE = 5.0
REQUEST = start()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Town(tmp_path_factory.mktemp("town"))
    made.certificate("nas-1")
    made.certificate("stranger")
    return made


class Loop:
    """The door in a loop of its own, which gives every request back as its answer."""

    def __init__(self, settings: Settings) -> None:
        self.clients = RadiusClients(certificates=[("nas-1", client(nas_id=1)), ("nas-2", client(nas_id=2))])
        self.unknown: list[tuple[str, str]] = []
        self.answers: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self.later = timedelta(0)
        self.arrived: list[Connection] = []
        self.discard: DiscardReason | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.door = RadSecDoor(
            [self.listener],
            Certificates(settings),
            lambda: self.clients,
            lambda *known_by: self.unknown.append(known_by),
            lambda nas_id, answer: self.answers.put((nas_id, answer)),
        )
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            self.door.register(selector)
            while not self._stopped:
                for key, mask in selector.select(0.02):
                    for connection, octets in self.door.ready(key, mask, self._now()):
                        self._take(connection, octets)
                self.door.tick(self._now())
            self.door.close()

    def _take(self, connection: Connection, octets: bytes) -> None:
        self.arrived.append(connection)
        if self.discard is not None:
            self.door.discarded(connection, self.discard)
        self.door.send(connection, octets)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.later


@pytest.fixture
def loop(town: Town, settings: Settings) -> Iterator[Loop]:
    running = Loop(town.settings(settings))
    yield running
    running.stop()


def connect(town: Town, loop: Loop, name: str = "nas-1") -> TlsNas:
    kept = town.folder / f"{name}.pem"
    files = replace(town.server, certificate=kept, key=kept.with_suffix(".key"))
    return TlsNas(nas_context(town, files), loop.port)


def wait_until(is_so: Callable[[], bool]) -> None:
    patience = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < patience
        time.sleep(0.01)


# ---- who gets in ----


def test_a_known_nas_is_answered(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        assert nas.ask(REQUEST) == REQUEST

    (served,) = loop.arrived
    assert served.client is not None
    assert (served.client.nas_id, served.client.secret) == (1, b"radsec")


def test_an_unknown_certificate_is_cut_off_and_named(town: Town, loop: Loop) -> None:
    with connect(town, loop, "stranger") as nas:
        assert nas.is_cut_off()

    assert loop.unknown == [("stranger", "127.0.0.1")]
    assert loop.arrived == []


def test_a_nas_added_afterwards_gets_in(town: Town, loop: Loop) -> None:
    loop.clients = RadiusClients(certificates=[("stranger", client(nas_id=3))])

    with connect(town, loop, "stranger") as nas:
        assert nas.ask(REQUEST) == REQUEST


def test_a_nas_that_staff_remove_is_cut_off_within_seconds(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)

        loop.clients = RadiusClients()

        assert nas.is_cut_off()


def test_a_certificate_that_staff_give_to_another_nas_begins_anew(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)

        loop.clients = RadiusClients(certificates=[("nas-1", client(nas_id=9))])

        assert nas.is_cut_off()


def test_what_staff_change_of_a_nas_holds_on_an_open_connection(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
        loop.clients = RadiusClients(certificates=[("nas-1", client(nas_id=1, site_id=77))])

        nas.ask(REQUEST)

    assert loop.arrived[-1].client is not None
    assert loop.arrived[-1].client.site_id == 77


# ---- what it may cost ----


def test_silence_before_the_handshake_is_cut_off(loop: Loop) -> None:
    with socket.create_connection(("127.0.0.1", loop.port), timeout=PATIENCE) as silent:
        wait_until(lambda: len(loop.door._newcomers) > 0)
        loop.later = HANDSHAKE_LIMIT

        assert silent.recv(100) == b""


def test_an_idle_connection_is_cut_off(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
        loop.later = IDLE_LIMIT

        assert nas.is_cut_off()


def test_one_address_has_only_so_many_handshakes_at_once(
    loop: Loop, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MOST_HANDSHAKES_FROM_ONE", 3)
    with ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(socket.create_connection(("127.0.0.1", loop.port)))
        wait_until(lambda: len(loop.door._newcomers) == 3)

        with socket.create_connection(("127.0.0.1", loop.port), timeout=PATIENCE) as fourth:
            assert is_over(fourth)

    wait_until(lambda: len(loop.door._newcomers) == 0)
    with connect(town, loop) as nas:  # the three have gone: there is room again
        assert nas.ask(REQUEST) == REQUEST


def is_over(plain: socket.socket) -> bool:
    with suppress(ConnectionError):
        return plain.recv(1) == b""
    return True


def test_the_oldest_handshake_makes_room_for_a_new_one(town: Town, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newcomers, "MOST_HANDSHAKES", 3)
    with ExitStack() as opened:
        silent = [
            opened.enter_context(socket.create_connection(("127.0.0.1", loop.port), timeout=PATIENCE)) for _ in range(3)
        ]
        wait_until(lambda: len(loop.door._newcomers) == 3)

        with connect(town, loop) as nas:
            assert nas.ask(REQUEST) == REQUEST

        assert is_over(silent[0])


def test_a_flood_of_connections_is_taken_slowly(loop: Loop) -> None:
    began = time.monotonic()
    with ExitStack() as opened:
        for _ in range(3 * newcomers.MOST_NEW):
            opened.enter_context(socket.create_connection(("127.0.0.1", loop.port)))

        wait_until(lambda: len(loop.door._newcomers) == 3 * newcomers.MOST_NEW)

    # the first window may have been nearly over
    assert time.monotonic() - began >= newcomers.WINDOW.total_seconds() - 0.01


def test_one_nas_too_many_times_loses_the_connection_it_used_longest_ago(
    town: Town, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radsec, "MOST_OF_ONE_NAS", 2)
    with connect(town, loop) as first, connect(town, loop) as second:
        second.ask(REQUEST)
        first.ask(REQUEST)

        with connect(town, loop) as third:
            assert third.ask(REQUEST) == REQUEST
            assert second.is_cut_off()
            assert first.ask(REQUEST) == REQUEST


def test_beyond_the_most_of_all_nobody_gets_in(town: Town, loop: Loop) -> None:
    loop.door._most = 1
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
        with socket.create_connection(("127.0.0.1", loop.port), timeout=PATIENCE) as other:
            assert is_over(other)
        assert nas.ask(REQUEST) == REQUEST


def test_one_that_asks_and_never_reads_is_cut_off(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
        nas.socket.settimeout(PATIENCE)

        with suppress(OSError):  # whichever the kernel says first
            while True:
                nas.socket.sendall(packet(4, [(79, bytes(250))] * 15) * 16)

    wait_until(lambda: not loop.door._connections)


# ---- what goes which way ----


def test_an_answer_to_a_nas_that_has_gone_is_dropped(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
    wait_until(lambda: not loop.door._connections)

    loop.door.send(loop.arrived[0], b"too late")


@pytest.mark.parametrize(
    ("reason", "is_fatal"),
    [
        (DiscardReason.REQUEST_AUTHENTICATOR_WRONG, True),
        (DiscardReason.MESSAGE_AUTHENTICATOR_WRONG, True),
        (DiscardReason.ATTRIBUTE_MALFORMED, True),
        (DiscardReason.CODE_NOT_FOR_THIS_PORT, False),
        (DiscardReason.ALREADY_IN_WORK, False),
    ],
)
def test_a_packet_that_cannot_be_believed_ends_its_connection(
    town: Town, loop: Loop, reason: DiscardReason, is_fatal: bool
) -> None:
    loop.discard = reason
    with connect(town, loop) as nas:
        assert (nas.ask(REQUEST) == b"") is is_fatal


def test_a_disconnect_goes_out_on_the_connection_and_its_answer_comes_back(town: Town, loop: Loop) -> None:
    with connect(town, loop) as nas:
        nas.ask(REQUEST)
        wish, ack = packet(40, [(44, b"0000002a")]), packet(41, [])

        assert loop.door.send_to(1, wish)
        assert nas.hear() == wish
        nas.socket.sendall(ack)

        assert loop.answers.get(timeout=PATIENCE) == (1, ack)


@pytest.mark.parametrize("code", [41, 42, 44, 45])
def test_each_kind_of_answer_to_us_is_handed_on(town: Town, loop: Loop, code: int) -> None:
    with connect(town, loop) as nas:
        nas.socket.sendall(packet(code, []))

        assert loop.answers.get(timeout=PATIENCE) == (1, packet(code, []))
    assert loop.arrived == []


def test_a_nas_without_a_connection_cannot_be_asked(loop: Loop) -> None:
    assert not loop.door.send_to(1, packet(40, []))


# ---- certificates that change ----


@pytest.fixture
def own(tmp_path: Path) -> Town:
    """A town whose files a test may change."""
    (tmp_path / "own").mkdir()
    made = Town(tmp_path / "own")
    made.certificate("nas-1")
    return made


def put(source: Path, target: Path) -> None:
    shutil.copyfile(source, target.with_suffix(".new"))
    os.replace(target.with_suffix(".new"), target)


def test_a_renewed_certificate_is_shown_to_new_connections_and_the_others_go_on(own: Town, settings: Settings) -> None:
    loop = Loop(own.settings(settings))
    try:
        with connect(own, loop) as before:
            before.ask(REQUEST)
            renewed = own.certificate("127.0.0.1", is_server=True, file="renewed", days=50)
            put(renewed.certificate, own.server.certificate)
            put(renewed.key, own.server.key)
            wait_until(lambda: loop.door._certificates.ends_at > own.now + timedelta(days=40))

            with connect(own, loop) as after:
                assert after.socket.getpeercert() != before.socket.getpeercert()
                assert after.ask(REQUEST) == before.ask(REQUEST) == REQUEST
    finally:
        loop.stop()


def test_another_authority_ends_every_connection(own: Town, settings: Settings, tmp_path: Path) -> None:
    loop = Loop(own.settings(settings))
    try:
        with connect(own, loop) as nas:
            nas.ask(REQUEST)
            put(Town(tmp_path).authority.certificate, own.authority.certificate)

            assert nas.is_cut_off()
    finally:
        loop.stop()


def test_files_that_do_not_fit_leave_the_old_ones_in_force(own: Town, settings: Settings) -> None:
    certificates = Certificates(own.settings(settings))
    before = certificates.context
    own.server.key.write_text("half a key")

    assert not certificates.refresh(datetime.now(UTC))
    assert certificates.context is before


def test_files_that_do_not_fit_stop_the_start(own: Town, settings: Settings) -> None:
    put(own.authority.key, own.server.key)

    with pytest.raises(SettingsError, match="PARVIS_RADSEC"):
        Certificates(own.settings(settings))


@pytest.mark.parametrize("name", ["certificate", "key", "ca"])
def test_a_file_that_is_missing_is_named(own: Town, settings: Settings, name: str) -> None:
    missing = own.settings(settings).model_copy(update={f"radsec_{name}": own.folder / "nowhere.pem"})

    with pytest.raises(SettingsError, match=f"PARVIS_RADSEC_{name.upper()}: cannot read .*nowhere.pem"):
        Certificates(missing)


def test_the_end_of_the_certificate_is_announced_once_a_day(
    own: Town, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("radius.certificates.log.warning", lambda event, **_: said.append(event))
    certificates = Certificates(own.settings(settings))
    early = certificates.ends_at - WARN_BEFORE

    for at in (early, early + timedelta(hours=1), early + timedelta(hours=2), early + timedelta(hours=26)):
        certificates.refresh(at)

    assert said == ["radsec_certificate_ends_soon"] * 2


@pytest.mark.parametrize(
    ("name", "host", "is_right"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("2001:db8::1", "2001:db8::1", True),
        ("radius.commune.example", "RADIUS.Commune.Example", True),
        ("*.commune.example", "radius.commune.example", True),
        ("*.commune.example", "a.radius.commune.example", False),
        ("*.commune.example", "commune.example", False),
        ("radius.commune.example", "127.0.0.1", False),
    ],
)
def test_a_certificate_is_for_the_names_in_it(tmp_path: Path, name: str, host: str, is_right: bool) -> None:
    server = Town(tmp_path).certificate(name, is_server=True, file="server")

    assert is_for(server.certificate, host) is is_right
