"""`parvis radsec`: certificates that the RadSec door and a NAS can use, and that nobody overwrites or reads."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hotspot.settings import load_settings
from parvis.authority import AUTHORITY_LIFE, make_authority, make_certificate
from radius.certificates import Certificates
from tests.parvis.conftest import Run

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def folder(environment: dict[str, str]) -> Path:
    environment["PARVIS_SECRET_KEY"] = "k" * 40
    return Path(environment["PARVIS_VAR_DIR"]).absolute() / "radsec"


def settings_said(*results: Result) -> dict[str, str]:
    lines = "".join(result.stdout for result in results).splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("PARVIS_"))


def test_what_it_prints_is_what_the_door_is_given(parvis: Run, folder: Path) -> None:
    said = settings_said(parvis("radsec", "authority"), parvis("radsec", "certificate", "--server", "radius.example"))

    certificates = Certificates(load_settings(said | {"PARVIS_SECRET_KEY": "k" * 40}))
    assert timedelta(days=728) < certificates.ends_at - NOW < timedelta(days=731)


def test_a_key_is_for_its_owner_alone(parvis: Run, folder: Path) -> None:
    parvis("radsec", "authority")
    parvis("radsec", "certificate", "Library-1.Example")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}
    assert modes == {"authority.key": 0o600, "library-1.example.key": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("command", [("authority",), ("certificate", "library-1")], ids=" ".join)
def test_nothing_is_overwritten(parvis: Run, folder: Path, command: tuple[str, ...]) -> None:
    parvis("radsec", "authority")
    parvis("radsec", *command)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    again = parvis("radsec", *command)

    assert again.exit_code == 1
    assert "move it away first" in again.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_there_is_no_certificate_without_an_authority(parvis: Run) -> None:
    result = parvis("radsec", "certificate", "library-1")

    assert result.exit_code == 1
    assert "parvis radsec authority" in result.stderr


@pytest.mark.parametrize("name", ["../library", "a b", "authority", "", "é", "x" * 64])
def test_a_name_that_is_no_name_is_refused(parvis: Run, folder: Path, name: str) -> None:
    parvis("radsec", "authority")

    result = parvis("radsec", "certificate", "--", name)

    assert result.exit_code == 1
    assert "letters, digits" in result.stderr
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("is_server", "purpose"), [(True, ExtendedKeyUsageOID.SERVER_AUTH), (False, ExtendedKeyUsageOID.CLIENT_AUTH)]
)
def test_a_certificate_is_good_for_one_thing(is_server: bool, purpose: x509.ObjectIdentifier) -> None:
    made = make_certificate(make_authority("A town", NOW), "library-1", NOW, is_server=is_server)

    usage = made.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    constraints = made.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert list(usage) == [purpose]
    assert not constraints.ca


def test_no_certificate_outlives_its_authority() -> None:
    authority = make_authority("A town", NOW)

    made = make_certificate(authority, "library-1", NOW + AUTHORITY_LIFE - timedelta(days=3))

    assert made.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc
