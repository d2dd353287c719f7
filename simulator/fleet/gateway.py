"""A virtual gateway: a CoovaChilli for many phones at once, on asyncio, with the pocket access point's own rules."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from pyrad.packet import AccessAccept, AccountingResponse, CoANAK, CoARequest, DisconnectNAK, DisconnectRequest, Packet

from simulator.access_point import ACCOUNTING_OFF, ACCOUNTING_ON, CAUSES, INTERIM, START, STOP
from simulator.brand import SILENCE, Proof, Response
from simulator.config import Place, PocketConfig
from simulator.coovachilli import CoovaChilli
from simulator.fleet.clock import FleetClock
from simulator.fleet.config import FleetGateway
from simulator.fleet.live_session import LiveSession
from simulator.fleet.radius_port import Line, RadiusPort
from simulator.fleet.truth import Told, TrueSession, Truth
from simulator.phones import Connection, Phone, print_mac
from simulator.radius import Attributes, access_request, accounting_request, first, first_octets, read_change

_CLASS, _CHARGED_AS = 25, 89
_ROUNDING = 0.001
"""Seconds: a sum of floats may fall short of itself."""
_PUNCTUAL = 30.0
"""Seconds of the town. What is later than this has to be told as it is: no device is so late without its clock."""
_LAST_WORDS = 2
"""Copies of what is said before a reboot: nobody waits long."""


class Owner(Protocol):
    """The phone behind a station."""

    def session_begun(self, session: TrueSession) -> None: ...
    def session_ended(self, session: TrueSession) -> None: ...


class Station:
    """A phone as its gateway knows it."""

    def __init__(self, phone: Phone, site: str, owner: Owner, rates: tuple[float, float]) -> None:
        self.phone, self.site, self.owner, self.rates = phone, site, owner, rates
        self.live: LiveSession | None = None
        self.asking = asyncio.Lock()
        """Two log-ons at once: the second finds what the first has done."""


class Gateway:
    def __init__(self, given: FleetGateway, clock: FleetClock, truth: Truth, line: Line) -> None:
        self.given, self.clock, self.truth, self.line = given, clock, truth, line
        self.is_up = True
        self._brand = CoovaChilli()
        self._stations: dict[str, Station] = {}
        self._telling: set[asyncio.Task[None]] = set()
        pocket = given.pocket
        self._auth = RadiusPort(line, (pocket.radius_host, pocket.auth_port), pocket.radius_timeout)
        self._control = RadiusPort(line, (pocket.radius_host, pocket.acct_port), pocket.radius_timeout, self._on_change)
        self._auth.waits = truth.waits.setdefault("Access-Request", [])
        self._control.waits = truth.waits.setdefault("Accounting-Request", [])

    @property
    def config(self) -> PocketConfig:
        return self.given.pocket

    def now(self) -> float:
        return self.clock.now()

    @property
    def online(self) -> int:
        return sum(1 for station in self._stations.values() if station.live)

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        await self._auth.open((self.config.source_address, 0))
        await self._control.open((self.config.source_address, self.config.coa_port))
        await self._account(self._brand.on_off_attributes(self.config, ACCOUNTING_ON))

    async def stop(self) -> None:
        """In good order, and for good."""
        await self._go_down("NAS-Reboot")
        self._auth.close()
        self._control.close()

    async def reboot(self, seconds: float) -> None:
        await self._go_down("NAS-Reboot")
        await self._come_back(seconds)

    async def crash(self, seconds: float) -> None:
        """What was on its way is lost with it."""
        for task in self._telling:
            task.cancel()
        for station in list(self._stations.values()):
            if station.live is not None:
                station.live.truth.crashed = True
                self._end(station, "NAS-Reboot", self.now(), silently=True)
        self._forget()
        await self._come_back(seconds)

    async def be_silent(self, seconds: float) -> None:
        self.line.is_down = True
        await self.clock.sleep(seconds)
        self.line.is_down = False

    async def _go_down(self, cause: str) -> None:
        for station in list(self._stations.values()):
            self._end(station, cause, self.now())
        self._forget()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._account(self._brand.on_off_attributes(self.config, ACCOUNTING_OFF), _LAST_WORDS)

    def _forget(self) -> None:
        self.is_up = False
        self._stations.clear()

    async def _come_back(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.is_up = True
        await self._account(self._brand.on_off_attributes(self.config, ACCOUNTING_ON))

    # --- phones -------------------------------------------------------------------------------------------------

    def attach(self, mac: str, number: int, place: Place, owner: Owner, rates: tuple[float, float]) -> Station:
        """The phone is on the radio of a place. Where the gateway has not noticed that it was away, it is online."""
        station = self._stations.get(mac)
        if station is not None and station.phone.place != place:
            self._end(station, "Lost-Carrier", self.now())
            station = None
        if station is None:
            phone = Phone(print_mac(mac), number, place)
            phone.acct_session_id = self._brand.new_session_id(number, self.now())
            station = Station(phone, self.given.site_of[place.called_station_id], owner, rates)
            self._stations[mac] = station
        station.owner, station.rates = owner, rates
        if station.live is not None:
            station.live.truth.left_at = None
            self.set_awake(station, awake=True)
            owner.session_begun(station.live.truth)
        return station

    def leave(self, station: Station) -> None:
        """Out of reach, without a word."""
        if station.live is not None:
            station.live.truth.left_at = self.now()
            self.set_awake(station, awake=False)

    def set_awake(self, station: Station, *, awake: bool) -> None:
        if station.live is not None:
            station.live.set_awake(self.now(), awake=awake)
            self._schedule(station)

    async def answer(self, station: Station, url: str) -> Response:
        """Whatever the browser asks for, other than the portal."""
        if not self.is_up or self._stations.get(station.phone.cookie) is not station:
            return SILENCE
        address, phone = urlsplit(url), station.phone
        if address.netloc != f"{self.config.uam_host}:{self.config.port}":
            return Response(204) if phone.connection else self._brand.capture(self, phone, url)
        query = dict(parse_qsl(address.query))
        match address.path:
            case "/logon" | "/login":
                return await self._logon(station, query)
            case "/logoff" | "/logout":
                self._end(station, "User-Request", self.now())
                return self._brand.after_logoff(self, phone)
        return self._brand.to_portal(self, phone, address.path)

    async def _logon(self, station: Station, query: dict[str, str]) -> Response:
        async with station.asking:
            proof = self._brand.read_logon(self, station.phone, query)
            if isinstance(proof, Response):
                return proof
            outcome = await self._auth.ask(lambda identifier: self._access_request(identifier, station.phone, proof))
            if self._stations.get(station.phone.cookie) is not station:  # it has rebooted meanwhile
                return SILENCE
            if outcome is not None and outcome.code == AccessAccept:
                self._begin(station, proof.user_name, outcome)
            elif outcome is not None:
                self.truth.counts["rejects"] += 1
            return self._brand.after_logon(self, station.phone, query, outcome)

    def _access_request(self, identifier: int, phone: Phone, proof: Proof) -> Packet:
        attributes = self._brand.access_attributes(self.config, phone, proof)
        return access_request(identifier, self.config.secret, attributes, proof.password)

    # --- sessions -----------------------------------------------------------------------------------------------

    def _begin(self, station: Station, user_name: str, reply: Packet) -> None:
        now, phone = self.now(), station.phone
        limits = self._brand.limits(reply)
        connection = Connection(
            user_name=user_name,
            acct_session_id=phone.acct_session_id,
            limits=limits,
            started_at=now,
            last_traffic_at=now,
            next_interim_at=now + (limits.interim_interval or float("inf")),
            class_octets=first_octets(reply, _CLASS),
            charged_as=first_octets(reply, _CHARGED_AS),
        )
        session = TrueSession(
            nas_identifier=self.config.nas_identifier,
            site=station.site,
            mac=phone.cookie,
            acct_session_id=connection.acct_session_id,
            user_name=user_name,
            class_hex=(connection.class_octets or b"").hex(),
            started_at=now,
            session_timeout=limits.session_timeout,
        )
        phone.connection = connection
        station.live = LiveSession(connection, session, station.rates)
        self.truth.sessions.append(session)
        station.owner.session_begun(session)
        self._record(station, START, now)
        self._schedule(station)

    def _schedule(self, station: Station) -> None:
        live = station.live
        if live is not None:
            due = live.next_at()
            live.wake_by(self.clock.call_at(due, lambda: self._on_time(station, live, due)))

    def _on_time(self, station: Station, live: LiveSession, due: float) -> None:
        """At `due`, as far as the session can tell: that this machine is a little late is not the server's doing."""
        if station.live is not live:
            return
        late = self.now() - due
        self.truth.worst_lateness = max(self.truth.worst_lateness, late)
        due = due if late < _PUNCTUAL else self.now()
        live.settle(due)
        cause = live.connection.why_over(due + _ROUNDING, due + _ROUNDING)
        if cause is not None:
            self._end(station, cause, due)
            return
        if due >= live.connection.next_interim_at:
            live.connection.next_interim_at = due + (live.connection.limits.interim_interval or float("inf"))
            self._record(station, INTERIM, due)
        self._schedule(station)

    def _end(self, station: Station, cause: str, moment: float, *, silently: bool = False) -> None:
        live = station.live
        if live is None:
            return
        live.settle(moment)
        if not silently:
            self._record(station, STOP, moment, cause)
        live.finish(moment, cause)
        station.live, station.phone.connection = None, None
        station.phone.acct_session_id = self._brand.new_session_id(station.phone.number, self.now())
        station.owner.session_ended(live.truth)

    def _record(self, station: Station, status: int, moment: float, cause: str | None = None) -> None:
        """The records of a session leave in order."""
        live, number = station.live, CAUSES[cause] if cause else None
        assert live is not None  # noqa: S101 - callers looked
        connection, seconds = live.connection, int(moment - live.connection.started_at)
        counters: Attributes = () if status == START else self._brand.counters(connection, seconds)
        if status == START:
            told = Told(status, 0, 0, 0)
        else:
            told = Told(status, seconds, connection.download_octets, connection.upload_octets, number)
        live.truth.told.append(told)
        attributes = self._brand.accounting_attributes(self.config, station.phone, connection, status, counters, number)
        self._tell(self._tell_in_order(live, told, attributes))

    async def _tell_in_order(self, live: LiveSession, told: Told, attributes: Attributes) -> None:
        async with live.telling:
            told.answered = await self._account(attributes)

    def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _account(self, attributes: Attributes, copies: int = 5) -> bool:
        secret = self.config.secret
        reply = await self._control.ask(lambda identifier: accounting_request(identifier, secret, attributes), copies)
        return reply is not None and reply.code == AccountingResponse

    # --- changes that the server asks for -----------------------------------------------------------------------

    def _on_change(self, datagram: bytes, source: tuple[str, int]) -> bytes | None:
        request = read_change(datagram, self.config.secret)
        if not self.is_up or source[0] != self.config.radius_host or request is None:
            return None
        if first(request, "User-Name") is None or request.code not in (DisconnectRequest, CoARequest):
            return None
        disconnects = request.code == DisconnectRequest
        meant = [
            station
            for station in self._stations.values()
            if station.live and self._brand.finds(request, station.phone, station.live.connection)
        ]
        self.truth.counts["disconnect requests" if disconnects else "changes of a session"] += 1
        for station in meant:
            self._change(station, request, disconnects=disconnects)
        reply = request.CreateReply()
        if not meant:
            self.truth.counts["changes for no session here"] += 1
            reply.code = DisconnectNAK if disconnects else CoANAK
        return bytes(reply.ReplyPacket())

    def _change(self, station: Station, request: Packet, *, disconnects: bool) -> None:
        live = station.live
        assert live is not None  # noqa: S101 - `_on_change` looked
        if disconnects:
            self._end(station, "Admin-Reset", self.now())
        elif self._brand.logs_out(request):
            self._end(station, "User-Request", self.now())
        else:
            live.settle(self.now())
            live.connection.limits = self._brand.changed(live.connection.limits, request)
            live.truth.session_timeout = live.connection.limits.session_timeout
            live.truth.changed += 1
            self._schedule(station)
