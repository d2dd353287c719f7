"""One RadSec connection without a socket: octets in, packets out."""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot.settings import Settings
from radius.certificates import Certificates
from radius.tls import (
    HANDSHAKE_LIMIT,
    IDLE_LIMIT,
    MOST_WAITING,
    PACKET_LIMIT,
    CloseReason,
    ConnectionClosed,
    TlsConnection,
    names_of,
)
from tests.radius.packets import packet
from tests.radius.tls_peers import SERVER_NAME, Files, Town, nas_context, start, status_server

NOW = datetime.now(UTC)  # OpenSSL looks at the machine's own clock


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def nas(town: Town) -> Files:
    return town.certificate("nas-1")


@pytest.fixture
def ours(town: Town, settings: Settings) -> TlsConnection:
    return TlsConnection(Certificates(town.settings(settings)).context, NOW)


class Peer:
    """The other side, in memory too."""

    def __init__(self, context: ssl.SSLContext, ours: TlsConnection) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=SERVER_NAME)
        self._ours = ours

    def connect(self) -> "Peer":
        """Both sides in turn until ours is open."""
        for _ in range(6):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                self._give()
                raise
            self._give()
            self._take()
        return self

    def octets(self, clear: bytes) -> bytes:
        """As they are on the wire."""
        self.tls.write(clear)
        return self._outgoing.read()

    def heard(self) -> bytes:
        self._take()
        return self.tls.read(65536)

    def _give(self) -> None:
        if self._outgoing.pending:
            self._ours.receive(self._outgoing.read(), NOW)

    def _take(self) -> None:
        self._incoming.write(bytes(self._ours.to_send))
        self._ours.to_send.clear()


@pytest.fixture
def peer(town: Town, nas: Files, ours: TlsConnection) -> Peer:
    return Peer(nas_context(town, nas), ours).connect()


def closed(call: Callable[[], object]) -> CloseReason:
    with pytest.raises(ConnectionClosed) as caught:
        call()
    return caught.value.reason


# ---- who it is ----


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_our_authority_opens_it_and_names_the_nas(
    town: Town, nas: Files, ours: TlsConnection, version: ssl.TLSVersion
) -> None:
    Peer(nas_context(town, nas, version), ours).connect()

    assert ours.is_open
    assert ours.certificate_names == ("nas-1",)
    assert ours.certificate_ends_at is not None
    assert ours.certificate_ends_at > NOW


def refused(ours: TlsConnection, context: ssl.SSLContext) -> CloseReason:
    return closed(Peer(context, ours).connect)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_certificate_opens_nothing(town: Town, ours: TlsConnection, version: ssl.TLSVersion) -> None:
    assert refused(ours, nas_context(town, None, version)) is CloseReason.NO_CERTIFICATE
    assert ours.to_send  # the alert that says so


def test_an_older_tls_opens_nothing(town: Town, nas: Files, ours: TlsConnection) -> None:
    assert refused(ours, nas_context(town, nas, ssl.TLSVersion.TLSv1_1)) is CloseReason.TLS_TOO_OLD


def test_an_expired_certificate_opens_nothing(town: Town, ours: TlsConnection) -> None:
    expired = town.certificate("expired", age_days=20, days=10)

    assert refused(ours, nas_context(town, expired)) is CloseReason.CERTIFICATE_NOT_TRUSTED


def test_a_certificate_of_another_authority_opens_nothing(town: Town, ours: TlsConnection, tmp_path: Path) -> None:
    other = Town(tmp_path).certificate("nas-1")

    assert refused(ours, nas_context(town, other)) is CloseReason.CERTIFICATE_NOT_TRUSTED


def test_the_servers_own_certificate_is_no_nas(town: Town, ours: TlsConnection) -> None:
    assert refused(ours, nas_context(town, town.server)) is CloseReason.CERTIFICATE_NOT_TRUSTED


def test_a_nas_that_does_not_trust_us_says_so(nas: Files, ours: TlsConnection, tmp_path: Path) -> None:
    assert refused(ours, nas_context(Town(tmp_path), nas)) is CloseReason.OUR_CERTIFICATE_REFUSED


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", id="HTTP"),
        pytest.param(packet(1, [(1, b"a-login")]), id="RADIUS over plain TCP"),
        pytest.param(bytes(100), id="zeros"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
    ],
)
def test_what_is_not_tls_ends_it(ours: TlsConnection, octets: bytes) -> None:
    assert closed(lambda: ours.receive(octets, NOW)) is CloseReason.NOT_TLS


def test_any_garbage_ends_it_with_a_reason(town: Town, settings: Settings) -> None:
    context = Certificates(town.settings(settings)).context
    for _ in range(200):
        fresh = TlsConnection(context, NOW)
        closed(lambda fresh=fresh: [fresh.receive(os.urandom(64), NOW) for _ in range(600)])  # type: ignore[misc]


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        pytest.param(
            {"subject": ((("commonName", "x"),),), "subjectAltName": (("DNS", "Nas-1.Example."), ("DNS", "b"))},
            ("nas-1.example", "b"),
            id="host names hide the common name",
        ),
        pytest.param({"subject": ((("commonName", "Library 1"),),)}, ("library 1",), id="common name"),
        pytest.param({"subject": (), "subjectAltName": (("IP Address", "192.0.2.1"),)}, (), id="none"),
    ],
)
def test_the_names_of_a_certificate(certificate: dict[str, object], names: tuple[str, ...]) -> None:
    assert names_of(certificate) == names


