"""MikroTik RouterOS HotSpot: it serves its own login page, on which the administrator has put our redirect."""

import secrets
from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from pyrad.packet import AccessAccept, Packet

from simulator.brand import LOGIN_USER, NAS_PORT_WIRELESS, Gate, Proof, Response, packets, redirect, split
from simulator.config import PocketConfig
from simulator.phones import Connection, Limits, Phone
from simulator.radius import Attributes, every, first, first_int

_INTERFACE = "bridge"
_SUFFIXES = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def octal(octets: bytes) -> str:
    """As $(chap-id) and $(chap-challenge) print octets: a backslash and three octal digits for each."""
    return "".join(f"\\{octet:03o}" for octet in octets)


def rates(text: str) -> tuple[int, int]:
    """Mikrotik-Rate-Limit, seen from the router: (rx, the phone's upload; tx, its download) in bit/s; 0 is no limit."""
    rx, _, tx = text.split(" ", maxsplit=1)[0].partition("/")
    return _rate(rx), _rate(tx or rx)


def _rate(text: str) -> int:
    factor = _SUFFIXES.get(text[-1:], 1)
    digits = text[:-1] if factor > 1 else text
    return int(digits) * factor if digits.isdigit() else 0


class MikroTik:
    def capture(self, gate: Gate, phone: Phone, url: str) -> Response:
        phone.visited = url
        return self._login_page(gate, phone)

    def answer(self, gate: Gate, phone: Phone, path: str, query: Mapping[str, str]) -> Response | None:
        match path:
            case "/login":
                if query.get("username"):
                    return self._login(gate, phone, query)
                return redirect(_own(gate.config)) if phone.connection else self._login_page(gate, phone)
            case "/logout":
                gate.log_off(phone, "User-Request")
                return redirect(f"{_own(gate.config)}/login")
            case "/status":
                return None if phone.connection else redirect(f"{_own(gate.config)}/login")
        return None

    def _login(self, gate: Gate, phone: Phone, query: Mapping[str, str]) -> Response:
        onward = query.get("dst") or phone.visited or _own(gate.config)
        if phone.connection is not None:
            return redirect(onward)
        password = query.get("password", "")
        if gate.config.chap and phone.challenge:
            try:
                digest = bytes.fromhex(password)
            except ValueError:
                digest = b""
            if len(digest) != 16:
                return self._login_page(gate, phone, "invalid password")
            chap_id, challenge = phone.challenge[:1], phone.challenge[1:]
            proof = Proof(query["username"], (("CHAP-Challenge", challenge), ("CHAP-Password", chap_id + digest)))
        elif gate.config.chap:
            return self._login_page(gate, phone, "challenge expired")
        else:
            proof = Proof(query["username"], (("User-Password", b""),), password)
        outcome = gate.log_on(phone, proof)
        phone.challenge = b""
        if outcome is None:
            return self._login_page(gate, phone, "RADIUS server is not responding")
        if outcome.code != AccessAccept:
            return self._login_page(gate, phone, first(outcome, "Reply-Message") or "invalid username or password")
        return redirect("".join(every(outcome, "WISPr-Redirection-URL")) or onward)

    def _login_page(self, gate: Gate, phone: Phone, error: str = "") -> Response:
        """login.html, its variables filled in. Each time it is served it has a new chap-id and challenge."""
        config = gate.config
        phone.challenge = secrets.token_bytes(17) if config.chap else b""
        phone.challenge_at = gate.now()
        variables = (
            ("mac", quote(_mac(phone), safe="")),
            ("ip", phone.ip),
            ("identity", config.nas_identifier),
            ("server-name", phone.place.called_station_id),
            ("link-login-only", f"{_own(config)}/login"),
            ("chap-id", octal(phone.challenge[:1])),
            ("chap-challenge", octal(phone.challenge[1:])),
            ("error", error),
        )
        address = f"{config.portal_url}?{'&'.join(f'{name}={value}' for name, value in variables)}"
        page = f'<meta http-equiv="refresh" content="0; url={escape(address)}">'
        return Response(200, page, headers=(("Cache-Control", "no-store"),))

    # --- RADIUS -------------------------------------------------------------------------------------------------

    def new_session_id(self, number: int, wall: float) -> str:
        """Eight hexadecimal digits that begin with 8, counted on."""
        return f"8{int(wall * 16 + number) % 2**28:07x}"

    def access_attributes(self, config: PocketConfig, phone: Phone, proof: Proof) -> Attributes:
        return [
            *_port(phone),
            ("Called-Station-Id", phone.place.called_station_id),
            ("User-Name", proof.user_name),
            *proof.attributes,
            ("Service-Type", LOGIN_USER),
            ("Acct-Session-Id", phone.acct_session_id),
            ("Framed-IP-Address", phone.ip),
            ("Mikrotik-Host-IP", phone.ip),
            ("WISPr-Location-Name", phone.place.name),
            ("WISPr-Logoff-URL", f"{_own(config)}/logout"),
            ("NAS-Identifier", config.nas_identifier),
            ("NAS-IP-Address", config.source_address),
        ]

    def accounting_attributes(
        self,
        config: PocketConfig,
        phone: Phone,
        connection: Connection,
        status: int,
        counters: Attributes,
        cause: int | None,
    ) -> Attributes:
        return [
            ("Acct-Status-Type", status),
            *_port(phone),
            ("Called-Station-Id", phone.place.called_station_id),
            ("User-Name", connection.user_name),
            ("Acct-Session-Id", connection.acct_session_id),
            ("Framed-IP-Address", phone.ip),
            ("Mikrotik-Host-IP", phone.ip),
            *((("Class", connection.class_octets),) if connection.class_octets else ()),
            ("Event-Timestamp", int(config.wall())),
            *counters,
            *((("Acct-Terminate-Cause", cause),) if cause is not None else ()),
            ("NAS-Identifier", config.nas_identifier),
            ("Acct-Delay-Time", 0),
            ("NAS-IP-Address", config.source_address),
        ]

    def on_off_attributes(self, config: PocketConfig, status: int) -> Attributes:
        return [
            ("Acct-Status-Type", status),
            ("Event-Timestamp", int(config.wall())),
            ("NAS-Identifier", config.nas_identifier),
            ("Acct-Delay-Time", 0),
            ("NAS-IP-Address", config.source_address),
        ]

    def counters(self, connection: Connection, seconds: int) -> Attributes:
        """As RFC 2866 means it: input is what the phone sent."""
        (received, received_giga), (sent, sent_giga) = (
            split(connection.upload_octets),
            split(connection.download_octets),
        )
        return [
            ("Acct-Session-Time", seconds),
            ("Acct-Input-Octets", received),
            ("Acct-Input-Gigawords", received_giga),
            ("Acct-Input-Packets", packets(connection.upload_octets)),
            ("Acct-Output-Octets", sent),
            ("Acct-Output-Gigawords", sent_giga),
            ("Acct-Output-Packets", packets(connection.download_octets)),
        ]

    def limits(self, packet: Packet) -> Limits:
        return self.changed(Limits(), packet)

    def changed(self, before: Limits, packet: Packet) -> Limits:
        """A CoA changes what it carries. Rate-Limit wins over WISPr's speeds."""
        up, down = rates(first(packet, "Mikrotik-Rate-Limit") or "0")
        octets = first_int(packet, "Mikrotik-Total-Limit")
        octets += first_int(packet, "Mikrotik-Total-Limit-Gigawords") * 2**32
        return Limits(
            session_timeout=first_int(packet, "Session-Timeout") or before.session_timeout,
            idle_timeout=first_int(packet, "Idle-Timeout") or before.idle_timeout,
            interim_interval=first_int(packet, "Acct-Interim-Interval") or before.interim_interval,
            total_octets=octets or before.total_octets,
            download_bps=down or first_int(packet, "WISPr-Bandwidth-Max-Down") or before.download_bps,
            upload_bps=up or first_int(packet, "WISPr-Bandwidth-Max-Up") or before.upload_bps,
        )

    def finds(self, packet: Packet, phone: Phone, connection: Connection) -> bool:
        """User-Name alone is not enough: Framed-IP-Address says which host."""
        session_id = first(packet, "Acct-Session-Id")
        return (
            first(packet, "User-Name") == connection.user_name
            and first(packet, "Framed-IP-Address") == phone.ip
            and session_id in (None, connection.acct_session_id)
        )

    def logs_out(self, _packet: Packet) -> bool:
        return False


def _mac(phone: Phone) -> str:
    return phone.mac.replace("-", ":")


def _port(phone: Phone) -> list[tuple[str, str | int | bytes]]:
    return [
        ("NAS-Port-Type", NAS_PORT_WIRELESS),
        ("Calling-Station-Id", _mac(phone)),
        ("NAS-Port-Id", _INTERFACE),
        ("NAS-Port", 0x80300000 + phone.number),
    ]


def _own(config: PocketConfig) -> str:
    return f"http://{config.uam_host}:{config.port}"
