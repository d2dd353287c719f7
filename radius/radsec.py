"""The RadSec door: TCP sockets with TLS, each known by its certificate, beside the UDP sockets in the same loop.

What it may cost is bounded: so many new connections in a tenth of a second, so many handshakes at once, so many
connections of one NAS and in all. UDP is served whatever happens here.
"""

import resource
import secrets
import selectors
import socket
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from hotspot.services.radius_clients import RadiusClient, RadiusClients
from radius.certificates import Certificates
from radius.messages import Code, DiscardReason
from radius.metrics import RADSEC_CERTIFICATE_END, RADSEC_CLOSED, RADSEC_CONNECTIONS
from radius.newcomers import WINDOW, Newcomers
from radius.tls import CloseReason, ConnectionClosed, TlsConnection

log = structlog.get_logger()

MOST_OF_ONE_NAS = 16
MOST = 10_000
"""Each holds some 30 kB."""
_OTHER_FILES = 256
"""Descriptors that the rest of the process needs."""
_CHECKED_AT_ONCE = 500
_MOST_WISHES = 1000
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}
"""Seconds, seconds, times, milliseconds."""
_READ_SIZE = 16 * 1024
_MOST_LOGGED = 20
_MOST_TALLIED = 1000
_ANSWERS_TO_US = {Code.DISCONNECT_ACK, Code.DISCONNECT_NAK, Code.COA_ACK, Code.COA_NAK}
_BREAKS = {
    DiscardReason.PACKET_TOO_SHORT,
    DiscardReason.LENGTH_WRONG,
    DiscardReason.ATTRIBUTE_MALFORMED,
    DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED,
    DiscardReason.MESSAGE_AUTHENTICATOR_WRONG,
    DiscardReason.REQUEST_AUTHENTICATOR_WRONG,
}
"""After these nothing on the connection can be trusted to begin where we think (RFC 6613 section 2.6.4)."""


class Connection:
    """One socket with its TLS. `client` is there from the end of the handshake."""

    __slots__ = ("address", "client", "is_closed", "key", "socket", "tls", "waits_to_write")

    def __init__(self, accepted: socket.socket, address: str, tls: TlsConnection) -> None:
        self.socket = accepted
        self.address = address
        self.tls = tls
        self.client: RadiusClient | None = None
        self.key = f"radsec/{secrets.token_hex(8)}"
        """Tells it apart from every other, of this process or another: identifiers are its own."""
        self.is_closed = False
        self.waits_to_write = False


