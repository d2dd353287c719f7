"""RADIUS as an access point speaks it: one datagram repeated until it is answered, and changes that come back."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pyrad.dictionary import Dictionary
from pyrad.packet import AccessRequest, AccountingResponse, AcctPacket, AuthPacket, CoAPacket, Packet, PacketError

Attributes = Sequence[tuple[str, str | int | bytes]]

COPIES = 5
_DICTIONARY = Dictionary(str(Path(__file__).with_name("dictionary")))
_MESSAGE_AUTHENTICATOR = 80


def access_request(identifier: int, secret: str, attributes: Attributes, password: str | None = None) -> AuthPacket:
    """Message-Authenticator comes last, as both brands send it. `password` is sent as User-Password."""
    packet = AuthPacket(AccessRequest, identifier, secret.encode(), dict=_DICTIONARY)
    packet.add_message_authenticator()
    for name, value in attributes:
        hidden = password is not None and name == "User-Password"
        _add(packet, name, packet.PwCrypt(password) if hidden else value)
    packet.move_to_end(_MESSAGE_AUTHENTICATOR)
    return packet


def accounting_request(identifier: int, secret: str, attributes: Attributes) -> AcctPacket:
    packet = AcctPacket(id=identifier, secret=secret.encode(), dict=_DICTIONARY)
    for name, value in attributes:
        _add(packet, name, value)
    return packet


def read_change(datagram: bytes, secret: str) -> CoAPacket | None:
    """A CoA-Request or Disconnect-Request, or None if it is malformed or the secret is another."""
    try:
        packet = CoAPacket(packet=datagram, secret=secret.encode(), dict=_DICTIONARY)
        return packet if packet.VerifyCoARequest() else None
    except (PacketError, ValueError):
        return None


def _add(packet: Packet, name: str, value: str | int | bytes) -> None:
    """Octets go in raw: pyrad reads `0x..` and digits in them as something else."""
    if isinstance(value, bytes):
        packet[_DICTIONARY[name].code] = [value]
    else:
        packet.AddAttribute(name, value)


def first(packet: Packet, name: str) -> str | None:
    values = packet.get(name)
    return str(values[0]) if values else None


def first_int(packet: Packet, name: str) -> int:
    """0 where there is none: to both brands that is "no limit"."""
    values = packet.get(name)
    return values[0] if values and isinstance(values[0], int) else 0


def every(packet: Packet, name: str) -> list[str]:
    return [str(value) for value in packet.get(name, [])]


def first_octets(packet: Packet, code: int) -> bytes | None:
    values = packet.get(code)
    return bytes(values[0]) if values else None


def readable(packet: Packet) -> list[tuple[str, str]]:
    """Names and values for people. Passwords and proofs are shown as octets, as on the wire."""
    return [
        (str(key), value.hex() if isinstance(value, bytes) else str(value))
        for key in packet.keys()  # noqa: SIM118 - pyrad's keys() gives names, iteration gives codes
        for value in packet[key]
    ]


def converse(
    request: Packet,
    send: Callable[[bytes], object],
    receive: Callable[[float], bytes | None],
    timeout: float,
    copies: int = COPIES,
) -> Packet | None:
    """The authentic answer, or None when `copies` equal datagrams, `timeout` apart, brought none."""
    datagram = request.RequestPacket()
    for _ in range(copies):
        send(datagram)
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            answer = receive(left)
            reply = authentic(request, answer) if answer is not None else None
            if reply is not None:
                return reply
    return None


def authentic(request: Packet, datagram: bytes) -> Packet | None:
    try:
        reply = request.CreateReply(packet=datagram)
    except (PacketError, ValueError):
        return None
    return reply if request.VerifyReply(reply, datagram) else None


def ask_once(request: Packet, source: str, server: tuple[str, int], timeout: float) -> Packet | None:
    """From a random port, connected, so that only the server's own address and port can answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect(server)

        def receive(left: float) -> bytes | None:
            sock.settimeout(left)
            try:
                return sock.recv(4096)
            except TimeoutError:
                return None
            except ConnectionRefusedError:  # the server's machine says that nobody listens: wait all the same
                time.sleep(left)
                return None

        def send(datagram: bytes) -> None:
            try:
                sock.send(datagram)
            except ConnectionRefusedError:  # of the datagram before
                sock.send(datagram)

        return converse(request, send, receive, timeout)


class ControlPort:
    """The port for changes. CoovaChilli's accounting leaves from it too, so answers and requests both arrive here."""

    def __init__(self, address: tuple[str, int], secret: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._secret = secret
        self._waiting: dict[int, queue.Queue[bytes]] = {}
        self._lock = threading.Lock()
        self._next_id = 0
        self._closed = False

    @property
    def number(self) -> int:
        return int(self._socket.getsockname()[1])

    def account(
        self, attributes: Attributes, server: tuple[str, int], timeout: float, copies: int = COPIES
    ) -> tuple[AcctPacket, Packet | None]:
        """The request as sent, and its answer or None."""
        answers: queue.Queue[bytes] = queue.Queue()
        identifier = self._claim_id(answers)
        request = accounting_request(identifier, self._secret, attributes)

        def receive(left: float) -> bytes | None:
            try:
                return answers.get(timeout=left)
            except queue.Empty:
                return None

        try:
            return request, converse(request, lambda raw: self._socket.sendto(raw, server), receive, timeout, copies)
        finally:
            with self._lock:
                del self._waiting[identifier]

    def _claim_id(self, answers: "queue.Queue[bytes]") -> int:
        with self._lock:
            while self._next_id in self._waiting:
                self._next_id = (self._next_id + 1) % 256
            identifier, self._next_id = self._next_id, (self._next_id + 1) % 256
            self._waiting[identifier] = answers
            return identifier

    def listen(self, on_change: Callable[[bytes, str], bytes | None]) -> None:
        """Until the socket is closed. `on_change`: (datagram, from which address) -> the answer, or None for none."""
        while not self._closed:
            try:
                datagram, source = self._socket.recvfrom(4096)
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            if source is None:  # close() wakes us with an empty datagram from nowhere
                return
            if len(datagram) >= 20 and datagram[0] == AccountingResponse:
                with self._lock:
                    waiting = self._waiting.get(datagram[1])
                if waiting is not None:
                    waiting.put(datagram)
                continue
            answer = on_change(datagram, source[0])
            if answer is not None:
                self._socket.sendto(answer, source)

    def close(self) -> None:
        """shutdown() wakes the listener, although it complains about a socket that has no peer."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
