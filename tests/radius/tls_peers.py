"""What speaks TLS with us in the tests: certificates of every kind, and a NAS by Python's own ssl."""

import socket
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hotspot.settings import Settings
from parvis.authority import Signed, make_authority, make_certificate, write_signed
from tests.radius.packets import accounting, signed, status

RADSEC = b"radsec"
SERVER_NAME = "127.0.0.1"


@dataclass(frozen=True)
class Files:
    """Where a certificate and its key are."""

    certificate: Path
    key: Path


class Town:
    """An authority with a server's certificate, and whatever else a test asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC)
        self._authority = make_authority("A town", self.now - timedelta(days=100))
        self.authority = self._kept("authority", self._authority)
        self.server = self.certificate(SERVER_NAME, is_server=True)

    def certificate(
        self, name: str, *, is_server: bool = False, days: float = 30, file: str | None = None, age_days: float = 0
    ) -> Files:
        at = self.now - timedelta(days=age_days)
        life = timedelta(days=days)
        made = make_certificate(self._authority, name, at, is_server=is_server, life=life)
        return self._kept(file or name, made)

    def _kept(self, name: str, made: Signed) -> Files:
        files = Files(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        write_signed(made, files.certificate, files.key)
        return files

    def environment(self) -> dict[str, str]:
        return {
            "PARVIS_RADSEC_CERTIFICATE": str(self.server.certificate),
            "PARVIS_RADSEC_KEY": str(self.server.key),
            "PARVIS_RADSEC_CA": str(self.authority.certificate),
        }

    def settings(self, settings: Settings) -> Settings:
        files = {
            "radsec_certificate": self.server.certificate,
            "radsec_key": self.server.key,
            "radsec_ca": self.authority.certificate,
        }
        return settings.model_copy(update=files)


def nas_context(town: Town, files: Files | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A NAS that trusts the town's server and shows this certificate."""
    context = ssl.create_default_context(cafile=str(town.authority.certificate))
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = min(version, ssl.TLSVersion.TLSv1_2), version
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context


class TlsNas:
    """Over a real socket."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket = context.wrap_socket(plain, server_hostname=SERVER_NAME)

    def __enter__(self) -> "TlsNas":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        return self.hear()

    def hear(self) -> bytes:
        """One packet; nothing if the server has ended the connection."""
        header = self._exactly(4)
        return header + self._exactly(int.from_bytes(header[2:4]) - 4) if header else b""

    def is_cut_off(self) -> bool:
        """Waits for it."""
        return self.hear() == b""

    def _exactly(self, number: int) -> bytes:
        octets = b""
        while len(octets) < number:
            try:
                more = self.socket.recv(number - len(octets))
            except (ssl.SSLError, ConnectionError):
                return b""
            if not more:
                return b""
            octets += more
        return octets


def start(identifier: int = 7) -> bytes:
    """A Start as a NAS on RadSec sends it."""
    return accounting(status(1), identifier=identifier, secret=RADSEC)


def status_server(identifier: int = 7) -> bytes:
    return signed(12, [], identifier=identifier, secret=RADSEC)