class RadSecDoor:
    """For the thread of the loop, except `is_connected` and `send_to`."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        certificates: Certificates,
        clients: Callable[[], RadiusClients],
        on_unknown: Callable[[str, str], None],
        on_answer: Callable[[int, bytes], None],
    ) -> None:
        """`on_unknown`: a name that our authority signed and no NAS has, and the address it came from. `on_answer`: the
        number of a NAS and its answer to what `send_to` sent, as it came: it is for the receiver to check."""
        self._listeners = list(listeners)
        self._certificates = certificates
        self._clients = clients
        self._on_unknown = on_unknown
        self._on_answer = on_answer
        self._selector: selectors.BaseSelector | None = None
        self._connections: dict[Connection, None] = {}
        self._newcomers: Newcomers[Connection] = Newcomers()
        self._of_nas: dict[int, list[Connection]] = {}
        self._most = _room_for_files()
        self._is_listening = False
        self._to_check: list[Connection] = []
        self._closed: Counter[tuple[CloseReason, str]] = Counter()
        self._logged_at: datetime | None = None
        self._wishes: deque[tuple[int, bytes]] = deque()
        self._bell, self._clapper = socket.socketpair()
        self._bell.setblocking(False)
        self._clapper.setblocking(False)
        RADSEC_CERTIFICATE_END.set(certificates.ends_at.timestamp())

    def register(self, selector: selectors.BaseSelector) -> None:
        """From now on, what the selector says of a key whose `data` is not None is for `ready`."""
        self._selector = selector
        selector.register(self._bell, selectors.EVENT_READ, self._bell)
        self._listen()

    @property
    def patience(self) -> float:
        """Seconds after which `tick` is due, whether or not anything happens."""
        return 1.0 if self._is_listening and len(self._connections) <= _CHECKED_AT_ONCE else WINDOW.total_seconds()

    def ready(self, key: selectors.SelectorKey, mask: int, now: datetime) -> list[tuple[Connection, bytes]]:
        """Requests that came, each with the connection that its answer goes to."""
        if isinstance(key.data, Connection):
            return [] if key.data.is_closed else self._serve(key.data, mask, now)
        if key.data is self._bell:
            self._grant_wishes()
        else:
            self._accept(key.data, now)
        return []

    def send(self, connection: Connection, packet: bytes) -> None:
        """What a NAS that has gone asked for is lost with its connection: it asks again on another."""
        if connection.is_closed:
            return
        try:
            connection.tls.send(packet)
        except ConnectionClosed as closed:
            self._close(connection, closed.reason, closed.detail)
        else:
            self._flush(connection)

    def is_connected(self, nas_id: int) -> bool:
        """Has this NAS a connection here? From any thread."""
        return nas_id in self._of_nas

    def send_to(self, nas_id: int, packet: bytes) -> bool:
        """A request of ours (CoA, Disconnect) to a NAS, from any thread. False if it has no connection here."""
        if not self.is_connected(nas_id) or len(self._wishes) >= _MOST_WISHES:
            return False
        self._wishes.append((nas_id, packet))
        with suppress(OSError):  # full: the loop has been rung for already; closed: the server ends
            self._clapper.send(b"!")
        return True

    def discarded(self, connection: Connection, reason: DiscardReason) -> None:
        """The protocol left a packet of it unanswered."""
        if reason in _BREAKS and not connection.is_closed:
            self._close(connection, CloseReason.PACKET_NOT_BELIEVED, reason.value)

    def tick(self, now: datetime) -> None:
        """On every turn of the loop: most of them have nothing to do here."""
        if not self._newcomers.begins_window(now):
            return
        self._listen()
        self._check(now)
        if self._logged_at is None or abs(now - self._logged_at) >= timedelta(seconds=2):
            self._logged_at = now
            if self._certificates.refresh(now):
                self._close_all(CloseReason.AUTHORITY_CHANGED)
            RADSEC_CERTIFICATE_END.set(self._certificates.ends_at.timestamp())
            self._log_closed()

    def close(self) -> None:
        self._pause()
        self._close_all(CloseReason.SERVER_STOPPED)
        self._log_closed()
        for each in (self._bell, self._clapper, *self._listeners):
            each.close()

    # ---- new connections ----

    def _listen(self) -> None:
        if not self._is_listening and self._selector is not None:
            for each in self._listeners:
                self._selector.register(each, selectors.EVENT_READ, each)
            self._is_listening = True

    def _pause(self) -> None:
        if self._is_listening and self._selector is not None:
            for each in self._listeners:
                self._selector.unregister(each)
            self._is_listening = False

    def _accept(self, listener: socket.socket, now: datetime) -> None:
        while self._newcomers.has_room_in_window:
            try:
                accepted, source = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.error("radsec_not_accepted", error=error.strerror)
                self._pause()
                return
            self._newcomers.take()
            self._begin(accepted, source[0], now)
        self._pause()  # until the next window

    def _begin(self, accepted: socket.socket, address: str, now: datetime) -> None:
        reason = None
        if len(self._connections) >= self._most:
            reason = CloseReason.TOO_MANY
        elif not self._newcomers.has_room_for(address):
            reason = CloseReason.TOO_MANY_HANDSHAKES
        if reason is not None:
            accepted.close()
            self._count(reason, address)
            return
        oldest = self._newcomers.who_gives_way()
        if oldest is not None:
            self._close(oldest, CloseReason.TOO_MANY_HANDSHAKES)
        _prepare(accepted)
        connection = Connection(accepted, address, TlsConnection(self._certificates.context, now))
        self._connections[connection] = None
        self._newcomers.add(connection, address)
        self._register(connection, selectors.EVENT_READ)
        RADSEC_CONNECTIONS.set(len(self._connections))

    def _greet(self, connection: Connection) -> None:
        """Its handshake is over: who is it?"""
        self._newcomers.forget(connection)
        client = self._identify(connection)
        if client is None:
            name = (connection.tls.certificate_names or ("",))[0]
            self._on_unknown(name, connection.address)
            raise ConnectionClosed(CloseReason.UNKNOWN_CERTIFICATE, name)
        connection.client = client
        others = self._of_nas.setdefault(client.nas_id, [])
        others.append(connection)
        if len(others) > MOST_OF_ONE_NAS:  # one that lost its network without a word comes again and again
            self._close(min(others, key=lambda each: each.tls.heard_at), CloseReason.TOO_MANY_OF_ONE_NAS)
        log.info("radsec_connected", nas_id=client.nas_id, source=connection.address)

    def _identify(self, connection: Connection) -> RadiusClient | None:
        clients = self._clients()
        found = (clients.find_by_certificate(name) for name in connection.tls.certificate_names)
        return next((client for client in found if client is not None), None)

    # ---- one that is there ----

    def _serve(self, connection: Connection, mask: int, now: datetime) -> list[tuple[Connection, bytes]]:
        if mask & selectors.EVENT_WRITE:
            self._flush(connection)
        if not mask & selectors.EVENT_READ or connection.is_closed:
            return []
        try:
            octets = connection.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return []
        except OSError as error:
            self._close(connection, CloseReason.LOST, error.strerror or "")
            return []
        try:
            packets = connection.tls.receive(octets, now)
            if connection.client is None and connection.tls.is_open:
                self._greet(connection)
            self._renew(connection)
        except ConnectionClosed as closed:
            self._close(connection, closed.reason, closed.detail)
            return []
        self._flush(connection)
        return self._requests(connection, packets)

    def _requests(self, connection: Connection, packets: list[bytes]) -> list[tuple[Connection, bytes]]:
        if connection.client is None:
            return []
        requests = []
        for packet in packets:
            if packet[0] in _ANSWERS_TO_US:
                self._on_answer(connection.client.nas_id, packet)
            else:
                requests.append((connection, packet))
        return requests

    def _renew(self, connection: Connection) -> None:
        """Staff may have changed the NAS, or taken its certificate away."""
        if connection.client is None:
            return
        client = self._identify(connection)
        if client is None or client.nas_id != connection.client.nas_id:
            raise ConnectionClosed(CloseReason.NAS_REMOVED)
        connection.client = client

    def _check(self, now: datetime) -> None:
        """Some of them at a time, all within seconds: who keeps us waiting, whose NAS is no more."""
        if not self._to_check:
            self._to_check = list(self._connections)
        few = self._to_check[-_CHECKED_AT_ONCE:]
        del self._to_check[-_CHECKED_AT_ONCE:]
        for connection in few:
            if connection.is_closed:
                continue
            try:
                connection.tls.check_times(now)
                self._renew(connection)
            except ConnectionClosed as closed:
                self._close(connection, closed.reason, closed.detail)

    def _grant_wishes(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._wishes:
            nas_id, packet = self._wishes.popleft()
            open_ones = self._of_nas.get(nas_id)
            if open_ones:
                self.send(max(open_ones, key=lambda each: each.tls.heard_at), packet)

    def _flush(self, connection: Connection) -> None:
        waiting = connection.tls.to_send
        try:
            while waiting:
                del waiting[: connection.socket.send(waiting)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._close(connection, CloseReason.LOST, error.strerror or "")
            return
        if bool(waiting) != connection.waits_to_write:
            connection.waits_to_write = bool(waiting)
            self._register(connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0))

    # ---- the end of one ----

    def _close(self, connection: Connection, reason: CloseReason, detail: str = "") -> None:
        """With its alert, if it still fits into the socket."""
        connection.is_closed = True
        if connection.tls.is_open:
            connection.tls.end()
        with suppress(OSError):
            connection.socket.send(connection.tls.to_send)
        if self._selector is not None:
            self._selector.unregister(connection.socket)
        connection.socket.close()
        del self._connections[connection]
        self._newcomers.forget(connection)
        if connection.client is not None:
            others = self._of_nas[connection.client.nas_id]
            others.remove(connection)
            if not others:
                del self._of_nas[connection.client.nas_id]
        RADSEC_CONNECTIONS.set(len(self._connections))
        who = connection.address if connection.client is None else f"NAS {connection.client.nas_id}"
        self._count(reason, f"{who}, {detail}" if detail else who)

    def _close_all(self, reason: CloseReason) -> None:
        for connection in list(self._connections):
            self._close(connection, reason)

    def _count(self, reason: CloseReason, whose: str) -> None:
        RADSEC_CLOSED.labels(reason).inc()
        is_room = (reason, whose) in self._closed or len(self._closed) < _MOST_TALLIED
        self._closed[reason, whose if is_room else "others"] += 1

    def _log_closed(self) -> None:
        closed, self._closed = self._closed, Counter()
        for (reason, whose), number in closed.most_common(_MOST_LOGGED):
            log.info("radsec_closed", reason=reason.value, number=number, whose=whose)

    def _register(self, connection: Connection, mask: int) -> None:
        if self._selector is None:
            return
        if connection.socket in self._selector.get_map():
            self._selector.modify(connection.socket, mask, connection)
        else:
            self._selector.register(connection.socket, mask, connection)


def _prepare(accepted: socket.socket) -> None:
    """A NAS that lost its power says nothing: the kernel asks after a minute of silence."""
    accepted.setblocking(False)
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            accepted.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _room_for_files() -> int:
    """As many connections as this process may have descriptors for, after asking for all that it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + _OTHER_FILES if hard == resource.RLIM_INFINITY else min(MOST + _OTHER_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, wanted - _OTHER_FILES)
