"""`python -m benchmarks`: run, print the table; `--save` keeps it in docs/benchmarks.md."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import announcements, freeradius, radius, sign_ins, vouchers, web
from benchmarks.report import Report

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- last run -->", "<!-- end of the last run -->"
_PACKAGES = ("freeradius", "freeradius-postgresql", "postgresql", "wrk")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each measurement")
    parser.add_argument("--only", choices=["radius", "portal", "sign-ins", "vouchers", "announcements"])
    parser.add_argument("--quick", action="store_true", help="one short round and one small table: while developing")
    parser.add_argument(
        "--profile", type=Path, metavar="FOLDER", help="what our RADIUS process is busy with, there, by py-spy"
    )
    parser.add_argument("--save", action="store_true", help="keep the result in docs/benchmarks.md")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds = 1, min(asked.seconds, 1.5)
    _install_what_is_missing()
    folder = Path(tempfile.mkdtemp(prefix="parvis-bench-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user
    try:
        report = _run(folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n" + (report.in_short() if asked.quick else report.text()))
    if asked.save and not asked.quick:
        _save(report)


def _run(folder: Path, asked: argparse.Namespace) -> Report:
    load = os.getloadavg()[0]
    how = {"rounds": asked.rounds, "seconds": asked.seconds, "say": _say}
    paper = vouchers.run(folder, rounds=asked.rounds) if asked.only in (None, "vouchers") else None
    shown = announcements.run(folder, rounds=asked.rounds, say=_say) if asked.only in (None, "announcements") else None
    portal = web.run(folder, **how) if asked.only in (None, "portal") else None
    signing = sign_ins.run(folder, **how) if asked.only in (None, "sign-ins") else None
    results = None
    if asked.only in (None, "radius"):
        scenarios = radius.QUICK if asked.quick else radius.SCENARIOS
        results = radius.run(folder, **how, scenarios=scenarios, profile=asked.profile)
    return Report(asked.rounds, asked.seconds, load, results, portal, paper, signing, shown)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _install_what_is_missing() -> None:
    """Debian and Ubuntu, as root or with a sudo that asks nothing."""
    if freeradius.is_installed() and shutil.which("wrk") and Path("/usr/lib/postgresql").exists():
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *_PACKAGES]
    if os.geteuid() != 0:
        command = ["sudo", "--non-interactive", *command]
    _say("Installing " + ", ".join(_PACKAGES))
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "RUNLEVEL": "1"})
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"The benchmarks need these packages of Debian: {', '.join(_PACKAGES)}.")


def _save(report: Report) -> None:
    pattern = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    text = DOCUMENT.read_text(encoding="utf-8")
    result = f"{_BEGIN}\n\n{report.text()}\n{_END}"
    DOCUMENT.write_text(pattern.sub(lambda _: result, text), encoding="utf-8")
    print(f"Kept in {DOCUMENT.relative_to(DOCUMENT.parent.parent)}")


if __name__ == "__main__":
    main()
