"""One RadSec connection: octets in, packets out, octets to send. No socket, no clock (sans-IO).

RADIUS over TLS (RFC 6614), framed by each packet's own Length (RFC 6613 section 2.6.4). RADIUS/1.1 (RFC 9765) is not
offered: no ALPN.
"""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from hotspot.values import normalise_certificate_name
from radius.codec import HEADER_LENGTH, LONGEST

MOST_WAITING = 256 * 1024
"""Octets that wait for the peer to read them. One that does not is cut off."""
HANDSHAKE_LIMIT = timedelta(seconds=10)
PACKET_LIMIT = timedelta(seconds=10)
"""From the first octet of a packet to its last."""
IDLE_LIMIT = timedelta(hours=1)
"""Without a packet from the NAS. CoA needs the connection only while somebody is online, and then it reports."""
_READ_SIZE = 16 * 1024


class CloseReason(StrEnum):
    """Every way in which a RadSec connection ends."""

    # before anybody is known
    NOT_TLS = "not_tls"
    TLS_TOO_OLD = "tls_too_old"
    NO_CERTIFICATE = "no_certificate"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    """Of another authority, expired, or not yet valid: the log has OpenSSL's word for it."""
    OUR_CERTIFICATE_REFUSED = "our_certificate_refused"
    HANDSHAKE_FAILED = "handshake_failed"
    HANDSHAKE_TOO_SLOW = "handshake_too_slow"
    TOO_MANY_HANDSHAKES = "too_many_handshakes"
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    # what came over it
    LENGTH_WRONG = "length_wrong"
    PACKET_NOT_BELIEVED = "packet_not_believed"
    """Malformed, or an authenticator is wrong: the reason is counted among the packets left unanswered."""
    PACKET_TOO_SLOW = "packet_too_slow"
    TLS_BROKEN = "tls_broken"
    DOES_NOT_READ = "does_not_read"
    # what changed
    IDLE = "idle"
    CERTIFICATE_EXPIRED = "certificate_expired"
    NAS_REMOVED = "nas_removed"
    AUTHORITY_CHANGED = "authority_changed"
    TOO_MANY_OF_ONE_NAS = "too_many_of_one_nas"
    TOO_MANY = "too_many"
    # the usual
    ENDED_BY_NAS = "ended_by_nas"
    LOST = "lost"
    """The network, or the NAS without a word."""
    SERVER_STOPPED = "server_stopped"


