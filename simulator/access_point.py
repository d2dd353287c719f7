"""The access point itself: who is online, time that passes, traffic that flows, packets that leave and come."""

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable

from pyrad.packet import (
    AccessAccept,
    AccountingResponse,
    CoANAK,
    CoARequest,
    DisconnectNAK,
    DisconnectRequest,
    Packet,
)

from simulator.brand import Brand, Proof, Response
from simulator.config import PocketConfig
from simulator.packet_log import PacketLog
from simulator.phones import BUTTON_OCTETS, Connection, Phone, is_cookie, print_mac, random_cookie
from simulator.radius import (
    Attributes,
    ControlPort,
    access_request,
    ask_once,
    first,
    first_octets,
    read_change,
    readable,
)

START, STOP, INTERIM, ACCOUNTING_ON, ACCOUNTING_OFF = 1, 2, 3, 7, 8
CAUSES = {
    "User-Request": 1,
    "Lost-Carrier": 2,
    "Idle-Timeout": 4,
    "Session-Timeout": 5,
    "Admin-Reset": 6,
    "NAS-Reboot": 11,
}
_CLASS, _CHARGED_AS = 25, 89
_ACCOUNTANTS = 4
_MOST_PHONES = 2000
_GOODBYE_SECONDS = 0.4


class AccessPoint:
    """Its lock guards phones and connections; no packet is waited for under it."""

    def __init__(
        self, config: PocketConfig, brand: Brand, clock: Callable[[], float] | None = None, log: PacketLog | None = None
    ) -> None:
        self.config = config
        self.brand = brand
        self.log = log or PacketLog()
        self._clock = clock or (lambda: time.monotonic() * config.time_speed)
        self._phones: dict[str, Phone] = {}
        self._numbers = itertools.count(1)
        self._ids = itertools.count()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._last_tick = self.now()
        self._control = ControlPort((config.source_address, config.coa_port), config.secret)
        self._records: list[queue.SimpleQueue[tuple[str, int, Attributes]]] = [
            queue.SimpleQueue() for _ in range(_ACCOUNTANTS)
        ]

    @property
    def coa_port(self) -> int:
        return self._control.number

    def now(self) -> float:
        return self._clock()

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self, *, ticking: bool = True) -> None:
        threading.Thread(target=self._control.listen, args=(self.on_change,), daemon=True).start()
        for records in self._records:
            threading.Thread(target=self._account, args=(records,), daemon=True).start()
        self._records[0].put(("", ACCOUNTING_ON, self.brand.on_off_attributes(self.config, ACCOUNTING_ON)))
        if ticking:
            threading.Thread(target=self._tick_forever, daemon=True).start()

    def stop(self) -> None:
        """A Stop for each connection, then Accounting-Off. Nobody waits long for the answers: the device reboots."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._lock:
            online = [phone for phone in self._phones.values() if phone.connection]
            last_words = [(phone.mac, STOP, self._end(phone, "NAS-Reboot")) for phone in online]
        threads = [threading.Thread(target=self._say_goodbye, args=words, daemon=True) for words in last_words]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=2 * _GOODBYE_SECONDS)
        self._say_goodbye("", ACCOUNTING_OFF, self.brand.on_off_attributes(self.config, ACCOUNTING_OFF))
        self._control.close()

    def _say_goodbye(self, mac: str, status: int, attributes: Attributes) -> None:
        self._send_record(mac, status, attributes, _GOODBYE_SECONDS, copies=2)

    def _tick_forever(self) -> None:
        while not self._stopping.wait(min(1.0, 1.0 / self.config.time_speed)):
            self.tick()

    def tick(self) -> None:
        """Time has passed: traffic flows, Interims leave, and what is over ends."""
        with self._lock:
            now = self.now()
            seconds, self._last_tick = now - self._last_tick, now
            for phone in self._phones.values():
                if phone.connection is None:
                    continue
                connection = phone.connection
                connection.carry(min(seconds, now - connection.started_at), now, awake=not phone.asleep)
                cause = connection.why_over(now, self.config.wall())
                if cause is not None:
                    self.log_off(phone, cause)
                elif now >= connection.next_interim_at:
                    connection.next_interim_at = now + self._interim_interval(connection)
                    self._record(phone, INTERIM, self._accounting(phone, connection, INTERIM))

    def _interim_interval(self, connection: Connection) -> float:
        return self.config.interim_every or connection.limits.interim_interval or float("inf")

    # --- phones -------------------------------------------------------------------------------------------------

    def phone(self, cookie: str) -> Phone:
        """The phone of a browser; one without a cookie of ours is a new phone."""
        with self._lock:
            cookie = cookie if is_cookie(cookie) else random_cookie()
            if cookie not in self._phones:
                self._forget_some()
                number = next(self._numbers)
                phone = Phone(print_mac(cookie), number, self.config.places[0])
                phone.acct_session_id = self.brand.new_session_id(number, self.config.wall())
                self._phones[cookie] = phone
            return self._phones[cookie]

    def _forget_some(self) -> None:
        if len(self._phones) >= _MOST_PHONES:
            for cookie in [each for each, phone in self._phones.items() if phone.connection is None][:100]:
                del self._phones[cookie]

    def capture(self, phone: Phone, url: str) -> Response:
        return self.brand.capture(self, phone, url)

    def online(self) -> list[Phone]:
        with self._lock:
            return [phone for phone in self._phones.values() if phone.connection]

    def connect(self, phone: Phone) -> None:
        """The phone is on the radio: with `macauth` the server is asked about its address. Once, as at each DHCP."""
        with self._lock:
            asks = self.config.macauth and not phone.is_connected
            phone.is_connected = True
        if asks and phone.connection is None:
            self.log_on(phone, Proof(phone.mac, (("User-Password", b""),), phone.mac, by_mac=True))

    def move(self, phone: Phone, place_number: int) -> None:
        """The phone walks to another place: what it had there ends, as when a radio is out of reach."""
        with self._lock:
            place = self.config.places[place_number % len(self.config.places)]
            if place != phone.place:
                self.log_off(phone, "Lost-Carrier")
                phone.place, phone.is_connected = place, False

    def download(self, phone: Phone) -> None:
        with self._lock:
            if phone.connection is not None:
                phone.connection.asked_for += BUTTON_OCTETS

    # --- log on and off -----------------------------------------------------------------------------------------

    def log_on(self, phone: Phone, proof: Proof) -> Packet | None:
        config = self.config
        attributes = self.brand.access_attributes(config, phone, proof)
        request = access_request(next(self._ids) % 256, config.secret, attributes, proof.password)
        self.log.note("access-request", phone.mac, readable(request))
        server = (config.radius_host, config.auth_port)
        reply = ask_once(request, config.source_address, server, config.radius_timeout)
        if reply is None:
            self.log.note("no-answer", phone.mac)
        elif reply.code == AccessAccept:
            self.log.note("access-accept", phone.mac, readable(reply))
            self._begin(phone, proof.user_name, reply)
        else:
            self.log.note("access-reject", phone.mac, readable(reply), first(reply, "Reply-Message") or "")
        return reply

    def _begin(self, phone: Phone, user_name: str, reply: Packet) -> None:
        with self._lock:
            if phone.connection is not None:  # two logons at once: the second answer changes nothing
                return
            now = self.now()
            connection = Connection(
                user_name=user_name,
                acct_session_id=phone.acct_session_id,
                limits=self.brand.limits(reply),
                started_at=now,
                last_traffic_at=now,
                next_interim_at=now,
                class_octets=first_octets(reply, _CLASS),
                charged_as=first_octets(reply, _CHARGED_AS),
                message=first(reply, "Reply-Message") or "",
            )
            connection.next_interim_at = now + self._interim_interval(connection)
            phone.connection, phone.asleep = connection, False
            self._record(phone, START, self._accounting(phone, connection, START))

    def log_off(self, phone: Phone, cause: str) -> None:
        with self._lock:
            if phone.connection is not None:
                self._record(phone, STOP, self._end(phone, cause))

    def _end(self, phone: Phone, cause: str) -> Attributes:
        """Off the air; what is left to do is to send these attributes."""
        assert phone.connection is not None  # noqa: S101 - callers looked
        attributes = self._accounting(phone, phone.connection, STOP, cause)
        phone.just_left, phone.connection = phone.connection, None
        phone.acct_session_id = self.brand.new_session_id(phone.number, self.config.wall())
        return attributes

    # --- accounting ---------------------------------------------------------------------------------------------

    def _accounting(self, phone: Phone, connection: Connection, status: int, cause: str | None = None) -> Attributes:
        seconds = int(self.now() - connection.started_at)
        counters = () if status == START else self.brand.counters(connection, seconds)
        number = CAUSES[cause] if cause else None
        return self.brand.accounting_attributes(self.config, phone, connection, status, counters, number)

    def _record(self, phone: Phone, status: int, attributes: Attributes) -> None:
        """The records of one phone leave in order, whatever the others wait for."""
        self._records[phone.number % _ACCOUNTANTS].put((phone.mac, status, attributes))

    def _account(self, records: "queue.SimpleQueue[tuple[str, int, Attributes]]") -> None:
        while True:
            mac, status, attributes = records.get()
            with contextlib.suppress(OSError):  # the socket is closed when the access point stops
                self._send_record(mac, status, attributes, self.config.radius_timeout)

    def _send_record(self, mac: str, status: int, attributes: Attributes, timeout: float, copies: int = 5) -> None:
        kind = {START: "start", STOP: "stop", INTERIM: "interim", ACCOUNTING_ON: "on", ACCOUNTING_OFF: "off"}[status]
        self.log.note(kind, mac, [(name, _shown(value)) for name, value in attributes])
        server = (self.config.radius_host, self.config.acct_port)
        _request, reply = self._control.account(attributes, server, timeout, copies)
        answered = reply is not None and reply.code == AccountingResponse
        self.log.note("accounting-response" if answered else "accounting-lost", mac)

    # --- changes that the server asks for -----------------------------------------------------------------------

    def on_change(self, datagram: bytes, source: str) -> bytes | None:
        """Disconnect-Request and CoA-Request (RFC 5176). None is silence: another address, secret, or no User-Name."""
        request = read_change(datagram, self.config.secret)
        if source != self.config.radius_host or request is None or first(request, "User-Name") is None:
            return None
        if request.code not in (DisconnectRequest, CoARequest):
            return None
        disconnect = request.code == DisconnectRequest
        self.log.note("disconnect-request" if disconnect else "coa-request", "", readable(request))
        with self._lock:
            meant = [
                phone
                for phone in self._phones.values()
                if phone.connection and self.brand.finds(request, phone, phone.connection)
            ]
            for phone in meant:
                self._change(phone, request, disconnect=disconnect)
        reply = request.CreateReply()
        if not meant:
            reply.code = DisconnectNAK if disconnect else CoANAK
        self.log.note("change-ack" if meant else "change-nak", meant[0].mac if meant else "")
        return bytes(reply.ReplyPacket())

    def _change(self, phone: Phone, request: Packet, *, disconnect: bool) -> None:
        assert phone.connection is not None  # noqa: S101 - `on_change` looked
        if disconnect:
            self.log_off(phone, "Admin-Reset")
        elif self.brand.logs_out(request):
            self.log_off(phone, "User-Request")
        else:
            phone.connection.limits = self.brand.changed(phone.connection.limits, request)


def _shown(value: str | int | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
