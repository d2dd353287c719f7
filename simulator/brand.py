"""What the two brands have in common: how they answer a browser, and what the access point asks of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pyrad.packet import Packet

from simulator.config import PocketConfig
from simulator.phones import Connection, Limits, Phone
from simulator.radius import Attributes

NAS_PORT_WIRELESS = 19
LOGIN_USER, FRAMED_USER = 1, 2


@dataclass(frozen=True, slots=True)
class Response:
    """Status 0 closes the connection without a word, as CoovaChilli does."""

    status: int
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())


SILENCE = Response(0)


def redirect(location: str, body: str = "") -> Response:
    return Response(302, body, headers=(("Location", location), ("Cache-Control", "no-store")))


@dataclass(frozen=True, slots=True)
class Proof:
    """What the browser brought: attributes for the Access-Request, and the password where it goes as PAP."""

    user_name: str
    attributes: Attributes
    password: str | None = None
    by_mac: bool = False
    """Nobody typed anything: the access point asks about the phone's address."""


class Device(Protocol):
    """What is needed of the access point to answer a browser."""

    @property
    def config(self) -> PocketConfig: ...
    def now(self) -> float: ...


class Gate(Device, Protocol):
    """The access point, as a brand sees it."""

    def log_on(self, phone: Phone, proof: Proof) -> Packet | None:
        """The answer, or None when there was none. An Accept has put the phone online."""

    def log_off(self, phone: Phone, cause: str) -> None: ...


class Brand(Protocol):
    def capture(self, gate: Gate, phone: Phone, url: str) -> Response:
        """The answer to a page visited by a phone that is not logged in."""

    def answer(self, gate: Gate, phone: Phone, path: str, query: Mapping[str, str]) -> Response | None:
        """The answer to one of the brand's own paths, or None if this is not one."""

    def new_session_id(self, number: int, wall: float) -> str: ...

    def access_attributes(self, config: PocketConfig, phone: Phone, proof: Proof) -> Attributes: ...

    def accounting_attributes(
        self,
        config: PocketConfig,
        phone: Phone,
        connection: Connection,
        status: int,
        counters: Attributes,
        cause: int | None,
    ) -> Attributes: ...

    def on_off_attributes(self, config: PocketConfig, status: int) -> Attributes: ...

    def counters(self, connection: Connection, seconds: int) -> Attributes: ...

    def limits(self, packet: Packet) -> Limits:
        """What an Access-Accept or a CoA-Request allows."""

    def changed(self, before: Limits, packet: Packet) -> Limits:
        """The limits after a CoA-Request."""

    def finds(self, packet: Packet, phone: Phone, connection: Connection) -> bool:
        """Does a CoA or Disconnect mean this connection?"""

    def logs_out(self, packet: Packet) -> bool:
        """Is this CoA a log-off in disguise?"""


def split(octets: int) -> tuple[int, int]:
    """(Octets, Gigawords) (RFC 2869 section 5.1)."""
    gigawords, rest = divmod(octets, 2**32)
    return rest, gigawords


def packets(octets: int) -> int:
    return octets // 1100
