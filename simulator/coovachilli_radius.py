"""CoovaChilli's side of RADIUS, in the order seen on the wire."""

from datetime import datetime

from pyrad.packet import Packet

from simulator.brand import FRAMED_USER, LOGIN_USER, NAS_PORT_WIRELESS, Proof, packets, split
from simulator.config import Place, PocketConfig
from simulator.phones import Connection, Limits, Phone
from simulator.radius import Attributes, first, first_int

CLIENTS_VIEW = 2
_LOGGED_OUT = 2
_ACCOUNTING_OFF = 8
_DEFAULT_INTERIM = 300


class CoovaChilliRadius:
    def new_session_id(self, number: int, wall: float) -> str:
        """Unix seconds and the port: two restarts in one second give it twice, as on the real one."""
        return f"{int(wall)}{number:08x}"

    def access_attributes(self, config: PocketConfig, phone: Phone, proof: Proof) -> Attributes:
        return [
            ("ChilliSpot-Version", "1.8"),
            ("User-Name", proof.user_name),
            *proof.attributes,
            ("Service-Type", FRAMED_USER if proof.by_mac else LOGIN_USER),
            ("Acct-Session-Id", phone.acct_session_id),
            *(() if proof.by_mac else (("Framed-IP-Address", phone.ip),)),
            *_where(config, phone),
            *(() if proof.by_mac else (("WISPr-Logoff-URL", f"{own_address(config)}/logoff"),)),
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
        """No Message-Authenticator, no Acct-Delay-Time, and Acct-Input-Octets is what the citizen downloaded."""
        return [
            ("ChilliSpot-Version", "1.8"),
            ("ChilliSpot-Acct-View-Point", CLIENTS_VIEW),
            ("Event-Timestamp", int(config.wall())),
            ("User-Name", connection.user_name),
            *counters,
            *((("Acct-Terminate-Cause", cause),) if cause is not None else ()),
            ("Acct-Status-Type", status),
            ("Acct-Session-Id", connection.acct_session_id),
            *((("Class", connection.class_octets),) if connection.class_octets else ()),
            *((("Chargeable-User-Identity", connection.charged_as),) if connection.charged_as else ()),
            ("Framed-IP-Address", phone.ip),
            *_where(config, phone),
        ]

    def on_off_attributes(self, config: PocketConfig, status: int) -> Attributes:
        return [
            ("ChilliSpot-Version", "1.8"),
            ("ChilliSpot-Acct-View-Point", CLIENTS_VIEW),
            ("Event-Timestamp", int(config.wall())),
            *((("Acct-Terminate-Cause", 0),) if status == _ACCOUNTING_OFF else ()),
            ("Acct-Status-Type", status),
            ("NAS-Port-Type", NAS_PORT_WIRELESS),
            ("Calling-Station-Id", "00-00-00-00-00-00"),
            ("Called-Station-Id", config.places[0].called_station_id),
            *_itself(config, config.places[0]),
        ]

    def counters(self, connection: Connection, seconds: int) -> Attributes:
        (received, received_giga), (sent, sent_giga) = (
            split(connection.download_octets),
            split(connection.upload_octets),
        )
        return [
            ("Acct-Input-Octets", received),
            ("Acct-Output-Octets", sent),
            ("Acct-Input-Gigawords", received_giga),
            ("Acct-Output-Gigawords", sent_giga),
            ("Acct-Input-Packets", packets(connection.download_octets)),
            ("Acct-Output-Packets", packets(connection.upload_octets)),
            ("Acct-Session-Time", seconds),
        ]

    def limits(self, packet: Packet) -> Limits:
        """ChilliSpot's speeds (kbit/s) win over WISPr's (bit/s); an interim interval below 60 is not heard."""
        interim = first_int(packet, "Acct-Interim-Interval")
        octets = first_int(packet, "ChilliSpot-Max-Total-Octets")
        down, up = (first_int(packet, f"ChilliSpot-Bandwidth-Max-{way}") * 1000 for way in ("Down", "Up"))
        return Limits(
            session_timeout=first_int(packet, "Session-Timeout"),
            idle_timeout=first_int(packet, "Idle-Timeout"),
            interim_interval=interim if interim >= 60 else _DEFAULT_INTERIM,
            total_octets=octets + first_int(packet, "ChilliSpot-Max-Total-Gigawords") * 2**32,
            download_bps=down or first_int(packet, "WISPr-Bandwidth-Max-Down"),
            upload_bps=up or first_int(packet, "WISPr-Bandwidth-Max-Up"),
            terminate_at=_terminate_time(first(packet, "WISPr-Session-Terminate-Time")),
        )

    def changed(self, _before: Limits, packet: Packet) -> Limits:
        """A CoA clears what it does not carry."""
        return self.limits(packet)

    def finds(self, packet: Packet, _phone: Phone, connection: Connection) -> bool:
        session_id = first(packet, "Acct-Session-Id")
        return first(packet, "User-Name") == connection.user_name and session_id in (None, connection.acct_session_id)

    def logs_out(self, packet: Packet) -> bool:
        return (
            first_int(packet, "ChilliSpot-Session-State") == _LOGGED_OUT
            or first(packet, "ChilliSpot-Config") == "logout"
        )


def _terminate_time(text: str | None) -> float:
    """Unix time; 0 for none, or for one without a numeric zone, which chilli would misread."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return 0
    return moment.timestamp() if moment.tzinfo is not None else 0


def _where(config: PocketConfig, phone: Phone) -> list[tuple[str, str | int | bytes]]:
    return [
        ("NAS-Port-Type", NAS_PORT_WIRELESS),
        ("NAS-Port", phone.number),
        ("NAS-Port-Id", f"{phone.number:08d}"),
        ("Calling-Station-Id", phone.mac),
        ("Called-Station-Id", phone.place.called_station_id),
        *_itself(config, phone.place),
    ]


def _itself(config: PocketConfig, place: Place) -> list[tuple[str, str | int | bytes]]:
    return [
        ("NAS-IP-Address", config.source_address),
        ("NAS-Identifier", config.nas_identifier),
        ("WISPr-Location-ID", f"isocc=fr,cc=33,ac=0,network={place.ssid or config.nas_identifier}"),
        ("WISPr-Location-Name", place.name),
    ]


def own_address(config: PocketConfig) -> str:
    return f"http://{config.uam_host}:{config.port}"
