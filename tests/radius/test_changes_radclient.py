"""FreeRADIUS's own client says the same in the same octets, and the pocket access point does the same for it."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from hotspot.values import Admit
from hotspot.vendors import VENDORS
from hotspot.vendors.vendor import Attributes, LiveSession
from radius.authenticity import SharedSecret
from radius.codec import DiscardReason, Packet, encode, parse
from radius.messages import Code
from simulator.access_point import AccessPoint
from simulator.phones import Connection, Phone
from simulator.pocket import make_access_point
from tests.simulator.lab import CONFIG, SECRET, RadiusServer, log_on

LEFT = Admit(
    UUID(int=7),
    timedelta(hours=1),
    timedelta(minutes=15),
    timedelta(minutes=5),
    2000,
    10_000,
    octets_left=5 * 2**32 + 9,
    upload_octets_left=2**32,
    download_octets_left=2 * 2**32,
)
SESSION = LiveSession("a-login", "17953140300000001", "02-00-00-00-00-01", "10.1.0.2", timedelta(minutes=10), 300, 700)
NAMELESS = {
    "ChilliSpot-Max-Input-Gigawords": "Attr-26.14559.21",
    "ChilliSpot-Max-Output-Gigawords": "Attr-26.14559.22",
    "ChilliSpot-Max-Total-Gigawords": "Attr-26.14559.23",
}
"""What FreeRADIUS's dictionaries do not name."""
COMMANDS = {Code.DISCONNECT_REQUEST: "disconnect", Code.COA_REQUEST: "coa"}


def radclient(port: int, code: Code, attributes: Attributes) -> str:
    command = ["radclient", "-x", "-r", "1", "-t", "1", f"127.0.0.1:{port}", COMMANDS[code], SECRET]
    given = "\n".join(["Message-Authenticator = 0x00", *map(_line, attributes)])
    done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr


def _line(attribute: tuple[str, str | int | bytes]) -> str:
    name, value = attribute
    if name in NAMELESS and isinstance(value, int):
        return f"{NAMELESS[name]} = 0x{value:08x}"
    return f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}"


def said_by_radclient(code: Code, attributes: Attributes) -> Packet:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        said = radclient(listening.getsockname()[1], code, attributes)
        packet = parse(listening.recv(4096))
    assert not isinstance(packet, DiscardReason), said
    return packet


def sets_of(vendor: str, session: LiveSession = SESSION) -> dict[Code, Attributes]:
    brand = VENDORS[vendor]
    assert brand.disconnect_by is not None
    assert brand.change_by is not None
    return {Code.DISCONNECT_REQUEST: brand.disconnect_by(session), Code.COA_REQUEST: brand.change_by(session, LEFT)}


@pytest.mark.integration
@pytest.mark.parametrize("code", COMMANDS, ids=COMMANDS.values())
@pytest.mark.parametrize("vendor", VENDORS)
def test_our_octets_are_those_of_another_client(vendor: str, code: Code) -> None:
    attributes = sets_of(vendor)[code]
    theirs = said_by_radclient(code, attributes)
    secret = SharedSecret(SECRET.encode())

    ours = secret.request(code, theirs.identifier, encode(attributes))

    assert sorted(_attributes(theirs.octets)) == sorted(_attributes(encoded_like(theirs, ours)))
    assert secret.has_request_authenticator(theirs.octets)
    assert secret.has_request_authenticator(ours)


def encoded_like(theirs: Packet, ours: bytes) -> bytes:
    """Order moves the Message-Authenticator's own value: theirs is checked by itself, and put in the place of ours."""
    value = theirs.octets_of(80)
    secret = SharedSecret(SECRET.encode())
    assert value is not None
    assert secret.has_message_authenticator(theirs.octets, theirs.message_authenticator_at, bytes(16))
    assert secret.has_message_authenticator(ours, 22, bytes(16))
    return ours[:22] + value + ours[38:]


def _attributes(octets: bytes) -> list[bytes]:
    found, at = [], 20
    while at < len(octets):
        found.append(octets[at : at + octets[at + 1]])
        at += octets[at + 1]
    return found


@contextmanager
def someone_online(brand: str) -> Iterator[tuple[AccessPoint, Phone, Connection]]:
    server = RadiusServer()
    server.accepts(Session_Timeout=3600)
    gate = make_access_point(replace(CONFIG, brand=brand, chap=False, radius_timeout=2.0, **server.ports()))
    gate.start(ticking=False)
    phone = gate.phone("020000000001")
    if brand == "coovachilli":
        log_on(gate, phone, username="a-login")
    else:
        gate.brand.answer(gate, phone, "/login", {"username": "a-login", "password": "secret"})
    assert phone.connection is not None
    try:
        yield gate, phone, phone.connection
    finally:
        gate.stop()
        server.close()


@pytest.mark.integration
@pytest.mark.parametrize("brand", VENDORS)
def test_the_pocket_obeys_another_client_with_our_attributes(brand: str) -> None:
    with someone_online(brand) as (gate, phone, connection):
        session = LiveSession(
            "a-login", connection.acct_session_id, phone.mac, phone.ip, timedelta(minutes=10), 300, 700
        )
        sets = sets_of(brand, session)

        assert "Received CoA-ACK" in radclient(gate.coa_port, Code.COA_REQUEST, sets[Code.COA_REQUEST])
        limits = connection.limits
        assert (limits.session_timeout, limits.idle_timeout) == (4200, 900)
        assert (limits.upload_bps, limits.download_bps) == (2_000_000, 10_000_000)
        assert limits.total_octets == 5 * 2**32 + 1009
        assert (limits.upload_octets, limits.download_octets) == (2**32 + 300, 2 * 2**32 + 700)

        said = radclient(gate.coa_port, Code.DISCONNECT_REQUEST, sets[Code.DISCONNECT_REQUEST])
        assert "Received Disconnect-ACK" in said
        assert phone.connection is None

        again = radclient(gate.coa_port, Code.DISCONNECT_REQUEST, sets[Code.DISCONNECT_REQUEST])
        assert "Received Disconnect-NAK" in again
