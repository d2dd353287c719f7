"""A RADIUS server that does as each test tells it, and a clock that stands still."""

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from pyrad.packet import AccessAccept, AcctPacket, AuthPacket, Packet

from simulator.access_point import AccessPoint
from simulator.brand import Response
from simulator.config import Place, PocketConfig
from simulator.coovachilli_redirect import login_key
from simulator.phones import Phone
from simulator.radius import _DICTIONARY

SECRET = "testing123"
PATIENCE = 5.0

CONFIG = PocketConfig(
    portal_url="http://portail.example/hotspot",
    secret=SECRET,
    nas_identifier="lab-nas-1",
    uamsecret="uamsecret",
    uam_host="10.1.0.1",
    places=(
        Place("Lab Library", "02-00-00-00-00-FE", "Lab"),
        Place("Lab Square", "02-00-00-00-00-FD"),
    ),
    coa_port=0,
    radius_timeout=0.1,
)


@dataclass
class RadiusServer:
    """Answers logins with `answer` and notes all that it is told. `answer` None is silence."""

    answer: Callable[[AuthPacket], tuple[int, dict[str, str | int | bytes]]] | None = None
    answers_accounting: bool = True
    datagrams: list[bytes] = field(default_factory=list)
    logins: list[AuthPacket] = field(default_factory=list)
    records: list[AcctPacket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth, self.acct = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock, serve in ((self.auth, self._on_login), (self.acct, self._on_record)):
            sock.bind(("127.0.0.1", 0))
            threading.Thread(target=self._serve, args=(sock, serve), daemon=True).start()

    def ports(self) -> dict[str, int]:
        return {"auth_port": self.auth.getsockname()[1], "acct_port": self.acct.getsockname()[1]}

    def _serve(self, sock: socket.socket, on_packet: Callable[[bytes], Packet | None]) -> None:
        while True:
            try:
                datagram, source = sock.recvfrom(4096)
            except OSError:
                return
            if source is None:
                return
            reply = on_packet(datagram)
            if reply is not None:
                with suppress(OSError):  # the test was over first
                    sock.sendto(reply.ReplyPacket(), source)

    def _on_login(self, datagram: bytes) -> Packet | None:
        request = AuthPacket(packet=datagram, secret=SECRET.encode(), dict=_DICTIONARY)
        self.datagrams.append(datagram)
        self.logins.append(request)
        if self.answer is None:
            return None
        code, attributes = self.answer(request)
        reply = request.CreateReply()
        reply.code = code
        for name, value in attributes.items():
            if isinstance(value, bytes):
                reply[_DICTIONARY[name].code] = [value]
            else:
                reply[name] = value
        return reply

    def _on_record(self, datagram: bytes) -> Packet | None:
        request = AcctPacket(packet=datagram, secret=SECRET.encode(), dict=_DICTIONARY)
        if not request.VerifyAcctRequest():
            return None
        self.records.append(request)
        return request.CreateReply() if self.answers_accounting else None

    def accepts(self, **attributes: str | int | bytes) -> None:
        named = {name.replace("_", "-"): value for name, value in attributes.items()}
        self.answer = lambda _request: (AccessAccept, named)

    def record(self, status: int) -> AcctPacket:
        """The first record with this Acct-Status-Type; waits for it."""
        return self.all_records(status, 1)[0]

    def all_records(self, status: int, count: int) -> list[AcctPacket]:
        until = time.monotonic() + PATIENCE
        while True:
            found = [each for each in list(self.records) if each["Acct-Status-Type"][0] == status]
            if len(found) >= count or time.monotonic() > until:
                assert len(found) >= count, f"{len(found)} of {count} with status {status}"
                return found
            time.sleep(0.005)

    def close(self) -> None:
        for sock in (self.auth, self.acct):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@dataclass
class HandClock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


MakeGate = Callable[..., AccessPoint]


def location(response: Response) -> str:
    assert response.status == 302
    return dict(response.headers)["Location"]


def parameters(response: Response) -> dict[str, str]:
    query = parse_qs(urlsplit(location(response)).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def chap(phone: Phone, password: str = "secret") -> str:
    key = login_key(phone.challenge, "uamsecret")
    return hashlib.md5(b"\0" + password.encode() + key).hexdigest()


def log_on(gate: AccessPoint, phone: Phone, **query: str) -> Response:
    if not phone.challenge:
        gate.capture(phone, "http://probe/")
    answer = gate.brand.answer(gate, phone, "/logon", {"username": "alice", "response": chap(phone), **query})
    assert answer is not None
    return answer