class ConnectionClosed(Exception):
    """Nothing more comes of this connection. What is still in `to_send` is the alert that tells the peer."""

    def __init__(self, reason: CloseReason, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail
        """OpenSSL's word, if it has one."""


class TlsConnection:
    """What we hold of one. After ConnectionClosed it is of no more use."""

    def __init__(self, context: ssl.SSLContext, now: datetime) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._heard = bytearray()
        self._began_at = now
        self.heard_at = now
        """When the last packet came."""
        self._packet_began_at: datetime | None = None
        self.to_send = bytearray()
        """The rim sends from its front and deletes what has gone."""
        self.is_open = False
        """The handshake is over: the peer's certificate has been verified, and may be asked for."""
        self.certificate_names: tuple[str, ...] = ()
        self.certificate_ends_at: datetime | None = None

    def receive(self, octets: bytes, now: datetime) -> list[bytes]:
        """Whole packets, in order. No octets: the peer has ended its side."""
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()
        try:
            if not self.is_open:
                self._shake_hands(now)
            packets = self._read(now)
        except ssl.SSLWantReadError:
            packets = []
        finally:
            self._take_outgoing()
        return packets

    def send(self, packet: bytes) -> None:
        """Only while it is open."""
        try:
            self._tls.write(packet)
        except ssl.SSLError as error:
            raise ConnectionClosed(CloseReason.TLS_BROKEN, error.reason or "") from error
        self._take_outgoing()
        if len(self.to_send) > MOST_WAITING:
            raise ConnectionClosed(CloseReason.DOES_NOT_READ)

    def end(self) -> None:
        """Add the close_notify that tells the peer."""
        with suppress(ssl.SSLError, ValueError):  # the peer has not answered it, or there is nothing to end
            self._tls.unwrap()
        self._take_outgoing()

    def check_times(self, now: datetime) -> None:
        """Raise ConnectionClosed for one that keeps us waiting."""
        if not self.is_open:
            if now - self._began_at >= HANDSHAKE_LIMIT:
                raise ConnectionClosed(CloseReason.HANDSHAKE_TOO_SLOW)
        elif self._packet_began_at is not None and now - self._packet_began_at >= PACKET_LIMIT:
            raise ConnectionClosed(CloseReason.PACKET_TOO_SLOW)
        elif now - self.heard_at >= IDLE_LIMIT:
            raise ConnectionClosed(CloseReason.IDLE)
        elif self.certificate_ends_at is not None and now >= self.certificate_ends_at:
            raise ConnectionClosed(CloseReason.CERTIFICATE_EXPIRED)

    def _shake_hands(self, now: datetime) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            raise _why_no_handshake(error) from error
        certificate = self._tls.getpeercert() or {}
        self.certificate_names = names_of(certificate)
        self.certificate_ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        self.heard_at = now
        self.is_open = True

    def _read(self, now: datetime) -> list[bytes]:
        """Until there is no more. An end after whole packets is told by the next call."""
        packets: list[bytes] = []
        while True:
            try:
                octets = self._tls.read(_READ_SIZE)
            except ssl.SSLWantReadError:
                return packets
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as error:
                if packets:
                    return packets
                raise ConnectionClosed(CloseReason.ENDED_BY_NAS) from error
            except ssl.SSLError as error:
                raise ConnectionClosed(CloseReason.TLS_BROKEN, error.reason or "") from error
            if not octets:
                if packets:
                    return packets
                raise ConnectionClosed(CloseReason.ENDED_BY_NAS)
            packets += self._cut(octets, now)

    def _cut(self, octets: bytes, now: datetime) -> list[bytes]:
        heard, packets, at = self._heard, [], 0
        heard += octets
        while len(heard) - at >= 4:
            length = heard[at + 2] << 8 | heard[at + 3]
            if not HEADER_LENGTH <= length <= LONGEST:
                raise ConnectionClosed(CloseReason.LENGTH_WRONG)
            if len(heard) - at < length:
                break
            packets.append(bytes(heard[at : at + length]))
            at += length
        del heard[:at]
        if packets:
            self.heard_at = now
            self._packet_began_at = None
        if not heard:
            self._packet_began_at = None
        elif self._packet_began_at is None:
            self._packet_began_at = now
        return packets

    def _take_outgoing(self) -> None:
        if self._outgoing.pending:
            self.to_send += self._outgoing.read()


def names_of(certificate: Any) -> tuple[str, ...]:
    """As `SSLObject.getpeercert()` gives it: its host names, else its common name (RFC 6125 section 6.4.4)."""
    hosts = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    common = [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    return tuple(dict.fromkeys(map(normalise_certificate_name, hosts or common)))


_REASONS = {
    "HTTP_REQUEST": CloseReason.NOT_TLS,
    "HTTPS_PROXY_REQUEST": CloseReason.NOT_TLS,
    "WRONG_VERSION_NUMBER": CloseReason.NOT_TLS,
    "UNSUPPORTED_PROTOCOL": CloseReason.TLS_TOO_OLD,
    "VERSION_TOO_LOW": CloseReason.TLS_TOO_OLD,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": CloseReason.NO_CERTIFICATE,
}


def _why_no_handshake(error: ssl.SSLError) -> ConnectionClosed:
    said = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionClosed(CloseReason.CERTIFICATE_NOT_TRUSTED, error.verify_message)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ConnectionClosed(CloseReason.ENDED_BY_NAS)
    if "_ALERT_" in said and ("CERTIFICATE" in said or "UNKNOWN_CA" in said):
        return ConnectionClosed(CloseReason.OUR_CERTIFICATE_REFUSED, said)
    return ConnectionClosed(_REASONS.get(said, CloseReason.HANDSHAKE_FAILED), said)
