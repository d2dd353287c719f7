"""A certificate authority for RadSec, for towns that have none: it signs the server's certificate and those of NASes.

Elliptic keys (P-256). A key is written for its owner alone, and no file is ever overwritten.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=730)
_CLOCKS_DIFFER = timedelta(days=1)
"""A device that has just lost its power may be some hours behind."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def make_authority(name: str, now: datetime) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(name, _named(name), key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Signed(builder.sign(key, hashes.SHA256()), key)


def make_certificate(
    authority: Signed, name: str, now: datetime, *, is_server: bool = False, life: timedelta = CERTIFICATE_LIFE
) -> Signed:
    """Of the server or of a NAS, and good for nothing else. It never outlives its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = authority.certificate
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
    life = min(life, signer.not_valid_after_utc - now)
    builder = (
        _builder(name, signer.subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(name)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return Signed(builder.sign(authority.key, hashes.SHA256()), key)


def read_signed(certificate: Path, key: Path) -> Signed:
    """ValueError if either cannot be read as what it should be."""
    found = serialization.load_pem_private_key(key.read_bytes(), password=None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key} is not a key that was made here")
    return Signed(x509.load_pem_x509_certificate(certificate.read_bytes()), found)


def write_signed(signed: Signed, certificate: Path, key: Path) -> None:
    """FileExistsError if either is there: nothing is written then."""
    for path in (certificate, key):
        if path.exists():
            raise FileExistsError(path)
    _write(key, signed.key_pem, 0o600)
    _write(certificate, signed.certificate_pem, 0o644)


def _write(path: Path, octets: bytes, mode: int) -> None:
    before = os.umask(0o077)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            opened.write(octets)
        path.chmod(mode)
    finally:
        os.umask(before)


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternatives(name: str) -> Sequence[x509.GeneralName]:
    """A server may be reached by its address."""
    try:
        return [x509.IPAddress(ip_address(name)), x509.DNSName(name)]
    except ValueError:
        return [x509.DNSName(name)]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