# ---- packets ----


def test_packets_are_cut_by_their_length_however_they_come(ours: TlsConnection, peer: Peer) -> None:
    sent = [start(1), status_server(2), packet(1, [(79, bytes(200))] * 19), start(3)]
    octets = peer.octets(b"".join(sent[:2])) + b"".join(peer.octets(sent[2][at : at + 7]) for at in range(0, 4000, 7))
    octets += peer.octets(sent[3])

    arrived = [each for at in range(0, len(octets), 11) for each in ours.receive(octets[at : at + 11], NOW)]

    assert arrived == sent


@given(cuts=st.lists(st.integers(1, 700), min_size=1, max_size=60), sizes=st.lists(st.integers(0, 16), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_way_to_cut_them_loses_or_joins_any(
    ours: TlsConnection, peer: Peer, cuts: list[int], sizes: list[int]
) -> None:
    sent = [packet(4, [(79, bytes(250))] * size, identifier=number) for number, size in enumerate(sizes)]
    stream, arrived = b"".join(sent), []
    while stream:
        for cut in cuts:
            if stream:
                arrived += ours.receive(peer.octets(stream[:cut]), NOW)
                stream = stream[cut:]

    assert arrived == sent


def test_many_at_once_come_in_order(ours: TlsConnection, peer: Peer) -> None:
    sent = [start(identifier) for identifier in range(200)]

    assert ours.receive(peer.octets(b"".join(sent)), NOW) == sent


@pytest.mark.parametrize("length", [0, 19, 4097, 65535])
def test_a_length_that_no_packet_has_ends_it(ours: TlsConnection, peer: Peer, length: int) -> None:
    header = b"\x04\x01" + length.to_bytes(2)

    assert closed(lambda: ours.receive(peer.octets(header), NOW)) is CloseReason.LENGTH_WRONG


def test_an_answer_reaches_the_other_side(ours: TlsConnection, peer: Peer) -> None:
    ours.send(b"an answer")

    assert peer.heard() == b"an answer"


def test_the_end_of_the_other_side_ends_it_after_its_last_packet(ours: TlsConnection, peer: Peer) -> None:
    assert ours.receive(peer.octets(start()), NOW) == [start()]
    assert closed(lambda: ours.receive(b"", NOW)) is CloseReason.ENDED_BY_NAS


def test_octets_that_were_changed_on_the_way_end_it(ours: TlsConnection, peer: Peer) -> None:
    octets = bytearray(peer.octets(start()))
    octets[-1] ^= 1

    assert closed(lambda: ours.receive(bytes(octets), NOW)) is CloseReason.TLS_BROKEN


# ---- what it may cost ----


def test_one_that_does_not_read_is_cut_off(ours: TlsConnection, peer: Peer) -> None:
    def answer_for_ever() -> None:
        for _ in range(MOST_WAITING):
            ours.send(bytes(4096))

    assert closed(answer_for_ever) is CloseReason.DOES_NOT_READ
    assert len(ours.to_send) < MOST_WAITING + 5000


def test_a_handshake_has_its_time(ours: TlsConnection) -> None:
    ours.check_times(NOW + HANDSHAKE_LIMIT / 2)
    ours.receive(b"\x16", NOW + HANDSHAKE_LIMIT / 2)

    assert closed(lambda: ours.check_times(NOW + HANDSHAKE_LIMIT)) is CloseReason.HANDSHAKE_TOO_SLOW


def test_a_packet_has_its_time_however_often_an_octet_comes(ours: TlsConnection, peer: Peer) -> None:
    ours.receive(peer.octets(start()[:4]), NOW)
    ours.receive(peer.octets(start()[4:5]), NOW + PACKET_LIMIT / 2)

    assert closed(lambda: ours.check_times(NOW + PACKET_LIMIT)) is CloseReason.PACKET_TOO_SLOW


def test_silence_ends_it_after_an_hour(ours: TlsConnection, peer: Peer) -> None:
    later = NOW + IDLE_LIMIT / 2
    ours.receive(peer.octets(start()), later)

    ours.check_times(later + IDLE_LIMIT - timedelta(seconds=1))
    assert closed(lambda: ours.check_times(later + IDLE_LIMIT)) is CloseReason.IDLE


def test_a_certificate_that_ends_meanwhile_ends_it(town: Town, ours: TlsConnection) -> None:
    short = town.certificate("short", days=1 / 48)
    Peer(nas_context(town, short), ours).connect()

    ours.check_times(NOW)
    assert closed(lambda: ours.check_times(NOW + timedelta(minutes=50))) is CloseReason.CERTIFICATE_EXPIRED
