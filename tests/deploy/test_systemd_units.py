"""The units as systemd reads them, and what a hardened one must say."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from parvis.programs import PROCESSES

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
PROGRAM = "/opt/parvis/.venv/bin/parvis"


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _service(name: str) -> dict[str, str]:
    unit = _Unit(strict=False, interpolation=None)
    unit.read(UNITS / name)
    return dict(unit["Service"])


@pytest.mark.integration
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS.glob("parvis*.[st]*"):
        if unit.suffix in (".service", ".target"):
            here = unit.read_text().replace(PROGRAM, str(shutil.which("true")))  # it looks whether the program exists
            (tmp_path / unit.name).write_text(here)

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.glob("parvis*")))],
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        check=False,
    )

    assert "parvis" not in verified.stderr
    assert verified.returncode == 0


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_has_its_unit(name: str) -> None:
    assert _service(f"parvis-{name}.service")["ExecStart"] == f"{PROGRAM} serve --only {name}"


@pytest.mark.parametrize("unit", sorted(each.name for each in UNITS.glob("*.service")))
def test_a_unit_may_do_little(unit: str) -> None:
    service = _service(unit)

    assert service["User"] == "parvis"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert set(service["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX"}
    assert service["MemoryMax"].endswith("M")
