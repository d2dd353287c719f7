"""The certificates of RadSec: ours, and the authority that signs those of the NASes. Read again when a file changes."""

import ssl
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

from hotspot.settings import Settings, SettingsError

log = structlog.get_logger()

WARN_BEFORE = timedelta(days=30)
WARN_EVERY = timedelta(days=1)


class Certificates:
    """The TLS context of new connections, always of the files as they last were whole."""

    def __init__(self, settings: Settings) -> None:
        """SettingsError if they cannot be used: what is wrong at the start must stop it."""
        certificate, key, authority = settings.radsec_certificate, settings.radsec_key, settings.radsec_ca
        if certificate is None or key is None or authority is None:
            raise SettingsError("PARVIS_RADSEC_CERTIFICATE, PARVIS_RADSEC_KEY and PARVIS_RADSEC_CA go together")
        self._certificate, self._key, self._authority = certificate, key, authority
        self._warned_at: datetime | None = None
        self._stamps = self._stamp()
        _look_at(PARVIS_RADSEC_CERTIFICATE=certificate, PARVIS_RADSEC_KEY=key, PARVIS_RADSEC_CA=authority)
        try:
            self._read()
        except (OSError, ValueError) as error:
            raise SettingsError(f"PARVIS_RADSEC_CERTIFICATE, _KEY and _CA do not fit together: {error}") from error

    def refresh(self, now: datetime) -> bool:
        """Read what has changed. True if it was the authority: who was believed before must prove it again.

        Files that do not fit one another, as in the middle of a renewal, leave what was there in force.
        """
        self._warn(now)
        stamps = self._stamp()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        before = self._authority_octets
        try:
            self._read()
        except (OSError, ValueError) as error:
            log.error("radsec_certificates_not_read", error=str(error))
            return False
        log.info("radsec_certificates_read", ends_at=self.ends_at.isoformat())
        return self._authority_octets != before

    def _read(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        # each connection proves its certificate anew, and cannot make us shake hands again
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 0
        authority = self._authority.read_bytes()
        context.load_verify_locations(self._authority)
        context.load_cert_chain(self._certificate, self._key, password=_no_password)
        self.ends_at = end_of(self._certificate)
        self._authority_octets = authority
        self.context = context

    def _warn(self, now: datetime) -> None:
        is_time = self._warned_at is None or now - self._warned_at >= WARN_EVERY
        if is_time and self.ends_at - now < WARN_BEFORE:
            self._warned_at = now
            log.warning("radsec_certificate_ends_soon", ends_at=self.ends_at.isoformat())

    def _stamp(self) -> list[tuple[int, int] | None]:
        return [_stamp(path) for path in (self._certificate, self._key, self._authority)]


def end_of(certificate: Path) -> datetime:
    """When the first certificate of a PEM file ends. ValueError if there is none."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def is_for(certificate: Path, host: str) -> bool:
    """Would a device that connects to this name or address take the certificate for the server's (RFC 6125)?"""
    try:
        extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    hosts = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    hosts |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return host.lower() in hosts or f"*.{host.lower().partition('.')[2]}" in hosts


def _look_at(**files: Path) -> None:
    """OpenSSL does not say which one is missing."""
    for setting, path in files.items():
        try:
            path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{setting}: cannot read {path}: {error.strerror}") from error


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _no_password() -> str:
    """Nobody is there to type it; OpenSSL would ask the terminal."""
    raise ValueError("the key has a password")
